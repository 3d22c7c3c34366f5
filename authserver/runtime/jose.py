"""
Signs compact JWS with the key it is given, and knows its own signature again.

RFC 7515 §3.1, RFC 7518 §3, RFC 8037. Small because it is on the hot path: pyjwt checks its key again for each call.
The suite compares every token with pyjwt and joserfc. A token that comes back is compared with the very header that its
key writes, so nothing in it can choose an algorithm, a key or a type (RFC 8725 §3.1, §3.11). Other people's tokens are
never read here.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def base64url(data: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=")


def written_header(*, alg: str, kid: str, typ: str) -> bytes:
    """Return the first part of every token that `signer` makes with these."""
    return base64url(orjson.dumps({"alg": alg, "kid": kid, "typ": typ}))


def signer(key: PrivateKey, *, alg: str, kid: str, typ: str) -> Callable[[dict[str, Any]], str]:
    """Return a function from claims to a compact JWS. Raises ValueError when the key does not fit `alg`."""
    header = written_header(alg=alg, kid=kid, typ=typ) + b"."
    raw = _raw_signer(key, alg)

    def sign(claims: dict[str, Any]) -> str:
        signed = header + base64url(orjson.dumps(claims))
        return (signed + b"." + base64url(raw(signed))).decode("ascii")

    return sign


def _raw_signer(key: PrivateKey, alg: str) -> Callable[[bytes], bytes]:
    if alg == "ES256" and isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        ecdsa = ec.ECDSA(hashes.SHA256())

        def sign_es256(data: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(data, ecdsa))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        return sign_es256
    if alg == "EdDSA" and isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    if alg == "RS256" and isinstance(key, rsa.RSAPrivateKey):
        pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
        return lambda data: key.sign(data, pkcs1, sha256)
    raise ValueError(f"the key does not fit {alg}")


def verifier(key: PrivateKey, *, alg: str) -> Callable[[bytes, bytes], bool]:
    """Return a function from a raw signature and what it covers to whether `key` made it. It never raises.

    Raises ValueError when the key does not fit `alg`.
    """
    if alg == "ES256" and isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        es256, ecdsa = key.public_key(), ec.ECDSA(hashes.SHA256())

        def check(signature: bytes, signed: bytes) -> None:
            if len(signature) != 64:
                raise InvalidSignature
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            es256.verify(encode_dss_signature(r, s), signed, ecdsa)

    elif alg == "EdDSA" and isinstance(key, ed25519.Ed25519PrivateKey):
        eddsa = key.public_key()

        def check(signature: bytes, signed: bytes) -> None:
            eddsa.verify(signature, signed)

    elif alg == "RS256" and isinstance(key, rsa.RSAPrivateKey):
        rs256, pkcs1, sha256 = key.public_key(), padding.PKCS1v15(), hashes.SHA256()

        def check(signature: bytes, signed: bytes) -> None:
            rs256.verify(signature, signed, pkcs1, sha256)

    else:
        raise ValueError(f"the key does not fit {alg}")

    def verify(signature: bytes, signed: bytes) -> bool:
        try:
            check(signature, signed)
        except InvalidSignature:
            return False
        return True

    return verify


def from_base64url(segment: bytes) -> bytes | None:
    """Return what `segment` stands for, or None unless it is the one canonical spelling (RFC 4648 §3.5)."""
    try:
        data = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if base64url(data) == segment else None
