"""
How often limits were met, told to the issuer now and then, so that an operator sees it there: counts of tools and tenants, and of nobody.

Best effort, and bounded: at most once in ten seconds, fifty lines, with what this process says of itself when it acknowledges the feed.
There is no task of its own, no call waits for it, and whether it was heard changes nothing. Counts go on from the start of the process, so what
was not heard is told the next time. C43, RL-06.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from resource_lib.limits.met import LimitsMet

PAUSE_S: Final = 10.0


class LimitReport:
    """Tells of `met` by `say`, which returns whether it was heard. `clock` counts monotonic seconds."""

    def __init__(
        self, met: LimitsMet, say: Callable[[], Awaitable[bool]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._met = met
        self._say = say
        self._clock = clock
        self._due = float("-inf")
        self._told = 0

    async def tell(self) -> None:
        """Tell, where there is something new and it is time."""
        times, now = self._met.times, self._clock()
        if times == self._told or now < self._due:
            return
        self._due = now + PAUSE_S
        if await self._say():
            self._told = times
