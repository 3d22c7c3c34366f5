"""
What happens while the shared store of limits is away.

Chosen, and the same for every store: whatever may change something does not begin, for nobody knows how often it was done elsewhere; reads
go on by a share of each limit that this process counts alone, `limit / expected_instances`. So all processes together let through at most
one limit more, once for each time the limit takes to fill again, and what they let through meanwhile is not told to the store later.

The caller of a write hears `control_plane_stale`: what would have to be known before it may begin is not known at the moment, nothing has
happened, try again in a few seconds. It is not `rate_limited`, which would be untrue (nobody knows that a limit is reached), would teach an
agent to do less, and would count as a signal against whoever called; and not `server_inactive`, by which an operator stopped something.

The store is looked for by one call at a time, at growing distances, and taken back as soon as it answers. C38, C39, R-04.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from resource_lib.decision import Deny
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.store import Asked, Full, LimitStore, Seat, Slot, StoreUnavailableError, Taken
from resource_lib.settings import SettingsError

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 2.0
RETRY_AFTER_S: Final = 2
"""When whoever was refused because the store is away may come again."""
_LOCAL: Final = "local:"

log = logging.getLogger("resource_lib.limits")


class ClosedError(StoreUnavailableError):
    """The store is away, and what is asked for is not begun without it. Try after `retry_after_s` seconds."""

    def __init__(self) -> None:
        super().__init__("the store of limits is away")
        self.retry_after_s = RETRY_AFTER_S


def closed(subject: str) -> Deny:
    """Return the refusal of a call that may change something while nobody knows how often that was done."""
    return Deny(
        error="control_plane_stale",
        message=f"{subject} has not run: how often it was called cannot be known at the moment. Try again in {RETRY_AFTER_S} seconds.",
        reason="the store of limits is away",
        retry_after_s=RETRY_AFTER_S,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreState:
    """How a shared store is, for `doctor()`."""

    away_s: float | None
    """For how many seconds it has been away; None: it is there."""
    reason: str | None
    """The kind of its last failure while it is away."""
    share: float
    """Which part of each limit a read has here meanwhile."""

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.away_s is None:
            return "the shared store of limits is there"
        return (
            f"the shared store of limits has been away for {self.away_s:.0f} s ({self.reason}): "
            f"writes are refused, reads have {self.share:.0%} of each limit here"
        )


class Sheltered:
    """
    See LimitStore: `store`, and what counts in its place while it is away.

    `expected_instances` is among how many processes a limit is shared then. `clock` counts seconds and never goes back.
    """

    def __init__(
        self, store: LimitStore, *, expected_instances: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if expected_instances < 1:
            raise SettingsError("expected_instances", "is less than 1", "say how many processes serve this resource")
        self.store = store
        self._instances = expected_instances
        self._clock = clock
        # Kept from one time away to the next: a store that comes and goes gives no new share each time.
        self._local = ProcessStore(clock=lambda: int(clock() * 1_000_000))
        self._away_since: float | None = None
        self._reason = ""
        self._ask_at = 0.0
        self._pause = FIRST_PAUSE_S
        self._answered_at = -math.inf

    @property
    def state(self) -> StoreState:
        """How the store is now."""
        away = None if self._away_since is None else self._clock() - self._away_since
        return StoreState(away_s=away, reason=self._reason or None, share=1 / self._instances)

    async def take(self, asked: Sequence[Asked], *, peek: bool = False, closes: bool = False) -> Taken:
        """See LimitStore. While the store is away this process counts its share; `closes`: then ClosedError is raised instead."""
        if self._may_ask():
            begun = self._clock()
            try:
                taken = await self.store.take(asked, peek=peek)
            except StoreUnavailableError as error:
                self._failed(begun, error)
            else:
                self._answered()
                return taken
        if closes:
            raise ClosedError
        taken = await self._local.take([self._shared(one) for one in asked], peek=peek)
        if (
            math.isinf(taken.retry_after_s)
            and taken.refused is not None
            and asked[taken.refused].cost <= asked[taken.refused].most
        ):
            # More than a share ever allows, though not more than the limit: when the store is back.
            return replace(taken, retry_after_s=float(RETRY_AFTER_S))
        return taken

    async def give_back(self, asked: Sequence[Asked]) -> None:
        """See LimitStore. While the store is away nothing is given back: who counted it is not known."""
        if self._away_since is not None:
            return
        begun = self._clock()
        try:
            await self.store.give_back(asked)
        except StoreUnavailableError as error:
            self._failed(begun, error)

    async def begin(self, asked: Sequence[Slot], *, closes: bool = False) -> Seat | Full:
        """See LimitStore. While the store is away as `take`."""
        if self._may_ask():
            begun = self._clock()
            try:
                seat = await self.store.begin(asked)
            except StoreUnavailableError as error:
                self._failed(begun, error)
            else:
                self._answered()
                return seat
        if closes:
            raise ClosedError
        here = await self._local.begin([replace(one, most=self._part(one.most)) for one in asked])
        return here if isinstance(here, Full) else replace(here, id=_LOCAL + here.id)

    async def renew(self, seat: Seat) -> bool:
        """See LimitStore. While the store is away a seat is taken for kept: whoever has it is at work."""
        if seat.id.startswith(_LOCAL):
            return await self._local.renew(_here(seat))
        try:
            return await self.store.renew(seat)
        except StoreUnavailableError:
            return True

    async def end(self, seat: Seat) -> None:
        """See LimitStore. What cannot be given back now ends by itself."""
        if seat.id.startswith(_LOCAL):
            return await self._local.end(_here(seat))
        if self._away_since is not None:
            return None
        begun = self._clock()
        try:
            await self.store.end(seat)
        except StoreUnavailableError as error:
            self._failed(begun, error)

    async def aclose(self) -> None:
        """See LimitStore."""
        await self.store.aclose()

    def _may_ask(self) -> bool:
        """Tell whether the store is asked: always while it is there; by one call each pause while it is away."""
        if self._away_since is None:
            return True
        now = self._clock()
        if now < self._ask_at:
            return False
        self._ask_at = now + self._pause
        return True

    def _failed(self, begun: float, error: StoreUnavailableError) -> None:
        if begun < self._answered_at:
            # Somebody has heard from it since: one answer was lost, or came too late, and no more is known.
            return
        now = self._clock()
        self._reason = str(error) or type(error).__name__
        if self._away_since is None:
            self._away_since, self._pause = now, FIRST_PAUSE_S
            log.error(
                "the shared store of limits is away (%s): writes are refused, reads have 1/%d of each limit here",
                self._reason,
                self._instances,
                extra={"event": "limits.store_degraded", "reason": self._reason, "instances": self._instances},
            )
        elif begun >= self._away_since:
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
        self._ask_at = now + self._pause

    def _answered(self) -> None:
        self._answered_at = self._clock()
        if self._away_since is None:
            return
        away = self._clock() - self._away_since
        self._away_since, self._reason = None, ""
        log.warning(
            "the shared store of limits is back after %.1f s",
            away,
            extra={"event": "limits.store_back", "away_s": round(away, 1)},
        )

    def _part(self, most: int) -> int:
        return max(1, most // self._instances)

    def _shared(self, one: Asked) -> Asked:
        """Return this process's share of a limit: at least one, at a time in which all processes together make no more of it."""
        part = self._part(one.most)
        seconds = -(-one.seconds * part * self._instances // one.most)
        return Asked(key=one.key, most=part, seconds=max(1, seconds), cost=one.cost)


def _here(seat: Seat) -> Seat:
    return Seat(id=seat.id.removeprefix(_LOCAL), keys=seat.keys)
