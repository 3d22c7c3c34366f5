"""
The shapes of ASGI 3.0, so that no framework is needed to name them.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


def without_length(message: Message) -> Headers:
    """Return the headers of a response whose length is not the one that its server said."""
    return [(name, value) for name, value in message.get("headers", ()) if name.lower() != b"content-length"]


async def send_whole(send: Send, start: Message, body: bytes, *, is_changed: bool) -> None:
    """Send a response whose body waited until it was whole, with the length that it has now."""
    if is_changed:
        length = (b"content-length", str(len(body)).encode("ascii"))
        start = {**start, "headers": [*without_length(start), length]}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
