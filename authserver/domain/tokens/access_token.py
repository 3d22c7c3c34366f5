"""
Mints the access token: short-lived, for one resource, one tenant, one authorization.

RFC 9068, and the contract of `resource_lib.wire.claims`. It holds no personal data; `ctl` is the newest control number that
this process had applied, so that a kill ends it without comparing clocks (decision 14).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from authserver.domain.keys.signing_key import KeyRing
from authserver.domain.tokens import uses
from authserver.domain.tokens.authorization import MACHINE, Authorization
from authserver.domain.tokens.presented import Presented
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """A signed token and what it says of itself."""

    token: str
    id: str
    expires_in: int
    scope: tuple[str, ...]
    details: tuple[dict[str, Any], ...] = ()
    """What it stands for in detail (RFC 9396 §7); the token itself says as much of it as it has room for."""


class NoSigningKeyError(Exception):
    """No key may sign now. Rotation makes one at start; without it nothing is issued."""


def mint(
    work: UnitOfWork,
    ring: KeyRing,
    authorization: Authorization,
    *,
    issuer: str,
    scope: tuple[str, ...],
    roles: tuple[str, ...] | None,
    details: Sequence[dict[str, Any]] = (),
    details_are_narrowed: bool = False,
) -> AccessToken:
    """Return a token of `authorization` for `scope`. `roles` is None for machine clients. Raises NoSigningKeyError.

    `details` are what it says of calls allowed beforehand (RFC 9396 §9.1), and whether it stands for those alone.
    """
    key = ring.signing(work.now)
    if key is None:
        raise NoSigningKeyError
    assert work.tenant is not None
    uses.note(work, authorization, work.tenant)
    life = min(work.machines.settings.access_token_seconds, authorization.expires_at - work.now)
    if set(scope) & set(authorization.widened_at(work.now)):
        # What was allowed for a while is not carried beyond it.
        life = min(life, authorization.widened_until - work.now)
    said = _said(work, authorization, issuer=issuer, scope=scope, life=life, roles=roles)
    if details:
        said[claims.AUTHORIZATION_DETAILS] = list(details)
    if details_are_narrowed:
        said[claims.DETAILS_NARROWED] = True
    return AccessToken(token=key.access_token(said), id=said[claims.JTI], expires_in=life, scope=scope)


def mint_for_actor(
    work: UnitOfWork,
    ring: KeyRing,
    authorization: Authorization,
    presented: Presented,
    *,
    actor: str,
    resource: str,
    issuer: str,
    scope: tuple[str, ...],
    roles: tuple[str, ...] | None,
) -> AccessToken:
    """Return a token with which the client `actor` acts at `resource` for whoever `presented` speaks for (RFC 8693 §4.1).

    It belongs to the same authorization and ends with it, no later than `presented` itself, and by the same kills.
    Raises NoSigningKeyError.
    """
    key = ring.signing(work.now)
    if key is None:
        raise NoSigningKeyError
    assert work.tenant is not None
    uses.note(work, authorization, work.tenant)
    life = min(
        work.machines.settings.access_token_seconds,
        authorization.expires_at - work.now,
        presented.expires_at - work.now,
    )
    said = _said(work, authorization, issuer=issuer, scope=scope, life=life, roles=roles)
    said |= {
        claims.AUD: resource,
        claims.CLIENT_ID: actor,
        claims.AUTHORIZED: {claims.CLIENT_ID: authorization.client_id, "resource": authorization.resource},
        claims.ACT: {claims.SUB: MACHINE + actor} | ({claims.ACT: presented.act} if presented.act else {}),
    }
    # What it is for was said of the resource that the person was asked about, and means nothing at another.
    said.pop(claims.PURPOSE, None)
    return AccessToken(token=key.access_token(said), id=said[claims.JTI], expires_in=life, scope=scope)


PROBE = "authserver-probe"
"""The client in whose name a server is asked whether it refuses; no authorization stands behind its tokens."""
PROBE_S = 60


def mint_for_probe(
    work: UnitOfWork, ring: KeyRing, *, issuer: str, resource: str, scope: tuple[str, ...] = (), age_s: int = 0
) -> AccessToken:
    """Return a token with which the operator asks a server what it refuses: for a minute, of nobody, `age_s` seconds old.

    It can be neither refreshed nor exchanged, and introspection does not know it. Raises NoSigningKeyError.
    """
    key = ring.signing(work.now)
    if key is None:
        raise NoSigningKeyError
    assert work.tenant is not None
    said: dict[str, Any] = {
        claims.ISS: issuer,
        claims.SUB: MACHINE + PROBE,
        claims.AUD: resource,
        claims.CLIENT_ID: PROBE,
        claims.SCOPE: " ".join(scope),
        claims.IAT: work.now - age_s,
        claims.EXP: work.now - age_s + PROBE_S,
        claims.JTI: secrets.token_urlsafe(16),
        claims.TENANT_ID: work.tenant,
        claims.AUTHORIZATION_ID: f"{PROBE}-{secrets.token_urlsafe(8)}",
        claims.CTL: work.applied,
    }
    return AccessToken(token=key.access_token(said), id=said[claims.JTI], expires_in=PROBE_S, scope=scope)


def _said(
    work: UnitOfWork,
    authorization: Authorization,
    *,
    issuer: str,
    scope: tuple[str, ...],
    life: int,
    roles: tuple[str, ...] | None,
) -> dict[str, Any]:
    assert work.tenant is not None
    said: dict[str, Any] = {
        claims.ISS: issuer,
        claims.SUB: authorization.sub,
        claims.AUD: authorization.resource,
        claims.CLIENT_ID: authorization.client_id,
        claims.SCOPE: " ".join(scope),
        claims.IAT: work.now,
        claims.EXP: work.now + life,
        claims.JTI: secrets.token_urlsafe(16),
        claims.TENANT_ID: work.tenant,
        claims.AUTHORIZATION_ID: authorization.id,
        # Whatever its authorization was begun after has been honoured then, by a process that had heard of it.
        claims.CTL: max(work.applied, authorization.ctl),
    }
    if roles is not None:
        said[claims.ROLES] = list(roles)
        said[claims.ACR] = authorization.acr
        said[claims.AUTH_TIME] = authorization.auth_time
        said[claims.AMR] = list(authorization.amr)
    if authorization.purpose:
        said[claims.PURPOSE] = authorization.purpose
    return said
