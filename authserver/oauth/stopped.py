"""
While something is stopped, nothing of it begins.

Ours; decision 14. What a stop of a person, a client, a tenant or everything has ended is told by the rows (`revocation/store.py`).
Here it is asked besides, from a memory that is a moment old at most, whether what would begin now may: whoever a lagging memory
lets pass begins with a number below the stop's, and that is no beginning. A stopped MCP server or tool ends nothing: what would
begin waits, and is told for how long.

Nobody is told why; that is between operators.
"""

from authserver.domain.clients.client import Client
from authserver.domain.resources.resource import Resource
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import Kill
from authserver.oauth.errors import Stopped, StoppedGrant, TemporarilyUnavailable
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork

_WORDS = "This was stopped by an operator."


async def on(work: UnitOfWork, *, tenant: str, client: Client | None = None, sub: str = "") -> Kill | None:
    """Return the gravest stop of a client, a person or a tenant, or None. From memory."""
    stops = await kill_switch.stops(work)
    return stops.on(
        tenant=tenant,
        sub=sub,
        client_id=client.id if client is not None else "",
        host=client.document_host if client is not None else "",
    )


async def refuse_grant(work: UnitOfWork, *, client: Client, sub: str = "") -> None:
    """Raise StoppedGrant where the client, the person or the bound tenant is stopped: no token comes from anything now."""
    if await on(work, tenant=work.tenant or SHARED, client=client, sub=sub) is not None:
        raise StoppedGrant(_WORDS, reason="stopped")


async def refuse_person(work: UnitOfWork, sub: str) -> None:
    """Raise StoppedGrant where a member of the bound tenant, the tenant or everything is stopped."""
    if await on(work, tenant=work.tenant or SHARED, sub=sub) is not None:
        raise StoppedGrant(_WORDS, reason="stopped")


async def refuse_client(work: UnitOfWork, client: Client) -> None:
    """Raise Stopped where nothing can come of a request that this client begins."""
    if await on(work, tenant=client.tenant, client=client) is not None:
        raise Stopped(_WORDS, reason="stopped")


async def refuse_strangers(work: UnitOfWork) -> None:
    """Raise TemporarilyUnavailable while everything is stopped: nobody introduces themselves then."""
    stopped = await on(work, tenant=SHARED)
    if stopped is not None:
        raise waits(stopped)


async def refuse_at(work: UnitOfWork, tenant: str, *uris: str) -> None:
    """Raise TemporarilyUnavailable where one of these MCP servers is stopped or switched inactive: come back later."""
    stops = await kill_switch.stops(work)
    for uri in uris:
        if (held := stops.held(tenant, uri)) is not None:
            raise waits(held)


def waits(held: Kill) -> TemporarilyUnavailable:
    """Return what whoever comes now is told: nothing of theirs has ended."""
    return TemporarilyUnavailable(
        "The resource is not available now; it was switched off by an operator.",
        reason="resource_stopped",
        retry_after_s=held.retry_after_s,
    )


async def without_stopped_tools(work: UnitOfWork, tenant: str, resource: Resource) -> Resource:
    """Return the resource without its stopped tools: nobody is asked to allow them, and whoever was keeps them."""
    stops = await kill_switch.stops(work)
    return resource.without_tools(stops.tools(tenant, resource.uri))
