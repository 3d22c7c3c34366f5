"""
A resource server asks: does this token live, and what may its holder do here?

RFC 7662. A resource server is a client that speaks for one resource. It learns of access tokens meant for that resource and,
if it belongs to a tenant, of that tenant's; one that belongs to nobody learns of every tenant its resource is linked to.
Everything else gets the same bytes: what is unknown, another's, of another kind, ended or over. The rows are asked each
time, so what was revoked is dead with the next question, in every process.

Not here: answers as JWT (RFC 9701), and anything about refresh tokens, which no resource server ever holds.
"""

from typing import Any

from authserver.domain.audit import event
from authserver.domain.call_grants import grant
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tokens import presented
from authserver.domain.tokens.presented import NotStandingError, Presented, Standing
from authserver.oauth import authorization_details
from authserver.oauth.client_authentication import authenticate, read, record_refusal
from authserver.oauth.errors import InvalidClient, OAuthError, SlowDown
from authserver.oauth.issuing import held_now
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims

Answer = dict[str, Any] | None
"""What an active token means (RFC 7662 §2.2); None: nothing is said but that it is not active."""

_AS_SIGNED = (
    claims.ISS, claims.SUB, claims.AUD, claims.CLIENT_ID, claims.EXP, claims.IAT, claims.JTI, claims.TENANT_ID,
    claims.AUTHORIZATION_ID, claims.ACR, claims.AUTH_TIME, claims.AMR, claims.ACT, claims.CNF,
    claims.PURPOSE,
)  # fmt: skip


async def handle(work: UnitOfWork, issuer: Issuer, form: Parameters, authorization: bytes | None) -> Answer:
    """Return what the token means to this resource server. Raises InvalidClient, InvalidRequest, SlowDown.

    `token_type_hint` is ignored, as RFC 7662 §2.1 allows.
    """
    try:
        form.refuse_repeated()
        client = await authenticate(work, issuer, read(authorization, form))
        if client.is_public:
            raise InvalidClient("Introspection is for resource servers with a credential.", reason="public_client")
    except SlowDown:
        raise
    except OAuthError as error:
        record_refusal(work, event.Kind.INTROSPECTION_REFUSED, None, error)
        raise
    _within_limit(work, client)
    # A token without characters is as unknown as any other; only a request that names none is no question.
    is_empty = any(name == "token" and not value for name, value in form.pairs())
    return await _answer(work, issuer, client, "" if is_empty else form.required("token"))


async def _answer(work: UnitOfWork, issuer: Issuer, client: Client, sent: str) -> Answer:
    token = await presented.recall(work, issuer, sent)
    is_recalled = token is not None
    try:
        token = token or await presented.read(work, issuer, sent)
    except NotStandingError as refused:
        await presented.nothing(work, issuer, refused)
        if refused.reason != "expired":
            _refuse(work, client, refused.reason)
        return None
    answer = await _verdict(work, issuer, client, token)
    if answer is None and is_recalled:
        # Whoever is told nothing is told it in the time of a token that nobody has ever asked about.
        await presented.no_signature(work, issuer)
    elif not is_recalled and answer is not None:
        await presented.remember(work, issuer, sent, token)
    return answer


async def _verdict(work: UnitOfWork, issuer: Issuer, client: Client, token: Presented) -> Answer:
    try:
        standing = await presented.standing(work, issuer, token)
    except NotStandingError:
        standing = None
    # Asked after the rows, so that it takes as long to be told nothing of one's own token as of somebody else's.
    if token.resource != client.speaks_for:
        _refuse(work, client, "other_resource")
        return None
    if not await presented.is_heard(work, client, token.tenant):
        _refuse(work, client, "other_tenant")
        return None
    return await _meaning(work, token, standing) if standing is not None else None


async def _meaning(work: UnitOfWork, token: Presented, standing: Standing) -> Answer:
    """Return the claims of a live token; a scope or role that was taken away since is gone from them at once."""
    scope = held_now(work, token.scope, standing, is_exchanged=token.act is not None)
    if not scope or standing.held is not None:
        # A stopped or paused server's tokens count for nothing while that lasts.
        return None
    answer: dict[str, Any] = {"active": True, "token_type": "Bearer", claims.SCOPE: " ".join(scope)}
    answer.update((name, token.claims[name]) for name in _AS_SIGNED if name in token.claims)
    if token.act is None and standing.authorization.details:
        # RFC 9396 §9.2: as the rows have it now, for a token that was issued before too.
        held = await authorization_details.held_by(work.beside(token.tenant), standing.authorization, scope)
        only = grant.named_in(token.claims)
        answer[claims.AUTHORIZATION_DETAILS] = [
            authorization_details.said(each) | {"used": each.used} for each in held if only is None or each.id in only
        ]
    if standing.member is not None:
        answer[claims.ROLES] = [role for role in token.claims[claims.ROLES] if role in standing.member.roles]
    return answer


def _refuse(work: UnitOfWork, client: Client, reason: str) -> None:
    # RFC 7662 §4: scanning for tokens. What is not for this server has a budget of its own, so that somebody who sends it
    # garbage cannot keep it from asking about good tokens.
    machines = work.machines
    limited = machines.foreign_tokens.take(client.id, work.at_us)
    if limited is not None:
        raise SlowDown(
            "Too many tokens that are not for this server.", reason="token_scan", retry_after_s=limited.retry_after_s
        )
    if machines.foreign_token_notes.take(client.id, work.at_us) is None:
        work.bind(client.tenant)
        event.record(work, event.Kind.INTROSPECTION_REFUSED, event.Outcome.REFUSED, reason=reason, client_id=client.id)


def _within_limit(work: UnitOfWork, client: Client) -> None:
    limited = work.machines.introspections.take(client.id, work.at_us)
    if limited is not None:
        raise SlowDown("This client asks too often.", reason="token_flood", retry_after_s=limited.retry_after_s)
