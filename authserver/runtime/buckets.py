"""
Token buckets in the memory of one process: for floods that must not reach the database.

GCRA: one number per key, bounded in keys; the emptiest-longest key is forgotten first.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """No budget is left."""

    retry_after_s: int


class Bucket:
    """`per_minute` on average, `burst` at once, for each key. `most` is what is taken at once at most: the last one may go so far beyond."""

    def __init__(self, *, per_minute: int, burst: int, keys: int = 10_000, most: int = 1) -> None:
        self._step_us = 60_000_000 / per_minute
        self._slack_us = self._step_us * (burst - 1)
        self._furthest_us = self._slack_us + self._step_us * most
        self._keys = keys
        self._due: OrderedDict[str, float] = OrderedDict()

    def peek(self, key: str, now_us: int) -> Limited | None:
        """Say whether nothing is left, without taking."""
        early = self._due_of(key, now_us) - self._slack_us - now_us
        return Limited(retry_after_s=max(1, int(early // 1_000_000) + 1)) if early > 0 else None

    def take(self, key: str, now_us: int, amount: int = 1) -> Limited | None:
        """Take as many as are asked for; Limited when nothing is left."""
        due = self._due_of(key, now_us)
        early = due - self._slack_us - now_us
        if early > 0:
            return Limited(retry_after_s=max(1, int(early // 1_000_000) + 1))
        self._due[key] = (max(now_us, due)) + self._step_us * amount
        self._due.move_to_end(key)
        if len(self._due) > self._keys:
            self._due.popitem(last=False)
        return None

    def _due_of(self, key: str, now_us: int) -> float:
        due = self._due.get(key, 0.0)
        # Further ahead than any flood could have brought it: the clock was set back, and nobody is locked out until it is here again.
        return due if due <= now_us + self._furthest_us else 0.0


class OpenDoor:
    """A budget for callers who prove nothing: one for each key, and a ceiling for all that slows and never closes.

    Decision 12. Above the ceiling each key still gets one through every half minute, so that a flood from many addresses
    cannot lock out whoever comes once.
    """

    def __init__(self, *, per_minute: int, ceiling_per_minute: int) -> None:
        self._each = Bucket(per_minute=per_minute, burst=max(1, per_minute // 2))
        self._all = Bucket(per_minute=ceiling_per_minute, burst=max(1, ceiling_per_minute // 2), keys=1)
        self._slowed = Bucket(per_minute=2, burst=1)

    def take(self, key: str, now_us: int) -> Limited | None:
        """Take one; Limited when nothing is left for this key."""
        limited = self._each.take(key, now_us)
        if limited is not None:
            return limited
        if self._all.take("", now_us) is None:
            return None
        return self._slowed.take(key, now_us)


class Seats:
    """How many may wait at once: of each key, and of all."""

    def __init__(self, *, each: int, all_together: int) -> None:
        self._each = each
        self._all = all_together
        self._taken: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """How many wait now."""
        return sum(self._taken.values())

    @property
    def is_full(self) -> bool:
        """Whether there is no seat for anybody."""
        return self.taken >= self._all

    def has_room(self, key: str) -> bool:
        """Whether there is a seat for this one."""
        return self._taken.get(key, 0) < self._each and not self.is_full

    @contextmanager
    def take(self, key: str) -> Iterator[bool]:
        """Yield whether there is a seat; it is free again afterwards."""
        has_seat = self.has_room(key)
        if has_seat:
            self._taken[key] = self._taken.get(key, 0) + 1
        try:
            yield has_seat
        finally:
            if has_seat:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]
