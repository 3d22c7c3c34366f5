"""
Reads a compact JWS that somebody else made, strictly, and checks its signature with a key that we chose.

RFC 7515 §3.1, §4.1, §5.2; RFC 7518 §3; RFC 8725 §3.1, §3.2, §3.11. Reading comes first and proves nothing: bounded before
anything is parsed, one spelling, no member twice, no header that could steer (`crit`, `b64`, `zip`, `jwk`, `jku`, `x5u`, `x5c`).
The check is pyjwt's; the algorithm is the caller's, out of a list without HMAC and without `none`. No I/O, no clock.
"""

from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from authserver.runtime.jose import from_base64url
from resource_lib.wire.strict_json import loads_object

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

MAX_BYTES: Final = 8192
MAX_KID_CHARACTERS: Final = 200

_EC: Final[dict[str, type[ec.EllipticCurve]]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_ED25519: Final = ("EdDSA", "Ed25519")
"""The same algorithm under its old name and that of RFC 9864."""

ALGORITHMS: Final = (*_EC, *_ED25519, *_RSA)
"""Everything that a client may sign with."""

_STEERING: Final = frozenset({"crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"})

_jws = jwt.PyJWS(algorithms=[name for name in ALGORITHMS if name != "Ed25519"])
_jws.register_algorithm("Ed25519", get_default_algorithms()["EdDSA"])


class UnreadableTokenError(ValueError):
    """It is no compact JWS of the one acceptable form. The text says why in a word of ours and holds nothing of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnprovenToken:
    """What a token says. Nothing of it is proven before `is_signed_by` said yes."""

    text: str
    alg: str
    kid: str | None
    typ: str | None
    claims: dict[str, Any]


def read(token: str) -> UnprovenToken:
    """Return what `token` says. Raises UnreadableTokenError for anything that two readers could take differently."""
    if len(token) > MAX_BYTES or not token.isascii():
        raise UnreadableTokenError("size")
    if token.count(".") != 2:
        raise UnreadableTokenError("parts")
    encoded = token.encode("ascii").split(b".")
    header, claims = _json(encoded[0]), _json(encoded[1])
    if from_base64url(encoded[2]) is None:
        raise UnreadableTokenError("encoding")
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if type(alg) is not str or alg not in ALGORITHMS:
        raise UnreadableTokenError("algorithm")
    if not _STEERING.isdisjoint(header):
        raise UnreadableTokenError("header")
    if kid is not None and (type(kid) is not str or not 0 < len(kid) <= MAX_KID_CHARACTERS):
        raise UnreadableTokenError("header")
    if typ is not None and type(typ) is not str:
        raise UnreadableTokenError("header")
    return UnprovenToken(text=token, alg=alg, kid=kid, typ=typ, claims=claims)


def is_signed_by(token: UnprovenToken, key: PublicKey) -> bool:
    """Whether `key` made the signature with the token's algorithm. It never raises for a wrong one."""
    if token.alg not in algorithms_of(key):
        return False
    try:
        _jws.decode_complete(token.text, key=key, algorithms=[token.alg])
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def algorithms_of(key: PublicKey) -> tuple[str, ...]:
    """Return the algorithms that a key can be for: a curve has one, Ed25519 two names, RSA six paddings and hashes."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return tuple(name for name, curve in _EC.items() if isinstance(key.curve, curve))
    return _ED25519 if isinstance(key, ed25519.Ed25519PublicKey) else _RSA


def is_same_algorithm(one: str, other: str) -> bool:
    """Whether two names mean one algorithm: what a key says by the old name of Ed25519, a token may say by the new one."""
    return one == other or {one, other} == set(_ED25519)


def _json(segment: bytes) -> dict[str, Any]:
    decoded = from_base64url(segment)
    if decoded is None:
        raise UnreadableTokenError("encoding")
    try:
        return loads_object(decoded)
    except ValueError:
        raise UnreadableTokenError("JSON") from None
