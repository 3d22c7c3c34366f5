"""
A client says that it needs a token no more.

RFC 7009. Only the client a token was issued to can end it; for anybody else's, as for what was never a token, the answer is
the same 200 and nothing happens (§2.2). A refresh token ends its authorization with every access token under it, whichever
generation of the family it is; an access token ends alone, and its authorization goes on (§2.1 allows both). The answer
follows the commit, so 200 means that it is dead everywhere; what could not be stored is a 503.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tokens import authorization, presented, revoked
from authserver.domain.tokens import refresh_token as refresh_tokens
from authserver.domain.tokens.presented import NotStandingError
from authserver.oauth.client_authentication import authenticate, read, record_refusal, within_limit
from authserver.oauth.errors import OAuthError, SlowDown
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork


async def handle(work: UnitOfWork, issuer: Issuer, form: Parameters, authorization: bytes | None) -> None:
    """End the token, if it is this client's. Raises InvalidClient, InvalidRequest, SlowDown.

    `token_type_hint` is not needed: each kind of token says itself what it is (§2.1 lets a server look everywhere).
    """
    client: Client | None = None
    try:
        form.refuse_repeated()
        client = await authenticate(work, issuer, read(authorization, form))
        # Whoever stole a credential and floods another endpoint with it must not keep its owner from ending what it got.
        within_limit(work, client, door="revoke")
        if not client.is_shared:
            work.bind(client.tenant)
        sent = form.required("token")
    except SlowDown:
        raise
    except OAuthError as error:
        record_refusal(work, event.Kind.REVOCATION_REFUSED, client, error)
        raise
    tenant = refresh_tokens.tenant_named_in(sent)
    if tenant is not None:
        refused = await _end_family(work, issuer, client, tenant, sent)
    else:
        refused = await _end_access_token(work, issuer, client, sent)
    if refused is not None:
        # Into the client's own record or nobody's: what somebody sends must not choose whose record it fills.
        event.record_stranger(work, event.Kind.REVOCATION_REFUSED, reason=refused, client_id=client.id)


async def _end_family(work: UnitOfWork, issuer: Issuer, client: Client, tenant: str, sent: str) -> str | None:
    """End the authorization of a refresh token, or return why nothing was done."""
    if not client.is_shared and client.tenant != tenant:
        return "unknown_token"
    token = await refresh_tokens.find(work.beside(tenant), sent)
    if token is None:
        return "unknown_token"
    owner = token.authorization
    if owner.client_id != client.id or owner.issuer_path != issuer.path:
        return "other_client"
    work.bind(tenant)
    if not owner.is_ended:
        authorization.end(work, owner, reason="revoked_by_client")
    return None


async def _end_access_token(work: UnitOfWork, issuer: Issuer, client: Client, sent: str) -> str | None:
    """Revoke one access token, or return why nothing was done."""
    try:
        token = await presented.read(work, issuer, sent)
    except NotStandingError as dead:
        return None if dead.reason == "expired" else "unknown_token"
    if token.client_id != client.id:
        return "other_client"
    work.bind(token.tenant)
    await revoked.revoke(work, token)
    return None
