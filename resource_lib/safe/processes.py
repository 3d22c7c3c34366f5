"""
One program, run without a shell: arguments are arguments, whatever is in them.

    git = Program("/usr/bin/git", "log", "--oneline", "--max-count=20")
    done = await git.run(branch)          # /usr/bin/git log --oneline --max-count=20 -- BRANCH

C26, C29; CWE-78, CWE-88. What the author writes stands before `--`, what callers give after it; for a program that knows no `--` a value
that begins with `-` is refused. A shell, an interpreter or a launcher is no such program: what its arguments say is run. Whoever has to
run one says why, and writes down what it runs:

    report = Program("/usr/bin/python3", "-I", "/srv/report.py", interpreter="the script is ours and takes values alone")

The environment is empty but for PATH and the language, the time and the output are bounded, and whatever
the program has started ends with it.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resource_lib.safe import launchers
from resource_lib.safe.errors import UnsafeError

MOST_OUTPUT: Final = 1024 * 1024
MOST_ARGUMENTS: Final = 100
MOST_CHARACTERS: Final = 4096
_BATCH: Final = (".bat", ".cmd", ".ps1", ".vbs")
"""Windows hands these to a shell that reads their arguments again (CVE-2024-24576)."""


class ProgramError(Exception):
    """It did not come to an end of its own: too slow, or too much output. It runs no longer."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program said."""

    code: int
    """Its exit code; below 0: the signal that ended it."""
    output: bytes
    errors: bytes

    @property
    def text(self) -> str:
        """Its output as text; what is no UTF-8 is replaced."""
        return self.output.decode("utf-8", "replace")


class Program:
    """
    A program and the arguments that its author writes.

    `path` is absolute; links are followed once, here. `separator` stands before what callers give; None: the program knows none.
    `environment` is all that it sees besides PATH and LANG. `interpreter` is why a program whose arguments are programs (`launchers.py`)
    may be run all the same; then `arguments` hold what it runs. Raises ValueError for one without that word.
    """

    def __init__(
        self,
        path: str | Path,
        *arguments: str,
        separator: str | None = "--",
        folder: str | Path = "/",
        environment: Mapping[str, str] | None = None,
        interpreter: str | None = None,
        seconds: float = 10.0,
        most_output: int = MOST_OUTPUT,
    ) -> None:
        if not Path(path).is_absolute():
            raise ValueError(f"{path}: write the whole path, so that no PATH decides what runs")
        _refuse_launcher(Path(path), arguments, interpreter)
        if not Path(path).is_file() or not os.access(path, os.X_OK):
            raise ValueError(f"{path} is no program")
        self._argv = (str(path), *(_argument(one) for one in arguments))
        self._separator = separator
        self._folder = str(folder)
        self._environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **(environment or {})}
        if sys.platform == "win32":
            self._environment.setdefault("SYSTEMROOT", os.environ.get("SYSTEMROOT", ""))
        self._seconds = seconds
        self._most = most_output

    def argv(self, *values: str) -> tuple[str, ...]:
        """Return what would be run. Raises UnsafeError for a value that may be none."""
        if len(values) > MOST_ARGUMENTS:
            raise UnsafeError(f"At most {MOST_ARGUMENTS} values can be given.")
        given = tuple(_argument(value) for value in values)
        if self._separator is not None:
            return (*self._argv, self._separator, *given)
        if any(value.startswith(("-", "+", "@")) or (os.name == "nt" and value.startswith("/")) for value in given):
            raise UnsafeError("A value does not begin with -, + or @.")
        return (*self._argv, *given)

    async def run(self, *values: str, stdin: bytes = b"") -> Ran:
        """Run it with what a caller gave, and return what it said, whatever its exit code.

        Raises UnsafeError before anything runs, ProgramError where it was stopped. Whoever is cancelled stops it too.
        """
        argv = self.argv(*values)
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                output, errors, _ = await asyncio.gather(
                    self._read(process.stdout), self._read(process.stderr), _write(process.stdin, stdin)
                )
                return Ran(await process.wait(), output, errors)
        except TimeoutError:
            raise ProgramError(f"It took longer than {self._seconds:g} seconds.") from None
        finally:
            await _end(process)

    async def _read(self, stream: asyncio.StreamReader | None) -> bytes:
        assert stream is not None
        held = bytearray()
        while chunk := await stream.read(65536):
            held += chunk
            if len(held) > self._most:
                raise ProgramError(f"It said more than {self._most} bytes.")
        return bytes(held)


async def _write(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    assert stream is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
        stream.close()
        await stream.wait_closed()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it and whatever it has started, also what outlives it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()
    await asyncio.shield(process.wait())


def _refuse_launcher(path: Path, arguments: tuple[str, ...], interpreter: str | None) -> None:
    """Raise ValueError for a program whose arguments are programs, unless its author said why, and what it runs."""
    for named in (path, Path(os.path.realpath(path))):
        if named.suffix.lower() in _BATCH:
            raise ValueError(f"{named.name} is read by a shell, and so are its arguments: write a program")
    name = launchers.called(path)
    if name is None:
        return
    if interpreter is None:
        raise ValueError(
            f"{path.name} runs whatever its arguments say (it is {name}): name the program itself, or say with interpreter= why not"
        )
    if not interpreter.strip():
        raise ValueError("interpreter= is the reason why callers' values do no harm there: write it down")
    if all(one.startswith("-") for one in arguments):
        raise ValueError(f"{path.name} would run the first value of a caller: write what it runs as an argument")


def _argument(value: object) -> str:
    if not isinstance(value, str):
        raise UnsafeError("A value is a text.")
    if "\0" in value or len(value) > MOST_CHARACTERS:
        raise UnsafeError(f"A value holds no NUL and at most {MOST_CHARACTERS} characters.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise UnsafeError("A value is no half of a character.") from None
    return value
