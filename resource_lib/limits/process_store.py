"""
The limits of one process: a bounded table in memory.

Where several processes serve one resource, each counts for itself, and together they allow as many times more: then a shared store
takes this one's place (docs/limits.md). Whatever is owed no longer is forgotten, and so is, when the table is full, whoever owes least
among those who were quiet for longest.
"""

import itertools
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from resource_lib.limits.gcra import SECOND, interval
from resource_lib.limits.store import Asked, Full, Seat, Slot, Taken

MOST_KEYS: Final = 100_000
_LOOKED_AT: Final = 16
"""How many of the quietest are compared when one must be forgotten."""
_WARN_EVERY: Final = 60 * SECOND

log = logging.getLogger("resource_lib.limits")


def _microseconds() -> int:
    return time.monotonic_ns() // 1000


class ProcessStore:
    """See LimitStore. Safe between threads; never unavailable. `clock` counts microseconds, and is never believed when it goes back."""

    def __init__(self, *, most_keys: int = MOST_KEYS, clock: Callable[[], int] = _microseconds) -> None:
        self._most_keys = most_keys
        self._clock = clock
        self._now = 0
        self._owed: OrderedDict[str, int] = OrderedDict()
        self._seats: dict[str, set[str]] = {}
        self._numbers = itertools.count()
        self._lock = Lock()
        self._warned = -_WARN_EVERY

    def __len__(self) -> int:
        """Return how many keys are kept."""
        return len(self._owed) + len(self._seats)

    async def take(self, asked: Sequence[Asked], *, peek: bool = False) -> Taken:
        """See LimitStore."""
        with self._lock:
            now = self._now = max(self._now, self._clock())
            owed = self._owed
            refused, longest = None, 0.0
            planned = []
            # What `gcra` says, written out: a call of a function costs as much as what it would decide here.
            for place, one in enumerate(asked):
                most = one.most
                step = -(-one.seconds * SECOND // most)
                before = owed.get(one.key, now)
                before = max(before, now)
                until = before + one.cost * step
                over = until - now - most * step
                if over > 0:
                    waiting = math.inf if one.cost > most else over / SECOND
                    if waiting > longest:
                        refused, longest = place, waiting
                planned.append((one.key, most, step, before, until))
            if refused is not None or peek:
                left = [max(0, most + (now - before) // step) for _, most, step, before, _ in planned]
                return Taken(refused=refused, retry_after_s=longest, remaining=tuple(left))
            for key, _, _, _, until in planned:
                owed[key] = until
                owed.move_to_end(key)
            if len(owed) > self._most_keys:
                self._forget_some(now)
            left = [most + (now - until) // step for _, most, step, _, until in planned]
            return Taken(refused=None, retry_after_s=longest, remaining=tuple(left))

    async def give_back(self, asked: Sequence[Asked]) -> None:
        """See LimitStore."""
        with self._lock:
            for one in asked:
                until = self._owed.get(one.key)
                if until is not None:
                    self._owed[one.key] = until - one.cost * interval(one.most, one.seconds)

    async def begin(self, asked: Sequence[Slot]) -> Seat | Full:
        """See LimitStore."""
        with self._lock:
            for place, one in enumerate(asked):
                if len(self._seats.get(one.key, ())) >= one.most:
                    return Full(place)
            seat = Seat(id=str(next(self._numbers)), keys=tuple(one.key for one in asked))
            for key in seat.keys:
                self._seats.setdefault(key, set()).add(seat.id)
            return seat

    async def renew(self, seat: Seat) -> bool:
        """See LimitStore. A seat of this process lives as long as its holder does."""
        return all(seat.id in self._seats.get(key, ()) for key in seat.keys)

    async def end(self, seat: Seat) -> None:
        """See LimitStore."""
        with self._lock:
            for key in seat.keys:
                holders = self._seats.get(key)
                if holders is None:
                    continue
                holders.discard(seat.id)
                if not holders:
                    del self._seats[key]

    async def aclose(self) -> None:
        """See LimitStore. There is nothing to let go of."""

    def _forget_some(self, now: int) -> None:
        """Make room: for nothing where nothing is owed, else at the cost of the limit of whoever owes least."""
        owed = self._owed
        while owed and len(owed) > self._most_keys:
            quietest = list(itertools.islice(owed, _LOOKED_AT))
            paid = [key for key in quietest if owed[key] <= now]
            for key in paid or [min(quietest, key=owed.__getitem__)]:
                del owed[key]
            if not paid and now - self._warned >= _WARN_EVERY:
                self._warned = now
                log.warning(
                    "more callers at once than limits are kept for: some begin anew. Use a shared store, or more keys",
                    extra={"event": "limits.crowded", "kept": self._most_keys},
                )
