"""The `curl` lines of a page of documentation, done as they stand, by a server in process."""

from __future__ import annotations

import re
import shlex
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2

from tests.support.oauth_client import basic

_LINE = re.compile(r"(?P<command>.+?)\s+# (?P<status>\d{3})")
_KEPT = re.compile(r"(?P<name>[A-Z_]+)=\$\((?P<command>curl .+) \| jq -r (?P<path>\S+)\)")
_SET = re.compile(r"(?P<name>[A-Z_]+)=(?P<value>\"[^\"]*\")")


def lines_of(page: Path) -> list[str]:
    """Return the lines of a page's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@dataclass(kw_only=True)
class Shell:
    """Somebody who types them, with variables."""

    http: httpx2.AsyncClient
    variables: dict[str, str] = field(default_factory=dict)

    async def type(self, line: str) -> tuple[int, int] | None:
        """Do a line; return the status that the page says and the one that came, None where nothing is asked."""
        if assigned := _SET.fullmatch(line):
            self.variables[assigned["name"]] = self._words(assigned["value"])[0]
            return None
        said = _LINE.fullmatch(line)
        assert said is not None, f"a command without its status: {line}"
        kept = _KEPT.fullmatch(said["command"])
        answer = await self._curl(kept["command"] if kept else said["command"])
        if kept:
            self.variables[kept["name"]] = str(_at(answer.json(), kept["path"]))
        return int(said["status"]), answer.status_code

    def _words(self, text: str) -> list[str]:
        # In single quotes nothing is put in.
        parts = re.split(r"('[^']*')", text)
        filled = [part if part.startswith("'") else string.Template(part).substitute(self.variables) for part in parts]
        return shlex.split("".join(filled))

    async def _curl(self, command: str) -> httpx2.Response:
        words = iter(self._words(command))
        assert next(words) == "curl"
        method, headers, data, in_query, url = "", {}, [], False, ""
        for word in words:
            if word == "-H":
                name, _, value = next(words).partition(":")
                headers[name.lower()] = value.strip()
            elif word == "-d":
                data.append(next(words))
            elif word == "-u":
                name, _, secret = next(words).partition(":")
                headers |= basic(name, secret)
            elif word == "-X":
                method = next(words)
            elif word == "-G":
                in_query = True
            elif word != "-s":
                assert not url, f"curl takes no {word}"
                url = word
        body: Any = "&".join(data) if data else None
        if in_query:
            url, body = f"{url}?{urlencode([tuple(one.split('=', 1)) for one in data])}", None
        elif data:
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        return await self.http.request(method or ("POST" if body else "GET"), url, content=body, headers=headers)


def _at(value: Any, path: str) -> Any:
    for step in re.findall(r"[a-z_]+|\d+", path):
        value = value[int(step)] if step.isdigit() else value[step]
    return value
