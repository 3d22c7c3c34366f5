"""
Signs compact JWS with the key it is given, and nothing else.

RFC 7515 §3.1, RFC 7518 §3, RFC 8037. Small because it is on the hot path: pyjwt checks its key again for each call.
The suite compares every token with pyjwt and joserfc. Verifying access tokens is the resource library's work.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def base64url(data: bytes) -> bytes:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=")


def signer(key: PrivateKey, *, alg: str, kid: str, typ: str) -> Callable[[dict[str, Any]], str]:
    """Return a function from claims to a compact JWS. Raises ValueError when the key does not fit `alg`."""
    header = base64url(orjson.dumps({"alg": alg, "kid": kid, "typ": typ})) + b"."
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
