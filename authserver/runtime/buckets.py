"""
Token buckets in the memory of one process: for floods that must not reach the database.

GCRA: one number per key, bounded in keys; the emptiest-longest key is forgotten first.
"""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """No budget is left."""

    retry_after_s: int


class Bucket:
    """`per_minute` on average, `burst` at once, for each key."""

    def __init__(self, *, per_minute: int, burst: int, keys: int = 10_000) -> None:
        self._step_us = 60_000_000 / per_minute
        self._slack_us = self._step_us * (burst - 1)
        self._keys = keys
        self._due: OrderedDict[str, float] = OrderedDict()

    def peek(self, key: str, now_us: int) -> Limited | None:
        """Say whether nothing is left, without taking."""
        early = self._due.get(key, 0.0) - self._slack_us - now_us
        return Limited(retry_after_s=max(1, int(early // 1_000_000) + 1)) if early > 0 else None

    def take(self, key: str, now_us: int) -> Limited | None:
        """Take one; Limited when nothing is left."""
        due = self._due.get(key, 0.0)
        early = due - self._slack_us - now_us
        if early > 0:
            return Limited(retry_after_s=max(1, int(early // 1_000_000) + 1))
        self._due[key] = (max(now_us, due)) + self._step_us
        self._due.move_to_end(key)
        if len(self._due) > self._keys:
            self._due.popitem(last=False)
        return None
