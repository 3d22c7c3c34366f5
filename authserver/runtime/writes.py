"""
Whether the database takes writes: what a probe of readiness must know, for reading goes on where a disk is full.

It is known from commits that failed, and asked by a write that leaves nothing behind, seldom enough to cost nothing: nobody may be sent where
no token can be issued, and where nobody is sent it could not be found out otherwise that it can be again.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from authserver.runtime.unit_of_work import DatabaseUnavailableError

if TYPE_CHECKING:
    from authserver.runtime.unit_of_work import Database, Unit

log = structlog.get_logger("authserver.database")

_GOOD_FOR_S: Final = 5.0
_BAD_FOR_S: Final = 1.0
_FAILED_FOR_S: Final = 2.0
_PATIENCE_S: Final = 2.0


class Writes:
    """What is known of it in this process."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[bool] | None = None
        self._known_until = float("-inf")
        self._are_taken = True

    async def are_taken(self, database: "Database", trial: "Unit") -> bool:
        """Return whether a write was taken within the last five seconds, or `trial` is now. Asked by many at once, it writes once."""
        now = asyncio.get_running_loop().time
        if now() < self._known_until:
            return self._are_taken
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(database, trial))
        return await asyncio.shield(self._asking)

    async def _ask(self, database: "Database", trial: "Unit") -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await database.commit(trial)
        except (DatabaseUnavailableError, TimeoutError) as error:
            self._learned(str(error) or "it did not answer in time", _BAD_FOR_S)
        else:
            self._learned("", _GOOD_FOR_S)
        return self._are_taken

    def failed(self, error: DatabaseUnavailableError) -> None:
        """Take note of a commit that failed. Where it is we who are too busy, that says nothing about the database."""
        if error.__cause__ is not None:
            self._learned(str(error), _FAILED_FOR_S)

    def _learned(self, why: str, for_s: float) -> None:
        if why and self._are_taken:
            log.error("database_takes_no_writes", error=why)
        if not why and not self._are_taken:
            log.warning("database_takes_writes_again")
        self._are_taken = not why
        self._known_until = asyncio.get_running_loop().time() + for_s
