"""The only reading of the wall clock. Whoever needs the time is given it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns microseconds since the epoch."""


def system_clock() -> int:
    """Return the wall clock in microseconds since the epoch."""
    return time.time_ns() // 1000
