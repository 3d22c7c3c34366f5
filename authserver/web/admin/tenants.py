"""The noun `tenants`: a tenant's administrator sees and changes their own; the platform's operators make and remove them."""

from typing import Annotated

from pydantic import Field

from authserver.domain.notices import webhook
from authserver.domain.resources import resource as resources
from authserver.domain.signals import signal
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.problems import ProblemError, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route

Name = Annotated[str, Field(min_length=1, max_length=200, description="The name people see.", examples=["Acme GmbH"])]


class TenantShown(Thing):
    """One customer."""

    id: str = Field(examples=["ten_abcdefghijklmnop"])
    slug: str = Field(examples=["acme"])
    name: str = Field(examples=["Acme GmbH"])
    active: bool = Field(description="A suspended tenant gets nothing.")
    default_resource: str = Field(description="Where a token goes whose request names no resource; empty: nowhere.")


class TenantPage(Shown):
    """Some tenants, by slug."""

    items: list[TenantShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class NewTenant(Strict):
    """A tenant to be made."""

    slug: str = Field(
        pattern="^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", description="Its short name, for good.", examples=["acme"]
    )
    name: Name


class TenantChange(Strict):
    """What is to be changed; what is left out stays."""

    name: Name | None = None
    default_resource: str | None = Field(
        default=None, max_length=500, description="An MCP server that is linked to it, or empty."
    )
    active: bool | None = Field(
        default=None, description="Suspending ends everything of theirs at once. Platform only."
    )


@route("GET", "/tenants", gives=TenantPage, says="List tenants")
async def list_tenants(ask: Ask, limit: Limit = 50, cursor: Cursor = None) -> TenantPage:
    """All of them for the platform's operators, their own for everybody else."""
    after = ask.after(cursor)
    if not ask.operator.is_platform:
        own = await tenants.by_id(ask.work, ask.operator.home)
        return TenantPage(items=[_shown(own)] if own and after is None else [], next=None)
    found = await tenants.some(ask.work, after=str(after[0]) if after else "", most=limit + 1)
    return TenantPage(
        items=[_shown(one) for one in found[:limit]],
        next=ask.next_cursor(found, limit, lambda one: [one.slug]),
    )


@route("POST", "/tenants", gives=TenantShown, status=201, says="Make a tenant")
async def add(ask: Ask, body: NewTenant) -> Said:
    """The platform's own tenant is made on its machine, by the command line."""
    made = tenants.add(ask.work, slug=body.slug, name=body.name, tenant_id=ask.made_id)
    ask.otherwise("slug: is taken.")
    return Said(body=_shown(made), status=201, location=f"{ask.base}/tenants/{made.id}")


@route("GET", "/tenants/{tenant_id}", gives=TenantShown, says="Show a tenant")
async def show(ask: Ask, tenant_id: Id) -> TenantShown:
    """By its id."""
    return _shown(await _found(ask, tenant_id))


@route("PATCH", "/tenants/{tenant_id}", gives=TenantShown, says="Change a tenant")
async def change(ask: Ask, tenant_id: Id, body: TenantChange) -> TenantShown:
    """Suspending one ends everything of theirs, so it needs a fresh login; only the platform's operators may."""
    found = await _found(ask, tenant_id)
    ask.unchanged(_shown(found))
    if body.active is not None and body.active != found.is_active:
        await ask.platform("active")
        if found.is_platform:
            raise ProblemError(409, "This tenant runs the deployment; it is changed on its machine.")
        if not body.active:
            await ask.dangerous("tenant:suspend", tenant=found.id)
    if body.default_resource:
        await resources.demand_default(ask.work, body.default_resource, tenant=found.id)
    changed = tenants.change(
        ask.work,
        found,
        name=body.name,
        default_resource=body.default_resource,
        is_active=body.active if body.active != found.is_active else None,
    )
    return _shown(changed)


@route("DELETE", "/tenants/{tenant_id}", gives=None, says="Remove a tenant that is empty")
async def remove(ask: Ask, tenant_id: Id) -> None:
    """One that still has members or clients is refused (409); its records stay."""
    found = await _found(ask, tenant_id)
    ask.unchanged(_shown(found))
    if found.is_platform:
        raise ProblemError(409, "This tenant runs the deployment; it is changed on its machine.")
    tenants.remove(ask.work, found)
    webhook.forget_all(ask.work)
    signal.forget_all(ask.work)
    ask.otherwise("It still has members or clients; remove them first, or suspend it.")


async def _found(ask: Ask, tenant_id: str) -> Tenant:
    # Somebody else's is not even looked for, so that it takes no longer than one that is not there.
    if not ask.operator.is_platform and tenant_id != ask.operator.home:
        raise not_found()
    found = await tenants.by_id(ask.work, tenant_id)
    if found is None:
        raise not_found()
    return found


def _shown(tenant: Tenant) -> TenantShown:
    return TenantShown(
        id=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        active=tenant.is_active,
        default_resource=tenant.default_resource,
    )
