"""
`authserver demo`: both servers on this machine, with two tenants, their people, and applications to log in with.

Everything lives in one folder: `env` (settings), `kek` (the wrapping key), the databases, and `demo.json` with what a script
needs to know. The three that hold secrets can be read by their owner alone. A second start finds the folder and goes on.
"""

import asyncio
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Self

import typer

from authserver.cli.operator import AsJson, examples, fail

HOST = "127.0.0.1"
FOLDER = Path("demo-data")
_PORTS = (9000, 9001)
_PATIENCE_S = 30.0

_MARKER = "env"
"""What makes a folder ours: only a folder that has it is ever emptied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where this demo lives: one folder, two ports."""

    folder: Path
    port: int
    mcp_port: int

    @property
    def issuer(self) -> str:
        """The authorization server's name."""
        return f"http://{HOST}:{self.port}"

    @property
    def resource(self) -> str:
        """The MCP server's name, as people type it into a client."""
        return f"http://{HOST}:{self.mcp_port}/mcp"

    @property
    def metadata(self) -> str:
        """What the MCP server says about itself to everybody (RFC 9728 §3.1)."""
        return f"http://{HOST}:{self.mcp_port}/.well-known/oauth-protected-resource/mcp"

    @property
    def facts(self) -> Path:
        """What a script needs to know."""
        return self.folder / "demo.json"


EXAMPLES = examples(
    "authserver demo",
    "authserver demo --tour",
    "authserver demo --fresh --port 9100 --mcp-port 9101 --data-dir /tmp/demo",
)

TENANTS = {
    "acme": ("Acme Furniture", (("alice", "Alice Andersson"), ("bob", "Bob Baker"), ("carol", "Carol Castillo"))),
    "globex": ("Globex Office", (("gina", "Gina Grant"), ("hugo", "Hugo Hansen"), ("iris", "Iris Ito"))),
}
"""Each tenant's name and people; the first is an ordinary user, the others are approvers too."""


def demo(
    port: Annotated[
        int, typer.Option(help="The authorization server's port; 0 takes a free one.", min=0, max=65535)
    ] = (_PORTS[0]),
    mcp_port: Annotated[
        int, typer.Option(help="The example MCP server's port; 0 takes a free one.", min=0, max=65535)
    ] = (_PORTS[1]),
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.", metavar="DIR")] = FOLDER,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier demo left in DIR.")] = False,
    tour: Annotated[bool, typer.Option("--tour", help="Let a scripted client walk through it, then end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start an authorization server and a guarded example MCP server on this machine, ready to log in to.

    It makes the tenants acme and globex with people, applications and orders in DIR, writes DIR/demo.json, says what to
    try, and runs until Ctrl-C. A second start with the same DIR keeps the data.
    """
    missing = [name for name in ("examples.orders", "mcp") if _is_missing(name)]
    if missing:
        fail(
            f"the demo needs {' and '.join(missing)}: run it from a checkout, with the extras server and mcp installed."
        )
    place = Place(folder=data_dir.resolve(), port=port or _free_port(), mcp_port=mcp_port or _free_port())
    if tour and not fresh and _is_running(place):
        raise SystemExit(_walk(_known_facts(place), place, as_json=as_json))
    _claim(place)
    for number, option in ((place.port, "--port"), (place.mcp_port, "--mcp-port")):
        if not _is_free(number):
            fail(f"port {number} of {HOST} is taken: end what runs there, or choose another with {option}.")
    if place.port == place.mcp_port:
        fail("--port and --mcp-port must differ.")
    if fresh:
        _forget(place.folder)
    facts = asyncio.run(_prepared(place))
    with Servers(place, facts) as servers:
        servers.start()
        if tour:
            raise SystemExit(_walk(facts, place, as_json=as_json))
        if as_json:
            print(json.dumps({"issuer": place.issuer, "resource": place.resource, "facts": str(place.facts)}))
        else:
            print(_what_to_try(place, facts))
        print("ready", flush=True)
        servers.watch()


def _walk(facts: dict[str, Any], place: Place, *, as_json: bool) -> int:
    from authserver.cli.tour import walk_through

    return asyncio.run(walk_through(facts, place.folder, as_json=as_json))


def _is_missing(module: str) -> bool:
    try:
        return find_spec(module) is None
    except ModuleNotFoundError:
        return True


# ---------------------------------------------------------------------------------------------------------------------
# The data
# ---------------------------------------------------------------------------------------------------------------------


def _claim(place: Place) -> None:
    """Make the folder ours until this process ends: a second demo in it would move the first one's data to other ports."""
    try:
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(place.folder, os.O_RDONLY)
    except OSError as error:
        fail(f"{place.folder} cannot be used: {error.strerror}. Name another folder with --data-dir.")
    if not os.access(place.folder, os.W_OK | os.X_OK):
        fail(f"{place.folder} cannot be written to. Name another folder with --data-dir.")
    if sys.platform == "win32":
        return
    import fcntl

    try:
        # Never closed: the lock ends with the process, however that ends.
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        facts = _known_facts(place)
        where = f" at {facts['issuer']} and {facts['resource']}" if facts else ""
        fail(
            f"a demo is running{where} with the data of {place.folder}: end it, "
            "or start a second one beside it with --port, --mcp-port and --data-dir. "
            "`--tour` with the ports of the first walks through that one."
        )


def _forget(folder: Path) -> None:
    if not any(folder.iterdir()):
        return
    if not (folder / _MARKER).exists():
        fail(f"--fresh: {folder} was not made by a demo, so it is left alone. Name another --data-dir.")
    # The folder itself stays: the lock is on it.
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on; it is never seen half written."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


async def _prepared(place: Place) -> dict[str, Any]:
    """Return the facts of `demo.json`, having made whatever was missing."""
    from authserver.app import close_machines, open_machines
    from authserver.runtime import migration
    from authserver.runtime.vault import LocalKeyEncryption
    from authserver.settings import load_settings

    kek = place.folder / "kek"
    if not kek.exists():
        _private(kek, LocalKeyEncryption.generate())
    settings = {
        "ISSUER": place.issuer,
        "HOST": HOST,
        "PORT": place.port,
        "DATABASE_URL": f"sqlite:///{place.folder / 'authserver.db'}",
        "KEK_FILE": kek,
        "LOG_LEVEL": "warning",
    }
    _private(
        place.folder / _MARKER,
        "# Written by `authserver demo`; `--data-dir` of every other command reads it.\n"
        + "".join(f"AUTHSERVER_{name}={value}\n" for name, value in settings.items()),
    )
    loaded = load_settings(place.folder)
    await migration.migrate(loaded.database_url, loaded.database_url)
    known = _known_facts(place)
    machines = await open_machines(loaded)
    try:
        facts = await _Making(machines, place, known).all()
    finally:
        await close_machines(machines)
    _private(place.facts, json.dumps(facts, indent=2) + "\n")
    return facts


def _known_facts(place: Place) -> dict[str, Any]:
    try:
        facts = json.loads(place.facts.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        fail(f"{place.facts} cannot be read. `--fresh` begins anew.")
    return facts if isinstance(facts, dict) else {}


class _Making:
    """Makes what is not there yet, so that a second start, or one with other ports, finds the rest as it was."""

    def __init__(self, machines: Any, place: Place, known: dict[str, Any]) -> None:
        self.machines = machines
        self.place = place
        self.known = known

    async def all(self) -> dict[str, Any]:
        """Return the facts of the demo."""
        tenants = {slug: await self._tenant(slug, name) for slug, (name, _) in TENANTS.items()}
        tools = await self._resource(tenants)
        users = [
            await self._user(tenants[slug], slug, login, name, approves=number > 0)
            for slug, (_, people) in TENANTS.items()
            for number, (login, name) in enumerate(people)
        ]
        from authserver.domain.clients.client import DEVICE_CODE

        interactive = ("authorization_code", "refresh_token")
        loopback = ("http://127.0.0.1/callback", "http://localhost/callback")
        robot = "orders:read customers:read"
        clients = [
            await self._client(
                "Demo app", tenant=None, auth="none", grants=(*interactive, DEVICE_CODE), redirects=loopback
            ),
            await self._client(
                "Acme robot",
                tenant=("acme", tenants["acme"]),
                auth="client_secret_basic",
                grants=("client_credentials",),
                scope=robot,
            ),
            await self._client(
                "Globex robot",
                tenant=("globex", tenants["globex"]),
                auth="client_secret_basic",
                grants=("client_credentials",),
                scope=robot,
            ),
        ]
        admin = await self._client(
            "Demo admin", tenant=None, auth="client_secret_basic", grants=("client_credentials",), scope="admin"
        )
        guard = await self._client(
            "Orders server", tenant=None, auth="client_secret_basic", grants=(), speaks_for=self.place.resource
        )
        return {
            "issuer": self.place.issuer,
            "resource": self.place.resource,
            "users": users,
            "clients": clients,
            "admin": {"client_id": admin["client_id"], "client_secret": admin["client_secret"], "scope": "admin"},
            "resource_server": {
                "client_id": guard["client_id"],
                "client_secret": guard["client_secret"],
                "resource": self.place.resource,
            },
            "tools": tools,
            "tenants": [{"slug": slug, "name": TENANTS[slug][0], "id": tenants[slug]} for slug in tenants],
        }

    async def _commit(self, work: Any, what: str) -> None:
        if not await work.commit():
            fail(
                f"{what} could not be made: another demo is using {self.place.folder}. End it, or name another folder."
            )

    async def _tenant(self, slug: str, name: str) -> str:
        from authserver.domain.tenants import tenant as tenants

        found = await tenants.by_slug(self.machines.work(), slug)
        if found is None:
            work = self.machines.work()
            found = tenants.add(work, slug=slug, name=name)
            await self._commit(work, f"tenant {slug}")
        if found.default_resource != self.place.resource:
            work = self.machines.work()
            tenants.change(work, found, default_resource=self.place.resource)
            await self._commit(work, f"tenant {slug}")
        return str(found.id)

    async def _resource(self, tenants: dict[str, str]) -> list[dict[str, Any]]:
        from authserver.domain.resources import resource as resources
        from examples.orders.server import NAME, POLICY, SCOPES, orders_server
        from examples.orders.shelf import open_engine

        described = {tool.name: tool for tool in await orders_server(open_engine("sqlite://")).list_tools()}
        tools = [
            resources.Tool(
                name=name,
                sensitivity=policy.tool_class,
                scopes=tuple(sorted(policy.scopes)),
                title=described[name].title or name,
                description=described[name].description or "",
            )
            for name, policy in POLICY.items()
        ]
        scopes = {name: resources.ScopeInfo(description=words) for name, words in SCOPES.items()}
        found = await resources.by_uri(self.machines.work(), self.place.resource)
        work = self.machines.work()
        if found is None:
            resources.add(work, uri=self.place.resource, name=NAME, scopes=scopes, tools=tools)
        elif (found.tools, found.scopes) != (tuple(tools), scopes):
            resources.change(work, found, scopes=scopes, tools=tools)
        await self._commit(work, "the MCP server")
        for slug, tenant_id in tenants.items():
            if found is None or tenant_id not in found.tenants:
                work = self.machines.work()
                resources.link(work, self.place.resource, tenant_id)
                await self._commit(work, f"the MCP server's link to {slug}")
        return [
            {
                "name": tool.name,
                "class": tool.sensitivity,
                "scopes": [*tool.scopes, *([tool.own_scope] if tool.own_scope else [])],
                "approval": False,
            }
            for tool in tools
        ]

    async def _user(self, tenant_id: str, slug: str, login: str, name: str, *, approves: bool) -> dict[str, Any]:
        from authserver.domain.users import user as users

        email = f"{login}@{slug}.example"
        roles = ("member", "approver") if approves else ("member",)
        kept = self._remembered("users", email=email)
        person = await users.person_by_email(self.machines.work(), email)
        if person is None or kept is None:
            password = secrets.token_urlsafe(12)
            hashed = await self.machines.passwords.hash(password)
            work = self.machines.work(tenant=tenant_id)
            if person is None:
                person_id = users.add_person(work, email=email, name=name, password_hash=hashed)
                users.add_member(work, person_id=person_id, roles=roles)
            else:
                await users.set_password(work, person.id, hashed)
            await self._commit(work, email)
            kept = {"tenant": slug, "email": email, "password": password, "roles": list(roles)}
        return kept

    async def _client(
        self,
        name: str,
        *,
        tenant: tuple[str, str] | None,
        auth: str,
        grants: tuple[str, ...],
        redirects: tuple[str, ...] = (),
        scope: str = "",
        speaks_for: str = "",
    ) -> dict[str, Any]:
        from authserver.domain.clients import registry

        kept = self._kept_client(name, speaks_for)
        found = None if kept is None else await registry.find(self.machines.work(), kept["client_id"])
        if kept is not None and found is not None:
            if found.is_machine:
                # A machine ends unless somebody renews it; whoever starts the demo again is somebody.
                work = self.machines.work()
                registry.renew(work, found)
                await self._commit(work, name)
            return kept
        work = self.machines.work(tenant=tenant[1] if tenant else "*")
        made = registry.add(
            work,
            name=name,
            auth_method=auth,
            grant_types=grants,
            redirect_uris=redirects,
            scope=tuple(scope.split()),
            speaks_for=speaks_for,
        )
        await self._commit(work, name)
        facts: dict[str, Any] = {"name": name, "client_id": made.client.id}
        if made.secret is not None:
            facts["client_secret"] = made.secret
        return facts | {
            "token_endpoint_auth_method": auth,
            "redirect_uris": list(redirects),
            "grant_types": list(grants),
            "tenant": tenant[0] if tenant else None,
        }

    def _kept_client(self, name: str, speaks_for: str) -> dict[str, Any] | None:
        if name == "Demo admin":
            kept = self.known.get("admin")
        elif speaks_for:
            kept = self.known.get("resource_server")
            if kept is not None and kept.get("resource") != speaks_for:
                return None
        else:
            return self._remembered("clients", name=name)
        return kept if isinstance(kept, dict) else None

    def _remembered(self, kind: str, **like: str) -> dict[str, Any] | None:
        for entry in self.known.get(kind, []):
            if all(entry.get(member) == value for member, value in like.items()):
                return dict(entry)
        return None


# ---------------------------------------------------------------------------------------------------------------------
# The processes
# ---------------------------------------------------------------------------------------------------------------------


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server would: a port that is only cooling down after the last run counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_running(place: Place) -> bool:
    """Whether the demo of this folder answers already, so that a tour can walk through it as it is."""
    import httpx2

    facts = _known_facts(place)
    if (facts.get("issuer"), facts.get("resource")) != (place.issuer, place.resource):
        return False
    try:
        with httpx2.Client(timeout=2, trust_env=False) as client:
            about = client.get(place.metadata)
            return client.get(f"{place.issuer}/readyz").status_code == 200 and about.status_code == 200
    except httpx2.TransportError:
        return False


def _dies_with_us() -> Callable[[], None] | None:
    """Return what a child does first so that it cannot outlive a demo that was killed hard; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGTERM)


class _StopAsked(Exception):
    """Somebody pressed Ctrl-C, or sent SIGTERM."""


class Servers:
    """The two child processes. Leaving the block ends both, calmly if they let us."""

    def __init__(self, place: Place, facts: dict[str, Any]) -> None:
        self.place = place
        self.facts = facts
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take over the signals that end us."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._asked_to_stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        """End both servers; a wish to stop is not an error."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)
        for _, child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + 10
        for _, child in reversed(self._children):
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        return kind is _StopAsked

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        raise _StopAsked

    def start(self) -> None:
        """Start both and return when both answer."""
        shops = [f"--shop={tenant['slug']}={tenant['id']}" for tenant in self.facts["tenants"]]
        folder = self.place.folder
        self._run("the authorization server", ["authserver", "serve", "--data-dir", str(folder)])
        self._run(
            "the example MCP server",
            [
                *("examples.orders", "--issuer", self.place.issuer, "--host", HOST, "--port", str(self.place.mcp_port)),
                *("--database", f"sqlite:///{folder / 'orders.db'}", *shops),
            ],
        )
        self._wait_until_all_answer([f"{self.place.issuer}/readyz", self.place.metadata])

    def watch(self) -> None:
        """Return only when a server ends by itself, which is a failure."""
        while True:
            self._fail_if_one_ended()
            time.sleep(0.5)

    def _run(self, name: str, words: Sequence[str]) -> None:
        # A session of its own: a Ctrl-C in the terminal reaches us alone, and we end them in order.
        child = subprocess.Popen(  # noqa: S603 - our own modules with our own arguments
            [sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=_dies_with_us(),  # noqa: PLW1509 - nothing else runs in this process yet
        )
        self._children.append((name, child))

    def _fail_if_one_ended(self) -> None:
        for name, child in self._children:
            if child.poll() is not None:
                fail(f"{name} ended by itself (exit code {child.returncode}); what it said stands above.")

    def _wait_until_all_answer(self, urls: list[str]) -> None:
        import httpx2

        deadline = time.monotonic() + _PATIENCE_S
        with httpx2.Client(timeout=2, trust_env=False) as client:
            waiting = list(urls)
            while waiting:
                self._fail_if_one_ended()
                try:
                    if client.get(waiting[0]).status_code == 200:
                        waiting.pop(0)
                        continue
                except httpx2.TransportError:
                    pass
                if time.monotonic() > deadline:
                    fail(f"{waiting[0]} does not answer after {_PATIENCE_S:.0f} s.")
                time.sleep(0.05)


def _command() -> str:
    """Return how this shell can call us: the script on PATH, the one in the virtual environment, or the module."""
    if shutil.which("authserver"):
        return "authserver"
    script = Path(sys.executable).with_name("authserver")
    if not script.exists():
        return f"{sys.executable} -m authserver"
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else str(script)


def _what_to_try(place: Place, facts: dict[str, Any]) -> str:
    app = facts["clients"][0]
    shown = "\n".join(
        f"    {user['email']:<22} {user['password']:<18} {', '.join(user['roles'])}" for user in facts["users"]
    )
    folder = place.folder
    command = _command()
    tour = f"{command} demo --tour --data-dir {folder} --port {place.port} --mcp-port {place.mcp_port}"
    if (place.port, place.mcp_port, folder) == (*_PORTS, FOLDER.resolve()):
        tour = "make tour"
    return f"""
Authorization server   {place.issuer}
Example MCP server     {place.resource}   (orders, customers and tickets of two tenants)
Everything is in       {folder}   (demo.json has it all for scripts)

People you can log in as
{shown}

Connect a real client
  Give it this client id: it is public and may redirect to any loopback port, path /callback
    {app["client_id"]}
  Claude Code   claude mcp add --transport http --client-id {app["client_id"]} --callback-port 33418 orders {place.resource}
  VS Code       "MCP: Add Server", HTTP, {place.resource}; give the client id when it asks
  Python SDK    OAuthClientProvider with a stored client record; examples/orders/README.md has it

See it by hand
  {place.issuer}/account      what somebody has connected, and how they end it
  curl -i -X POST {place.resource}      a 401 that says where to log in
  {command} tenant list --data-dir {folder}
  {command} user list --tenant acme --data-dir {folder}

Let a script walk through it, from another terminal
  {tour}

Ctrl-C ends both servers and keeps the data.
"""
