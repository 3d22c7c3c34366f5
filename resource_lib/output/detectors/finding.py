"""
What a detector is, and what it finds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from resource_lib.output.kinds import Kind

Span = tuple[int, int]
Proof = Callable[[re.Match[str]], Span | None]
"""What of a match is the thing itself; None: nothing. Must take time in proportion to the match."""


Needs = Literal["digits", "dotted", "word", "nothing"]
"""`digits`: six of them near each other. `dotted`: two with a dot between. `word`: fifteen characters without white space. `nothing`: hints alone decide."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a text: what it is by which detector, and where."""

    start: int
    end: int
    detector: str
    kind: Kind


def whole(match: re.Match[str]) -> Span:
    """Return all of a match, or the group `it` where the pattern has one."""
    return match.span("it") if "it" in match.re.groupindex else match.span()


@dataclass(frozen=True, kw_only=True, slots=True)
class Detector:
    """One row of the table."""

    name: str
    kind: Kind
    needs: Needs
    """What else every text that holds such a thing has; found out once for all detectors."""
    hints: tuple[str, ...] = ()
    """Of which at least one stands in every such text; empty: what it needs says enough."""
    form: re.Pattern[str] | None = None
    """A simpler form of the pattern, without what looks around, that every such text has too; None: what it needs says enough."""
    pattern: re.Pattern[str]
    """Begins with a literal or a class of characters, for which the engine searches fast; lookbehinds come after."""
    folded: bool = False
    """Whether hints and pattern are looked for in the text in lower case, which is as long."""
    proof: Proof = whole


SECRET: Final[Kind] = "secret"  # noqa: S105
