"""
How people decide: whoever says yes to everything in a second does not read.

A sign for operators, and never a reason to refuse a yes by itself.
"""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from authserver.domain.approvals import store
from authserver.runtime.unit_of_work import UnitOfWork

LOOKED_AT_DAYS = 90
_ENOUGH = 10
_SHARE = 0.98
_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """One person's decisions about one tool."""

    sub: str
    resource: str
    tool: str
    count: int
    share_of_yes: float
    median_seconds: float
    """From the first time it was shown to the decision."""

    @property
    def is_rubber_stamp(self) -> bool:
        """Whether more than 98 % are yes, in under 2 seconds (median), over 10 decisions or more."""
        return self.count >= _ENOUGH and self.share_of_yes > _SHARE and self.median_seconds < _SECONDS


async def habits(work: UnitOfWork) -> list[Habit]:
    """Return the figures of the bound tenant's last 90 days: those that look like a rubber stamp first, then the busiest."""
    since_us = work.at_us - LOOKED_AT_DAYS * 24 * 3600 * 1_000_000
    by_whom: dict[tuple[str, str, str], list[tuple[bool, float]]] = defaultdict(list)
    for row in await work.all(store.HABITS, since_us=since_us):
        seconds = (row["decided_at_us"] - row["shown_at_us"]) / 1_000_000
        by_whom[row["sub"], row["resource"], row["tool"]].append((row["decision"] == "yes", seconds))
    found = [
        Habit(
            sub=sub,
            resource=resource,
            tool=tool,
            count=len(said),
            share_of_yes=sum(yes for yes, _ in said) / len(said),
            median_seconds=median(seconds for _, seconds in said),
        )
        for (sub, resource, tool), said in by_whom.items()
    ]
    return sorted(found, key=lambda one: (not one.is_rubber_stamp, -one.count, one.sub, one.tool))
