"""
Processes of their own: guards whose limits are counted in shared stores. For tests that ask several of them at once.

    python -m tests.support.limited_process PORT,PORT… ISSUER RESOURCE NAME=STORE_URL…

Each serves one guard for each store, below a path of its name.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from resource_lib import Limits, ResourceGuard, SqlStore, ValkeyStore, read
from resource_lib.limits.store import LimitStore
from tests.support.bare import BARE
from tests.support.guarded import Recorder
from tests.support.limit_stores import engine_at
from tests.support.processes import accepts, free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"limited": "100/hour", "other": "1000/hour"}


class LimitedProcess:
    """One such process."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def call(
        self,
        http: httpx2.AsyncClient,
        store: str,
        token: str,
        *,
        tool: str = "limited",
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Call a tool; returns the error of the reply, or None."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        told = {"authorization": f"Bearer {token}", "mcp-protocol-version": "2026-07-28", **(headers or {})}
        answer = (await http.post(f"http://127.0.0.1:{self.port}/{store}/mcp", json=message, headers=told)).json()
        if "error" in answer:
            return answer["error"]["data"]["error"]
        return answer["result"].get("_meta", {}).get("authserver/error", {}).get("error")

    async def knock(self, store: str, token: str) -> str | None:
        """Call the limited tool on a connection of its own; returns how it ended. For a thousand at once: a bare socket."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "limited", "arguments": {}}}
        body = json.dumps(message)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            f"POST /{store}/mcp HTTP/1.1\r\nhost: mcp.example.com\r\nauthorization: Bearer {token}\r\n"
            f"mcp-protocol-version: 2026-07-28\r\ncontent-type: application/json\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}".encode()
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        if b"rate_limited" in answer:
            return "rate_limited"
        return None if b'"result":{}' in answer else answer.decode()


@contextlib.asynccontextmanager
async def limited_fleet(
    count: int, issuer: str, resource: str, stores: dict[str, str]
) -> AsyncIterator[list[LimitedProcess]]:
    """Yield `count` of them, once they answer. They are forks of one that has imported everything."""
    ports = [free_port() for _ in range(count)]
    told = [",".join(map(str, ports)), issuer, resource, *(f"{name}={url}" for name, url in stores.items())]
    parent = subprocess.Popen([sys.executable, "-m", "tests.support.limited_process", *told], cwd=ROOT)
    try:
        async with asyncio.timeout(60):
            while not all(accepts(port)() for port in ports):
                assert parent.poll() is None
                await asyncio.sleep(0.05)
        yield [LimitedProcess(port) for port in ports]
    finally:
        parent.terminate()
        parent.wait()


def main(ports: str, issuer: str, resource: str, *stores: str) -> None:
    """Serve until killed."""
    import resource_lib.limits.sql
    import resource_lib.limits.valkey  # noqa: F401 - before the fork, so that they are read once

    children = []
    for port in map(int, ports.split(",")):
        child = os.fork()
        if child == 0:
            _serve(port, issuer, resource, stores)
            os._exit(0)
        children.append(child)
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
    for child in children:
        os.waitpid(child, 0)


def _serve(port: int, issuer: str, resource: str, stores: Sequence[str]) -> None:
    served = {name: _guarded(issuer, resource, url) for name, _, url in (one.partition("=") for one in stores)}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await served[next(iter(served))](scope, receive, send)
            return
        name, _, path = scope["path"].removeprefix("/").partition("/")
        await served[name]({**scope, "path": f"/{path}"}, receive, send)

    uvicorn.run(app, port=port, log_level="error", timeout_keep_alive=60)


def _guarded(issuer: str, resource: str, url: str) -> Any:
    # The machine of a test is shared: only a store that is truly away may be taken for one.
    store: LimitStore = ValkeyStore(url, timeout=5) if url.startswith("redis") else SqlStore(engine_at(url), timeout=5)
    limits = Limits(credential=None, store=store, expected_instances=4)
    tools = {name: read("notes:read", limit=limit) for name, limit in TOOLS.items()}
    guard = ResourceGuard(**BARE | {"issuer": issuer, "resource": resource, "tools": tools, "limits": limits})
    return guard.wrap(Recorder())


if __name__ == "__main__":
    main(*sys.argv[1:])
