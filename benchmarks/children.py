"""Servers as child processes: started on a core, awaited, and ended by us alone, with everything they started."""

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from socket import socket

from benchmarks.machine import pass_on_priority, pinned

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None)


class StartError(Exception):
    """A server did not come up. The message ends with its log."""


class Child:
    """One server of ours to end; its output goes to a log file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        core: int | None,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.began = time.perf_counter()
        self.log = log
        with log.open("wb") as output, pinned(core):
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                # No thread of ours runs while a server starts; it must not outlive us, even when we are killed.
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
        pass_on_priority(self._process.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_for(self, url: str, seconds: float = 60) -> float:
        """Return after how many seconds since its start `url` answered 200. Raises StartError."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            with suppress(OSError), opener.open(url, timeout=5) as answer:
                answer.read()
                return time.perf_counter() - self.began
            if self._process.poll() is not None or time.perf_counter() - self.began > seconds:
                self.stop()
                raise StartError(f"{url} did not answer:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it calmly, then surely, with every process that it started."""
        for ending, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, ending)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
                break


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
