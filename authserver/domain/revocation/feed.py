"""
The numbered list of what ended, for resource servers to follow; none does in this version.

Decision 14: the number is taken last, under a lock held until commit, never from a sequence, so numbers become visible in
order and without holes. This package knows only opaque ids.
"""

from collections.abc import Sequence
from enum import StrEnum

import orjson

from authserver.domain.revocation import store
from authserver.runtime import memory
from authserver.runtime.unit_of_work import Row, UnitOfWork


class Ended(StrEnum):
    """What can end."""

    AUTHORIZATION = "authorization"
    TOKEN = "token"  # noqa: S105
    MEMBER = "member"
    CLIENT = "client"
    TENANT = "tenant"
    RESOURCE = "resource"


def announce(work: UnitOfWork, ended: Ended, *, tenant: str | None = None, **subject: str | int) -> None:
    """Append one event with the caller's other writes. `subject` holds opaque ids only.

    It is about `tenant` (`*`: all of them); without one about the tenant that the unit of work is bound to.
    """
    work.write_last(store.NEXT)
    work.write_last(
        store.APPEND,
        at_us=work.at_us,
        scope_tenant=tenant or work.tenant or "*",
        kind=ended.value,
        subject=orjson.dumps(subject).decode(),
    )


async def observe(work: UnitOfWork) -> None:
    """Tell this process' memory what the newest numbers are; a changed directory makes it forget."""
    head = await work.one(store.HEAD)
    version = await work.one(memory.VERSION)
    work.machines.memory.observed(version=version["version"] if version else 0, control_seq=head["seq"] if head else 0)


async def since(work: UnitOfWork, *, after: int, most: int = 1000) -> Sequence[Row]:
    """Return the events after a number, in order."""
    return await work.all(store.SINCE, after=after, most=most)
