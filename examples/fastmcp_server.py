"""FastMCP, guarded, its policy taken from the tools' own annotations. Run: uvicorn examples.fastmcp_server:app."""

import os
from typing import Annotated

from fastmcp import FastMCP
from pydantic import Field

from resource_lib import ResourceGuard, current_principal, destructive, from_annotations, read, write
from resource_lib.integrations.fastmcp import guarded, tools_of

mcp = FastMCP("counter")
COUNTS: dict[str, int] = {}


@mcp.tool(annotations={"readOnlyHint": True})
def show() -> int:
    """Show my company's counter. Use it when somebody asks how far it is; adding says it too, so do not ask again then."""
    return COUNTS.get(current_principal().tenant, 0)


@mcp.tool(annotations={"readOnlyHint": False, "destructiveHint": False})
def add(amount: Annotated[int, Field(description="How much, at most 1000.", ge=1, le=1000)]) -> int:
    """Add to my company's counter. Use it when somebody says what to count; never to correct it."""
    tenant = current_principal().tenant
    COUNTS[tenant] = COUNTS.get(tenant, 0) + amount
    return COUNTS[tenant]


policies = {
    "read": read("counter:read"),
    "write": write("counter:write"),
    "destructive": destructive("counter:write", approval=False),  # an unannotated tool counts as destructive
}
guard = ResourceGuard(
    issuer=os.environ.get("ISSUER", "http://127.0.0.1:9000"),
    resource=os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
    tools=from_annotations(tools_of(mcp), **policies),
)
app = guarded(mcp, guard)
