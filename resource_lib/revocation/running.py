"""
The calls that run and the streams that are open now: each can be stopped from outside, in the middle.

A stopped one is cancelled where it waits, and whoever carries its answer learns why: to say so if nothing was sent yet, or to end the
stream. What a cancelled tool has done by then, it did.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from resource_lib.decision import Deny
from resource_lib.identity.principal import Principal

MOST_LEFT: Final = 1000
"""Calls whose caller hung up that are remembered; the oldest gives way."""


class Run:
    """One of them: whose it is, and which tools it calls, if any; a batch may call several."""

    __slots__ = ("_is_over", "_task", "principal", "tools", "why")

    def __init__(self, principal: Principal, tools: tuple[str, ...]) -> None:
        self.principal = principal
        self.tools = tools
        self.why: Deny | None = None
        """Why it was stopped; None: it was not."""
        self._task: asyncio.Task[object] | None = None
        self._is_over = False

    async def go(self, work: Awaitable[object], running: "Running") -> Deny | None:
        """Let `work` run to its end in this task, findable meanwhile, or until it is stopped; return why it was, or None."""
        task = self._task = asyncio.current_task()
        assert task is not None
        running.runs.add(self)
        try:
            await work
        except (asyncio.CancelledError, Exception):
            if self.why is None:
                raise
        finally:
            self._is_over = True
            running.runs.discard(self)
        if self.why is not None and task.uncancel() > 0:
            raise asyncio.CancelledError  # somebody else has cancelled it too
        return self.why

    def soon(self, work: Callable[[], None]) -> None:
        """Do `work` where it ran, from whichever thread."""
        loop = None if self._task is None else self._task.get_loop()
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # closed in this very moment
                loop.call_soon_threadsafe(work)

    def stop(self, why: Deny) -> None:
        """Cancel it, from whichever thread."""
        if self._task is None:
            return
        loop = self._task.get_loop()
        try:
            is_here = asyncio.get_running_loop() is loop
        except RuntimeError:
            is_here = False
        if is_here:
            self._cancel(why)
        else:
            self.soon(partial(self._cancel, why))  # or it ended with its loop, which told nobody

    def _cancel(self, why: Deny) -> None:
        if self.why is None and not self._is_over and self._task is not None:
            self.why = why
            self._task.cancel()


class Running:
    """All of them."""

    __slots__ = ("_left", "runs")

    def __init__(self) -> None:
        self.runs: set[Run] = set()
        self._left: OrderedDict[Run, Callable[[], None]] = OrderedDict()

    def leave(self, run: Run, take_back: Callable[[], None]) -> None:
        """Remember that the caller of `run` hung up while the server may go on with it: `take_back` ends it there."""
        self._left[run] = take_back
        if len(self._left) > MOST_LEFT:
            self._left.popitem(last=False)

    def look_through(self, judge: Callable[[Run], Deny | None]) -> int:
        """Stop each for which `judge` knows a reason; return how many."""
        stopped = 0
        for run in tuple(self.runs):
            why = judge(run)
            if why is not None:
                run.stop(why)
                stopped += 1
        for run, take_back in tuple(self._left.items()):
            if judge(run) is not None:
                self._left.pop(run, None)
                run.soon(take_back)
                stopped += 1
        return stopped
