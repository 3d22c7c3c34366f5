"""
Makes events of what was noted, and gets them to where they wait: one thread of its own, beside every call.

What a write waits for goes first, all that came together with one sync. What waits here is bounded, in events and in bytes: beyond it the oldest
reads are given up, counted and loudly, and of a write everything that is large, but never the event. When the disk does not take them,
events wait here and are tried again; whoever has only an intent hears at once that it is not kept.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from resource_lib.audit.making import Made, Maker
from resource_lib.audit.memory import MemorySpool
from resource_lib.audit.recording import Noted
from resource_lib.audit.spool import Lane, Spool

MOST_NOTED: Final = 20_000
MOST_NOTED_BYTES: Final = 32 * 1024 * 1024
_AT_ONCE: Final = 64
"""Events that are made before the next look at what is urgent."""
_GATHER_S: Final = 0.02
_IDLE_S: Final = 1.0
_RETRY_S: Final = 1.0
_SAY_EVERY: Final = 1000

log = logging.getLogger("resource_lib.audit")


class Mill:
    """
    Runs it for one guard. `made` is told of each event, in this thread; `kept` after some of them came to where they wait.

    It begins with the first event, and again in a process that was forked off.
    """

    def __init__(
        self,
        maker: Maker,
        spool: Callable[[], Spool | MemorySpool],
        *,
        made: Callable[[Made], None],
        kept: Callable[[], None],
        most: int = MOST_NOTED,
        most_bytes: int = MOST_NOTED_BYTES,
    ) -> None:
        self._maker = maker
        self._spool = spool
        self._made = made
        self._kept = kept
        self._most = most
        self._most_bytes = most_bytes
        self._noted: deque[Noted] = deque()
        self._urgent: deque[Noted] = deque()
        self._ready: dict[Lane, list[Made]] = {"kept": [], "open": []}
        self._waiting_for: dict[str, Noted] = {}
        """Who waits until the issuer has their intent, by its id."""
        self._added = self._taken = 0
        """Bytes: the one is counted where calls are, the other under the lock."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_asleep = False
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._retry_at = 0.0
        self.fault: str | None = None
        """Why the disk does not take events now; None: it does."""
        self.is_busy = False
        self.lost = 0
        """Reads of which nothing was kept."""

    # -- on a call's own way

    def put(self, noted: Noted) -> None:
        """Take what was noted. Raises nothing."""
        self._noted.append(noted)
        self._added += noted.size
        if self._added - self._taken > self._most_bytes or len(self._noted) > self._most:
            self._make_room()
        if self._is_asleep or self._thread is None:
            self._start()

    def put_first(self, noted: Sequence[Noted]) -> None:
        """Take what somebody waits for."""
        self._urgent.extend(noted)
        self._start()

    @property
    def is_full(self) -> bool:
        """Whether more is noted than can be made or kept."""
        return self._size > self._most_bytes // 2 or len(self._noted) > self._most // 2

    @property
    def _size(self) -> int:
        return self._added - self._taken

    def _make_room(self) -> None:
        """Give up the oldest reads; of what must stay, what is large."""
        lost = 0
        with self._lock:
            for _ in range(len(self._noted)):
                if self._size <= self._most_bytes * 3 // 4 and len(self._noted) <= self._most * 3 // 4:
                    break
                try:
                    oldest = self._noted.popleft()
                except IndexError:
                    break
                if oldest.is_kept:
                    self._taken += oldest.size - 2000
                    oldest.shed()
                    oldest.size = 2000
                    self._noted.append(oldest)
                else:
                    self._taken += oldest.size
                    lost += 1
        self.gave_up(lost)

    def gave_up(self, lost: int) -> None:
        """Count reads that are not recorded, and say so."""
        if not lost:
            return
        before, self.lost = self.lost, self.lost + lost
        if not before or before // _SAY_EVERY != self.lost // _SAY_EVERY:
            log.error(
                "%d reads were given up and are not recorded: more happens than can be kept",
                self.lost,
                extra={"event": "record.lost", "lost": self.lost},
            )

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="record", daemon=True)
                    self._thread.start()
        self._wake.set()

    def forsake(self) -> None:
        """Begin anew in a process that was forked off: what the other one noted is its own."""
        self._noted.clear()
        self._urgent.clear()
        self._ready = {"kept": [], "open": []}
        self._waiting_for.clear()
        self._added = self._taken = 0
        self._thread, self._is_asleep = None, False
        self._lock, self._wake = threading.Lock(), threading.Event()

    # -- in the thread

    def _run(self) -> None:
        quiet_since = time.monotonic()
        while True:
            if not self._urgent and not self._noted:
                if self._is_closing and (not self._has_ready or self.fault):
                    return
                idle = time.monotonic() - quiet_since > _IDLE_S and not self._has_ready
                self._is_asleep = idle
                self._wake.wait(None if idle and not self._noted else _GATHER_S)
            self._is_asleep = False
            self._wake.clear()
            if self._urgent or self._noted:
                quiet_since = time.monotonic()
            self.is_busy = True
            try:
                self._turn()
            except Exception:
                log.exception("events could not be made", extra={"event": "record.failed"})

            self.is_busy = False

    @property
    def _has_ready(self) -> bool:
        return bool(self._ready["kept"] or self._ready["open"])

    def _turn(self) -> None:
        waiting: list[tuple[Noted, Made]] = []
        while self._urgent:
            noted = self._urgent.popleft()
            if (made := self._make(noted)) is not None:
                waiting.append((noted, made))
        if waiting:
            self._keep_first(waiting)
            return
        for _ in range(_AT_ONCE):
            with self._lock:
                if not self._noted or self._urgent:
                    break
                noted = self._noted.popleft()
                self._taken += noted.size
            if (made := self._make(noted)) is not None:
                self._ready["kept" if made.is_kept else "open"].append(made)
            # Whoever serves calls goes first: this lets go of the interpreter.
            time.sleep(0)
        self._keep()

    def _make(self, noted: Noted) -> Made | None:
        try:
            made = self._maker.made(noted)
        except Exception:
            # One that cannot be made must not keep the others; its call is named.
            log.exception("an event could not be made", extra={"event": "record.failed", "call": noted.call.id})
            self._tell(noted, is_kept=False)
            return None
        try:
            self._made(made)
        except Exception:
            log.exception("an event could not be shown", extra={"event": "record.failed"})
        return made

    @property
    def _pauses(self) -> bool:
        """Whether the disk did not take events a moment ago, and is left alone. Whoever is refused meanwhile does not prolong it."""
        return self.fault is not None and time.monotonic() < self._retry_at

    def _keep_first(self, waiting: list[tuple[Noted, Made]]) -> None:
        if self._pauses:
            for noted, _ in waiting:
                self._tell(noted, is_kept=False)
            return
        try:
            spool = self._spool()
            spool.append("kept", [made.data for _, made in waiting])
            spool.sync("kept")
        except OSError as error:
            self._failed(error)
            for noted, _ in waiting:
                self._tell(noted, is_kept=False)
            return
        self._recovered()
        if isinstance(spool, MemorySpool):
            with self._lock:
                self._waiting_for.update({made.event["id"]: noted for noted, made in waiting})
        else:
            for noted, _ in waiting:
                self._tell(noted, is_kept=True)
        self._kept()

    def _keep(self) -> None:
        if not self._has_ready or self._pauses:
            self._bound_ready()
            return
        try:
            spool = self._spool()
            for lane in ("kept", "open"):
                ready = self._ready[lane]
                if ready:
                    spool.append(lane, [made.data for made in ready], must=lane == "kept")
                    if lane == "kept":
                        spool.sync(lane)
                    self._ready[lane] = []
        except OSError as error:
            self._failed(error)
            self._bound_ready()
            return
        self._recovered()
        self._kept()

    def _bound_ready(self) -> None:
        """Give up the oldest reads that wait for the disk; of writes none."""
        reads = self._ready["open"]
        size = sum(len(made.data) for made in reads)
        given_up = 0
        while reads and (size > self._most_bytes or len(reads) > self._most):
            part = max(1, len(reads) // 10)
            size -= sum(len(made.data) for made in reads[:part])
            del reads[:part]
            given_up += part
        self.gave_up(given_up)

    def _failed(self, error: OSError) -> None:
        self._retry_at = time.monotonic() + _RETRY_S
        if self.fault is None:
            log.error(
                "events cannot be kept: %s. Whatever writes is refused until they can be",
                error.strerror or error,
                extra={"event": "record.unavailable", "errno": error.errno},
            )
        self.fault = error.strerror or str(error)

    def _recovered(self) -> None:
        if self.fault is not None:
            log.warning("events are kept again", extra={"event": "record.available"})
        self.fault = None

    @staticmethod
    def _tell(noted: Noted, *, is_kept: bool) -> None:
        waiter = noted.waiter
        if waiter is None:
            return
        loop = waiter.get_loop()
        try:
            loop.call_soon_threadsafe(_answer, waiter, is_kept)
        except RuntimeError:
            return  # its loop is gone, and so is whoever waited

    def was_told(self, ids: Sequence[str]) -> None:
        """Take note that the issuer has these: where there is no disk, that is what an intent waits for."""
        if not self._waiting_for:
            return
        with self._lock:
            found = [self._waiting_for.pop(one) for one in ids if one in self._waiting_for]
        for noted in found:
            self._tell(noted, is_kept=True)

    def close(self, timeout: float) -> None:
        """Make and keep what was noted, as far as there is time, and end."""
        thread = self._thread
        if thread is None:
            return
        self._is_closing = True
        self._wake.set()
        thread.join(timeout)
        self._is_closing = False
        if not thread.is_alive():
            self._thread = None

    @property
    def waiting(self) -> int:
        """How many events are not where they wait yet."""
        return len(self._noted) + len(self._urgent) + len(self._ready["kept"]) + len(self._ready["open"])


def _answer(waiter: "asyncio.Future[bool]", is_kept: bool) -> None:
    if not waiter.done():
        waiter.set_result(is_kept)
