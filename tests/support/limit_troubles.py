"""
A shared store of limits that a test ends, hangs, slows down and brings back: a real Valkey or PostgreSQL of our own, behind a wire.
"""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psutil
import pytest

from tests.support.postgres import PostgresServer, postgres_server
from tests.support.slow import Wire, wire_to
from tests.support.valkey import ValkeyProcess

TROUBLES = ["ended", "hung", "slow"]


class Troubled:
    """A store that can be ended, frozen and slowed down. `url` is of this end of the wire."""

    url: str

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def end(self) -> None:
        """End it; what it kept in memory is gone."""
        raise NotImplementedError

    def begin(self) -> None:
        """Start it again."""
        raise NotImplementedError

    def hang(self) -> None:
        """Let it accept everybody and answer nobody."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Let it go on."""
        raise NotImplementedError

    def trouble(self, word: str, *, late_s: float = 30.0) -> None:
        """Get it out of the way."""
        match word:
            case "ended":
                self.end()
            case "hung":
                self.hang()
            case "slow":
                self.wire.delay = late_s

    def over(self, word: str) -> None:
        """Bring it back."""
        match word:
            case "ended":
                self.begin()
            case "hung":
                self.go_on()
            case "slow":
                self.wire.delay = 0.0


class TroubledValkey(Troubled):
    """A Valkey behind a wire. It keeps nothing when it ends."""

    def __init__(self, process: ValkeyProcess, wire: Wire) -> None:
        super().__init__(wire)
        self.process = process
        self.url = f"redis://127.0.0.1:{wire.port}/0"

    def end(self) -> None:
        self.process.stop()

    def begin(self) -> None:
        self.process.start()

    def hang(self) -> None:
        self.process.freeze()

    def go_on(self) -> None:
        self.process.thaw()


class TroubledPostgres(Troubled):
    """A PostgreSQL behind a wire, with a database of its own. It forgets nothing."""

    def __init__(self, server: PostgresServer, wire: Wire) -> None:
        super().__init__(wire)
        self.server = server
        self.direct = server.empty_database().owner
        self.url = self.direct.replace(f":{_port(server)}/", f":{wire.port}/")

    def end(self) -> None:
        self.server.end()

    def begin(self) -> None:
        self.server.start_again()

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for process in psutil.Process(self.server.pid).children(recursive=True):
            os.kill(process.pid, number)


def _port(server: PostgresServer) -> int:
    return int(server.admin_url.rsplit(":", 1)[1].split("/")[0])


@contextlib.contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """Yield a server of our own, whatever TEST_DATABASE_URL says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEST_DATABASE_URL", raising=False)
        with postgres_server() as server:
            yield server


@contextlib.asynccontextmanager
async def behind_a_wire(server: Any) -> AsyncIterator[Troubled]:
    """Yield a Valkey process or a PostgreSQL server behind a wire."""
    is_valkey = isinstance(server, ValkeyProcess)
    async with wire_to(server.port if is_valkey else _port(server)) as wire:
        yield TroubledValkey(server, wire) if is_valkey else TroubledPostgres(server, wire)
