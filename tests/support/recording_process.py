"""
Processes of their own: MCP servers of the official SDK, whose guards record every call. For tests that kill them, and what they tell it to.

    python -m tests.support.recording_process JSON

Each is a fork of one that has imported everything, and is made again when it dies. Its tool that writes appends to a file of its own and syncs
it: what has run is known there, whatever the record says.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
_DIE_WITH_PARENT = 1


@dataclass(frozen=True, kw_only=True)
class Told:
    """What such a process is told. `ran` is the file of its tool; `seconds` go to the guard: how old what it knows may be."""

    ports: tuple[int, ...]
    issuer: str
    client_id: str
    secret: str
    resource: str
    spool: str
    ran: str
    max_staleness: float = 5.0
    read_staleness: float = 30.0
    most_bytes: int = 256 * 1024 * 1024


class RecordingFleet:
    """Some of them. `start` and `stop` from any thread; the rest in the running loop."""

    def __init__(
        self,
        at: Any,
        folder: Path,
        *,
        count: int,
        issuer: str = "",
        spool: Path | None = None,
        environment: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        app = at.world.clients["RS1"]
        folder.mkdir(parents=True, exist_ok=True)
        self.ports = tuple(free_port() for _ in range(count))
        self.spool = spool or folder / "spool"
        self.ran = folder / "ran"
        self.ran.touch()
        self._log = folder / "guards.log"
        self._environment = {**os.environ, **(environment or {})}
        self._told = Told(
            ports=self.ports,
            issuer=issuer or at.issuer,
            client_id=app.client_id,
            secret=app.secret,
            resource=app.speaks_for,
            spool=str(self.spool),
            ran=str(self.ran),
            **more,
        )
        self._parent: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start them; `up` says when one answers."""
        command = [sys.executable, "-m", "tests.support.recording_process", json.dumps(asdict(self._told))]
        with self._log.open("ab") as log:
            self._parent = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    def stop(self) -> None:
        """End them calmly."""
        if self._parent is not None:
            self._parent.terminate()
            try:
                self._parent.wait(30)
            except subprocess.TimeoutExpired:
                self._parent.kill()
                self._parent.wait()
            self._parent = None

    async def up(self, http: httpx2.AsyncClient, port: int, *, but: int = 0) -> dict[str, Any]:
        """Wait until one answers that is not process `but`; returns its id and what its guard's doctor says of the record."""
        async with asyncio.timeout(120):
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    said: dict[str, Any] = (await http.get(f"http://127.0.0.1:{port}/up")).json()
                    if said["pid"] != but:
                        return said
                assert self._parent is not None and self._parent.poll() is None, self._log.read_text()[-4000:]
                await asyncio.sleep(0.02)

    @property
    def wrote(self) -> list[str]:
        """The marks of all that the tool has written, in any process."""
        return self.ran.read_text(encoding="ascii").splitlines()


UNVERIFIABLE = "unverifiable"
"""What a guard says that begins while its issuer is away: it has no keys, so it knows nobody's token."""


async def called(
    http: httpx2.AsyncClient, port: int, tool: str, mark: str, token: str, **more: Any
) -> tuple[str | None, float]:
    """Call a tool; returns None or the error of the reply, and its `retry_after_s`. Raises HTTPError where there is no answer."""
    params = {"name": tool, "arguments": {"mark": mark}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params | {"_meta": _META}}
    headers = {
        "authorization": f"Bearer {token}", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool,
        "accept": "application/json, text/event-stream",
    }  # fmt: skip
    answer = await http.post(f"http://127.0.0.1:{port}/mcp", json=message, headers=headers, **more)
    if answer.status_code == 503:
        return UNVERIFIABLE, int(answer.headers.get("retry-after", 0))
    reply = answer.json()
    if "error" in reply:
        data = reply["error"].get("data")
        return (data["error"], data.get("retry_after_s", 0)) if isinstance(data, dict) else (str(reply["error"]), 0)
    result = reply["result"]
    refused = result.get("_meta", {}).get("authserver/error")
    if refused is None:
        return (str(result), 0) if result.get("isError") else (None, 0)
    return refused["error"], refused.get("retry_after_s", 0)


_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "chaos", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def killed(pid: int) -> None:
    """End a process with no time to tidy up, and return once it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.kill()
        psutil.wait_procs([process], timeout=30)


def main(words: str) -> None:
    """Serve until killed: this process makes the others, and makes them again."""
    import mcp.server  # noqa: F401 - before the fork, so that it is read once
    import uvicorn  # noqa: F401

    import resource_lib.integrations.mcp_sdk  # noqa: F401

    said = json.loads(words)
    told = Told(**said | {"ports": tuple(said["ports"])})
    stopping = False

    def stop(_signal: int, _frame: Any) -> None:
        nonlocal stopping
        stopping = True
        for child in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    running: dict[int, int] = {}
    _die_with_parent()
    signal.signal(signal.SIGTERM, stop)
    for port in told.ports:
        running[_fork(told, port)] = port
    while running:
        child, _ = os.wait()
        port = running.pop(child)
        if not stopping:
            running[_fork(told, port)] = port


def _fork(told: Told, port: int) -> int:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _die_with_parent()
        try:
            _serve(told, port)
        finally:
            os._exit(0)
    return child


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def _serve(told: Told, port: int) -> None:
    import uvicorn
    from mcp.server import MCPServer

    from resource_lib import Record, ResourceGuard, read, write
    from resource_lib.integrations import mcp_sdk

    server: MCPServer[Any] = MCPServer("recorded")

    @server.tool()
    def search_orders(mark: str) -> str:
        """Look something up."""
        return f"saw {mark}"

    @server.tool()
    def update_order(mark: str) -> str:
        """Change something, in a file that is asked afterwards what was changed."""
        file = os.open(told.ran, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, f"{mark}\n".encode("ascii"))
            os.fsync(file)
        finally:
            os.close(file)
        return f"changed {mark}"

    guard = ResourceGuard(
        issuer=told.issuer,
        resource=told.resource,
        tools={"search_orders": read("orders:read"), "update_order": write("orders:write")},
        client_id=told.client_id,
        client_secret=told.secret,
        public_paths=["/up"],
        max_staleness=told.max_staleness,
        read_staleness=told.read_staleness,
        lint="off",
        limits=None,  # who asks is one caller, as often as it can
        record=Record(spool=told.spool, most_bytes=told.most_bytes),
    )
    app = mcp_sdk.guarded(server, guard, json_response=True)

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/up":
            found = guard.doctor()
            said = {"pid": os.getpid(), "record": found.record, "warnings": list(found.warnings)}
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(said, default=str).encode()})
            return
        await app(scope, receive, send)

    uvicorn.run(asked, port=port, log_level="error", timeout_keep_alive=120, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
