"""
"Something changed": a hint between processes, so that they look at once instead of at the next tick.

Decision 5: truth is always in the database. A hint carries nothing, so it can be forged, lost or delayed without harm: the
worst is that a process looks a tick later, or once too often. Valkey and Redis speak the same protocol.
"""

import asyncio
import contextlib
from typing import Protocol

import structlog

log = structlog.get_logger("authserver.runtime")

_CHANNEL = "authserver:changed"
_TIMEOUT_S = 0.2
_RETRY_S = 2.0


class Hints(Protocol):
    """Tells other processes that something changed, and waits until one says so."""

    def tell(self) -> None:
        """Say it, without waiting and without ever failing."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when somebody said it, or after `seconds`."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class NoHints:
    """One process, or nobody to ask: the tick decides."""

    def tell(self) -> None:
        """There is nobody to tell."""

    async def wait(self, seconds: float) -> None:
        """Wait for the tick."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """There is nothing to let go."""


class RedisHints:
    """Publishes and subscribes on one channel. Without a server it is as good as NoHints, and says so once."""

    def __init__(self, url: str) -> None:
        import redis.asyncio as redis  # noqa: PLC0415 - an extra: only who names a server needs it

        self._client = redis.Redis.from_url(
            url, socket_timeout=None, socket_connect_timeout=_TIMEOUT_S, health_check_interval=30
        )
        self._heard = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()
        self._listening = asyncio.create_task(self._listen(), name="hints")

    def tell(self) -> None:
        """Publish in the background."""
        # Many changes at once are one hint.
        if len(self._telling) < 2:
            task = asyncio.create_task(self._publish())
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def wait(self, seconds: float) -> None:
        """Return when somebody said it, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        self._heard.clear()

    async def close(self) -> None:
        """Stop listening and close the connections."""
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._client.aclose()

    async def _publish(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_TIMEOUT_S):
                await self._client.publish(_CHANNEL, b"")

    async def _listen(self) -> None:
        was_told = False
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(_CHANNEL)
                    was_told = False
                    while True:
                        if await channel.get_message(timeout=30) is not None:
                            self._heard.set()
            except Exception as error:  # noqa: BLE001 - whatever ails it, the tick goes on without it
                if not was_told:
                    log.warning("hints_unavailable", error=type(error).__name__)
                    was_told = True
                await asyncio.sleep(_RETRY_S)
