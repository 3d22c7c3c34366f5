"""
argon2id behind a gate: a flood of logins waits in a short line instead of filling memory.

RFC 9106. The hash runs in a thread of low priority (it releases the interpreter lock); when the line is full the caller is
told to come back, so that no other endpoint slows down.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from unicodedata import normalize

import anyio
import anyio.to_thread
from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

MAX_PASSWORD_BYTES = 1024
_NICER_BY = 10

Result = TypeVar("Result")


class PasswordLineFullError(Exception):
    """Too many passwords are waiting to be hashed."""


class UnusablePasswordError(ValueError):
    """The password cannot be chosen. The message says why."""


class PasswordHasher:
    """Hashes and verifies chosen passwords, a bounded number at once."""

    def __init__(self, *, memory_kib: int, time_cost: int, workers: int, line: int = 64) -> None:
        self._argon2 = Argon2(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._gate = anyio.CapacityLimiter(workers)
        self._most = workers + line
        self._inside = 0
        self._nobody = self._argon2.hash("nobody")

    async def hash(self, password: str) -> str:
        """Return the argon2id string of `password`. Raises UnusablePasswordError, PasswordLineFullError."""
        prepared = _prepared(password)
        if prepared is None:
            raise UnusablePasswordError(f"a password has 8 characters or more and at most {MAX_PASSWORD_BYTES} bytes")
        if len(password) < 8:
            raise UnusablePasswordError("a password has 8 characters or more")
        return await self._run(lambda: self._argon2.hash(prepared))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one. As slow for an unknown account (`stored` None) as for a wrong password."""
        prepared = _prepared(password)
        wanted = stored if stored is not None and prepared is not None else self._nobody
        given = prepared or b"\0"

        def check() -> bool:
            try:
                return self._argon2.verify(wanted, given)
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(check) and wanted is stored

    async def _run(self, job: Callable[[], Result]) -> Result:
        # Counted here and not asked of the gate: whoever comes in the same moment has not reached it yet.
        if self._inside >= self._most:
            raise PasswordLineFullError

        def stand_back() -> Result:
            _lower_priority()
            return job()

        self._inside += 1
        try:
            return await anyio.to_thread.run_sync(stand_back, limiter=self._gate)
        finally:
            self._inside -= 1


_thread = threading.local()


def _lower_priority() -> None:
    """Let the event loop run first: a core given to a password for 25 ms is a core that answers no token request."""
    if getattr(_thread, "has_stood_back", False):
        return
    _thread.has_stood_back = True
    if sys.platform == "linux":  # elsewhere a priority belongs to the whole process
        with suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICER_BY))


def _prepared(password: str) -> bytes | None:
    # NFKC first, so that the same keys on another keyboard are the same password; capped before any hashing.
    if len(password) > MAX_PASSWORD_BYTES:
        return None
    try:
        encoded = normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None
    return encoded if 0 < len(encoded) <= MAX_PASSWORD_BYTES else None
