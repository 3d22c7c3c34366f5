"""
What a person's applications may do for them, seen from the person: each consent, and the logins that live under it.

Read across all their tenants, each inside its own, and never from memory, because the person is about to decide on it. When
an application was last active is known from its newest refresh token; nothing is counted for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from authserver.domain.clients import registry
from authserver.domain.clients.client import Client
from authserver.domain.consent.consent import Consent
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import INERT, Resource, Tool
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import authorization, store
from authserver.domain.tokens.authorization import Authorization
from authserver.domain.tool_policies import tool_policy
from authserver.domain.users import user
from authserver.domain.users.user import Member
from authserver.runtime.unit_of_work import Row, UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """One login of an application that still lives. Times are seconds since the epoch; `ends_at` is when it ends unused."""

    authorization: Authorization
    started_at: int
    last_used_at: int
    ends_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """What one application may do for a person at one resource in one tenant. What was removed since is None."""

    tenant: Tenant
    member: Member
    client_id: str
    client: Client | None
    resource_uri: str
    resource: Resource | None
    seen: Resource | None
    """The resource as the tenant shows it to this application now: some tools may be missing."""
    consent: Consent
    logins: tuple[Login, ...]

    @property
    def last_used_at(self) -> int:
        """When it was last active here: a login or a refresh."""
        known = [self.consent.allowed_at, self.consent.used_on or 0]
        return max([*known, *(login.last_used_at for login in self.logins)])

    def login(self, authorization_id: str) -> Login | None:
        """Return one of its living logins."""
        return next((login for login in self.logins if login.authorization.id == authorization_id), None)

    @property
    def permitted(self) -> frozenset[str]:
        """Return every scope the person could let this application have here: by its registration and by their roles."""
        if self.client is None or self.seen is None or not self.client.is_active or not self.seen.is_active:
            return frozenset()
        if self.tenant.id not in self.seen.tenants or not self.client.may_reach(self.resource_uri):
            return frozenset()
        withheld = self.seen.withheld_from(self.member.roles)
        asked = {name for name in self.seen.grantable if self.client.may_ask(name)}
        return frozenset(asked - withheld - INERT)

    def further_tools(self, login: Login) -> tuple[Tool, ...]:
        """Return the tools with a scope of their own that this login may not use and the person could let it."""
        if self.seen is None:
            return ()
        held, permitted = self.held(login), self.permitted
        return tuple(
            tool
            for tool in self.seen.tools
            if tool.own_scope is not None
            and {tool.own_scope, *tool.scopes} <= permitted
            and not {tool.own_scope, *tool.scopes} <= held
        )

    def further_scopes(self, login: Login) -> tuple[str, ...]:
        """Return the scopes that stand for themselves, besides those a tool brings with it, and that this login lacks."""
        if self.seen is None:
            return ()
        brought = {
            name
            for tool in self.seen.tools
            if tool.own_scope is not None
            for name in tool.scopes
            if name not in self.seen.default_scope
        }
        missing = self.permitted - self.held(login) - brought
        return tuple(name for name in self.seen.scopes if name in missing)

    def held(self, login: Login) -> frozenset[str]:
        """Return what a login has until it ends, besides what was allowed it for a while."""
        return frozenset(login.authorization.scope) & self.consent.scope


async def of_person(work: UnitOfWork, person_id: str, member_of: Sequence[str]) -> tuple[Connection, ...]:
    """Return a person's connections in all their tenants, newest consent first in each."""
    found: list[Connection] = []
    for tenant_id in member_of:
        found += await in_tenant(work.beside(tenant_id), person_id)
    return tuple(found)


async def in_tenant(work: UnitOfWork, person_id: str) -> list[Connection]:
    """Return a person's connections in the bound tenant; none where tenant or membership is not active."""
    assert work.tenant is not None
    tenant = await tenants.by_id(work, work.tenant)
    member = await user.member_by_person(work, person_id)
    if tenant is None or not tenant.is_active or member is None or not member.is_active:
        return []
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in await work.all(store.CONNECTIONS, sub=member.sub, now=work.now):
        rows.setdefault((row["client_id"], row["resource"]), []).append(row)
    found = []
    for (client_id, uri), group in rows.items():
        resource = await resources.by_uri(work, uri)
        one = Connection(
            tenant=tenant,
            member=member,
            client_id=client_id,
            client=await registry.find(work, client_id),
            resource_uri=uri,
            resource=resource,
            seen=await tool_policy.seen(work, tenant.id, resource, client_id) if resource is not None else None,
            consent=Consent(
                scope=frozenset(group[0]["consented"].split()),
                allowed_at=group[0]["allowed_at"],
                used_on=group[0]["consent_used_on"],
            ),
            logins=tuple(login for row in group if (login := _login(work, row)) is not None),
        )
        found.append(one)
    return found


def _login(work: UnitOfWork, row: Row) -> Login | None:
    if row["authorization_id"] is None:
        return None
    owner = authorization.from_row(row)
    # Without a refresh token it lives as long as the one access token it began with.
    alone = row["created_at"] + work.machines.settings.access_token_seconds
    ends_at = min(row["idle_end"] or alone, owner.expires_at)
    if ends_at <= work.now:
        return None
    return Login(
        authorization=owner,
        started_at=row["created_at"],
        last_used_at=row["refreshed_at"] or row["created_at"],
        ends_at=ends_at,
    )
