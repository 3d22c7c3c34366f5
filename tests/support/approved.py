"""A guard whose calls wait for a yes, around a small server that counts what it runs, and a caller who can hang up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from resource_lib import ResourceGuard, destructive, read, write
from resource_lib.wire.approvals import ApprovalRule
from tests.support.approving_issuer import ApprovingIssuer
from tests.support.bare import BARE
from tests.support.guarded import LEGACY, MODERN, RESOURCE, Answer, routing_headers

URL_CLIENT = {"elicitation": {"url": {}}}
POLICY = {
    "refund": destructive("orders:write", approval=ApprovalRule(sentence="Refund {amount} cents of {order}")),
    "pay_out": destructive("orders:write", approval=ApprovalRule(by="role", four_eyes=True)),
    "note": write("orders:write"),
    "look": read("orders:read"),
}
SCOPES = ("orders:read", "orders:write", "tool:refund", "tool:pay_out", "tool:note")


class Shop:
    """An MCP server, as bare as one can be: single answers, or streams, of both eras."""

    def __init__(self, name: str = "refund") -> None:
        self.name = name
        self.ran: list[dict[str, Any]] = []
        self.bodies: list[dict[str, Any]] = []
        self.listed = 0
        self.description = "Give money back."
        self.gate: asyncio.Event | None = None
        """While it is there, a refund waits for it."""
        self.started = asyncio.Event()
        self.lingers: asyncio.Event | None = None
        """While it is there, a refund that has been answered in full comes back only after it."""
        self.streams = False
        self.crashes = False
        self.listing: Any = None
        """What `tools/list` answers instead of the truth."""
        self.result: dict[str, Any] | None = None
        self.asks_more = 0

    @property
    def tools(self) -> list[dict[str, Any]]:
        schema = {"type": "object"}
        return [
            {"name": self.name, "title": "Refund", "description": self.description, "inputSchema": schema},
            {"name": "look", "inputSchema": schema},
            {"name": "secret_tool", "inputSchema": schema},
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            return await send({"type": "lifespan.shutdown.complete"})
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body", False):
                break
        if scope["method"] in ("DELETE", "GET"):
            return await self._reply(send, 200, b"")
        said = json.loads(raw)
        self.bodies.append(said)
        headers = dict(scope["headers"])
        if b"content-length" in headers:
            assert int(headers[b"content-length"]) == len(raw)
        if said["method"] == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "shop"}}
            more = [(b"mcp-session-id", f"s{len(self.bodies)}".encode())]
            return await self._reply(send, 200, _json(said, result), more)
        if said["method"].startswith("notifications/"):
            return await self._reply(send, 202, b"")
        if said["method"] == "tools/list":
            self.listed += 1
            result = {"tools": self.tools} if self.listing is None else self.listing
            return await self._reply(send, 200, _json(said, result))
        return await self._call(said, send)

    async def _call(self, said: dict[str, Any], send: Any) -> None:
        self.ran.append(said["params"])
        self.started.set()
        if self.streams:
            kind = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
            await _event(send, progress)
        if self.gate is not None:
            await self.gate.wait()
        if self.crashes:
            raise RuntimeError("the till is stuck")
        result = self.result or {"content": [{"type": "text", "text": f"ran {len(self.ran)}"}]}
        if self.asks_more > said["params"].get("requestState", "").count("x"):
            state = said["params"].get("requestState", "") + "x"
            result = {"resultType": "input_required", "requestState": state, "inputRequests": {"sure": {}}}
        if self.streams:
            await _event(send, {"jsonrpc": "2.0", "id": said["id"], "result": result})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._reply(send, 200, _json(said, result))
        if self.lingers is not None:
            await self.lingers.wait()

    async def _reply(self, send: Any, status: int, body: bytes, more: Any = ()) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *more]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _json(said: dict[str, Any], result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": result}).encode()


async def _event(send: Any, message: Any) -> None:
    data = b"event: message\r\ndata: " + json.dumps(message).encode() + b"\r\n\r\n"
    await send({"type": "http.response.body", "body": data[:20], "more_body": True})
    await send({"type": "http.response.body", "body": data[20:], "more_body": True})


class Caller:
    """One request on its way: what has arrived, and a hand that can hang up."""

    def __init__(self, app: Any, message: Any, headers: list[tuple[str, str]], method: str = "POST") -> None:
        self.found: list[Any] = []
        self._hung_up = asyncio.Event()
        self._body = json.dumps(message).encode() if not isinstance(message, bytes) else message
        self._given = False
        scope = {
            "type": "http",
            "method": method,
            "scheme": "https",
            "path": "/mcp",
            "root_path": "",
            "query_string": b"",
            "headers": [
                (name.encode(), value.encode())
                for name, value in [*headers, ("content-length", str(len(self._body))), ("accept-encoding", "gzip")]
            ],
            "client": ("203.0.113.9", 50000),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Any:
        if not self._given:
            self._given = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self._hung_up.is_set():
            raise OSError("gone")
        self.found.append(message)

    def hang_up(self) -> None:
        self._hung_up.set()

    @property
    def so_far(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.found)

    async def answer(self) -> Answer:
        async with asyncio.timeout(120):
            await self.task
        start = next(message for message in self.found if message["type"] == "http.response.start")
        assert not self.found[-1].get("more_body", False)
        return Answer(start["status"], list(start["headers"]), self.so_far)


class Approved:
    """A guard, its issuer, the server behind it, and people who call."""

    def __init__(self, issuer: ApprovingIssuer | None = None, shop: Shop | None = None, **settings: Any) -> None:
        self.issuer = issuer or ApprovingIssuer(resource=RESOURCE)
        self.shop = shop or Shop()
        self.guard = ResourceGuard(
            issuer=self.issuer.issuer,
            resource=RESOURCE,
            keys=self.issuer.keys(),
            channel=self.issuer.channel(),
            **(BARE | {"tools": POLICY} | settings),
        )
        self.app = self.guard.wrap(self.shop)
        self.token = self.issuer.token(scopes=SCOPES)

    def begin(
        self,
        tool: str = "refund",
        arguments: Any = None,
        *,
        token: str | None = None,
        request_id: Any = 1,
        capabilities: Any = None,
        headers: Any = (MODERN,),
        **params: Any,
    ) -> Caller:
        """Send a call; it may still be under way."""
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities or {}
        said = {"name": tool, "arguments": {"order": "o1", "amount": 100} if arguments is None else arguments}
        message = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": said | params}
        if MODERN in headers:
            message["params"]["_meta"] = meta
        return self.raw(message, *headers, token=token)

    def raw(self, message: Any, *headers: tuple[str, str], token: str | None = None, method: str = "POST") -> Caller:
        """Send any message."""
        said = [("authorization", f"Bearer {token or self.token}"), *headers]
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return Caller(self.app, message, [*said, *routing_headers(said, body)], method)

    async def call(self, tool: str = "refund", arguments: Any = None, **more: Any) -> Answer:
        """Send a call and return its whole answer."""
        return await self.begin(tool, arguments, **more).answer()

    async def approved(self, **more: Any) -> Answer:
        """Ask, have it approved, and call again."""
        await self.call(**more)
        self.issuer.approve(self.issuer.rows[-1])
        return await self.call(**more)

    async def landed(self) -> None:
        """Wait until the issuer has heard what there is to tell."""
        flow = self.guard._held.flow
        while flow._background:
            await asyncio.wait(set(flow._background))

    async def session(self, capabilities: Any) -> list[tuple[str, str]]:
        """Open a session of 2025-11-25; returns the headers of its calls."""
        params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "x"}}
        opened = await self.raw({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).answer()
        return [LEGACY, ("mcp-session-id", opened.header("mcp-session-id"))]

    async def landed_but_paused(self) -> None:
        """Wait until the answers that have left are known to the issuer; a pause lasts longer."""
        landing = self.guard._held.flow._landing
        while landing:
            await asyncio.wait(set(landing.values()))
