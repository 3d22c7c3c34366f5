"""
How long things took, in buckets whose bounds grow by a tenth: counts of any two spans add up, and each percentile of the sum is known.

A percentile is told as the middle of its bucket, so it is never more than 5 % off the value that stands at that place.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

GROWTH: Final = 1.1
ERROR: Final = (GROWTH - 1) / (GROWTH + 1)
"""Of a percentile, at most: 4.8 %."""

_BOUNDS: Final = [GROWTH**power for power in range(400)]
"""Upper bounds in microseconds; the last one is beyond 2^53."""

Counts = dict[int, int]
"""How many there are in which bucket."""


def bucket_of(took_us: int) -> int:
    """Return in which bucket a duration is; one microsecond and less is the first."""
    return bisect_left(_BOUNDS, took_us)


def middle_of(bucket: int) -> int:
    """Return the microseconds that stand for a bucket."""
    if not bucket:
        return 1
    return round(2 * _BOUNDS[bucket] / (GROWTH + 1))


def percentile(counts: Mapping[int, int], percent: int) -> int | None:
    """Return the microseconds below which this many in a hundred are, or None: there are none."""
    # Whole numbers: a fraction would round the place of the last one beyond the end.
    before = -(-sum(counts.values()) * percent // 100)
    for bucket in sorted(counts):
        before -= counts[bucket]
        if before <= 0:
            return middle_of(bucket)
    return None


def add(counts: Counts, more: Mapping[int, int]) -> None:
    """Add counts to others."""
    for bucket, count in more.items():
        counts[bucket] = counts.get(bucket, 0) + count
