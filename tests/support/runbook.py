"""A runbook as it stands in Markdown: its commands are run, in order, in one shell, and what it says one sees is looked for."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SHOWN = re.compile(r"<!-- shown: (.+?) -->")


@dataclass(frozen=True)
class Typed:
    """One command, and the lines that its page says one should see."""

    command: str
    seen: list[str] = field(default_factory=list)


def steps(page: Path) -> list[Typed | str]:
    """Return the commands of a page and, between them, the names of what is to be shown there."""
    found: list[Typed | str] = []
    in_block = False
    for line in page.read_text(encoding="utf-8").splitlines():
        bare = line.strip()
        if bare.startswith("```"):
            in_block = bare == "```console"
        elif in_block and bare.startswith("$ "):
            found.append(Typed(bare.removeprefix("$ ")))
        elif in_block and bare:
            last = found[-1]
            assert isinstance(last, Typed), f"{page.name}: {bare!r} follows no command"
            last.seen.append(bare)
        else:
            found += _SHOWN.findall(line)
    return found


def missing(seen: list[str], output: str) -> list[str]:
    """Return which of the lines that should be seen are not, in this order; `…` stands for anything within a line."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    place = 0
    for wanted in seen:
        parts = [re.escape(" ".join(part.split())) for part in wanted.split("…")]
        pattern = re.compile(r".*?".join(parts))
        for number in range(place, len(lines)):
            if pattern.search(lines[number]):
                place = number + 1
                break
        else:
            return [wanted]
    return []


class Shell:
    """One bash, as an operator has it open: variables stay, and each command is seen to end."""

    def __init__(self, folder: Path, root: Path) -> None:
        folder.mkdir(exist_ok=True)
        command = folder / "bin" / "authserver"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m authserver "$@"\n')
        command.chmod(0o755)
        given = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSERVER_")}
        environment = {**given, "PATH": f"{command.parent}:{os.environ['PATH']}", "COLUMNS": "400"}
        self.folder = folder
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, command: str, changed: Mapping[str, str]) -> tuple[int, str]:
        """Run one command as it stands, but for the names that this demo has changed; returns its exit code and output."""
        for written, here in changed.items():
            command = command.replace(written, here)
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\nprintf '\\nDONE %s\\n' $?\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line.startswith("DONE "):
                return int(line.split()[1]), "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended: {''.join(lines)}")

    def close(self) -> None:
        """End it."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.close()
        self._bash.wait(timeout=30)
        self._bash.stdout.close()
