"""
An access token that comes back to us: is it ours, and does everything it stands on still stand?

RFC 9068 §4, RFC 7662 §4, RFC 8693 §2.1. Two questions, in this order. `read` asks the signature and the dates, with our own
published keys and no row. `standing` asks the rows, now and never from memory: the token itself, the authorization, the
person, their consent. What ends with a client, a tenant or a resource has ended in those rows (`revocation/ends.py`); the
directory, from memory, is asked besides. Who may be told the answer is for the caller to say.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import orjson

from authserver.domain.clients import registry, trust
from authserver.domain.clients.client import Client
from authserver.domain.consent.consent import Consent, standing_from_row
from authserver.domain.exchange import policy
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import Kill
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import authorization, store, uses
from authserver.domain.tokens.authorization import Authorization, Profile
from authserver.domain.tool_policies import tool_policy
from authserver.domain.users.user import Member
from authserver.runtime.identifiers import secret_hash
from authserver.runtime.jose import from_base64url
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims

MOST_BYTES = 8192

_UNREAD = frozenset({"malformed", "not_our_access_token"})
"""Refusals before any signature was looked at."""


class NotStandingError(Exception):
    """The token counts for nothing. `reason` is for our record; whoever sent it is told the same every time."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Presented:
    """What one of our access tokens says. It was ours and in time when it was read; see `standing` for the rest."""

    claims: dict[str, Any]
    id: str
    tenant: str
    sub: str
    client_id: str
    resource: str
    scope: tuple[str, ...]
    authorization_id: str
    issued_at: int
    expires_at: int
    ctl: int
    act: dict[str, Any] | None
    """RFC 8693 §4.1: who acts for `sub`, and for whom that one acted before; None: the client itself was allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a token stands on, as it is now. `member` and `consent` are None for a machine client's own token.

    A person's API key has neither consent nor client: an operator made it for them.

    `client` and `resource` are those that the authorization was made for. `target` is where the token itself counts: the same
    resource, or for one that was exchanged the one upstream; that its actors may still act there has been seen too.
    """

    authorization: Authorization
    client: Client | None
    resource: Resource
    target: Resource
    member: Member | None
    consent: Consent | None
    held: Kill | None = None
    """A stop of one of the MCP servers that the token is for or has passed: nothing has ended, and nothing goes on now."""


async def read(work: UnitOfWork, issuer: Issuer, token: str) -> Presented:
    """Return what `token` says, if this issuer signed it as an access token and it has not expired.

    Raises NotStandingError for anything else: another kind of token, another issuer's, a removed key's.
    """
    if len(token) > MOST_BYTES or not token.isascii():
        raise NotStandingError("malformed")
    signed, _, encoded_signature = token.encode("ascii").rpartition(b".")
    header, _, encoded_payload = signed.partition(b".")
    signature, payload = from_base64url(encoded_signature), from_base64url(encoded_payload)
    if not signature or not payload:
        raise NotStandingError("malformed")
    key = (await key_ring(work, issuer.path)).of_access_token(header, work.now)
    if key is None:
        raise NotStandingError("not_our_access_token")
    if not key.verify(signature, signed):
        raise NotStandingError("wrong_signature")
    # From here on the words are our own.
    said = orjson.loads(payload)
    if said[claims.ISS] != issuer.identifier:
        raise NotStandingError("other_issuer")
    if work.now >= said[claims.EXP]:
        raise NotStandingError("expired")
    return Presented(
        claims=said,
        id=said[claims.JTI],
        tenant=said[claims.TENANT_ID],
        sub=said[claims.SUB],
        client_id=said[claims.CLIENT_ID],
        resource=said[claims.AUD],
        scope=tuple(said[claims.SCOPE].split()),
        authorization_id=said[claims.AUTHORIZATION_ID],
        issued_at=said[claims.IAT],
        expires_at=said[claims.EXP],
        ctl=said[claims.CTL],
        act=said.get(claims.ACT),
    )


async def standing(work: UnitOfWork, issuer: Issuer, token: Presented) -> Standing:
    """Return what the token stands on, one reading inside its tenant. Raises NotStandingError when any of it is gone."""
    found = await behind(work, issuer, tenant=token.tenant, authorization_id=token.authorization_id, jti=token.id)
    owner = found.authorization
    if owner.sub != token.sub:
        raise NotStandingError("other_authorization")
    uses.note(work, owner, token.tenant)
    if token.act is not None:
        target = await _still_acting(work, token, owner)
        stops = await kill_switch.stops(work)
        passed = [owner.resource, *await servers_passed(work, token), token.resource]
        held = next((one for uri in passed if (one := stops.held(token.tenant, uri)) is not None), None)
        return replace(found, target=target, held=held)
    if (owner.client_id, owner.resource) != (token.client_id, token.resource):
        raise NotStandingError("other_authorization")
    return found


async def behind(work: UnitOfWork, issuer: Issuer, *, tenant: str, authorization_id: str, jti: str = "") -> Standing:
    """Return an authorization and all it stands on, one reading inside its tenant. Raises NotStandingError.

    `jti` is of the access token that came back, if one did: it may have been revoked alone.
    """
    row = await work.beside(tenant).one(store.STANDING, authorization_id=authorization_id, jti=jti)
    if row is None:
        raise NotStandingError("authorization_unknown")
    if row["revoked_jti"] is not None:
        raise NotStandingError("token_revoked")
    owner = authorization.from_row(row)
    if not owner.is_live(work.now):
        raise NotStandingError(owner.end_reason or "authorization_expired")
    if owner.issuer_path != issuer.path:
        raise NotStandingError("other_authorization")
    customer = await tenants.by_id(work, tenant)
    if customer is None or not customer.is_active:
        raise NotStandingError("tenant_inactive")
    if not (await all_issuers(work)).serves(issuer, tenant):
        raise NotStandingError("issuer_changed")
    resource = await tool_policy.seen(work, tenant, await _resource(work, owner.resource, tenant), owner.client_id)
    member, allowed = standing_from_row(row)
    client = None
    if owner.profile is not Profile.API_KEY or owner.is_of_machine:
        client = await _client(work, owner.client_id, tenant)
        if not client.may_reach(resource.uri):
            raise NotStandingError("resource_not_for_client")
        if owner.is_of_machine and client.has_ended(work.now):
            # Its keys live longer than it does: they wait until somebody renews it.
            raise NotStandingError("client_ended")
    if not owner.is_of_machine:
        _still_theirs(owner, member, allowed)
    stops = await kill_switch.stops(work)
    host = client.document_host if client is not None else ""
    if stops.on(tenant=tenant, sub=owner.sub, client_id=owner.client_id, host=host) is not None:
        raise NotStandingError("stopped")
    return Standing(
        authorization=owner,
        client=client,
        resource=resource,
        target=resource,
        member=member,
        consent=allowed,
        held=stops.held(tenant, resource.uri),
    )


def _still_theirs(owner: Authorization, member: Member | None, allowed: Consent | None) -> None:
    if member is None or not member.is_active:
        raise NotStandingError("member_inactive")
    if owner.profile is Profile.API_KEY:
        # No page was shown for it: an operator made it, and a new password ended it with everything of its owner's.
        return
    if owner.auth_time < member.password_changed_at:
        raise NotStandingError("password_changed")
    if allowed is None:
        raise NotStandingError("consent_withdrawn")


async def _still_acting(work: UnitOfWork, token: Presented, owner: Authorization) -> Resource:
    """Walk from where the authorization was given to where the token is for: may each server still act at the next?

    Returns where it is for.
    """
    actors = actors_of(token)
    if not actors or actors[-1] != token.client_id:
        raise NotStandingError("actor_unknown")
    here = owner.resource
    servers = [await registry.find(work, actor) for actor in actors]
    for place, server in enumerate(servers):
        if server is None or not server.is_active or server.speaks_for != here:
            raise NotStandingError("actor_inactive")
        if not await is_heard(work, server, token.tenant):
            raise NotStandingError("actor_not_let_in")
        await _not_stopped(work, token, server)
        following = servers[place + 1] if place + 1 < len(servers) else None
        there = token.resource if following is None else following.speaks_for
        await _resource(work, there, token.tenant)
        allowed = await policy.between(work, here, there)
        if allowed is None:
            raise NotStandingError("exchange_forbidden")
        if following is None and not set(token.scope) <= set(allowed.scopes):
            raise NotStandingError("exchange_narrowed")
        here = there
    found = await _resource(work, token.resource, token.tenant)
    return await tool_policy.seen(work, token.tenant, found, token.client_id)


async def _not_stopped(work: UnitOfWork, token: Presented, server: Client) -> None:
    of = {"client_id": server.id, "host": server.document_host}
    if (await kill_switch.stops(work)).on(tenant=token.tenant, **of) is not None:
        raise NotStandingError("actor_stopped")
    if token.ctl < await kill_switch.floor_of_client(work, token.tenant, **of):
        raise NotStandingError("actor_ended")


async def is_heard(work: UnitOfWork, server: Client, tenant: str) -> bool:
    """Whether a resource server may ask about this tenant's tokens and keys, and trade them: its own, or one let in."""
    return (server.is_shared or server.tenant == tenant) and (
        await trust.answer(work, tenant, server) is trust.Answer.YES
    )


async def hearing(work: UnitOfWork, server: Client, tenants: Collection[str]) -> frozenset[str]:
    """Return for which of these tenants `is_heard` holds."""
    reached = tenants if server.is_shared else [tenant for tenant in tenants if tenant == server.tenant]
    return await trust.letting_in(work, server, reached)


async def servers_passed(work: UnitOfWork, token: Presented) -> list[str]:
    """Return the resources whose servers act in this token, the first first."""
    servers = [await registry.find(work, actor) for actor in actors_of(token)]
    return [server.speaks_for for server in servers if server is not None]


def actors_of(token: Presented) -> list[str]:
    """Return the client ids of those who act, the first first (RFC 8693 §4.1 nests the earlier inside the later)."""
    found: list[str] = []
    act = token.act
    while act is not None:
        found.insert(0, str(act[claims.SUB]).removeprefix(authorization.MACHINE))
        act = act.get(claims.ACT)
    return found


async def _client(work: UnitOfWork, client_id: str, tenant: str) -> Client:
    client = await registry.find(work, client_id)
    if client is None or not client.is_active or (not client.is_shared and client.tenant != tenant):
        raise NotStandingError("client_inactive")
    if await trust.answer(work, tenant, client) is not trust.Answer.YES:
        raise NotStandingError("client_not_let_in")
    return client


async def _resource(work: UnitOfWork, uri: str, tenant: str) -> Resource:
    resource = await resources.by_uri(work, uri)
    if resource is None or not resource.is_active or tenant not in resource.tenants:
        raise NotStandingError("resource_gone")
    return resource


async def remember(work: UnitOfWork, issuer: Issuer, text: str, token: Presented) -> None:
    """Keep that `text` is `token`, for `recall`. That it still counts is asked of the rows each time, and never kept."""
    header = text.partition(".")[0].encode("ascii")
    (await key_ring(work, issuer.path)).remember(secret_hash(text), header, token, work.now)


async def recall(work: UnitOfWork, issuer: Issuer, text: str) -> Presented | None:
    """Return what `read` would, of a token that was read before, without its signature; None: read it."""
    known: Presented | None = (await key_ring(work, issuer.path)).recall(secret_hash(text), work.now)
    return known if known is not None and work.now < known.expires_at else None


async def nothing(work: UnitOfWork, issuer: Issuer, refused: NotStandingError) -> None:
    """Do for a text that `read` refused what else would have been done, so that time does not tell one from another."""
    if refused.reason in _UNREAD:
        await no_signature(work, issuer)
    await work.beside(SHARED).one(store.STANDING, authorization_id="", jti="")


async def no_signature(work: UnitOfWork, issuer: Issuer) -> None:
    """Take the time of a signature."""
    key = (await key_ring(work, issuer.path)).signing(work.now)
    if key is not None:
        key.verify(b"\x01" * 64, b"\x01" * 500)
