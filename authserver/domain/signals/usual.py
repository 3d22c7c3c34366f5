"""
What is usual: averages that forget slowly, and counts in windows.

An average moves by a tenth for each new value, faster while there are few; one value moves it no further than from three deviations
away, and a window that was unusual does not move it at all: whoever wants to teach it must stay usual for weeks. Variance is at
least the average, as if calls came by chance (Poisson), so that few calls are never a surprise.
"""

from math import sqrt
from typing import Any, Final

ALPHA: Final = 0.1
NEVER: Final = 1e300
"""A limit that nothing is above; JSON knows no infinity."""

Usual = list[float]
"""[how many values, average, variance]"""


def learn(usual: Usual, value: float, *, capped_from: int, alpha: float = ALPHA, floor: float | None = None) -> None:
    """Take a value into an average. From `capped_from` values on it counts as no more than three deviations above. `floor`: the least
    variance; None: the average.
    """
    n, mean, var = usual
    if n >= capped_from:
        value = min(value, mean + 3 * deviation(usual, floor))
    n += 1
    part = max(alpha, 1 / n)
    distance = value - mean
    usual[0], usual[1], usual[2] = n, mean + part * distance, (1 - part) * (var + part * distance * distance)


def deviation(usual: Usual, floor: float | None = None) -> float:
    """Return its standard deviation, at least as large as chance alone makes it."""
    return sqrt(max(usual[2], usual[1] if floor is None else floor, 0.0))


Window = list[Any]
"""[which window, how many in it, above which number it is unusual, whether it was, n, average, variance]"""


def window() -> Window:
    """Return one in which nothing was counted yet."""
    return [-1, 0, NEVER, 0, 0, 0.0, 0.0]


def count(found: Window, which: int, *, by: int, learnt_after: float, least: float, z: float, times: float) -> bool:
    """Count into a window, and tell whether there are unusually many in it. What comes too late for its window is not counted."""
    if which != found[0]:
        if which < found[0]:
            return False
        usual = found[4:7]
        if found[1] and not found[3]:
            learn(usual, found[1], capped_from=int(learnt_after))
            found[4:7] = usual
        found[0], found[1], found[3] = which, 0, 0
        found[2] = NEVER if usual[0] < learnt_after else max(least, usual[1] + z * deviation(usual), times * usual[1])
    found[1] += by
    if found[1] > found[2]:
        found[3] = 1
        return True
    return False


def trim(known: dict[str, Any], most: int) -> None:
    """Forget the names that were used longest ago. `known` is in the order of their use."""
    while len(known) > most:
        del known[next(iter(known))]
