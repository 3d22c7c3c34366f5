"""
Which resource, hence which audience.

RFC 8707 §2, decision 7: the audience comes from what the person approved, never from the token request alone. An absent
`resource` is the client's or tenant's default, or the only one there is. An origin alone means the one MCP server under it
(some clients send no path, whatever the server's metadata says); it never becomes an audience itself, and it is recorded.
"""

from dataclasses import dataclass

from authserver.domain.clients.client import Client
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.tenants import tenant as tenants
from authserver.oauth.errors import InvalidTarget
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The resource a request is for; `is_defaulted` when the request named none, `is_mapped` when only its origin."""

    resource: Resource
    is_defaulted: bool
    is_mapped: bool = False


async def target(
    work: UnitOfWork, client: Client, parameters: Parameters, *, of: tuple[str, ...] | None = None
) -> Target | None:
    """Return the one resource of a request. Raises InvalidTarget when it is unknown, ended, or not for this client.

    A client of nobody's means, where it does not say which, the resource of whoever it acts for: `of` names the tenants that
    come into question, None while nobody has signed in. Then, or where they differ, the answer can be None: not decided yet.
    """
    asked = parameters.many("resource")
    if len(asked) > 1:
        raise InvalidTarget("resource: one per request; ask again for another.", reason="several_resources")
    uri = resources.requested_uri(asked[0]) if asked else ""
    found = await resources.by_uri(work, uri) if uri and len(uri) <= 500 else None
    is_mapped = False
    if found is None and (not asked or (work.machines.settings.resource_by_origin and uri == resources.origin_of(uri))):
        meant = await _meant(work, client, of, origin=uri)
        if len(meant) > 1:
            return None
        found = await resources.by_uri(work, meant[0]) if meant else None
        is_mapped = bool(asked)
    if found is not None and client.is_self_made and resources.is_administration(work, found.uri):
        # Nobody becomes an administrator's application by asking nicely on a consent page: an operator registers it.
        found = None
    if found is None or not found.is_active or not client.may_reach(found.uri) or not _is_linked(client, found):
        raise InvalidTarget(
            "resource: is not known here, or not for this client."
            if asked
            else "resource: is missing and there is no default.",
            reason="unknown_resource",
        )
    return Target(resource=found, is_defaulted=not asked, is_mapped=is_mapped)


def same_resource(work: UnitOfWork, parameters: Parameters, uri: str) -> None:
    """Raise InvalidTarget when a token request names another resource than the one that was approved (RFC 8707 §2.2).

    Its origin alone is no other name: the client that sent it to be approved sends it here too, and gets nothing more.
    """
    asked = parameters.many("resource")
    named = {uri, resources.origin_of(uri)} if work.machines.settings.resource_by_origin else {uri}
    if len(asked) > 1 or (asked and resources.requested_uri(asked[0]) not in named):
        raise InvalidTarget("resource: is not the one that was approved.", reason="other_resource")


def _is_linked(client: Client, found: Resource) -> bool:
    # The tenant of a shared client is chosen at consent, among those linked.
    return bool(found.tenants) if client.is_shared else client.tenant in found.tenants


async def _meant(work: UnitOfWork, client: Client, of: tuple[str, ...] | None, *, origin: str) -> tuple[str, ...]:
    """Return the resources that could be meant by no resource at all, or by `origin` alone."""
    if client.default_resource and not origin:
        return (client.default_resource,)
    tenant_ids = of if client.is_shared else (client.tenant,)
    if tenant_ids is None:
        return _under(origin, client, await resources.every_uri(work))
    meant = [await _of_tenant(work, client, tenant_id, origin=origin) for tenant_id in tenant_ids]
    return tuple(sorted({uri for uri in meant if uri}))


async def _of_tenant(work: UnitOfWork, client: Client, tenant_id: str, *, origin: str) -> str | None:
    if not origin:
        tenant = await tenants.by_id(work, tenant_id)
        if tenant is not None and tenant.default_resource:
            return tenant.default_resource
    under = _under(origin, client, await resources.of_tenant(work, tenant_id))
    return under[0] if len(under) == 1 else None


def _under(origin: str, client: Client, uris: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(uri for uri in uris if client.may_reach(uri) and (not origin or resources.origin_of(uri) == origin))
