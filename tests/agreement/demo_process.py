"""The demo as a person starts it: a process of its own, on free ports, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


class Demo:
    """A running demo."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        port: int | None = None,
        mcp_port: int | None = None,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port, self.mcp_port = port or free_port(), mcp_port or free_port()
        self.output = folder.parent / f"{folder.name}.stdout"
        self.errors = folder.parent / f"{folder.name}.stderr"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "authserver", "demo", "--data-dir", str(folder)),
                    *("--port", str(self.port), "--mcp-port", str(self.mcp_port), *words),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, **{f"AUTHSERVER_{name}": value for name, value in (settings or {}).items()}},
            )

    @property
    def said(self) -> list[str]:
        """Every line so far."""
        return self.output.read_text().splitlines()

    @property
    def facts(self) -> dict[str, Any]:
        """What it wrote for scripts."""
        return json.loads((self.folder / "demo.json").read_text())

    def user(self, login: str) -> dict[str, Any]:
        """Return the person whose address begins with `login`."""
        return next(user for user in self.facts["users"] if user["email"].startswith(login + "@"))

    @property
    def public_client(self) -> dict[str, Any]:
        """The application that people log in to."""
        return next(one for one in self.facts["clients"] if one["token_endpoint_auth_method"] == "none")

    def told(self, *words: str) -> Any:
        """Run one of the operator's commands beside the running server, and return what it says."""
        command = [sys.executable, "-m", "authserver", *words, "--json", "--data-dir", str(self.folder)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, check=False)
        assert 0 == done.returncode, done.stderr
        return json.loads(done.stdout)

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Return after the line `ready`."""
        deadline = time.monotonic() + seconds
        while "ready" not in self.said:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the demo did not become ready:\n{self.errors.read_text()}")
            time.sleep(0.05)

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(timeout=60)


@contextmanager
def running(folder: Path, *words: str, **options: Any) -> Iterator[Demo]:
    """Yield a demo that answers; it ends with the block."""
    demo = Demo(folder, *words, **options)
    try:
        demo.wait_until_ready()
        yield demo
    finally:
        demo.end()
