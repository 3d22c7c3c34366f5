"""
A budget per key, in the database, where every process and every address pays into the same one.

A window is aligned to the wall clock and never shared between keys; keys are keyed hashes, so the table names nobody.
"""

import secrets

from authserver.domain.rate_limits import store
from authserver.runtime.buckets import Limited
from authserver.runtime.unit_of_work import Step, Unit, UnitOfWork


async def take(work: UnitOfWork, *, key: str, limit: int, window_s: int) -> Limited | None:
    """Take one from the budget of `key`, durably, before whatever it pays for. Limited when nothing is left."""
    start = work.now - work.now % window_s
    taking = work.machines.work(request_id=work.request_id)
    taking.claim(
        store.TAKE,
        key=work.machines.keys.index("rate", key),
        window_start=start,
        expires_at=start + window_s,
        limit=limit,
    )
    if await taking.commit():
        return None
    return Limited(retry_after_s=max(1, start + window_s - work.now))


def return_one(work: UnitOfWork, *, key: str, window_s: int) -> None:
    """Put back the one that this unit of work took, and no more: what others took of a shared budget stays taken."""
    start = work.now - work.now % window_s
    work.write(store.RETURN_ONE, key=work.machines.keys.index("rate", key), window_start=start)


def give_back(work: UnitOfWork, *, key: str) -> None:
    """Forget what `key` has used: it turned out to be the rightful one."""
    work.write(store.RESET, key=work.machines.keys.index("rate", key))


def expire(work: UnitOfWork) -> None:
    """Forget windows that are over."""
    work.write(store.EXPIRE, now=work.now)


def trial() -> Unit:
    """Return a write that leaves nothing behind, for whoever asks whether the database takes one."""
    key = secrets.token_bytes(32)
    begun: Step = (store.TAKE, {"key": key, "window_start": 0, "expires_at": 0, "limit": 1})
    return Unit(None, writes=[begun, (store.RESET, {"key": key})])
