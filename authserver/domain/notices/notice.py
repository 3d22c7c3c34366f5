"""
Whoever makes people wait says so in the same commit: what is told then has happened, and what has happened is told.

A notice is a row. It exists exactly when the approval it tells of does, and a job delivers it (`delivery.py`): to every webhook
of the tenant that listens, and, where mail is set up, to the people who may say yes. Its body holds ids, states and times; no
argument of the call, no name, no address of anybody.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from authserver.domain.notices import store
from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import UnitOfWork


class Event(StrEnum):
    """What is told of, as receivers see it in `type`."""

    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    SIGNAL_RAISED = "signal.raised"
    RECORD_EVENTS = "record.events"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_TEST = "webhook.test"


class Channel(StrEnum):
    """How it is told. `target` is then a webhook's id, a member's `sub`, or a role, whose holders are looked up when it is due."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    MAIL_TO_ROLE = "mail_to_role"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingCall:
    """
    What may be said of an approval outside: ids, states, times.

    `sub`: who the call runs for, a member or `client:…`. `is_for_person`: whether their own yes counts. `role`: whose holders may
    say yes besides; empty: nobody's. `is_excluded`: whether `sub` may not be one of these (four eyes).
    """

    approval_id: str
    approval_url: str
    state: str
    tool: str
    tool_class: str
    resource: str
    client_id: str
    sub: str
    requested_at: int
    expires_at: int
    is_for_person: bool = True
    role: str = ""
    is_excluded: bool = False
    decided_at: int | None = None


MACHINE: Final = "client:"
"""How the `sub` of a service principal begins: it reads no mail."""


async def tell(work: UnitOfWork, event: Event, call: WaitingCall) -> None:
    """
    Tell of an approval, in the caller's commit: `APPROVAL_REQUESTED` when one was created, `APPROVAL_DECIDED` when it is final.

    The unit is bound to the tenant. Webhooks hear of both; mail is written for what waits alone, and withdrawn when it is decided.
    """
    data = _data(work, call)
    await tell_webhooks(work, event, about=call.approval_id, data=data)
    if event is Event.APPROVAL_DECIDED:
        work.write(store.WITHDRAW, about=call.approval_id, now=work.now)
    elif work.machines.mail is not None:
        is_told = call.is_for_person and not call.sub.startswith(MACHINE)
        if is_told:
            body = {**data, "role": "", "excluded": ""}
            enqueue(work, channel=Channel.MAIL, target=call.sub, event=event, about=call.approval_id, body=body)
        if call.role:
            body = {**data, "role": call.role, "excluded": call.sub if is_told or call.is_excluded else ""}
            enqueue(
                work, channel=Channel.MAIL_TO_ROLE, target=call.role, event=event, about=call.approval_id, body=body
            )


async def tell_webhooks(work: UnitOfWork, event: Event, *, about: str, data: dict[str, Any], but: str = "") -> None:
    """Tell every webhook of the bound tenant that listens to `event`, except `but`."""
    body = {"type": event.value, "timestamp": timestamp(work.now), "data": data}
    for row in await work.all(store.LISTENING):
        if event.value in row["events"].split() and row["webhook_id"] != but:
            enqueue(work, channel=Channel.WEBHOOK, target=row["webhook_id"], event=event, about=about, body=body)


def enqueue(
    work: UnitOfWork, *, channel: Channel, target: str, event: Event, about: str, body: dict[str, Any], at: int = 0
) -> None:
    """Add one notice for one receiver, due now. `at`: when what it tells of happened, where that is not now."""
    work.write(
        store.ADD,
        notice_id=new_id("ntc"),
        channel=channel.value,
        target=target,
        event=event.value,
        about=about,
        body=orjson.dumps(body).decode(),
        created_at=at or work.now,
        next_try_at=work.now,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """What could not be told by one channel. `failure`: one of the reasons."""

    channel: Channel
    many: int
    failure: str


async def given_up(work: UnitOfWork, *, after: int) -> list[GivenUp]:
    """Return what was given up in the bound tenant since `after`, though somebody was there to be told."""
    return [
        GivenUp(channel=Channel(row["channel"]), many=row["many"], failure=row["failure"])
        for row in await work.all(store.GIVEN_UP, after=after)
    ]


def timestamp(seconds: int) -> str:
    """Return a moment as RFC 3339 writes it, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def expire(work: UnitOfWork) -> None:
    """Forget notices a week after they were delivered, withdrawn or given up."""
    work.write(store.EXPIRE, before=work.now - 7 * 24 * 3600)


def _data(work: UnitOfWork, call: WaitingCall) -> dict[str, Any]:
    return {
        "tenant_id": work.tenant,
        "approval_id": call.approval_id,
        "approval_url": call.approval_url,
        "state": call.state,
        "tool": call.tool,
        "tool_class": call.tool_class,
        "resource": call.resource,
        "client_id": call.client_id,
        "sub": call.sub,
        "waits_for": {"sub": call.sub if call.is_for_person else None, "role": call.role or None},
        "requested_at": timestamp(call.requested_at),
        "expires_at": timestamp(call.expires_at),
        "decided_at": None if call.decided_at is None else timestamp(call.decided_at),
    }
