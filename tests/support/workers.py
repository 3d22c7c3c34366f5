"""A real deployment: `python -m authserver serve --workers 2` on a free port, on a copy of the world."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import psutil

from authserver.opening import close_machines, open_machines
from authserver.runtime.machines import Machines
from tests.support.browser import Browser
from tests.support.oauth_client import OAuthClient
from tests.support.processes import free_port
from tests.support.server import Place, Templates, settings_for
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]


class Workers:
    """Two worker processes and one database. It speaks as `Server` does, over real sockets."""

    def __init__(
        self,
        templates: Templates,
        kind: str,
        folder: Path,
        *,
        workers: int = 2,
        environment: dict[str, str] | None = None,
        **settings: Any,
    ) -> None:
        place, world = templates.copy(kind)
        templates.renew(place, world)
        self.place: Place = place
        self.world: World = world
        self.workers = workers
        self.kek = templates.kek
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{kind}.log"
        wanted = {
            "issuer": self.issuer, "database_url": place.url, "kek": templates.kek, "password_memory_kib": 8,
            "password_time_cost": 1, "log_level": "debug", "login_failures": 1000, **settings,
        }  # fmt: skip
        given = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSERVER_")}
        self._environment = given | {f"AUTHSERVER_{name.upper()}": str(value) for name, value in wanted.items()}
        self._environment |= environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._browsers: list[Browser] = []
        self._http: httpx2.AsyncClient | None = None

    def start(self) -> None:
        """Start the processes and wait until they are ready."""
        command = [
            sys.executable,
            "-m",
            "authserver",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(self.workers),
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        with httpx2.Client(trust_env=False) as http:
            while True:
                try:
                    # One that listens later than the others would take no part in a race.
                    if http.get(f"{self.issuer}/readyz").status_code == 200 and len(self.listeners()) >= self.workers:
                        return
                except httpx2.HTTPError:
                    pass
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
                time.sleep(0.05)

    def listeners(self) -> set[int]:
        """Return the processes that the kernel hands connections at the port."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return {
            process.pid
            for process in [parent, *parent.children(recursive=True)]
            for connection in process.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == self.port
        }

    def stop(self) -> None:
        """End them calmly."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End them in the middle of whatever they do, with no time to tidy up."""
        if self._process is not None:
            parent = psutil.Process(self._process.pid)
            for process in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()
            self._process = None

    @contextlib.asynccontextmanager
    async def machines(self, **settings: Any) -> AsyncIterator[Machines]:
        """Open the same database from this process, as an operator's command does."""
        machines = await open_machines(settings_for(self.kek, self.place.url, issuer=self.issuer, **settings))
        try:
            yield machines
        finally:
            await close_machines(machines)

    def restart(self) -> None:
        """Begin anew on the same database."""
        self.stop()
        self.start()

    @property
    def now(self) -> int:
        """Seconds since the epoch, as the processes read them."""
        return int(time.time())

    @property
    def http(self) -> httpx2.AsyncClient:
        """A client for the loop of the running test; `close` ends it."""
        if self._http is None:
            limits = httpx2.Limits(max_connections=40, max_keepalive_connections=40)
            self._http = httpx2.AsyncClient(base_url=self.issuer, timeout=60, limits=limits, trust_env=False)
        return self._http

    def browser(self) -> Browser:
        browser = Browser(httpx2.AsyncHTTPTransport(), self.issuer)
        self._browsers.append(browser)
        return browser

    def client(self, letter: str, **changed: Any) -> OAuthClient:
        return OAuthClient(server=self, app=replace(self.world.clients[letter], **changed))

    async def close(self) -> None:
        """Close what the running test opened."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None
        while self._browsers:
            await self._browsers.pop().close()
