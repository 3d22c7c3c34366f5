"""An MCP server that lists its tools and answers what a test has laid down, behind a guard with everything on."""

from __future__ import annotations

import json
from typing import Any

from resource_lib import Output, ResourceGuard, read
from resource_lib.testing import TestIssuer
from tests.support.bare import BARE
from tests.support.guarded import MODERN, RESOURCE, Answer, call

PERSON = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^cus_[0-9]{4}$"},
        "name": {"type": "string", "x-pii": "name"},
        "email": {"type": "string", "x-pii": "email"},
        "phone": {"type": ["integer", "null"], "x-pii": "phone"},
        "address": {"type": "string", "x-pii": "address"},
        "api_secret": {"type": "string", "x-secret": True},
        "note": {"type": "string"},
        "status": {"enum": ["active", "closed"]},
    },
    "required": ["id"],
}
CUSTOMERS = {
    "type": "object",
    "properties": {"customers": {"type": "array", "items": {"$ref": "#/$defs/Person"}}},
    "required": ["customers"],
    "$defs": {"Person": PERSON},
}
JANE = {
    "id": "cus_0001",
    "name": "Jane Canary",
    "email": "jane@canary.example",
    "phone": 4155550123,
    "address": "1 Canary Street, Bern, Switzerland",
    "api_secret": "canary-swordfish",
    "note": "met at the fair",
    "status": "active",
}
CANARIES = ("Jane", "Canary Street", "jane@canary", "4155550123", "swordfish", "hidden-row-id")


DEFAULTS = Output()


def listed(name: str, output_schema: Any = None) -> dict[str, Any]:
    """One tool as a server lists it."""
    tool = {"name": name, "description": "A tool.", "inputSchema": {"type": "object", "properties": {}}}
    return tool if output_schema is None else {**tool, "outputSchema": output_schema}


def mirrored(structure: Any, *texts: str) -> dict[str, Any]:
    """A result as SDKs make it: the structure, and its JSON as text."""
    blocks = [json.dumps(structure, indent=2), *texts]
    return {"content": [{"type": "text", "text": text} for text in blocks], "structuredContent": structure}


class Answering:
    """The server. `says` are the messages of its next answer; each without an id gets the request's."""

    def __init__(self, tools: list[dict[str, Any]]) -> None:
        self.tools = tools
        self.says: list[Any] = []
        self.of_itself: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.content_type = b"application/json"
        self.more_headers: list[tuple[bytes, bytes]] = []
        self.status = 200
        self.stream = False
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope, receive, send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        said = json.loads(body) if body else {}
        method = said.get("method") if isinstance(said, dict) else None
        if method == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
            await self._json(send, 200, json.dumps(_reply(said["id"], result)).encode())
        elif method == "tools/list":
            await self._json(
                send, 200, json.dumps(_reply(said["id"], {"tools": self.tools, **self.of_itself})).encode()
            )
        elif method is not None and "id" not in said:
            await self._json(send, 202, b"")
        else:
            if said:
                self.asked.append(said)
            await self._answer(send, said)

    async def _answer(self, send, said) -> None:
        request_id = said.get("id") if isinstance(said, dict) else None
        messages = [self._with_id(one, request_id) for one in self.says]
        if self.raw is not None:
            await self._send(send, self.status, self.raw, self.content_type)
        elif self.stream:
            events = b"".join(b"event: message\ndata: " + json.dumps(one).encode() + b"\n\n" for one in messages)
            await self._send(send, 200, events, b"text/event-stream")
        else:
            await self._json(send, self.status, json.dumps(messages[-1]).encode())

    @staticmethod
    def _with_id(message, request_id):
        if "method" in message or "id" in message:
            return message
        return {"jsonrpc": "2.0", "id": request_id, **message}

    async def _json(self, send, status, body) -> None:
        await self._send(send, status, body, b"application/json")

    async def _send(self, send, status, body, content_type) -> None:
        headers = [(b"content-type", content_type), *self.more_headers] if body else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        half = len(body) // 2
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": body[half:], "more_body": False})


def _reply(request_id, result):
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


class Shown:
    """A guard around it, and a caller with a token."""

    def __init__(self, *tools: dict[str, Any], output: Output | None = DEFAULTS, **settings: Any) -> None:
        self.issuer = TestIssuer(resource=RESOURCE)
        self.tools = list(tools) or [listed("see", CUSTOMERS)]
        self.server = Answering(self.tools)
        policy = {tool["name"]: read("notes:read") for tool in self.tools}
        self.guard = ResourceGuard(
            issuer=self.issuer.issuer,
            resource=RESOURCE,
            keys=self.issuer.keys(),
            **(BARE | {"tools": policy, "output": output} | settings),
        )
        self.app = self.guard.wrap(self.server)

    async def rpc(
        self, method: str, params: Any = None, *scopes: str, headers=(MODERN,), request_id: Any = 1
    ) -> Answer:
        """Send one request."""
        bearer = "Bearer " + self.issuer.token(scopes=scopes or ("notes:read",))
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}
        return await self.send(json.dumps(message).encode(), bearer, headers=headers)

    async def send(self, body: bytes, bearer: str | None = None, *, headers=(MODERN,), method: str = "POST") -> Answer:
        """Send one body."""
        bearer = bearer or "Bearer " + self.issuer.token(scopes=["notes:read"])
        return await call(self.app, method, "/mcp", headers=[("authorization", bearer), *headers], body=body)

    async def see(
        self, *says: Any, scopes=("notes:read",), arguments=None, tool: str = "see", headers=(MODERN,)
    ) -> Answer:
        """Call a tool whose server says this: a result, or whole messages."""
        self.server.says = [one if _is_message(one) else {"result": one} for one in says]
        return await self.rpc("tools/call", {"name": tool, "arguments": arguments or {}}, *scopes, headers=headers)


def _is_message(said: Any) -> bool:
    return isinstance(said, dict) and bool({"method", "result", "error"} & said.keys())


def result_of(answer: Answer) -> Any:
    """The result in a JSON answer, or in the last event of a stream."""
    body = answer.body
    if answer.header("content-type") == "text/event-stream":
        body = [line[6:] for line in body.splitlines() if line.startswith(b"data: ")][-1]
    return json.loads(body)["result"]


def text_of(answer: Answer) -> str:
    """Everything of an answer that anybody can read, escapes undone."""
    found = answer.body.decode() + repr(answer.headers)
    for _ in range(3):
        found += found.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")[: 10**6]
    return found
