"""
A refresh token becomes the next one and an access token.

OAuth 2.1 §4.3, decision 9. A retry inside the replay window gets the same successor; a replay after it means theft, and we
cannot know which side is the thief, so the family ends. A failed refresh burns nothing; a refresh never widens: only the
person does, on their own page and for a time, and a refresh without `scope` then carries what they allowed.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tokens import authorization
from authserver.domain.tokens import refresh_token as refresh_tokens
from authserver.domain.tokens.refresh_token import RefreshToken
from authserver.oauth import authorization_details, openid, scopes
from authserver.oauth.errors import InvalidGrant, InvalidScope
from authserver.oauth.issuing import issue_access_token, live_member, served_resource, still_held
from authserver.oauth.parameters import Parameters
from authserver.oauth.resource_indicators import same_resource
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork


async def exchange(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> TokenResponse:
    """Return the successor and an access token. Raises InvalidGrant, InvalidScope, InvalidTarget."""
    token = await _known(work, issuer, client, form.required("refresh_token"))
    owner = token.authorization
    window = client.refresh_replay_seconds
    if window is None:
        window = work.machines.settings.refresh_replay_seconds
    if not owner.is_live(work.now):
        raise _refused("authorization_ended")
    if token.used_at is not None and not token.is_retry(work.now, window):
        _end_family(work, client, token)
        raise _refused("refresh_replayed")
    if owner.client_snapshot and owner.client_snapshot != client.snapshot:
        # Refused, not ended: a document that was changed by mistake can be changed back.
        raise _refused("client_changed")
    if work.now >= token.expires_at:
        raise _refused("refresh_expired")
    same_resource(work, form, owner.resource)
    member = await live_member(work, issuer, token.member, proven_at=owner.auth_time)
    if token.consent is None:
        raise _refused("consent_withdrawn")
    resource = await served_resource(work, client, owner.resource)
    # What the owner let it do for a while on their own page: under that yes, as the rest is under the consent.
    more = owner.widened_at(work.now)
    held = still_held(
        tuple(dict.fromkeys((*owner.scope, *more))),
        allowed=token.consent.scope | set(more),
        resource=resource,
        client=client,
        member=member,
    )
    scope = _narrowed(form, held)
    details = await authorization_details.held_by(work, owner, scope)
    chosen = authorization_details.narrowed(form, details)

    if token.used_at is None:
        successor: str | None = refresh_tokens.rotate(work, token)
    else:
        # A retry claims no use, so it must say itself that nothing has ended beside it.
        authorization.require_live(work, owner)
        successor = refresh_tokens.same_successor(token)
    if successor is None:
        raise _refused("successor_unreadable")
    access = await issue_access_token(
        work,
        issuer,
        owner,
        scope=scope,
        roles=member.roles,
        details=details if chosen is None else chosen,
        details_are_narrowed=chosen is not None,
    )
    identity = await openid.id_token(work, issuer, owner, access, person_id=member.person_id, told=token.consent.scope)
    return TokenResponse(access_token=access, refresh_token=successor, id_token=identity)


async def _known(work: UnitOfWork, issuer: Issuer, client: Client, presented: str) -> RefreshToken:
    tenant = refresh_tokens.tenant_named_in(presented)
    if tenant is None or (not client.is_shared and client.tenant != tenant):
        raise _refused("unknown_refresh_token")
    token = await refresh_tokens.find(work.beside(tenant), presented)
    if token is None:
        # Still bound to no tenant: a stranger's text must not choose whose record it fills.
        raise _refused("unknown_refresh_token")
    work.bind(tenant)
    if token.authorization.client_id != client.id or token.authorization.issuer_path != issuer.path:
        raise _refused("other_client")
    return token


def _narrowed(form: Parameters, held: tuple[str, ...]) -> tuple[str, ...]:
    asked = form.one("scope")
    if asked is None:
        return held
    wanted = scopes.parse(asked)
    if not set(wanted) <= set(held):
        raise InvalidScope("scope: is beyond what was granted; ask the person again.", reason="wider_scope")
    return wanted


def _end_family(work: UnitOfWork, client: Client, token: RefreshToken) -> None:
    authorization.end(work, token.authorization, reason="refresh_replayed")
    event.record(
        work,
        event.Kind.REFRESH_REPLAYED,
        event.Outcome.REFUSED,
        client_id=client.id,
        sub=token.authorization.sub,
        authorization_id=token.authorization.id,
    )


def _refused(reason: str) -> InvalidGrant:
    return InvalidGrant("The refresh token is unknown, used, expired, or ended.", reason=reason)
