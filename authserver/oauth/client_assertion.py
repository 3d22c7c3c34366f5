"""
A client proves who it is with a key of its own: `private_key_jwt`.

RFC 7521 §4.2, RFC 7523 §2.2 and §3, draft-ietf-oauth-rfc7523bis §4 (the audience is this issuer and nothing else, as one string),
RFC 8725 §3. It is read before the client is known and believed only once everything is right; then its `jti` is spent,
whatever becomes of the request, unless the request is turned away as one too many (429), which spends nothing.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from authserver.domain.clients import key_source, used_assertion
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.errors import InvalidClient
from authserver.runtime import foreign_jws
from authserver.runtime.foreign_jws import ALGORITHMS, UnprovenToken, UnreadableTokenError
from authserver.runtime.unit_of_work import UnitOfWork

__all__ = ["ALGORITHMS", "METHOD", "REPLAYED", "TYPE", "UnprovenAssertion", "fault", "read"]

METHOD: Final = "private_key_jwt"
TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

REPLAYED: Final = "assertion_replayed"

_TYPES: Final = frozenset({None, "jwt", "client-authentication+jwt"})
_LONGEST_LIFE_S: Final = 600
_SKEW_S: Final = 30
_MOST_CHARACTERS: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class UnprovenAssertion:
    """An assertion of the right shape; `client_id` is whom it speaks of, not who sent it."""

    client_id: str
    token: UnprovenToken


def read(assertion: str) -> UnprovenAssertion:
    """Return what an assertion says. Raises InvalidClient for one that cannot be right whoever the client is."""
    try:
        token = foreign_jws.read(assertion)
    except UnreadableTokenError as error:
        raise refusal(f"assertion_{error}") from None
    # RFC 8725 §3.11: what was made for another purpose says so in its type.
    if (token.typ.lower().removeprefix("application/") if token.typ else token.typ) not in _TYPES:
        raise refusal("assertion_type")
    iss, sub = token.claims.get("iss"), token.claims.get("sub")
    if not _is_text(sub) or iss != sub:
        raise refusal("assertion_subject")
    return UnprovenAssertion(client_id=sub, token=token)


async def fault(work: UnitOfWork, issuer: Issuer, client: Client, assertion: UnprovenAssertion) -> str | None:
    """Return why an assertion does not prove that its sender is `client`, in a word of ours; None: it does, and is now spent."""
    token, claims = assertion.token, assertion.token.claims
    if client.id != assertion.client_id:
        return "assertion_subject"
    if client.assertion_alg and not foreign_jws.is_same_algorithm(token.alg, client.assertion_alg):
        return "assertion_algorithm"
    audience = claims.get("aud")
    if type(audience) is not str or audience not in _audiences(work, issuer):
        return "assertion_audience"
    if not _is_timely(claims, work.now):
        return "assertion_time"
    jti = claims.get("jti")
    if not _is_text(jti):
        return "assertion_jti"
    key = await key_source.key_for(work, client, alg=token.alg, kid=token.kid)
    if key is None:
        return "assertion_key"
    if not foreign_jws.is_signed_by(token, key.public):
        return "assertion_signature"
    if await used_assertion.was_used(work, client.id, jti):
        return REPLAYED
    used_assertion.use(work, client.id, jti, expires_at=int(claims["exp"]) + _SKEW_S)
    return None


def refusal(reason: str) -> InvalidClient:
    """Return the one answer to whoever did not prove who they are; `reason` stays with us."""
    return InvalidClient("The client is unknown or its credential is wrong.", reason=reason)


def _audiences(work: UnitOfWork, issuer: Issuer) -> tuple[str, ...]:
    if work.machines.settings.assertion_audience_token_endpoint:
        return issuer.identifier, issuer.url("/token")
    return (issuer.identifier,)


def _is_timely(claims: dict[str, Any], now: int) -> bool:
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf")
    if not _is_number(expires) or not now - _SKEW_S < expires <= now + _LONGEST_LIFE_S + _SKEW_S:
        return False
    return all(value is None or (_is_number(value) and value <= now + _SKEW_S) for value in (issued, begins))


def _is_number(value: Any) -> TypeGuard[int | float]:
    # Not a truth value, which Python counts among the numbers.
    return type(value) is int or type(value) is float


def _is_text(value: Any) -> TypeGuard[str]:
    return type(value) is str and 0 < len(value) <= _MOST_CHARACTERS and value.isprintable()
