"""What a client with a key of its own sends: right by default, wrong wherever a test says so."""

import json
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import jwt
from jwcrypto import jwk

from authserver.oauth.client_assertion import TYPE


def new_key(kid: str = "k1", **kind: Any) -> dict[str, Any]:
    """Return a private JWK, ES256 unless told otherwise."""
    made = jwk.JWK.generate(**(kind or {"kty": "EC", "crv": "P-256"}))
    return {**made.export_private(as_dict=True), "kid": kid}


def public(key: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the public half of a private JWK."""
    made = jwk.JWK(**{name: value for name, value in key.items() if name not in {"alg", "use"}})
    return {**made.export_public(as_dict=True), **more}


def key_set(*keys: dict[str, Any]) -> str:
    """Return a JWK Set of the public halves."""
    return json.dumps({"keys": [public(key) for key in keys]})


def claims(client_id: str, audience: str, now: int, **changed: Any) -> dict[str, Any]:
    """Return the claims of a good assertion with changes; None removes one."""
    said = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + 60,
    } | changed
    return {name: value for name, value in said.items() if value is not None}


def header(key: dict[str, Any], alg: str, /, **changed: Any) -> dict[str, Any]:
    """Return the header of a good assertion with changes; None removes a member."""
    said = {"alg": alg, "typ": "JWT", "kid": key.get("kid")} | changed
    return {name: value for name, value in said.items() if value is not None}


def signed(
    key: dict[str, Any],
    payload: dict[str, Any] | bytes,
    *,
    alg: str = "ES256",
    head: dict[str, Any] | bytes | None = None,
) -> str:
    """Return a compact JWS of exactly these parts; bytes are taken as they are."""
    named = head if head is not None else header(key, alg)
    covered = ".".join(
        encoded(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (named, payload)
    )
    return f"{covered}.{encoded(signature(key, covered.encode(), alg))}"


def signature(key: dict[str, Any], covered: bytes, alg: str = "ES256") -> bytes:
    """Return the raw signature, by pyjwt's own algorithm."""
    algorithm = jwt.algorithms.get_default_algorithms()["EdDSA" if alg == "Ed25519" else alg]
    made = algorithm.from_jwk(json.dumps({name: value for name, value in key.items() if name != "kid"}))
    result = algorithm.sign(covered, made)
    assert isinstance(result, bytes)
    return result


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def form(assertion: str) -> dict[str, str]:
    """Return the body members that carry an assertion."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion}
