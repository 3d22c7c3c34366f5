"""
Processes of their own: guards whose limits are counted in shared stores. For tests that ask several of them at once.

    python -m tests.support.limited_process PORT,PORT… ISSUER RESOURCE NAME=STORE_URL…

Each serves for each store three guards, below a path of its name: around a bare server; `NAME-sdk`, around one of the official SDK with
sessions; and `NAME-away`, around a bare one that waits for its store no longer than it must.
"""

import asyncio
import base64
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
import psutil
import uvicorn

from resource_lib import Limits, ResourceGuard, SqlStore, ValkeyStore, read, write
from resource_lib.limits.store import LimitStore
from tests.support.bare import BARE
from tests.support.guarded import Recorder
from tests.support.limit_stores import engine_at
from tests.support.processes import accepts, free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {
    "limited": read("notes:read", limit="100/hour"),
    "other": read("notes:read", limit="1000/hour"),
    "change": write("notes:write", limit="100/hour"),
    "slow": read("notes:read", concurrent="2 per server", limit="1000/hour"),
}
AWAY_AFTER_S = 0.3
"""How long a guard below `NAME-away` waits for its store. The others wait long: a machine of tests is shared."""


class LimitedProcess:
    """One such process."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def kill(self) -> None:
        """End it with no time to tidy up."""
        os.kill(self.pid, signal.SIGKILL)

    async def call(
        self,
        http: httpx2.AsyncClient,
        store: str,
        token: str,
        *,
        tool: str = "limited",
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call a tool; returns the error of the reply, or None; `runs` where after `timeout` seconds there was none, and hangs up."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        told = {"authorization": f"Bearer {token}", **_about(tool), **(headers or {})}
        asked = {"json": message, "headers": told, **({} if timeout is None else {"timeout": timeout})}
        try:
            answer = (await http.post(f"http://127.0.0.1:{self.port}/{store}/mcp", **asked)).json()
        except httpx2.TimeoutException:
            return "runs"
        if "error" in answer:
            return answer["error"]["data"]["error"]
        return answer["result"].get("_meta", {}).get("authserver/error", {}).get("error")

    async def knock(self, store: str, token: str, *, tool: str = "limited") -> str | None:
        """Call a tool on a connection of its own; returns how it ended. For a thousand at once: a bare socket."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        body = json.dumps(message)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        told = "".join(f"{name}: {said}\r\n" for name, said in _about(tool).items())
        writer.write(
            f"POST /{store}/mcp HTTP/1.1\r\nhost: mcp.example.com\r\nauthorization: Bearer {token}\r\n{told}"
            f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        for word in ("rate_limited", "control_plane_stale"):
            if word.encode() in answer:
                return word
        return None if b'"result":{}' in answer else answer.decode()


def _about(tool: str) -> dict[str, str]:
    """Return the headers that say of a call what its body says (MCP 2026-07-28, SEP-2243)."""
    named = base64.b64encode(tool.encode()).decode()
    return {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": f"=?base64?{named}?="}


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
        yield [LimitedProcess(port, process.pid) for port, process in zip(ports, _children(parent, count), strict=True)]
    finally:
        parent.terminate()
        parent.wait()


def _children(parent: "subprocess.Popen[bytes]", count: int) -> list[psutil.Process]:
    """Return its forks, in the order in which they were made."""
    found = sorted(psutil.Process(parent.pid).children(), key=lambda child: (child.create_time(), child.pid))
    assert count == len(found)
    return found


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
    served, sdk = {}, _sdk_app()
    for name, _, url in (one.partition("=") for one in stores):
        at = {"issuer": issuer, "resource": resource}
        # The machine of a test is shared: only a store that is truly away may be taken for one.
        patient = _guard(_store(url, timeout=5), **at)
        served[name], served[f"{name}-sdk"] = patient.wrap(Quick()), patient.wrap(sdk)
        served[f"{name}-away"] = _guard(_store(url, timeout=AWAY_AFTER_S), **at).wrap(Quick())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await served[next(name for name in served if name.endswith("-sdk"))](scope, receive, send)
            return
        name, _, path = scope["path"].removeprefix("/").partition("/")
        await served[name]({**scope, "path": f"/{path}"}, receive, send)

    uvicorn.run(app, port=port, log_level="error", timeout_keep_alive=60, timeout_graceful_shutdown=2)


def _store(url: str, *, timeout: float) -> LimitStore:
    if url.startswith("redis"):
        return ValkeyStore(url, timeout=timeout)
    return SqlStore(engine_at(url), timeout=timeout)


def _guard(store: LimitStore, *, issuer: str, resource: str) -> ResourceGuard:
    limits = Limits(credential=None, store=store, expected_instances=4)
    return ResourceGuard(**BARE | {"issuer": issuer, "resource": resource, "tools": TOOLS, "limits": limits})


class Quick(Recorder):
    """Answers at once, except what calls `slow`: that runs until its caller is gone."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await super().__call__(scope, receive, send)
        body = await receive()
        if b'"slow"' in body["body"]:
            while (await receive())["type"] != "http.disconnect":
                pass
            return None

        async def again() -> Any:
            return body

        return await super().__call__(scope, again, send)


def _sdk_app() -> Any:
    from mcp.server import MCPServer

    server = MCPServer("limited")

    @server.tool()
    def limited() -> str:
        return "ran"

    return server.streamable_http_app()


if __name__ == "__main__":
    main(*sys.argv[1:])
