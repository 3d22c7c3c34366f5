"""
What an MCP server is told of its operators' demands: all of them, for the tenants it is heard for.

Decisions 11 and 18. A tenant without demands is named all the same: the server then knows that it has heard of it, and refuses
whoever comes from one that it has not.
"""

from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tool_policies import tool_policy
from authserver.domain.tool_policies.tool_policy import Document
from authserver.oauth.resource_server import authenticated, heard_for
from authserver.runtime.unit_of_work import UnitOfWork


async def handle(work: UnitOfWork, issuer: Issuer, authorization: bytes | None) -> Document:
    """Return the document for the server that asks. Raises InvalidClient, InvalidRequest, SlowDown."""
    client = await authenticated(work, issuer, authorization)

    async def load() -> Document:
        resource, tenants = await heard_for(work, issuer, client)
        return await tool_policy.document(
            work, resource.uri if resource else client.speaks_for, tenants, speaker=client.tenant
        )

    return await work.machines.memory.get("tool_policy_document", f"{issuer.path}\0{client.id}", load)
