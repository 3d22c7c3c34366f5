"""Somebody who follows the feed over HTTP with the credential of an MCP server, and checks every signature with pyjwt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
import jwt

from resource_lib.wire.control import FEED_TYP, Batch, parse_batch
from tests.support.world import Application


@dataclass(kw_only=True)
class Follower:
    """One server's follower; it remembers its cursor."""

    http: httpx2.AsyncClient
    issuer: str
    app: Application
    instance: str = ""
    cursor: str = ""

    @property
    def auth(self) -> tuple[str, str]:
        return self.app.client_id, self.app.secret or ""

    async def request(self, **query: Any) -> httpx2.Response:
        """Ask without learning."""
        return await self.http.get(f"{self.issuer}/rs/feed", params=query, auth=self.auth)

    async def ask(self, **query: Any) -> Batch:
        """Ask for what follows, and learn it."""
        known = {"after": self.cursor} if self.cursor else {}
        instance = {"instance": self.instance} if self.instance else {}
        answer = await self.request(**known, **instance, **query)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/jwt"
        batch = await self.read(answer.text)
        assert batch.prev == (self.cursor or None) or batch.kills is not None
        self.cursor = batch.cursor
        return batch

    async def acknowledge(self, **changed: Any) -> httpx2.Response:
        """Say how far it has come."""
        said = {"instance": self.instance, "cursor": self.cursor, **changed}
        return await self.http.post(f"{self.issuer}/rs/feed/ack", json=said, auth=self.auth)

    async def read(self, text: str) -> Batch:
        """Return what a signed batch says."""
        header = jwt.get_unverified_header(text)
        assert header["typ"] == FEED_TYP
        keys = jwt.PyJWKSet.from_dict((await self.http.get(f"{self.issuer}/jwks.json")).json())
        payload = jwt.decode(
            text,
            next(key for key in keys.keys if key.key_id == header["kid"]),
            algorithms=["ES256"],
            audience=self.app.resource,
            issuer=self.issuer,
        )
        return parse_batch(payload)


def follower(server: Any, letter: str, **changed: Any) -> Follower:
    """Return the follower of a server of the world."""
    wanted = {"http": server.http, "issuer": server.issuer, "app": server.world.clients[letter]}
    return Follower(**(wanted | changed))


async def noted(server: Any) -> None:
    """Return once it is written down who has asked: whoever asks is answered before that."""
    await server.machines.instances.close()


def told(batch: Batch) -> list[tuple[str, str, str]]:
    """Return what a batch tells, without numbers."""
    return [(event.kind.value, event.act.value, event.tenant) for event in batch.events]
