"""
A deployment as an operator makes it: a folder with settings, a key and a database, changed by commands and served by a process.
"""

import asyncio
import atexit
import functools
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import structlog
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from authserver.app import create_app
from authserver.cli.tree import app
from authserver.opening import close_machines, open_machines
from authserver.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]

# Typer's runner builds all commands anew for each that it runs, which takes longer than most of them do.
testing._get_command = functools.cache(get_command)  # type: ignore[attr-defined]


def bare_environment() -> dict[str, str]:
    """Return the environment of a child process without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTHSERVER_")}


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def logs_kept() -> Iterator[None]:
    """Commands configure the logs of their process; this process is shared, so put them back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()


@functools.cache
def _migrated_rows() -> Path:
    """Return a database at the newest schema without a row of anybody's, made once: migrating takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Deployment(folder)
    assert 0 == CliRunner().invoke(app, ["key", "kek", str(folder / "kek")]).exit_code
    made.told("migrate")
    return folder / "rows.db"


class Deployment:
    """A folder with settings, a key and a migrated database, and the commands to change it."""

    def __init__(self, folder: Path, *, port: int = 9000, database: str = "") -> None:
        self.folder = folder
        self.port = port
        self.credential: dict[str, Any] = {}
        """Of the MCP server that was added, where a test keeps it."""
        self.issuer = f"http://127.0.0.1:{port}"
        (folder / "env").write_text(
            f"AUTHSERVER_ISSUER={self.issuer}\n"
            f"{database or self._sqlite()}\n"
            f"AUTHSERVER_KEK_FILE={folder / 'kek'}\n"
            "AUTHSERVER_PASSWORD_MEMORY_KIB=64\nAUTHSERVER_PASSWORD_TIME_COST=1\n"
        )

    def _sqlite(self) -> str:
        return f"AUTHSERVER_DATABASE_URL=sqlite:///{self.folder / 'rows.db'}"

    @classmethod
    def migrated(cls, folder: Path, *, port: int = 9000, database: str = "") -> "Deployment":
        """Return a new deployment with its key and its database."""
        made = cls(folder, port=port, database=database)
        result = CliRunner().invoke(app, ["key", "kek", str(folder / "kek")])
        assert 0 == result.exit_code, result.output
        if database:
            made.told("migrate")
        else:
            shutil.copy2(_migrated_rows(), folder / "rows.db")
        return made

    def copied(self, folder: Path) -> "Deployment":
        """Return the same deployment in another folder: much quicker than making it anew."""
        for name in ("kek", "rows.db"):
            shutil.copy2(self.folder / name, folder / name)
        return Deployment(folder, port=self.port)

    def run(self, *words: str, typed: str | None = None) -> Any:
        """Run one command of this deployment."""
        return CliRunner().invoke(app, [*words, "--data-dir", str(self.folder)], input=typed)

    def told(self, *words: str, typed: str | None = None) -> Any:
        """Run one command that must succeed and return its JSON."""
        result = self.run(*words, "--json", typed=typed)
        assert 0 == result.exit_code, result.output
        return json.loads(result.stdout)

    def inside(self, job: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run `job` on the deployment's machines."""

        async def run() -> Any:
            machines = await open_machines(load_settings(self.folder))
            try:
                return await job(machines)
            finally:
                await close_machines(machines)

        return asyncio.run(run())

    def token_status(self, client_id: str, secret: str, *, resource: str) -> int:
        """Ask for a token as a machine client and return the status."""

        async def ask() -> int:
            server = create_app(load_settings(self.folder), with_jobs=False)
            await server.start()
            try:
                transport = httpx2.ASGITransport(app=server)
                async with httpx2.AsyncClient(transport=transport, base_url=self.issuer) as client:
                    asked = {"grant_type": "client_credentials", "resource": resource}
                    return (await client.post("/token", data=asked, auth=(client_id, secret))).status_code
            finally:
                await server.stop()

        return asyncio.run(ask())

    @contextmanager
    def served(self) -> Iterator["subprocess.Popen[str]"]:
        """Serve it in a process of its own until the block ends; what it said is in `stderr` of the folder."""
        with (self.folder / "stderr").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "authserver", "serve", "--port", str(self.port), "--data-dir", str(self.folder)],
                cwd=ROOT,
                env=bare_environment(),
                stderr=said,
                text=True,
            )
            try:
                self._wait(process)
                yield process
            finally:
                process.terminate()
                process.wait(timeout=60)

    def _wait(self, process: "subprocess.Popen[str]") -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx2.get(f"{self.issuer}/readyz").raise_for_status()
            except (httpx2.TransportError, httpx2.HTTPStatusError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"the server did not answer: {(self.folder / 'stderr').read_text()}")
