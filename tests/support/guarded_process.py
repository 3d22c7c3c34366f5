"""
A process of its own: a guard around one tool that writes down that it ran, and may take its time. For tests that kill it.

    python -m tests.support.guarded_process PORT ISSUER CLIENT_ID SECRET LEDGER SECONDS
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
from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


class GuardedProcess:
    """One such process. `ledger` is a file in which each execution is a line, and takes `seconds`."""

    def __init__(self, at: Any, ledger: Path, *, seconds: float = 0.2) -> None:
        self.port = free_port()
        self.ledger = ledger
        secret = at.client("RS1").app
        told = [str(self.port), at.issuer, secret.client_id, secret.secret, str(ledger), str(seconds)]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.support.guarded_process", *told], cwd=ROOT)

    async def ready(self) -> "GuardedProcess":
        """Wait until it answers."""
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(60):
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

    async def connect(self, http: httpx2.AsyncClient, count: int) -> None:
        """Open connections first, so that the calls that follow arrive together."""
        await asyncio.gather(*(http.get(f"http://127.0.0.1:{self.port}/up") for _ in range(count)))

    async def call(self, http: httpx2.AsyncClient, token: str, arguments: Any, request_id: int = 1) -> Any:
        """Call the tool; returns the reply."""
        params = {"name": "refund_order", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}
        headers = {"authorization": f"Bearer {token}", "mcp-protocol-version": "2026-07-28"}
        answer = await http.post(f"http://127.0.0.1:{self.port}/mcp", json=message, headers=headers)
        return answer.json()


def main(*told: str) -> None:
    """Serve until killed."""
    port, issuer, client_id, secret, ledger, seconds = told
    import uvicorn

    from resource_lib import ResourceGuard
    from tests.support.approved import Shop
    from tests.support.approved_at_server import POLICY
    from tests.support.world import R1

    class Ledger(Shop):
        """Writes each execution down before it does anything."""

        async def _call(self, said: Any, send: Any) -> None:
            with Path(ledger).open("a", encoding="utf-8") as book:
                book.write(json.dumps([os.getpid(), time.time(), said["params"]["arguments"]]) + "\n")
            await asyncio.sleep(float(seconds))
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
    uvicorn.run(guard.wrap(Ledger("refund_order")), port=int(port), log_level="error", timeout_keep_alive=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
