"""
Where it is kept how often something was done, and how many do it right now: the form of every such place.

`take` is all or none: it counts every limit that is asked for, or, when one of them is reached, none of them. Nobody gives a time:
each store asks its own clock, so that no guard's clock decides for the others. What is kept is named by keys that say nothing of a
person (`limits/keys.py`), and is forgotten by itself once nothing is owed. C37, C39, C41.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

SEAT_LIFE_S: Final = 30.0
"""How long a seat that is neither given back nor renewed stays taken: whoever held it is gone."""
RENEW_SEAT_S: Final = 10.0
"""How often the holder of a seat says that it is still there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One limit: at most `most` in `seconds` under `key` (see `gcra`), of which this call takes `cost`."""

    key: str
    most: int
    seconds: int
    cost: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What came of it."""

    refused: int | None
    """Which of those asked for has no room, the one that takes longest to have it; None: all were counted (or, peeked at, had room)."""
    retry_after_s: float
    """When all of them would have room, if nobody else asks; 0: now. Infinite: one call costs more than a limit ever allows."""
    remaining: tuple[int, ...]
    """How many are left under each of them, this call counted if it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One cap: at most `most` at once under `key`."""

    key: str
    most: int


@dataclass(frozen=True, slots=True)
class Full:
    """No seat: as many as may sit there do."""

    place: int
    """Under which of those asked for; of several the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """A place among those who do it right now, under each of `keys`."""

    id: str
    """Of this holder alone, and of no meaning to anybody else."""
    keys: tuple[str, ...]


class StoreUnavailableError(Exception):
    """The store cannot be asked now: nothing is known to have been counted."""


class LimitStore(Protocol):
    """Keeps it. Every method raises StoreUnavailableError, and answers within a short time or raises it."""

    async def take(self, asked: Sequence[Asked], *, peek: bool = False) -> Taken:
        """Count all of `asked`, or none if one has no room. `peek`: count nothing, only tell whether there would be room.

        No key occurs twice.
        """
        ...

    async def give_back(self, asked: Sequence[Asked]) -> None:
        """Count less again: what `take` counted for a call that did not begin after all. Never below nothing."""
        ...

    async def begin(self, asked: Sequence[Slot]) -> Seat | Full:
        """Return one seat under all of `asked`; Full: one of them is, and none was taken. No key occurs twice."""
        ...

    async def renew(self, seat: Seat) -> bool:
        """Keep a seat for SEAT_LIFE_S more; False: it was lost in the meantime."""
        ...

    async def end(self, seat: Seat) -> None:
        """Give a seat back. Again, or late: nothing happens."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
