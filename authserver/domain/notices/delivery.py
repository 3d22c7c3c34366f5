"""
Delivers what has to be told: at least once, by whichever process claims it first, again and again for a day.

A claim is one UPDATE with an end: a process that dies while it delivers loses it, and another one tells again, under the same id.
Each receiver is told one thing at a time, so one that is slow or dead delays nobody else; after a failure its line rests. Waits
grow from seconds to hours, each a little by chance. What was not delivered within a day is given up, which is recorded and shown;
a webhook that has not answered for days is disabled.

It deliberately does not: say in any log or record where it was told, or what.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import orjson
import structlog

from authserver.domain.audit import event
from authserver.domain.clients import registry
from authserver.domain.notices import mail, store, webhook
from authserver.domain.notices.notice import Channel, Event, enqueue
from authserver.domain.rate_limits import limit
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user
from authserver.runtime.machines import Machines
from authserver.runtime.mail import MailError
from authserver.runtime.outbound import OutboundBusyError, OutboundError
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.runtime.vault import VaultError

log = structlog.get_logger("authserver.notices")

CLAIMED_S: Final = 60
"""Longer than any try takes."""
GIVEN_UP_AFTER_S: Final = 24 * 3600
DISABLED_AFTER_S: Final = 3 * 24 * 3600

_FIRST_WAIT_S: Final = 5
_LONGEST_WAIT_S: Final = 2 * 3600
_LINE_RESTS_S: Final = 30
_LINE_S: Final = 15.0
_MOST_EACH: Final = 20
_MOST: Final = 400
_AT_ONCE: Final = 16
_MOST_OF_A_ROLE: Final = 100
_MAIL_WINDOW_S: Final = 60

_CHANCE: Final = secrets.SystemRandom()

Chance = Callable[[], float]
"""Gives a number from 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """It was not taken. `is_final`: it never will be. `is_theirs`: the receiver's fault, rather than that we were busy."""

    reason: str
    is_final: bool = False
    is_theirs: bool = True


async def deliver_due(machines: Machines, *, chance: Chance = _CHANCE.random) -> int:
    """Tell what is due, once, and return how many receivers had something waiting. Never raises for one of them."""
    work = event.platform_work(machines, "look for what has to be told")
    due = await work.all(store.DUE, now=work.now, most_each=_MOST_EACH, most=_MOST)
    whose = itemgetter("tenant_id", "channel", "target")
    lines = [list(rows) for _, rows in groupby(sorted(due, key=whose), key=whose)]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def told(rows: list[Row]) -> None:
        async with gate:
            try:
                await _CHANNELS[rows[0]["channel"]](machines, rows, chance)
            except Exception as error:
                log.error(
                    "notices_not_delivered", channel=rows[0]["channel"], error=type(error).__name__, exc_info=error
                )

    await asyncio.gather(*(told(rows) for rows in lines))
    return len(lines)


async def _to_webhook(machines: Machines, rows: Sequence[Row], chance: Chance) -> None:
    until = asyncio.get_running_loop().time() + _LINE_S
    for row in rows:
        if asyncio.get_running_loop().time() >= until or not await _claimed(machines, [row]):
            return
        failed = await _posted(machines, row)
        work = machines.work(tenant=row["tenant_id"])
        if failed is None:
            work.write(store.DONE, notice_id=row["notice_id"], tries=row["tries"] + 1, now=work.now, failure="")
            work.write(store.WEBHOOK_WORKED, webhook_id=row["target"])
            await work.commit()
            continue
        await _webhook_failed(work, row, failed, chance)
        return


async def _posted(machines: Machines, row: Row) -> Failed | None:
    work = machines.work(tenant=row["tenant_id"])
    if not await _is_active(work):
        return Failed(reason="tenant_suspended", is_final=True, is_theirs=False)
    body = row["body"].encode()
    try:
        call = await webhook.prepared(work, row["target"], message_id=row["notice_id"], body=body)
    except VaultError:
        log.error("webhook_secret_unreadable", webhook_id=row["target"])
        return Failed(reason="secret_unreadable", is_theirs=False)
    if call is None:
        return Failed(reason="disabled", is_final=True, is_theirs=False)
    return await post(machines, call, body)


async def post(machines: Machines, call: webhook.Prepared, body: bytes) -> Failed | None:
    """Make one signed call; None: it was taken (2xx)."""
    try:
        status = await machines.outbound.post(call.url, body, headers=call.headers)
    except OutboundBusyError as error:
        return Failed(reason=error.reason, is_theirs=False)
    except OutboundError as error:
        return Failed(reason=error.reason)
    return None if 200 <= status < 300 else Failed(reason=f"status_{status}", is_final=status == 410)


async def _webhook_failed(work: UnitOfWork, row: Row, failed: Failed, chance: Chance) -> None:
    given_up = _note_failure(work, row, failed, chance)
    found = await webhook.find(work, row["target"])
    if failed.is_theirs and found is not None and found.is_active:
        work.write(store.WEBHOOK_FAILED, webhook_id=row["target"], now=work.now)
        _rest(work, row)
        since = found.failing_since if found.failing_since is not None else work.now
        # 410 says that it will never answer again (Standard Webhooks); else a whole day of one notice within days of failures.
        if failed.reason == "status_410" or (given_up and work.now - since >= DISABLED_AFTER_S):
            await webhook.disable_failing(work, found, failure=failed.reason)
            log.warning("webhook_disabled", webhook_id=found.id, reason=failed.reason)
    await work.commit()


async def _to_person(machines: Machines, rows: Sequence[Row], chance: Chance) -> None:
    """Write one letter about everything that waits for one person, at most once a minute."""
    work = machines.work(tenant=rows[0]["tenant_id"])
    member = await user.member_by_sub(work, rows[0]["target"])
    is_active = await _is_active(work)
    waiting = []
    for row in rows:
        body = _body(row)
        if machines.mail is None:
            why = "mail_is_off"
        elif member is None or not member.is_active or not is_active or body["role"] not in ("", *member.roles):
            why = "nobody"
        elif _expires_at(body) <= work.now:
            why = "too_late"
        else:
            waiting.append(row)
            continue
        work.write(store.DONE, notice_id=row["notice_id"], tries=row["tries"], now=work.now, failure=why)
    limited = None
    if member is not None and waiting:
        key = "notice/mail/" + member.person_id
        limited = await limit.take(work, key=key, limit=1, window_s=_MAIL_WINDOW_S)
        if limited is not None:
            _rest(work, rows[0], limited.retry_after_s)
    await work.commit()
    if member is None or not waiting or limited is not None or not await _claimed(machines, waiting):
        return
    failed = await _mailed(machines, member.person_id, waiting)
    work = machines.work(tenant=rows[0]["tenant_id"])
    for row in waiting:
        if failed is None:
            work.write(store.DONE, notice_id=row["notice_id"], tries=row["tries"] + 1, now=work.now, failure="")
        else:
            _note_failure(work, row, failed, chance)
    await work.commit()


async def _mailed(machines: Machines, person_id: str, rows: Sequence[Row]) -> Failed | None:
    assert machines.mail is not None
    work = machines.work(tenant=rows[0]["tenant_id"])
    person = await user.person_by_id(work, person_id)
    home = await tenants.by_id(work, rows[0]["tenant_id"])
    if person is None or home is None:
        return Failed(reason="nobody", is_final=True)
    # Somebody can be told of one call twice: as the person it runs for, and as one who holds the role.
    calls = [await _waiting(work, _body(row)) for row in {row["about"]: row for row in rows}.values()]
    inbox = calls[0].url.rpartition("/")[0]
    written = mail.letter(calls, organisation=home.name, inbox_url=inbox, now=work.now)
    try:
        await machines.mail.send(
            to=person.email, subject=written.subject, text=written.text, message_id=rows[0]["notice_id"]
        )
    except MailError as error:
        log.warning("mail_not_sent", notice_id=rows[0]["notice_id"], reason=error.reason)
        return Failed(reason=error.reason, is_final=error.is_final)
    return None


async def _waiting(work: UnitOfWork, body: dict[str, Any]) -> mail.Waiting:
    served = await resources.by_uri(work, body["resource"])
    client = await registry.find(work, body["client_id"])
    title = next((tool.title for tool in served.tools if tool.name == body["tool"]), "") if served else ""
    return mail.Waiting(
        tool=title or body["tool"],
        tool_class=body["tool_class"],
        application=client.name if client else body["client_id"],
        server=served.name if served else body["resource"],
        url=body["approval_url"],
        requested_at=_seconds(body["requested_at"]),
        expires_at=_expires_at(body),
    )


async def _to_role(machines: Machines, rows: Sequence[Row], chance: Chance) -> None:  # noqa: ARG001 - one form for all
    """Make one notice for each person who holds the role; that is all done in one commit, or none of it."""
    for row in rows:
        work = machines.work(tenant=row["tenant_id"])
        body = _body(row)
        holders = [
            member
            for member in await user.with_role(work, row["target"], most=_MOST_OF_A_ROLE)
            if member.is_active and member.sub != body["excluded"]
        ]
        work.claim(
            store.DONE,
            notice_id=row["notice_id"],
            tries=row["tries"],
            now=work.now,
            failure="" if holders else "nobody",
        )
        for member in holders:
            enqueue(
                work,
                channel=Channel.MAIL,
                target=member.sub,
                event=Event(row["event"]),
                about=row["about"],
                body=body,
                at=row["created_at"],
            )
        await work.commit()


_CHANNELS: Final = {Channel.WEBHOOK: _to_webhook, Channel.MAIL: _to_person, Channel.MAIL_TO_ROLE: _to_role}


async def _claimed(machines: Machines, rows: Sequence[Row]) -> bool:
    """Whether these are ours to tell until the claim ends: all of them, or none."""
    work = machines.work(tenant=rows[0]["tenant_id"])
    for row in rows:
        work.claim(
            store.CLAIM, notice_id=row["notice_id"], tries=row["tries"], now=work.now, until=work.now + CLAIMED_S
        )
    return await work.commit()


def _note_failure(work: UnitOfWork, row: Row, failed: Failed, chance: Chance) -> bool:
    """Try again later, or give it up; returns which. What was tried is the claim `tries + 1`."""
    tries = row["tries"] + 1
    next_try_at = work.now + wait_s(tries, chance())
    given_up = failed.is_final or next_try_at >= row["created_at"] + GIVEN_UP_AFTER_S
    log.warning(
        "notice_not_delivered", notice_id=row["notice_id"], reason=failed.reason, tries=tries, given_up=given_up
    )
    if not given_up:
        work.write(store.AGAIN, notice_id=row["notice_id"], tries=tries, next_try_at=next_try_at, failure=failed.reason)
        return False
    work.write(store.DONE, notice_id=row["notice_id"], tries=tries, now=work.now, failure=failed.reason)
    event.record(
        work,
        event.Kind.NOTICE_GIVEN_UP,
        event.Outcome.REFUSED,
        reason=failed.reason,
        notice_id=row["notice_id"],
        channel=row["channel"],
        about_event=row["event"],
        tries=tries,
    )
    return True


def wait_s(tries: int, chance: float) -> int:
    """Return how long to wait after so many tries: twice as long each time up to two hours, and a quarter more or less."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S << min(tries - 1, 20))
    return max(1, round(longest * (0.75 + 0.5 * chance)))


def _rest(work: UnitOfWork, row: Row, seconds: int = _LINE_RESTS_S) -> None:
    work.write(store.HOLD, channel=row["channel"], target=row["target"], now=work.now, until=work.now + seconds)


async def _is_active(work: UnitOfWork) -> bool:
    assert work.tenant is not None
    home = await tenants.by_id(work, work.tenant)
    return home is not None and home.is_active


def _body(row: Row) -> dict[str, Any]:
    return dict(orjson.loads(row["body"]))


def _expires_at(body: dict[str, Any]) -> int:
    return _seconds(body["expires_at"])


def _seconds(said: str) -> int:
    return round(datetime.fromisoformat(said).timestamp())
