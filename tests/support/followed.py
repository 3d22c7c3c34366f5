"""A guarded server that follows a small honest issuer's list, on a clock set by hand, in front of an app that can be held."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from resource_lib import destructive, read, write
from tests.support.guarded import MODERN, Headers
from tests.support.overlaid import Overlaid

TOOLS = {
    "see": read("notes:read"),
    "people": read("notes:read", returns=["personal"]),
    "keys": read("notes:read", returns=["secret"]),
    "add": write("notes:write"),
    "wipe": destructive("notes:write", approval=False),
}
SCOPES = ("notes:read", "notes:write", "tool:add", "tool:wipe")
WRITES = ("people", "keys", "add", "wipe")
"""What follows the lease of writes."""


class Holding:
    """An app whose calls wait for `gate`, and which notes what began, what was cancelled and what came to its end."""

    def __init__(self) -> None:
        self.gate: asyncio.Event | None = None
        self.began: list[dict[str, Any]] = []
        self.cancelled = 0
        self.ended = 0
        self.first: bytes | None = None
        """What it sends, as an event, before it waits."""
        self.tools = [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        said = json.loads(body) if body else {}
        if isinstance(said, list):  # a batch
            said = said[0]
        if said.get("method") == "tools/list":
            return await self._whole(send, {"tools": self.tools}, said)
        self.began.append({"scope": scope, "said": said})
        streams = self.first is not None or scope["method"] == "GET"
        try:
            if streams:
                kind = [(b"content-type", b"text/event-stream")]
                await send({"type": "http.response.start", "status": 200, "headers": kind})
                await send({"type": "http.response.body", "body": self.first or b": hello\n\n", "more_body": True})
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1
        if streams:
            return await send({"type": "http.response.body", "body": b"", "more_body": False})
        more = [(b"mcp-session-id", b"s-1")] if said.get("method") == "initialize" else []
        return await self._whole(send, {}, said, more)

    async def _whole(self, send: Any, result: dict[str, Any], said: Any, more: Any = ()) -> None:
        reply = json.dumps({"jsonrpc": "2.0", "id": said.get("id"), "result": result}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply)).encode()), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply})


class Followed(Overlaid):
    """Time stands still for the lease but for `later`; the guard hears when a test lets it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**({"tools": TOOLS} | settings))
        self.server = Holding()
        self.app = self.guard.wrap(self.server)
        self.time = 1_000.0
        self.lease.clock = lambda: self.time

    @property
    def lease(self) -> Any:
        return self.guard.revocations.lease

    @property
    def follower(self) -> Any:
        return self.guard.revocations.follower

    def later(self, seconds: float) -> None:
        self.time += seconds

    async def hear(self) -> None:
        """Let the guard ask once, and hear everything that was announced."""
        await self.follower._asked()

    async def said(self, kind: str, act: str = "end", **subject: Any) -> int:
        """Announce something, and let the guard hear it."""
        n = self.feed.announce(kind, act, **subject)
        await self.hear()
        return n

    async def run(self, tool: str, *, headers: Headers = (MODERN,), **claims: Any) -> Any:
        return await self.tool(tool, *SCOPES, headers=headers, **claims)

    async def began(self, count: int) -> None:
        """Wait until so many calls have reached the server."""
        while len(self.server.began) < count:
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        await self.guard.aclose()
