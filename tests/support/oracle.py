"""Reads tokens with somebody else's eyes: pyjwt, which shares no line with what minted them."""

from typing import Any

import jwt


def unverified_claims(token: str) -> dict[str, Any]:
    """Return what a token says of itself."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def header(token: str) -> dict[str, Any]:
    """Return the protected header of a token."""
    return dict(jwt.get_unverified_header(token))


def verified_claims(token: str, key_set: dict[str, Any], *, issuer: str, audience: str) -> dict[str, Any]:
    """Return the claims of a token that one of the published keys signed. Dates are the caller's to check: the clock is ours."""
    kid = header(token)["kid"]
    [key] = [jwt.PyJWK(key) for key in key_set["keys"] if key["kid"] == kid]
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    return dict(
        jwt.decode(token, key, algorithms=[key.algorithm_name], issuer=issuer, audience=audience, options=options)
    )
