"""
One or more guards in one process, each around a tool that writes down when it began; calls are made in process, again and again.

    python -m benchmarks.stop.guard_process      the first line of standard input is the `Setup`, each further one a question

Clocks: `time.monotonic()` is the machine's, so what it says here can be compared with what it says in another process.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from resource_lib import ResourceGuard, read, write
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.identity.jwks_cache import JWKSCache
from tests.support.bare import BARE

WRITE, OTHER_WRITE, READ = "write_a", "write_b", "read_a"
POLICY = {WRITE: write("orders:write"), OTHER_WRITE: write("orders:write"), READ: read("orders:read")}
MODERN = (b"mcp-protocol-version", b"2026-07-28")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What such a process is told first."""

    issuer: str
    resource: str
    client_id: str
    client_secret: str
    max_staleness: float = 5.0
    copies: int = 1
    probes_per_s: float = 20.0


@dataclass(kw_only=True)
class Watched:
    """One subject at one guard. Times are monotonic seconds; None: it did not happen."""

    began_first: float | None = None
    began_last: float | None = None
    """When the tool began last: no later than this was anything written."""
    dead_at: float | None = None
    """When the first refusal was there that is of this subject, and not of a guard that knows nothing fresh."""
    last: str = ""
    """What the newest call came to."""
    began_after_dead: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


class Watch:
    """One guard and what is called there."""

    def __init__(self, setup: Setup, keys: JWKSCache, tls: ssl.SSLContext) -> None:
        self.guard = ResourceGuard(
            **BARE,
            issuer=setup.issuer,
            resource=setup.resource,
            tools=POLICY,
            keys=keys,
            channel=Channel(
                issuer=setup.issuer,
                credential=Credential(client_id=setup.client_id, secret=setup.client_secret),
                tls=tls,
            ),
            max_staleness=setup.max_staleness,
        )
        self.app = self.guard.wrap(self._tool)
        self.pause_s = 1 / setup.probes_per_s
        self.watched: dict[str, Watched] = {}
        self._calls: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._began: float | None = None

    async def live(self, stop: asyncio.Event) -> None:
        """Start as a server does, and end as one."""
        waiting = [{"type": "lifespan.startup"}]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: dict[str, Any]) -> None:
            pass

        await self.app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    def begin(self, subjects: Iterable[dict[str, str]]) -> None:
        """Call for these too: each has `id`, `token` and `tool`."""
        for subject in subjects:
            params = {"name": subject["tool"], "arguments": {}}
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
            headers = [
                (b"authorization", b"Bearer " + subject["token"].encode()),
                (b"content-type", b"application/json"),
                MODERN,
                (b"mcp-method", b"tools/call"),
                (b"mcp-name", subject["tool"].encode()),
            ]
            scope = {
                "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
                "path": "/mcp", "raw_path": b"/mcp", "root_path": "", "query_string": b"", "headers": headers,
                "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            }  # fmt: skip
            self._calls[subject["id"]] = body, scope
            self.watched[subject["id"]] = Watched()

    def forget(self, ids: Iterable[str]) -> None:
        """Call no more for these."""
        for id_ in ids:
            self._calls.pop(id_, None)
            self.watched.pop(id_, None)

    async def call_for_ever(self) -> None:
        """Call for each subject in turn, so often that each is called `probes_per_s`."""
        while True:
            began = time.monotonic()
            for id_ in list(self._calls):
                if id_ in self._calls:
                    await self._call(id_)
                await asyncio.sleep(0)
            await asyncio.sleep(max(0.001, self.pause_s - (time.monotonic() - began)))

    async def _call(self, id_: str) -> None:
        body, scope = self._calls[id_]
        parts = [{"type": "http.request", "body": body, "more_body": False}]
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return parts.pop() if parts else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        self._began = None
        await self.app(dict(scope), receive, send)
        now = time.monotonic()
        seen = self.watched.get(id_)
        if seen is None:
            return
        if self._began is not None:
            seen.last = "began"
            seen.began_first = seen.began_first or self._began
            seen.began_last = self._began
            seen.began_after_dead += seen.dead_at is not None
        else:
            seen.last = _kind(said)
            if seen.began_first is not None and seen.last not in {"control_plane_stale", "keys"}:
                seen.dead_at = seen.dead_at or now
        seen.kinds[seen.last] = seen.kinds.get(seen.last, 0) + 1

    async def _tool(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self._began = time.monotonic()
        answer = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})


def _kind(said: list[dict[str, Any]]) -> str:
    status = said[0]["status"]
    if status == 401:
        return "dead token"
    body = json.loads(b"".join(message.get("body", b"") for message in said[1:]) or b"{}")
    try:
        return str(body["result"]["_meta"]["authserver/error"]["error"])
    except (KeyError, TypeError):
        pass
    try:
        return str(body["error"]["data"]["error"])
    except (KeyError, TypeError):
        return "keys" if status == 503 else f"status {status}"


async def main() -> None:
    """Answer questions until there are no more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    setup = Setup(**json.loads(await reader.readline()))
    # The issuer is on loopback in plain http: reading the public authorities, once for each copy, would be all that is measured.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    keys = JWKSCache(issuer=setup.issuer, tls=tls)
    watches = [Watch(setup, keys, tls) for _ in range(setup.copies)]
    stop = asyncio.Event()
    living = [asyncio.create_task(watch.live(stop)) for watch in watches]
    calling = [asyncio.create_task(watch.call_for_ever()) for watch in watches]
    while line := await reader.readline():
        question = json.loads(line)
        for watch in watches:
            watch.begin(question.get("begin", ()))
        answer = [{id_: asdict(seen) for id_, seen in watch.watched.items()} for watch in watches]
        for watch in watches:
            watch.forget(question.get("forget", ()))
        print(json.dumps(answer), flush=True)
    for task in calling:
        task.cancel()
    stop.set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            await asyncio.gather(*living, *calling, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
