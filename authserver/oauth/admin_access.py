"""
Who asks the admin API, and may they?

RFC 6750 §2.1, §3.1; RFC 9068 §4; RFC 9470 §3; OWASP API1, API5. An access token of ours whose one audience is the admin API, in
the Authorization header alone, never a cookie. What it stands on is read from the rows at every request, so that whoever was
stopped, removed, or lost a role is stopped here too. Members and clients of the tenant `platform` act for the whole deployment;
everybody else acts in their own tenant and learns of no other.

Refused here whatever it permits: a token that somebody exchanged, one of an API key, and one of an application that a stranger
made (by registration or a document): nobody becomes an administrator's application by asking nicely on a consent page.
A token bound to a key (`cnf`) is refused until its proof can be checked (RFC 9449, RFC 8705): `_proven` is the place.
"""

from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.resources.administration import SCOPES, uri_of
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import presented
from authserver.domain.tokens.authorization import Profile
from authserver.domain.tokens.presented import NotStandingError, Presented, Standing
from authserver.oauth.errors import InsufficientScope, InvalidToken, SlowDown, StaleLogin
from authserver.oauth.issuing import held_now
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims

FRESH_S = 300
"""How old a login may be, in seconds, for what cannot be taken back or gives power."""
_CLOCKS_S = 30
"""How far two server processes' clocks may be apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """Who asks, as the rows say now. `tenant` is theirs, None: they act for the platform. `home` is where they themselves are."""

    tenant: str | None
    home: str
    sub: str
    client_id: str
    authorization_id: str
    scopes: frozenset[str]
    roles: tuple[str, ...]
    auth_time: int
    """When they proved who they are: a person's login; a machine's token."""
    is_machine: bool

    @property
    def is_platform(self) -> bool:
        """Whether they act for the whole deployment."""
        return self.tenant is None

    def may(self, scope: str) -> bool:
        """Whether the token permits this scope, and its holder still has it."""
        return scope in self.scopes


async def operator(work: UnitOfWork, issuer: Issuer, authorization: bytes | None) -> Operator:
    """Return who asks. Raises InvalidToken, the same for every cause, and SlowDown; binds nothing.

    `authorization` is the request's header of that name, None where there is none or more than one.
    """
    text = _bearer(authorization)
    if text is None:
        raise InvalidToken("An access token for the admin API is needed.", reason="missing_token")
    try:
        token = await presented.read(work, issuer, text)
    except NotStandingError as refused:
        await presented.nothing(work, issuer, refused)
        raise _refused(work, refused.reason) from None
    try:
        stands = await presented.standing(work, issuer, token)
    except NotStandingError as refused:
        raise _refused(work, refused.reason, token) from None
    if token.resource != uri_of(work.machines.settings) or token.act is not None:
        raise _refused(work, "other_audience" if token.act is None else "exchanged_token", token)
    if not _proven(token):
        raise _refused(work, "proof_missing", token)
    client = stands.client
    if client is None or client.is_self_made or stands.authorization.profile is Profile.API_KEY:
        raise _refused(work, "strangers_application" if client else "api_key", token)
    if limited := work.machines.admin_requests.take(token.authorization_id, work.at_us):
        raise SlowDown("Too many requests.", reason="admin_flood", retry_after_s=limited.retry_after_s)
    return await _operator(work, token, stands)


async def _operator(work: UnitOfWork, token: Presented, stands: Standing) -> Operator:
    tenant = await tenants.by_id(work, token.tenant)
    assert tenant is not None, "a token stands on its tenant"
    is_machine = stands.member is None
    return Operator(
        tenant=None if tenant.is_platform else tenant.id,
        home=tenant.id,
        sub=token.sub,
        client_id=token.client_id,
        authorization_id=token.authorization_id,
        scopes=_scopes(work, token, stands),
        roles=stands.member.roles if stands.member else (),
        auth_time=token.issued_at if is_machine else stands.authorization.auth_time,
        is_machine=is_machine,
    )


def _scopes(work: UnitOfWork, token: Presented, stands: Standing) -> frozenset[str]:
    """Return what the token permits that its holder still has: by a person's roles, by a machine's registration."""
    if stands.member is None:
        held = set(token.scope) & set(stands.client.scope if stands.client else ())
    else:
        held = set(held_now(work, token.scope, stands))
    return frozenset(held & set(SCOPES))


async def demand_scope(work: UnitOfWork, asks: Operator, scope: str) -> None:
    """Raise InsufficientScope, recorded, for whoever may not."""
    if not asks.may(scope):
        await _record_refusal(work, asks, "insufficient_scope", needs=scope)
        raise InsufficientScope("The access token does not permit this.", reason="insufficient_scope")


async def demand_platform(work: UnitOfWork, asks: Operator) -> None:
    """Raise InsufficientScope, recorded, for whoever does not act for the platform."""
    if not asks.is_platform:
        await _record_refusal(work, asks, "not_the_platform")
        raise InsufficientScope("Only those who run this deployment may do this.", reason="not_the_platform")


async def demand_fresh(work: UnitOfWork, asks: Operator) -> None:
    """Raise StaleLogin, recorded, unless whoever asks has just proven who they are (RFC 9470 §3).

    A login of the future proves nothing: the clock was set back.
    """
    if not -_CLOCKS_S <= work.now - asks.auth_time <= FRESH_S:
        await _record_refusal(work, asks, "stale_login")
        raise StaleLogin("Sign in again: this needs a fresh login.", reason="stale_login", max_age_s=FRESH_S)


async def record_asked(work: UnitOfWork, asks: Operator, what: str, **of: str) -> None:
    """Record in their own tenant what somebody is about to do that cannot be taken back, or that gives power.

    In a commit of its own, before it is done: it stands there whatever becomes of the rest.
    """
    asked = _apart(work, asks.home)
    event.record(
        asked,
        event.Kind.ADMIN_ASKED,
        sub=asks.sub,
        client_id=asks.client_id,
        authorization_id=asks.authorization_id,
        what=what,
        payload=dict(of) if of else None,
    )
    await asked.commit()


async def _record_refusal(work: UnitOfWork, asks: Operator, reason: str, *, needs: str = "") -> None:
    refused = _apart(work, asks.home)
    event.record(
        refused,
        event.Kind.ADMIN_REFUSED,
        event.Outcome.REFUSED,
        reason=reason,
        sub=asks.sub,
        client_id=asks.client_id,
        authorization_id=asks.authorization_id,
        needs=needs,
    )
    await refused.commit()


def _apart(work: UnitOfWork, tenant: str) -> UnitOfWork:
    return work.machines.work(tenant=tenant, request_id=work.request_id, address=work.address)


def _bearer(authorization: bytes | None) -> str | None:
    scheme, _, token = (authorization or b"").partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        return None
    return token.strip().decode("latin-1")


def _proven(token: Presented) -> bool:
    # The seam for DPoP and mutual TLS: whoever adds them checks here that the request proves the key that `cnf` names.
    return claims.CNF not in token.claims


def _refused(work: UnitOfWork, reason: str, token: Presented | None = None) -> InvalidToken:
    if reason != "expired":
        event.record_stranger(
            work,
            event.Kind.ADMIN_REFUSED,
            reason=reason,
            client_id=token.client_id if token else "",
            sub=token.sub if token else "",
        )
    return InvalidToken("The access token is not good for the admin API.", reason=reason)
