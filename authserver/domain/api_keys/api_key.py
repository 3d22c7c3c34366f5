"""
An API key: a secret for one resource and some scopes, with an end, owned by a person or by a machine client.

Controls C02 and K2: it is stored as a hash, shown once, and opens nothing by itself. It is exchanged here for a token of a few
minutes, which belongs to the key's own authorization: ending the key ends that, and the feed says so. What its owner may do
is asked at each exchange, so a role, a scope, a membership, a client or a tenant taken away is gone from the next token.
A new password of its owner ends it like everything of theirs; an operator can enable it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from unicodedata import category

from authserver.domain.api_keys import store
from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import OFFLINE_ACCESS, Resource
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import authorization
from authserver.domain.tokens.authorization import MACHINE, Profile
from authserver.domain.users import user
from authserver.domain.users.user import Member
from authserver.runtime.identifiers import new_id, new_tenant_secret, secret_hash, tenant_of
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire import api_key as wire

MOST_DAYS = 365
ENDS_SOON_S = 14 * 24 * 3600
"""From when on `authserver check` warns."""

ACR = "urn:authserver:acr:api_key"
AMR = ("api_key",)
"""A person's key says how little it proves: nobody logged in, so no tool that asks for a login is satisfied by it."""

_COARSELY_S = 3600
"""Last use is written at most this often: one write per key and hour, and no diary of anybody."""
_DAY_S = 24 * 3600


class InvalidApiKeyError(ValueError):
    """An API key cannot be like that. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """What is known of a key; the secret is not. `sub` is its owner: a member, or `client:` and a machine's id."""

    id: str
    name: str
    sub: str
    resource: str
    scope: tuple[str, ...]
    authorization_id: str
    created_at: int
    expires_at: int
    last_used_at: int | None
    is_disabled: bool

    def is_alive(self, now: int) -> bool:
        """Whether the key itself may be used; its owner and its authorization are asked besides."""
        return not self.is_disabled and now < self.expires_at


@dataclass(frozen=True, kw_only=True, slots=True)
class NewApiKey:
    """A key that was just made or rotated; `secret` is shown once."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnKey:
    """A key as its owner sees it; `resource` is None where that was removed since. `is_off`: it waits for an operator."""

    tenant: Tenant
    key: ApiKey
    resource: Resource | None
    is_off: bool


Owner = Member | Client


def tenant_named_in(presented: str) -> str | None:
    """Return the tenant whose rows would hold this key; None for a typo and for anything that is no key."""
    if len(presented) > 200 or not wire.is_well_formed(presented):
        return None
    return tenant_of(wire.body_of(presented), wire.PREFIX)


async def find_presented(work: UnitOfWork, presented: str) -> ApiKey | None:
    """Return the key that has this secret, in the bound tenant, ended ones too; never from memory."""
    row = await work.one(store.PRESENTED, key_hash=secret_hash(presented), now=work.now)
    return _key(row) if row else None


async def find(work: UnitOfWork, key_id: str) -> ApiKey | None:
    """Return a key of the bound tenant, or None."""
    row = await work.one(store.BY_ID, key_id=key_id)
    return _key(row) if row else None


async def of_tenant(work: UnitOfWork) -> list[ApiKey]:
    """Return every key of the bound tenant, oldest first."""
    return [_key(row) for row in await work.all(store.ALL)]


async def of_owner(work: UnitOfWork, sub: str) -> list[ApiKey]:
    """Return the keys of one member or machine of the bound tenant, oldest first."""
    return [_key(row) for row in await work.all(store.OF_OWNER, sub=sub)]


async def of_person(work: UnitOfWork, person_id: str, member_of: Sequence[str]) -> tuple[OwnKey, ...]:
    """Return a person's keys that have not run out, in all their tenants, each read inside its own, oldest first."""
    found: list[OwnKey] = []
    for tenant_id in member_of:
        inside = work.beside(tenant_id)
        tenant = await tenants.by_id(inside, tenant_id)
        member = await user.member_by_person(inside, person_id)
        if tenant is None or not tenant.is_active or member is None or not member.is_active:
            continue
        for key in await of_owner(inside, member.sub):
            if work.now < key.expires_at:
                served = await resources.by_uri(inside, key.resource)
                stands = await authorization.find(inside, key.authorization_id)
                # A new password of its owner ends what a key stands on, and leaves the key.
                is_off = key.is_disabled or stands is None or stands.is_ended
                found.append(OwnKey(tenant=tenant, key=key, resource=served, is_off=is_off))
    return tuple(found)


def add(
    work: UnitOfWork,
    *,
    owner: Owner,
    name: str,
    resource: Resource,
    scope: tuple[str, ...],
    days: int,
    issuer_path: str,
) -> NewApiKey:
    """Make a key in the bound tenant. Raises InvalidApiKeyError."""
    assert work.tenant is not None
    if not 1 <= len(name) <= 100 or any(category(char) in {"Cc", "Cs"} for char in name):
        raise InvalidApiKeyError("name: 1 to 100 characters, no control characters")
    if resources.is_administration(work, resource.uri):
        raise InvalidApiKeyError("resource: the admin API takes no API keys; register a machine client for it")
    _check_scope(owner, resource, scope, work.tenant)
    key_id, secret = new_id("key"), _new_secret(work.tenant)
    key = ApiKey(
        id=key_id,
        name=name,
        sub=owner.sub if isinstance(owner, Member) else MACHINE + owner.id,
        resource=resource.uri,
        scope=scope,
        authorization_id=new_id("az"),
        created_at=work.now,
        expires_at=_end(work, days),
        last_used_at=None,
        is_disabled=False,
    )
    _begin(work, key, issuer_path=issuer_path)
    work.write(
        store.ADD,
        key_id=key_id,
        key_hash=secret_hash(secret),
        name=name,
        sub=key.sub,
        resource=resource.uri,
        scope=" ".join(scope),
        authorization_id=key.authorization_id,
        now=work.now,
        expires_at=key.expires_at,
    )
    _record(work, key, "added")
    return NewApiKey(key=key, secret=secret)


async def rotate(
    work: UnitOfWork, key: ApiKey, *, issuer_path: str, overlap_s: int = 0, days: int | None = None
) -> NewApiKey:
    """Give a key a new secret, and a new end if `days` says so; the old one works for `overlap_s` more seconds.

    Without an overlap the tokens of the old secret end at once. A lost commit: it was ended or rotated meanwhile. Raises
    InvalidApiKeyError.
    """
    assert work.tenant is not None
    if not 0 <= overlap_s <= 7 * _DAY_S:
        raise InvalidApiKeyError("overlap: at most a week")
    if not key.is_alive(work.now):
        raise InvalidApiKeyError("key: it has ended or is disabled; make another")
    secret = _new_secret(work.tenant)
    changed = replace(key, expires_at=key.expires_at if days is None else _end(work, days))
    if overlap_s == 0:
        changed = replace(changed, authorization_id=new_id("az"))
        await _end_authorization(work, key, "api_key_rotated")
        _begin(work, changed, issuer_path=issuer_path)
    else:
        authorization.set_end(work, key.authorization_id, changed.expires_at)
    work.claim(
        store.ROTATE,
        key_id=key.id,
        key_hash=secret_hash(secret),
        previous_until=work.now + overlap_s,
        authorization_id=changed.authorization_id,
        until_now=key.authorization_id,
        expires_at=changed.expires_at,
        now=work.now,
    )
    _record(work, changed, "rotated")
    return NewApiKey(key=changed, secret=secret)


async def disable(work: UnitOfWork, key: ApiKey) -> None:
    """End what hangs on a key, now; `enable` begins it anew. A lost commit: it was disabled already."""
    work.claim(store.DISABLE, key_id=key.id, now=work.now)
    await _end_authorization(work, key, "api_key_disabled")
    _record(work, key, "disabled")


async def enable(work: UnitOfWork, key: ApiKey, *, issuer_path: str) -> ApiKey:
    """Let a key be used again, under a new authorization: what ended stays ended. A lost commit: it is over or was changed."""
    changed = replace(key, authorization_id=new_id("az"), is_disabled=False)
    await _end_authorization(work, key, "api_key_renewed")
    _begin(work, changed, issuer_path=issuer_path)
    work.claim(
        store.RENEW,
        key_id=key.id,
        authorization_id=changed.authorization_id,
        until_now=key.authorization_id,
        now=work.now,
    )
    _record(work, changed, "enabled")
    return changed


async def remove(work: UnitOfWork, key: ApiKey, *, by_owner: bool = False) -> None:
    """Forget a key and end what hangs on it; the record says who. A lost commit: it is gone already."""
    work.claim(store.REMOVE, key_id=key.id)
    await _end_authorization(work, key, "ended_by_owner" if by_owner else "api_key_removed")
    _record(work, key, "ended_by_owner" if by_owner else "removed")


def note_use(work: UnitOfWork, key: ApiKey) -> None:
    """Note that a key was used, to the hour."""
    before = work.now - _COARSELY_S
    if key.last_used_at is None or key.last_used_at <= before:
        work.write(store.USED, key_id=key.id, now=work.now, before=before)


async def ending_soon(work: UnitOfWork) -> list[ApiKey]:
    """Return the keys of the bound tenant that end within two weeks, the first to end first."""
    rows = await work.all(store.ENDING, now=work.now, until=work.now + ENDS_SOON_S)
    return [_key(row) for row in rows]


def expire(work: UnitOfWork) -> None:
    """Forget keys a week after their end, with their authorizations."""
    work.write(store.EXPIRE, before=work.now - 7 * _DAY_S)


def _check_scope(owner: Owner, resource: Resource, scope: tuple[str, ...], tenant: str) -> None:
    if not scope:
        raise InvalidApiKeyError("scope: name at least one; a key is for something")
    if tenant not in resource.tenants or not resource.is_active:
        raise InvalidApiKeyError(f"resource: {resource.uri} does not serve this tenant")
    withheld = resource.withheld_from(owner.roles if isinstance(owner, Member) else ())
    for name in scope:
        if name not in resource.grantable or name == OFFLINE_ACCESS:
            raise InvalidApiKeyError(f"scope: {resource.uri} has no scope {name!r}")
        if name in withheld or (isinstance(owner, Client) and not owner.may_ask(name)):
            raise InvalidApiKeyError(f"scope: the owner of this key may not have {name!r}")
    if isinstance(owner, Client) and (owner.is_public or owner.tenant != tenant or not owner.may_reach(resource.uri)):
        raise InvalidApiKeyError("client: a confidential client of this tenant that may reach the resource")


def _end(work: UnitOfWork, days: int) -> int:
    if not 1 <= days <= MOST_DAYS:
        raise InvalidApiKeyError(f"days: 1 to {MOST_DAYS}; every key has an end")
    return work.now + days * _DAY_S


def _new_secret(tenant: str) -> str:
    return wire.with_checksum(new_tenant_secret(wire.PREFIX, tenant))


def _begin(work: UnitOfWork, key: ApiKey, *, issuer_path: str) -> None:
    is_persons = not key.sub.startswith(MACHINE)
    authorization.start(
        work,
        authorization_id=key.authorization_id,
        issuer_path=issuer_path,
        sub=key.sub,
        # A person's key is the application that they use; a machine's key is that machine.
        client_id=key.id if is_persons else key.sub.removeprefix(MACHINE),
        resource=key.resource,
        scope=key.scope,
        profile=Profile.API_KEY,
        acr=ACR if is_persons else "",
        amr=AMR if is_persons else (),
        auth_time=key.created_at if is_persons else 0,
        until=key.expires_at,
    )


async def _end_authorization(work: UnitOfWork, key: ApiKey, reason: str) -> None:
    found = await authorization.find(work, key.authorization_id)
    if found is not None and not found.is_ended:
        authorization.end(work, found, reason=reason)


def _record(work: UnitOfWork, key: ApiKey, action: str) -> None:
    event.record(
        work,
        event.Kind.API_KEY_CHANGED,
        action=action,
        key_id=key.id,
        sub=key.sub,
        authorization_id=key.authorization_id,
        resource=key.resource,
        scope=list(key.scope),
        expires_at=key.expires_at,
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["key_id"],
        name=row["name"],
        sub=row["sub"],
        resource=row["resource"],
        scope=tuple(row["scope"].split()),
        authorization_id=row["authorization_id"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        is_disabled=row["disabled_at"] is not None,
    )
