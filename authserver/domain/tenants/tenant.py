"""An isolated customer: their people, clients and events are theirs alone."""

import re
from dataclasses import dataclass, replace

from authserver.domain.audit import event
from authserver.domain.revocation import ends
from authserver.domain.tenants import store
from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import Row, UnitOfWork

PLATFORM = "platform"
"""The slug of the one tenant whose members and clients are the operators of the whole deployment."""

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """A customer. `default_resource` is where a token goes whose request names no `resource`; empty: none."""

    id: str
    slug: str
    name: str
    is_active: bool
    default_resource: str

    @property
    def is_platform(self) -> bool:
        """Whether its members and clients act for the whole deployment."""
        return self.slug == PLATFORM


class InvalidTenantError(ValueError):
    """A tenant cannot be like that. The message names the field and the cure."""


def _tenant(row: Row) -> Tenant:
    return Tenant(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        is_active=row["status"] == "active",
        default_resource=row["default_resource"],
    )


def add(
    work: UnitOfWork, *, slug: str, name: str, tenant_id: str | None = None, may_be_platform: bool = False
) -> Tenant:
    """Create a tenant. A commit that is lost means that the slug is taken. Raises InvalidTenantError.

    `may_be_platform`: whoever asks sits at this machine, so it may be the one whose people run the deployment.
    """
    if slug == PLATFORM and not may_be_platform:
        raise InvalidTenantError(
            f"slug: {PLATFORM} is for those who run this deployment; `authserver tenant add {PLATFORM}` makes it, on its machine"
        )
    if not _SLUG.fullmatch(slug):
        raise InvalidTenantError("slug: 1 to 40 of a-z, 0-9 and -, neither first nor last a hyphen")
    if not 1 <= len(name) <= 200:
        raise InvalidTenantError("name: 1 to 200 characters")
    tenant = Tenant(id=tenant_id or new_id("ten"), slug=slug, name=name, is_active=True, default_resource="")
    work.bind(tenant.id)
    work.claim(store.ADD, id=tenant.id, slug=slug, name=name, now=work.now)
    work.changes_directory = True
    event.record(work, event.Kind.TENANT_CHANGED, action="added")
    return tenant


async def by_id(work: UnitOfWork, tenant_id: str) -> Tenant | None:
    """Return the tenant, from memory, or None."""

    async def load() -> Tenant | None:
        row = await work.one(store.BY_ID, id=tenant_id)
        return _tenant(row) if row else None

    return await work.machines.memory.get("tenant", tenant_id, load)


async def by_slug(work: UnitOfWork, slug: str) -> Tenant | None:
    """Return the tenant with this slug, or None."""
    row = await work.one(store.BY_SLUG, slug=slug)
    return _tenant(row) if row else None


async def all_tenants(work: UnitOfWork) -> list[Tenant]:
    """Return every tenant, by slug."""
    return [_tenant(row) for row in await work.all(store.ALL)]


async def some(work: UnitOfWork, *, after: str, most: int) -> list[Tenant]:
    """Return tenants by slug, `most` at most, from behind the slug `after`."""
    return [_tenant(row) for row in await work.all(store.SOME, after=after, most=most)]


def change(
    work: UnitOfWork,
    tenant: Tenant,
    *,
    name: str | None = None,
    is_active: bool | None = None,
    default_resource: str | None = None,
) -> Tenant:
    """Change what is given; suspending a tenant ends everything of theirs at once."""
    changed = replace(
        tenant,
        name=tenant.name if name is None else name,
        is_active=tenant.is_active if is_active is None else is_active,
        default_resource=tenant.default_resource if default_resource is None else default_resource,
    )
    if not 1 <= len(changed.name) <= 200:
        raise InvalidTenantError("name: 1 to 200 characters")
    work.bind(tenant.id)
    work.write(
        store.SET,
        id=tenant.id,
        name=changed.name,
        status="active" if changed.is_active else "suspended",
        default_resource=changed.default_resource,
    )
    work.changes_directory = True
    if is_active is False:
        ends.end(work, ends.Cause.TENANT, reason="tenant_suspended")
    event.record(work, event.Kind.TENANT_CHANGED, action="changed", active=changed.is_active)
    return changed


def remove(work: UnitOfWork, tenant: Tenant) -> None:
    """Forget a tenant in which nobody and nothing is left; a lost commit: there is. Its events stay."""
    work.bind(tenant.id)
    work.claim(store.REMOVE, id=tenant.id)
    work.changes_directory = True
    ends.end(work, ends.Cause.TENANT, reason="tenant_removed")
    event.record(work, event.Kind.TENANT_CHANGED, action="removed")
