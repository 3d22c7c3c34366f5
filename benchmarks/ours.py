"""
Our server, started for one round as anybody would: `migrate`, a tenant filled through the domain, `serve`.

Both stores are durable as they come: SQLite with `synchronous=FULL`, PostgreSQL with synchronous commits and row-level
security. Nothing is switched off: every token is recorded and every event is written. Two settings are raised, the limits of
token requests and of introspections per client, because the load is one client.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authserver.domain.clients import registry
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import ScopeInfo, Tool
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user as users
from authserver.opening import close_machines, open_machines
from authserver.runtime.machines import Machines
from authserver.runtime.migration import migrate
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import LocalKeyEncryption
from authserver.settings import Settings, load_settings
from benchmarks.children import Child, free_port
from benchmarks.targets import REDIRECT_URI, RESOURCE, SCOPES, Account, Client, Target
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parent.parent


@contextmanager
def running(
    scratch: Path,
    *,
    store: str,
    core: int | None,
    postgres: PostgresServer | None,
    people: int,
    workers: int = 1,
) -> Iterator[Target]:
    """Run our server on a store: `sqlite FULL` or `postgresql`."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    lines = {
        "TOKEN_REQUESTS_PER_MINUTE": 10_000_000,
        "INTROSPECTIONS_PER_MINUTE": 10_000_000,
        "PAGE_REQUESTS_PER_MINUTE": 10_000_000,
        "RECORD_MIB_PER_MINUTE": 1_000_000,
        "ISSUER": issuer,
        "PORT": port,
        "WORKERS": workers,
        "KEK": LocalKeyEncryption.generate().strip(),
    }
    if store == "postgresql":
        assert postgres is not None
        database = postgres.empty_database()
        lines |= {"DATABASE_URL": database.app, "DATABASE_OWNER_URL": database.owner}
    else:
        lines |= {"DATABASE_URL": f"sqlite:///{scratch / 'ours.db'}"}
    (scratch / "env").write_text("".join(f"AUTHSERVER_{name}={value}\n" for name, value in lines.items()))
    accounts = tuple(
        Account(email=f"person{number}@example.com", password=secrets.token_urlsafe(12)) for number in range(people)
    )
    machine, web, native, resource_server = asyncio.run(_filled(load_settings(scratch), accounts))

    child = Child(
        [sys.executable, "-m", "authserver", "serve", "--data-dir", scratch],
        log=scratch / "ours.log",
        core=core,
        folder=ROOT,
    )
    try:
        first_answer_s = child.wait_for(f"{issuer}/.well-known/oauth-authorization-server")
        yield Target(
            name="ours",
            store=store,
            port=port,
            pid=child.pid,
            database_pid=postgres.pid if store == "postgresql" and postgres else None,
            issuer=issuer,
            machine=machine,
            web=web,
            native=native,
            resource_server=resource_server,
            introspected=RESOURCE,
            accounts=accounts,
            first_answer_s=first_answer_s,
        )
    finally:
        child.stop()


async def _filled(settings: Settings, accounts: tuple[Account, ...]) -> tuple[Client, Client, Client, Client]:
    """Migrate the database and make one tenant with its MCP server, its people, three clients and the server's credential."""
    owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else settings.database_url
    await migrate(owner, settings.database_url)
    machines = await open_machines(settings)
    try:
        work = machines.work()
        tenant = tenants.add(work, slug="acme", name="Acme")
        await _committed(work)

        work = machines.work()
        resources.add(
            work,
            uri=RESOURCE,
            name="Orders",
            scopes={scope: ScopeInfo(description=f"Use {scope}") for scope in SCOPES},
            tools=[
                Tool(name=f"tool_{number}", sensitivity="read", scopes=(scope,)) for number, scope in enumerate(SCOPES)
            ],
        )
        resources.link(work, RESOURCE, tenant.id)
        await _committed(work)

        for account in accounts:
            await _person(machines, tenant.id, account)

        work = machines.work(tenant=tenant.id)
        interactive = ("authorization_code", "refresh_token")
        made = (
            _client(work, "Machine", "client_secret_basic", ("client_credentials",)),
            _client(work, "Web", "client_secret_basic", interactive, REDIRECT_URI),
            _client(work, "Native", "none", interactive, REDIRECT_URI),
        )
        await _committed(work)

        work = machines.work(tenant=SHARED)
        server = registry.add(
            work, name="Orders server", auth_method="client_secret_basic", grant_types=(), speaks_for=RESOURCE
        )
        await _committed(work)
        return *made, Client(id=server.client.id, secret=server.secret)
    finally:
        await close_machines(machines)


def _client(work: UnitOfWork, name: str, auth_method: str, grant_types: tuple[str, ...], *redirect_uris: str) -> Client:
    made = registry.add(
        work,
        name=f"Benchmark {name}",
        auth_method=auth_method,
        grant_types=grant_types,
        redirect_uris=redirect_uris,
        scope=SCOPES,
        resources=(RESOURCE,),
        default_resource=RESOURCE,
    )
    return Client(id=made.client.id, secret=made.secret)


async def _person(machines: Machines, tenant: str, account: Account) -> None:
    work = machines.work(tenant=tenant)
    hashed = await machines.passwords.hash(account.password)
    person_id = users.add_person(work, email=account.email, name=account.email.partition("@")[0], password_hash=hashed)
    users.add_member(work, person_id=person_id)
    await _committed(work)


async def _committed(work: UnitOfWork) -> None:
    if not await work.commit():
        raise RuntimeError("the benchmark's data could not be written")
