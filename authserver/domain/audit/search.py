"""
The record, looked through by an operator: newest first, page by page, whoever and whatever it is about.

A page costs the same however much there is and however rare what it looks for: at most `EXAMINED` rows are looked through for it,
or, where a person, a client or a tool is asked for, so much of the index as can be in a fifth of a second; one that is not full may be
followed by another. What
belongs to one call, approval or trace is found by an index of its own, however long ago it was. A person is looked for by the keyed reference that the rows carry; their name
stands in a payload, and a payload is opened one at a time (`event.open_payload`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any, Final

import orjson

from authserver.domain.audit import store
from authserver.domain.audit.event import Outcome, reference, subject_reference
from authserver.domain.audit.header import facts_of
from authserver.runtime.schema import Statement
from authserver.runtime.unit_of_work import Row, UnitOfWork

WINDOW: Final = 20_000
"""How many rows one reading looks through."""
EXAMINED: Final = 100_000
"""How many rows one page may cost."""

_LONG_S: Final = 0.2
"""For how long a page goes on with ever longer spans of time, where the index alone tells which rows answer."""
_FIRST_SPAN_US: Final = 3600 * 1_000_000
_AHEAD_US: Final = 600 * 1_000_000
"""No event is later than that."""

_AT_A_TIME: Final = 500
"""How many rows are fetched together of those that the index says may answer."""

END_OF_TIME: Final = 2**62


class Decision(StrEnum):
    """What was decided about a call. `OBSERVED`: it could run, and a rule that is only observed objects."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    HELD = "held"
    OBSERVED = "observed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is looked for; what is left empty is not asked about. Times are microseconds since the epoch."""

    kind: str = ""
    """A kind, or how it begins: `operator:` finds all that operators did."""
    outcome: Outcome | None = None
    client_id: str = ""
    decision: Decision | None = None
    """Of calls alone."""
    sub: str = ""
    """The person it is about, by their `sub`."""
    subject: str = ""
    """Somebody who is named in it, by whatever they are called there: a customer's number, an e-mail address, a `sub`."""
    authorization_id: str = ""
    resource: str = ""
    request_id: str = ""
    tool: str = ""
    call: str = ""
    """The call that it belongs to, by the id of its first event."""
    approval_id: str = ""
    trace_id: str = ""
    """W3C Trace Context, 32 hexadecimal digits."""
    since_us: int = 0
    until_us: int = END_OF_TIME
    """Before this moment."""

    @property
    def is_everything(self) -> bool:
        """Whether every row of the time answers."""
        named = (self.kind, self.client_id, self.sub, self.authorization_id, self.resource, self.request_id)
        more = (self.decision, self.outcome, self.subject, self.tool, self.call, self.approval_id, self.trace_id)
        return not any((*named, *more))


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event as it stands in the record, without what is sealed."""

    id: str
    at_us: int
    kind: str
    outcome: str
    reason: str
    request_id: str
    client_id: str
    sub_ref: str
    """A keyed reference: the same for the same person, and nothing that leads to them."""
    authorization_id: str
    resource: str
    header: Mapping[str, Any]
    has_payload: bool
    has_lost_payload: bool
    """Whether there was one that is gone: somebody was erased, or its time was over."""
    call_id: str
    """The call that it belongs to; empty: none."""
    row: Row = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some of what was found, newest first, and after which place the rest begins; None: there is no more."""

    events: tuple[Event, ...]
    after: tuple[int, str] | None


async def search(
    work: UnitOfWork,
    wanted: Wanted,
    *,
    after: tuple[int, str] | None = None,
    most: int = 50,
    window: int | None = None,
    examined: int | None = None,
) -> Page:
    """Return a page of the bound tenant's events. `after` is where the page before ended."""
    place = after if after is not None else (wanted.until_us, "")
    look, look_for_end = _statements(wanted)
    if look is store.SEARCH and window is None and (wanted.sub or wanted.client_id or wanted.tool):
        return await _narrowed(work, wanted, place, most=most)
    only = {name: value for name, value in _conditions(work, wanted).items() if name in look_for_end.parameters}
    window = most + 1 if wanted.is_everything else window or WINDOW
    examined = examined or EXAMINED
    found: list[Event] = []
    for _ in range(max(examined // window, 1)):
        where = {"since_us": wanted.since_us, "before_us": place[0], "before_id": place[1], "window": window}
        # One more than wanted: then it is known whether anything follows.
        rows = await work.all(look, **where, **_conditions(work, wanted), most=most + 1 - len(found))
        found += [_event(row) for row in rows]
        if len(found) > most:
            last = found[most - 1]
            return Page(events=tuple(found[:most]), after=(last.at_us, last.id))
        end = await work.one(look_for_end, **{**where, **only, "window": window - 1})
        if end is None:
            return Page(events=tuple(found), after=None)
        place = (end["at_us"], end["event_id"])
    return Page(events=tuple(found), after=place)


def _statements(wanted: Wanted) -> tuple[Statement, Statement]:
    """Return how to look through the rows that may answer, and how to find where they end."""
    if wanted.call:
        return store.SEARCH_OF_CALL, store.END_OF_CALL
    if wanted.approval_id:
        return store.SEARCH_OF_APPROVAL, store.END_OF_APPROVAL
    if wanted.trace_id:
        return store.SEARCH_OF_TRACE, store.END_OF_TRACE
    return store.SEARCH, store.WINDOW_END


async def _narrowed(work: UnitOfWork, wanted: Wanted, place: tuple[int, str], *, most: int) -> Page:
    """The same page, from the rows alone that the index says are of this person, client and tool."""
    conditions = _conditions(work, wanted)
    told_by_index = {name: conditions[name] for name in ("client_id", "sub_ref", "tool") if conditions[name]}
    look = store.NARROWED[tuple(told_by_index)]
    found: list[Event] = []
    until, span_us = monotonic() + _LONG_S, _FIRST_SPAN_US
    while True:
        since_us = max(wanted.since_us, min(place[0], work.at_us + _AHEAD_US) - span_us)
        where = {"since_us": since_us, "before_us": place[0], "before_id": place[1]}
        near = await work.all(look, **where, **told_by_index, most=_AT_A_TIME)
        if near:
            ids = orjson.dumps([row["event_id"] for row in near]).decode()
            among = {"event_ids": ids, "window": _AT_A_TIME, "most": most + 1 - len(found)}
            found += [_event(row) for row in await work.all(store.SEARCH_AMONG, **conditions, **among)]
        if len(found) > most:
            last = found[most - 1]
            return Page(events=tuple(found[:most]), after=(last.at_us, last.id))
        if len(near) == _AT_A_TIME:
            place = (near[-1]["at_us"], near[-1]["event_id"])
        elif since_us <= wanted.since_us:
            return Page(events=tuple(found), after=None)
        else:
            place, span_us = (since_us, ""), span_us * 4
        if monotonic() > until:
            return Page(events=tuple(found), after=place)


async def find(work: UnitOfWork, event_id: str) -> Event | None:
    """Return one event of the bound tenant, or None."""
    row = await work.one(store.ONE, event_id=event_id)
    return _event(row) if row else None


async def pruned(work: UnitOfWork) -> int:
    """Return how many rows of the bound tenant's log are gone because their time was over."""
    row = await work.one(store.HOW_MANY_PRUNED)
    return row["pruned"] if row else 0


async def of_calls(work: UnitOfWork, call_ids: Sequence[str], *, most: int = 500) -> dict[str, list[Event]]:
    """Return what is recorded of each of these calls of the bound tenant, in order; another server's word of one is no part of it."""
    found: dict[str, list[Event]] = {}
    for row in await work.all(store.OF_CALLS, call_ids=orjson.dumps(list(call_ids)).decode(), most=most):
        event = _event(row)
        found.setdefault(event.call_id, []).append(event)
    return {call_id: _of_its_server(call_id, events) for call_id, events in found.items()}


def _of_its_server(call_id: str, events: list[Event]) -> list[Event]:
    # A call has the id of its first event, which is its server's alone.
    its = next((one.resource for one in events if one.id == call_id), events[0].resource)
    return [one for one in events if one.resource == its]


def _conditions(work: UnitOfWork, wanted: Wanted) -> dict[str, str]:
    return {
        "kind": wanted.kind,
        "outcome": wanted.outcome.value if wanted.outcome else "",
        "client_id": wanted.client_id,
        "decision": wanted.decision.value if wanted.decision else "",
        "sub_ref": reference(work, wanted.sub),
        "subject_ref": subject_reference(work, wanted.subject),
        "subject_sub_ref": reference(work, wanted.subject),
        "authorization_id": wanted.authorization_id,
        "resource": wanted.resource,
        "request_id": wanted.request_id,
        "tool": wanted.tool,
        "call_id": wanted.call,
        "approval_id": wanted.approval_id,
        "trace_id": wanted.trace_id,
    }


def _event(row: Row) -> Event:
    # What is proved is the header: a column that somebody changed finds the wrong rows, and says nothing wrong of them.
    said = facts_of(row["header"])
    return Event(
        id=row["event_id"],
        at_us=said["at"],
        kind=said["kind"],
        outcome=said["outcome"],
        reason=said.get("reason", ""),
        request_id=said.get("request", ""),
        client_id=said.get("client", ""),
        sub_ref=said.get("sub", ""),
        authorization_id=said.get("authorization", ""),
        resource=said.get("resource", ""),
        header=said.get("about", {}),
        has_payload=row["payload"] is not None,
        has_lost_payload=row["payload"] is None and "commit" in said,
        call_id=said.get("about", {}).get("call", ""),
        row=row,
    )
