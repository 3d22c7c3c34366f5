"""
What is stopped, and where: a real server with its database, tenants with somebody to stop in each, guards and the wire between.

The server runs as anybody would run it. Whatever is stopped is stopped from this process by the domain's own calls, as the command
line does it: another process commits, and the server has to notice.
"""

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from authserver.domain.clients import registry
from authserver.domain.clients.registry import NewClient
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import ScopeInfo, Tool
from authserver.domain.revocation import tail
from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.stopping import stopping
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import access_token, authorization
from authserver.domain.tokens.authorization import Profile
from authserver.opening import close_machines, open_machines
from authserver.runtime.identifiers import new_id
from authserver.runtime.machines import Machines
from authserver.runtime.migration import migrate
from authserver.runtime.schema import SHARED
from authserver.runtime.vault import LocalKeyEncryption
from authserver.settings import Settings, load_settings
from benchmarks.children import Child, free_port
from benchmarks.stop.cable import Fault
from benchmarks.stop.guard_process import OTHER_WRITE, WRITE, Setup, Watched
from resource_lib.wire.control import Kind
from tests.support.postgres import PostgresDatabaseURLs

ROOT = Path(__file__).resolve().parents[2]
RESOURCE = "https://mcp.stop.example/mcp"
BY = By(tenant="*", label="benchmark")
KINDS = ("token", "authorization", "user", "client", "tool", "tenant", "resource")
_PATIENCE_S = 60.0
_SCOPES = ("orders:read", "orders:write", f"tool:{WRITE}", f"tool:{OTHER_WRITE}")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Somebody who calls a tool at every guard until they are stopped."""

    id: str
    kind: str
    tenant: str
    sub: str
    client_id: str
    authorization_id: str
    token: str = field(repr=False)
    tool: str = WRITE

    @property
    def target(self) -> Target:
        """What is killed."""
        kind = Kind(self.kind)
        members: dict[str, str] = {
            Kind.USER: {"sub": self.sub},
            Kind.CLIENT: {"client_id": self.client_id},
            Kind.TENANT: {},
            Kind.RESOURCE: {"resource": RESOURCE},
            Kind.TOOL: {"resource": RESOURCE, "tool": self.tool},
        }[kind]
        return Target(kind=kind, tenant=self.tenant, **members)


@dataclass(kw_only=True)
class Deployment:
    """One running server and everything around it."""

    folder: Path
    settings: Settings
    machines: Machines
    tenants: list[str]
    """The first is never stopped itself."""
    credential: tuple[str, str]
    cable: "Program"
    setup: Setup
    guards: list["Program"] = field(default_factory=list)
    server: Child | None = None
    copies: int = 1

    async def client(self, name: str) -> NewClient:
        """Register a machine client in the first tenant."""
        work = self.machines.work(tenant=self.tenants[0])
        made = registry.add(
            work,
            name=name,
            auth_method="client_secret_basic",
            grant_types=("client_credentials",),
            scope=("orders:read",),
            resources=(RESOURCE,),
            default_resource=RESOURCE,
        )
        assert await work.commit()
        return made

    async def subject(self, kind: str, tenant: str, *, client_id: str = "") -> Subject:
        """Make somebody new, with a token that counts from now on."""
        await tail.look(self.machines.work())
        work = self.machines.work(tenant=tenant)
        made = authorization.start(
            work,
            authorization_id=new_id("az"),
            issuer_path="",
            sub=new_id("sub"),
            client_id=client_id or new_id("cli"),
            resource=RESOURCE,
            scope=_SCOPES,
            profile=Profile.INTERACTIVE,
            acr="urn:authserver:password",
            amr=("pwd",),
            auth_time=work.now,
        )
        token = access_token.mint(
            work, await key_ring(work, ""), made, issuer=self.settings.issuer, scope=_SCOPES, roles=("member",)
        )
        assert await work.commit()
        return Subject(
            id=new_id("s"),
            kind=kind,
            tenant=tenant,
            sub=made.sub,
            client_id=made.client_id,
            authorization_id=made.id,
            token=token.token,
            # Another tool than everybody else's, so that it is stopped for nobody else.
            tool=OTHER_WRITE if kind == "tool" else WRITE,
        )

    async def stop(self, subject: Subject) -> tuple[float, float]:
        """Stop it; returns the moments before and after the commit. While the database is away nothing is stopped."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            work = self.machines.work()
            try:
                if subject.kind == "token":
                    await stopping.revoke_token(work, subject.token, by=BY, reason="benchmark")
                elif subject.kind == "authorization":
                    await stopping.revoke_authorization(work, subject.authorization_id, by=BY, reason="benchmark")
                else:
                    await stopping.kill(work, subject.target, by=BY, reason="benchmark")
                before = time.monotonic()
                if await work.commit():
                    return before, time.monotonic()
            except Exception:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def revive(self, subject: Subject) -> None:
        """Let the tool, the resource of a tenant be used again."""
        work = self.machines.work()
        await stopping.revive(work, subject.target, by=BY, reason="benchmark")
        assert await work.commit()

    async def fault(self, fault: Fault) -> None:
        """Change the wire."""
        await self.cable.ask(asdict(fault))

    async def watch(self, begin: Sequence[Subject] = (), forget: Sequence[str] = ()) -> list[dict[str, Watched]]:
        """Let every guard be called for these too; returns what each has seen, before it forgets."""
        said = {
            "begin": [{"id": one.id, "token": one.token, "tool": one.tool} for one in begin],
            "forget": list(forget),
        }
        answers = await asyncio.gather(*(guard.ask(said) for guard in self.guards))
        return [{id_: Watched(**seen) for id_, seen in one.items()} for answer in answers for one in answer]

    def start_server(self) -> None:
        """Start it, as `serve` does."""
        self.server = Child(
            [sys.executable, "-m", "authserver", "serve", "--data-dir", self.folder],
            log=self.folder / f"server.{time.monotonic_ns()}.log",
            core=None,
            folder=ROOT,
        )

    def wait_for_server(self) -> None:
        """Return when it answers."""
        assert self.server is not None
        self.server.wait_for(f"http://127.0.0.1:{self.settings.port}/readyz")

    def kill_server(self) -> None:
        """End it in the middle of whatever it does."""
        assert self.server is not None
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.stop()

    def metadata_is_there(self) -> bool:
        """Whether the issuer answers through the wire."""
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.settings.issuer}/jwks.json", timeout=2):
            return True
        return False

    async def start_guards(self, count: int, *, copies: int = 1) -> None:
        """Start guard processes."""
        setup = asdict(self.setup) | {"copies": copies}
        self.copies = copies
        self.guards = [Program("guard_process", folder=self.folder) for _ in range(count)]
        for guard in self.guards:
            await guard.start()
            guard.say(setup)
        await self.watch()

    async def stop_guards(self) -> None:
        """End them."""
        await asyncio.gather(*(guard.stop() for guard in self.guards))
        self.guards = []


class Program:
    """A process of ours that answers one line with one line."""

    def __init__(self, name: str, *words: str, folder: Path) -> None:
        self._command = [sys.executable, "-m", f"benchmarks.stop.{name}", *words]
        self._log = folder / f"{name}.{secrets.token_hex(4)}.log"
        self._process: asyncio.subprocess.Process
        self._turn = asyncio.Lock()

    async def start(self) -> "Program":
        """Run it; it ends when its standard input does, and so when we do."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                limit=256 * 2**20,
            )
        return self

    def say(self, said: dict[str, Any]) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(said).encode() + b"\n")

    async def ask(self, said: dict[str, Any]) -> Any:
        """Send a line and return the answer."""
        async with self._turn:
            self.say(said)
            assert self._process.stdout is not None
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended:\n{self._log.read_text()[-3000:]}")
        return json.loads(line)

    async def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def deployed(
    folder: Path,
    *,
    database: PostgresDatabaseURLs | None,
    customers: int,
    guards: int,
    max_staleness: float = 5.0,
    probes_per_s: float = 20.0,
) -> AsyncIterator[Deployment]:
    """Run all of it: on SQLite, or on a PostgreSQL database that is empty."""
    listen, port = free_port(), free_port()
    lines = {
        "ISSUER": f"http://127.0.0.1:{listen}",
        "PORT": port,
        "KEK": LocalKeyEncryption.generate().strip(),
        "DATABASE_URL": f"sqlite:///{folder / 'stop.db'}" if database is None else database.app,
        "SERVER_CHECK_SECONDS": 0,
        "TOKEN_REQUESTS_PER_MINUTE": 10_000_000,
    }
    if database is not None:
        lines["DATABASE_OWNER_URL"] = database.owner
    (folder / "env").write_text("".join(f"AUTHSERVER_{name}={value}\n" for name, value in lines.items()))
    settings = load_settings(folder)
    owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else settings.database_url
    await migrate(owner, settings.database_url)
    machines = await open_machines(settings)
    cable = await Program("cable", str(listen), str(port), folder=folder).start()
    running = None
    try:
        places, credential = await _filled(machines, customers)
        setup = Setup(
            issuer=settings.issuer,
            resource=RESOURCE,
            client_id=credential[0],
            client_secret=credential[1],
            max_staleness=max_staleness,
            probes_per_s=probes_per_s,
        )
        running = Deployment(
            folder=folder,
            settings=settings,
            machines=machines,
            tenants=places,
            credential=credential,
            cable=cable,
            setup=setup,
        )
        running.start_server()
        await asyncio.to_thread(running.wait_for_server)
        await running.start_guards(guards)
        yield running
    finally:
        if running is not None:
            await running.stop_guards()
            if running.server is not None:
                running.server.stop()
        await cable.stop()
        await close_machines(machines)


async def _filled(machines: Machines, customers: int) -> tuple[list[str], tuple[str, str]]:
    """Make tenants that share one MCP server, and its credential."""
    work = machines.work()
    resources.add(
        work,
        uri=RESOURCE,
        name="Orders",
        scopes={scope: ScopeInfo(description=scope) for scope in ("orders:read", "orders:write")},
        tools=[Tool(name=name, sensitivity="write", scopes=("orders:write",)) for name in (WRITE, OTHER_WRITE)],
    )
    assert await work.commit()
    made = []
    for number in range(customers):
        work = machines.work()
        made.append(tenants.add(work, slug=f"customer-{number}", name=f"Customer {number}").id)
        resources.link(work, RESOURCE, made[-1])
        assert await work.commit()
    work = machines.work(tenant=SHARED)
    server = registry.add(
        work, name="Orders server", auth_method="client_secret_basic", grant_types=(), speaks_for=RESOURCE
    )
    assert await work.commit()
    assert server.secret is not None
    return made, (server.client.id, server.secret)


def shuffled(seed: int) -> random.Random:
    """Return chances that a second run has again."""
    return random.Random(seed)
