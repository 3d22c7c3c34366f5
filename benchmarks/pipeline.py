"""
What everything that goes in and comes out costs one call: arguments, limits, and all that is done to a result, with every default on.

    python -m benchmarks.pipeline                    the calls in this process, stage by stage, then the SDK's server: about two minutes
    python -m benchmarks.pipeline --publish          the same, and its figures go into docs/performance.md
    python -m benchmarks.pipeline --skip-server --slices 100

In this process, on one core: a warm read call with 300 bytes of arguments and a result of 2 KB, as the official SDK writes it (the structure,
and the same once more as indented text), once of strings that the output schema types, once of free prose. Each call is timed by itself, in
short slices; what the same app costs without a guard is measured in slices between them and taken off. `p50` is the median of all calls,
`quiet` that of the quietest tenth of the slices: what the work costs when nobody else is on the machine.

Then a server of the official SDK with these two tools and as `uvicorn` comes, over loopback: the same program guarded at full settings and
not, side by side on one core, loaded in turn from another, window beside window in random order.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, stages
from benchmarks.guard import FORMS, MODERN, Driven, Server, compared, driven, headers, started
from benchmarks.load import Exchange, Flow, WrongAnswerError
from benchmarks.published import put
from resource_lib import Limits, ResourceGuard, read
from resource_lib.testing import TestIssuer

ROOT: Final = Path(__file__).parents[1]
ISSUER, RESOURCE = "https://auth.example.com", "https://mcp.example.com/mcp"
GOALS_US: Final = {"typed": 120, "prose": 700}
"""p50 of what the guard adds."""
LEAST_RATIO: Final = 0.9
"""Of what an unguarded server does."""
SAID: Final = {"typed": "typed by its schema", "prose": "free prose"}

NO_END: Final = "1000000/s"
"""A limit that no benchmark meets, and that is counted all the same."""

_WORDS: Final = (
    "The customer wrote on Monday that the second parcel had not come, and asked whether it could be sent again to the office "
    "instead of the flat. We looked at the tracking page: it left the depot on the fourth and was scanned at the border two days "
    "later, so it should arrive this week. Nothing was promised about a refund. "
)
_ITEM: Final = {
    "type": "object",
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "state": {"type": "string", "enum": ["paid", "sent", "back"]},
        "at": {"type": "string", "format": "date-time"},
        "id": {"type": "string", "format": "uuid"},
        "quantity": {"type": "integer", "minimum": 0},
        "cents": {"type": "integer", "minimum": 0},
    },
    "required": ["sku", "state", "at", "id", "quantity", "cents"],
}
OUTPUT: Final = {
    "typed": {"type": "object", "properties": {"items": {"type": "array", "items": _ITEM}}, "required": ["items"]},
    "prose": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}
INPUT: Final = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "maxLength": 64},
        "states": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 20},
        "since": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "maxLength": 200},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    },
    "required": ["order_id"],
}
ARGUMENTS: Final = {
    "order_id": "A-1001",
    "states": ["paid", "sent", "back"],
    "since": "2026-11-01T00:00:00Z",
    "note": "the second parcel of the order that was sent to the office and not to the flat, as the customer had asked; "
    "look at what was scanned last and when, and whether it can still be stopped",
    "limit": 100,
}


def structured(kind: str) -> dict[str, Any]:
    """Return a result of about 2 KB."""
    if kind == "prose":
        return {"text": (_WORDS * 6)[:2000]}
    item = {
        "sku": "ABC-1234",
        "state": "sent",
        "at": "2026-11-20T10:00:00Z",
        "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "quantity": 2,
        "cents": 4990,
    }
    return {"items": [item | {"quantity": number} for number in range(7)]}


def server(kind: str) -> Driven:
    """Return an app that lists one tool and answers its calls at once, in bytes made beforehand."""
    tool = {
        "name": f"get_{kind}",
        "description": "Returns what is known of an order. Call it when somebody asks where an order is.",
        "inputSchema": INPUT,
        "outputSchema": OUTPUT[kind],
        "annotations": {"readOnlyHint": True},
    }
    said = structured(kind)
    # As the official SDK writes it: the structure once more as text, indented, in a message without spaces.
    result = {
        "content": [{"type": "text", "text": json.dumps(said, indent=2)}],
        "structuredContent": said,
        "isError": False,
        "resultType": "complete",
    }
    called = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}, separators=(",", ":")).encode()

    async def app(_: Any, receive: Any, send: Any) -> None:
        asked = (await receive()).get("body", b"")
        body = called
        if b"tools/list" in asked:
            listed = {"tools": [tool], "resultType": "complete"}
            body = json.dumps({"jsonrpc": "2.0", "id": json.loads(asked)["id"], "result": listed}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    return app


def guard_of(issuer: TestIssuer) -> ResourceGuard:
    """Return a guard at its defaults: every control that needs no credential is on. Limits are counted, and never met."""
    return ResourceGuard(
        issuer=ISSUER,
        resource=RESOURCE,
        keys=issuer.keys(),
        tools={f"get_{kind}": read("order:read", limit=NO_END) for kind in GOALS_US},
        limits=Limits(credential=NO_END, read=NO_END, write=NO_END, destructive=NO_END),
        public_paths=["/up"],
    )


def call_body(kind: str) -> bytes:
    """Return one `tools/call`, as the SDKs' clients write it: without spaces."""
    params: dict[str, Any] = {
        "name": f"get_{kind}",
        "arguments": ARGUMENTS,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


# In this process.


class Scene:
    """One kind of call: guarded, and the app alone."""

    def __init__(self, kind: str) -> None:
        issuer = TestIssuer(ISSUER, resource=RESOURCE)
        self.kind = kind
        self.bare = server(kind)
        self.guard = guard_of(issuer)
        self.guarded: Driven = self.guard.wrap(self.bare)
        self.body = call_body(kind)
        self.sent = headers(MODERN, self.body, issuer.token(scopes=["order:read"]), tool=f"get_{kind}")

    async def slice(self, app: Driven, calls: int) -> list[float]:
        """Return µs of each of some calls."""
        found = []
        clock = time.perf_counter_ns
        for _ in range(calls):
            began = clock()
            await driven(app, self.body, self.sent)
            found.append((clock() - began) / 1e3)
        return found

    async def check(self) -> int:
        """Raise RuntimeError unless calls are answered in full; return the size of an answer in bytes."""
        said = bytearray()
        await driven(self.guarded, self.body, self.sent, said)
        result = json.loads(said)["result"]
        if result.get("isError") or result.get("structuredContent") != structured(self.kind):
            raise RuntimeError(f"the call was refused or changed, so nothing was measured: {result}")
        return len(said)


async def measured(kind: str, *, slices: int, calls: int) -> dict[str, Any]:
    """Return µs of a guarded call, what it adds to the bare app's, and what each stage costs."""
    scene = Scene(kind)
    size = await scene.check()
    await scene.slice(scene.guarded, 200)
    guarded: list[list[float]] = []
    bare: list[list[float]] = []
    for _ in range(slices):
        guarded.append(await scene.slice(scene.guarded, calls))
        bare.append(await scene.slice(scene.bare, calls))
    singles = sorted(each for one in guarded for each in one)
    floor = statistics.median(each for one in bare for each in one)
    return {
        "bytes": size,
        "p50": singles[len(singles) // 2],
        "p99": singles[int(len(singles) * 0.99)],
        "added": singles[len(singles) // 2] - floor,
        "quiet": _quiet(guarded) - _quiet(bare),
        "stages": await _stages(scene, slices=slices, calls=calls),
    }


def _quiet(slices: Sequence[Sequence[float]]) -> float:
    """Return the median of the medians of the quietest tenth of the slices."""
    medians = sorted(statistics.median(one) for one in slices)
    return statistics.median(medians[: max(1, len(medians) // 10)])


async def _stages(scene: Scene, *, slices: int, calls: int) -> dict[str, float]:
    """Return what each stage costs by itself in the quietest slice, in µs of one call, without what the watching costs."""
    inner, outer = stages.own_cost_us()
    best: dict[str, float] = {}
    with stages.watched() as watch:
        app = watch.coroutine(stages.REST, scene.guard.wrap(watch.coroutine(_APP, scene.bare)))
        for _ in range(slices):
            watch.begin()
            for _ in range(calls):
                await driven(app, scene.body, scene.sent)
            found = watch.us(calls, inner=inner, outer=outer)
            if not best or sum(found.values()) < sum(best.values()):
                best = found
    return {name: us for name, us in sorted(best.items(), key=lambda one: -one[1]) if us >= 0.1 and name != _APP}


_APP: Final = "the app itself"


# Over loopback.


def throughput(*, rounds: int, seconds: float, connections: int) -> dict[str, dict[str, Any]]:
    """Return, by tool and form of answer, what a server of the official SDK does guarded and not, and the ratio of neighbouring windows."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        servers: dict[str, dict[str, Server]] = {form: {} for form in FORMS}
        for form in FORMS:
            for kind in ("unguarded", "guarded"):
                servers[form][kind] = one = started("pipeline", kind, form, Path(folder), core=cores.server)
                ends.callback(one[0].stop)
        with machine.pinned(cores.load):
            return {
                f"{kind}, {form}": asyncio.run(
                    compared(
                        servers[form], partial(_flow, kind), rounds=rounds, seconds=seconds, connections=connections
                    )
                )
                for form in FORMS
                for kind in GOALS_US
            }


def _flow(kind: str, token: str) -> Flow:
    body = call_body(kind)
    lines = [name + b": " + value for name, value in headers(MODERN, body, token, tool=f"get_{kind}")]
    request = b"\r\n".join([b"POST /mcp HTTP/1.1", *lines]) + b"\r\n\r\n" + body

    def unit() -> Exchange:
        answer = (yield request).expect(200)
        if b'"structuredContent":{' not in answer.body or b'"isError":true' in answer.body:
            raise WrongAnswerError(answer.body[:300].decode(errors="replace"))

    return unit


def serve(kind: str, form: str, port: int, path: Path) -> None:
    """Be one of the servers: `uvicorn` as its users start it, without an access log."""
    import uvicorn
    from starlette.responses import PlainTextResponse

    from benchmarks.sdk_server import made
    from resource_lib.integrations.mcp_sdk import guarded

    issuer = TestIssuer(ISSUER, resource=RESOURCE)
    path.write_text(issuer.token(scopes=["order:read"]))
    mcp = made(typed=structured("typed"), prose=structured("prose")["text"])

    @mcp.custom_route("/up", methods=["GET"])
    async def up(_: Any) -> PlainTextResponse:
        return PlainTextResponse("up")

    options: dict[str, Any] = {"json_response": form == "json", "host": "0.0.0.0"}  # only says: check no Host header
    app: Any = guarded(mcp, guard_of(issuer), **options) if kind == "guarded" else mcp.streamable_http_app(**options)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


# What is said of it.


def text(said: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    about = said["machine"]
    lines = [
        f"{said['at']}, {about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}.",
        f"Load average at the beginning: {said['load_average']:.1f}.",
        "",
        "**One call in this process, in µs.**",
        "",
        "| strings of the result | answer | p50 | p99 | added to the app, p50 | in quiet slices | goal | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, found in said["in process"].items():
        goal = GOALS_US[kind]
        figures = " | ".join(f"{found[name]:.0f}" for name in ("p50", "p99", "added", "quiet"))
        lines.append(f"| {SAID[kind]} | {found['bytes']:,} bytes | {figures} | {goal} | {_verdict(found, goal)} |")
    kinds = list(said["in process"])
    lines += [
        "",
        "**Where it goes: each stage by itself, µs of one call in the quietest slice.**",
        "",
        f"| stage | {' | '.join(SAID[kind] for kind in kinds)} |",
        "|---" * (len(kinds) + 1) + "|",
    ]
    by_stage = [said["in process"][kind]["stages"] for kind in kinds]
    for name in dict.fromkeys(name for one in reversed(by_stage) for name in one):
        lines.append(f"| {name} | {' | '.join(f'{one[name]:.1f}' if name in one else '' for one in by_stage)} |")
    if "official SDK" in said:
        lines += [
            "",
            "**A server of the official SDK, 16 connections, calls per second.**"
            if said["connections"] == 16
            else "**A server of the official SDK.**",
            "",
            "| result, form of the answer | unguarded | guarded | ratio | by processor time | µs a call, unguarded | guarded | goal | |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for name, each in said["official SDK"].items():
            bare, one = each["unguarded"], each["guarded"]
            met = "met" if one["ratio"] >= LEAST_RATIO else f"{(1 - one['ratio'] / LEAST_RATIO) * 100:.0f} % short"
            lines.append(
                f"| {name} | {bare['per_second']:.0f} | {one['per_second']:.0f} | {one['ratio']:.2f}x | {one['ratio_by_processor']:.2f}x "
                f"| {bare['processor_us']:.0f} | {one['processor_us']:.0f} | {LEAST_RATIO}x | {met} |"
            )
    return "\n".join(lines)


def _verdict(found: dict[str, Any], goal: int) -> str:
    if found["added"] <= goal:
        return "met"
    return "met in quiet slices" if found["quiet"] <= goal else f"{(found['quiet'] / goal - 1) * 100:.0f} % over"


def main() -> int:
    """Measure and print; returns 1 where a goal is missed in quiet slices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--calls", type=int, default=20, help="in a slice")
    parser.add_argument("--rounds", type=int, default=15, help="windows of load for each server")
    parser.add_argument("--seconds", type=float, default=0.7, help="the length of each window")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--skip-server", action="store_true", help="only the calls in this process")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve[0], asked.serve[1], int(asked.serve[2]), Path(asked.serve[3]))
        return 0
    said: dict[str, Any] = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine.description(),
        "load_average": os.getloadavg()[0],
        "connections": asked.connections,
    }
    with machine.pinned(machine.cores().server):
        said["in process"] = {
            kind: asyncio.run(measured(kind, slices=asked.slices, calls=asked.calls)) for kind in GOALS_US
        }
    if not asked.skip_server:
        said["official SDK"] = throughput(rounds=asked.rounds, seconds=asked.seconds, connections=asked.connections)
    found = text(said)
    print(found)
    if asked.publish:
        put(ROOT / "docs" / "performance.md", "pipeline", found)
    return int(any(each["quiet"] > GOALS_US[kind] for kind, each in said["in process"].items()))


if __name__ == "__main__":
    sys.exit(main())
