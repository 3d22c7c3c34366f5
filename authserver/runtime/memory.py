"""
What changes rarely is remembered until somebody changes it.

Clients, keys, tenants and policy come from here, stamped with the version of the directory they were read at. A change
anywhere raises the version in the database; each process asks for it several times a second and forgets everything.
One-time things (codes, tokens, approvals) never come from memory.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "directory_head",
    sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("id"),
    tenanted=False,
)

VERSION = statement("SELECT version FROM directory_head WHERE id = 1")
RAISE_VERSION = statement(
    "INSERT INTO directory_head (id, version) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET version = directory_head.version + 1"
)
# A claim on everything that is remembered: raised here, so that of two who saw the same version one is told.
HOLD_VERSION = statement(
    "UPDATE directory_head SET version = version + 1 WHERE id = 1 AND version = :seen RETURNING id"
)

Value = TypeVar("Value")

_MISSING = object()


class Memory:
    """Bounded, versioned, one per process."""

    def __init__(self, *, limit: int = 20_000) -> None:
        self.version = -1
        self.control_seq = 0
        self._generation = 0
        self._limit = limit
        self._values: OrderedDict[tuple[str, str], Any] = OrderedDict()

    async def get(self, kind: str, key: str, load: Callable[[], Awaitable[Value]]) -> Value:
        """Return what is remembered as `kind`/`key`, else load it. Failures and None are not remembered."""
        value = self._values.get((kind, key), _MISSING)
        if value is not _MISSING:
            return value  # type: ignore[no-any-return]
        generation = self._generation
        loaded = await load()
        # Read before somebody's change and stored after it would outlive the change.
        if loaded is not None and generation == self._generation:
            self._values[kind, key] = loaded
            if len(self._values) > self._limit:
                self._values.popitem(last=False)
        return loaded

    def forget(self) -> None:
        """Forget everything, and what is being loaded right now too."""
        self._generation += 1
        self._values.clear()

    def observed(self, *, version: int, control_seq: int) -> None:
        """Take note of the directory's version and the newest control number as read from the database."""
        if version != self.version:
            self.version = version
            self.forget()
        self.control_seq = max(self.control_seq, control_seq)
