"""
A process of its own: a guard around one tool that writes down that it ran, and may wait to be let go. For tests that kill it.

    python -m tests.support.guarded_process PORT ISSUER CLIENT_ID SECRET LEDGER waits|runs
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from tests.support.bare import BARE
from tests.support.guarded import MODERN, routing_headers
from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


class GuardedProcess:
    """One such process. `ledger` is a file in which each execution is a line; where it `waits`, each goes on after `let_go`."""

    def __init__(self, at: Any, ledger: Path, *, waits: bool = False) -> None:
        self.port = free_port()
        self.ledger = ledger
        secret = at.client("RS1").app
        told = [str(self.port), at.issuer, secret.client_id, secret.secret, str(ledger), "waits" if waits else "runs"]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.support.guarded_process", *told], cwd=ROOT)

    async def ready(self) -> "GuardedProcess":
        """Wait until it answers."""
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(120):
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    await http.get(f"http://127.0.0.1:{self.port}/up")
                    return self
                assert self._process.poll() is None
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End it with no time to tidy up."""
        self._process.kill()
        self._process.wait()

    @property
    def ran(self) -> int:
        """How often the tool has begun, in any process with this ledger."""
        return len(self.ledger.read_text().splitlines()) if self.ledger.exists() else 0

    async def arrived(self, http: httpx2.AsyncClient) -> int:
        """Return how many calls have reached it."""
        return int((await http.get(f"http://127.0.0.1:{self.port}/arrived")).text)

    def let_go(self) -> None:
        """Let every execution of this ledger, and each to come, go on."""
        gate_of(self.ledger).touch()

    async def connect(self, http: httpx2.AsyncClient, count: int) -> None:
        """Open connections first, so that the calls that follow arrive together."""
        await asyncio.gather(*(http.get(f"http://127.0.0.1:{self.port}/up") for _ in range(count)))

    async def call(self, http: httpx2.AsyncClient, token: str, arguments: Any, request_id: int = 1) -> Any:
        """Call the tool; returns the reply."""
        params = {"name": "refund_order", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}
        body = json.dumps(message).encode()
        headers = [("authorization", f"Bearer {token}"), MODERN, *routing_headers([MODERN], body)]
        answer = await http.post(f"http://127.0.0.1:{self.port}/mcp", content=body, headers=headers)
        return answer.json()


def gate_of(ledger: Path) -> Path:
    """Return the file for which executions wait."""
    return ledger.with_suffix(".gate")


def main(*told: str) -> None:
    """Serve until killed."""
    port, issuer, client_id, secret, ledger, how = told
    import uvicorn

    from resource_lib import ResourceGuard
    from resource_lib.approval import flow
    from tests.support.approved import Shop
    from tests.support.approved_at_server import POLICY
    from tests.support.world import R1

    class Ledger(Shop):
        """Writes each execution down before it does anything."""

        async def _call(self, said: Any, send: Any) -> None:
            with Path(ledger).open("a", encoding="utf-8") as book:
                book.write(json.dumps([os.getpid(), time.time(), said["params"]["arguments"]]) + "\n")
            while how == "waits" and not gate_of(Path(ledger)).exists():
                await asyncio.sleep(0.02)
            await super()._call(said, send)

    guard = ResourceGuard(
        **BARE,
        issuer=issuer,
        resource=R1,
        tools=POLICY,
        client_id=client_id,
        client_secret=secret,
        public_paths=["/up"],
    )
    # Who waits for a run in another process hears after two seconds instead of ten that it is under way.
    flow.LONGEST_WAIT_S = 2.0  # type: ignore[misc]
    guarded, arrived = guard.wrap(Ledger("refund_order")), 0

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        nonlocal arrived
        if scope["type"] == "http" and scope["path"] == "/arrived":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(arrived).encode()})
            return
        arrived += scope["type"] == "http" and scope["method"] == "POST"
        await guarded(scope, receive, send)

    uvicorn.run(counted, port=int(port), log_level="error", timeout_keep_alive=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
