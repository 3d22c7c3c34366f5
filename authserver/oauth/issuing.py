"""
What every grant asks last: is everybody still there, and with which key do we sign?

RFC 9068 §2, §3. A person disabled, a tenant suspended, a resource unlinked since the authorization began gets nothing;
a role, a scope or a tool taken away is gone with the next token.
"""

from collections.abc import Sequence
from dataclasses import replace

from authserver.domain.audit import event
from authserver.domain.call_grants.grant import CallGrant
from authserver.domain.clients import trust
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import INERT, OFFLINE_ACCESS, OPENID, PERSONAL, Resource
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import access_token
from authserver.domain.tokens.access_token import AccessToken
from authserver.domain.tokens.authorization import Authorization
from authserver.domain.tokens.presented import Standing
from authserver.domain.tool_policies import tool_policy
from authserver.domain.users.user import Member
from authserver.oauth import authorization_details, stopped
from authserver.oauth.errors import InvalidGrant, InvalidTarget
from authserver.runtime.unit_of_work import UnitOfWork


async def live_member(work: UnitOfWork, issuer: Issuer, member: Member | None, *, proven_at: int) -> Member:
    """Return the membership, as read now, if person and tenant may still have tokens of `issuer`. Raises InvalidGrant.

    `proven_at` is when they logged in: a password that was changed since ends what came from the one before.
    """
    assert work.tenant is not None
    tenant = await tenants.by_id(work, work.tenant)
    if tenant is None or not tenant.is_active or member is None or not member.is_active:
        raise InvalidGrant("The person or organisation behind this is no longer active.", reason="member_inactive")
    if not (await all_issuers(work)).serves(issuer, work.tenant):
        # A tenant that got an issuer of its own is served only there, by clients that belong to nobody too.
        raise InvalidGrant("The organisation behind this is served by another issuer.", reason="issuer_changed")
    if proven_at < member.password_changed_at:
        raise InvalidGrant("The person must sign in again.", reason="password_changed")
    await stopped.refuse_person(work, member.sub)
    return member


async def served_resource(work: UnitOfWork, client: Client, uri: str) -> Resource:
    """Return the resource as the bound tenant shows it to this client, if it still serves them.

    Raises InvalidTarget, InvalidGrant.
    """
    assert work.tenant is not None
    await stopped.refuse_grant(work, client=client)
    if await trust.answer(work, work.tenant, client) is not trust.Answer.YES:
        raise InvalidGrant("The organisation behind this does not let this application in.", reason="client_not_let_in")
    found = await resources.by_uri(work, uri)
    if found is None or not found.is_active or work.tenant not in found.tenants or not client.may_reach(uri):
        raise InvalidTarget("resource: is no longer served here.", reason="resource_gone")
    return await tool_policy.seen(work, work.tenant, found, client.id)


def still_held(
    scope: tuple[str, ...], *, allowed: frozenset[str], resource: Resource, client: Client, member: Member
) -> tuple[str, ...]:
    """Return what of an earlier yes still holds. Raises InvalidGrant when nothing does.

    A scope or tool that the person allows no longer, that the resource lost, or that the client's registration or the
    person's role no longer permits, is not granted again: narrowing acts on what is stored, because nobody can make a
    client ask anew.
    """
    withheld = resource.withheld_from(member.roles)
    held = tuple(
        name
        for name in scope
        if name in resource.grantable
        and name not in withheld
        and (name in {OFFLINE_ACCESS, OPENID} or (name in allowed and (name in PERSONAL or client.may_ask(name))))
    )
    if not set(held) - INERT:
        raise InvalidGrant("Nothing of what was allowed is left.", reason="nothing_left")
    return held


def held_now(
    work: UnitOfWork, scope: tuple[str, ...], stands: Standing, *, is_exchanged: bool = False
) -> tuple[str, ...]:
    """Return what of the scopes of a token or key that came back its holder still has where it counts; empty: nothing.

    What was exchanged carries scopes of another server than the one that was consented to: there the roles decide.
    """
    client, member, allowed, target = stands.client, stands.member, stands.consent, stands.target
    if not is_exchanged and client is not None and member is not None and allowed is not None:
        more = stands.authorization.widened_at(work.now)
        try:
            return still_held(scope, allowed=allowed.scope | set(more), resource=target, client=client, member=member)
        except InvalidGrant:
            return ()
    withheld = target.withheld_from(member.roles if member else ())
    return tuple(
        name
        for name in scope
        if name in target.grantable
        and name not in withheld
        and name != OFFLINE_ACCESS
        and (is_exchanged or client is None or client.may_ask(name))
    )


async def issue_access_token(
    work: UnitOfWork,
    issuer: Issuer,
    owner: Authorization,
    *,
    scope: tuple[str, ...],
    roles: tuple[str, ...] | None,
    details: Sequence[CallGrant] | None = None,
    details_are_narrowed: bool = False,
) -> AccessToken:
    """Return a new access token, recorded in the same commit.

    `details` are the calls it stands for (RFC 9396 §7); None: all that its authorization was allowed and these scopes reach.
    """
    ring = await key_ring(work, issuer.path)
    if details is None:
        details = await authorization_details.held_by(work, owner, scope)
    token = access_token.mint(
        work,
        ring,
        owner,
        issuer=issuer.identifier,
        scope=scope,
        roles=roles,
        details=authorization_details.in_claim(details),
        details_are_narrowed=details_are_narrowed,
    )
    token = replace(token, details=tuple(authorization_details.said(each) for each in details))
    event.record(
        work,
        event.Kind.TOKEN_ISSUED,
        client_id=owner.client_id,
        sub=owner.sub,
        authorization_id=owner.id,
        resource=owner.resource,
        jti=token.id,
        scope=list(scope),
        expires_in=token.expires_in,
    )
    return token
