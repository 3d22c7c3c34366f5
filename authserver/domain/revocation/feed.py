"""
The numbered list of what ended and what is stopped, for resource servers to follow.

Decision 14: the number is taken last, under a lock held until commit, never from a sequence, so numbers become visible in
order and without holes. This package knows only opaque ids.
"""

import secrets
from collections.abc import Mapping, Sequence

import orjson

from authserver.domain.revocation import store
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.control import EVERY_TENANT, Act, Kind

AT_ISSUER = "issuer_path"
"""The member of an event that is told at one issuer alone, which says at which; it is not told."""


def announce(
    work: UnitOfWork,
    kind: Kind,
    subject: Mapping[str, str | int],
    act: Act = Act.END,
    *,
    tenant: str | None = None,
    resource: str = "",
) -> None:
    """Append one event with the caller's other writes. `subject` holds opaque ids only, by the members that `Kind` names.

    It is about `tenant` (`*`: all of them); without one about the tenant that the unit of work is bound to. `resource` says
    whose server is told; empty: each that is heard for the tenant.
    """
    work.write_last(store.NEXT)
    work.write_last(
        store.APPEND,
        at_us=work.at_us,
        scope_tenant=tenant or work.tenant or EVERY_TENANT,
        kind=kind.value,
        subject=orjson.dumps(subject).decode(),
        act=act.value,
        resource=resource,
    )


async def since(work: UnitOfWork, *, after: int, most: int = 1000) -> Sequence[Row]:
    """Return the events after a number, in order, from the database."""
    return await work.all(store.SINCE, after=after, most=most)


async def at(work: UnitOfWork, number: int) -> int | None:
    """Return when a number was taken, in microseconds since the epoch; None: there is no such number."""
    row = await work.one(store.AT, seq=number)
    return row["at_us"] if row else None


async def oldest_since(work: UnitOfWork, after: int, *, resource: str, tenant: str = EVERY_TENANT) -> int | None:
    """Return when the first event after a number was, of those that concern a server and a tenant; None: there is none.

    It says nothing of other tenants' events; `*` is for the platform's operators, who may know of them all.
    """
    row = await work.one(store.OLDEST_SINCE, after=after, resource=resource, place=tenant)
    return row["at_us"] if row else None


async def head(work: UnitOfWork) -> tuple[str, int]:
    """Return the name of this list and its newest number; the first who asks names it."""
    row = await work.one(store.HEAD)
    assert row is not None
    if not row["feed_id"]:
        naming = work.machines.work()
        naming.claim(store.NAME_FEED, feed_id=secrets.token_hex(8))
        await naming.commit()
        row = await work.one(store.HEAD)
        assert row is not None
    return row["feed_id"], row["seq"]
