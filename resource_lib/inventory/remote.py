"""
Which tools a server lists that runs somewhere: asked at its URL, with a token from a file, as any client would.

What comes back is bounded and read as strictly as in process. The token goes to that one URL alone: no redirect is followed, and it is
never a word of a command, where every process of the machine could read it.
"""

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from resource_lib.author_tools import NoToolsError
from resource_lib.transport.asgi import Message, Receive, Scope, Send
from resource_lib.transport.own_listing import MOST_BYTES, OwnListing, UnreadableListingError

TIMEOUT_S: Final = 10.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def tools_at(
    url: str, token_file: str | None, *, transport: httpx2.AsyncBaseTransport | None = None
) -> list[dict[str, Any]]:
    """Return the tools that a server lists. Raises NoToolsError."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host or parts.scheme not in ("https", "http") or parts.username is not None or parts.fragment:
            raise ValueError
    except ValueError:
        raise NoToolsError(f"{url}: is no URL of an MCP server") from None
    if parts.scheme != "https" and host not in _LOOPBACK:
        raise NoToolsError(f"{url}: a token would go there in the clear. Cure: https")
    token = _token(token_file) if token_file is not None else ""
    try:
        return asyncio.run(_asked(url, token, transport))
    except UnreadableListingError:
        raise NoToolsError(f"{url}: its tools/list cannot be had, or not with this token") from None


def _token(file: str) -> str:
    try:
        token = Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise NoToolsError(f"--token-file: {file} cannot be read") from None
    if not token or not token.isprintable() or " " in token:
        raise NoToolsError(f"--token-file: {file} holds no token")
    return token


async def _asked(url: str, token: str, transport: httpx2.AsyncBaseTransport | None) -> list[dict[str, Any]]:
    headers = [(b"authorization", b"Bearer " + token.encode("ascii"))] if token else []
    async with httpx2.AsyncClient(
        transport=transport, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
    ) as client:
        there = _There(client, url)
        return await OwnListing(there, {"headers": headers}, version="2025-11-25", is_modern=False, meta={}).tools()


class _There:
    """A server elsewhere, as the ASGI app that it could be."""

    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one request on, and give back its answer."""
        message: Message = await receive()
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
        async with self._client.stream(
            scope["method"], self._url, headers=headers, content=message.get("body", b"")
        ) as answer:
            body = bytearray()
            await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw})
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise UnreadableListingError
        await send({"type": "http.response.body", "body": bytes(body), "more_body": False})
