"""A stream of the server in process, read message by message while it goes on, as no HTTP client in memory can."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from resource_lib.wire.control import Batch
from tests.support.following import Follower


class Stream:
    """One open connection. `status` is there once it was answered; reading takes one message at a time."""

    def __init__(self, server: Any, here: Follower, *, after: str = "", last_event_id: str | None = None) -> None:
        name, secret = here.auth
        credential = b"Basic " + base64.b64encode(f"{name}:{secret}".encode())
        headers = [(b"host", b"x"), (b"authorization", credential), (b"accept", b"text/event-stream")]
        if last_event_id is not None:
            headers.append((b"last-event-id", last_event_id.encode("latin-1")))
        self.scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/rs/feed", "raw_path": b"/rs/feed", "query_string": f"after={after}".encode() if after else b"",
            "root_path": "", "headers": headers, "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 9000),
        }  # fmt: skip
        self._server, self._here = server, here
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self.reading = asyncio.Event()
        """Cleared, it is a reader that does not read."""
        self.reading.set()
        self.status = 0
        self.body = b""

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        self._sent.put_nowait(message)

    async def open(self) -> None:
        """Ask, and wait for the head of the answer."""
        self.task = asyncio.create_task(self._server.app(self.scope, self._receive, self._send))
        head = await asyncio.wait_for(self._sent.get(), 10)
        self.status, self.headers = head["status"], dict(head["headers"])

    async def chunk(self, within_s: float = 10) -> bytes:
        """Return the next bytes; empty: it has ended."""
        return (await asyncio.wait_for(self._sent.get(), within_s)).get("body", b"")

    async def next(self) -> Batch:
        """Return the next message."""
        lines = (await self.chunk()).decode().split("\n")
        assert lines[0].startswith("id: ") and lines[1].startswith("data: ") and lines[2:] == ["", ""], lines
        batch = await self._here.read(lines[1].removeprefix("data: "))
        assert batch.cursor == lines[0].removeprefix("id: ")
        return batch

    async def news(self) -> Batch:
        """Return the next message that tells anything."""
        while not (batch := await self.next()).events and batch.kills is None:
            pass
        return batch

    async def ended(self, within_s: float = 10) -> bool:
        """Whether it ends by itself in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while await self.chunk(within_s):
                    pass
                await self.task
                return True
        return False

    async def leave(self) -> None:
        """Close the connection."""
        self._gone.set()
        self.reading.set()
        await self.task


@contextlib.asynccontextmanager
async def stream(server: Any, here: Follower, **said: Any) -> AsyncIterator[Stream]:
    """Open one, and leave it at the end."""
    opened = Stream(server, here, **said)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.leave()


@contextlib.asynccontextmanager
async def looking(server: Any) -> AsyncIterator[None]:
    """Let a server in process follow its database as it does with its jobs."""
    from authserver.jobs import follow_directory

    task = asyncio.create_task(follow_directory(server.machines))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
