"""
How often limits were met, counted for operators: by tenant, tool and limit, of nobody. Bounded; what was quiet for longest makes room.

It is kept for the issuer, which is told now and then (`telling.py`), and for `doctor()`. C43, RL-06.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from resource_lib.limits.limits import Limited
from resource_lib.wire.limit import LimitScope
from resource_lib.wire.limits_met import MOST_TOLD, LimitMet, is_told

MOST_KEPT: Final = 500
_MINUTE_S: Final = 60


class _Line:
    __slots__ = ("at", "in_minute", "times")

    def __init__(self) -> None:
        self.times = self.in_minute = 0
        self.at = 0


class LimitsMet:
    """Counts. `clock` says seconds since the epoch. Safe between threads."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lines: OrderedDict[tuple[str, str, LimitScope], _Line] = OrderedDict()
        self._lock = Lock()
        self.times = 0
        """How often any limit was met since this process began: what is new is known by it."""

    def note(self, limited: Limited) -> None:
        """Count one refusal."""
        now, key = int(self._clock()), (limited.tenant, limited.tool or "", limited.scope)
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line()
                if len(self._lines) > MOST_KEPT:
                    self._lines.popitem(last=False)
            is_same_minute = now // _MINUTE_S == line.at // _MINUTE_S
            line.in_minute = line.in_minute + 1 if is_same_minute else 1
            line.times += 1
            line.at = max(now, line.at)
            self._lines.move_to_end(key)
            self.times += 1

    @property
    def all(self) -> tuple[LimitMet, ...]:
        """All that is kept, the latest first."""
        with self._lock:
            return tuple(
                LimitMet(tenant=tenant, tool=tool, limit=limit, times=one.times, in_minute=one.in_minute, at=one.at)
                for (tenant, tool, limit), one in reversed(self._lines.items())
            )

    @property
    def told(self) -> list[dict[str, object]]:
        """What the issuer is told: the latest of it."""
        return [one.to_json() for one in self.all if is_told(one.tenant, one.tool)][:MOST_TOLD]
