"""
The record goes through the detectors, in the order of its logs, off every request's path.

What is learned and what is found are written in the commit that moves the reader on: exactly once. Nothing here can hold up the
record: what fails in a detector is logged, and a log that cannot be followed is tried again while the others go on.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import orjson

from authserver.domain.audit import following
from authserver.domain.audit.following import Batch
from authserver.domain.signals import settings, store
from authserver.domain.signals.detectors.found import Found
from authserver.domain.signals.engine import concerns, look_at, names
from authserver.domain.signals.facts import fact_of
from authserver.domain.signals.signal import raise_all, say
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import UnitOfWork

READER: Final = "signals"
AT_ONCE: Final = 200
"""How many events one turn looks at: some milliseconds, after which whoever waits for an answer comes first."""
_AT_A_TIME: Final = 32
"""How many of them before others have their turn."""
MOST_BASELINES: Final = 20_000
"""Of one tenant; the least recently used goes, of what is known and of what is new: each has half of the room."""
_FEW: Final = 2000
_MOST_BYTES: Final = 512 * 1024
"""Of one baseline; what has grown beyond is learned anew."""
_ANEW: Final = b"{}"


async def watch_round(machines: Machines) -> int:
    """Look at what is new in every log, once; returns at how many events. A log that fails is tried again in the next round."""
    opened: list[tuple[str, str]] = []

    async def noted(work: UnitOfWork, batch: Batch) -> None:
        opened.extend((work.tenant or "", signal_id) for signal_id in await take(work, batch))

    went = await following.follow_round(machines, READER, noted, most=AT_ONCE)
    for tenant, signal_id in opened:
        await say(machines.work(tenant=tenant), signal_id)
    return went


async def take(work: UnitOfWork, batch: Batch) -> list[str]:
    """Look at a batch of the bound tenant's events: what is usual and what is not is written with the unit's commit.

    Returns the ids of the signals that are new with it.
    """
    facts = [fact for fact in map(fact_of, batch.events) if concerns(fact)]
    if not facts:
        return []
    wanted = await settings.of_tenant(work)
    abouts = {name for fact in facts for name in names(fact) if name}
    known = await baselines(work, abouts)
    is_new = len(known) < len(abouts)
    found: list[Found] = []
    numbers = wanted.numbers
    for place, fact in enumerate(facts, start=1):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        look_at(fact, known, found.append, numbers=numbers, zone=wanted.zone)
    for place, about in enumerate(sorted(known), start=1):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        work.write(store.KEEP_BASELINE, about=about, state=_kept(known[about]), now_us=work.at_us)
    if (
        is_new
        and (counted := await work.one(store.COUNT_BASELINES))
        and counted["many"] + len(abouts) > MOST_BASELINES // 2
    ):
        most_new = MOST_BASELINES // 2
        work.write(store.TRIM_BASELINES, most_new=most_new, most_known=MOST_BASELINES - most_new)
    return await raise_all(work, found, wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How much of a tenant's record was looked at, and of how many agents, applications and tools something is known."""

    events: int
    baselines: int

    @property
    def is_new(self) -> bool:
        """Whether there is too little for most signals to say anything."""
        return self.events < _FEW


async def standing(work: UnitOfWork) -> Standing:
    """Return how far it is in the bound tenant."""
    known = await work.one(store.COUNT_BASELINES)
    return Standing(events=await following.position(work, READER), baselines=known["many"] if known else 0)


async def baselines(work: UnitOfWork, abouts: set[str]) -> dict[str, dict[str, Any]]:
    """Return what is usual, by name; one that is not known yet, or cannot be read, is empty."""
    rows = await work.all(store.BASELINES, abouts=orjson.dumps(sorted(abouts)).decode())
    known = {}
    for place, row in enumerate(rows, start=1):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        known[row["about"]] = orjson.loads(row["state"])
    return known


def _kept(state: dict[str, Any]) -> bytes:
    try:
        kept = orjson.dumps(state)
    except TypeError:
        return _ANEW  # a number that is none any more: whoever told it holds up nobody else
    return kept if len(kept) <= _MOST_BYTES else _ANEW
