"""A whole deployment of processes, and each of them killed with no time to tidy up: the server, a worker, a guard, the database."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from pathlib import Path

import httpx2
import psutil

from tests.support.postgres import PostgresServer
from tests.support.recording_process import RecordingFleet, killed
from tests.support.server import Templates
from tests.support.workers import Workers

KINDS = ("server", "worker", "guard", "database")
_WRITING = 120
"""The byte of SQLite's shared memory file that whoever writes has locked (sqlite.org/walformat.html)."""


class Crashing:
    """Two workers, two guards, one database; and its killer."""

    def __init__(self, templates: Templates, kind: str, folder: Path, postgres: PostgresServer | None) -> None:
        self.workers = Workers(
            templates,
            kind,
            folder,
            token_requests_per_minute=10_000_000,
            log_level="warning",
            access_token_seconds=3600,
        )
        self.fleet = RecordingFleet(self.workers, folder / "guards", count=2)
        self._postgres = postgres
        self.kills: Counter[str] = Counter()
        self.guards_killed: list[tuple[int, float]] = []
        """Each by its port, and when it was gone."""

    async def start(self) -> None:
        """Start everything, and wait until it answers."""
        await asyncio.to_thread(self.workers.start)
        self.fleet.start()
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            for port in self.fleet.ports:
                await self.fleet.up(http, port)

    async def stop(self) -> None:
        """End everything calmly: the guards first, while there is somebody to tell."""
        await asyncio.to_thread(self.fleet.stop)
        await self.workers.close()
        await asyncio.to_thread(self.workers.stop)

    async def kill(self, what: str, chance: random.Random) -> None:
        """Kill one of `KINDS`, and have it started again."""
        self.kills[what] += 1
        await getattr(self, f"_kill_{what}")(chance)

    async def _kill_server(self, _chance: random.Random) -> None:
        await asyncio.to_thread(self.workers.kill)
        await asyncio.to_thread(self.workers.start)

    async def _kill_worker(self, chance: random.Random) -> None:
        """The other ones go on; the server itself starts it again."""
        listening = sorted(await asyncio.to_thread(self.workers.listeners))
        await asyncio.to_thread(killed, chance.choice(listening))
        await self._answers()

    async def _kill_guard(self, chance: random.Random) -> None:
        port = chance.choice(self.fleet.ports)
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            pid = (await self.fleet.up(http, port))["pid"]
            await asyncio.to_thread(killed, pid)
            self.guards_killed.append((port, time.monotonic()))
            await self.fleet.up(http, port, but=pid)

    async def _kill_database(self, chance: random.Random) -> None:
        if self._postgres is None:
            # SQLite has no process of its own: whoever writes at this moment dies in the middle of its transaction.
            await asyncio.to_thread(_kill_writer, Path(self.workers.place.url.removeprefix("sqlite:///")))
        elif chance.random() < 0.5:
            await asyncio.to_thread(self._postgres.crash)
            await asyncio.to_thread(self._postgres.start_again)
        else:
            # One that serves dies: PostgreSQL ends all others and recovers.
            await asyncio.to_thread(_kill_backend, self._postgres, chance)
        await self._answers()

    async def _answers(self) -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http, asyncio.timeout(120):
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    if (await http.get(f"{self.workers.issuer}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.02)


def _kill_writer(database: Path) -> None:
    memory = database.with_name(database.name + "-shm")
    deadline = time.monotonic() + 30
    while (pid := _writer_of(memory.stat().st_ino)) is None:
        assert time.monotonic() < deadline, "nobody writes"
    killed(pid)


def _writer_of(inode: int) -> int | None:
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        words = line.split()
        # `1: POSIX ADVISORY WRITE 4711 08:01:1234 120 120`, and `1: -> …` of who waits.
        if len(words) != 8 or words[3] != "WRITE" or words[5].rpartition(":")[2] != str(inode):
            continue
        if int(words[6]) <= _WRITING <= int(words[7] if words[7] != "EOF" else words[6]) and int(words[4]) > 0:
            return int(words[4])
    return None


def _kill_backend(postgres: PostgresServer, chance: random.Random) -> None:
    assert postgres.pid is not None
    serving = [one for one in psutil.Process(postgres.pid).children(recursive=True) if "_app" in " ".join(_said(one))]
    killed(chance.choice(serving).pid)


def _said(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []
