"""
Which resource, hence which audience.

RFC 8707 §2, decision 7: the audience comes from what the person approved, never from the token request alone. An absent
`resource` is the client's or tenant's default, or the only one there is.
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
    """The resource a request is for; `is_defaulted` when the request named none."""

    resource: Resource
    is_defaulted: bool


async def target(work: UnitOfWork, client: Client, parameters: Parameters) -> Target:
    """Return the one resource of a request. Raises InvalidTarget when it is unknown, ended, or not for this client."""
    asked = parameters.many("resource")
    if len(asked) > 1:
        raise InvalidTarget("resource: one per request; ask again for another.", reason="several_resources")
    uri = resources.requested_uri(asked[0]) if asked else await _default(work, client)
    found = await resources.by_uri(work, uri) if uri and len(uri) <= 500 else None
    if found is None or not found.is_active or not client.may_reach(found.uri) or not _is_linked(client, found):
        raise InvalidTarget(
            "resource: is not known here, or not for this client."
            if asked
            else "resource: is missing and there is no default.",
            reason="unknown_resource",
        )
    return Target(resource=found, is_defaulted=not asked)


def same_resource(parameters: Parameters, uri: str) -> None:
    """Raise InvalidTarget when a token request names another resource than the one that was approved (RFC 8707 §2.2)."""
    asked = parameters.many("resource")
    if len(asked) > 1 or (asked and resources.requested_uri(asked[0]) != uri):
        raise InvalidTarget("resource: is not the one that was approved.", reason="other_resource")


def _is_linked(client: Client, found: Resource) -> bool:
    # The tenant of a shared client is chosen at consent, among those linked.
    return bool(found.tenants) if client.is_shared else client.tenant in found.tenants


async def _default(work: UnitOfWork, client: Client) -> str | None:
    if client.default_resource:
        return client.default_resource
    if client.is_shared:
        return None
    tenant = await tenants.by_id(work, client.tenant)
    if tenant is not None and tenant.default_resource:
        return tenant.default_resource
    linked = [uri for uri in await resources.of_tenant(work, client.tenant) if client.may_reach(uri)]
    return linked[0] if len(linked) == 1 else None
