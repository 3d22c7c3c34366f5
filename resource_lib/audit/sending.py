"""
Tells the issuer of what waits, with this server's own credential: in batches, exactly once by each event's id, for as long as it takes.

What the issuer has, as new or as known already, is deleted here. What it does not take is named once and given up: it would not take
it tomorrow either. When it cannot be asked, everything stays where it is, and it is asked again with longer and longer pauses.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from resource_lib.audit.memory import MemorySpool
from resource_lib.audit.spool import Spool
from resource_lib.backchannel.channel import Channel, IssuerUnavailableError
from resource_lib.wire.record import MOST_BATCH_BYTES, MOST_EVENTS, PATH

_GATHER_S: Final = 0.25
_IDLE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_ADOPT_EVERY_S: Final = 60.0
_SAY_EVERY: Final = 10_000
_OLD_S: Final = 120.0
_ROOM: Final = 64 * 1024

log = logging.getLogger("resource_lib.audit")


class Sending:
    """Tells one issuer. `told` hears the ids of what it has. `sleep` and `clock` (monotonic seconds) are for tests."""

    def __init__(
        self,
        channel: Channel,
        spool: Callable[[], Spool | MemorySpool],
        *,
        told: Callable[[Sequence[str]], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._spool = spool
        self._told = told
        self._sleep = sleep
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking = asyncio.Lock()
        self._failures = 0
        self._adopted_at = float("-inf")
        self.away_since: float | None = None
        """Since when, on the clock, the issuer could not be told; None: it could."""
        self.sent = 0
        self.rejected = 0

    def follow(self) -> None:
        """Tell from now on what waits, in the running event loop."""
        loop = asyncio.get_running_loop()
        if self._task is not None and not self._task.done() and self._loop is loop:
            return
        self._loop, self._news, self._asking = loop, asyncio.Event(), asyncio.Lock()
        self._task = loop.create_task(self._follow(), name="record")

    def hint(self) -> None:
        """Say that something waits, from whichever thread."""
        loop = self._loop
        if loop is not None and not self._news.is_set():
            try:
                loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:
                self._loop = None  # closed: whoever comes next begins anew

    async def _follow(self) -> None:
        while True:
            pause = await self.tell()
            if pause:
                await self._sleep(pause)
                continue
            if not self._news.is_set():
                try:
                    async with asyncio.timeout(_ADOPT_EVERY_S):
                        await self._news.wait()
                except TimeoutError:
                    pass
            await self._sleep(_GATHER_S if not isinstance(self._spool(), MemorySpool) else 0)
            self._news.clear()

    async def tell(self) -> float:
        """Tell all that waits; return in how many seconds to try again, 0: all is told. Never raises what the issuer may cause."""
        async with self._asking:
            spool = self._spool()
            if self._clock() - self._adopted_at > _ADOPT_EVERY_S:
                self._adopted_at = self._clock()
                await asyncio.to_thread(spool.adopt)
            while True:
                try:
                    batch = await asyncio.to_thread(spool.batch, MOST_EVENTS, MOST_BATCH_BYTES - _ROOM)
                except OSError:
                    log.exception("what waits cannot be read", extra={"event": "record.unreadable"})
                    return _LONGEST_PAUSE_S
                if batch is None:
                    return 0.0
                if batch.events and (pause := await self._tell(batch.events)):
                    return pause
                await asyncio.to_thread(spool.told, batch)  # type: ignore[arg-type]

    async def _tell(self, events: Sequence[bytes]) -> float:
        """Tell some events; return 0 once the issuer has each, or does not want it, and else in how many seconds to try again."""
        content = b'{"events":[' + b",".join(events) + b"]}"
        try:
            reply = await self._channel.ask("POST", PATH, content=content)
            if reply.status == 200:
                self._rejected(reply.object().get("rejected"))
        except IssuerUnavailableError as error:
            return self._unheard(error.retry_after_s)
        if reply.status in (400, 413, 422):
            return await self._in_parts(events, reply.status)
        if reply.status != 200:
            # 404: an older issuer; 403: one that does not know this server any more; 429: too much at once.
            return self._unheard(reply.retry_after_s)
        self._heard(len(events))
        self._told([event[7:33].decode("ascii") for event in events])
        return 0.0

    async def _in_parts(self, events: Sequence[bytes], status: int) -> float:
        """Tell in two halves what was not taken as a whole; one event that is not taken by itself is given up."""
        if len(events) == 1:
            self._rejected([{"id": events[0][7:33].decode("ascii"), "why": f"HTTP {status}"}])
            self._told([])
            return 0.0
        half = len(events) // 2
        return await self._tell(events[:half]) or await self._tell(events[half:])

    def _rejected(self, rejected: Any) -> None:
        if not isinstance(rejected, list):
            return
        for one in rejected[:MOST_EVENTS]:
            said = one if isinstance(one, dict) else {}
            self.rejected += 1
            log.error(
                "the issuer does not take event %s: %s",
                str(said.get("id"))[:26],
                json.dumps(str(said.get("why"))[:200]),
                extra={"event": "record.rejected"},
            )

    def _heard(self, count: int) -> None:
        if self.away_since is not None:
            log.warning("the issuer is told of events again", extra={"event": "record.told_again"})
        self.away_since, self._failures = None, 0
        before, self.sent = self.sent, self.sent + count
        if before // _SAY_EVERY != self.sent // _SAY_EVERY:
            log.info("%d events told", self.sent, extra={"event": "record.progress", "waiting": self._spool().waiting})

    def _unheard(self, retry_after_s: float) -> float:
        self._failures += 1
        pause: float = min(_LONGEST_PAUSE_S, max(retry_after_s, 2.0 ** min(self._failures, 6) / 2))
        if self.away_since is None:
            self.away_since = self._clock()
        if self._failures in (3, 10) or self._failures % 60 == 0:
            log.warning(
                "the issuer cannot be told of calls; %d events wait here",
                self._spool().waiting,
                extra={"event": "record.waiting", "waiting": self._spool().waiting, "bytes": self._spool().bytes},
            )
        return pause * random.uniform(0.8, 1.0)  # noqa: S311 - nobody is hurt by a guess

    @property
    def is_old(self) -> bool:
        """Whether the issuer could not be told for long."""
        return self.away_since is not None and self._clock() - self.away_since > _OLD_S

    def forsake(self) -> None:
        """Begin anew in a process that was forked off."""
        self._task = self._loop = None

    async def aclose(self, patience: float) -> None:
        """Tell what can be told in `patience` seconds, and stop."""
        task, self._task = self._task, None
        if task is not None and self._loop is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        try:
            async with asyncio.timeout(patience):
                await self.tell()
        except TimeoutError:
            pass
        self._loop = None
