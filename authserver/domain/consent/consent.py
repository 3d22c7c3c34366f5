"""
What a person allowed an application to do with one resource, in one tenant.

Consent is what the person said on our page, with a hash of what the page showed. It is the ceiling of every authorization
made under it: withdrawing it ends their refreshes, and no row means no.
"""

from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.consent import store
from authserver.domain.users.user import Member, member_from_row
from authserver.runtime.unit_of_work import Row, UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """A standing permission."""

    scope: frozenset[str]
    allowed_at: int
    used_on: int | None = None
    """The day on which it was last used, by its first second; None: not since that is kept, or nobody asked."""


Standing = tuple[Member | None, Consent | None]
"""Who a person is now in the bound tenant, and what they allow one client at one resource."""


async def of_sub(work: UnitOfWork, *, sub: str, client_id: str, resource: str) -> Standing:
    """Return the member with this `sub` and their consent; never from memory."""
    return standing_from_row(await work.one(store.OF_SUB, sub=sub, client_id=client_id, resource=resource))


async def of_person(work: UnitOfWork, *, person_id: str, client_id: str, resource: str) -> Standing:
    """Return a person's membership of the bound tenant and their consent; never from memory."""
    return standing_from_row(
        await work.one(store.OF_PERSON, person_id=person_id, client_id=client_id, resource=resource)
    )


def standing_from_row(row: Row | None) -> Standing:
    """Return the standing in a row that has `store.STANDING_COLUMNS`, without a person's id where there is no member."""
    if row is None or row["person_id"] is None:
        return None, None
    allowed = None
    if row["allowed_at"] is not None:
        allowed = Consent(scope=frozenset(row["consented"].split()), allowed_at=row["allowed_at"])
    return member_from_row(row), allowed


def allow(work: UnitOfWork, *, sub: str, client_id: str, resource: str, scope: frozenset[str], shown: str) -> None:
    """Record the permission; `scope` is all that is now allowed, `shown` the hash of what the page showed."""
    work.write(
        store.ALLOW,
        sub=sub,
        client_id=client_id,
        resource=resource,
        scope=" ".join(sorted(scope)),
        shown=shown,
        now=work.now,
    )
    event.record(
        work,
        event.Kind.CONSENT_ALLOWED,
        client_id=client_id,
        sub=sub,
        resource=resource,
        scope=sorted(scope),
        shown=shown,
    )


def narrow(
    work: UnitOfWork, before: Consent, *, sub: str, client_id: str, resource: str, scope: frozenset[str], shown: str
) -> None:
    """Leave only `scope` of a permission: every session under it has no more at its next refresh.

    A lost commit: the permission is no longer what `before` says.
    """
    work.claim(
        store.NARROW,
        sub=sub,
        client_id=client_id,
        resource=resource,
        scope=" ".join(sorted(scope & before.scope)),
        before=" ".join(sorted(before.scope)),
        allowed_at=before.allowed_at,
        shown=shown,
    )
    event.record(
        work,
        event.Kind.CONSENT_NARROWED,
        client_id=client_id,
        sub=sub,
        resource=resource,
        scope=sorted(scope & before.scope),
        shown=shown,
    )


def note_use(work: UnitOfWork, *, sub: str, client_id: str, resource: str, used_on: int) -> None:
    """Note on which day (its first second) an application last used a permission."""
    work.write(store.USED, sub=sub, client_id=client_id, resource=resource, used_on=used_on)


def withdraw(work: UnitOfWork, *, sub: str, client_id: str, resource: str) -> None:
    """End the permission alone; `authorization.withdraw_consent` ends what hangs on it too. A lost commit: there was none."""
    work.claim(store.WITHDRAW, sub=sub, client_id=client_id, resource=resource, now=work.now)
    event.record(work, event.Kind.CONSENT_DENIED, reason="withdrawn", client_id=client_id, sub=sub, resource=resource)
