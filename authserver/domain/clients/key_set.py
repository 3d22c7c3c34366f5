"""
The public keys of a client: which of them may prove that it is that client, and which one a signature means.

RFC 7517 §4, §5; RFC 7518 §3.3, §6; RFC 8725 §3.2, §3.5. A key is public, asymmetric, strong, meant for signatures, and no two
share a name; its size is looked at before any arithmetic is done with it. What an operator gives stands or falls as a
whole, so that a mistake is heard of at once; of a set that is fetched each key stands or falls alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto import jwk
from jwcrypto.common import JWException

from authserver.domain.clients.client import InvalidClientDataError
from authserver.runtime.foreign_jws import ALGORITHMS, MAX_KID_CHARACTERS, PublicKey, algorithms_of, is_same_algorithm
from authserver.runtime.jose import from_base64url
from resource_lib.wire.strict_json import loads_object

MAX_BYTES: Final = 64 * 1024
MAX_KEYS: Final = 20

_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_COORDINATE_BYTES: Final = {"P-256": 32, "P-384": 48, "P-521": 66}
_MATERIAL: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
_UNTIL: Final = "until"
"""Our own member of a key that was replaced: seconds since the epoch at which it ends."""


class UnusableKeyError(ValueError):
    """A JWK that proves nothing about anybody. The text says why and holds no key material."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientKey:
    """One public key; `algorithms` are those it may be used with, `until` None: until it is replaced."""

    kid: str | None
    public: PublicKey = field(repr=False)
    algorithms: tuple[str, ...]
    until: int | None
    jwk: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySet:
    """The usable keys of one client, and why the others are not."""

    keys: tuple[ClientKey, ...]
    refused: tuple[str, ...] = ()

    def meant_by(self, *, alg: str, kid: str | None, now: int) -> ClientKey | None:
        """Return the one key that a signature means; None when there is none or nobody can say which (RFC 7517 §4.5)."""
        found = [
            key
            for key in self.keys
            if alg in key.algorithms and (kid is None or key.kid == kid) and (key.until is None or now < key.until)
        ]
        return found[0] if len(found) == 1 else None

    def text(self) -> str:
        """Return the set as it is stored."""
        return orjson.dumps({"keys": [dict(key.jwk) for key in self.keys]}).decode()


def given(text: str | bytes) -> KeySet:
    """Return the set an operator or a registration gave: a JWK Set, or one JWK. Raises InvalidClientDataError saying why not."""
    document = _document(text)
    members = document.get("keys", [document] if "kty" in document else None)
    found = _read(members, trusts_until=False)
    if found.refused:
        raise InvalidClientDataError(f"jwks: {found.refused[0]}")
    if not found.keys:
        raise InvalidClientDataError("jwks: holds no key; export the public half of one that signs")
    return found


def fetched(body: bytes) -> KeySet:
    """Return the usable keys of a set that was fetched. Raises InvalidClientDataError when it is no set or none is usable."""
    found = _read(_document(body).get("keys"), trusts_until=False)
    if not found.keys:
        raise InvalidClientDataError("jwks: no usable key" + (f": {found.refused[0]}" if found.refused else ""))
    return found


def stored(text: str) -> KeySet:
    """Return the set as `KeySet.text` wrote it."""
    return _read(_document(text).get("keys"), trusts_until=True)


def names(text: str, now: int) -> list[str]:
    """Return the names of the stored keys that may be used now; a key without one is called by its type."""
    live = [key for key in stored(text).keys if key.until is None or now < key.until]
    return [(key.kid or f"({key.jwk['kty']})") + (" (old)" if key.until is not None else "") for key in live]


def replaced(old: KeySet, new: KeySet, *, until: int, now: int) -> KeySet:
    """Return `new` and what it replaces: the youngest set alone, each key of it until `until` at most.

    A key that is being replaced already ends now: an overlap is of two sets, never of three.
    """
    fresh = {_material(key.jwk) for key in new.keys}
    names = {key.kid for key in new.keys}
    leaving = []
    for key in old.keys:
        if key.until is not None or _material(key.jwk) in fresh or until <= now:
            continue
        if key.kid in names:
            raise InvalidClientDataError(
                f"jwks: kid {key.kid!r} is that of another key of this client; a new key has a new kid"
            )
        leaving.append(key)
    if any(key.kid is None for key in new.keys) and leaving:
        raise InvalidClientDataError(
            "jwks: keys that overlap need a kid each, so that a signature can say which it means"
        )
    ending = [_key({**key.jwk, _UNTIL: until}, trusts_until=True) for key in leaving]
    return KeySet(keys=(*new.keys, *ending))


def _document(text: str | bytes) -> dict[str, Any]:
    encoded = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(encoded) > MAX_BYTES:
        raise InvalidClientDataError(f"jwks: at most {MAX_BYTES} bytes")
    try:
        return loads_object(encoded)
    except ValueError:
        raise InvalidClientDataError('jwks: a JWK Set as one JSON object, {"keys": [...]}, no member twice') from None


def _read(members: Any, *, trusts_until: bool) -> KeySet:
    # What is stored may be two sets, while one replaces the other.
    if type(members) is not list or len(members) > MAX_KEYS * (1 + trusts_until):
        raise InvalidClientDataError(f"jwks: `keys` is a list of at most {MAX_KEYS} keys")
    usable: list[tuple[int, ClientKey]] = []
    refused: list[str] = []
    for place, member in enumerate(members):
        try:
            usable.append((place, _key(member, trusts_until=trusts_until)))
        except UnusableKeyError as error:
            refused.append(f"keys[{place}]: {error}")
    times = Counter(key.kid for _, key in usable)
    once = []
    for place, key in usable:
        if times[key.kid] > 1:
            refused.append(
                f"keys[{place}]: "
                + ("its kid stands twice" if key.kid else "several keys need a kid each to be told apart")
            )
        else:
            once.append(key)
    return KeySet(keys=tuple(once), refused=tuple(refused))


def _key(member: Any, *, trusts_until: bool) -> ClientKey:
    if type(member) is not dict:
        raise UnusableKeyError("it is not an object")
    kty = member.get("kty")
    if not _SECRET.isdisjoint(member) or kty == "oct":
        raise UnusableKeyError("it is or holds a secret; give the public half alone")
    if type(kty) is not str or kty not in _MATERIAL:
        raise UnusableKeyError("its kty is none of EC, OKP, RSA")
    operations = member.get("key_ops", ["verify"])
    if member.get("use", "sig") != "sig" or type(operations) is not list or "verify" not in operations:
        raise UnusableKeyError("it is not meant for verifying signatures (`use`, `key_ops`)")
    kid, alg, until = member.get("kid"), member.get("alg"), member.get(_UNTIL)
    if kid is not None and (type(kid) is not str or not 0 < len(kid) <= MAX_KID_CHARACTERS):
        raise UnusableKeyError(f"its kid is no text of 1 to {MAX_KID_CHARACTERS} characters")
    if alg is not None and (type(alg) is not str or alg not in ALGORITHMS):
        raise UnusableKeyError("its alg is none of " + ", ".join(ALGORITHMS))
    public = _public(kty, member)
    algorithms = tuple(name for name in algorithms_of(public) if alg is None or is_same_algorithm(name, alg))
    if not algorithms:
        raise UnusableKeyError("its alg does not fit its type")
    kept = {"kty": kty, **{name: member[name] for name in _MATERIAL[kty]}}
    kept |= {name: value for name, value in (("kid", kid), ("alg", alg)) if value is not None}
    ends = until if trusts_until and type(until) is int else None
    if ends is not None:
        kept[_UNTIL] = ends
    return ClientKey(kid=kid, public=public, algorithms=algorithms, until=ends, jwk=kept)


def _public(kty: str, member: Mapping[str, Any]) -> PublicKey:
    # Lengths first: a number of a million bits costs nothing while it is text.
    if kty == "RSA":
        _check_rsa(_bytes(member, "n", range(256, 1025)), _bytes(member, "e", range(1, 5)))
    else:
        crv = member.get("crv")
        lengths = {"Ed25519": 32} if kty == "OKP" else _COORDINATE_BYTES
        if type(crv) is not str or crv not in lengths:
            raise UnusableKeyError(f"its crv is none of {', '.join(lengths)}")
        for name in _MATERIAL[kty][1:]:
            _bytes(member, name, range(lengths[crv], lengths[crv] + 1))
    try:
        key = jwk.JWK(kty=kty, **{name: member[name] for name in _MATERIAL[kty]}).get_op_key("verify")
    except (JWException, ValueError):
        raise UnusableKeyError("its numbers are no key of its type") from None
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        raise UnusableKeyError("it is no public key")
    return key


def _check_rsa(n: bytes, e: bytes) -> None:
    # RFC 7518 §3.3: 2048 bits or more; the upper end because each check of a huge one is dear.
    modulus, exponent = int.from_bytes(n), int.from_bytes(e)
    if not 2048 <= modulus.bit_length() <= 8192 or not modulus & 1:
        raise UnusableKeyError("its modulus does not have 2048 to 8192 bits")
    if exponent < 65537 or not exponent & 1:
        raise UnusableKeyError("its exponent is no odd number from 65537 up to 32 bits")


def _bytes(member: Mapping[str, Any], name: str, lengths: Iterable[int]) -> bytes:
    value = member.get(name)
    found = from_base64url(value.encode()) if type(value) is str and value.isascii() and len(value) < 1400 else None
    if found is None or len(found) not in lengths:
        raise UnusableKeyError(f"its {name} is not base64url of the right length")
    return found


def _material(member: Mapping[str, Any]) -> tuple[Any, ...]:
    return (member["kty"], *(member[name] for name in _MATERIAL[member["kty"]]))
