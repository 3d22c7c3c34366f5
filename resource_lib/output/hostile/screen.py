"""
A better judge than patterns, for whoever has one: a model behind a function.
"""

import inspect
import logging
from collections.abc import Awaitable, Iterable
from typing import Final, Protocol

import anyio
import anyio.to_thread

from resource_lib.output.hostile.sign import Sign

_LOG = logging.getLogger(__name__)

TIMEOUT_S: Final = 0.5
"""How long a screen may take for one text, unless it is told otherwise."""

UNSCREENED: Final = "unscreened"
"""The sign of a text about which a screen said nothing in time."""


class Screen(Protocol):
    """
    Says which signs it sees in a text. Called with the plain text, from several tasks at once; a function that is not `async` runs in a thread.

    It adds to what `signs` finds and takes nothing away. Weights are 0 to 1, like those of `signs`.
    """

    def __call__(self, text: str, /) -> Iterable[Sign] | Awaitable[Iterable[Sign]]:
        """Return what it sees."""
        ...


async def asked(
    screen: Screen, text: str, *, timeout_s: float = TIMEOUT_S, unscreened: float = 0.0
) -> tuple[Sign, ...]:
    """Return what `screen` says; one sign `unscreened` with that weight where it fails or takes longer than `timeout_s`.

    With `unscreened=1.0` a text that nobody judged counts as hostile, with 0 it is only said. Never raises for the screen's sake.
    """
    try:
        with anyio.fail_after(timeout_s):
            if inspect.iscoroutinefunction(screen) or inspect.iscoroutinefunction(getattr(screen, "__call__", None)):  # noqa: B004
                said = screen(text)
            else:
                said = await anyio.to_thread.run_sync(screen, text, abandon_on_cancel=True)
            if inspect.isawaitable(said):
                said = await said
            return tuple(Sign(str(sign.name)[:64], min(1.0, max(0.0, float(sign.weight)))) for sign in said)
    except TimeoutError:
        _LOG.warning("a screen took longer than %s s; the text goes on with what the patterns say", timeout_s)
    except Exception:  # noqa: BLE001  # whatever a stranger's function raises
        _LOG.exception("a screen failed; the text goes on with what the patterns say")
    return (Sign(UNSCREENED, unscreened),)
