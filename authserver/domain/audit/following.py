"""
The record, read in the order of its logs by whoever makes something of it: each sealed event once, however many processes read.

A reader has a place in each log. What it writes and the step to its next place are one commit, and the step is a claim: of two processes
that read the same, one writes, so that each may write what it worked out from rows that it had read before. From the first place on everything comes again, in the same order; so
what a reader keeps can be made anew (`reset`). A row that is gone or no event any more is passed over and counted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from authserver.domain.audit import store
from authserver.domain.audit.header import facts_of
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork

AT_ONCE: Final = 500
"""How many rows of a log one commit goes on."""
_AT_A_TIME: Final = 64
"""How many rows are read before others have their turn."""
_MOST_LOGS: Final = 1000
_MOST_TURNS: Final = 40
"""Of one round in one log: whoever stands in the way of an old log that is read from its first row on waits no longer."""

log = structlog.get_logger("authserver.audit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """One event of a log, as its header says it. `about`: what is particular to its kind."""

    index: int
    """Which row of the log it is."""
    id: str
    at_us: int
    kind: str
    outcome: str
    reason: str
    client_id: str
    sub_ref: str
    authorization_id: str
    resource: str
    about: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a reader has not seen yet of the bound tenant's log, in order: rows `seen` to `position - 1`."""

    reader: str
    seen: int
    position: int
    events: Sequence[Sealed]
    passed_over: int
    """How many of these rows are gone, or no event any more."""
    turn: int
    """How often the reader has gone on in this log."""
    has_more: bool
    """Whether more is sealed behind them."""


Take = Callable[[UnitOfWork, Batch], Awaitable[None]]
"""What a reader does with a batch: it adds writes, and neither commits nor minds what it cannot use."""


async def read(work: UnitOfWork, reader: str, *, most: int = AT_ONCE) -> Batch | None:
    """Return at most `most` events behind the reader's place in the bound tenant's log, or None: it has seen all that is sealed."""
    place = await work.one(store.READER, reader=reader)
    return await _batch(work, reader, place["position"] if place else 0, most, turn=place["turn"] if place else 0)


async def read_from(work: UnitOfWork, place: int, *, most: int = AT_ONCE) -> Batch | None:
    """Return at most `most` events of the bound tenant's log from row `place` on, for whoever keeps no place; None: there are none."""
    return await _batch(work, "", place, most, turn=0)


async def size(work: UnitOfWork) -> int:
    """Return how many rows the bound tenant's log has."""
    sealed = await work.one(store.LOG)
    return sealed["size"] if sealed else 0


async def _batch(work: UnitOfWork, reader: str, seen: int, most: int, *, turn: int) -> Batch | None:
    sealed = await work.one(store.LOG)
    end = sealed["size"] if sealed else 0
    if seen >= end:
        return None
    # What retention has taken away is neither read nor missed.
    begin = max(seen, sealed["pruned"]) if sealed else seen
    rows = await work.all(store.LEAVES, begin=begin, most=most)
    # Fewer than asked for: whatever else there was up to the size that was read before is gone.
    position = (
        rows[-1]["leaf_index"] + 1 if len(rows) == most else max(end, *(row["leaf_index"] + 1 for row in rows), 0)
    )
    events: list[Sealed] = []
    for at in range(0, len(rows), _AT_A_TIME):
        if at:
            await asyncio.sleep(0)
        events += [one for one in map(_sealed, rows[at : at + _AT_A_TIME]) if one is not None]
    return Batch(
        reader=reader,
        seen=seen,
        position=position,
        events=events,
        passed_over=position - begin - len(events),
        turn=turn,
        has_more=position < end,
    )


def advance(work: UnitOfWork, batch: Batch) -> None:
    """Go on to behind the batch with the unit's commit; it is lost where another process was first."""
    kept = {"reader": batch.reader, "position": batch.position, "passed_over": batch.passed_over, "now_us": work.at_us}
    if batch.turn:
        work.claim(store.ADVANCE_READER, turn=batch.turn, **kept)
    else:
        work.claim(store.BEGIN_READER, **kept)


async def begin_at_end(work: UnitOfWork, reader: str) -> None:
    """Have a reader of the bound tenant's log go on from behind what is sealed now, with the unit's commit."""
    sealed = await work.one(store.LOG)
    work.write(store.PLACE_READER, reader=reader, position=sealed["size"] if sealed else 0, now_us=work.at_us)


def forget(work: UnitOfWork, reader: str) -> None:
    """Forget where a reader is, with the unit's commit: it reads no more."""
    work.write(store.FORGET_READER, reader=reader)


async def position(work: UnitOfWork, reader: str) -> int:
    """Return how many rows of the bound tenant's log a reader has seen."""
    row = await work.one(store.READER, reader=reader)
    return row["position"] if row else 0


def forget_all(work: UnitOfWork, begins: str) -> None:
    """Forget where the readers of the bound tenant's log are whose names begin so, with the unit's commit."""
    work.write(store.FORGET_READERS, begins=begins)


async def passed_over(work: UnitOfWork, reader: str) -> int:
    """Return how many rows of the bound tenant's log a reader found gone, or no event any more."""
    row = await work.one(store.READER, reader=reader)
    return row["passed_over"] if row else 0


def reset(work: UnitOfWork, reader: str) -> None:
    """Go back to the first row with the unit's commit. What the reader made of the rows it takes away in the same one; whatever another
    process has in hand is lost.
    """
    work.claim(store.RESET_READER, reader=reader, now_us=work.at_us)


async def follow_round(
    machines: Machines, reader: str, take: Take, *, most: int = AT_ONCE, with_platform: bool = False
) -> int:
    """Give a reader what is new in every tenant's log, a batch of each log in turn; returns over how many rows it went.

    `with_platform`: the platform's own log too. A log that `take` fails at is tried again in the next round; the others go on.
    """
    skipped = "" if with_platform else SHARED
    rows = await machines.crossing_tenants().all(store.UNREAD_LOGS, reader=reader, skipped=skipped, most=_MOST_LOGS)
    tenants = [row["tenant_id"] for row in rows]
    went = 0
    for _ in range(_MOST_TURNS):
        more = []
        for tenant in tenants:
            begun = time.monotonic()
            try:
                batch = await _go_on(machines, tenant, reader, take, most)
            except Exception as error:  # noqa: BLE001 - of one log: the others are no worse for it
                log.warning("record_not_followed", reader=reader, tenant=tenant, error=type(error).__name__)
                continue
            # None: what another process reads meanwhile is left to it.
            if batch is not None:
                went += batch.position - batch.seen
                if batch.has_more:
                    more.append(tenant)
            # Whoever waits for an answer comes first, and an old log that is read anew takes half of the time at most.
            await asyncio.sleep(time.monotonic() - begun)
        if not more:
            break
        tenants = more
    return went


async def _go_on(machines: Machines, tenant: str, reader: str, take: Take, most: int) -> Batch | None:
    """Take one batch; None: there is none, or another process took it."""
    work = machines.work(tenant=tenant)
    batch = await read(work, reader, most=most)
    if batch is None:
        return None
    advance(work, batch)
    await take(work, batch)
    return batch if await work.commit() else None


def _sealed(row: Row) -> Sealed | None:
    """Return the event of a row, or None: it is gone, or somebody changed it into none."""
    try:
        # What is gone is None, which is no JSON either.
        said = facts_of(row["header"])
    except (TypeError, ValueError):
        return None
    texts = [said.get(name, "") for name in ("kind", "outcome", "reason", "client", "sub", "authorization", "resource")]
    at_us, about = said.get("at"), said.get("about", {})
    if type(at_us) is not int or not 0 <= at_us < 2**53 or type(about) is not dict:
        return None
    if not all(type(one) is str for one in texts):
        return None
    kind, outcome, reason, client_id, sub_ref, authorization_id, resource = texts
    return Sealed(
        index=row["leaf_index"],
        id=row["event_id"],
        at_us=at_us,
        kind=kind,
        outcome=outcome,
        reason=reason,
        client_id=client_id,
        sub_ref=sub_ref,
        authorization_id=authorization_id,
        resource=resource,
        about=about,
    )
