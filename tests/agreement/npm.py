"""
Other people's software from npm: pinned by version and hash, fetched once into `build/clients`, run by a Node.js of its own.

`js/package-lock.json` holds the hash of everything that is fetched and names no host; no script of a package is run. It is
fetched where somebody asked for it (`make conformance`) or in CI; where npm does not answer, `make conformance` fails and CI
skips, loudly.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

SCRIPTS = Path(__file__).resolve().parent / "js"
FOLDER = Path(__file__).resolve().parents[2] / "build" / "clients"
DEMANDED = os.environ.get("MCP_CONFORMANCE") == "1"
WANTED = DEMANDED or os.environ.get("CI", "").lower() in {"1", "true", "yes"}

CONFORMANCE = FOLDER / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
"""The official suite's program."""

_PROBE_S, _FETCH_S = 20, 150

needs_npm = pytest.mark.skipif(
    not WANTED, reason="other people's clients are fetched from npm: `make conformance`, or CI"
)


class Person(Protocol):
    """Somebody with a browser."""

    async def visit(self, url: str, /) -> None:
        """Go there, and on to the application's callback."""


Errand = Callable[[dict[str, Any]], Awaitable[object]]


class NpmSilentError(Exception):
    """What we need did not come: no npm, no answer, no Node.js for this machine."""


def version(package: str) -> str:
    """Return the version of a package as it is pinned."""
    return str(json.loads((SCRIPTS / "package.json").read_text())["dependencies"][package])


def fetched() -> Path:
    """Return the folder with the packages and our scripts beside them.

    Raises NpmSilentError where they cannot be had. A package that is not what its hash says is never a reason to skip.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = (SCRIPTS / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock).hexdigest()
    with _alone():
        stamp = FOLDER / "fetched"
        if not stamp.exists() or stamp.read_text() != digest:
            stamp.unlink(missing_ok=True)
            _fetch()
            stamp.write_text(digest)
        for script in SCRIPTS.glob("*.mjs"):
            draft = FOLDER / f".{script.name}"
            draft.write_bytes(script.read_bytes())
            draft.replace(FOLDER / script.name)
    return FOLDER


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Only one process fetches; the others wait for it."""
    with (FOLDER / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NpmSilentError("npm is not here")
    quick = ["--no-audit", "--no-fund", "--fetch-retries=1", f"--fetch-timeout={_PROBE_S * 1000}"]
    # A small question first, so that a machine without a way to npm waits seconds and not minutes.
    _npm([npm, "view", f"oauth4webapi@{version('oauth4webapi')}", "version", *quick], _PROBE_S)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SCRIPTS / name, FOLDER / name)
    _npm([npm, "ci", "--ignore-scripts", "--prefix", str(FOLDER), *quick], _FETCH_S)


def _npm(command: list[str], seconds: float) -> None:
    try:
        done = subprocess.run(
            command, cwd=FOLDER, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise NpmSilentError(f"npm {command[1]} took longer than {seconds} s") from None
    if "EINTEGRITY" in done.stderr:
        raise AssertionError(done.stderr)
    if done.returncode != 0:
        code = next(
            (line for line in done.stderr.splitlines() if line.startswith("npm error code ")), "no reason given"
        )
        raise NpmSilentError(f"npm {command[1]}: {code.removeprefix('npm error ')}")


def node() -> Path:
    """Return the Node.js that was fetched, or this machine's own where that is new enough."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "")
    processor = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
    own = FOLDER / "node_modules" / f"node-{system}-{processor}" / "bin" / "node"
    if own.exists():
        return own
    found = shutil.which("node")
    if found is not None:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if said.startswith("v") and int(said[1:].split(".")[0]) >= 22:
            return Path(found)
    raise NpmSilentError("no Node.js 22 or newer for this machine")


def packages_or_skip() -> Path:
    """Return the folder of the packages; without them skip, or fail where they were demanded."""
    try:
        folder = fetched()
        node()
    except NpmSilentError as error:
        if DEMANDED:
            pytest.fail(f"other people's clients cannot be had: {error}")
        pytest.skip(f"NPM DID NOT ANSWER: {error}")
    return folder


class Script:
    """One of our scripts, given a job; somebody has to go where it says."""

    def __init__(self, name: str, job: dict[str, Any], *words: str) -> None:
        self.name = name
        self.words = words
        self.job = job
        self.facts: dict[str, dict[str, Any]] = {}
        """What each step found; the second time stands under `<step> again`."""
        self.held = 0
        """How many steps held."""

    async def walk(self, person: Person, **errands: Errand) -> dict[str, dict[str, Any]]:
        """Run it to its end and return what each step found; AssertionError with what it said when one did not hold.

        `person` goes where the script says; what else somebody has to do meanwhile is named by `errands`.
        """
        async with _started(node(), f"{self.name}.mjs", *self.words) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(self.job).encode())
            process.stdin.close()
            async for line in process.stdout:
                said = json.loads(line)
                if "visit" in said:
                    await person.visit(said["visit"])
                elif "do" in said:
                    await errands[said["do"]](said)
                    async with httpx2.AsyncClient(trust_env=False) as client:
                        await client.get(said["done"])
                elif "failed" in said:
                    raise AssertionError(f"{self.name}, step {said['failed']}: {json.dumps(said, indent=1)}")
                else:
                    step = said.pop("step")
                    self.facts[step if step not in self.facts else f"{step} again"] = said
                    self.held += 1
            assert 0 == await process.wait()
        assert self.held == len(self.job["steps"])
        return self.facts


@contextlib.asynccontextmanager
async def _started(*words: object) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *map(str, words),
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
