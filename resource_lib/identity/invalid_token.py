"""
One refusal for every unusable token; why is for our log and our tests, never for the caller.

OAuth 2.1 §5.3.1, decision 10: a caller learns `invalid_token` and nothing else.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a token was refused. The values are stable: logs and dashboards count them."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    """Not three canonical base64url parts, or a part is not the strict JSON that it must be."""
    HEADER = "header"
    """A member that we do not allow (crit, jwk, zip, ...), a missing one, or one of the wrong type."""
    TYPE = "type"
    """RFC 9068 §4: not an access token."""
    UNKNOWN_KEY = "unknown_key"
    ALGORITHM = "algorithm"
    """The header names another algorithm than the key's own record."""
    SIGNATURE = "signature"
    CLAIM = "claim"
    """A required claim is missing, or a claim has the wrong type or an impossible value."""
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    """`nbf` or `iat` lies in the future."""
    LIFE = "life"
    """It would live longer than we allow any token to live, or it expires before it was issued."""
    SENDER_CONSTRAINED = "sender_constrained"
    """It has a `cnf`: a proof is needed that we cannot check, so it must not pass as a bearer token."""
    TENANT = "tenant"
    """Its tenant is not linked to this resource."""


class InvalidToken(Exception):  # the word of RFC 6750 §3.1
    """The token cannot be used here. `reason` says why, for logs and tests; its text never reaches the caller."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.said: Mapping[str, Any] | None = None
        """The token's claims, where its signature is good; None: whatever it says, nobody has proven it."""
