"""
What signals would have said about the past: the record goes through the same detectors again, and nothing is written.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from authserver.domain.audit import following
from authserver.domain.signals import settings
from authserver.domain.signals.detectors.found import Found
from authserver.domain.signals.engine import concerns, look_at
from authserver.domain.signals.facts import fact_of
from authserver.domain.signals.settings import Settings
from authserver.domain.signals.watching import MOST_BASELINES
from authserver.runtime.unit_of_work import UnitOfWork

AT_ONCE = 500


@dataclass(slots=True)
class Would:
    """One signal that would have been opened: as it stood at its last time."""

    found: Found
    first_at: int
    many: int = 1


@dataclass(slots=True)
class Replayed:
    """What came of it. `looked_at`: events within the time; `learned_from`: those before it."""

    would: list[Would] = field(default_factory=list)
    looked_at: int = 0
    learned_from: int = 0


async def length(work: UnitOfWork) -> int:
    """Return how many events the bound tenant's log has: as far as a replay goes."""
    return await following.size(work)


async def replay(
    work: UnitOfWork,
    *,
    since_us: int = 0,
    until_us: int = 2**62,
    wanted: Settings | None = None,
    progress: Callable[[int], object] | None = None,
) -> Replayed:
    """Let the detectors look at the bound tenant's record, from its first event on; return what they would have said in the time.

    What was before `since_us` is learned from and not said. `wanted`: with other numbers than those in force. Signals that are one open
    signal are one, as if nobody had dismissed it.
    """
    said = wanted or await settings.of_tenant(work)
    known: dict[str, dict[str, Any]] = {}
    result = Replayed()
    by_key: dict[tuple[str, str], Would] = {}
    numbers = said.numbers
    is_due = False

    def say(found: Found) -> None:
        if not is_due or not said.kinds[found.kind].is_on:
            return
        key = (found.kind.value, found.about)
        would = by_key.get(key)
        if would is None:
            by_key[key] = Would(found, found.fact.at)
            result.would.append(by_key[key])
        else:
            would.found, would.many = found, would.many + 1

    place = 0
    while (batch := await following.read_from(work, place, most=AT_ONCE)) is not None:
        for one in batch.events:
            if one.at_us >= until_us:
                continue
            fact = fact_of(one)
            if not concerns(fact):
                continue
            is_due = one.at_us >= since_us
            result.looked_at += is_due
            result.learned_from += not is_due
            look_at(fact, known, say, numbers=numbers, zone=said.zone)
        while len(known) > MOST_BASELINES:
            del known[next(iter(known))]
        place = batch.position
        if progress is not None:
            progress(batch.position - batch.seen)
        # Whoever waits for an answer comes first.
        await asyncio.sleep(0)
    return result
