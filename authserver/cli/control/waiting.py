"""Waiting until everybody has obeyed: each instance as it comes, and at the end who did not, and what that means."""

import asyncio
import sys
import time
from dataclasses import asdict
from typing import Any

from authserver.cli.control.port import Control, Heard, Order
from authserver.runtime.words import plain

PATIENCE_S = 30.0
"""How long an instance that goes on hearing us and says nothing is waited for."""

IN_FORCE_NOT_CONFIRMED = 3
"""The exit code of something that is in force and that not everybody has confirmed."""


async def waited(control: Control, order: Order, *, quiet: bool, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """Return who obeyed an order, when each has or its lease has ended; says each as it comes unless `quiet`.

    Ctrl-C ends the waiting and nothing else, and says so.
    """
    began = time.monotonic()
    known: dict[tuple[str, str], Heard] = {}
    try:
        while True:
            for one in await control.heard(order):
                before = known.get((one.resource, one.instance))
                known[one.resource, one.instance] = one
                if not quiet and (before is None or before.state != one.state):
                    _say(one)
            if all(one.state != "waiting" for one in known.values()) or time.monotonic() - began > patience_s:
                break
            await asyncio.sleep(control.look_every_s)
    except asyncio.CancelledError:
        print("\nNo longer waiting. It is in force and stays so; `authserver kill list` shows it.", file=sys.stderr)
        raise
    return _result(order, list(known.values()))


def _say(one: Heard) -> None:
    where = f"{plain(one.instance, 100)}  {plain(one.resource, 200)}"
    match one.state:
        case "applied":
            after = f" after {_seconds(one.after_ms)}" if one.after_ms is not None else ""
            print(f"  {'applied' + after:<22} {where}", flush=True)
        case "lapsed":
            print(f"  {'silent, lease ended':<22} {where}", flush=True)
        case _:
            print(f"  {'waiting for':<22} {where}", flush=True)


def _result(order: Order, heard: list[Heard]) -> dict[str, Any]:
    applied = [one for one in heard if one.state == "applied"]
    slowest = max((one.after_ms or 0 for one in applied), default=0)
    return {
        "number": order.number,
        "applied": len(applied),
        "of": len(heard),
        "seconds": round(slowest / 1000, 3),
        "everyone": bool(heard) and len(applied) == len(heard),
        "instances": [asdict(one) for one in heard],
    }


def conclusion(result: dict[str, Any]) -> str:
    """Return the last words about it."""
    if not result["of"]:
        return (
            "0/0 applied: no MCP server has asked us in the last minute, so nobody is waited for. A guard without a "
            "credential hears nothing: there, tokens go on until they expire."
        )
    lines = [f"{result['applied']}/{result['of']} applied in {_seconds(int(result['seconds'] * 1000))}"]
    for one in result["instances"]:
        where = f"{plain(one['instance'], 100)} at {plain(one['resource'], 200)}"
        if one["state"] == "lapsed":
            lines.append(
                f"silent: {where}. It has heard nothing for longer than its lease, so it has stopped by itself: it begins "
                "no write, and when it comes back it hears of this before it goes on."
            )
        elif one["state"] == "waiting":
            lines.append(
                f"not confirmed: {where}. It asks us and has not said that it applied this: look at its log, or stop its "
                "process."
            )
    return "\n".join(lines)


def _seconds(ms: int | None) -> str:
    seconds = (ms or 0) / 1000
    return f"{seconds:.2f} s" if seconds < 0.1 else f"{seconds:.1f} s"
