"""
Where events wait on a machine without a disk of its own: in memory, bounded, and gone with the process.

What stands in it is kept only once the issuer has it; whoever needs that waits until it is told.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from resource_lib.audit.spool import Lane, SpoolFullError


@dataclass(frozen=True, slots=True)
class MemoryBatch:
    """Some events of one lane, to be told."""

    lane: Lane
    events: tuple[bytes, ...]


class MemorySpool:
    """As `Spool`, in memory. Safe between threads."""

    def __init__(self, *, most_bytes: int, lost: Callable[[int], None] = lambda _: None) -> None:
        self.most_bytes = most_bytes
        self._lost = lost
        self._lock = threading.Lock()
        self._lanes: dict[Lane, deque[bytes]] = {"kept": deque(), "open": deque()}
        self._telling: dict[Lane, int] = {"kept": 0, "open": 0}
        self.bytes = 0

    def append(self, lane: Lane, events: Sequence[bytes], *, must: bool = False) -> None:
        """Keep events until they were told. Raises SpoolFullError."""
        size = sum(map(len, events))
        with self._lock:
            most = self.most_bytes + (self.most_bytes // 16 if must else 0)
            given_up, reads = 0, self._lanes["open"]
            while self.bytes + size > most and len(reads) > self._telling["open"]:
                at = self._telling["open"]
                self.bytes -= len(reads[at])
                del reads[at]
                given_up += 1
            is_full = self.bytes + size > most
            if not is_full:
                self._lanes[lane].extend(events)
                self.bytes += size
        if given_up:
            self._lost(given_up)
        if is_full:
            raise SpoolFullError(28, "too much waits for the issuer")

    def sync(self, lane: Lane) -> None:
        """Do nothing: only the issuer keeps what is here."""

    def batch(self, most_events: int, most_bytes: int) -> MemoryBatch | None:
        """Return the oldest events that were not told, of one lane; None: there are none."""
        with self._lock:
            for lane, waiting in self._lanes.items():
                if not waiting:
                    continue
                found: list[bytes] = []
                size = 0
                for event in waiting:
                    if found and (len(found) >= most_events or size + len(event) > most_bytes):
                        break
                    found.append(event)
                    size += len(event) + 1
                self._telling[lane] = len(found)
                return MemoryBatch(lane, tuple(found))
        return None

    def told(self, batch: MemoryBatch) -> None:
        """Take note that the issuer has these."""
        with self._lock:
            for _ in batch.events:
                self.bytes -= len(self._lanes[batch.lane].popleft())
            self._telling[batch.lane] = 0

    def all(self) -> Iterator[bytes]:
        """Yield every event that waits here."""
        with self._lock:
            found = [*self._lanes["kept"], *self._lanes["open"]]
        yield from found

    def adopt(self) -> int:
        """Return that dead processes left nothing."""
        return 0

    def expire(self) -> None:
        """Do nothing: what is here goes with the process."""

    @property
    def waiting(self) -> int:
        """How many events were not told."""
        return sum(map(len, self._lanes.values()))

    @property
    def oldest(self) -> None:
        """Return that nobody knows how long they wait."""
        return None

    def close(self) -> None:
        """Do nothing."""

    def forsake(self) -> None:
        """Forget what the process has that this one was forked from."""
        for waiting in self._lanes.values():
            waiting.clear()
        self.bytes = 0
