"""
The last message of one answer is held back until what came of the call is told; everything before it passes at once.

Progress and requests of the server leave unbuffered. The reply to this very request, the whole JSON body or one event of a stream,
waits for `settle`, which may replace it. Where the server ends without a reply, nobody knows what came of it, unless it says that it
failed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from resource_lib.event_stream import Events, data_of, with_data
from resource_lib.transport.answers import Answer, RequestId
from resource_lib.transport.asgi import Message, Receive, Send, send_whole, without_length

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of one answer that is read; a longer one leaves unread."""

Settled = Callable[[Mapping[str, Any] | None, bool], Awaitable[Mapping[str, Any] | None]]
"""Hears the result (None: nobody knows) and whether it is an error; returns another result to send, or None."""

_FAILED: Final[Mapping[str, Any]] = {
    "content": [{"type": "text", "text": "The server failed while it ran this call."}],
    "isError": True,
}


class Wire:
    """The caller's end of a connection, which may go away while the call runs on. `life_s`: seconds a stream may stay open."""

    __slots__ = ("_ending", "_is_cut", "_life_s", "_receive", "_send", "_timer", "has_begun", "is_complete", "is_gone")

    def __init__(self, receive: Receive, send: Send, *, life_s: float | None = None) -> None:
        self._receive = receive
        self._send = send
        self._life_s = life_s
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._is_cut = False
        self.is_gone = False
        self.has_begun = False
        """Whether anything of an answer was sent."""
        self.is_complete = False
        """Whether the last byte of an answer was sent while the caller was there."""

    async def watch(self) -> None:
        """Notice when the caller hangs up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True

    async def send(self, message: Message) -> None:
        """Pass on one message; a caller who has gone, or whose token has ended, stops nothing."""
        if self._is_cut:
            return
        if self._life_s is not None and message["type"] == "http.response.start" and _is_stream(message):
            self._timer = asyncio.get_running_loop().call_later(self._life_s, self._cut)
        self.has_begun = True
        await self._pass(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_complete = not self.is_gone
            self.close()

    async def stop(self, answer: Answer) -> None:
        """End it in the middle: by `answer` if nothing was sent yet."""
        if self.has_begun:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self.send(answer.start([]))
            await self.send({"type": "http.response.body", "body": answer.body, "more_body": False})
        self.is_complete, self._is_cut = False, True

    def close(self) -> None:
        """Watch the stream's time no longer."""
        if self._timer is not None:
            self._timer.cancel()

    async def _pass(self, message: Message) -> None:
        try:
            await self._send(message)
        except Exception:  # noqa: BLE001 - each server has a word of its own for a closed connection
            self.is_gone = True

    def _cut(self) -> None:
        """End the stream for the caller, as if they had hung up: the call itself was approved, and runs on."""
        self._is_cut = self.is_gone = True
        self._ending = asyncio.create_task(self._pass({"type": "http.response.body", "body": b"", "more_body": False}))


class FinalAnswer:
    """Stands between the server and the wire."""

    __slots__ = ("_events", "_held", "_id", "_is_settled", "_kind", "_send", "_settle", "_start")

    def __init__(self, send: Send, *, request_id: RequestId, settle: Settled) -> None:
        self._send = send
        self._id = request_id
        self._settle = settle
        self._kind = "json"
        self._start: Message = {"type": "http.response.start", "status": 500, "headers": []}
        self._held = bytearray()
        self._events = Events()
        self._is_settled = False

    async def send(self, message: Message) -> None:
        """Take one ASGI message from the server."""
        if message["type"] == "http.response.start":
            await self._began(message)
        elif message["type"] != "http.response.body" or self._kind == "passing":
            await self._send(message)
        elif self._kind == "stream":
            await self._stream(message)
        else:
            await self._whole(message)

    async def end(self) -> None:
        """Take note that the server has returned."""
        if not self._is_settled:
            await self._know(None, is_error=True)

    async def _began(self, message: Message) -> None:
        headers = {name.lower(): value for name, value in message.get("headers", ())}
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        self._start = message
        if message["status"] == 200 and kind == b"text/event-stream" and b"content-encoding" not in headers:
            self._kind = "stream"
            await self._send({**message, "headers": without_length(message)})

    async def _whole(self, message: Message) -> None:
        self._held += message.get("body", b"")
        if len(self._held) > MOST_BYTES:
            self._kind = "passing"
            await self._know({"too_large": True}, is_error=False)
            await self._send(self._start)
            await self._send({**message, "body": bytes(self._held)})
        elif not message.get("more_body", False):
            raw = bytes(self._held)
            body = await self._replied(raw)
            if not self._is_settled:
                failed = self._start["status"] >= 400
                await self._know(_FAILED if failed else None, is_error=True)
            await send_whole(self._send, self._start, body, is_changed=body is not raw)

    async def _stream(self, message: Message) -> None:
        more = message.get("more_body", False)
        whole = self._events.feed(message.get("body", b""))
        if not more or len(self._events) > MOST_BYTES:
            whole.append(self._events.rest())
        for event in whole:
            passed = await self._event(event)
            if passed:
                await self._send({"type": "http.response.body", "body": passed, "more_body": True})
        if not more:
            if not self._is_settled:
                await self._know(None, is_error=True)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _event(self, event: bytes) -> bytes:
        data = data_of(event)
        if not data or self._is_settled:
            return event
        body = await self._replied(data)
        return event if body is data else with_data(event, body)

    async def _replied(self, raw: bytes) -> bytes:
        """Settle if `raw` is the reply to this request; return what is sent in its place."""
        try:
            said = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError):
            return raw
        if not isinstance(said, dict) or type(said.get("id")) is not type(self._id) or said["id"] != self._id:
            return raw
        if isinstance(said.get("result"), dict):
            result = said["result"]
            other = await self._know(result, is_error=result.get("isError") is True)
            if other is not None:
                return json.dumps({**said, "result": other}, separators=(",", ":")).encode("ascii")
        elif isinstance(said.get("error"), dict):
            await self._know({"error": said["error"]}, is_error=True)
        return raw

    async def _know(self, result: Mapping[str, Any] | None, *, is_error: bool) -> Mapping[str, Any] | None:
        self._is_settled = True
        return await self._settle(result, is_error)


def _is_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value[:17].lower() == b"text/event-stream"
        for name, value in message.get("headers", ())
    )
