"""
What is asked of a store in the same moment goes there in one trip, and nobody waits longer than was said.

While every lane is under way, whoever comes waits in line, and the next trip takes them all along: a flood of calls is a few trips, not
a flood of connections. Whoever waits in line while trips come back waits for the others, not for the store, and is not told that it is away. A trip that never comes back keeps its lane until it has ended, so that a hanging store holds a few connections
and no more; those who wait for it give up in time.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import Context
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from resource_lib.limits.store import StoreUnavailableError

Question = TypeVar("Question")
Answer = TypeVar("Answer")

MOST_IN_A_TRIP: Final = 128
_PATIENCE: Final = 10
_LAG_S: Final = 0.01
_FAREWELL_S: Final = 0.05


class _Line(Generic[Question, Answer]):
    """Who waits, in one event loop, and what is under way there."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self.under_way: set[asyncio.Task[None]] = set()
        self.heard_at = float("-inf")
        """When a trip last came back with answers, on the loop's clock."""

    def next(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        """Take those who come along on the next trip. Whoever gave up stays behind: nothing is counted for them."""
        found: list[tuple[Question, asyncio.Future[Answer]]] = []
        while self.waiting and len(found) < MOST_IN_A_TRIP:
            one = self.waiting.popleft()
            if not one[1].done():
                found.append(one)
        return found


class Together(Generic[Question, Answer]):
    """
    Carries questions to a store by `carry`, which answers them in their order.

    Nobody waits longer than `timeout` seconds for a store from which nothing is heard, nor in any case ten times as long.
    """

    def __init__(
        self, carry: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], *, timeout: float, lanes: int
    ) -> None:
        self._carry = carry
        self._timeout = timeout
        self._lanes = lanes
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line[Question, Answer]] = WeakKeyDictionary()

    async def ask(self, question: Question) -> Answer:
        """Return the answer. Raises StoreUnavailableError when there is none in time, and whatever `carry` raises."""
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines.setdefault(loop, _Line())
        answer: asyncio.Future[Answer] = loop.create_future()
        line.waiting.append((question, answer))
        if len(line.under_way) < self._lanes:
            # In nobody's context: what one caller carries is not held by a trip for many.
            task = loop.create_task(self._drive(line), context=Context())
            line.under_way.add(task)
            task.add_done_callback(line.under_way.discard)
        return await within(self._timeout, answer, line)

    async def _drive(self, line: _Line[Question, Answer]) -> None:
        while company := line.next():
            trip = asyncio.ensure_future(self._carry([question for question, _ in company]))  # noqa: RUF006 - awaited below, whatever comes
            try:
                found = await within(self._timeout, trip)
            except Exception as error:  # noqa: BLE001 - each of those who wait hears of it
                for _, answer in company:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                line.heard_at = asyncio.get_running_loop().time()
                for (_, answer), one in zip(company, found, strict=True):
                    if not answer.done():
                        answer.set_result(one)
            finally:
                for _, answer in company:
                    answer.cancel()
            if not trip.done():
                await asyncio.wait([trip])


_undoing: set[asyncio.Future[Any]] = set()


async def undone_if_nobody_waits(
    work: Coroutine[Any, Any, Answer], undo: Callable[[Answer], Coroutine[Any, Any, Any]]
) -> Answer:
    """Return what `work` brings; when its caller is cancelled meanwhile, it goes on to its end and is then undone."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:

        async def take_back() -> None:
            with contextlib.suppress(StoreUnavailableError):
                await undo(await task)

        undoing = asyncio.ensure_future(take_back())
        _undoing.add(undoing)
        undoing.add_done_callback(_undoing.discard)
        raise


async def within(seconds: float, future: asyncio.Future[Answer], line: _Line[Any, Any] | None = None) -> Answer:
    """Return what `future` holds; end it and raise StoreUnavailableError when for `seconds` nothing was heard, by anybody in `line`.

    Time in which our own loop was too busy to look is not held against the store: it is given once more.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    due, last = begun + seconds, begun + seconds * _PATIENCE
    try:
        while not future.done() and (left := due - loop.time()) > 0:
            await asyncio.wait([future], timeout=left)
            if line is not None:
                due = min(max(due, line.heard_at + seconds), last)
        if not future.done() and (late := loop.time() - due) > _LAG_S:
            await asyncio.wait([future], timeout=min(late, seconds))
    finally:
        if not future.done():
            future.cancel()
    if not future.done():
        # Ended in good order where that is quick: a connection is closed, not left half read.
        await asyncio.wait([future], timeout=_FAREWELL_S)
    if not future.done() or future.cancelled():
        future.add_done_callback(_unheard)
        raise StoreUnavailableError("no answer in time")
    return future.result()


def _unheard(future: asyncio.Future[Answer]) -> None:
    """Take note of how something ended that nobody waits for, so that nobody is told that nobody did."""
    with contextlib.suppress(asyncio.CancelledError):
        future.exception()
