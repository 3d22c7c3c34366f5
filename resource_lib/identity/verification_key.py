"""
A key knows its one algorithm; a token never chooses.

RFC 7517 §4, RFC 7518 §3.3, §3.4, §6, RFC 8037, RFC 8725 §3.1, §3.2. A JWK becomes a `VerificationKey` only when it is public,
meant for signatures, names its algorithm and is strong enough; each key of a set stands or falls alone.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from resource_lib.identity.compact_jws import MAX_KID_CHARACTERS, decode
from resource_lib.identity.invalid_token import InvalidToken

MAX_KEYS: Final = 100
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
# Big-endian bytes of one length compare as their numbers do.
_ZERO: Final = bytes(32)
_P256_ORDER: Final = bytes.fromhex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551")

Verify = Callable[[bytes, bytes], bool]
"""From a signature and what it covers to whether it is right. It never raises for a wrong signature."""


class UnusableKeyError(ValueError):
    """A JWK that must not verify anything. The text says why and holds no key material."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationKey:
    """One public key of an issuer, its one algorithm and its check."""

    kid: str
    alg: str
    verify: Verify = field(repr=False, compare=False)
    jwk: Mapping[str, Any] = field(repr=False)
    """The members it was made from; equal members are the same key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySet:
    """The usable keys of an issuer by kid, and why the others are not. It never changes."""

    by_kid: Mapping[str, VerificationKey]
    refused: tuple[str, ...] = ()

    def held(self, kid: str) -> VerificationKey | None:
        """Return the key at once, or None when it is not in the set."""
        return self.by_kid.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """Return the key; a set that never changes has nowhere else to look."""
        return self.by_kid.get(kid)


def import_key_set(document: Mapping[str, Any], *, known: KeySet | None = None) -> KeySet:
    """
    Return the usable keys of a JWK Set. A key that `known` holds unchanged stays the same object.

    Raises UnusableKeyError when it is no set, has more than 100 members or none that is usable.
    """
    jwks = document.get("keys")
    if type(jwks) is not list or len(jwks) > MAX_KEYS:
        raise UnusableKeyError(f"`keys` is not a list of at most {MAX_KEYS} keys")
    usable: list[tuple[int, VerificationKey]] = []
    refused: list[str] = []
    for place, jwk in enumerate(jwks):
        try:
            usable.append((place, import_key(jwk)))
        except UnusableKeyError as error:
            refused.append(f"keys[{place}]: {error}")
    times = Counter(key.kid for _, key in usable)
    by_kid: dict[str, VerificationKey] = {}
    for place, key in usable:
        if times[key.kid] > 1:  # RFC 7517 §4.5: nobody can say which one is meant
            refused.append(f"keys[{place}]: its kid stands twice")
            continue
        before = known.by_kid.get(key.kid) if known else None
        by_kid[key.kid] = before if before and before.jwk == key.jwk else key
    if not by_kid:
        raise UnusableKeyError("no usable key: " + ("; ".join(refused) or "the set is empty"))
    return KeySet(by_kid=MappingProxyType(by_kid), refused=tuple(refused))


def import_key(jwk: Any) -> VerificationKey:
    """Return the key that a public JWK describes. Raises UnusableKeyError when it must not be used."""
    if type(jwk) is not dict:
        raise UnusableKeyError("it is not an object")
    if not _PRIVATE_MEMBERS.isdisjoint(jwk) or jwk.get("kty") == "oct":
        raise UnusableKeyError("it is or holds a secret")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or type(operations) is not list or "verify" not in operations:
        raise UnusableKeyError("it is not meant for verifying signatures")
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if type(kid) is not str or not 0 < len(kid) <= MAX_KID_CHARACTERS:
        raise UnusableKeyError("it has no kid")
    make = ALGORITHMS.get(alg) if type(alg) is str else None
    if make is None or type(alg) is not str:
        raise UnusableKeyError("its alg is missing or not one of " + ", ".join(ALGORITHMS))
    return VerificationKey(kid=kid, alg=alg, verify=make(jwk), jwk=MappingProxyType(dict(jwk)))


def _es256(jwk: Mapping[str, Any]) -> Verify:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise UnusableKeyError("ES256 needs an EC key on P-256")
    x, y = _bytes(jwk, "x", 32), _bytes(jwk, "y", 32)
    try:
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    except ValueError:
        raise UnusableKeyError("its point is not on the curve") from None
    check, ecdsa = public_key.verify, ec.ECDSA(hashes.SHA256())

    def verify(signature: bytes, signed: bytes) -> bool:
        # RFC 7518 §3.4: r and s, 32 octets each; FIPS 186-5 §6.4.2: both within [1, n-1] (CVE-2022-21449).
        r, s = signature[:32], signature[32:]
        if len(signature) != 64 or not (_ZERO < r < _P256_ORDER and _ZERO < s < _P256_ORDER):
            return False
        try:
            check(_der_signature(r, s), signed, ecdsa)
        except InvalidSignature:
            return False
        return True

    return verify


def _der_signature(r: bytes, s: bytes) -> bytes:
    # X.690 §8.3 by hand, because cryptography takes ES256 signatures as DER only and its encoder goes through big integers:
    # without leading zeros, but with one where the first bit would read as a minus.
    r, s = r.lstrip(b"\0"), s.lstrip(b"\0")
    if r[0] > 127:
        r = b"\0" + r
    if s[0] > 127:
        s = b"\0" + s
    return b"\x30%c\x02%c%b\x02%c%b" % (len(r) + len(s) + 4, len(r), r, len(s), s)


def _eddsa(jwk: Mapping[str, Any]) -> Verify:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise UnusableKeyError("EdDSA needs an OKP key on Ed25519")
    try:
        check = ed25519.Ed25519PublicKey.from_public_bytes(_bytes(jwk, "x", 32)).verify
    except ValueError:
        raise UnusableKeyError("its point is not on the curve") from None

    def verify(signature: bytes, signed: bytes) -> bool:
        if len(signature) != 64:
            return False
        try:
            check(signature, signed)
        except InvalidSignature:
            return False
        return True

    return verify


def _rs256(jwk: Mapping[str, Any]) -> Verify:
    if jwk.get("kty") != "RSA":
        raise UnusableKeyError("RS256 needs an RSA key")
    n, e = (int.from_bytes(_bytes(jwk, name), "big") for name in ("n", "e"))
    # RFC 7518 §3.3: 2048 bits or more. An upper end, because a huge modulus or exponent makes each check dear.
    if not 2048 <= n.bit_length() <= 8192 or not n & 1:
        raise UnusableKeyError("its modulus does not have 2048 to 8192 bits")
    if not 65537 <= e < 2**32 or not e & 1:
        raise UnusableKeyError("its exponent is not an odd number from 65537 up to 32 bits")
    try:
        check = rsa.RSAPublicNumbers(e, n).public_key().verify
    except ValueError:
        raise UnusableKeyError("it is not an RSA key") from None
    length, pkcs1, sha256 = (n.bit_length() + 7) // 8, padding.PKCS1v15(), hashes.SHA256()

    def verify(signature: bytes, signed: bytes) -> bool:
        if len(signature) != length:
            return False
        try:
            check(signature, signed, pkcs1, sha256)
        except InvalidSignature:
            return False
        return True

    return verify


def _bytes(jwk: Mapping[str, Any], member: str, length: int | None = None) -> bytes:
    value = jwk.get(member)
    try:
        found = decode(value.encode("ascii")) if type(value) is str and len(value) <= 2048 else b""
    except (InvalidToken, UnicodeEncodeError):
        found = b""
    if not found or (length is not None and len(found) != length):
        raise UnusableKeyError(f"its {member} is not base64url of the right length")
    return found


ALGORITHMS: Final[Mapping[str, Callable[[Mapping[str, Any]], Verify]]] = MappingProxyType(
    {"ES256": _es256, "EdDSA": _eddsa, "RS256": _rs256}
)
"""Everything that we verify with. There is no HMAC and no `none`, so nothing can be confused with either."""
