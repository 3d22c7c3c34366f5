"""
A running MCP server that follows the numbered list, and how far it says it has come.

An instance is one start of one process, by a random id of its own. It is live for a minute after it was last seen.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from authserver.domain.instances import store
from authserver.runtime.unit_of_work import Row, UnitOfWork

LIVE_S: Final = 60
"""How long after it was last seen an instance is still waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One running MCP server, as it was last seen."""

    id: str
    client_id: str
    resource: str
    applied: int
    """The newest number that it has said it applied."""
    applied_at_us: int
    first_seen_us: int
    seen_at_us: int
    max_staleness_ms: int
    """How long after it last heard it refuses writes by itself."""


async def of(work: UnitOfWork, resources: Collection[str]) -> list[Instance]:
    """Return the live instances of these MCP servers, by server and start; never from memory."""
    rows = await work.all(store.LIVE, since_us=work.at_us - LIVE_S * 1_000_000)
    wanted = frozenset(resources)
    return [_instance(row) for row in rows if row["resource"] in wanted]


def _instance(row: Row) -> Instance:
    return Instance(
        id=row["instance"],
        client_id=row["client_id"],
        resource=row["resource"],
        applied=row["applied"],
        applied_at_us=row["applied_at_us"],
        first_seen_us=row["first_seen_us"],
        seen_at_us=row["seen_at_us"],
        max_staleness_ms=row["max_staleness_ms"],
    )
