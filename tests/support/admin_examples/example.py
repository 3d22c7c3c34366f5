"""What an example of a route is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.support.administered import Administered

Made = dict[str, str]
"""What stands in the path, by the names that `demands.py` gives it."""


async def nothing(admin: Administered) -> Made:
    """The path names nothing."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Example:
    """A request that works, for one route."""

    make: Callable[[Administered], Awaitable[Made]] = nothing
    """Makes what the path names, anew each time: in t1, unless `by` acts for the platform."""
    strange: Made | None = None
    """The same names with ids of the right form that nobody has; None: the path names nothing."""
    body: dict[str, Any] | Callable[[Administered, Made], dict[str, Any]] | None = None
    by: str = "a1"
    """Who may."""
    query: str = ""
    ok: int = 200
    shared: bool = False
    """What it names belongs to no one tenant, so that others may see it too."""

    def sent(self, admin: Administered, made: Made) -> dict[str, Any] | None:
        """Return the body."""
        return self.body(admin, made) if callable(self.body) else self.body
