"""A client that introduces itself at /register and then speaks as any other: `app = await registered(server, **metadata)`."""

from typing import Any

import httpx2
import orjson

from tests.support.oauth_client import OAuthClient
from tests.support.world import R1, Application

PLAIN = {
    "client_name": "Some Agent",
    "redirect_uris": ["http://127.0.0.1/callback"],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
}
"""What an ordinary MCP client says."""


async def register(server: Any, *, issuer_path: str = "", address: str = "127.0.0.1", **said: Any) -> httpx2.Response:
    """Say PLAIN with these members changed; `...` leaves one out."""
    metadata = {name: value for name, value in {**PLAIN, **said}.items() if value is not ...}
    return await register_raw(server, orjson.dumps(metadata), issuer_path=issuer_path, address=address)


async def register_raw(
    server: Any, body: bytes, *, issuer_path: str = "", address: str = "127.0.0.1", **headers: str
) -> httpx2.Response:
    """Post these bytes."""
    http = server.http if address == "127.0.0.1" else server.http_from(address)
    sent = {"content-type": "application/json", **headers}
    answer: httpx2.Response = await http.post(f"{issuer_path}/register", content=body, headers=sent)
    return answer


async def registered(server: Any, *, resource: str = R1, issuer_path: str = "", **said: Any) -> OAuthClient:
    """Register and return the client that came of it, as its answer describes it."""
    answer = await register(server, issuer_path=issuer_path, **said)
    assert 201 == answer.status_code, answer.text
    return client_of(server, answer.json(), resource=resource, issuer_path=issuer_path)


def client_of(server: Any, effective: dict[str, Any], *, resource: str = R1, issuer_path: str = "") -> OAuthClient:
    """Return the client that an answer of /register describes."""
    return OAuthClient(
        server=server,
        app=Application(
            name=effective["client_name"],
            tenant=None,
            auth_method=effective["token_endpoint_auth_method"],
            client_id=effective["client_id"],
            secret=effective.get("client_secret"),
            redirect_uris=tuple(effective["redirect_uris"]),
            grant_types=tuple(effective["grant_types"]),
            resource=resource,
            issuer_path=issuer_path,
        ),
    )
