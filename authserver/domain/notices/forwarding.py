"""
A tenant's record, told to its webhooks as it is sealed: in the log's order, at least once, without what names people.

A webhook names kinds (`call:*`, `operator:kill:stopped`). For each there is a place in the log, which goes on in the commit that makes
the next batch a notice; from there `delivery.py` signs it, tries it again and gives it up loudly. The next batch is made when the
one before was told, so none overtakes another, and a receiver that is slow or dead holds up nothing but itself.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson
import structlog

from authserver.domain.audit import following
from authserver.domain.audit.event import Kind
from authserver.domain.audit.following import Sealed
from authserver.domain.notices import store
from authserver.domain.notices.notice import Channel, Event, enqueue, timestamp
from authserver.runtime.machines import Machines

log = structlog.get_logger("authserver.notices")

MOST_EVENTS: Final = 500
"""Of one call."""
MOST_BYTES: Final = 256 * 1024
"""Of the events of one call, unless a single one is larger."""
_MOST_WEBHOOKS: Final = 10_000
_MOST_TURNS: Final = 40
_PATTERN: Final = re.compile(r"[a-z_]+(?::[a-z_]+){0,2}(?::\*)?")


def is_of_the_record(name: str) -> bool:
    """Whether a word names kinds of events that there are: one by its name, or all that begin so, as `call:*`."""
    return ":" in name and bool(_PATTERN.fullmatch(name)) and any(_is_named(kind.value, (name,)) for kind in Kind)


def reader_of(webhook_id: str) -> str:
    """Return by which name a webhook's place in the log is kept."""
    return f"webhook:{webhook_id}"


async def forward_round(machines: Machines) -> int:
    """Make what is new in each log a notice for every webhook that listens to it; returns how many were made."""
    rows = await machines.crossing_tenants().all(store.FORWARDED, most=_MOST_WEBHOOKS)
    made = 0
    for row in rows:
        patterns = [name for name in row["events"].split() if ":" in name]
        try:
            made += await _forward(machines, row["tenant_id"], row["webhook_id"], patterns)
        except Exception as error:  # noqa: BLE001 - of one webhook: the others are no worse for it
            log.warning("record_not_forwarded", webhook_id=row["webhook_id"], error=type(error).__name__)
        # Whoever waits for an answer comes first.
        await asyncio.sleep(0)
    return made


async def _forward(machines: Machines, tenant: str, webhook_id: str, patterns: Sequence[str]) -> bool:
    of_it = {"channel": Channel.WEBHOOK.value, "target": webhook_id, "event": Event.RECORD_EVENTS.value}
    if await machines.work(tenant=tenant).one(store.IS_TOLD, **of_it) is not None:
        return False
    for _ in range(_MOST_TURNS):
        work = machines.work(tenant=tenant)
        batch = await following.read(work, reader_of(webhook_id), most=MOST_EVENTS)
        # Asked behind the reading: whoever went on meanwhile has made a notice that is seen here, or takes the claim below.
        # Without a place: it was disabled or removed a moment ago.
        if batch is None or not batch.turn or await work.one(store.IS_TOLD, **of_it) is not None:
            return False
        told: list[dict[str, Any]] = []
        size = 0
        for one in batch.events:
            if not _is_named(one.kind, patterns):
                continue
            said = _said(one)
            size += len(orjson.dumps(said))
            if told and size > MOST_BYTES:
                batch = replace(batch, position=one.index, passed_over=0, has_more=True)
                break
            told.append(said)
        following.advance(work, batch)
        if told:
            data = {"tenant_id": tenant, "from": batch.seen, "to": batch.position, "events": told}
            body = {"type": Event.RECORD_EVENTS.value, "timestamp": timestamp(work.now), "data": data}
            rows = f"{batch.seen}-{batch.position - 1}"
            enqueue(work, channel=Channel.WEBHOOK, target=webhook_id, event=Event.RECORD_EVENTS, about=rows, body=body)
        # Lost: another process made it.
        if not await work.commit() or told or not batch.has_more:
            return bool(told)
        await asyncio.sleep(0)
    return False


def _is_named(kind: str, patterns: Sequence[str]) -> bool:
    return any(kind.startswith(one[:-1]) if one.endswith(":*") else kind == one for one in patterns)


def _said(one: Sealed) -> dict[str, Any]:
    """Return an event as its header says it: ids, codes, numbers and keyed references."""
    said = {
        "row": one.index,
        "id": one.id,
        "at_us": one.at_us,
        "kind": one.kind,
        "outcome": one.outcome,
        "reason": one.reason,
        "client_id": one.client_id,
        "sub_ref": one.sub_ref,
        "authorization_id": one.authorization_id,
        "resource": one.resource,
        "about": dict(one.about),
    }
    return {name: value for name, value in said.items() if value not in ("", {})}
