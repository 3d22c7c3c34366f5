"""
MCP servers as operators list and name them: page by page, each by an opaque id, because an identifier with slashes is no path.

The id is derived from the identifier, so it is the same in every process and needs no column. A tenant's operators find what is
linked to their tenant; anything else is not there for them.
"""

from authserver.domain.resources import resource as resources
from authserver.domain.resources import store
from authserver.domain.resources.resource import Resource
from authserver.runtime.identifiers import derived_id
from authserver.runtime.unit_of_work import UnitOfWork


def id_of(uri: str) -> str:
    """Return the opaque id of an MCP server."""
    return derived_id("res", uri)


async def by_id(work: UnitOfWork, resource_id: str, *, tenant: str | None) -> Resource | None:
    """Return the MCP server with an id that is linked to a tenant (None: any), from memory, or None."""

    async def load() -> dict[str, str]:
        uris = await resources.every_uri(work) if tenant is None else await resources.of_tenant(work, tenant)
        return {id_of(uri): uri for uri in uris}

    uri = (await work.machines.memory.get("resource_ids", tenant or "", load)).get(resource_id)
    return await resources.by_uri(work, uri) if uri is not None else None


async def page(work: UnitOfWork, *, tenant: str | None, after: str = "", most: int = 50) -> list[Resource]:
    """Return the MCP servers linked to a tenant (None: all), by identifier, those after one; never from memory."""
    if tenant is None:
        rows = await work.all(store.PAGE, after=after, most=most)
    else:
        rows = await work.all(store.PAGE_OF_TENANT, linked_to=tenant, after=after, most=most)
    links = [await work.all(store.LINKS_OF, uri=row["uri"]) for row in rows]
    return [
        resources.from_row(row, frozenset(link["linked_to"] for link in linked))
        for row, linked in zip(rows, links, strict=True)
    ]
