"""
Somebody who publishes client metadata documents, on an internet of our own; a server that reads them, and a client to use them.
"""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from tests.support.internet import Answer, Internet, Listener
from tests.support.oauth_client import OAuthClient
from tests.support.world import R5

HOST = "client.example.net"
URL = f"https://{HOST}/oauth/client.json"
REDIRECT = "https://client.example.net/callback"


def document(**changed: Any) -> dict[str, Any]:
    """Return a good document with changes; None removes a member."""
    said = {
        "client_id": URL,
        "client_name": "Published App",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


class Publisher:
    """Publishes at `HOST`. `answers` maps a path to what is said there: a document, bytes, or a whole Answer."""

    def __init__(self, internet: Internet, folder: Path) -> None:
        self.internet = internet
        self.folder = folder
        self.answers: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.listener: Listener

    async def open(self) -> None:
        self.listener = await self.internet.serve(self._answer, name=HOST)

    def outbound(self, **changed: Any) -> Any:
        """Return a way out that no budget of a host limits."""
        minutes = itertools.count(step=60_000_000)
        return self.internet.outbound(self.folder, **{"clock": minutes.__next__, **changed})

    def publish(self, url: str = URL, **changed: Any) -> str:
        """Publish a good document with changes and return its URL."""
        self.answers[httpx2.URL(url).path] = document(client_id=changed.pop("client_id", url), **changed)
        return url

    @property
    def asked(self) -> int:
        """How often somebody asked."""
        return len(self.listener.requests)

    def _answer(self, path: str, headers: dict[str, str]) -> Answer:
        found = self.answers.get(path, Answer(status=404))
        if isinstance(found, Answer):
            return found
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        tag = self.headers.get("etag")
        if tag is not None and headers.get("if-none-match") == tag:
            return Answer(status=304, headers={"content-length": "0", **self.headers})
        return Answer(body=body, headers=self.headers)


def app(server: Any, client_id: str = URL, **changed: Any) -> OAuthClient:
    """Return the client of a document, which nobody registered."""
    wanted = {
        "name": "Published App", "client_id": client_id, "redirect_uris": (REDIRECT,), "tenant": None, "resource": R5,
        "auth_method": "none", "secret": None, **changed,
    }  # fmt: skip
    return OAuthClient(server=server, app=replace(server.world.clients["G"], **wanted))
