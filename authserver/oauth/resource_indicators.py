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


async def target(work: UnitOfWork, client: Client, parameters: Parameters) -> Target:
    """Return the one resource of a request. Raises InvalidTarget when it is unknown, ended, or not for this client."""
    asked = parameters.many("resource")
    if len(asked) > 1:
        raise InvalidTarget("resource: one per request; ask again for another.", reason="several_resources")
    uri = resources.requested_uri(asked[0]) if asked else await _default(work, client)
    found = await resources.by_uri(work, uri) if uri and len(uri) <= 500 else None
    mapped = None
    if found is None and asked and work.machines.settings.resource_by_origin:
        mapped = await _only_one_under(work, client, uri)
        found = await resources.by_uri(work, mapped) if mapped else None
    if found is None or not found.is_active or not client.may_reach(found.uri) or not _is_linked(client, found):
        raise InvalidTarget(
            "resource: is not known here, or not for this client."
            if asked
            else "resource: is missing and there is no default.",
            reason="unknown_resource",
        )
    return Target(resource=found, is_defaulted=not asked, is_mapped=mapped is not None)


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


async def _default(work: UnitOfWork, client: Client) -> str | None:
    if client.default_resource:
        return client.default_resource
    if client.is_shared:
        every = await resources.every_uri(work)
        return every[0] if len(every) == 1 else None
    tenant = await tenants.by_id(work, client.tenant)
    if tenant is not None and tenant.default_resource:
        return tenant.default_resource
    linked = [uri for uri in await resources.of_tenant(work, client.tenant) if client.may_reach(uri)]
    return linked[0] if len(linked) == 1 else None


async def _only_one_under(work: UnitOfWork, client: Client, uri: str | None) -> str | None:
    """Return the one resource under the origin `uri`, of those this client could mean; None for more, or for no origin."""
    if uri is None or uri != resources.origin_of(uri):
        return None
    every = await (resources.every_uri(work) if client.is_shared else resources.of_tenant(work, client.tenant))
    under = [known for known in every if resources.origin_of(known) == uri and client.may_reach(known)]
    return under[0] if len(under) == 1 else None
