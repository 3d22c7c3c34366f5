"""What is in the demo: two tenants with their people, applications to log in with, and the servers that they call."""

import json
import secrets
from typing import Any

from authserver.cli.demo.place import HOST, MARKER, UPSTREAM, Place, known_facts
from authserver.cli.operator import fail
from authserver.cli.private import write_private

TENANTS = {
    "acme": ("Acme Furniture", (("alice", "Alice Andersson"), ("bob", "Bob Baker"), ("carol", "Carol Castillo"))),
    "globex": ("Globex Office", (("gina", "Gina Grant"), ("hugo", "Hugo Hansen"), ("iris", "Iris Ito"))),
}
"""Each tenant's name and people; the first is an ordinary user, the others are approvers too."""


OPERATORS = {
    "platform": ("Operators", (("olga", "Olga Operator"),)),
    "acme": ("", (("oscar", "Oscar Ortiz"),)),
}
"""Who may use the console and the admin API: of the whole deployment, and of one tenant."""

SHIPPING = {"shipments:read": "See where parcels are", "shipments:write": "Send parcels"}
"""What the upstream API knows, in words."""

EXCHANGE = {"shipments:read": ("orders:read",)}
"""What the example server may ask for there, and what its caller must hold here: reading, for who may read orders."""


async def prepared(place: Place) -> dict[str, Any]:
    """Return the facts of `demo.json`, having made whatever was missing."""
    from authserver.opening import close_machines, open_machines
    from authserver.runtime import migration
    from authserver.runtime.vault import LocalKeyEncryption
    from authserver.settings import load_settings

    kek = place.folder / "kek"
    if not kek.exists():
        write_private(kek, LocalKeyEncryption.generate())
    settings = {
        "ISSUER": place.issuer,
        "HOST": HOST,
        "PORT": place.port,
        "DATABASE_URL": f"sqlite:///{place.folder / 'authserver.db'}",
        "KEK_FILE": kek,
        "LOG_LEVEL": "warning",
    }
    write_private(
        place.folder / MARKER,
        "# Written by `authserver demo`; `--data-dir` of every other command reads it.\n"
        + "".join(f"AUTHSERVER_{name}={value}\n" for name, value in settings.items()),
    )
    loaded = load_settings(place.folder)
    await migration.migrate(loaded.database_url, loaded.database_url)
    known = known_facts(place)
    machines = await open_machines(loaded)
    try:
        facts = await _Making(machines, place, known).all()
    finally:
        await close_machines(machines)
    write_private(place.facts, json.dumps(facts, indent=2) + "\n")
    return facts


class _Making:
    """Makes what is not there yet, so that a second start, or one with other ports, finds the rest as it was."""

    def __init__(self, machines: Any, place: Place, known: dict[str, Any]) -> None:
        self.machines = machines
        self.place = place
        self.known = known

    async def all(self) -> dict[str, Any]:
        """Return the facts of the demo."""
        tenants = {slug: await self._tenant(slug, name) for slug, (name, _) in TENANTS.items()}
        platform = await self._tenant("platform", OPERATORS["platform"][0], is_platform=True)
        tools = await self._resource(tenants)
        users = [
            await self._user(
                tenants[slug], slug, login, name, roles=("member", "approver") if number > 0 else ("member",)
            )
            for slug, (_, people) in TENANTS.items()
            for number, (login, name) in enumerate(people)
        ]
        operators = [
            await self._user(
                {**tenants, "platform": platform}[slug], slug, login, name, roles=("admin",), kind="operators"
            )
            for slug, (_, people) in OPERATORS.items()
            for login, name in people
        ]
        from authserver.domain.clients.client import DEVICE_CODE
        from authserver.domain.resources.administration import SCOPES as ADMIN_SCOPES
        from authserver.domain.resources.administration import uri_of

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
            await self._client(
                "Acme refund robot",
                tenant=("acme", tenants["acme"]),
                auth="client_secret_basic",
                grants=("client_credentials",),
                scope="orders:read orders:write tool:refund_order",
            ),
        ]
        admin = await self._client(
            "Demo admin",
            tenant=("platform", platform),
            auth="client_secret_basic",
            grants=("client_credentials",),
            scope=" ".join(ADMIN_SCOPES),
            resource=uri_of(self.machines.settings),
        )
        guard = await self._client(
            "Orders server", tenant=None, auth="client_secret_basic", grants=(), speaks_for=self.place.resource
        )
        write_private(self.place.secret, guard["client_secret"] + "\n")
        upstream = await self._upstream(tenants)
        return {
            "issuer": self.place.issuer,
            "resource": self.place.resource,
            "users": users,
            "clients": clients,
            "operators": operators,
            "admin": {
                "client_id": admin["client_id"],
                "client_secret": admin["client_secret"],
                "scope": " ".join(ADMIN_SCOPES),
                "resource": uri_of(self.machines.settings),
            },
            "resource_server": {
                "client_id": guard["client_id"],
                "client_secret": guard["client_secret"],
                "resource": self.place.resource,
            },
            "upstream": upstream,
            "exchanges": [
                {
                    "resource": self.place.resource,
                    "to": UPSTREAM,
                    "scopes": {name: list(n) for name, n in EXCHANGE.items()},
                }
            ],
            "tools": tools,
            "tenants": [{"slug": slug, "name": TENANTS[slug][0], "id": tenants[slug]} for slug in tenants],
        }

    async def _commit(self, work: Any, what: str) -> None:
        if not await work.commit():
            fail(
                f"{what} could not be made: another demo is using {self.place.folder}. End it, or name another folder."
            )

    async def _tenant(self, slug: str, name: str, *, is_platform: bool = False) -> str:
        from authserver.domain.tenants import tenant as tenants

        found = await tenants.by_slug(self.machines.work(), slug)
        if found is None:
            work = self.machines.work()
            found = tenants.add(work, slug=slug, name=name, may_be_platform=is_platform)
            await self._commit(work, f"tenant {slug}")
        if not is_platform and found.default_resource != self.place.resource:
            work = self.machines.work()
            tenants.change(work, found, default_resource=self.place.resource)
            await self._commit(work, f"tenant {slug}")
        return str(found.id)

    async def _upstream(self, tenants: dict[str, str]) -> dict[str, Any]:
        """Register the API that the MCP server may act at, with the permission and a credential to ask about tokens."""
        from authserver.domain.exchange import policy
        from authserver.domain.resources import resource as resources

        name, scopes = "Shipping", {scope: resources.ScopeInfo(description=words) for scope, words in SHIPPING.items()}
        if await resources.by_uri(self.machines.work(), UPSTREAM) is None:
            work = self.machines.work()
            resources.add(work, uri=UPSTREAM, name=name, scopes=scopes)
            for tenant_id in tenants.values():
                resources.link(work, UPSTREAM, tenant_id)
            await self._commit(work, "the upstream API")
        allowed = await policy.between(self.machines.work(), self.place.resource, UPSTREAM)
        if allowed is None or dict(allowed.scopes) != EXCHANGE:
            work = self.machines.work()
            actor, target = [await resources.by_uri(work, uri) for uri in (self.place.resource, UPSTREAM)]
            assert actor is not None
            assert target is not None
            await policy.allow(work, actor, target, EXCHANGE)
            await self._commit(work, "the exchange between the two servers")
        credential = await self._client(
            "Shipping API", tenant=None, auth="client_secret_basic", grants=(), speaks_for=UPSTREAM
        )
        return {
            "name": name,
            "resource": UPSTREAM,
            "scopes": sorted(SHIPPING),
            "served": False,
            "client_id": credential["client_id"],
            "client_secret": credential["client_secret"],
        }

    async def _resource(self, tenants: dict[str, str]) -> list[dict[str, Any]]:
        from authserver.domain.resources import resource as resources
        from examples.orders.server import NAME, POLICY, SCOPES, WAITING, orders_server
        from examples.orders.shelf import open_engine

        described = {tool.name: tool for tool in await orders_server(open_engine("sqlite://")).list_tools()}
        tools = [
            resources.Tool(
                name=name,
                sensitivity=policy.tool_class,
                scopes=tuple(sorted(policy.scopes)),
                title=described[name].title or name,
                description=described[name].description or "",
                approval=name in WAITING,
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
                "approval": bool(tool.approval),
            }
            for tool in tools
        ]

    async def _user(
        self, tenant_id: str, slug: str, login: str, name: str, *, roles: tuple[str, ...], kind: str = "users"
    ) -> dict[str, Any]:
        from authserver.domain.users import user as users

        email = f"{login}@{slug}.example"
        kept = self._remembered(kind, email=email)
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
        resource: str = "",
    ) -> dict[str, Any]:
        from authserver.domain.clients import registry

        kept = self._kept_client(name, speaks_for)
        found = None if kept is None else await registry.find(self.machines.work(), kept["client_id"])
        if found is not None and (
            found.tenant != (tenant[1] if tenant else "*") or (resource and not found.may_reach(resource))
        ):
            # An earlier version made it for another place, or the demo has moved to another port.
            found = None
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
            resources=(resource,) if resource else (),
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
            servers = (self.known.get("resource_server"), self.known.get("upstream"))
            kept = next((one for one in servers if one is not None and one.get("resource") == speaks_for), None)
        else:
            return self._remembered("clients", name=name)
        return kept if isinstance(kept, dict) else None

    def _remembered(self, kind: str, **like: str) -> dict[str, Any] | None:
        for entry in self.known.get(kind, []):
            if all(entry.get(member) == value for member, value in like.items()):
                return dict(entry)
        return None
