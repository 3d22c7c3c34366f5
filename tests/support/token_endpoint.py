"""An issuer's token endpoint in memory that answers what a test tells it to, and notes what it was asked."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.exchange.token_endpoint import ACCESS_TOKEN, TokenEndpoint

ISSUER = "https://issuer.test"


class FakeEndpoint:
    """Metadata at its well-known place, and `/token`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.now = 1000.0
        self.status = 200
        self.changed: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.extra: list[tuple[bytes, bytes]] = []
        self.metadata: dict[str, Any] = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}
        self.gate: asyncio.Event | None = None

    def endpoint(self, **changed: Any) -> TokenEndpoint:
        wanted = {
            "issuer": ISSUER,
            "credential": Credential(client_id="cli_x", secret="cs_canary"),
            "transport": httpx2.ASGITransport(app=self),
            "clock": lambda: self.now,
            **changed,
        }
        return TokenEndpoint(Channel(**wanted))

    async def __call__(self, scope, receive, send) -> None:
        self.paths.append(scope["path"])
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answer = 200, self.metadata
        if scope["path"] == "/token":
            self.asked.append(dict(parse_qsl(body.decode())))
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
            if self.gate is not None:
                await self.gate.wait()
            status = self.status
            answer = {
                "access_token": f"token-{len(self.asked)}",
                "token_type": "Bearer",
                "expires_in": 600,
                "scope": "orders:read",
                "issued_token_type": ACCESS_TOKEN,
            } | self.changed
        content = self.raw if self.raw is not None and scope["path"] == "/token" else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), *(self.extra if scope["path"] == "/token" else [])]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
