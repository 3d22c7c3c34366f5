"""
The generic cell rate algorithm: one number per key says how often something was done.

The number is the moment at which all that was taken will have been paid back ("theoretical arrival time"). One call costs `interval`
microseconds of it, and at most `most` intervals may be owed at once. So `10/hour` is ten at once and then one each six minutes: never
more than ten in a moment, and in any time `w` never more than `most * (1 + w / seconds)`. There is no window, hence no edge at which
a fresh one begins.

Whole microseconds in every store, so that Lua's and SQL's numbers say what Python's say. An interval is rounded up: what was asked for
is never exceeded, and at 1000 in a second the refill is slower by less than 0.1 %.
Pure: no clock, no state. ITU-T I.371; C37, C41.
"""

from typing import Final

SECOND: Final = 1_000_000
"""Ticks in a second."""


def interval(most: int, seconds: int) -> int:
    """Return what one costs, in microseconds."""
    return -(-seconds * SECOND // most)


def tolerance(most: int, seconds: int) -> int:
    """Return how much may be owed at once, in microseconds."""
    return most * interval(most, seconds)


def owed_until(owed: int | None, now: int, most: int, seconds: int, cost: int = 1) -> int:
    """Return until when is owed what was taken, once `cost` more is; `owed` is until when it is now, None: nothing is."""
    start = now if owed is None or owed < now else owed
    return start + cost * interval(most, seconds)


def wait(until: int, now: int, most: int, seconds: int) -> int:
    """Return for how many microseconds `owed_until` is still too much; 0 or less: it may be taken now."""
    return until - now - tolerance(most, seconds)


def remaining(until: int | None, now: int, most: int, seconds: int) -> int:
    """Return how many may still be taken at once, where it is owed `until`."""
    owed = 0 if until is None or until < now else until - now
    return max(0, (tolerance(most, seconds) - owed) // interval(most, seconds))
