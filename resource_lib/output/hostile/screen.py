"""
A better judge than patterns, for whoever has one: a model behind a method.

It adds to what the patterns find and takes nothing away, so a text can talk it into nothing. What becomes of a text that it did not judge
(late, broken, too busy) is decided by whoever asked.
"""

import asyncio
import inspect
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import anyio.to_thread

from resource_lib.output.hostile.sign import Sign

_LOG = logging.getLogger("resource_lib.guard")

TIMEOUT_S: Final = 0.5
"""How long a screen may take for one answer, unless it is told otherwise."""
MOST_AT_ONCE: Final = 32
"""Answers that one screen looks at in the same moment; a further one goes unscreened rather than wait."""

UNSCREENED: Final = "unscreened"
"""The sign of an answer about which a screen said nothing in time."""
_MOST_SIGNS: Final = 20


class Screen(Protocol):
    """
    Says which signs it sees in the texts of one answer. Asked from several tasks at once; a method that is not `async` runs in a thread.

    The texts are as they are about to leave: masked, and freed of what nobody sees. Weights are 0 to 1, and from 1.0 together on
    (`is_hostile`) the answer counts as orders to the model.
    """

    async def looks_at(self, texts: Sequence[str], *, tool: str) -> Iterable[Sign]:
        """Return what it sees. `tool` is the tool that answered, empty where none did."""
        ...


class Screening:
    """Asks one screen, and waits no longer than it may take."""

    __slots__ = ("_running", "_screen", "_timeout_s")

    def __init__(self, screen: Screen, *, timeout_s: float = TIMEOUT_S) -> None:
        self._screen = screen
        self._timeout_s = timeout_s
        self._running: set[asyncio.Task[tuple[Sign, ...]]] = set()

    async def verdict(self, texts: Sequence[str], *, tool: str = "") -> tuple[Sign, ...] | None:
        """Return what the screen says; None: nothing, in time. Never raises for the screen's sake, and never waits for one that does not stop."""
        if len(self._running) >= MOST_AT_ONCE:
            _LOG.warning("a screen is asked too much at once", extra={"event": "output.unscreened", "tool": tool})
            return None
        asking = asyncio.create_task(self._asked(texts, tool))
        self._running.add(asking)
        asking.add_done_callback(self._over)
        try:
            done, _ = await asyncio.wait({asking}, timeout=self._timeout_s)
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if not done:
            asking.cancel()
            _LOG.warning(
                "a screen took longer than %s s", self._timeout_s, extra={"event": "output.unscreened", "tool": tool}
            )
            return None
        error = None if asking.cancelled() else asking.exception()
        if asking.cancelled() or error is not None:
            _LOG.warning(
                "a screen failed (%s)",
                type(error).__name__,  # its words may be the text's own
                extra={"event": "output.unscreened", "tool": tool},
            )
            return None
        return asking.result()

    def _over(self, asking: "asyncio.Task[tuple[Sign, ...]]") -> None:
        self._running.discard(asking)
        if not asking.cancelled():
            asking.exception()  # somebody has seen it

    async def _asked(self, texts: Sequence[str], tool: str) -> tuple[Sign, ...]:
        looks_at: Any = self._screen.looks_at
        if inspect.iscoroutinefunction(looks_at):
            said = await looks_at(texts, tool=tool)
        else:
            said = await anyio.to_thread.run_sync(lambda: looks_at(texts, tool=tool), abandon_on_cancel=True)
            said = await said if inspect.isawaitable(said) else said
        return tuple(_read(sign) for sign in list(said)[:_MOST_SIGNS])


def _read(sign: Any) -> Sign:
    """Return a sign as it may be told: its name is the screen's, never a sentence of the text's. Raises for what is none."""
    name, weight = sign.name, float(sign.weight)
    if not isinstance(name, str) or not name.replace("_", "").isalnum() or not name.isascii() or not 0 <= weight <= 1:
        raise ValueError("no sign")
    return Sign(name[:64], weight)
