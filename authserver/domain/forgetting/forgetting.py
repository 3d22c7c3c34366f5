"""
Somebody asks to be forgotten by a name that is not a key of ours: an e-mail address, a customer's number, a `sub`.

C50, decision 22. A person has another `sub` in each tenant, and may be named in calls of tenants that they never were in; both are
found, tenant by tenant, and erased from the record. Their account is another matter: `account.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from authserver.domain.approvals import forgetting as approvals
from authserver.domain.audit import erasing, event
from authserver.domain.audit.erasing import Receipt
from authserver.domain.audit.event import Kind
from authserver.domain.call_grants import grant
from authserver.domain.forgetting.naming import named_by
from authserver.domain.tenants.tenant import all_tenants
from authserver.domain.users import user
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What was erased in one tenant (`*`: of the platform), or would be: how many payloads, and the receipts of it."""

    tenant: str
    count: int
    receipts: tuple[str, ...]
    shown: int = 0
    """Of how many approvals and permissions what they say was erased besides."""


async def forget(
    machines: Machines,
    *identifiers: str,
    only: str = "",
    by: str = "",
    is_rehearsal: bool = False,
    told: Callable[[int], None] | None = None,
) -> list[Erased]:
    """Erase whoever is called so from the record, and from what was shown of other people's calls, in `only` one tenant (an id) or in all.

    Tenants without anything are left out. Each commit is a receipt of its own: broken off, what was erased is erased, and the rest
    waits to be asked for again. `told` hears after each how many payloads it took.
    """
    found = []
    tenants = [one.id for one in await all_tenants(machines.work())]
    ids = list(identifiers)
    for identifier in identifiers:
        ids += await _ids_of(machines, identifier, tenants)
    is_named_in = named_by(ids)
    for tenant in [only] if only else [*tenants, SHARED]:
        work = machines.work(tenant=tenant)
        refs = erasing.references(work, ids, ids)
        if is_rehearsal:
            count = await erasing.count(work, refs)
            shown = await approvals.erase_naming(work, is_named_in, is_rehearsal=True)
            shown += await grant.erase_naming(work, is_named_in, is_rehearsal=True)
            found.append(Erased(tenant=tenant, count=count, shown=shown, receipts=()))
            continue
        # Said first: what is told from here on is not kept, and what was kept until then is found below.
        erasing.remember(work, refs, "")
        await work.commit()
        receipts = await _erased(machines, tenant, refs, by=by, told=told)
        shown = await approvals.erase_naming(machines.work(tenant=tenant), is_named_in)
        shown += await grant.erase_naming(machines.work(tenant=tenant), is_named_in)
        if shown:
            left = machines.work(tenant=tenant)
            erasing.erased(left)
            await left.commit()
        count = sum(one.count for one in receipts)
        found.append(Erased(tenant=tenant, count=count, shown=shown, receipts=tuple(one.id for one in receipts)))
    return [one for one in found if one.count or one.shown]


async def forget_tenant(
    machines: Machines,
    tenant: str,
    *,
    by: str = "",
    is_rehearsal: bool = False,
    told: Callable[[int], None] | None = None,
) -> Erased:
    """Erase all that a tenant's record says of anybody; its headers, and what is proved, stay. What comes late is not kept either.

    The platform's log says so too, for whoever has only that.
    """
    work = machines.work(tenant=tenant)
    until_us = work.at_us
    if is_rehearsal:
        count = await erasing.count_all(work, until_us=until_us)
        return Erased(tenant=tenant, count=count, receipts=())
    erasing.remember(work, [erasing.EVERYBODY], "")
    await work.commit()
    receipts: list[Receipt] = []
    some = partial(erasing.erase_some_of_all, until_us=until_us, by=by)
    while receipt := await machines.written(some, tenant=tenant):
        receipts.append(receipt)
        if told is not None:
            told(receipt.count)
    count = sum(one.count for one in receipts)
    platform = machines.work(tenant=SHARED)
    event.record(platform, Kind.TENANT_ERASED, of=tenant, count=count, receipts=[one.id for one in receipts[:100]])
    await platform.commit()
    return Erased(tenant=tenant, count=count, receipts=tuple(one.id for one in receipts))


async def _erased(
    machines: Machines, tenant: str, refs: Sequence[str], *, by: str, told: Callable[[int], None] | None
) -> list[Receipt]:
    receipts: list[Receipt] = []
    while receipt := await machines.written(partial(erasing.erase_some, refs=refs, by=by), tenant=tenant):
        receipts.append(receipt)
        if told is not None:
            told(receipt.count)
    return receipts


async def _ids_of(machines: Machines, identifier: str, tenants: Iterable[str]) -> list[str]:
    """Return what somebody is to us, everywhere: who acts for several organisations is named in each by the `sub` of one."""
    person = await user.person_by_email(machines.work(), identifier)
    if person is None:
        return []
    members = [await user.member_by_person(machines.work(tenant=tenant), person.id) for tenant in tenants]
    return [person.id, *(member.sub for member in members if member is not None)]
