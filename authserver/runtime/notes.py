"""
What was lately written down of many things that say the same again and again: a note is written when it says something new.

A note is written beside whoever caused it, so nobody waits for it who does not ask to; and of each thing one at a time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger("authserver.runtime")

Note = TypeVar("Note")


class Notes(Generic[Note]):
    """Belongs to one event loop; bounded, and what was forgotten is written once more."""

    def __init__(self, *, keys: int = 10_000) -> None:
        self._keys = keys
        self._written: OrderedDict[tuple[str, ...], Note] = OrderedDict()
        self._writing: dict[tuple[str, ...], asyncio.Task[None]] = {}

    def last(self, key: tuple[str, ...]) -> Note | None:
        """Return what was last written, or None."""
        return self._written.get(key)

    def is_writing(self, key: tuple[str, ...]) -> bool:
        """Whether a note of it is being written now."""
        return key in self._writing

    async def write(self, key: tuple[str, ...], note: Note, how: Callable[[], Awaitable[None]]) -> None:
        """Write it and remember that it was. Raises what `how` raises."""
        await how()
        self._written[key] = note
        self._written.move_to_end(key)
        if len(self._written) > self._keys:
            self._written.popitem(last=False)

    def write_beside(self, key: tuple[str, ...], note: Note, how: Callable[[], Awaitable[None]]) -> None:
        """Write it without being waited for, unless one of it is being written; a failure costs this note alone."""
        if key in self._writing:
            return

        async def writing() -> None:
            try:
                await self.write(key, note, how)
            except Exception as error:  # noqa: BLE001 - the next one is written again
                log.info("note_not_written", error=type(error).__name__)
            finally:
                del self._writing[key]

        self._writing[key] = asyncio.create_task(writing(), name="note")

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writing.values(), return_exceptions=True)
