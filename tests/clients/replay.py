"""Plays a client of the catalogue: becomes known as it does, and says at /authorize and /token what it says there."""

from dataclasses import replace
from typing import Any

import httpx2

from tests.clients.catalogue import CLIENTS, KnownClient
from tests.support.assertions import claims, form, signed
from tests.support.oauth_client import AuthorizationAnswer, OAuthClient, TokenAnswer
from tests.support.registering import client_of, register
from tests.support.world import R1

FIRST_PORT, LATER_PORT = 3118, 50417

_RESOURCE = {
    "exactly": R1,
    "its origin": R1.removesuffix("/mcp"),
    "its origin with a slash": R1.removesuffix("mcp"),
    "not at all": None,
}


def filled(value: Any, port: int) -> Any:
    """Return what goes over the wire when the program listens on `port` this time."""
    if isinstance(value, str):
        return value.replace("{port}", str(port))
    if isinstance(value, list | tuple):
        return type(value)(filled(item, port) for item in value)
    if isinstance(value, dict):
        return {name: filled(item, port) for name, item in value.items()}
    return value


class Replay:
    """One client of the catalogue at one server, in the hands of u1."""

    def __init__(
        self, server: Any, known: KnownClient, app: OAuthClient, *, port: int, key: dict[str, Any] | None = None
    ):
        self.server = server
        self.known = known
        self.key = key
        self.redirect_uri = filled(known.redirect_uri, port)
        self.app = replace(app, app=replace(app.app, redirect_uris=(self.redirect_uri,), resource=R1))

    @classmethod
    async def registered(cls, server: Any, name: str, *, port: int = LATER_PORT, **changed: Any) -> "Replay":
        """Register as it does, on the first port; later it comes back on another."""
        known = CLIENTS[name]
        assert known.registration is not None
        answer = await register_as(server, {**known.registration, **changed})
        assert 201 == answer.status_code, answer.text
        return cls(server, known, client_of(server, answer.json()), port=port)

    @classmethod
    def by_document(cls, server: Any, name: str, *, key: dict[str, Any] | None = None) -> "Replay":
        """Be known by the document alone; with a key it proves itself with it."""
        known = CLIENTS[name]
        assert known.document is not None
        app = replace(
            server.world.clients["G"],
            client_id=known.document["client_id"],
            auth_method="private_key_jwt" if key else "none",
        )
        return cls(server, known, OAuthClient(server=server, app=app), port=LATER_PORT, key=key)

    @property
    def resource(self) -> str | None:
        return _RESOURCE[self.known.names_resource]

    async def authorize(self, **changed: Any) -> AuthorizationAnswer:
        """Let u1 log in and allow what the page offers."""
        asked = {"resource": self.resource, "scope": self.known.asks, **changed}
        return await self.app.authorize("u1", **asked)

    async def redeem(self, code: AuthorizationAnswer, **changed: Any) -> TokenAnswer:
        return await self.app.redeem(code, **{**self._again(), **self._proof(), **changed})

    async def log_in(self, **changed: Any) -> TokenAnswer:
        """Walk the whole login as it does."""
        tokens = await self.redeem(await self.authorize(**changed))
        assert tokens.ok, tokens.body
        return tokens

    async def refresh(self, tokens: TokenAnswer, **changed: Any) -> TokenAnswer:
        """Refresh without a scope, as they all do."""
        return await self.app.refresh(tokens, **{**self._again(), **self._proof(), **changed})

    def _again(self) -> dict[str, Any]:
        return {"resource": self.resource} if self.known.repeats_resource else {}

    def _proof(self) -> dict[str, Any]:
        if self.key is None:
            return {}
        said = claims(self.app.app.client_id, self.server.issuer, self.server.clock.now)
        return form(signed(self.key, said, alg="RS256" if self.key["kty"] == "RSA" else "ES256"))


async def register_as(server: Any, registration: dict[str, Any], *, port: int = FIRST_PORT) -> httpx2.Response:
    """Post a registration of the catalogue."""
    said = filled(registration, port)
    left_out = dict.fromkeys(("client_name", "grant_types", "response_types", "token_endpoint_auth_method"), ...)
    return await register(server, **{**left_out, **said})
