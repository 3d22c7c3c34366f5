"""Plan: keep a stream open longer than the token that opened it; and the promise that a stream is never held back."""

import asyncio
import time

import httpx2
import pytest

from tests.support.guarded import LEGACY, MODERN, Guarded, free_socket, serving

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


class Slow:
    """An ASGI app that streams one event each time `more` is set, for ever."""

    def __init__(self, content_type=b"text/event-stream"):
        self.content_type = content_type
        self.more = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        streaming = asyncio.create_task(self.stream(send))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            streaming.cancel()
            self.ended.set()

    async def stream(self, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", self.content_type)]})
        number = 0
        while True:
            await self.more.wait()
            self.more.clear()
            number += 1
            await send({"type": "http.response.body", "body": f"data: {number}\n\n".encode(), "more_body": True})


@pytest.mark.requirement("guard:streams:never-buffered")
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", PING), ("POST", LIST)])
async def test_an_event_arrives_before_the_next_is_made(method, body):
    """Decision 17: over a real connection, each event is out before the server makes another."""
    place = free_socket()
    url = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    it, slow = Guarded(resource=url), Slow()

    async with serving(it.guard.wrap(slow), place), httpx2.AsyncClient() as client, asyncio.timeout(60):
        async with client.stream(method, url, headers=[it.bearer()], content=body) as response:
            received = response.aiter_raw()
            seen = []
            for _ in range(3):
                slow.more.set()
                seen.append(await anext(received))
        await slow.ended.wait()

    assert [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"] == seen


@pytest.mark.requirement("guard:streams:end-with-their-token")
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", PING), ("POST", LIST)])
async def test_a_stream_ends_when_its_token_does(method, body):
    """RS-34, MCP "subscriptions/listen": the stream of an expired token is closed properly, and its work is cancelled."""
    place = free_socket()
    url = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    it, slow = Guarded(resource=url), Slow()
    token = it.issuer.token(override={"exp": int(time.time()) + 1})

    async with serving(it.guard.wrap(slow), place), httpx2.AsyncClient() as client, asyncio.timeout(60):
        headers = {"authorization": f"Bearer {token}"}
        async with client.stream(method, url, headers=headers, content=body) as response:
            slow.more.set()
            seen = [chunk async for chunk in response.aiter_raw()]
        await slow.ended.wait()

    assert (200, [b"data: 1\n\n"]) == (response.status_code, seen)


@pytest.mark.parametrize(
    ("option", "kind"), [({"close_streams_at_expiry": False}, b"text/event-stream"), ({}, b"application/json")]
)
async def test_only_streams_are_cut_and_only_when_wanted(option, kind):
    """Half a write is worse than a late answer: an ordinary call that began in time may finish."""
    now = time.time()
    it = Guarded(**option)
    slow = Slow(kind)
    guarded = it.guard.wrap(slow)
    token = it.issuer.token(override={"exp": int(now) + 1})
    sent = asyncio.Queue()

    async def receive():
        if receive.body is not None:
            body, receive.body = receive.body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await asyncio.Event().wait()

    receive.body = PING
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    running = asyncio.create_task(guarded(scope, receive, sent.put))
    async with asyncio.timeout(60):
        assert 200 == (await sent.get())["status"]
        while time.time() < int(now) + 2.5:
            slow.more.set()
            assert (await sent.get())["more_body"]
            await asyncio.sleep(0.1)

    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.requirement("guard:asgi:lifespan-is-forwarded")
async def test_the_servers_own_lifespan_runs():
    """MCP users' guide: the SDK's session manager lives in it."""
    it = Guarded()
    place = free_socket()

    async with serving(it.app, place):
        assert 1 == it.server.lifespans


@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_the_caller_is_known_while_a_stream_runs_and_forgotten_after(era):
    """current_principal() belongs to the call."""
    from resource_lib import NoPrincipalError, current_principal

    it = Guarded()
    known = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        known.append(current_principal().subject)
        await send({"type": "http.response.body", "body": b""})

    it.app = it.guard.wrap(app)
    await it.send(headers=[it.bearer(), era], body=PING)

    assert ["usr_aaaaaaaaaaaaaaaa"] == known
    with pytest.raises(NoPrincipalError):
        current_principal()


def _payload(token):
    import base64

    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
