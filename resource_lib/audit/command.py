"""
`python -m resource_lib record`: what a guard has recorded and not yet told, read from its spool; for a server without an issuer, its record.

Reads alone: it changes nothing, and may run while the server does. Who may read the folder may read the record. Ends with 0, or 2 when
there is no such folder.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from resource_lib.audit.spool import read_folder

NOT_THERE: Final = 2
_EVERY_S: Final = 0.5
_SAY_EVERY: Final = 50_000


def main(words: list[str]) -> int:
    """Read the folder, write what was asked for, and return the exit code."""
    given = _arguments().parse_args(words)
    folder = Path(given.folder)
    if not folder.is_dir():
        sys.stderr.write(f"record: {folder} is no folder; name the one that `guard.doctor().record` shows\n")
        return NOT_THERE
    try:
        return {"show": _show, "tail": _tail, "export": _export}[given.what](folder, given)
    except BrokenPipeError:
        # Whoever reads has enough.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the interpreter's last flush
        return 0
    except KeyboardInterrupt:
        return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m resource_lib record",
        description="What a guard has recorded: the calls that wait in its spool, or all of them where it has no issuer to tell.",
        epilog="Examples: python -m resource_lib record show DIR --tool refund_order --last 24h; "
        "python -m resource_lib record tail DIR; python -m resource_lib record export DIR > calls.ndjson",
    )
    parser.add_argument("what", choices=("show", "tail", "export"), help="as a table; as it happens; as NDJSON, whole")
    parser.add_argument("folder", help="the spool: `record=Record(spool=…)`, or what `guard.doctor().record` shows")
    parser.add_argument("--tool", help="calls of this tool")
    parser.add_argument("--sub", help="calls of this person")
    parser.add_argument("--client", help="calls by this application")
    parser.add_argument("--decision", choices=("allowed", "refused", "held", "observed"), help="what was decided")
    parser.add_argument("--call", help="every event of one call")
    parser.add_argument("--last", type=_seconds, metavar="TIME", help="how far back: 90s, 15m, 24h, 7d")
    parser.add_argument("--json", action="store_true", help="NDJSON instead of a table")
    return parser


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    if not text[:-1].isdecimal() or text[-1:] not in units:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90s, 15m, 24h or 7d")
    return float(text[:-1]) * units[text[-1]]


def _events(folder: Path, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    after = 0 if given.last is None else (time.time() - given.last) * 1_000_000
    wanted = {
        "tool": given.tool,
        "sub": given.sub,
        "client_id": given.client,
        "decision": given.decision,
        "call": given.call,
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    for data in read_folder(folder):
        event = json.loads(data)
        if event["at"] >= after and all(event.get(name) == value for name, value in wanted.items()):
            yield event


def _export(folder: Path, given: argparse.Namespace) -> int:
    for count, event in enumerate(_events(folder, given), 1):
        sys.stdout.write(json.dumps(event, separators=(",", ":"), ensure_ascii=True) + "\n")
        if count % _SAY_EVERY == 0:
            sys.stderr.write(f"{count} events\n")
    return 0


def _show(folder: Path, given: argparse.Namespace) -> int:
    found = sorted(_events(folder, given), key=lambda event: event["id"])
    for event in found:
        sys.stdout.write(_line(event, as_json=given.json))
    if not given.json:
        sys.stderr.write(f"{len(found)} events\n")
        if not found:
            sys.stderr.write("what was told to the issuer is there: `authserver audit search --calls`\n")
    return 0


def _tail(folder: Path, given: argparse.Namespace) -> int:
    seen = {event["id"] for event in _events(folder, given)}
    while True:
        ids = set()
        for event in sorted(_events(folder, given), key=lambda one: one["id"]):
            ids.add(event["id"])
            if event["id"] not in seen:
                sys.stdout.write(_line(event, as_json=given.json))
                sys.stdout.flush()
        seen = ids
        time.sleep(_EVERY_S)


def _line(event: Mapping[str, Any], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(event, separators=(",", ":"), ensure_ascii=True) + "\n"
    at = datetime.fromtimestamp(event["at"] / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    what = event.get("tool") or event["method"]
    how = event.get("error") or event.get("status") or ""
    took = f"{event['latency_us'] / 1000:.1f} ms" if "latency_us" in event else ""
    asked = json.dumps(event["arguments"], ensure_ascii=True)[:80] if "arguments" in event else ""
    # Every word here is an id, a code or escaped: a terminal does nothing with it.
    return f"{at}  {event['phase']:<8} {what:<28.28} {how:<24.24} {event['sub']:<24.24} {took:>10}  {asked}\n"
