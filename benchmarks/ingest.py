"""
What the record costs where it is kept: `POST /rs/audit` of a real server process, until every event is sealed.

    python -m benchmarks.record ingest [--seconds 5] [--store sqlite] [--publish] [--json]

Guards' events in batches of 500, by a few connections that each wait for their answer: how many a second are durable *and* covered by a
signed checkpoint, from the first byte sent until that checkpoint is there. Then half of that load (half of the promise, where it is
kept), in batches of 50 sent by the clock, whoever waits: how long an acknowledgement takes, counted from when its batch was due.
`full` events hold redacted arguments, a result and a customer named; `header` ones are those of a tool with `record="header"`: sizes,
commitments, and who it was. Each of them has a payload of its own, encrypted. The server runs on one core, the load on another;
PostgreSQL, with synchronous commits, on both.
"""

import asyncio
import json
import secrets
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from authserver.domain.audit import sealing
from authserver.domain.tenants import tenant as tenants
from authserver.opening import close_machines, open_machines
from authserver.runtime.machines import Machines
from authserver.settings import load_settings
from benchmarks import machine, ours
from benchmarks.load import WrongAnswerError
from benchmarks.targets import Target
from resource_lib.wire.record import MOST_EVENTS, PATH, new_id
from tests.support.postgres import PostgresServer, postgres_server

PROMISED = {("sqlite FULL", "full"): 15_000, ("postgresql", "full"): 15_000, ("sqlite FULL", "header"): 50_000}
"""Events a second, sealed."""
ACKNOWLEDGED_MS = 10.0
"""p99 at half of the load."""
_SMALL = 50
_PATIENCE_S = 60


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one server on one store takes of one kind of events."""

    store: str
    workers: int
    content: str
    bytes_each: int
    per_second: float
    goal: int | None
    server_us: float
    """Processor time of the server for each event; `database_us`: of PostgreSQL."""
    database_us: float
    half_per_second: float
    p50_ms: float
    p99_ms: float
    server_share: float
    """Of the time of the first part, in percent of one core."""
    other: float
    """What other programs used meanwhile."""


def events(count: int, *, tenant: str, content: str, at: int) -> list[dict[str, Any]]:
    """Return as many outcomes as are asked for, as a guard tells them."""
    made = []
    for number in range(count):
        event_id = new_id(at + number)
        event = {
            "id": event_id, "call": event_id, "phase": "outcome", "at": at + number, "instance": "gi_orders_1", "tenant": tenant,
            "sub": f"usr_{number % 500:016d}", "client_id": "https://agent.example.com/client.json",
            "authorization_id": f"auz_{number % 500:016d}", "token": secrets.token_hex(32), "session": "ab" * 32,
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01", "method": "tools/call", "tool": "search_orders",
            "tool_class": "read", "definition_hash": "cd" * 32, "policy_version": "ef" * 32, "decision": "allowed",
            "rules": [[name, "allow"] for name in ("not_revoked", "tool_allowed", "scopes", "input_schema", "rate_limit")],
            "arguments_bytes": 60, "arguments_commit": secrets.token_hex(32), "arguments_salt": secrets.token_hex(32),
            "status": "ok", "result_bytes": 600, "result_commit": secrets.token_hex(32), "result_salt": secrets.token_hex(32),
            "latency_us": 1500 + number, "cost": 1,
        }  # fmt: skip
        if content == "full":
            customer = f"c{secrets.randbelow(100_000)}@customer.example"
            rows = [{"id": f"A-{number}-{place}", "state": "shipped", "total": 1234 + place} for place in range(10)]
            event |= {
                "arguments": {"query": f"order {number}", "customer": customer, "limit": 20},
                "result": json.dumps({"orders": rows}), "subjects": [["email", customer]],
            }  # fmt: skip
        made.append(event)
    return made


class Telling:
    """Tells one server of events over a few connections."""

    def __init__(self, target: Target, tenant: str, content: str) -> None:
        self._target, self._tenant, self._content = target, tenant, content
        server = target.resource_server
        credential = b64encode(f"{server.id}:{server.secret}".encode()).decode()
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nAuthorization: Basic {credential}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    def requests(self, batches: int, size: int) -> list[bytes]:
        """Make requests, each with events of its own."""
        at, made = time.time_ns() // 1000, []
        for place in range(batches):
            some = events(size, tenant=self._tenant, content=self._content, at=at + place * size)
            body = orjson.dumps({"events": some})
            made.append(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        return made

    async def closed(self, requests: Sequence[bytes], size: int, *, connections: int) -> None:
        """Send all of them, each connection its next one once it was answered."""
        waiting = iter(requests)

        async def lane() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._target.port, limit=1 << 20)
            for request in waiting:
                await _ask(reader, writer, request, size)
            writer.close()

        await asyncio.gather(*(lane() for _ in range(connections)))

    async def by_the_clock(self, requests: Sequence[bytes], size: int, *, per_second: float) -> list[float]:
        """Send `per_second` events, evenly, and return how long each answer took since its batch was due, sorted, in ms."""
        idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        found: list[float] = []
        began = time.perf_counter() + 0.05

        async def one(place: int, request: bytes) -> None:
            due = began + place * size / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                pair = idle.get_nowait()
            except asyncio.QueueEmpty:
                pair = await asyncio.open_connection("127.0.0.1", self._target.port)
            await _ask(*pair, request, size)
            found.append((time.perf_counter() - due) * 1000)
            idle.put_nowait(pair)

        await asyncio.gather(*(one(place, request) for place, request in enumerate(requests)))
        while not idle.empty():
            idle.get_nowait()[1].close()
        return sorted(found)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, size: int) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if head[9:12] != b"200" or orjson.loads(body)["accepted"] != size:
        raise WrongAnswerError(f"{head[:12]!r}: {body[:300]!r}")


async def _measured(target: Target, scratch: Path, content: str, seconds: float, *, workers: int) -> Row:
    machines = await open_machines(load_settings(scratch))
    try:
        [tenant] = await tenants.all_tenants(machines.work())
        telling = Telling(target, tenant.id, content)
        promised = PROMISED.get((target.store, content), 20_000)

        async def sealed() -> int:
            log = await sealing.log_of(machines.work(tenant=tenant.id))
            return log.size if log else 0

        await telling.closed(telling.requests(4, MOST_EVENTS), MOST_EVENTS, connections=2 * workers)
        before = await _rest(machines, tenant.id)
        requests = telling.requests(max(8, int(seconds * promised / MOST_EVENTS)), MOST_EVENTS)
        clocks = machine.clocks(server=target.pid, database=target.database_pid)
        began = time.perf_counter()
        await telling.closed(requests, MOST_EVENTS, connections=4 * workers)
        count = len(requests) * MOST_EVENTS
        while await sealed() < before + count:
            if time.perf_counter() - began > _PATIENCE_S:
                raise WrongAnswerError("what was taken is not sealed")
            await asyncio.sleep(0.005)
        elapsed = time.perf_counter() - began
        shares = machine.shares(clocks, machine.clocks(server=target.pid, database=target.database_pid), elapsed)
        per_second = count / elapsed

        half = min(per_second, promised) / 2
        await _rest(machines, tenant.id)
        requests = telling.requests(max(20, int(seconds * half / _SMALL)), _SMALL)
        took = await telling.by_the_clock(requests, _SMALL, per_second=half)
        return Row(
            store=target.store,
            workers=workers,
            content=content,
            bytes_each=len(requests[0]) // _SMALL,
            per_second=per_second,
            goal=PROMISED.get((target.store, content)),
            server_us=shares.server_s / count * 1e6,
            database_us=shares.database_s / count * 1e6,
            half_per_second=half,
            p50_ms=took[len(took) // 2],
            p99_ms=took[min(len(took) - 1, int(len(took) * 0.99))],
            server_share=shares.server,
            other=shares.other,
        )
    finally:
        await close_machines(machines)


async def _rest(machines: Machines, tenant: str) -> int:
    """Wait until nothing grows any more; return how long the log is."""
    seen = -1
    while True:
        log = await sealing.log_of(machines.work(tenant=tenant))
        if log is not None and log.size == seen:
            return seen
        seen = log.size if log else -1
        await asyncio.sleep(1.2)


def rows(stores: Sequence[str], seconds: float) -> Iterator[Row]:
    """Measure each store with each kind of events, on a fresh database each; PostgreSQL with two processes too."""
    with postgres_server(durable=True) as postgres:
        for store in stores:
            for workers in (1, 2) if store == "postgresql" else (1,):
                for content in ("full", "header"):
                    yield _one(store, content, seconds, workers, postgres)


def _one(store: str, content: str, seconds: float, workers: int, postgres: PostgresServer) -> Row:
    cores = machine.cores()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        core = cores.server if workers == 1 else None
        with (
            ours.running(scratch, store=store, core=core, postgres=postgres, people=0, workers=workers) as target,
            machine.pinned(cores.load if workers == 1 else None),
        ):
            return asyncio.run(_measured(target, scratch, content, seconds, workers=workers))


def table(found: Sequence[Row]) -> str:
    """Return the figures as the documentation shows them."""
    lines = [
        "| store, processes | events | bytes each | sealed a second | goal | cpu µs | db µs | load for p99 | p50 ms | p99 ms | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        goal = f"{row.per_second / row.goal:.2f} of {row.goal:,}" if row.goal else ""
        short = (
            ""
            if row.p99_ms <= ACKNOWLEDGED_MS
            else f"p99 {row.p99_ms / ACKNOWLEDGED_MS:.1f}x of {ACKNOWLEDGED_MS:.0f} ms"
        )
        lines.append(
            f"| {row.store}, {row.workers} | {row.content} | {row.bytes_each:,} | **{row.per_second:,.0f}** | {goal} | {row.server_us:.0f} "
            f"| {row.database_us:.0f} | {row.half_per_second:,.0f}/s | {row.p50_ms:.1f} | {row.p99_ms:.1f} | {short} |"
        )
    return "\n".join(lines)


def as_objects(found: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the figures as JSON values."""
    return [asdict(row) for row in found]


def is_kept(found: Sequence[Row], floor: float) -> bool:
    """Whether each promise is kept to that share, and each acknowledgement comes in time."""
    return all(
        (row.goal is None or row.per_second >= floor * row.goal) and row.p99_ms * floor <= ACKNOWLEDGED_MS
        for row in found
    )
