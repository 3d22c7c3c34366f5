"""
What was traded is kept until shortly before it ends, asked for once at a time, and never without bound.

A refusal is kept for a moment too, so that a tool that asks in a loop does not carry the loop to the issuer. It works on
asyncio; several event loops may share what is kept, and each asks for itself.
"""

import asyncio
import contextvars
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar

from resource_lib.exchange.errors import ExchangeRefusedError
from resource_lib.exchange.token_endpoint import Traded

Value = TypeVar("Value")

MARGIN_S: Final = 10.0
"""How long before its end a token is not given out any more: the call it goes into takes time."""
REFUSED_S: Final = 5.0


class Kept:
    """Traded tokens by whatever they were traded for. `most` is how many, `clock` gives monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float], most: int = 10_000, margin: float = MARGIN_S) -> None:
        self._clock = clock
        self._most = most
        self._margin = margin
        self._lock = threading.Lock()
        self._good: OrderedDict[Hashable, Traded] = OrderedDict()
        self._bad: OrderedDict[Hashable, tuple[ExchangeRefusedError, float]] = OrderedDict()
        self._asking: dict[Hashable, asyncio.Task[Traded]] = {}

    async def get(self, key: Hashable, trade: Callable[[], Awaitable[Traded]]) -> Traded:
        """Return what is kept as `key`, else what `trade` gives. Raises what `trade` raises."""
        now = self._clock()
        with self._lock:
            found = self._good.get(key)
            if found is not None and now < found.ends_at - self._margin:
                self._good.move_to_end(key)
                return found
            refused = self._bad.get(key)
        if refused is not None and now < refused[1]:
            raise ExchangeRefusedError(refused[0].error, refused[0].description)
        return await self._shared(key, trade)

    def drop(self, key: Hashable) -> None:
        """Forget what is kept as `key`."""
        with self._lock:
            self._good.pop(key, None)

    async def _shared(self, key: Hashable, trade: Callable[[], Awaitable[Traded]]) -> Traded:
        loop = asyncio.get_running_loop()
        place = (id(loop), key)
        task = self._asking.get(place)
        if task is None or task.done():

            async def ask() -> Traded:
                return await self._ask(key, trade)

            # An empty context, and a task of its own: whoever hangs up stops nobody else who waits for the same.
            task = self._asking[place] = loop.create_task(ask(), context=contextvars.Context())
            task.add_done_callback(lambda done: self._landed(place, done))
        return await asyncio.shield(task)

    def _landed(self, place: Hashable, done: "asyncio.Task[Traded]") -> None:
        if self._asking.get(place) is done:
            del self._asking[place]
        if not done.cancelled():
            done.exception()  # looked at: everybody who waited for it may have gone

    async def _ask(self, key: Hashable, trade: Callable[[], Awaitable[Traded]]) -> Traded:
        try:
            traded = await trade()
        except ExchangeRefusedError as error:
            with self._lock:
                self._good.pop(key, None)
                _put(self._bad, key, (error, self._clock() + REFUSED_S), self._most)
            raise
        with self._lock:
            _put(self._good, key, traded, self._most)
            self._bad.pop(key, None)
        return traded


def _put(kept: OrderedDict[Hashable, Value], key: Hashable, value: Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
