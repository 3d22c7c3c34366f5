"""
What everything that goes in and comes out costs one call: arguments, limits, and all that is done to a result, with every default on.

    python -m benchmarks.pipeline [--rounds 40] [--profile]

In this process, on one core: a warm read call with 300 bytes of arguments and a result of 2 KB, once of strings that the output schema
types, once of free prose. Each call is timed by itself; what the same app costs without a guard is measured in the same run and taken off.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import time
from typing import Any, Final

from benchmarks import machine
from benchmarks.guard import MODERN, Driven, driven, headers, timed
from resource_lib import Limits, ResourceGuard, read
from resource_lib.testing import TestIssuer

ISSUER, RESOURCE = "https://auth.example.com", "https://mcp.example.com/mcp"
GOALS_US: Final = {"typed": 120, "prose": 700}
"""p50 of what the guard adds."""

_NO_END: Final = "1000000/s"
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
_OUTPUT: Final = {
    "typed": {"type": "object", "properties": {"items": {"type": "array", "items": _ITEM}}, "required": ["items"]},
    "prose": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}
_INPUT: Final = {
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
        "name": "get_order",
        "description": "Returns what is known of an order. Call it when somebody asks where an order is.",
        "inputSchema": _INPUT,
        "outputSchema": _OUTPUT[kind],
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


async def measured(kind: str, *, rounds: int, calls: int, profile: bool) -> dict[str, float]:
    """Return µs: p50 and p99 of a guarded call, and what it adds to the bare app's, by the clock and in processor time."""
    issuer = TestIssuer(ISSUER, resource=RESOURCE)
    guard = ResourceGuard(
        issuer=ISSUER,
        resource=RESOURCE,
        keys=issuer.keys(),
        tools={"get_order": read("order:read", limit=_NO_END)},
        limits=Limits(credential=_NO_END, read=_NO_END, write=_NO_END, destructive=_NO_END),
    )
    params = {
        "name": "get_order",
        "arguments": ARGUMENTS,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, separators=(",", ":")
    ).encode()
    sent = headers(MODERN, body, issuer.token(scopes=["order:read"]))
    bare = server(kind)
    guarded = guard.wrap(bare)
    first = bytearray()
    await driven(guarded, body, sent, first)
    reply = json.loads(first)
    if reply["result"].get("isError") or "structuredContent" not in reply["result"]:
        raise RuntimeError(f"the call was refused, so nothing was measured: {reply}")
    if profile:
        with cProfile.Profile() as watched:
            for _ in range(2000):
                await driven(guarded, body, sent)
        pstats.Stats(watched, stream=sys.stdout).sort_stats("tottime").print_stats(25)
    found = await timed(lambda: driven(guarded, body, sent), rounds=rounds, calls=calls)
    floor = await timed(lambda: driven(bare, body, sent), rounds=rounds, calls=calls)
    return {
        "p50": found["p50_us"],
        "p99": found["p99_us"],
        "added": found["p50_us"] - floor["p50_us"],
        "quiet": found["quiet_us"] - floor["quiet_us"],
    }


def main() -> int:
    """Measure and print; returns 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    asked = parser.parse_args()
    missed = False
    with machine.pinned(machine.cores().server):
        for kind, goal in GOALS_US.items():
            found = asyncio.run(measured(kind, rounds=asked.rounds, calls=asked.calls, profile=asked.profile))
            met = found["added"] <= goal
            missed = missed or not met
            print(
                f"{kind:6}  p50 {found['p50']:6.1f} µs  p99 {found['p99']:6.1f} µs  added {found['added']:6.1f} µs  (processor time of quiet rounds {found['quiet']:6.1f} µs)"
                f"  goal {goal} µs: {'met' if met else 'MISSED'}"
            )
    return int(missed)


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
