"""
One login's stored session of tenant x user x client x resource, to which refresh and access tokens belong.

A second laptop has its own. A machine client has one standing authorization per resource. Ending it ends everything that
hangs on it, and the feed says so (decision 14); nothing brings it back.
"""

import itertools
from dataclasses import dataclass
from enum import StrEnum

import orjson

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.codes import authorization_code
from authserver.domain.consent import consent
from authserver.domain.revocation import feed
from authserver.domain.tokens import store
from authserver.runtime.identifiers import derived_id
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.control import Kind

MACHINE = "client:"
"""How the subject of a machine client's own tokens begins (design §4)."""

_OPERATOR_MAY_UNDO = frozenset({"client_disabled", "tenant_suspended", "resource_disabled", "resource_unlinked"})
"""With these a machine's standing authorization ends too; enabled again, it begins another, which ends when that one would."""


_DAY_S = 86_400

_BY_NUMBER = "ended_by_number"
"""It ended with a person, a client, a tenant, a resource, or everything: see `revocation/kill_switch.py`."""


class Profile(StrEnum):
    """How long it may live."""

    INTERACTIVE = "interactive"
    SYSTEM = "system"
    API_KEY = "api_key"
    """It lives as long as its key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorization:
    """What a token's holder was allowed. Times are seconds since the epoch."""

    id: str
    issuer_path: str
    sub: str
    client_id: str
    resource: str
    scope: tuple[str, ...]
    profile: Profile
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    ctl: int
    expires_at: int
    is_ended: bool
    end_reason: str = ""
    widened: tuple[str, ...] = ()
    """What its owner let it do besides, until `widened_until`."""
    widened_until: int = 0
    client_snapshot: str = ""
    """How its client proved who it is, where a document describes it; see `Client.snapshot`."""
    purpose: str = ""
    """What its owner said it is for, by its name at the resource; empty: nobody asked."""
    details: tuple[str, ...] = ()
    """Which types of authorization details it has or had (RFC 9396 §2); what each allows stands in rows of its own."""

    @property
    def is_of_machine(self) -> bool:
        """Whether a machine client acts for itself, with no person behind it."""
        return self.sub.startswith(MACHINE)

    def is_live(self, now: int) -> bool:
        """Whether tokens may still come from it."""
        return not self.is_ended and now < self.expires_at

    def widened_at(self, now: int) -> tuple[str, ...]:
        """Return what it may do besides its own scope at this moment; nothing once the time the owner chose is over."""
        return self.widened if now < self.widened_until else ()


def from_row(row: Row) -> Authorization:
    """Return the authorization in a row of `store.FIND`, `store.FIND_REFRESH` and others that say its `floor`."""
    is_below = row["ctl"] < row["floor"]
    return Authorization(
        id=row["authorization_id"],
        issuer_path=row["issuer_path"],
        sub=row["sub"],
        client_id=row["client_id"],
        resource=row["resource"],
        scope=tuple(row["scope"].split()),
        profile=Profile(row["profile"]),
        acr=row["acr"],
        amr=tuple(row["amr"].split()),
        auth_time=row["auth_time"],
        ctl=row["ctl"],
        expires_at=row["expires_at"],
        is_ended=row["ended_at"] is not None or is_below,
        end_reason=row.get("end_reason") or (_BY_NUMBER if is_below else ""),
        widened=tuple(row["widened"].split()),
        widened_until=row["widened_until"],
        client_snapshot=row["client_snapshot"],
        purpose=row["purpose"],
        details=tuple(orjson.loads(row["details"])),
    )


def start(
    work: UnitOfWork,
    *,
    authorization_id: str,
    issuer_path: str,
    sub: str,
    client_id: str,
    resource: str,
    scope: tuple[str, ...],
    profile: Profile,
    acr: str = "",
    amr: tuple[str, ...] = (),
    auth_time: int = 0,
    until: int | None = None,
    client_snapshot: str = "",
    purpose: str = "",
) -> Authorization:
    """Begin an authorization in the bound tenant, stamped with the newest control number this process has applied.

    It ends with its profile's absolute life, or at `until` if that is earlier; an API key's lives until `until` alone. A lost
    commit: it was begun already, or it would have ended by a number that this process has not heard of.
    """
    authorization = Authorization(
        id=authorization_id,
        issuer_path=issuer_path,
        sub=sub,
        client_id=client_id,
        resource=resource,
        scope=scope,
        profile=profile,
        acr=acr,
        amr=amr,
        auth_time=auth_time,
        ctl=work.applied,
        expires_at=_end(work, profile, until),
        is_ended=False,
        client_snapshot=client_snapshot,
        purpose=purpose,
    )
    work.claim(
        store.START,
        authorization_id=authorization_id,
        issuer_path=issuer_path,
        sub=sub,
        client_id=client_id,
        resource=resource,
        scope=" ".join(scope),
        profile=profile.value,
        acr=acr,
        amr=" ".join(amr),
        auth_time=auth_time,
        ctl=authorization.ctl,
        now=work.now,
        expires_at=authorization.expires_at,
        client_snapshot=client_snapshot,
        purpose=purpose,
        used_on=work.now // _DAY_S * _DAY_S,
    )
    event.record(
        work,
        event.Kind.AUTHORIZATION_STARTED,
        client_id=client_id,
        sub=sub,
        authorization_id=authorization_id,
        resource=resource,
        scope=list(scope),
    )
    return authorization


def _end(work: UnitOfWork, profile: Profile, until: int | None) -> int:
    if profile is Profile.API_KEY:
        assert until is not None
        return until
    settings = work.machines.settings
    life = settings.system_absolute_seconds if profile is Profile.SYSTEM else settings.interactive_absolute_seconds
    return work.now + life if until is None else min(work.now + life, until)


async def find(work: UnitOfWork, authorization_id: str) -> Authorization | None:
    """Return the authorization of the bound tenant, or None; never from memory."""
    row = await work.one(store.FIND, authorization_id=authorization_id)
    return from_row(row) if row else None


async def standing(work: UnitOfWork, client: Client, *, issuer_path: str, resource: str) -> Authorization:
    """Return a machine client's one authorization for a resource, beginning it at its first token.

    It has the same id in every process, and another once the client is renewed or its credential rotated. An ended one
    stays ended; where it ended with something that an operator has enabled again, the one after it is returned.
    """
    assert work.tenant is not None
    until = client.secret_expires_at
    for generation in itertools.count():
        parts = (work.tenant, client.id, issuer_path, resource, str(client.epoch))
        authorization_id = derived_id("az", *parts, *((str(generation),) if generation else ()))
        known = await _remembered(work, authorization_id)
        if known is None:
            return start(
                work,
                authorization_id=authorization_id,
                issuer_path=issuer_path,
                sub=MACHINE + client.id,
                client_id=client.id,
                resource=resource,
                scope=client.scope,
                profile=Profile.SYSTEM,
                until=until,
            )
        if not known.is_ended or known.end_reason not in {_BY_NUMBER, *_OPERATOR_MAY_UNDO}:
            return known
        until = known.expires_at
    raise AssertionError


async def _remembered(work: UnitOfWork, authorization_id: str) -> Authorization | None:
    async def load() -> Authorization | None:
        return await find(work, authorization_id)

    return await work.machines.memory.get("standing", authorization_id, load)


def end(work: UnitOfWork, authorization: Authorization, *, reason: str) -> None:
    """End it now: its refresh tokens are dead, and the numbered list says so to whoever will follow it."""
    work.write(store.END, authorization_id=authorization.id, reason=reason, now=work.now)
    feed.announce(work, Kind.AUTHORIZATION, {"authorization_id": authorization.id}, resource=authorization.resource)
    if authorization.profile is Profile.SYSTEM:
        work.changes_directory = True
    event.record(
        work,
        event.Kind.AUTHORIZATION_ENDED,
        reason=reason,
        client_id=authorization.client_id,
        sub=authorization.sub,
        authorization_id=authorization.id,
        resource=authorization.resource,
    )


def require_live(work: UnitOfWork, owner: Authorization) -> None:
    """Claim that it has not ended. A lost commit: it just did, and nothing may come from it any more."""
    work.claim(store.STILL_LIVE, authorization_id=owner.id, now=work.now)


def has_details(work: UnitOfWork, authorization_id: str, kind: str) -> None:
    """Note that it was allowed something in detail, of this type (RFC 9396 §2): its tokens say what from now on."""
    work.write(store.HAS_DETAILS, authorization_id=authorization_id, types=orjson.dumps([kind]).decode())


def set_end(work: UnitOfWork, authorization_id: str, expires_at: int) -> None:
    """Move the absolute end of an API key's authorization with its key's. A lost commit: it has ended."""
    work.claim(store.SET_END, authorization_id=authorization_id, expires_at=expires_at)


def widen(work: UnitOfWork, authorization: Authorization, *, scope: tuple[str, ...], until: int) -> None:
    """Let it do `scope` besides its own until a moment; what was allowed like that before is replaced, and `()` ends it.

    The next refresh that names no scope carries it (decision 9). A lost commit: it ended, or ends before `until`.
    """
    work.claim(
        store.WIDEN,
        authorization_id=authorization.id,
        sub=authorization.sub,
        scope=" ".join(scope),
        until=until if scope else 0,
    )
    event.record(
        work,
        event.Kind.AUTHORIZATION_WIDENED,
        client_id=authorization.client_id,
        sub=authorization.sub,
        authorization_id=authorization.id,
        resource=authorization.resource,
        scope=list(scope),
        until=until if scope else 0,
    )


def end_widenings(work: UnitOfWork, *, sub: str, client_id: str, resource: str) -> None:
    """Take back what was allowed for a while in every session of an application: a newer decision left something out."""
    work.write(store.END_WIDENINGS, sub=sub, client_id=client_id, resource=resource, now=work.now)


async def withdraw_consent(work: UnitOfWork, *, sub: str, client_id: str, resource: str) -> int:
    """End a permission and all that hangs on it for good: a later yes begins anew. Returns how many sessions ended.

    A lost commit means that there was no permission.
    """
    consent.withdraw(work, sub=sub, client_id=client_id, resource=resource)
    return await stop(work, sub=sub, client_id=client_id, resource=resource, reason="consent_withdrawn")


async def stop(work: UnitOfWork, *, sub: str, client_id: str, resource: str, reason: str) -> int:
    """End every session of an application for somebody at a resource. What they allow it stays: it may be let in anew.

    Returns how many ended.
    """
    under = {"sub": sub, "client_id": client_id, "resource": resource}
    # The codes first: one that is being redeemed now is waited for, and what it begins is ended below.
    authorization_code.burn(work, **under)
    rows = await work.all(store.LIVE_OF_CONSENT, **under)
    for row in rows:
        found = await find(work, row["authorization_id"])
        if found is not None:
            end(work, found, reason=reason)
    # One that began meanwhile ends too.
    work.write(store.END_OF_CONSENT, **under, reason=reason, now=work.now)
    return len(rows)


def expire(work: UnitOfWork) -> None:
    """Forget people's authorizations, and with them their refresh tokens, a week after their absolute end.

    A machine's is kept: it has one id, and only rotating its secret begins another.
    """
    work.write(store.EXPIRE, before=work.now - 7 * 24 * 3600)
