"""A guarded server for the tests of the library: any ASGI app behind a guard, called directly or over a real port."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from resource_lib import ResourceGuard, destructive, read, write
from resource_lib.testing import TestIssuer
from tests.support.bare import BARE

RESOURCE = "https://mcp.example.com/mcp"
TOOLS = {
    "see": read("notes:read"),
    "peek": read("people:read"),
    "add": write("notes:write"),
    "wipe": destructive("notes:write", approval=False),
    "audit": read("notes:read", roles=["auditor"]),
    "pay": read("notes:read", acr=["urn:test:hardware"], max_age=60),
}
READER = ("notes:read", "people:read")
MODERN = ("mcp-protocol-version", "2026-07-28")
LEGACY = ("mcp-protocol-version", "2025-11-25")

Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """One whole response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    chunks: list[bytes] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        found = [value.decode("latin-1") for key, value in self.headers if key == name.encode()]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The one object that describes a refusal, wherever it travels."""
        reply = self.json
        if "error" in reply:
            return reply["error"]["data"]
        return reply["result"]["_meta"]["authserver/error"]


class Recorder:
    """An ASGI app that notes what reaches it and gives one answer, `answer`, to everything."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
        self.chunks: list[bytes] = [b'{"jsonrpc":"2.0","id":1,"result":{}}']
        self.lifespans = 0

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            self.lifespans += 1
            assert (await receive())["type"] == "lifespan.startup"
            await send({"type": "lifespan.startup.complete"})
            assert (await receive())["type"] == "lifespan.shutdown"
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        self.seen.append({"scope": scope, "body": body})
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        for number, chunk in enumerate(self.chunks):
            more = number + 1 < len(self.chunks)
            await send({"type": "http.response.body", "body": chunk, "more_body": more})


class Guarded:
    """A guard around a recorder, an issuer for its tokens, and a way to call it without a network."""

    def __init__(self, **settings: Any) -> None:
        resource = settings.pop("resource", RESOURCE)
        self.now = settings.pop("now", None)
        self.issuer = TestIssuer(resource=resource)
        self.server = Recorder()
        self.guard = ResourceGuard(
            issuer=self.issuer.issuer,
            resource=resource,
            keys=self.issuer.keys(),
            **(BARE | {"tools": TOOLS} | settings),
        )
        self.app = self.guard.wrap(self.server)

    def bearer(self, *scopes: str, **claims: Any) -> tuple[str, str]:
        return "authorization", "Bearer " + self.issuer.token(scopes=scopes, **claims)

    async def send(
        self,
        method: str = "POST",
        path: str = "/mcp",
        *,
        headers: Headers | None = None,
        body: bytes | list[bytes] = b"",
        query: bytes = b"",
        scheme: str = "https",
        routed: bool = True,
    ) -> Answer:
        return await call(self.app, method, path, headers=headers, body=body, query=query, scheme=scheme, routed=routed)

    async def rpc(
        self, method: str, params: Any = None, *, auth: tuple[str, str], headers: Headers = (), request_id: Any = 1
    ):
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}
        return await self.send(headers=[auth, *headers], body=json.dumps(message).encode())

    async def tool(self, name: str, *scopes: str, headers: Headers = (), request_id: Any = 1, **claims: Any) -> Answer:
        """Call a tool with a token of these scopes."""
        auth = self.bearer(*scopes, **claims)
        return await self.rpc(
            "tools/call", {"name": name, "arguments": {}}, auth=auth, headers=headers, request_id=request_id
        )

    @property
    def reached(self) -> int:
        """How many requests the server behind the guard has seen."""
        return len(self.server.seen)


def routing_headers(headers: Headers, body: bytes | list[bytes]) -> Headers:
    """What a client of 2026-07-28 says of a request in its headers besides."""
    if MODERN not in headers or any(name.lower() == "mcp-method" for name, _ in headers):
        return []
    try:
        said = json.loads(body if isinstance(body, bytes) else b"".join(body))
        params, method = said.get("params"), said["method"]
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return []
    if not isinstance(method, str):
        return []
    found = [("mcp-method", method.encode("ascii", "replace").decode("ascii"))]
    name = params.get("name", params.get("uri")) if isinstance(params, dict) else None
    if isinstance(name, str):
        encoded = base64.b64encode(name.encode("utf-8", "surrogatepass")).decode("ascii")
        found.append(("mcp-name", f"=?base64?{encoded}?="))
    return found


async def call(app, method, path, *, headers=None, body=b"", query=b"", scheme="https", routed=True) -> Answer:
    """Send one request to an ASGI app and return its whole answer. `routed`: as a client would, with the headers of 2026-07-28."""
    if routed:
        headers = [*(headers or []), *routing_headers(headers or [], body)]
    parts = body if isinstance(body, list) else [body]
    incoming = [
        {"type": "http.request", "body": part, "more_body": number + 1 < len(parts)}
        for number, part in enumerate(parts)
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers or []],
        "client": ("203.0.113.9", 50000),
        "server": ("mcp.example.com", 443),
    }
    found: list[dict[str, Any]] = []

    async def receive():
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message):
        found.append(message)

    await app(scope, receive, send)
    starts = [message for message in found if message["type"] == "http.response.start"]
    assert len(starts) == 1, found
    chunks = [message.get("body", b"") for message in found if message["type"] == "http.response.body"]
    return Answer(starts[0]["status"], list(starts[0]["headers"]), b"".join(chunks), chunks)


def free_socket() -> socket.socket:
    """Return a listening place on loopback that nobody else can take."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    return found


@asynccontextmanager
async def serving(app: Any, place: socket.socket) -> AsyncIterator[str]:
    """Serve an ASGI app by uvicorn on a bound socket; yields `http://127.0.0.1:port`."""
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2, ws="none", interface="asgi3")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[place]))
    try:
        while not server.started:
            assert not running.done(), "the server did not start"
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        place.close()
