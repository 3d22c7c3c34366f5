"""
What an operator calls by name, found: an e-mail address, a slug, a tool.

Whoever acts for one tenant is told of anything outside of it what they are told of something that never was.
"""

import re

from authserver.domain.clients import registry, trust
from authserver.domain.clients.client import InvalidClientDataError
from authserver.domain.resources import resource as resources
from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.users import user
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import EVERY_TENANT, Kind

_HASH = re.compile(r"[A-Za-z0-9_:.-]{8,200}")


class UnknownTargetError(ValueError):
    """There is no such thing, for whoever asked. The message names the field and the cure."""


class NotAllowedError(Exception):
    """Whoever acts may not: it is another's to do. The message says whose."""


def require_within(by: By, target: Target) -> None:
    """See that somebody may act on a target (decision 22). Raises NotAllowedError."""
    if by.tenant not in {EVERY_TENANT, target.tenant}:
        whose = "the platform's operators" if target.tenant == EVERY_TENANT else "that tenant's operators"
        raise NotAllowedError(f"only {whose} may do that")


async def resolve(
    work: UnitOfWork,
    kind: Kind,
    *,
    by: By,
    tenant: str = "",
    email: str = "",
    sub: str = "",
    client_id: str = "",
    host: str = "",
    resource: str = "",
    tool: str = "",
    definition_hash: str = "",
) -> Target:
    """Return the target that an operator named. Raises UnknownTargetError, NotAllowedError.

    `tenant` is a slug or an id; empty: the operator's own, or everywhere for the platform's. A person is named by `email`
    or by `sub`, inside a tenant.
    """
    place = await _place(work, by, tenant)
    where = place.id if place else EVERY_TENANT
    match kind:
        case Kind.EVERYTHING:
            target = Target(kind=kind)
        case Kind.TENANT:
            if place is None:
                raise UnknownTargetError("tenant: say which, by its slug")
            target = Target(kind=kind, tenant=where)
        case Kind.USER:
            target = await _user(work, place, email=email, sub=sub)
        case Kind.CLIENT:
            target = await _client(work, where, client_id)
        case Kind.CLIENT_HOST:
            target = _host(where, host)
        case Kind.RESOURCE:
            uri = await _resource(work, where, resource)
            target = Target(kind=kind, tenant=where, resource=uri)
        case Kind.TOOL | Kind.TOOL_VERSION:
            target = await _tool(work, kind, where, resource, tool=tool, definition_hash=definition_hash)
        case _:
            raise UnknownTargetError(f"kind: a {kind.value} is revoked or removed, not stopped")
    require_within(by, target)
    return target


async def _place(work: UnitOfWork, by: By, named: str) -> Tenant | None:
    named = named or (by.tenant if by.tenant != EVERY_TENANT else "")
    if not named:
        return None
    found = await tenants.by_id(work, named) or await tenants.by_slug(work, named)
    if found is None or by.tenant not in {EVERY_TENANT, found.id}:
        raise UnknownTargetError(f"tenant: there is no {named!r}; `authserver tenant list` names them")
    return found


async def _user(work: UnitOfWork, place: Tenant | None, *, email: str, sub: str) -> Target:
    if place is None:
        raise UnknownTargetError("tenant: a person is stopped inside a tenant; say which")
    inside = work.beside(place.id)
    if sub:
        member = await user.member_by_sub(inside, sub)
    else:
        person = await user.person_by_email(work, email) if email else None
        member = await user.member_by_person(inside, person.id) if person else None
    if member is None:
        raise UnknownTargetError(f"user: nobody in {place.slug} is {email or sub or '(empty)'}; look at the spelling")
    return Target(kind=Kind.USER, tenant=place.id, sub=member.sub)


async def _client(work: UnitOfWork, where: str, client_id: str) -> Target:
    found = await registry.find(work, client_id)
    # A document's URL can be stopped before anybody came with it, and says nothing of who did.
    is_known = found is not None and (where == EVERY_TENANT or found.is_shared or found.tenant == where)
    if not is_known and not _is_url(client_id):
        raise UnknownTargetError(f"client_id: {client_id or '(empty)'} is unknown; list the tenant's clients")
    if found is not None and not found.is_shared and where == EVERY_TENANT:
        # It is in use in one tenant alone: stopped there, its tenant's operators see why.
        return Target(kind=Kind.CLIENT, tenant=found.tenant, client_id=found.id)
    return Target(kind=Kind.CLIENT, tenant=where, client_id=client_id)


def _is_url(client_id: str) -> bool:
    if not client_id.startswith(("https://", "http://")):
        return False
    try:
        return trust.subject(client_id) == client_id
    except InvalidClientDataError:
        return False


def _host(where: str, host: str) -> Target:
    try:
        found = trust.host_of(trust.subject(host))
    except InvalidClientDataError:
        found = ""
    if not found:
        raise UnknownTargetError("host: the name of a host that publishes client documents, such as claude.ai")
    return Target(kind=Kind.CLIENT_HOST, tenant=where, host=found)


async def _resource(work: UnitOfWork, where: str, uri: str) -> str:
    found = await resources.by_uri(work, resources.requested_uri(uri))
    if found is None or (where != EVERY_TENANT and where not in found.tenants):
        raise UnknownTargetError(f"resource: {uri or '(empty)'} is unknown; `authserver resource list` names them")
    return found.uri


async def _tool(work: UnitOfWork, kind: Kind, where: str, uri: str, *, tool: str, definition_hash: str) -> Target:
    found = await resources.by_uri(work, await _resource(work, where, uri))
    assert found is not None
    names = [one.name for one in found.tools]
    # Where its author listed no tools, the guard alone knows them.
    if not tool or (names and tool not in names):
        raise UnknownTargetError(
            f"tool: {found.uri} has no tool {tool!r}; there are: {', '.join(names) or 'none listed'}"
        )
    if kind is Kind.TOOL:
        return Target(kind=kind, tenant=where, resource=found.uri, tool=tool)
    if not _HASH.fullmatch(definition_hash):
        raise UnknownTargetError("definition_hash: of the version, as its server reported it")
    return Target(kind=kind, tenant=where, resource=found.uri, tool=tool, definition_hash=definition_hash)
