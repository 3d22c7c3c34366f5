"""
What a question to a large record costs: ten million rows of one tenant on PostgreSQL, half a million of them in the last hour.

    python -m benchmarks.record search [--rows 10000000] [--publish] [--json]

The rows are put there by one statement, as the server's own role may not; the questions are asked as a server asks them, with row-level
security, one after the other, the page of fifty newest that an operator is shown, the payloads of one person's beside them. `rare` is what one row
of the last hour has alone, `none` what none has: then the whole hour is looked through. The best and the worst of the rounds, by the wall.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from authserver.domain.audit import search, store
from authserver.domain.audit.event import reference
from authserver.domain.audit.search import Wanted
from authserver.opening import close_machines, open_machines
from authserver.runtime.machines import Machines
from authserver.runtime.migration import migrate
from authserver.runtime.vault import LocalKeyEncryption
from authserver.settings import Settings
from tests.support.postgres import PostgresServer, postgres_server

MOST_MS = 300.0
TENANT = "ten_aaaaaaaaaaaaaaaa"
_HOUR_US = 3_600_000_000
_STEP = 50_000
_SINCE_VACUUM = 100_000
"""How many of the newest rows autovacuum has not come by yet: twice as many as bring it."""

# Rows are numbered from the oldest; the last twentieth of them is of the last hour, the rest of 90 days before.
_FILL = """
INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource,
    tool, call_id, approval_id, trace_id, header)
SELECT $1, id, at, 'call:tool:outcome', 'done', '', 'req_1', 'cli_' || n % 40, md5(CASE WHEN n = $4 THEN 'rare' ELSE (n % 5000)::text END), 'auz_' || n % 20000,
    'https://orders.example/mcp', CASE WHEN n = $4 THEN 'rare_tool' ELSE 'tool_' || n % 60 END, id,
    CASE WHEN n % 500 = 0 THEN 'apr_' || n ELSE '' END, md5(n::text),
    '{"about":{"call":"' || id || '","decision":"allowed","latency_us":1500,"phase":"outcome","rules":[["role","allow"],["scope","allow"]],"tool":"tool_'
        || n % 60 || '"},"at":' || at || ',"id":"' || id || '","kind":"call:tool:outcome","outcome":"done","filler":"' || repeat('x', 600) || '"}'
FROM (
    SELECT n, at, lpad(to_hex(at), 14, '0') || substr(md5(n::text), 1, 12) AS id FROM (
        SELECT n, CASE WHEN n > $2 - $2 / 20 THEN $3 - 3600000000 + (n - ($2 - $2 / 20)) * (3600000000 / ($2 / 20))
            ELSE $3 - 90 * 86400000000 + n * ((90 * 86400000000 - 3600000000) / $2) END AS at
        FROM generate_series($5::bigint, $6::bigint) n
    ) times
) made
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question."""

    question: str
    found: int
    pages: int
    best_ms: float
    worst_ms: float


async def _filled(owner: str, rows: int, now_us: int) -> float:
    connection = await asyncpg.connect(owner)
    began = time.perf_counter()
    await connection.execute("ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY")
    seen_by_vacuum = rows - min(_SINCE_VACUUM, rows // 20)
    for begin in range(1, rows + 1, _STEP):
        if begin > seen_by_vacuum > begin - _STEP:
            await connection.execute("VACUUM ANALYZE audit_events", timeout=600)
        await connection.execute(
            _FILL, TENANT, rows, now_us, rows - 7, begin, min(begin + _STEP - 1, rows), timeout=600
        )
    await connection.execute("ALTER TABLE audit_events FORCE ROW LEVEL SECURITY")
    await connection.close()
    return time.perf_counter() - began


async def _asked(machines: Machines, rounds: int, rows: int, now_us: int) -> list[Row]:
    hour = {"since_us": now_us - _HOUR_US}
    work = machines.work(tenant=TENANT)
    newest = rows - 500
    [call] = [row["event_id"] for row in await work.all(store.RECENT, most=1)]
    questions: dict[str, Wanted] = {
        "one hour, everything": Wanted(**hour),
        "one hour, a client": Wanted(client_id="cli_7", **hour),
        "one hour, a client: none": Wanted(client_id="cli_none", **hour),
        "one hour, a tool": Wanted(tool="tool_7", **hour),
        "one hour, a tool: rare": Wanted(tool="rare_tool", **hour),
        "one hour, a person: none": Wanted(sub="usr_none", **hour),
        "one hour, an approval": Wanted(approval_id=f"apr_{newest - newest % 500}", **hour),
        "one hour, a trace: none": Wanted(trace_id="0" * 32, **hour),
        "ever, a trace": Wanted(trace_id="c4ca4238a0b923820dcc509a6f75849b"),
        "ever, an approval": Wanted(approval_id="apr_500"),
        "ever, a call": Wanted(call=call),
    }
    found = []
    for question, wanted in questions.items():
        took, seen, pages = [], 0, 0
        for _ in range(rounds):
            began, after, seen, pages = time.perf_counter(), None, 0, 0
            while True:
                page = await search.search(machines.work(tenant=TENANT), wanted, after=after)
                seen, pages, after = seen + len(page.events), pages + 1, page.after
                if page.events or after is None:
                    break
            took.append((time.perf_counter() - began) * 1000)
        found.append(Row(question=question, found=seen, pages=pages, best_ms=min(took), worst_ms=max(took)))
    assert reference(work, "usr_none")
    return found


async def _measured(postgres: PostgresServer, rows: int, rounds: int) -> tuple[float, list[Row]]:
    urls = postgres.empty_database()
    await migrate(urls.owner, urls.app)
    now_us = time.time_ns() // 1000
    filled_s = await _filled(urls.owner, rows, now_us)
    settings = Settings(issuer="http://127.0.0.1:9", database_url=urls.app, kek=LocalKeyEncryption.generate().strip())
    machines = await open_machines(settings)
    try:
        return filled_s, await _asked(machines, rounds, rows, now_us)
    finally:
        await close_machines(machines)


def rows(count: int, rounds: int) -> tuple[float, list[Row]]:
    """Fill a fresh PostgreSQL and ask it; returns how long filling took in seconds, and what each question took."""
    with postgres_server(durable=True) as postgres:
        return asyncio.run(_measured(postgres, count, rounds))


def table(found: Sequence[Row]) -> str:
    """Return the figures as the documentation shows them."""
    lines = ["| question | rows shown | best ms | worst ms | goal 300 ms |", "|---|---|---|---|---|"]
    for row in found:
        goal = "kept" if row.worst_ms <= MOST_MS else f"{row.worst_ms / MOST_MS:.1f}x"
        lines.append(f"| {row.question} | {row.found} | {row.best_ms:.1f} | {row.worst_ms:.1f} | {goal} |")
    return "\n".join(lines)
