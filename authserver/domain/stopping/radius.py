"""
What a stop would end, counted before anybody confirms it.

Counted tenant by tenant, each inside its own, from the rows as they are now: what has ended already, by a row or by a number,
is not counted again.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from authserver.domain.clients import registry
from authserver.domain.exchange import policy
from authserver.domain.instances import instance as instances
from authserver.domain.instances.instance import Instance
from authserver.domain.resources import resource as resources
from authserver.domain.revocation.kill_switch import Target
from authserver.domain.stopping import store
from authserver.domain.tenants import tenant as tenants
from authserver.runtime.schema import Statement
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import COUNTED, EVERY_TENANT, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Radius:
    """What hangs on a target now. A person who is a member of two tenants is two."""

    users: int
    clients: int
    live_authorizations: int
    servers: tuple[str, ...]
    """The MCP servers that are told of it."""
    instances: int
    """Their running processes, which are waited for."""
    ends: bool
    """Whether these authorizations end with a kill; those of a tool or a resource are only held up."""


async def radius(work: UnitOfWork, target: Target) -> Radius:
    """Return what a stop of `target` would end or hold up."""
    everywhere = target.tenant == EVERY_TENANT
    inside = [tenant.id for tenant in await tenants.all_tenants(work)] if everywhere else [target.tenant]
    counted = await asyncio.gather(*(_counted(work, tenant, target) for tenant in inside))
    servers = await told(work, target)
    return Radius(
        users=sum(users for _, users, _ in counted),
        # A client that belongs to nobody is one, in however many tenants.
        clients=_clients(target, [clients for _, _, clients in counted]),
        live_authorizations=sum(live for live, _, _ in counted),
        servers=servers,
        instances=len(await running(work, servers, target.tenant)),
        ends=target.kind in COUNTED,
    )


def _clients(target: Target, counted: list[int]) -> int:
    return min(1, sum(counted)) if target.kind is Kind.CLIENT else sum(counted)


async def _counted(work: UnitOfWork, tenant: str, target: Target) -> tuple[int, int, int]:
    statement, of = _of(target)
    within = work.beside(tenant)
    floors = await within.one(store.FLOORS, within=tenant)
    assert floors is not None
    row = await within.one(
        statement, now=work.now, floor=floors["of_all"] or 0, newest_floor=floors["newest"] or 0, **of
    )
    assert row is not None
    return row["live"], row["users"], row["clients"]


def _of(target: Target) -> tuple[Statement, dict[str, str]]:
    match target.kind:
        case Kind.USER:
            return store.OF_USER, {"sub": target.sub}
        case Kind.CLIENT:
            return store.OF_CLIENT, {"client_id": target.client_id}
        case Kind.CLIENT_HOST:
            return store.OF_HOST, {"host": target.host}
        case Kind.RESOURCE | Kind.TOOL | Kind.TOOL_VERSION:
            return store.AT_RESOURCE, {"resource": target.resource}
        case _:
            return store.IN_TENANT, {}


async def told(work: UnitOfWork, target: Target) -> tuple[str, ...]:
    """Return the MCP servers that have to hear of a target."""
    if target.resource:
        return (target.resource,)
    if target.tenant == EVERY_TENANT:
        return await resources.every_uri(work)
    return await resources.of_tenant(work, target.tenant)


async def speaking_for(work: UnitOfWork, tenant: str, client_ids: Collection[str]) -> frozenset[str]:
    """Return which of these credentials speak for a tenant (`*`: all of them).

    A server that serves two tenants may have one of each: what runs with the other's is nothing to a tenant.
    """
    if tenant == EVERY_TENANT:
        return frozenset(client_ids)
    owners = {client_id: await registry.find(work, client_id) for client_id in client_ids}
    return frozenset(name for name, one in owners.items() if one is not None and one.tenant in {EVERY_TENANT, tenant})


async def running(work: UnitOfWork, servers: Collection[str], tenant: str) -> list[Instance]:
    """Return the running processes of these MCP servers that speak for a tenant (`*`: all of them)."""
    found = await instances.of(work, servers)
    ours = await speaking_for(work, tenant, {one.client_id for one in found})
    return [one for one in found if one.client_id in ours]


async def reached_from(work: UnitOfWork, resource: str, tenant: str) -> tuple[str, ...]:
    """Return a server and those towards which a tenant's tokens from it may be exchanged, one after the other.

    A token reaches no server that its tenant is not linked to, and nobody there is to learn that there is one.
    """
    linked = frozenset(await resources.of_tenant(work, tenant))
    found, ahead = {resource: None}, [resource]
    while ahead:
        for exchange in await policy.of_actor(work, ahead.pop()):
            if exchange.target not in found and exchange.target in linked:
                found[exchange.target] = None
                ahead.append(exchange.target)
    return tuple(found)
