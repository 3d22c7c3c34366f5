"""
A server in process, with a database of its own, a clock set by hand and the world of `world.py`.

The world is made once per database in a template; every test gets a copy (of a file, or `CREATE DATABASE … TEMPLATE`).
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from authserver.app import create_app
from authserver.domain.resources.resource import Tool
from authserver.opening import close_machines, open_machines
from authserver.runtime.machines import Machines
from authserver.runtime.migration import migrate
from authserver.runtime.outbound import Outbound
from authserver.runtime.vault import LocalKeyEncryption
from authserver.settings import Settings
from authserver.web.application import Application
from tests.support import world as worlds
from tests.support.browser import Browser, Page
from tests.support.clock import HandClock
from tests.support.oauth_client import OAuthClient
from tests.support.operator import Operator
from tests.support.postgres import PostgresServer, blocking
from tests.support.world import World

ISSUER = "http://127.0.0.1:9000"

DATABASES = ("sqlite", "postgresql")


_CHECKED: dict[str, Settings] = {}


def settings_for(kek: str, database_url: str, **changed: Any) -> Settings:
    """Return the settings of a test server: as in production, but for cheap passwords."""
    wanted = {"issuer": ISSUER, "password_memory_kib": 8, "password_time_cost": 1, **changed}
    # Checking them costs more than opening the database; each test differs in where that is alone.
    key = repr(sorted(wanted.items()))
    if key not in _CHECKED:
        _CHECKED[key] = Settings(kek=SecretStr(kek), database_url=database_url, **wanted)
    return _CHECKED[key].model_copy(update={"kek": SecretStr(kek), "database_url": database_url})


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one database is, and how to look at its bytes from outside."""

    kind: str
    url: str
    discard: Callable[[], None]


class Templates:
    """The world, made once per kind of database."""

    def __init__(self, folder: Path, postgres: Callable[[], PostgresServer]) -> None:
        self.kek = LocalKeyEncryption.generate()
        self.folder = folder
        self._postgres = postgres
        self._made: dict[str, tuple[str, World]] = {}

    def copy(self, kind: str) -> tuple[Place, World]:
        """Return a fresh copy of the world."""
        if kind not in self._made:
            self._made[kind] = self._make_sqlite() if kind == "sqlite" else self._make_postgresql()
        template, world = self._made[kind]
        if kind == "sqlite":
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            shutil.copyfile(template, folder / "authserver.db")
            return (
                Place(kind=kind, url=f"sqlite:///{folder}/authserver.db", discard=lambda: shutil.rmtree(folder)),
                world,
            )
        made = self._postgres().copy_of(template)
        return Place(kind=kind, url=made.app, discard=lambda: self._postgres().drop(made.name)), world

    def _make_sqlite(self) -> tuple[str, World]:
        path = self.folder / "template.db"
        world = blocking(self._build(f"sqlite:///{path}", None))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return str(path), world

    def _make_postgresql(self) -> tuple[str, World]:
        made = self._postgres().database()
        return made.name, blocking(self._build(made.app, made.owner))

    def renew(self, place: Place, world: World) -> None:
        """Give the machines of a copy their time from today's clock on, for real processes."""

        async def job() -> None:
            machines = await open_machines(settings_for(self.kek, place.url))
            try:
                await worlds.renew_machines(machines, world)
            finally:
                await close_machines(machines)

        blocking(job())

    async def _build(self, url: str, owner_url: str | None) -> World:
        if owner_url is None:
            await migrate(url, url)
        machines = await open_machines(settings_for(self.kek, url), clock=HandClock())
        try:
            return await worlds.build(machines)
        finally:
            await close_machines(machines)


class Server:
    """One running server and everybody who can talk to it."""

    tools: tuple[Tool, ...] = worlds.TOOLS

    def __init__(
        self, *, settings: Settings, clock: HandClock, world: World, place: Place, outbound: Outbound | None = None
    ) -> None:
        self.settings = settings
        self.outbound = outbound
        self.clock = clock
        self.world = world
        self.place = place
        self.app: Application
        self.http: httpx2.AsyncClient
        self._browsers: list[Browser] = []
        self._clients: list[httpx2.AsyncClient] = []

    async def start(self) -> None:
        """Open it, without housekeeping: the test's hand is the clock."""
        self.app = create_app(self.settings, clock=self.clock, with_jobs=False, outbound=self.outbound)
        await self.app.start()
        self.http = self.http_from("127.0.0.1")

    async def stop(self) -> None:
        """Close it."""
        for client in self._clients:
            await client.aclose()
        for browser in self._browsers:
            await browser.close()
        self._clients.clear()
        self._browsers.clear()
        await self.app.stop()

    async def restart(self) -> None:
        """Begin a new process on the same database."""
        await self.stop()
        await self.start()

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    @property
    def now(self) -> int:
        """Seconds since the epoch, as the server reads them."""
        return self.clock.now

    @property
    def machines(self) -> Machines:
        assert self.app.machines is not None
        return self.app.machines

    @property
    def operator(self) -> Operator:
        return Operator(machines=self.machines, world=self.world)

    def transport(self, address: str = "127.0.0.1") -> httpx2.ASGITransport:
        return httpx2.ASGITransport(app=self.app, client=(address, 40000))

    def http_from(self, address: str) -> httpx2.AsyncClient:
        """Return a client without cookies or redirects at some address."""
        client = httpx2.AsyncClient(transport=self.transport(address), base_url=self.issuer, timeout=60)
        self._clients.append(client)
        return client

    def browser(self, address: str = "127.0.0.1") -> Browser:
        """Return a new person's browser."""
        browser = Browser(self.transport(address), self.issuer)
        self._browsers.append(browser)
        return browser

    def client(self, letter: str, *, address: str | None = None, **changed: Any) -> OAuthClient:
        """Return a client of the world, changed where the test says so."""
        app = replace(self.world.clients[letter], **changed)
        return OAuthClient(server=At(self, address) if address else self, app=app)

    async def raw(
        self,
        path: str,
        *,
        method: str = "GET",
        query: bytes = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
        body: bytes | list[bytes] = b"",
        raw_path: bytes | None = None,
    ) -> httpx2.Response:
        """Send a request that no well-behaved client would: the path as the ASGI server would pass it on."""
        sent = raw_path if raw_path is not None else path.encode()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": httpx2.URL("http://x" + path).path if raw_path is None and "%" in path else path,
            "raw_path": sent, "query_string": query, "root_path": "",
            "headers": headers if headers is not None else [(b"host", b"127.0.0.1:9000")],
            "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 9000),
        }  # fmt: skip
        chunks = [body] if isinstance(body, bytes) else list(body)
        given: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if chunks:
                return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            given.append(message)

        await self.app(scope, receive, send)
        return httpx2.Response(
            given[0]["status"],
            headers=given[0]["headers"],
            content=b"".join(part.get("body", b"") for part in given[1:]),
        )

    def is_error_page(self, page: Page) -> bool:
        """Whether this is our error page: 400, HTML, going nowhere, and no code anywhere."""
        assert "location" not in page.response.headers, page.response.headers["location"]
        assert 400 == page.status, (page.status, page.text[:300])
        assert page.response.headers["content-type"].startswith("text/html")
        assert "http-equiv" not in page.response.text.lower()
        return True

    def bytes_at_rest(self) -> bytes:
        """Return every byte that SQLite has written, the write-ahead log included."""
        assert self.place.kind == "sqlite"
        file = Path(self.place.url.removeprefix("sqlite:///"))
        return b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))

    async def count_live_branches(self, app: OAuthClient, refresh_tokens: set[str]) -> int:
        """Return how many of these tokens, used one after the other past any replay window, still give a new one."""
        live = 0
        for token in refresh_tokens:
            live += (await app.refresh(token)).ok
        return live

    async def together(self, *calls: Awaitable[Any]) -> list[Any]:
        """Run calls at once and return what each gave."""
        return list(await asyncio.gather(*calls))

    async def authlib_flow(self, letter: str, who: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Walk code and refresh with authlib's client; see `support/authlib_client.py`."""
        from tests.support.authlib_client import flow

        return await flow(self, self.world.clients[letter], who)


class At:
    """The same server as seen from another address."""

    def __init__(self, server: Server, address: str) -> None:
        self._server = server
        self._address = address
        self.http = server.http_from(address)

    def browser(self) -> Browser:
        return self._server.browser(self._address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)
