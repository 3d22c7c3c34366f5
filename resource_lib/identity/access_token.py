"""
An access token is accepted only when every sentence in it is proven, meant for us, and timely.

RFC 9068 §4, RFC 8725 §3, RFC 8707 §2; MCP authorization R7 to R10. The order is shape, issuer, key, signature, claims: only
strict JSON from our own issuer can make us look for a key, and no claim is judged before the signature.

A verdict is remembered for as long as it would be given again: until the token's own end, its key's end or `forget`.
"""

import time
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from resource_lib.identity import compact_jws
from resource_lib.identity.compact_jws import MAX_BYTES, Header
from resource_lib.identity.invalid_token import InvalidToken, Reason
from resource_lib.identity.principal import Principal
from resource_lib.identity.verification_key import VerificationKey
from resource_lib.wire import claims

__all__ = ["InvalidToken", "KeySource", "Reason", "Validator"]

TYPES: Final = frozenset({claims.TYP, f"application/{claims.TYP}"})
"""RFC 9068 §4; compared without regard to case."""

MAX_LIFE_SECONDS: Final = 86_400
_LAST_DATE: Final = 2**40
_MAX_AUDIENCES: Final = 200
_HEADERS: Final = 256
_NONE: Final[list[str]] = []

_required = itemgetter(
    claims.AUD,
    claims.IAT,
    claims.EXP,
    claims.SCOPE,
    claims.TENANT_ID,
    claims.SUB,
    claims.CLIENT_ID,
    claims.AUTHORIZATION_ID,
    claims.JTI,
)


class KeySource(Protocol):
    """Where keys come from: a `JWKSCache`, or a `KeySet` that never changes."""

    def held(self, kid: str) -> VerificationKey | None:
        """Return the key if it is known and fresh enough to be used now. No I/O."""

    async def find(self, kid: str) -> VerificationKey | None:
        """Return the key, after asking the issuer if need be. Raises KeysUnavailableError when nobody can say."""


_Verdict = tuple[Principal, VerificationKey, float, float]
"""Whom it speaks for, the key that says so, and from when until when (seconds since the epoch). Plain, because it is hot."""


class Validator:
    """
    Verifies access tokens of one issuer for one resource.

    `keys` gives the issuer's keys. `leeway` (seconds, at most 60) is how far clocks may differ, for `exp`, `nbf` and `iat`.
    `max_life` (seconds, at most a day) refuses tokens that were made to live longer, even correctly signed ones; raise it only
    together with the server's own setting. `tenants` are those linked to this resource; None accepts each tenant of the issuer.
    `remember` is how many verdicts are kept, `remember_seconds` for how long at most; 0 keeps none. `clock` gives seconds since
    the epoch.

    How `aud` is judged: one string must equal `resource`; a list (RFC 7519 §4.1.3) may hold up to 200 strings, one of which
    must. Equal means byte for byte, with one exception: where `resource` has no path, with and without the root slash are the
    same resource (RFC 3986 §6.2.3), because clients write either.
    """

    def __init__(
        self,
        *,
        issuer: str,
        resource: str,
        keys: KeySource,
        tenants: Collection[str] | None = None,
        leeway: float = 5,
        max_life: int = 3600,
        remember: int = 10_000,
        remember_seconds: float = 300,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 <= leeway <= 60:
            raise ValueError("leeway: give 0 to 60 seconds; clocks that differ by more must be set right")
        if not 0 < max_life <= MAX_LIFE_SECONDS:
            raise ValueError(f"max_life: give 1 to {MAX_LIFE_SECONDS} seconds; a token cannot be the long-lived part")
        self._issuer = issuer
        self._audiences = _spellings(resource)
        self._keys = keys
        self._tenants = None if tenants is None else frozenset(tenants)
        self._leeway = leeway
        self._max_life = max_life
        self._remember = remember
        self._remember_seconds = remember_seconds
        self._clock = clock
        self._verdicts: dict[bytes, _Verdict] = {}
        self._headers: dict[bytes, Header] = {}
        self._forgotten = 0

    async def verify(self, token: str, now: float | None = None) -> Principal:
        """
        Return whom `token` speaks for at `now` (default: the clock).

        Raises InvalidToken when it cannot be used here, and KeysUnavailableError when the issuer's keys cannot be had, which
        says nothing about the token: answer 503.
        """
        if now is None:
            now = self._clock()
        if len(token) > MAX_BYTES:
            raise InvalidToken(Reason.TOO_LARGE)
        try:
            raw = token.encode("ascii")
        except UnicodeEncodeError:
            raise InvalidToken(Reason.MALFORMED) from None
        fingerprint = sha256(raw).digest()
        verdict = self._verdicts.pop(fingerprint, None)
        if verdict is not None:
            principal, key, begins, ends = verdict
            if begins <= now < ends and self._keys.held(key.kid) is key:
                self._verdicts[fingerprint] = verdict  # back in as the youngest: the oldest is what gives way
                return principal
        return await self._verify_anew(raw, fingerprint, now)

    def forget(self, ended: Callable[[Principal], bool]) -> int:
        """End the remembered verdicts of every principal for whom `ended` is true; return how many there were."""
        self._forgotten += 1
        found = [fingerprint for fingerprint, verdict in list(self._verdicts.items()) if ended(verdict[0])]
        for fingerprint in found:
            self._verdicts.pop(fingerprint, None)
        return len(found)

    async def _verify_anew(self, raw: bytes, fingerprint: bytes, now: float) -> Principal:
        forgotten = self._forgotten
        header_segment, payload_segment, signature_segment, signed = compact_jws.split(raw)
        known_header = self._headers.get(header_segment)
        header = known_header or compact_jws.read_header(header_segment, types=TYPES)
        alg, kid, _ = header
        signature = compact_jws.decode(signature_segment)
        payload = compact_jws.decode(payload_segment)
        unproven = compact_jws.read_payload(payload)
        # Before the key: a stranger's token must not make us ask our issuer for a key it never had.
        if unproven.get(claims.ISS) != self._issuer:
            raise InvalidToken(Reason.ISSUER)
        key = self._keys.held(kid) or await self._keys.find(kid)
        if key is None:
            raise InvalidToken(Reason.UNKNOWN_KEY)
        if alg != key.alg:
            raise InvalidToken(Reason.ALGORITHM)
        if not key.verify(signature, signed):
            raise InvalidToken(Reason.SIGNATURE)
        try:
            principal, begins, ends = self._judge(unproven, payload, kid, now)
        except InvalidToken as refused:
            refused.said = unproven  # proven by now
            raise
        if known_header is None and len(self._headers) < _HEADERS:  # only what one of our keys has signed gets in
            self._headers[header_segment] = header
        if self._remember and forgotten == self._forgotten:
            if len(self._verdicts) >= self._remember:
                self._verdicts.pop(next(iter(self._verdicts), b""), None)
            self._verdicts[fingerprint] = (principal, key, begins, min(ends, now + self._remember_seconds))
        return principal

    def _names_us(self, audience: Any) -> bool:
        """Whether a list of audiences holds ours. Raises InvalidToken when it is no list of at most 200 strings."""
        if type(audience) is not list or len(audience) > _MAX_AUDIENCES:
            raise InvalidToken(Reason.CLAIM)
        if not all(type(one) is str for one in audience):
            raise InvalidToken(Reason.CLAIM)
        return not self._audiences.isdisjoint(audience)

    def _judge(self, said: Mapping[str, Any], payload: bytes, kid: str, now: float) -> tuple[Principal, float, float]:
        """Return the principal of these proven claims and from when until when they hold. Raises InvalidToken."""
        try:
            audience, issued_at, expires_at, scope, tenant, subject, client_id, authorization_id, token_id = _required(
                said
            )
        except KeyError:
            raise InvalidToken(Reason.CLAIM) from None
        if type(audience) is str:
            if audience not in self._audiences:
                raise InvalidToken(Reason.AUDIENCE)
        elif not self._names_us(audience):
            raise InvalidToken(Reason.AUDIENCE)
        if claims.CNF in said:
            raise InvalidToken(Reason.SENDER_CONSTRAINED)

        # `type`, because True is an int to isinstance.
        if not (
            type(issued_at) is int is type(expires_at) and 0 <= issued_at < _LAST_DATE and 0 <= expires_at < _LAST_DATE
        ):
            raise InvalidToken(Reason.CLAIM)
        if not 0 < expires_at - issued_at <= self._max_life:
            raise InvalidToken(Reason.LIFE)
        begins = (issued_at if claims.NBF not in said else max(issued_at, _date(said[claims.NBF]))) - self._leeway
        ends = expires_at + self._leeway
        if now < begins:
            raise InvalidToken(Reason.NOT_YET)
        if now >= ends:
            raise InvalidToken(Reason.EXPIRED)

        get = said.get
        acr, auth_time, actor, control_number = get(claims.ACR), get(claims.AUTH_TIME), get(claims.ACT), get(claims.CTL)
        roles, amr = get(claims.ROLES, _NONE), get(claims.AMR, _NONE)
        if not (type(roles) is list is type(amr)):
            raise InvalidToken(Reason.CLAIM)
        texts = [tenant, subject, client_id, authorization_id, token_id, *roles, *amr]
        if acr is not None:
            texts.append(acr)
        purpose = get(claims.PURPOSE)
        if purpose is not None:
            texts.append(purpose)
        try:
            joined = "".join(texts)  # join takes nothing but strings
        except TypeError:
            raise InvalidToken(Reason.CLAIM) from None
        if not (all(texts) and joined.isprintable()):  # else a NUL or a line break travels into rows and logs
            raise InvalidToken(Reason.CLAIM)
        if type(scope) is not str or not (scope.isascii() and scope.isprintable()):
            raise InvalidToken(Reason.CLAIM)
        if control_number is not None:
            _date(control_number)
        if auth_time is not None:
            _date(auth_time)
        if actor is not None:
            actor = _actor(actor)
        authorized = get(claims.AUTHORIZED)
        if authorized is not None:
            authorized = _authorized(authorized)
        if self._tenants is not None and tenant not in self._tenants:
            raise InvalidToken(Reason.TENANT)

        # A frozen dataclass sets its fields one by one and slowly; this is the same in one step.
        principal = Principal.__new__(Principal)
        principal.__dict__.update(
            tenant=tenant,
            subject=subject,
            client_id=client_id,
            scopes=frozenset(scope.split()),
            roles=frozenset(roles),
            authorization_id=authorization_id,
            token_id=token_id,
            issued_at=issued_at,
            expires_at=expires_at,
            control_number=control_number,
            acr=acr,
            amr=tuple(amr),
            auth_time=auth_time,
            actor=actor,
            authorized=authorized,
            key_id=kid,
            purpose=purpose,
            payload=payload,
        )
        return principal, begins, ends


def _spellings(resource: str) -> frozenset[str]:
    parts = urlsplit(resource)
    if parts.path in ("", "/") and not parts.query and not parts.fragment:
        return frozenset({resource.rstrip("/"), resource.rstrip("/") + "/"})
    return frozenset({resource})


def _date(value: Any) -> int:
    if type(value) is int and 0 <= value < _LAST_DATE:  # `type`, because True is an int to isinstance
        return value
    raise InvalidToken(Reason.CLAIM)


def _actor(value: Any) -> Mapping[str, Any]:
    subject = value.get(claims.SUB) if type(value) is dict else None
    if type(subject) is not str or not subject.isprintable():
        raise InvalidToken(Reason.CLAIM)
    frozen: Mapping[str, Any] = _frozen(value)
    return frozen


def _authorized(value: Any) -> tuple[str, str]:
    if type(value) is not dict:
        raise InvalidToken(Reason.CLAIM)
    client_id, resource = value.get(claims.CLIENT_ID), value.get("resource")
    if type(client_id) is not str or type(resource) is not str:
        raise InvalidToken(Reason.CLAIM)
    return client_id, resource


def _frozen(value: Any) -> Any:
    # A remembered principal is shared by many calls: what one of them could change would change it for all.
    if type(value) is dict:
        return MappingProxyType({name: _frozen(member) for name, member in value.items()})
    if type(value) is list:
        return tuple(_frozen(member) for member in value)
    return value
