"""
What a detector says, and to whom.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from authserver.domain.signals.facts import Fact
from authserver.domain.signals.kinds import Gravity, Kind, Numbers

State = dict[str, Any]


@dataclass(slots=True)
class Found:
    """Something unusual. `about`: what a second time of the same would have in common with it."""

    kind: Kind
    about: str
    gravity: Gravity
    fact: Fact
    numbers: dict[str, Any] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    """The events behind it, where they are others than the one that it was said at."""
    is_of_tool: bool = False
    """Whether it is about a tool, whoever calls it."""


@dataclass(slots=True)
class Look:
    """What a detector is given: the event, the baselines of whom and what it is about, the numbers in force, the hour where they are."""

    fact: Fact
    agent: State
    """Of the person and the application together."""
    app: State
    """Of the application in this tenant."""
    tool: State
    numbers: Numbers
    hour: int
    """Hours since the epoch by the tenant's own clocks."""
    say: Callable[[Found], None]


Detector = Callable[[Look], None]
