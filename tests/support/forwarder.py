"""A loopback forwarder that adds one header to each request and changes nothing else, streaming both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2


class Forwarder:
    """An ASGI app in front of `target` (scheme, host and port). `authorization` makes the header's value."""

    def __init__(self, target: str, authorization: Callable[[], str]) -> None:
        self._target = target
        self._authorization = authorization
        self._client = httpx2.AsyncClient(timeout=None, trust_env=False)

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._client.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        forwarding = asyncio.create_task(self._forward(scope, body, send))
        leaving = asyncio.create_task(gone(receive))
        done, _ = await asyncio.wait([forwarding, leaving], return_when=asyncio.FIRST_COMPLETED)
        for task in (forwarding, leaving):
            task.cancel()
        await asyncio.gather(forwarding, leaving, return_exceptions=True)
        if forwarding in done:
            forwarding.result()

    async def _forward(self, scope, body, send) -> None:
        # A Request of its own carries no header that the caller did not send.
        # Space around a value is not part of it (RFC 9110 §5.5), and this client refuses to send it.
        headers = [(name, value.strip()) for name, value in scope["headers"] if name != b"transfer-encoding"]
        headers.append((b"authorization", self._authorization().encode()))
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        url = self._target + scope["path"] + query.decode()
        request = httpx2.Request(scope["method"], url, headers=headers, content=body)
        response = await self._client.send(request, stream=True)
        try:
            kept = [
                (name.lower(), value)
                for name, value in response.headers.raw
                if name.lower() not in (b"transfer-encoding", b"connection", b"date", b"server")
            ]
            await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()


async def gone(receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
