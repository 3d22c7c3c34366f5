"""
What was used on which day and is not written yet: noted in memory by requests, taken by a job. Bounded: what was used longest ago gives way.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
What = TypeVar("What")


class Uses(Generic[Key, What]):
    """Remembers days by key, `most` of them; belongs to one event loop."""

    def __init__(self, *, most: int = 100_000) -> None:
        self._most = most
        self._noted: OrderedDict[Key, int] = OrderedDict()
        self._waiting: dict[Key, tuple[int, What]] = {}

    def note(self, key: Key, day: int, what: What) -> None:
        """Take note of a use; of each key and day the first one counts. `what` is handed to whoever writes it."""
        if self._noted.get(key, -1) >= day:
            return
        self._noted[key] = day
        self._noted.move_to_end(key)
        self._waiting[key] = (day, what)
        if len(self._noted) > self._most:
            forgotten, _ = self._noted.popitem(last=False)
            self._waiting.pop(forgotten, None)

    def take(self) -> list[tuple[Key, tuple[int, What]]]:
        """Return what is not written yet, and forget that it is not."""
        taken, self._waiting = list(self._waiting.items()), {}
        return taken
