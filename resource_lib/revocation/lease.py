"""
How old the knowledge of what is dead may be, and how old it is.

Decision 14. The age is an upper bound: it counts from before a short question was asked whose answer was the whole truth, on a clock
of this machine that nobody sets and that goes on while the machine sleeps. A message that may have been delayed renews nothing.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

RETRY_S: Final = 2


def _clock() -> Callable[[], float]:
    if hasattr(time, "CLOCK_BOOTTIME"):
        # CLOCK_MONOTONIC stands still while Linux is suspended: a machine that slept an hour would think itself fresh.
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return time.monotonic


clock = _clock()
"""Seconds that only ever grow, also while the machine sleeps."""


class Lease:
    """
    What may be decided with what is known now.

    `max_staleness` (seconds) is for whatever writes, destroys, or returns personal data or secrets; `read_staleness` for all else.
    """

    __slots__ = ("clock", "fresh_at", "max_staleness", "read_staleness", "retry_after_s")

    def __init__(self, *, max_staleness: float, read_staleness: float, clock: Callable[[], float] = clock) -> None:
        self.max_staleness = max_staleness
        self.read_staleness = read_staleness
        self.clock = clock
        self.fresh_at = float("-inf")
        """When what is known was last the whole truth, at the earliest."""
        self.retry_after_s = RETRY_S
        """When whoever is refused because what is known is too old may come again."""

    @property
    def age(self) -> float | None:
        """How many seconds ago, at most, what is known was the whole truth; None: nothing was ever heard."""
        return None if self.fresh_at == float("-inf") else max(0.0, self.clock() - self.fresh_at)

    @property
    def is_fresh(self) -> bool:
        """Whether everything may be decided."""
        return self.clock() - self.fresh_at <= self.max_staleness

    def renew(self, true_at: float) -> None:
        """Take note that what is known was the whole truth at `true_at`; an earlier moment changes nothing."""
        self.fresh_at = max(self.fresh_at, true_at)
