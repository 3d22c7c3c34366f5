"""
A person's account is erased: what they hold ends, what the record says of them goes, and then every row that is theirs.

C50. In this order, so that whoever was broken off begins again with the same address: the account goes last. What stays are opaque ids
that lead nowhere any more: in the numbered list of what ended, which keeps their tokens dead, and in the decisions they made about other
people's calls, for as long as these are kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authserver.domain.audit import erasing, event
from authserver.domain.audit.event import Kind
from authserver.domain.forgetting.forgetting import Erased, forget
from authserver.domain.tenants.tenant import all_tenants
from authserver.domain.users import user
from authserver.runtime.machines import Machines
from authserver.runtime.of_person import OF_MEMBER, OF_PERSON
from authserver.runtime.schema import SHARED


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedAccount:
    """What was erased, or would be: memberships, by tenant id, and what the record said."""

    tenants: tuple[str, ...]
    record: tuple[Erased, ...]


class NobodyError(Exception):
    """There is no such account."""


async def erase_account(
    machines: Machines,
    email: str,
    *,
    also: Sequence[str] = (),
    by: str = "",
    is_rehearsal: bool = False,
    told: Callable[[int], None] | None = None,
) -> ErasedAccount:
    """Erase a person everywhere. `also`: what else they are called, in calls. Raises NobodyError."""
    person = await user.person_by_email(machines.work(), email)
    if person is None:
        raise NobodyError
    subs: dict[str, str] = {}
    for tenant in await all_tenants(machines.work()):
        member = await user.member_by_person(machines.work(tenant=tenant.id), person.id)
        if member is not None:
            subs[tenant.id] = member.sub
    names = [person.email, person.id, *subs.values(), *also]
    if is_rehearsal:
        record = await forget(machines, *names, is_rehearsal=True)
        return ErasedAccount(tenants=tuple(subs), record=tuple(record))
    work = machines.work()
    await user.set_active(work, person.id, is_active=False)
    await work.commit()
    record = await forget(machines, *names, by=by, told=told)
    for tenant_id, sub in subs.items():
        inside = machines.work(tenant=tenant_id)
        for _, statement in OF_MEMBER:
            inside.write(statement, sub=sub)
        event.record(inside, Kind.PERSON_ERASED, sub=sub)
        inside.changes_directory = True
        await inside.commit()
    work = machines.work(tenant=SHARED)
    for _, statement in OF_PERSON:
        work.write(statement, person_id=person.id)
    erasing.erased(work)
    event.record(work, Kind.PERSON_ERASED, sub=person.id, tenants=len(subs))
    work.changes_directory = True
    await work.commit()
    # What was under way meanwhile; of the same people, so nothing of it is counted twice.
    record += await forget(machines, *names, by=by, told=told)
    return ErasedAccount(tenants=tuple(subs), record=tuple(record))
