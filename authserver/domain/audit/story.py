"""
One call, told from the record: what was asked, what each rule said, who said yes, what came of it, and where that is proved.

Everything here is read from headers, which are proved; what people said and got stands in payloads, and whoever opens one is recorded
first (`reading.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from authserver.domain.audit import event, reading, sealing, search, store
from authserver.domain.audit.search import Event, Wanted
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError

MOST_EVENTS: Final = 100
_MOST_RELATED: Final = 20
_AROUND_US: Final = 2 * 24 * 3600 * 1_000_000
"""How long before and after a call its approval, and what is related to it, are looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Where the log holds what is told here. `rows`: the number of each event's row; `size` None: no checkpoint covers them yet."""

    origin: str
    rows: Mapping[str, int]
    size: int | None
    at_us: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One call. `said` is what its events say of it, the later one winning."""

    call_id: str
    events: tuple[Event, ...]
    said: Mapping[str, Any]
    approval: tuple[Event, ...]
    related: tuple[Event, ...]
    """An event each of calls of the same trace or session, newest first."""
    proof: Proof

    @property
    def first(self) -> Event:
        """What was recorded first."""
        return self.events[0]

    @property
    def is_open(self) -> bool:
        """Whether it was to run, and nobody knows how it ended."""
        return all(one.kind == event.Kind.CALL_INTENT for one in self.events)

    @property
    def openable(self) -> tuple[Event, ...]:
        """What holds arguments, results and names."""
        return tuple(one for one in self.events if one.has_payload)

    @property
    def is_erased(self) -> bool:
        """Whether what people said and got is gone."""
        return any(one.has_lost_payload for one in self.events) and not self.openable


async def tell(work: UnitOfWork, call_id: str) -> Story | None:
    """Return the story of a call of the bound tenant, or None: there is none, or it was pruned."""
    events = (await search.of_calls(work, [call_id], most=MOST_EVENTS)).get(call_id)
    if not events:
        return None
    said: dict[str, Any] = {}
    for one in events:
        said |= one.header
    first = events[0]
    approval_id = str(said.get("approval_id", ""))
    approval = await _near(work, first, Wanted(approval_id=approval_id)) if approval_id else []
    return Story(
        call_id=call_id,
        events=tuple(events),
        said=said,
        approval=tuple(one for one in reversed(approval) if not one.call_id),
        related=tuple(await _related(work, first, said)),
        proof=await _proof(work, events),
    )


async def opened(work: UnitOfWork, story: Story, *, via: str, sub: str) -> dict[str, Any] | None:
    """Return what the events of a call say of people, together, once it is recorded that somebody looks; None: it is gone.

    What cannot be recorded is not opened.
    """
    if not story.openable:
        return None
    reading.opened(work, [one.id for one in story.openable], via=via, sub=sub)
    await work.commit()
    found: dict[str, Any] = {}
    for one in story.openable:
        try:
            found |= event.open_payload(work, one.row)
        except VaultError:
            continue
    return found or None


async def _related(work: UnitOfWork, first: Event, said: Mapping[str, Any]) -> list[Event]:
    trace = str(said.get("traceparent", "")).split("-")
    found = await _near(work, first, Wanted(kind="call:", trace_id=trace[1])) if len(trace) == 4 else []
    if (session := said.get("session")) and first.authorization_id:
        beside = await _near(work, first, Wanted(kind="call:", authorization_id=first.authorization_id))
        found += [one for one in beside if one.header.get("session") == session]
    others = {one.call_id: one for one in found if one.call_id not in {"", first.call_id}}
    return sorted(others.values(), key=lambda one: -one.at_us)[:_MOST_RELATED]


async def _near(work: UnitOfWork, first: Event, wanted: Wanted) -> list[Event]:
    """Return what answers to a question around the time of a call, newest first."""
    around = replace(wanted, since_us=first.at_us - _AROUND_US, until_us=first.at_us + _AROUND_US)
    page = await search.search(work, around, most=MOST_EVENTS, examined=search.WINDOW)
    return list(page.events)


async def _proof(work: UnitOfWork, events: Sequence[Event]) -> Proof:
    ids = orjson.dumps([one.id for one in events]).decode()
    rows = {row["event_id"]: row["leaf_index"] for row in await work.all(store.LEAF_OF, event_ids=ids)}
    covering = await work.one(store.COVERING_CHECKPOINT, leaf_index=max(rows.values())) if rows else None
    assert work.tenant is not None
    return Proof(
        origin=sealing.origin_of(work.machines, work.tenant),
        rows=rows,
        size=covering["size"] if covering else None,
        at_us=covering["at_us"] if covering else 0,
    )
