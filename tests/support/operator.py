"""What an operator does to the world while others use it, through the domain's own functions."""

from dataclasses import dataclass
from typing import Any

from authserver.domain.api_keys import api_key as api_keys
from authserver.domain.audit import event
from authserver.domain.clients import registry, trust
from authserver.domain.clients.client import Client
from authserver.domain.exchange import policy
from authserver.domain.inventory import review as inventory
from authserver.domain.issuers import issuer as issuers
from authserver.domain.keys import rotation
from authserver.domain.login import login
from authserver.domain.resources import resource as resources
from authserver.domain.revocation import tail
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import authorization
from authserver.domain.tool_policies import tool_policy
from authserver.domain.users import user
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from tests.support import assertions
from tests.support.world import R1, SCOPES, TOOLS, Application, World, renew_machines


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Somebody with a command line at this server."""

    machines: Machines
    world: World

    def work(self, tenant: str | None = None) -> UnitOfWork:
        """Open a unit of work, in a tenant given by its slug."""
        return self.machines.work(tenant=self.world.tenants[tenant] if tenant else None)

    async def set_member(self, who: str, tenant: str, **changed: Any) -> None:
        """Change roles or is_active of a person in a tenant."""
        work = self.work(tenant)
        member = await user.member_by_person(work, self.world.people[who].person_id)
        assert member is not None
        user.change_member(work, member, **changed)
        assert await work.commit()

    async def remove_member(self, who: str, tenant: str) -> None:
        """End a membership."""
        work = self.work(tenant)
        member = await user.member_by_person(work, self.world.people[who].person_id)
        assert member is not None
        user.remove_member(work, member)
        assert await work.commit()

    async def set_tenant(self, slug: str, **changed: Any) -> None:
        """Suspend or change a tenant."""
        work = self.work()
        found = await tenants.by_slug(work, slug)
        assert found is not None
        tenants.change(work, found, **changed)
        assert await work.commit()

    async def set_client(self, app: Application, **changed: Any) -> None:
        """Change fields of a registered client."""
        work = self.work()
        found = await registry.find(work, app.client_id)
        assert found is not None
        registry.change(work, found, **changed)
        assert await work.commit()

    async def clients(self, owner: str) -> list[Client]:
        """Return every client of a tenant, given by its id; `*`: the shared ones."""
        return await registry.of_tenant(self.machines.work(tenant=owner))

    async def add_key_client(self, tenant: str, key: dict[str, Any] | None, **changed: Any) -> Client:
        """Register a machine with a key of its own; `changed` are fields of registry.add."""
        work = self.work(tenant)
        wanted: dict[str, Any] = {"name": "Another Machine", "resources": (R1,), "scope": ("orders:read",)}
        wanted |= {"jwks": assertions.key_set(key)} if key else {}
        made = registry.add(
            work, auth_method="private_key_jwt", grant_types=("client_credentials",), **(wanted | changed)
        )
        assert await work.commit()
        return made.client

    async def rotate_secret(self, app: Application, *, overlap_s: int = 0) -> str:
        """Give a client a new secret."""
        work = self.work()
        found = await registry.find(work, app.client_id)
        assert found is not None
        secret = registry.rotate_secret(work, found, overlap_s=overlap_s)
        assert await work.commit()
        return secret

    async def renew(self, app: Application) -> None:
        """Give a machine more time."""
        work = self.work()
        found = await registry.find(work, app.client_id)
        assert found is not None
        registry.renew(work, found)
        assert await work.commit()

    async def renew_machines(self) -> None:
        """Give every machine of the world its time from now on."""
        await renew_machines(self.machines, self.world)

    async def remove_client(self, app: Application) -> None:
        """Forget a client."""
        work = self.work()
        found = await registry.find(work, app.client_id)
        assert found is not None
        registry.remove(work, found)
        assert await work.commit()

    async def add_client(self, *, name: str, redirect_uris: tuple[str, ...]) -> Application:
        """Register a shared public client."""
        work = self.machines.work(tenant=SHARED)
        grants = ("authorization_code", "refresh_token")
        made = registry.add(work, name=name, auth_method="none", grant_types=grants, redirect_uris=redirect_uris)
        assert await work.commit()
        return Application(
            name=name, tenant=None, auth_method="none", client_id=made.client.id, redirect_uris=redirect_uris
        )

    async def add_resource(self, uri: str, *linked: str) -> None:
        """Register another MCP server with the scopes and tools of the world, for some tenants."""
        work = self.work()
        resources.add(work, uri=uri, name=f"Orders at {uri}", scopes=SCOPES, tools=TOOLS)
        for slug in linked:
            resources.link(work, uri, self.world.tenants[slug])
        assert await work.commit()

    async def unlink(self, uri: str, tenant: str) -> None:
        """Take an MCP server away from a tenant."""
        work = self.work()
        resources.unlink(work, uri, self.world.tenants[tenant])
        assert await work.commit()

    async def link(self, uri: str, tenant: str) -> None:
        """Give a tenant an MCP server."""
        work = self.work()
        resources.link(work, uri, self.world.tenants[tenant])
        assert await work.commit()

    async def give_issuer(self, slug: str) -> None:
        """Give a tenant an issuer of its own."""
        work = self.work()
        issuers.add(work, slug=slug, tenant=self.world.tenants[slug])
        assert await work.commit()

    async def resource(self, uri: str) -> resources.Resource:
        """Return an MCP server as it is registered."""
        found = await resources.by_uri(self.work(), uri)
        assert found is not None
        return found

    async def set_resource(self, uri: str, **changed: Any) -> None:
        """Change an MCP server."""
        work = self.work()
        found = await resources.by_uri(work, uri)
        assert found is not None
        resources.change(work, found, **changed)
        assert await work.commit()

    async def demand(self, tenant: str, uri: str, tool: str, **rules: Any) -> None:
        """Replace what a tenant demands of a tool of a resource; nothing given clears it."""
        work = self.work(tenant)
        known = {entry.tool: entry.rules for entry in await tool_policy.entries(work, uri)}
        before = known.get(tool, tool_policy.NO_RULES)
        await tool_policy.change(work, await self.resource(uri), tool, before, rules, by="the suite")
        assert await work.commit()

    async def review(
        self, uri: str, tool: str, definition_hash: str, decision: str, *, tenant: str | None = None
    ) -> None:
        """Let a definition of a tool in, or keep it out: for one tenant, or for all."""
        work = self.work()
        place = self.world.tenants[tenant] if tenant else None
        await inventory.decide(work, uri, tool, definition_hash, decision, tenant=place, by="the suite")
        assert await work.commit()

    async def reviewed(self, uri: str, *, tenant: str | None = None) -> list[inventory.Seen]:
        """Return what an operator of a tenant (None: of the platform) sees of the tools of a server."""
        return await inventory.look(self.work(), uri, self.world.tenants[tenant] if tenant else None)

    async def add_resource_like(self, pattern: str, uri: str, tenant: str) -> None:
        """Register another MCP server with the same scopes and tools."""
        found, work = await self.resource(pattern), self.work()
        resources.add(work, uri=uri, name="Another", scopes=found.scopes, tools=found.tools)
        resources.link(work, uri, self.world.tenants[tenant])
        assert await work.commit()

    async def allow_exchange(self, actor: str, target: str, scopes: dict[str, tuple[str, ...]]) -> None:
        """Let one MCP server act at another; `scopes` of the target, each with what a caller must carry."""
        work = self.work()
        await policy.allow(work, await self.resource(actor), await self.resource(target), scopes)
        assert await work.commit()

    async def forbid_exchange(self, actor: str, target: str) -> None:
        """Take it back."""
        work = self.work()
        await policy.forbid(work, actor, target)
        assert await work.commit()

    async def credential_of(self, uri: str, **changed: Any) -> Application:
        """Return the credential of an MCP server, as `resource add` makes it."""
        work = self.machines.work(tenant=SHARED)
        made = registry.add(
            work,
            name=f"Resource server {uri}",
            **{"auth_method": "client_secret_basic", "grant_types": (), "speaks_for": uri, **changed},
        )
        assert await work.commit()
        return Application(
            name=made.client.name,
            tenant=None,
            auth_method=made.client.auth_method,
            client_id=made.client.id,
            secret=made.secret,
            resource=uri,
        )

    async def add_api_key(
        self,
        *,
        who: str = "",
        app: Application | None = None,
        tenant: str = "t1",
        resource: str = R1,
        scope: str = "orders:read",
        days: int = 30,
    ) -> api_keys.NewApiKey:
        """Make an API key of a person or of a machine client."""
        await tail.look(self.work())
        work = self.work(tenant)
        owner: Any = (
            await user.member_by_person(work, self.world.people[who].person_id)
            if who
            else await registry.find(work, app.client_id if app else "")
        )
        assert owner is not None
        served = (await issuers.all_issuers(self.work())).of_tenant(self.world.tenants[tenant])
        made = api_keys.add(
            work,
            owner=owner,
            name="nightly",
            resource=await self.resource(resource),
            scope=tuple(scope.split()),
            days=days,
            issuer_path=served.path,
        )
        assert await work.commit()
        return made

    async def change_api_key(self, how: str, key: api_keys.ApiKey, tenant: str = "t1", **changed: Any) -> Any:
        """Disable, enable, rotate or remove a key."""
        # As a command does, which opens its machines with the newest numbers.
        await tail.look(self.work())
        work = self.work(tenant)
        found = await api_keys.find(work, key.id)
        assert found is not None
        path = {"issuer_path": ""} if how in {"enable", "rotate"} else {}
        answer = await getattr(api_keys, how)(work, found, **path, **changed)
        assert await work.commit()
        return answer

    async def api_key(self, key: api_keys.ApiKey, tenant: str = "t1") -> api_keys.ApiKey | None:
        """Return a key as it is stored."""
        return await api_keys.find(self.work(tenant), key.id)

    async def withdraw_consent(self, who: str, tenant: str, app: Application, resource: str) -> None:
        """Take back what a person allowed an application."""
        work = self.work(tenant)
        await authorization.withdraw_consent(
            work, sub=self.world.people[who].subs[tenant], client_id=app.client_id, resource=resource
        )
        assert await work.commit()

    async def end_authorization(self, tenant: str, authorization_id: str) -> None:
        """Revoke one login of one application."""
        work = self.work(tenant)
        found = await authorization.find(work, authorization_id)
        assert found is not None
        authorization.end(work, found, reason="operator")
        assert await work.commit()

    async def change_password(self, who: str, password: str) -> None:
        """Set a person's password."""
        work = self.work(next(iter(self.world.people[who].subs)))
        await login.change_password(
            work, self.world.people[who].person_id, await self.machines.passwords.hash(password)
        )
        assert await work.commit()

    async def set_person(self, who: str, *, is_active: bool) -> None:
        """Disable a person in every tenant, or undo it."""
        work = self.work()
        await user.set_active(work, self.world.people[who].person_id, is_active=is_active)
        assert await work.commit()

    async def rotate_keys(self, *, publish_ahead_s: int = 0, path: str = "") -> bool:
        """Publish the next signing key of an issuer."""
        issuer = (await issuers.all_issuers(self.work())).by_path[path]
        return await rotation.rotate_now(self.work(), issuer, publish_ahead_s=publish_ahead_s)

    async def rotate_keys_if_due(self, path: str = "") -> bool:
        """Do what the timetable does."""
        issuer = (await issuers.all_issuers(self.work())).by_path[path]
        return await rotation.rotate_if_due(self.work(), issuer)

    async def events(
        self, tenant: str | None = "t1", *, besides: list[dict[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """Return the audit events of a tenant (None: of the platform), without those known already; in no order, as the clock stands."""
        work = self.work(tenant) if tenant else self.machines.work(tenant="*")
        known = {row["event_id"] for row in besides or []}
        return [dict(row) for row in await event.recent(work, most=10_000) if row["event_id"] not in known]

    async def kinds(self, tenant: str | None = "t1", *, besides: list[dict[str, Any]] | None = None) -> list[str]:
        """Return the kinds of a tenant's events, sorted."""
        return sorted(row["kind"] for row in await self.events(tenant, besides=besides))

    async def set_trust(self, tenant: str, policy: str) -> None:
        """Set which applications nobody registered a tenant lets in."""
        work = self.work(tenant)
        trust.set_policy(work, trust.Policy(policy))
        assert await work.commit()

    async def let_in(self, tenant: str, subject: str) -> None:
        """Let an application in, or all that are described at a host."""
        work = self.work(tenant)
        trust.let_in(work, trust.subject(subject))
        assert await work.commit()

    async def block(self, tenant: str, subject: str) -> None:
        """Block an application, or all that are described at a host."""
        work = self.work(tenant)
        trust.block(work, trust.subject(subject))
        assert await work.commit()

    async def forget_verdict(self, tenant: str, subject: str) -> None:
        """Take back what was said of an application."""
        work = self.work(tenant)
        trust.forget(work, trust.subject(subject))
        assert await work.commit()

    async def asked_for(self, tenant: str) -> list[str]:
        """Return the applications that a tenant's members asked for and that wait."""
        return [
            entry.subject for entry in await trust.entries(self.work(tenant)) if entry.verdict is trust.Verdict.PENDING
        ]
