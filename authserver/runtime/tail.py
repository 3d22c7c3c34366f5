"""
The newest part of a numbered list, as one process last read it: one reading of the database serves whoever waits for more.

It knows numbers and rows, never what they say. When it was last read is told with it, so that nobody takes old for new.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import Row

MOST_KEPT = 20_000
"""How many rows are remembered; older ones are read when somebody asks for them."""


class HoleError(Exception):
    """A number is missing, so something that ended would never be told."""


class Tail:
    """Belongs to one event loop. `boot` names this process, for as long as it lives."""

    def __init__(self) -> None:
        self.boot = new_id("boot")
        self.feed_id = ""
        self.head = 0
        self.turn = 0
        """Raised whenever there is something new to look at: rows, or a changed directory."""
        self.is_ending = False
        """Whether this process is about to stop: nobody waits any more."""
        self.shared: dict[tuple[str, ...], tuple[float, int, Any]] = {}
        """What was made of it for several at once: when, in which turn, and what."""
        self._rows: list[Row] = []
        self._first = 1
        self._read_at: float | None = None
        self._begun = 0
        self._ended = 0
        self._failure: Exception | None = None
        self._lock = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._due = asyncio.Event()

    @property
    def age_s(self) -> float | None:
        """How long ago the newest reading began that succeeded; None: there was none."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    def rows(self, after: int, most: int) -> Sequence[Row] | None:
        """Return the rows after a number, oldest first; None: they are older than what is remembered."""
        if after + 1 < self._first:
            return None
        begin = after + 1 - self._first
        return self._rows[begin : begin + most]

    def begin(self, *, feed_id: str, after: int) -> None:
        """Begin anew behind a number: whatever was remembered is of another list."""
        self.feed_id, self.head = feed_id, after
        self._rows, self._first = [], after + 1
        self.changed()

    def extend(self, rows: Sequence[Row]) -> None:
        """Remember the rows that follow. Raises HoleError: then nothing more is told, and whoever follows grows stale and stops."""
        for row in rows:
            if row["seq"] != self.head + 1:
                raise HoleError(f"after {self.head} comes {row['seq']}")
            self._rows.append(row)
            self.head = row["seq"]
        if len(self._rows) > MOST_KEPT + MOST_KEPT // 4:
            surplus = len(self._rows) - MOST_KEPT
            del self._rows[:surplus]
            self._first += surplus
        if rows:
            self.changed()

    def changed(self) -> None:
        """Wake whoever waits."""
        self.turn += 1
        waiting, self._waiting = self._waiting, set()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def nudge(self) -> None:
        """Say that there may be something to read: a hint, that anybody may give as often as they like."""
        self._due.set()

    async def due(self, seconds: float) -> None:
        """Return when somebody said so since the last time, and at the latest after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.wait()
        self._due.clear()

    def end(self) -> None:
        """Let go of whoever waits, for good."""
        self.is_ending = True
        self.changed()

    async def wait(self, turn: int, seconds: float) -> None:
        """Return when `turn` is over, and at the latest after `seconds`."""
        if turn != self.turn or self.is_ending:
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiting
        finally:
            self._waiting.discard(waiting)

    async def look(self, read: Callable[[], Awaitable[None]]) -> None:
        """Return when a reading has ended that began after this call; those who call meanwhile share one. Raises what it did."""
        asked = self._begun
        async with self._lock:
            if self._ended > asked:
                if self._failure is not None:
                    raise self._failure
                return
            self._begun += 1
            begun, at = self._begun, time.monotonic()
            # A reading whose asker went away has not ended: the next in line reads for itself.
            try:
                await read()
            except Exception as error:
                self._ended, self._failure = begun, error
                raise
            self._read_at = at
            self._ended, self._failure = begun, None
