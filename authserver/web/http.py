"""
A request and an answer, as small as the protocol endpoints need them.

Decision 20: no framework stands between the socket and `/token`. A body is bounded before it is read, and read once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from authserver.domain.issuers.issuer import Issuer
from authserver.runtime.machines import Machines

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

MOST_BODY_BYTES = 64 * 1024
MOST_QUERY_BYTES = 16 * 1024


class BodyTooLargeError(Exception):
    """The body is larger than any request of ours."""


class ClientGoneError(Exception):
    """The connection closed before the request was complete."""


class NothingThereError(Exception):
    """For whoever asks, this address does not exist: they are answered as for any that does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request to one issuer. Header names are in lower case, as ASGI has them."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    repeated_headers: frozenset[bytes]
    body: bytes
    address: str
    issuer: Issuer
    machines: Machines
    request_id: str
    path_id: str = ""
    """The id that stood in the path, where the route has a place for one; it names nothing until a row does."""

    def cookie(self, name: str) -> str | None:
        """Return a cookie, or None; an unreadable header has none."""
        raw = self.headers.get(b"cookie")
        if raw is None or len(raw) > 8192:
            return None
        try:
            morsel = SimpleCookie(raw.decode("latin-1")).get(name)
        except CookieError:
            return None
        return morsel.value if morsel else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """One answer; the security headers of its route are added to it."""

    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[Header, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """An answer without an end of its own: it ends with `chunks`, or when the reader has gone. `closed` is called then, once."""

    chunks: AsyncIterator[bytes]
    content_type: bytes
    closed: Callable[[], None]
    headers: tuple[Header, ...] = field(default=())


Endpoint = Callable[[Request], Awaitable[Response | Stream]]


async def read_body(scope: Scope, receive: Receive, *, most: int = MOST_BODY_BYTES) -> bytes:
    """Return the whole body. Raises BodyTooLargeError, before reading it where its length is declared."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or len(value) > 12 or int(value) > most):
            raise BodyTooLargeError
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def send_response(
    send: Send, response: Response, route_headers: tuple[Header, ...], *, head: bool = False
) -> None:
    """Send the answer with its route's headers."""
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
        *route_headers,
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


async def send_stream(receive: Receive, send: Send, stream: Stream, route_headers: tuple[Header, ...]) -> None:
    """Send each chunk as soon as it is there, and no more of them than the reader takes. Raises what `chunks` raises."""
    headers = [(b"content-type", stream.content_type), *route_headers, *stream.headers]
    writing = asyncio.create_task(_write(send, stream, headers))
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        try:
            for task in (writing, gone):
                task.cancel()
            _, failed = await asyncio.gather(gone, writing, return_exceptions=True)
        finally:
            stream.closed()
    if isinstance(failed, Exception):
        raise failed


async def _write(send: Send, stream: Stream, headers: list[Header]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        async for chunk in stream.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        # Whatever ended it: the connection may be used again.
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def redirect(location: str, *headers: Header) -> Response:
    """Answer 303: the next request is a GET without the form (OAuth 2.1 §7.5.3 forbids 307)."""
    return Response(
        status=303, content_type=b"text/plain", headers=((b"location", location.encode("ascii", "strict")), *headers)
    )
