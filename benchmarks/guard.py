"""
What the guard costs a tool call: the decision alone, the whole guard around an empty app, and a server of the official SDK.

    python -m benchmarks.guard [--rounds 15] [--seconds 1] [--connections 16] [--json]

The first three run in this process, on one core: a warm call of a read tool, each timed by itself, p50 and p99 (`every check`
is a decision made anew, `decision` is one as the guard takes it, which remembers what cannot have changed, `conditions` is that
of a tool with three conditions, one of them about an earlier call); `quiet` is
the mean of the best tenth of the rounds in processor time. For the third, two processes of one program, guarded and not,
stand on one core, and are loaded in turn over loopback from another core, in random order; each ratio is of a pair of
neighbouring windows, so that a noisy machine hits both alike. The server does nothing but return its argument, so no tool
can make the guard look cheaper than it is. `SDK's own` is the same server behind the SDK's bearer authentication with
a verifier that looks nothing up: what a call would cost with any authentication at all, without one decision about it.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.children import Child, free_port
from benchmarks.load import Answer, Connections, Exchange, Flow, WrongAnswerError
from resource_lib import Limits, ResourceGuard, deny_if, read, require
from resource_lib.call import Call, Facts
from resource_lib.checks import decide
from resource_lib.testing import TestIssuer
from resource_lib.transport.body import read_body

ISSUER, RESOURCE = "https://auth.example.com", "https://mcp.example.com/mcp"
MODERN, LEGACY = "2026-07-28", "2025-11-25"
KINDS = ("unguarded", "guarded", "SDK's own")
Driven = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI app."""
FORMS = ("events", "json")
"""How the SDK's server answers: as it comes, in event streams; or as one JSON document (`json_response=True`)."""
ORDER = "A-1001"
MOST_US = {"every check": (20, 60), "decision": (20, 60), "conditions": (20, 60)}
"""What the whole decision about a read tool that waits for nobody may cost, p50 and p99 (the design's section on speed)."""
NEVER_MET = Limits(credential="1000000/s", read="1000000/s")
"""Counted as any other limits, and wide enough for a flood."""
CONDITIONS = (
    require("called('get_customer', within='10 min')", because="Look at the customer first."),
    deny_if("len(args.order_id) > 20 or contains(args.order_id, '*')", because="One order at a time."),
    deny_if("purpose == 'marketing'", because="Orders are for support.", observe=True),
)


def guard_of(issuer: TestIssuer) -> ResourceGuard:
    """Return a guard as most servers have it: a handful of tools, one of them called."""
    tools = {f"get_{name}": read(f"{name}:read") for name in ("order", "orders", "customer", "customers", "invoice")}
    return ResourceGuard(
        issuer=ISSUER, resource=RESOURCE, tools=tools, keys=issuer.keys(), public_paths=["/up"], limits=NEVER_MET
    )


def new_issuer() -> tuple[TestIssuer, str]:
    """Return an issuer and a token of its, of a person who may read."""
    issuer = TestIssuer(ISSUER, resource=RESOURCE)
    return issuer, issuer.token(scopes=["order:read", "customer:read", "orders:read"], roles=["support"])


def call_body(version: str) -> bytes:
    """Return one `tools/call`, as the SDK's client of that era writes it."""
    params: dict[str, Any] = {"name": "get_order", "arguments": {"order_id": ORDER}}
    if version == MODERN:
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


def headers(
    version: str, body: bytes, token: str, session: str | None = None, *, tool: str = "get_order"
) -> list[tuple[bytes, bytes]]:
    """Return the headers of that call, as httpx sends them."""
    found = {
        "host": "mcp.example.com",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
        "user-agent": "python-httpx/0.28",
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "mcp-protocol-version": version,
        "content-length": str(len(body)),
    }
    if version == MODERN:
        found |= {"mcp-method": "tools/call", "mcp-name": tool}
    if session is not None:
        found["mcp-session-id"] = session
    return [(name.encode(), value.encode()) for name, value in found.items()]


# In this process.


async def in_process(*, rounds: int, calls: int = 400) -> dict[str, dict[str, float]]:
    """Return µs per call of the decision and of the whole guard around an app that does nothing."""
    issuer, token = new_issuer()
    guard = guard_of(issuer)
    guarded = guard.wrap(_empty)
    body = call_body(MODERN)
    sent = headers(MODERN, body, token)
    principal = await issuer.validator().verify(token)
    message = read_body(body).messages[0]

    async def decision() -> None:
        now = time.time()
        found = guard.decide(message, principal, now)
        assert found is not None
        assert found.refusal is None

    async def anew() -> None:
        call = Call(subject="get_order", is_tool=True)
        facts = Facts(demand=guard.tools["get_order"], principal=principal, granted=principal.scopes, now=time.time())
        assert decide(call, facts).allowed

    tools = {"get_order": read("order:read", when=CONDITIONS), "get_customer": read("customer:read")}
    strict = ResourceGuard(issuer=ISSUER, resource=RESOURCE, tools=tools, keys=issuer.keys(), limits=NEVER_MET)
    await driven(strict.wrap(_empty), body.replace(b"get_order", b"get_customer"), sent)

    async def conditions() -> None:
        found = strict.decide(message, principal, time.time())
        assert found is not None
        assert found.refusal is None

    async def whole() -> None:
        await driven(guarded, body, sent)

    async def nothing() -> None:
        await driven(_empty, body, sent)

    found = {
        name: await timed(work, rounds=rounds, calls=calls)
        for name, work in (
            ("every check", anew),
            ("decision", decision),
            ("conditions", conditions),
            ("whole guard", whole),
            ("empty app", nothing),
        )
    }
    floor = found.pop("empty app")["quiet_us"]
    found["whole guard"]["quiet_over_empty_us"] = found["whole guard"]["quiet_us"] - floor
    return found


async def timed(work: Callable[[], Any], *, rounds: int, calls: int) -> dict[str, float]:
    """Return what one `work()` costs: p50 and p99 of single ones, and the mean of quiet rounds, in µs."""
    singles: list[int] = []
    means: list[float] = []
    clock = time.perf_counter_ns
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(calls):
            start = clock()
            await work()
            singles.append(clock() - start)
        means.append((time.process_time() - began) / calls * 1e6)
    singles.sort()
    return {
        "p50_us": singles[len(singles) // 2] / 1e3,
        "p99_us": singles[int(len(singles) * 0.99)] / 1e3,
        "quiet_us": statistics.mean(sorted(means)[: max(1, rounds // 10)]),
    }


async def driven(app: Driven, body: bytes, sent: list[tuple[bytes, bytes]], said: bytearray | None = None) -> None:
    """Send one request to an app. `said` gets the body of the answer. Raises WrongAnswerError unless it is a 200."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "headers": sent,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise WrongAnswerError(str(message))
        if said is not None:
            said.extend(message.get("body", b""))

    await app(scope, receive, send)


async def _empty(_: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


# Over loopback.


def throughput(*, rounds: int, seconds: float, connections: int) -> dict[str, Any]:
    """Return calls per second and processor µs per call of each server, and the ratios of neighbouring windows."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        servers: dict[str, dict[str, Server]] = {form: {} for form in FORMS}
        for form in FORMS:
            for kind in KINDS:
                servers[form][kind] = server = started("guard", kind, form, Path(folder), core=cores.server)
                ends.callback(server[0].stop)
        with machine.pinned(cores.load):
            return {
                f"{version}, {form}": asyncio.run(
                    compared(
                        servers[form],
                        lambda token, version=version: _flow(version, token),  # type: ignore[misc]
                        rounds=rounds,
                        seconds=seconds,
                        connections=connections,
                    )
                )
                for version in (MODERN, LEGACY)
                for form in FORMS
            }


Server = tuple[Child, int, str]


def started(module: str, kind: str, form: str, folder: Path, *, core: int | None) -> Server:
    """Start `python -m benchmarks.MODULE --serve` as one of the servers, on a core."""
    port = free_port()
    path = folder / f"{module}-{form}-{kind.replace(' ', '-')}.token"
    command = [sys.executable, "-m", f"benchmarks.{module}", "--serve", kind, form, str(port), str(path)]
    child = Child(command, log=path.with_suffix(".log"), core=core, folder=Path(__file__).parents[1])
    child.wait_for(f"http://127.0.0.1:{port}/up")
    return child, port, path.read_text()


async def compared(
    servers: dict[str, Server], flow: Callable[[str], Flow], *, rounds: int, seconds: float, connections: int
) -> dict[str, Any]:
    """Load servers in turn, window beside window in random order; return what each does, and its ratios to the unguarded one."""
    per_second: dict[str, list[float]] = {kind: [] for kind in servers}
    processor: dict[str, list[float]] = {kind: [] for kind in servers}
    for _ in range(rounds):
        order = list(servers)
        random.shuffle(order)
        for kind in order:
            child, port, token = servers[kind]
            open_ = Connections()
            await open_.open(port, [flow(token) for _ in range(connections)])
            await open_.window(0.2)
            before = machine.clocks(server=child.pid, database=None)
            load = await open_.window(seconds)
            after = machine.clocks(server=child.pid, database=None)
            open_.close()
            if not load.latencies:
                raise WrongAnswerError("nothing finished within a window: the machine is too busy to measure on")
            per_second[kind].append(load.per_second)
            processor[kind].append((after.server - before.server) / max(1, len(load.latencies)) * 1e6)
    base, base_processor = per_second["unguarded"], processor["unguarded"]
    return {
        kind: {
            "per_second": statistics.median(per_second[kind]),
            "processor_us": statistics.median(processor[kind]),
            "ratio": statistics.median(a / b for a, b in zip(per_second[kind], base, strict=True)),
            "ratio_by_processor": statistics.median(
                b / a for a, b in zip(processor[kind], base_processor, strict=True)
            ),
        }
        for kind in servers
    }


def _flow(version: str, token: str) -> Flow:
    body = call_body(version)
    session: list[str] = []

    def request(content: bytes, session_id: str | None = None) -> bytes:
        lines = [name + b": " + value for name, value in headers(version, content, token, session_id)]
        return b"\r\n".join([b"POST /mcp HTTP/1.1", *lines]) + b"\r\n\r\n" + content

    def opened() -> Generator[bytes, Answer, None]:
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}
        first = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
        answer = (yield request(json.dumps(first).encode())).expect(200)
        found = answer.header("mcp-session-id")
        if found is None:
            raise WrongAnswerError("no session was opened")
        session.append(found)
        told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        (yield request(json.dumps(told).encode(), found)).expect(202)

    prepared: list[bytes] = []

    def unit() -> Exchange:
        if not prepared:
            if version == LEGACY:
                yield from opened()
            prepared.append(request(body, session[0] if session else None))
        answer = (yield prepared[0]).expect(200)
        if ORDER.encode() not in answer.body:
            raise WrongAnswerError(answer.body[:200].decode(errors="replace"))

    return unit


def serve(kind: str, form: str, port: int, path: Path) -> None:
    """Be one of the servers: `uvicorn` as its users start it, without an access log."""
    import uvicorn
    from mcp.server import MCPServer
    from mcp.server.auth.provider import AccessToken
    from mcp.server.auth.settings import AuthSettings
    from starlette.responses import PlainTextResponse

    from resource_lib.integrations.mcp_sdk import guarded

    issuer, token = new_issuer()
    path.write_text(token)
    expires = int(time.time()) + 3600

    class Believing:
        async def verify_token(self, given: str) -> AccessToken | None:
            scopes = ["order:read"]
            return AccessToken(token=given, client_id="c", scopes=scopes, expires_at=expires, resource=RESOURCE)

    own: dict[str, Any] = {}
    if kind == "SDK's own":
        settings: Any = {"issuer_url": ISSUER, "resource_server_url": RESOURCE, "required_scopes": ["order:read"]}
        own = {"token_verifier": Believing(), "auth": AuthSettings(**settings)}
    server = MCPServer("orders", **own)

    @server.tool()
    def get_order(order_id: str) -> str:
        """Return one order."""
        return order_id

    @server.custom_route("/up", methods=["GET"])
    async def up(_: Any) -> PlainTextResponse:
        return PlainTextResponse("up")

    options: dict[str, Any] = {"json_response": form == "json", "host": "0.0.0.0"}  # only says: check no Host header
    app: Any = (
        guarded(server, guard_of(issuer), **options) if kind == "guarded" else server.streamable_http_app(**options)
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def _verdict(name: str, figures: dict[str, float]) -> str:
    if name not in MOST_US:
        return ""
    p50, p99 = MOST_US[name]
    met = figures["p50_us"] <= p50 and figures["p99_us"] <= p99
    return f"  goal p50 {p50} p99 {p99}: {'met' if met else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="the length of each window of load")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        return serve(chosen.serve[0], chosen.serve[1], int(chosen.serve[2]), Path(chosen.serve[3]))
    with machine.pinned(machine.cores().server):
        alone = asyncio.run(in_process(rounds=chosen.rounds * 4))
    over_http = throughput(rounds=chosen.rounds, seconds=chosen.seconds, connections=chosen.connections)
    if chosen.json:
        return print(json.dumps({"in process, µs": alone, "official SDK": over_http}, indent=1))
    for name, figures in alone.items():
        print(
            f"{name:12} "
            + "  ".join(f"{what} {value:.1f}" for what, value in figures.items())
            + _verdict(name, figures)
        )
    print(f"\n{'':18} {'':12} {'calls/s':>8} {'ratio':>7} {'cpu µs':>8} {'by cpu':>7}")
    for version, kinds in over_http.items():
        for kind, line in kinds.items():
            print(
                f"{version:18} {kind:12} {line['per_second']:8.0f} {line['ratio']:6.3f}x"
                f" {line['processor_us']:8.0f} {line['ratio_by_processor']:6.3f}x"
            )
    return None


if __name__ == "__main__":
    main()
