"""Servers that act for their callers: R1 calls R2 and R5, as an operator allowed."""

from dataclasses import dataclass
from typing import Any

from tests.support.oauth_client import OAuthClient, TokenAnswer
from tests.support.world import R1, R2

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SCOPES = {"orders:read": ("orders:read",), "orders:write": ("orders:write",), "orders:admin": ()}
"""What R1 may ask for at R2, and what its caller must carry for it. Administering is for admins, whatever they carry."""


@dataclass(kw_only=True)
class Deputy:
    """The server of one resource, with its credential."""

    app: OAuthClient

    async def exchange(self, token: TokenAnswer | str, **changed: Any) -> TokenAnswer:
        """Trade a token; `None` leaves a parameter out."""
        wanted = {
            "grant_type": GRANT,
            "subject_token": token if isinstance(token, str) else token.access_token,
            "subject_token_type": ACCESS_TOKEN,
            "resource": R2,
            **changed,
        }
        return await self.app.token(**wanted)

    @property
    def actor(self) -> str:
        return f"client:{self.app.app.client_id}"


async def deputy(server: Any, uri: str = R1, **changed: Any) -> Deputy:
    """Return the server of a resource with a credential of its own."""
    return Deputy(app=OAuthClient(server=server, app=await server.operator.credential_of(uri, **changed)))


async def allowed_deputy(server: Any) -> Deputy:
    """Return the server of R1, which may act at R2."""
    await server.operator.allow_exchange(R1, R2, SCOPES)
    return await deputy(server)
