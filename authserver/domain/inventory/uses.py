"""
Which tools nobody uses: those of which no call was let through for so many days, as their guards tell it.

C54: what is not needed is removed. A use is a day, a tool and a tenant, never a person; another tenant's use says nothing to this one. Nobody
is told that a tool is unused before it could have been seen in use for as long: since it was named, and since its guard tells of uses.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from authserver.domain.inventory import store
from authserver.domain.inventory.inventory import naming_places
from authserver.runtime.unit_of_work import Row, UnitOfWork

MOST_USES: Final = 2_000
"""In one report."""

DAY_S: Final = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Unused:
    """A tool that nobody uses. Times are seconds since the epoch."""

    resource: str
    tool: str
    tool_class: str
    since: int
    """When it was named first, or could first be seen in use."""
    last_used_on: int | None
    """The day of its last use, by its first second; None: it was not used since."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What is known of one server's tools."""

    unused: tuple[Unused, ...]
    is_told: bool
    """Whether a guard says which of its tools are used."""


def take(work: UnitOfWork, uri: str, used: Mapping[str, Mapping[str, date]], *, tenants: Collection[str]) -> None:
    """Keep on which day each tool was last used, for the `tenants` of which the server may speak; tomorrow is not believed."""
    today = datetime.fromtimestamp(work.now, UTC).date()
    first = today - timedelta(days=366)
    for tool, days in sorted(used.items()):
        for tenant, day in sorted(days.items()):
            if tenant in tenants and first <= day:
                work.write(store.USE, resource=uri, tool=tool, used_in=tenant, used_on=_second(min(day, today)))


async def unused(work: UnitOfWork, uri: str, tenant: str | None, *, days: int) -> Looked:
    """Return the tools of a server that were not used in `tenant` (None: in any) for so many whole days, the longest first."""
    before = work.now - days * DAY_S
    found = await naming_places(work, uri, tenant)
    uses = {row["tool"]: row["used_on"] for row in await _uses(work, uri, tenant)}
    listed = []
    for tool in {row["tool"] for place in found for row in place.present}:
        named = [(place, row) for place in found for row in place.present if row["tool"] == tool]
        if any(place.uses_since is None for place, _ in named):
            continue  # it may be used there, and nobody would hear of it
        first = min(row["first_named_at"] for _, row in named)
        since = max([first, *(place.uses_since or 0 for place, _ in named)])
        last = uses.get(tool)
        if since <= before and (last is None or last + DAY_S <= before):
            listed.append(
                Unused(
                    resource=uri,
                    tool=tool,
                    tool_class=named[0][1]["tool_class"],
                    since=since,
                    last_used_on=last,
                )
            )
    listed.sort(key=lambda one: (one.last_used_on or one.since, one.tool))
    return Looked(unused=tuple(listed), is_told=any(place.uses_since is not None for place in found))


async def _uses(work: UnitOfWork, uri: str, tenant: str | None) -> Collection[Row]:
    if tenant is None:
        return await work.all(store.USES_ANYWHERE, resource=uri)
    return await work.all(store.USES_IN, resource=uri, used_in=tenant)


def _second(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_S
