"""
The world every server test begins in, made through the domain's own functions.

The names are those of the attack catalogue: tenants t1 and t2 (and t3, which has an issuer of its own); clients P (public,
web), N (public, native), B (confidential, secret in the header), S (secret in the body), Z (public, without a replay window), M (machine), K (a key of its own), X and Y of t2, G that
belongs to nobody, W of t3, the devices D (public) and F (with a secret) of t1 and E of nobody; people u1, u2 and the approver v1 of t1, u9 of t2, u5 of both, u7 of t3; MCP servers R1 and R2 of t1,
R9 of t2, R7 of t3, R5 of t1 and t2. RS1, RS2, RS5 and RS7 are what these speak to us with; RS5t1 and RS5t2 are tenants' own for R5.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from authserver.domain.clients import registry
from authserver.domain.clients.client import DEVICE_CODE
from authserver.domain.issuers import issuer as issuers
from authserver.domain.keys import rotation
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import ScopeInfo, Tool
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from tests.support import assertions

R1, R2 = "https://mcp1.example/mcp", "https://mcp2.example/mcp"
R5, R7, R9 = "https://mcp5.example/mcp", "https://mcp7.example/mcp", "https://mcp9.example/mcp"

SCOPES = {
    "orders:read": ScopeInfo(description="See orders"),
    "orders:write": ScopeInfo(description="Change orders"),
    "orders:admin": ScopeInfo(description="Administer orders", roles=("admin",)),
}
TOOLS = (
    Tool(name="search_orders", sensitivity="read", scopes=("orders:read",), title="Search orders"),
    Tool(name="update_order", sensitivity="write", scopes=("orders:write",), title="Change an order"),
    Tool(name="refund_order", sensitivity="destructive", scopes=("orders:write",), title="Refund an order"),
    Tool(name="purge_orders", sensitivity="destructive", scopes=("orders:admin",), title="Purge all orders"),
)
READ = "orders:read"
WRITE = "orders:read orders:write tool:update_order"


@dataclass(frozen=True, kw_only=True)
class Someone:
    """A person of the world. `sub` by tenant slug."""

    email: str
    name: str
    password: str
    person_id: str = ""
    subs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Application:
    """A client of the world."""

    name: str
    tenant: str | None
    auth_method: str
    client_id: str = ""
    secret: str | None = None
    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scope: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    default_resource: str = ""
    refresh_replay_seconds: int | None = None
    resource: str = R1
    issuer_path: str = ""
    key: dict[str, Any] | None = None
    speaks_for: str = ""


@dataclass(frozen=True, kw_only=True)
class World:
    """Who and what is there."""

    tenants: dict[str, str]
    people: dict[str, Someone]
    clients: dict[str, Application]


def _person(short: str) -> Someone:
    return Someone(
        email=f"{short}.Person@Example.com",
        name=f"{short.upper()} Findable-Name",
        password=f"correct horse {short} battery",
    )


PEOPLE: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "u1": (("t1", ("member",)),),
    "u2": (("t1", ("member", "admin")),),
    "v1": (("t1", ("approver",)),),
    "u5": (("t1", ("member",)), ("t2", ("member",))),
    "u7": (("t3", ("member",)),),
    "u9": (("t2", ("member",)),),
}

CLIENTS: dict[str, Application] = {
    "P": Application(
        name="Public Web App",
        tenant="t1",
        auth_method="none",
        redirect_uris=("https://p.example/cb", "https://p.example/cb2"),
    ),
    "N": Application(
        name="Native App", tenant="t1", auth_method="none", redirect_uris=("http://127.0.0.1/cb", "http://[::1]/cb")
    ),
    "B": Application(
        name="Basic App", tenant="t1", auth_method="client_secret_basic", redirect_uris=("https://b.example/cb",)
    ),
    "S": Application(
        name="Post App", tenant="t1", auth_method="client_secret_post", redirect_uris=("https://s.example/cb",)
    ),
    "M": Application(
        name="Machine",
        tenant="t1",
        auth_method="client_secret_basic",
        grant_types=("client_credentials",),
        scope=("orders:read", "orders:write"),
        resources=(R1,),
    ),
    "K": Application(
        name="Machine with a Key",
        tenant="t1",
        auth_method="private_key_jwt",
        redirect_uris=("https://k.example/cb",),
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        scope=("orders:read", "orders:write"),
        resources=(R1,),
        key=assertions.new_key(),
    ),
    "X": Application(
        name="Other Tenant's App",
        tenant="t2",
        auth_method="client_secret_basic",
        redirect_uris=("https://x.example/cb",),
        resource=R9,
    ),
    "Y": Application(
        name="Other Tenant's Machine",
        tenant="t2",
        auth_method="client_secret_basic",
        grant_types=("client_credentials",),
        scope=("orders:read",),
        resource=R9,
    ),
    "Z": Application(
        name="Strict App",
        tenant="t1",
        auth_method="none",
        redirect_uris=("https://z.example/cb",),
        refresh_replay_seconds=0,
    ),
    "G": Application(
        name="Everybody's App",
        tenant=None,
        auth_method="none",
        redirect_uris=("http://127.0.0.1/callback", "http://localhost/callback"),
        resource=R5,
    ),
    "D": Application(
        name="Television",
        tenant="t1",
        auth_method="none",
        grant_types=(DEVICE_CODE, "refresh_token"),
    ),
    "E": Application(
        name="Everybody's Device",
        tenant=None,
        auth_method="none",
        grant_types=(DEVICE_CODE, "refresh_token"),
        resource=R5,
    ),
    "F": Application(
        name="Printer",
        tenant="t1",
        auth_method="client_secret_basic",
        grant_types=(DEVICE_CODE, "refresh_token"),
    ),
    "W": Application(
        name="Third App",
        tenant="t3",
        auth_method="none",
        redirect_uris=("https://w.example/cb",),
        resource=R7,
        issuer_path="/t/t3",
    ),
    **{
        letter: Application(
            name=f"Server {letter}",
            tenant=tenant,
            auth_method="client_secret_basic",
            redirect_uris=(),
            grant_types=(),
            resource=speaks_for,
            speaks_for=speaks_for,
        )
        for letter, tenant, speaks_for in (
            ("RS1", None, R1),
            ("RS2", None, R2),
            ("RS5", None, R5),
            ("RS5t1", "t1", R5),
            ("RS5t2", "t2", R5),
            ("RS7", None, R7),
        )
    },
}

LINKS = {R1: ("t1",), R2: ("t1",), R5: ("t1", "t2"), R7: ("t3",), R9: ("t2",)}


async def build(machines: Machines) -> World:
    """Make the world in a database that is migrated and empty, with a signing key for each issuer."""

    async def commit(work) -> None:
        assert await work.commit(), "the world was there already"

    made: dict[str, tenants.Tenant] = {}
    for slug, name in (("t1", "First Customer"), ("t2", "Second Customer"), ("t3", "Third Customer")):
        work = machines.work()
        made[slug] = tenants.add(work, slug=slug, name=name)
        await commit(work)
    work = machines.work()
    issuers.add(work, slug="t3", tenant=made["t3"].id)
    await commit(work)

    for uri, linked in LINKS.items():
        work = machines.work()
        resources.add(work, uri=uri, name=f"Orders at {uri.split('/')[2]}", scopes=SCOPES, tools=TOOLS)
        for slug in linked:
            resources.link(work, uri, made[slug].id)
        await commit(work)
    work = machines.work()
    tenants.change(work, made["t1"], default_resource=R1)
    await commit(work)

    people: dict[str, Someone] = {}
    for short, memberships in PEOPLE.items():
        someone = _person(short)
        password_hash = await machines.passwords.hash(someone.password)
        person_id, subs = "", {}
        for slug, roles in memberships:
            work = machines.work(tenant=made[slug].id)
            if not person_id:
                person_id = user.add_person(work, email=someone.email, name=someone.name, password_hash=password_hash)
            subs[slug] = user.add_member(work, person_id=person_id, roles=roles)
            await commit(work)
        people[short] = replace(someone, person_id=person_id, subs=subs)

    clients: dict[str, Application] = {}
    for letter, wanted in CLIENTS.items():
        work = machines.work(tenant=made[wanted.tenant].id if wanted.tenant else SHARED)
        new = registry.add(
            work,
            name=wanted.name,
            auth_method=wanted.auth_method,
            grant_types=wanted.grant_types,
            redirect_uris=wanted.redirect_uris,
            scope=wanted.scope,
            resources=wanted.resources,
            default_resource=wanted.default_resource,
            speaks_for=wanted.speaks_for,
            refresh_replay_seconds=wanted.refresh_replay_seconds,
            jwks=assertions.key_set(wanted.key) if wanted.key else "",
        )
        await commit(work)
        clients[letter] = replace(wanted, client_id=new.client.id, secret=new.secret)

    for issuer in (await issuers.all_issuers(machines.work())).by_path.values():
        await rotation.rotate_if_due(machines.work(), issuer)
    return World(tenants={slug: tenant.id for slug, tenant in made.items()}, people=people, clients=clients)


async def renew_machines(machines: Machines, world: World) -> None:
    """Give every machine of the world its time from now on: a real process lives long after the world was made."""
    for letter, app in world.clients.items():
        found = await registry.find(machines.work(), app.client_id)
        if found is not None and found.is_machine:
            work = machines.work()
            registry.renew(work, found)
            assert await work.commit(), letter
