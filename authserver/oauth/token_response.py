"""
The one shape of success at the token endpoint.

OAuth 2.1 §3.2.3. `scope` always stands in it, because what was granted can be less than what was asked.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from authserver.domain.tokens.access_token import AccessToken


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenResponse:
    """What a client gets."""

    access_token: AccessToken
    refresh_token: str | None = None
    id_token: str | None = None
    issued_token_type: str | None = None
    """RFC 8693 §2.2.1: what kind of token it is, said where one was exchanged."""

    def encoded(self) -> bytes:
        """Return the JSON body."""
        answer: dict[str, Any] = {
            "access_token": self.access_token.token,
            "token_type": "Bearer",
            "expires_in": self.access_token.expires_in,
            "scope": " ".join(self.access_token.scope),
        }
        if self.access_token.details:
            # RFC 9396 §7: as they were granted, which can be less than was asked.
            answer["authorization_details"] = self.access_token.details
        if self.refresh_token is not None:
            answer["refresh_token"] = self.refresh_token
        if self.issued_token_type is not None:
            answer["issued_token_type"] = self.issued_token_type
        if self.id_token is not None:
            answer["id_token"] = self.id_token
        return orjson.dumps(answer)
