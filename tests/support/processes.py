"""
A child process that cannot outlive us, even when we are killed: it ends when a pipe that only we hold is closed.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

NOBODY = 65534
"""PostgreSQL refuses to run as root; so does good sense for anything else."""

# $1 is the signal that means "finish calmly". Descriptor 3 is our end of the pipe.
_GUARDIAN = """
signal=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ cat <&3 >/dev/null; kill -"$signal" $child 2>/dev/null; } &
wait $child
"""


def identity() -> dict[str, object]:
    """Return what makes `subprocess` drop root: nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def private_folder(prefix: str) -> Path:
    """Return a new temporary folder that the dropped identity owns."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


def readable(program: Path, tree: Path, scratch: Path) -> Path:
    """Return `program`, or its copy below `scratch` when the dropped identity cannot run it where it is."""
    try:
        tried = subprocess.run([program, "--version"], capture_output=True, check=False, cwd="/", **identity())
    except OSError:
        tried = None  # a folder on the way is closed to the dropped identity
    if tried is not None and tried.returncode == 0:
        return program
    shutil.copytree(tree, scratch / tree.name, symlinks=True, dirs_exist_ok=True)
    for folder, folders, files in os.walk(scratch / tree.name):
        for name in [*folders, *files]:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o555)
    copied = scratch / tree.name / program.relative_to(tree)
    (scratch / tree.name).chmod(0o755)
    return copied


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Child:
    """One running program and its log."""

    def __init__(self, command: Sequence[str | Path], *, folder: Path, stop_signal: str) -> None:
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARDIAN, "guardian", stop_signal, *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                **identity(),
            )

    @property
    def pid(self) -> int:
        """The guardian's process id; the program is its child."""
        return self._process.pid

    def wait_until(self, answers: Callable[[], bool], seconds: float = 120) -> None:
        """Return when `answers()` is true. Raises RuntimeError with the log when it does not come to that."""
        deadline = time.monotonic() + seconds
        while not answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")[-4000:]
                self.stop()
                raise RuntimeError(f"the program did not start:\n{text}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it calmly, then wait for it."""
        assert self._process.stdin is not None
        if self._process.poll() is not None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()

    def kill(self) -> None:
        """End it with all that it started, with no time to tidy up."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        os.killpg(self._process.pid, 9)
        self._process.wait()


def accepts(port: int) -> Callable[[], bool]:
    """Return a question: does anybody listen on 127.0.0.1:`port`?"""

    def ask() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ask


if sys.platform == "win32":
    raise RuntimeError("the tests' own servers need a POSIX system")
