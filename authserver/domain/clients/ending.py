"""
A machine ends unless somebody renews it, and its end is announced before it comes.

Design §4, profile `system`. Each end is announced once, by whichever process looks first; renewing or rotating moves the end,
and the new one is announced in its turn.
"""

from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.clients import store
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import Row
from authserver.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """A machine that ends soon, or has ended. `ends_at`: seconds since the epoch."""

    client_id: str
    name: str
    ends_at: int


async def soon(machines: Machines) -> list[Ending]:
    """Return every active machine whose end has come near or is past, the first first."""
    return [
        Ending(client_id=row["client_id"], name=row["name"], ends_at=row["secret_expires_at"])
        for row in await _rows(machines)
    ]


async def endless(machines: Machines) -> list[str]:
    """Return the ids of active machines that have no end: they are older than the rule, and were never rotated since."""
    work = event.platform_work(machines, "look for machines without an end")
    return [row["client_id"] for row in await work.all(store.WITHOUT_END)]


async def announce(machines: Machines) -> list[Ending]:
    """Record every end that has come near and was not announced yet, in its own tenant. Returns those that we announced."""
    announced = []
    for row in await _rows(machines):
        ends_at = row["secret_expires_at"]
        if row["end_announced_for"] == ends_at:
            continue
        work = machines.work(tenant=row["tenant_id"])
        work.claim(store.ANNOUNCE_END, client_id=row["client_id"], ends_at=ends_at)
        event.record(work, event.Kind.CLIENT_ENDING, client_id=row["client_id"], ends_at=ends_at)
        if await work.commit():
            announced.append(Ending(client_id=row["client_id"], name=row["name"], ends_at=ends_at))
    return announced


def announced_before_s(settings: Settings) -> int:
    """Return how long before its end a machine's end is announced: half its life at most."""
    return min(settings.system_announce_seconds, settings.system_absolute_seconds // 2)


async def _rows(machines: Machines) -> list[Row]:
    work = event.platform_work(machines, "look for machines that end")
    return list(await work.all(store.ENDING, before=work.now + announced_before_s(machines.settings)))
