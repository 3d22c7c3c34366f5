"""
A process of its own: a guard whose limits are counted in a shared store. For tests that ask several of them at once.

    python -m tests.support.limited_process PORT ISSUER RESOURCE NAME=STORE_URL…

It serves one guard for each store, below a path of its name.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"limited": "100/hour", "other": "1000/hour"}


class LimitedProcess:
    """One such process."""

    def __init__(self, issuer: str, resource: str, stores: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        told = [str(self.port), issuer, resource, *(f"{name}={url}" for name, url in stores.items())]
        # Every start of every process would compile the whole tree again where byte code may not be kept beside it.
        given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.limited_process", *told],
            cwd=ROOT,
            env=given | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")},
        )

    async def ready(self, http: httpx2.AsyncClient) -> None:
        """Wait until it answers."""
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                await http.get(f"http://127.0.0.1:{self.port}/up")
                return
            assert self._process.poll() is None
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

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


def main(port: str, issuer: str, resource: str, *stores: str) -> None:
    """Serve until killed."""
    import uvicorn

    served = {name: _guarded(issuer, resource, url) for name, _, url in (one.partition("=") for one in stores)}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await served[next(iter(served))](scope, receive, send)
            return
        name, _, path = scope["path"].removeprefix("/").partition("/")
        await served.get(name, served[next(iter(served))])({**scope, "path": f"/{path}"}, receive, send)

    uvicorn.run(app, port=int(port), log_level="error", timeout_keep_alive=60)


def _guarded(issuer: str, resource: str, url: str) -> Any:
    from resource_lib import Limits, ResourceGuard, SqlStore, ValkeyStore, read
    from resource_lib.limits.store import LimitStore
    from tests.support.bare import BARE
    from tests.support.guarded import Recorder
    from tests.support.limit_stores import engine_at

    # The machine of a test is shared: only a store that is truly away may be taken for one.
    store: LimitStore = ValkeyStore(url, timeout=5) if url.startswith("redis") else SqlStore(engine_at(url), timeout=5)
    limits = Limits(credential=None, store=store, expected_instances=4)
    tools = {name: read("notes:read", limit=limit) for name, limit in TOOLS.items()}
    guard = ResourceGuard(
        **BARE | {"issuer": issuer, "resource": resource, "tools": tools, "limits": limits, "public_paths": ["/up"]}
    )
    return guard.wrap(Recorder())


if __name__ == "__main__":
    main(*sys.argv[1:])
