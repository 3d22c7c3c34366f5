"""Reads ID tokens as a relying party does: authlib's rules over joserfc's signatures."""

import warnings
from typing import Any

from joserfc import jwk, jwt

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.oidc.core import CodeIDToken


async def key_set(server: Any, path: str = "") -> dict[str, Any]:
    """Return the published keys."""
    found = (await server.http.get(f"{path}/jwks.json")).json()
    assert isinstance(found, dict)
    return found


async def id_token_of(server: Any, tokens: Any, app: Any, *, nonce: str | None = None) -> dict[str, Any]:
    """Return the claims of an ID token once signature and claims are what OpenID Connect Core §3.1.3.7 asks for."""
    keys = jwk.KeySet.import_key_set(await key_set(server, app.app.issuer_path))
    read = jwt.decode(tokens.body["id_token"], keys, algorithms=["ES256", "RS256", "Ed25519", "EdDSA"])
    params = {"client_id": app.app.client_id, "access_token": tokens.access_token, "nonce": nonce}
    rules = {"iss": {"essential": True, "value": app.base}, "aud": {"essential": True, "value": app.app.client_id}}
    claims = CodeIDToken(read.claims, read.header, rules, params)
    claims.validate(now=server.clock.now)
    return dict(claims)
