"""
One at a time for each key: whoever wants the same thing meanwhile waits for the same flight.

A failure is not remembered as an answer. For some seconds, doubling up to a bound, nobody sets out again for that key, so that
something broken is not hammered; whoever comes meanwhile is told how the last flight ended. It is never written down, bounded
in keys, and forgotten with the process. A flight is a task of its own: a caller who hangs up stops nobody else.
"""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Landed = TypeVar("Landed")

_REST_US = 5_000_000


@dataclass(frozen=True, slots=True)
class _Failure:
    error: Exception
    count: int
    until_us: int


class Flights(Generic[Landed]):
    """`longest_rest_s` bounds how long nobody sets out again after failures; an `is_innocent` one is not counted."""

    def __init__(
        self,
        *,
        longest_rest_s: int = 60,
        is_innocent: Callable[[Exception], bool] = lambda _error: False,
        keys: int = 10_000,
    ) -> None:
        self._longest_rest_us = longest_rest_s * 1_000_000
        self._is_innocent = is_innocent
        self._keys = keys
        self._flying: dict[str, asyncio.Task[Landed]] = {}
        self._failed: OrderedDict[str, _Failure] = OrderedDict()

    def would_set_out(self, key: str, now_us: int) -> bool:
        """Whether `join` would begin a flight now, and not share one or repeat how the last one failed."""
        failure = self._failed.get(key)
        return key not in self._flying and (failure is None or now_us >= failure.until_us)

    async def join(
        self, key: str, fly: Callable[[], Awaitable[Landed]], *, now_us: int, patience_s: float | None = None
    ) -> Landed:
        """Return what the flight brings. Raises what it failed with, and TimeoutError after `patience_s`; it flies on."""
        task = self._flying.get(key)
        if task is None:
            failure = self._failed.get(key)
            if failure is not None and now_us < failure.until_us:
                raise failure.error.with_traceback(None)
            # An empty context: it belongs to nobody's request.
            task = asyncio.get_running_loop().create_task(self._fly(key, fly, now_us), context=contextvars.Context())
            task.add_done_callback(_taken_note_of)
            self._flying[key] = task
        return await asyncio.wait_for(asyncio.shield(task), patience_s)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, key: str, fly: Callable[[], Awaitable[Landed]], now_us: int) -> Landed:
        try:
            landed = await fly()
        except Exception as error:
            if self._is_innocent(error):
                raise
            before = self._failed.pop(key, None)
            count = before.count + 1 if before else 1
            rest_us = min(self._longest_rest_us, _REST_US << min(count - 1, 20))
            self._failed[key] = _Failure(error, count, now_us + rest_us)
            if len(self._failed) > self._keys:
                self._failed.popitem(last=False)
            raise
        else:
            self._failed.pop(key, None)
            return landed
        finally:
            del self._flying[key]


def _taken_note_of(task: asyncio.Task[Any]) -> None:
    # Whoever wanted it may have gone.
    if not task.cancelled():
        task.exception()
