"""
The server's own answer on its way out: unchanged, except that a web page may read it and a stream ends with its token.

Nothing is buffered here. Only event streams are cut: an ordinary call that began in time may finish, because half a
write is worse than a late answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from resource_lib.transport.asgi import App, Headers, Message, Receive, Scope, Send


class Outgoing:
    """Carries one answer from the server to the wire."""

    __slots__ = ("_cors", "_ended", "_is_cut", "_life_s", "_send", "_started", "_task", "_timer")

    def __init__(
        self, send: Send, *, cors: Headers, life_s: float | None, started: Callable[[int, Headers], None] | None
    ) -> None:
        """Take the wire. `life_s`: seconds an event stream may stay open. `started` hears status and headers."""
        self._send = send
        self._cors = cors
        self._life_s = life_s
        self._started = started
        self._task: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_cut = False
        self._ended = False

    async def run(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Let `app` answer through `send`, which leads to `take`; end its stream when its time is up."""
        if self._life_s is None:
            await app(scope, receive, send)
            return
        # A timer that only a stream starts: a cancel scope around every call would cost more than the policy itself.
        self._task = asyncio.current_task()
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._is_cut:
                raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if not self._is_cut:
            return
        if self._task is not None and self._task.uncancel() > 0:
            raise asyncio.CancelledError  # somebody else has cancelled this request too
        if not self._ended:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _cut(self) -> None:
        assert self._task is not None
        self._is_cut = True
        self._task.cancel()

    def take(self, message: Message) -> Awaitable[None]:
        """Pass on one ASGI message of the answer."""
        kind = message["type"]
        if kind == "http.response.start":
            message = self._begin(message)
        elif kind == "http.response.body" and not message.get("more_body", False):
            self._ended = True
        return self._send(message)

    def _begin(self, message: Message) -> Message:
        headers: Headers = list(message.get("headers", ()))
        if self._started is not None:
            self._started(message["status"], headers)
        if self._life_s is not None and _is_event_stream(headers):
            self._timer = asyncio.get_running_loop().call_later(self._life_s, self._cut)
        if not self._cors or any(name.lower() == b"access-control-allow-origin" for name, _ in headers):
            return message
        return {**message, "headers": [*headers, *self._cors]}


def _is_event_stream(headers: Headers) -> bool:
    for name, value in headers:
        if value[:17].lower() == b"text/event-stream" and name.lower() == b"content-type":
            return True
    return False
