"""
What the wrapped server says of its tools, asked in process and in the caller's name: what a person is shown, and what is hashed.

A single `tools/list` for 2026-07-28; a short session of its own (initialize, list, delete) for the servers of before. It is the
server's own list, unfiltered, and read as strictly as it is bounded: a list that cannot be read is none.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from resource_lib.event_stream import messages_of
from resource_lib.transport.asgi import App, Headers, Message, Scope
from resource_lib.transport.body import strictly
from resource_lib.transport.request import only_body

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_PAGES: Final = 50
TIMEOUT_S: Final = 10.0

_META: Final = "io.modelcontextprotocol/"
_OF_ONE_REQUEST: Final = frozenset(
    {b"content-length", b"content-type", b"content-encoding", b"accept", b"accept-encoding", b"mcp-method", b"mcp-name"}
    | {b"last-event-id", b"transfer-encoding"}
)
_SESSION: Final = b"mcp-session-id"
_NOTHING_MORE: Final[Mapping[bytes, bytes]] = {}


class UnreadableListingError(Exception):
    """The server's own list of tools could not be read."""


class OwnListing:
    """Asks one app, as one caller: `scope` is the caller's request as the app would see it, `meta` its `params._meta`."""

    def __init__(
        self,
        app: App,
        scope: Scope,
        *,
        version: str,
        is_modern: bool,
        meta: Any,
        heard: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        """`heard` is told of each result."""
        self._app = app
        self._heard = heard
        self._scope = scope
        self._version = version
        self._is_modern = is_modern
        self._meta = meta if isinstance(meta, dict) else {}

    async def tools(self) -> list[dict[str, Any]]:
        """Return the tools as the server lists them. Raises UnreadableListingError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                if self._is_modern:
                    return await self._pages({}, self._modern_params())
                return await self._in_a_session()
        except UnreadableListingError:
            raise
        except Exception as error:  # the app's own: whatever it is, there is no list
            raise UnreadableListingError from error

    def _modern_params(self) -> dict[str, Any]:
        said = {name: value for name, value in self._meta.items() if name.startswith(_META)}
        said.setdefault(f"{_META}protocolVersion", self._version)
        said.setdefault(f"{_META}clientCapabilities", {})
        return {"_meta": said}

    async def _in_a_session(self) -> list[dict[str, Any]]:
        hello = {
            "protocolVersion": self._version,
            "capabilities": {},
            "clientInfo": {"name": "resource-guard", "version": "1"},
        }
        opened, session = await self._asked("initialize", hello, {})
        more = {b"mcp-session-id": session} if session else {}
        agreed = opened.get("protocolVersion")
        if isinstance(agreed, str) and agreed.isascii():
            more[b"mcp-protocol-version"] = agreed.encode("ascii")
        try:
            await self._send("POST", {"jsonrpc": "2.0", "method": "notifications/initialized"}, more)
            return await self._pages(more, {})
        finally:
            if session:
                await self._send("DELETE", None, more)

    async def _pages(self, more: Mapping[bytes, bytes], params: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            result, _session = await self._asked("tools/list", params, more)
            tools = result.get("tools")
            if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
                raise UnreadableListingError
            found += tools
            cursor = result.get("nextCursor")
            if cursor is None:
                return found
            if not isinstance(cursor, str) or cursor == params.get("cursor"):
                raise UnreadableListingError
            params = {**params, "cursor": cursor}
        raise UnreadableListingError

    async def _asked(
        self, method: str, params: dict[str, Any], more: Mapping[bytes, bytes]
    ) -> tuple[dict[str, Any], bytes | None]:
        message = {"jsonrpc": "2.0", "id": "resource-guard", "method": method, "params": params}
        status, headers, body = await self._send("POST", message, more, method=method)
        if status != 200:
            raise UnreadableListingError
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        for raw in messages_of(body) if kind == b"text/event-stream" else [body]:
            said = strictly(raw)
            if isinstance(said, dict) and said.get("id") == "resource-guard" and isinstance(said.get("result"), dict):
                self._heard(said["result"])
                return said["result"], headers.get(b"mcp-session-id")
        raise UnreadableListingError

    async def _send(
        self, verb: str, message: Any, more: Mapping[bytes, bytes], *, method: str | None = None
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        scope = {**self._scope, "headers": [each for each in self._scope["headers"] if each[0].lower() != _SESSION]}
        return await send_one(self._app, scope, verb, message, more=more, method=method if self._is_modern else None)


async def send_one(
    app: App,
    scope: Scope,
    verb: str,
    message: Any,
    *,
    more: Mapping[bytes, bytes] = _NOTHING_MORE,
    method: str | None = None,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """
    Let `app` answer one message in process, in the name of whoever sent the request that `scope` is; `more` are headers of ours.

    `method` names it in a header, as 2026-07-28 wants. Returns status, headers and body. Raises UnreadableListingError for a body that
    is too large, and whatever the app raises.
    """
    body = b"" if message is None else json.dumps(message, separators=(",", ":")).encode("ascii")
    headers: Headers = [
        header
        for header in scope["headers"]
        if header[0].lower() not in _OF_ONE_REQUEST
        and header[0].lower() not in more
        and not header[0].lower().startswith(b"mcp-param-")
    ]
    headers += [*more.items(), (b"accept", b"application/json, text/event-stream")]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))]
    if method is not None:
        headers.append((b"mcp-method", method.encode("ascii")))
    return await _exchange(app, {**scope, "method": verb, "headers": headers}, body)


async def _exchange(app: App, scope: Scope, body: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Let `app` answer one request in process."""
    receive, ended = only_body(body)
    status = 0
    headers: dict[bytes, bytes] = {}
    found = bytearray()

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update({name.lower(): value for name, value in message.get("headers", ())})
        elif message["type"] == "http.response.body":
            found.extend(message.get("body", b""))
            if len(found) > MOST_BYTES:
                raise UnreadableListingError
            if not message.get("more_body", False):
                ended.set()

    await app(scope, receive, send)
    return status, headers, bytes(found)
