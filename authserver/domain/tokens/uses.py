"""
On which day an authorization was last used, and with it the permission it stands under: whenever a token of it is made, or comes back to us.

C54. Refreshed, exchanged, given to a machine, introspected, or shown by a guard that asks for approvals. A guard that verifies tokens by
itself need not say whose it saw: an access token lives for minutes, so whoever uses one has had it made on that day or the day before.

It is a day and nothing finer. A request notes it in this process's memory and waits for nothing; a job writes what is new once a minute,
each in a commit of its own. What a crash loses is noted again by the next use.
"""

from typing import Final

import structlog

from authserver.domain.consent import consent
from authserver.domain.tokens import store
from authserver.domain.tokens.authorization import Authorization
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import UnitOfWork

DAY_S: Final = 86_400

log = structlog.get_logger("authserver.tokens")


def note(work: UnitOfWork, owner: Authorization, tenant: str) -> None:
    """Take note that an authorization of a tenant is used now."""
    work.machines.uses.note((tenant, owner.id), work.now // DAY_S, owner)


async def keep(machines: Machines) -> int:
    """Write what is new; returns how many were."""
    kept = 0
    for (tenant, authorization_id), (day, owner) in machines.uses.take():
        work = machines.work(tenant=tenant)
        used_on = day * DAY_S
        if not owner.is_of_machine:
            consent.note_use(work, sub=owner.sub, client_id=owner.client_id, resource=owner.resource, used_on=used_on)
        work.write(store.USED, authorization_id=authorization_id, used_on=used_on)
        try:
            await work.commit()
            kept += 1
        except Exception as error:  # noqa: BLE001 - one that cannot be written keeps no other from it
            log.info("use_not_kept", error=type(error).__name__)
    return kept
