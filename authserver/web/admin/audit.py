"""
The noun `audit`: what happened, newest first. What names people is sealed, and opened one event at a time.

A sealed part is for administrators and auditors, and for machines that may read the record; that somebody opened one is recorded.
"""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from authserver.domain.audit import event, search
from authserver.domain.audit.event import Outcome
from authserver.domain.audit.search import Event, Wanted
from authserver.domain.resources.administration import ADMIN, AUDITOR
from authserver.oauth import admin_access
from authserver.runtime.vault import VaultError
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, route

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
    """In your tenant; `?tenant=*` shows the platform's operators what belongs to none."""
    after = ask.after(cursor)
    wanted = Wanted(
        kind=kind or "",
        outcome=Outcome(outcome) if outcome else None,
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
        until_us=(_LAST_SECOND if until is None else until) * 1_000_000,
    )
    place = (int(after[0]), str(after[1])) if after else None
    page = await search.search(ask.work, wanted, after=place, most=limit)
    return EventPage(items=[_shown(one) for one in page.events], next=ask.cursor_after(page.after))


@route("GET", "/audit/{event_id}", gives=EventOpened, says="Show an event with its sealed part")
async def show(ask: Ask, event_id: Id) -> EventOpened:
    """That you opened it is recorded before it is shown."""
    found = await search.find(ask.work, event_id)
    if found is None:
        raise not_found()
    payload = None
    if found.has_payload and (ask.operator.is_machine or _OPENS & set(ask.operator.roles)):
        await admin_access.record_asked(ask.work, ask.operator, "audit:open", event_id=event_id)
        try:
            payload = event.open_payload(ask.work, found.row)
        except VaultError:
            payload = None
    return EventOpened(**_shown(found).model_dump(), payload=payload)


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
