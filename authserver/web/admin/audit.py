"""
The noun `audit`: what happened, newest first. What names people is sealed, and opened one event at a time.

A sealed part is for administrators and auditors, and for machines that may read the record; that somebody opened one is recorded.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from authserver.domain.audit import event, reading, search
from authserver.domain.audit.event import Outcome
from authserver.domain.audit.search import Decision, Event, Wanted
from authserver.domain.resources.administration import ADMIN, AUDITOR
from authserver.domain.users import user as users
from authserver.oauth.admin_access import Operator
from authserver.runtime.schema import SHARED
from authserver.runtime.vault import VaultError
from authserver.web.admin import cursors
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, route

_OPENS = frozenset({ADMIN, AUDITOR})
_LAST_SECOND = 2**40


class EventShown(Shown):
    """One event."""

    id: str
    at_us: int = Field(description="Microseconds since the epoch.")
    kind: str = Field(examples=["operator:kill:stopped"])
    outcome: Literal["done", "refused"]
    reason: str = Field(description="Why it was refused, as a code; empty where it was not.")
    request_id: str
    client_id: str
    sub_ref: str = Field(
        description="A keyed reference to the person: the same for the same person, leading to nobody."
    )
    authorization_id: str
    resource: str
    header: dict[str, Any] = Field(description="Numbers and codes.")
    has_sealed_part: bool


class EventPage(Shown):
    """Some events, newest first. A page that is not full, even an empty one, may be followed by another."""

    items: list[EventShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class EventOpened(EventShown):
    """One event with its sealed part."""

    payload: dict[str, Any] | None = Field(description="null: there is none, it was erased, or it is not for you.")


_Filter = Annotated[str | None, Query(min_length=1, max_length=500)]
_Moment = Annotated[int | None, Query(ge=0, le=_LAST_SECOND, description="Seconds since the epoch.")]
_Decision = Literal["allowed", "refused", "held", "observed"]

_DECISION = "What was decided about a call; `observed`: it could run, and a rule that is only observed objects."


@route("GET", "/audit", gives=EventPage, says="Search the record")
async def list_events(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    kind: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=60,
            description="A kind, or how it begins, such as `operator:`.",
            examples=["operator:"],
        ),
    ] = None,
    outcome: Annotated[Literal["done", "refused"] | None, Query()] = None,
    decision: Annotated[_Decision | None, Query(description=_DECISION)] = None,
    client_id: _Filter = None,
    sub: Annotated[str | None, Query(min_length=1, max_length=500, description="The person it is about.")] = None,
    authorization_id: _Filter = None,
    resource: _Filter = None,
    request_id: _Filter = None,
    tool: _Filter = None,
    call: Annotated[str | None, Query(pattern="[0-9a-f]{26}", description="One call, by its first event.")] = None,
    approval_id: _Filter = None,
    trace_id: Annotated[str | None, Query(pattern="[0-9a-f]{32}", description="Of W3C Trace Context.")] = None,
    since: _Moment = None,
    until: _Moment = None,
) -> EventPage:
    """In your tenant; `?tenant=*` shows the platform's operators what belongs to none. That you looked is recorded."""
    wanted = Wanted(
        kind=kind or "",
        outcome=Outcome(outcome) if outcome else None,
        decision=Decision(decision) if decision else None,
        client_id=client_id or "",
        sub=sub or "",
        authorization_id=authorization_id or "",
        resource=resource or "",
        request_id=request_id or "",
        tool=tool or "",
        call=call or "",
        approval_id=approval_id or "",
        trace_id=trace_id or "",
        since_us=(since or 0) * 1_000_000,
        until_us=search.END_OF_TIME if until is None else until * 1_000_000,
    )
    return await _page(ask, wanted, limit, ask.after(cursor), ask.cursor_after)


class Question(Strict):
    """What is looked for; what is left out is not asked about."""

    email: str | None = Field(None, min_length=3, max_length=254, description="The person it is about.")
    subject: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Somebody who is named in a call, by whatever they are called there, such as a customer's number.",
    )
    sub: str | None = Field(None, min_length=1, max_length=500)
    kind: str | None = Field(None, min_length=1, max_length=60, description="A kind, or how it begins.")
    outcome: Literal["done", "refused"] | None = None
    decision: _Decision | None = Field(None, description=_DECISION)
    client_id: str | None = Field(None, min_length=1, max_length=500)
    authorization_id: str | None = Field(None, min_length=1, max_length=500)
    resource: str | None = Field(None, min_length=1, max_length=500)
    request_id: str | None = Field(None, min_length=1, max_length=500)
    tool: str | None = Field(None, min_length=1, max_length=500)
    call: str | None = Field(None, pattern="^[0-9a-f]{26}$")
    approval_id: str | None = Field(None, min_length=1, max_length=500)
    trace_id: str | None = Field(None, pattern="^[0-9a-f]{32}$")
    since: int = Field(0, ge=0, le=_LAST_SECOND, description="Seconds since the epoch.")
    until: int | None = Field(None, ge=0, le=_LAST_SECOND, description="Before this moment.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, min_length=1, max_length=2000, description="`next` of the page before.")


@route("POST", "/audit/search", gives=EventPage, says="Search the record for somebody")
async def find_events(ask: Ask, body: Question) -> EventPage:
    """As `GET /audit`, and by names of people too: they come in the body, because URLs are written into logs."""
    sub, is_somebody = body.sub or "", True
    if body.email:
        found = await users.listed_by_email(ask.work, body.email) if ask.tenant != SHARED else None
        sub, is_somebody = (found.sub, True) if found is not None else (body.email, False)
    wanted = Wanted(
        sub=sub,
        subject=body.subject or "",
        kind=body.kind or "",
        outcome=Outcome(body.outcome) if body.outcome else None,
        decision=Decision(body.decision) if body.decision else None,
        client_id=body.client_id or "",
        authorization_id=body.authorization_id or "",
        resource=body.resource or "",
        request_id=body.request_id or "",
        tool=body.tool or "",
        call=body.call or "",
        approval_id=body.approval_id or "",
        trace_id=body.trace_id or "",
        since_us=body.since * 1_000_000,
        until_us=search.END_OF_TIME if body.until is None else body.until * 1_000_000,
    )
    if not is_somebody:
        _record_search(ask, wanted, rows=0)
        return EventPage(items=[], next=None)
    bound_to = f"{ask.tenant}\0{ask.path}\0{wanted!r}"
    after = cursors.opened(ask.work, body.cursor, bound_to=bound_to) if body.cursor else None
    return await _page(
        ask,
        wanted,
        body.limit,
        after,
        lambda place: None if place is None else cursors.sealed(ask.work, list(place), bound_to=bound_to),
    )


async def _page(
    ask: Ask,
    wanted: Wanted,
    limit: int,
    after: cursors.Position | None,
    cursor: Callable[[tuple[int, str] | None], str | None],
) -> EventPage:
    place = (int(after[0]), str(after[1])) if after else None
    page = await search.search(ask.work, wanted, after=place, most=limit)
    _record_search(ask, wanted, rows=len(page.events), is_first=place is None)
    return EventPage(items=[_shown(one) for one in page.events], next=cursor(page.after))


def _record_search(ask: Ask, wanted: Wanted, *, rows: int, is_first: bool = True) -> None:
    asks = ask.operator
    reading.searched(ask.work, wanted, rows=rows, via="api", sub=asks.sub, client_id=asks.client_id, is_first=is_first)


@route("GET", "/audit/{event_id}", gives=EventOpened, says="Show an event with its sealed part")
async def show(ask: Ask, event_id: Id) -> EventOpened:
    """That you looked at it, or opened it, is recorded before it is shown."""
    found = await search.find(ask.work, event_id)
    if found is None:
        raise not_found()
    payload = None
    if found.has_payload and may_open(ask.operator):
        reading.opened(ask.work, [event_id], via="api", sub=ask.operator.sub, client_id=ask.operator.client_id)
        try:
            payload = event.open_payload(ask.work, found.row)
        except VaultError:
            payload = None
    else:
        _record_search(ask, Wanted(call=found.call_id), rows=1)
    return EventOpened(**_shown(found).model_dump(), payload=payload)


def may_open(asks: Operator) -> bool:
    """Whether what names people may be shown to whoever asks."""
    return asks.is_machine or bool(_OPENS & set(asks.roles))


def _shown(one: Event) -> EventShown:
    return EventShown(
        id=one.id,
        at_us=one.at_us,
        kind=one.kind,
        outcome=Outcome(one.outcome).value,
        reason=one.reason,
        request_id=one.request_id,
        client_id=one.client_id,
        sub_ref=one.sub_ref,
        authorization_id=one.authorization_id,
        resource=one.resource,
        header=dict(one.header),
        has_sealed_part=one.has_payload,
    )
