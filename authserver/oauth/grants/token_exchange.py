"""
An MCP server trades its caller's token for one of its own at an upstream API.

RFC 8693 §2, §4.1; RFC 8707 §2. The caller's token is never passed on. What is traded is a token of ours, meant for the very
server that sends it, of an authorization that stands now; what comes out is for one other resource, names who acts, lives
no longer, holds what an operator allowed between the two and never more than the person may have. There is no refresh
token, and ending the authorization ends both. No `actor_token`: who acts is who authenticates.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.exchange import policy
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.tokens import access_token, authorization, presented
from authserver.domain.tokens.access_token import AccessToken
from authserver.domain.tokens.presented import NotStandingError, Presented, Standing
from authserver.domain.tool_policies import tool_policy
from authserver.oauth import api_keys, exchange_parameters, scopes, stopped
from authserver.oauth.errors import InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient
from authserver.oauth.exchange_parameters import ACCESS_TOKEN, API_KEY
from authserver.oauth.issuing import held_now
from authserver.oauth.parameters import Parameters
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims

MOST_ACTORS = 3
"""How many servers may act one behind the other."""


async def exchange(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> TokenResponse:
    """Return a token of the target. Raises InvalidRequest (RFC 8693 §2.2.2), InvalidTarget, InvalidScope, UnauthorizedClient."""
    if form.one("subject_token_type") == API_KEY:
        return await api_keys.exchange(work, issuer, client, form)
    if not client.is_resource_server:
        raise UnauthorizedClient("Only the credential of an MCP server exchanges its callers' tokens.")
    if form.required("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequest(f"subject_token_type: must be {ACCESS_TOKEN}.", reason="subject_token_type")
    exchange_parameters.check(form)
    token, stands = await _subject(work, issuer, client, form)
    carried = held_now(work, token.scope, stands, is_exchanged=token.act is not None)
    if not carried:
        raise _refused("nothing_left")
    target, allowed = await _target(work, client, token, stands, form)
    if stands.held is not None:
        raise stopped.waits(stands.held)
    await stopped.refuse_at(work, token.tenant, target.uri)
    await stopped.refuse_grant(work, client=client)
    held = allowed.permits(carried) & target.grantable
    scope = _scope(form, target, held - target.withheld_from(stands.member.roles if stands.member else ()))
    authorization.require_live(work, stands.authorization)
    access = await _issue(work, issuer, client, token=token, stands=stands, target=target, scope=scope)
    return TokenResponse(access_token=access, issued_token_type=ACCESS_TOKEN)


async def _subject(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> tuple[Presented, Standing]:
    """Return the caller's token and what it stands on; binds the unit of work to its tenant."""
    try:
        token = await presented.read(work, issuer, form.required("subject_token"))
        if token.resource != client.speaks_for:
            # The confused deputy: a token that was never meant for this server.
            raise NotStandingError("other_audience")
        if not await presented.is_heard(work, client, token.tenant):
            raise NotStandingError("other_tenant")
        if claims.CNF in token.claims:
            # It is bound to a key that its caller holds and we are not shown.
            raise NotStandingError("sender_constrained")
        stands = await presented.standing(work, issuer, token)
    except NotStandingError as refused:
        raise _refused(refused.reason) from None
    work.bind(token.tenant)
    if len(presented.actors_of(token)) >= MOST_ACTORS:
        raise _refused("too_many_actors")
    return token, stands


async def _target(
    work: UnitOfWork, client: Client, token: Presented, stands: Standing, form: Parameters
) -> tuple[Resource, policy.Exchange]:
    asked = form.many("resource")
    if len(asked) != 1:
        raise InvalidTarget("resource: name the one upstream resource.", reason="several_resources" if asked else "")
    uri = resources.requested_uri(asked[0])
    found = await resources.by_uri(work, uri) if len(uri) <= 500 else None
    allowed = await policy.between(work, client.speaks_for, uri) if found is not None else None
    if (
        found is None
        or allowed is None
        or not found.is_active
        or token.tenant not in found.tenants
        or not client.may_reach(found.uri)
        # Going back to where a call came from could bring more than it left with.
        or found.uri in await _passed(work, token, stands)
    ):
        raise InvalidTarget("resource: is not known here, or not for this server.", reason="unknown_resource")
    return await tool_policy.seen(work, token.tenant, found, client.id), allowed


async def _passed(work: UnitOfWork, token: Presented, stands: Standing) -> set[str]:
    return {stands.authorization.resource, token.resource, *await presented.servers_passed(work, token)}


def _scope(form: Parameters, target: Resource, held: frozenset[str]) -> tuple[str, ...]:
    sent = form.one("scope")
    # As everywhere: whoever asks for nothing reads (decision 19).
    scope = tuple(name for name in target.default_scope if name in held) if sent is None else scopes.parse(sent)
    if not scope or not set(scope) <= held:
        raise InvalidScope(
            "scope: is beyond what this caller can be represented with there."
            if sent is not None
            else "scope: name what is needed; this caller can read nothing there.",
            reason="wider_scope",
        )
    return scope


async def _issue(
    work: UnitOfWork,
    issuer: Issuer,
    client: Client,
    *,
    token: Presented,
    stands: Standing,
    target: Resource,
    scope: tuple[str, ...],
) -> AccessToken:
    access = access_token.mint_for_actor(
        work,
        await key_ring(work, issuer.path),
        stands.authorization,
        token,
        actor=client.id,
        resource=target.uri,
        issuer=issuer.identifier,
        scope=scope,
        roles=stands.member.roles if stands.member else None,
    )
    event.record(
        work,
        event.Kind.TOKEN_EXCHANGED,
        client_id=client.id,
        sub=token.sub,
        authorization_id=token.authorization_id,
        resource=target.uri,
        acting_from=token.resource,
        for_client=stands.authorization.client_id,
        actors=len(presented.actors_of(token)) + 1,
        subject_jti=token.id,
        jti=access.id,
        scope=list(scope),
        expires_in=access.expires_in,
    )
    return access


def _refused(reason: str) -> InvalidRequest:
    # RFC 8693 §2.2.2. The same for every fault: whoever holds a stranger's token learns nothing of it.
    return InvalidRequest("subject_token: is not one that this server can exchange.", reason=reason)
