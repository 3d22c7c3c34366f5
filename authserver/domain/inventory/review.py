"""
Looking at what waits, and deciding: new, changed, renamed and removed tools with what is different, field by field.

C53, C54. Who looks sees what their own people could have seen: a tenant's administrator the definitions that were listed in that tenant,
a platform operator all. A decision is about one definition by its hash, is recorded with it, and every guard hears of it at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from authserver.domain.audit import event
from authserver.domain.audit.header import about
from authserver.domain.inventory import store
from authserver.domain.inventory.inventory import (
    APPROVED,
    EMPTY,
    REJECTED,
    Decision,
    naming_places,
    of_place,
    reviews_of,
)
from authserver.domain.revocation import feed
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.control import Act, Kind
from resource_lib.wire.tool_diff import Difference, differences, takes_and_gives_the_same

State = Literal["waits", "counts", "rejected", "removed", "undescribed"]
How = Literal["new", "changed", "renamed", "removed", "known"]

_MOST_HISTORY: Final = 500


class NotThereError(Exception):
    """There is no such definition for whoever decides, or somebody has just decided otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One definition of one tool, as its viewer sees it. Times are seconds since the epoch."""

    tool: str
    hash: str
    """Empty: nobody has listed the tool yet."""
    state: State
    """`waits` and `rejected` do not count; `removed`: its server does not name it any more; `undescribed`: not listed yet."""
    how: How
    was: str
    """Of a renamed tool its name before."""
    tool_class: str
    scopes: tuple[str, ...]
    definition: Mapping[str, Any] | None
    """None: not known, because it was too long to be told, or never listed."""
    differences: tuple[Difference, ...]
    """From what counts of this tool, or of the one that it was; of a new one all of it."""
    against: str
    """The hash of what it is compared with; empty: nothing."""
    since: int
    reviewed_at: int | None
    sunset: str
    """The last day on which the tool may be called, by its author's word, such as `2027-03-31`; empty: nothing says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """Who decided what about which definition."""

    tool: str
    hash: str
    decision: str
    at: int
    by: str


async def look(work: UnitOfWork, uri: str, tenant: str | None) -> list[Seen]:
    """Return every definition that an operator of `tenant` may see (None: the platform's), by tool, the newest last."""
    known, names, rows = EMPTY, dict[str, Row](), dict[tuple[str, str], Row]()
    present: set[str] = set()
    for place in await naming_places(work, uri, tenant):
        known = known.with_(await of_place(work, place.tenant, uri))
        is_shown_in_part = place.tenant == SHARED and tenant is not None
        listed_here = await _listed_in(work, uri, tenant or "") if is_shown_in_part else None
        names |= {row["tool"]: row for row in place.names}
        present |= {row["tool"] for row in place.present}
        for row in await work.beside(place.tenant).all(store.DEFINITIONS, resource=uri):
            if listed_here is None or row["hash"] in listed_here:
                rows[row["tool"], row["hash"]] = row
    places = (SHARED,) if tenant is None else (SHARED, tenant)
    reviews = [await reviews_of(work, place, uri) for place in places]
    decided = {
        row["hash"]: row["reviewed_at"]
        for place in places
        for row in await work.beside(place).all(store.REVIEWS, resource=uri)
    }
    found = _Found(
        names=names,
        rows=rows,
        let_in=known.let_in(*reviews),
        rejected=frozenset[str]().union(*(one.rejected for one in reviews)),
        gone=frozenset(names) - present,
        decided=decided,
    )
    return [one for tool in sorted(names) for one in found.of(tool)]


async def waiting(work: UnitOfWork, uri: str, tenant: str | None) -> tuple[str, ...]:
    """Return the names of the tools of which a definition waits, for an operator of `tenant` (None: the platform's)."""
    return tuple(sorted({one.tool for one in await look(work, uri, tenant) if one.state == "waits"}))


async def decide(
    work: UnitOfWork, uri: str, tool: str, definition_hash: str, decision: Decision, *, tenant: str | None, by: str
) -> None:
    """Let a definition in, or keep it out: for `tenant` alone, or (None) for all. Raises NotThereError for one that they cannot see.

    A lost commit: somebody decided about it at this moment.
    """
    seen = [one for one in await look(work, uri, tenant) if (one.tool, one.hash) == (tool, definition_hash)]
    if not seen or not definition_hash:
        raise NotThereError
    work.bind(tenant or SHARED)
    before = next(
        (row["decision"] for row in await work.all(store.REVIEWS, resource=uri) if row["hash"] == definition_hash), ""
    )
    if before == decision:
        return
    work.claim(
        store.REVIEW,
        resource=uri,
        tool=tool,
        hash=definition_hash,
        decision=decision,
        before=before,
        now=work.now,
    )
    work.changes_directory = True
    feed.announce(work, Kind.POLICY, {"resource": uri}, Act.CHANGED, resource=uri)
    event.record(
        work,
        event.Kind.TOOL_REVIEWED,
        resource=uri,
        action=decision,
        tool=tool,
        definition_hash=definition_hash,
        payload={
            "tool": tool,
            "by": by,
            "differences": [str(one) for one in seen[0].differences][:100],
            "against": seen[0].against,
        },
    )


async def history(work: UnitOfWork, uri: str) -> list[Decided]:
    """Return who decided what at a server, newest first, in the place that the unit of work is bound to."""
    found = []
    for row in await event.history(work, event.Kind.TOOL_REVIEWED, resource=uri, most=_MOST_HISTORY):
        said, header = event.open_payload(work, row), about(row)
        found.append(
            Decided(
                tool=said.get("tool", ""),
                hash=header.get("definition_hash") or header.get("definition", ""),
                decision=header["action"],
                at=row["at_us"] // 1_000_000,
                by=said.get("by", ""),
            )
        )
    return found


async def _listed_in(work: UnitOfWork, uri: str, tenant: str) -> frozenset[str]:
    """Return the hashes of what was listed in a tenant: nobody else's is shown there."""
    return frozenset(row["hash"] for row in await work.all(store.SEEN_IN, resource=uri, seen_in=tenant))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """All that is known, asked tool by tool."""

    names: Mapping[str, Row]
    rows: Mapping[tuple[str, str], Row]
    let_in: Mapping[str, frozenset[str] | None]
    rejected: frozenset[str]
    gone: frozenset[str]
    decided: Mapping[str, int]

    def of(self, tool: str) -> list[Seen]:
        """Return what is known of one tool."""
        rows = self._all(tool)
        if not rows:
            return [self._seen(tool, None, "removed" if tool in self.gone else "undescribed")]
        found = []
        for row in rows:
            if row["hash"] in self.rejected:
                state: State = "rejected"
            elif not self._counts(tool, row["hash"]):
                state = "waits"
            else:
                state = "counts"
            found.append(self._seen(tool, row, "removed" if tool in self.gone else state))
        return found

    def _all(self, tool: str) -> list[Row]:
        return [row for (name, _), row in self.rows.items() if name == tool]

    def _counts(self, tool: str, hashed: str) -> bool:
        allowed = self.let_in.get(tool)
        return allowed is None or hashed in allowed

    def _seen(self, tool: str, row: Row | None, state: State) -> Seen:
        name = self.names[tool]
        definition = _definition(row)
        old = self._newest_that_counts(tool, row)
        was = ""
        how: How = "known" if state in {"counts", "undescribed"} else "changed" if old is not None else "new"
        if state == "removed":
            how = "removed"
        elif how == "new" and definition is not None and (renamed := self._renamed(definition)) is not None:
            how, was, old = "renamed", renamed["tool"], renamed
        before = _definition(old)
        is_compared = definition is not None and how != "known"
        return Seen(
            tool=tool,
            hash=row["hash"] if row is not None else "",
            state=state,
            how=how,
            was=was,
            tool_class=name["tool_class"],
            scopes=tuple(orjson.loads(name["scopes"])),
            definition=definition,
            differences=differences(before, definition) if is_compared and how != "removed" else (),
            against=old["hash"] if old is not None and before is not None else "",
            since=row["first_seen_at"] if row is not None else name["first_named_at"],
            reviewed_at=self.decided.get(row["hash"]) if row is not None else None,
            sunset=name["sunset"],
        )

    def _newest_that_counts(self, tool: str, row: Row | None) -> Row | None:
        others = [one for one in self._all(tool) if one is not row and self._counts(tool, one["hash"])]
        return max(others, key=lambda one: (one["last_seen_at"], one["first_seen_at"], one["hash"]), default=None)

    def _renamed(self, definition: Mapping[str, Any]) -> Row | None:
        """Return what is gone, counted, and took and gave the same; None: nothing, so it is new."""
        for tool in sorted(self.gone):
            for row in self._all(tool):
                before = _definition(row)
                if (
                    before is not None
                    and self._counts(tool, row["hash"])
                    and takes_and_gives_the_same(before, definition)
                ):
                    return row
        return None


def _definition(row: Row | None) -> Mapping[str, Any] | None:
    if row is None or not row["definition"]:
        return None
    said: Mapping[str, Any] = orjson.loads(row["definition"])
    return said


__all__ = [
    "APPROVED",
    "REJECTED",
    "Decided",
    "Decision",
    "NotThereError",
    "Seen",
    "decide",
    "history",
    "look",
    "waiting",
]
