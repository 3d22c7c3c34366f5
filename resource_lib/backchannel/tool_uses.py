"""
On which day each tool was last used in which tenant, as far as the issuer does not know it yet.

C54. A tool is used when a call of it is let through: a listing is no use, and neither is a refusal. It is a day and nothing finer, of a tenant
and never of a person, so that nobody's work can be read from it. Told in a few hundred bytes, at most once in five minutes, and for each
tool and tenant once a day; what is told twice changes nothing, and what is lost with this process is told again with the next call.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

PAUSE_S: Final = 300.0
"""How long a use waits at most for others to be told with it."""
MOST_KEPT: Final = 20_000
"""Tools times tenants that are remembered; of what is over that, the oldest use is told again one day, or not at all."""
MOST_AT_ONCE: Final = 1_000
"""Told in one report; the rest follows."""
DAY_S: Final = 86_400


class ToolUses:
    """Takes note of uses of `tools`. `clock` counts monotonic seconds, `wall` those since the epoch."""

    __slots__ = ("_clock", "_due", "_known", "_tools", "_untold", "_wall")

    def __init__(
        self,
        tools: Iterable[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._tools = frozenset(tools)
        self._clock = clock
        self._wall = wall
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()
        """By tool and tenant the day that was noted last."""
        self._untold: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._due = 0.0

    def note(self, tool: str, tenant: str) -> None:
        """Take note that a call of a tool was let through for somebody of a tenant."""
        key, day = (tool, tenant), int(self._wall() // DAY_S)
        if self._known.get(key, -1) >= day or tool not in self._tools:
            return
        if not self._untold:
            self._due = self._clock() + PAUSE_S
        self._known[key] = day
        self._known.move_to_end(key)
        self._untold[key] = None
        if len(self._known) > MOST_KEPT:
            forgotten, _ = self._known.popitem(last=False)
            self._untold.pop(forgotten, None)

    def is_due(self) -> bool:
        """Tell whether something waits that has waited long enough."""
        return bool(self._untold) and self._clock() >= self._due

    def tell_now(self) -> None:
        """Let what waits be told with the next report."""
        self._due = self._clock()

    def untold(self) -> dict[str, dict[str, str]]:
        """Return what is told next: by tool and tenant the day, such as `2027-03-31`."""
        found: dict[str, dict[str, str]] = {}
        for tool, tenant in list(self._untold)[:MOST_AT_ONCE]:
            day = datetime.fromtimestamp(self._known[tool, tenant] * DAY_S, UTC).date()
            found.setdefault(tool, {})[tenant] = day.isoformat()
        return found

    def told(self, used: Mapping[str, Mapping[str, str]]) -> None:
        """Take note that the issuer knows this; what was used on another day meanwhile is told anew."""
        now = self.untold()
        for tool, days in used.items():
            for tenant, day in days.items():
                if now.get(tool, {}).get(tenant) == day:
                    self._untold.pop((tool, tenant), None)
