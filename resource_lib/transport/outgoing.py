"""
The server's own answer on its way out: unchanged, except that a web page may read it and a stream ends with its token.

Nothing is buffered here. Only event streams are cut: an ordinary call that began in time may finish, because half a
write is worse than a late answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from resource_lib.decision import Deny
from resource_lib.identity.principal import Principal
from resource_lib.revocation.running import Run, Running
from resource_lib.transport.answers import Answer
from resource_lib.transport.asgi import Headers, Message, Send

EXPIRED: Final = Deny(error="invalid_token", message="Authentication required.", reason="expired")
"""Why a stream ends with its token."""


class Outgoing(Run):
    """Carries one answer from the server to the wire, and can be stopped from outside."""

    __slots__ = ("_cors", "_ended", "_has_begun", "_life_s", "_send", "_started", "_timer")

    def __init__(
        self,
        send: Send,
        principal: Principal,
        tools: tuple[str, ...],
        *,
        cors: Headers,
        life_s: float | None,
        started: Callable[[int, Headers], None] | None,
    ) -> None:
        """Take the wire. `life_s`: seconds an event stream may stay open. `started` hears status and headers."""
        super().__init__(principal, tools)
        self._send = send
        self._cors = cors
        self._life_s = life_s
        self._started = started
        self._timer: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._ended = False

    async def run(
        self,
        work: Awaitable[object],
        running: Running,
        stopped: Callable[[Deny], Answer],
        take_back: Callable[[], None] | None,
    ) -> None:
        """Let the server answer by `work`, whose messages lead to `take`; end it when its time is up or when it is stopped.

        Stopped before anything was sent, its caller gets the answer that `stopped` gives. `take_back` ends what the server does beside
        the request, also later, when whoever asked has hung up before the answer.
        """
        # A timer that only a stream starts: a cancel scope around every call would cost more than the policy itself.
        try:
            why = await self.go(work, running)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if take_back is not None and self.why is None and not self._ended:
                running.leave(self, take_back)
        if why is None:
            return
        if take_back is not None:
            take_back()
        if self._ended:
            return
        self._ended = True
        if not self._has_begun:
            answer = stopped(why)
            await self._send(answer.start(self._cors))
            await self._send({"type": "http.response.body", "body": answer.body, "more_body": False})
        else:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _cut(self) -> None:
        self.stop(EXPIRED)

    def take(self, message: Message) -> Awaitable[None]:
        """Pass on one ASGI message of the answer."""
        kind = message["type"]
        if kind == "http.response.start":
            self._has_begun = True
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
