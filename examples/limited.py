"""How often each tool may be called, by what it costs. Run: uvicorn examples.limited:app --port 8000.

Cheap things often, what reaches people seldom, what cannot be taken back hardly ever. docs/limits.md has the words and the defaults.
"""

import os

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

from resource_lib import Limits, ResourceGuard, current_principal, destructive, read, write
from resource_lib.integrations.mcp_sdk import guarded

mcp = MCPServer("records")
RECORDS: dict[str, list[str]] = {}
OUTBOX: list[tuple[str, str]] = []


@mcp.tool(annotations=ToolAnnotations(read_only_hint=True))
def query_database(word: str) -> int:
    """Count the records of my company that hold a word. Call it to find out how many there are, not to read them."""
    return sum(word in record for record in RECORDS.get(current_principal().tenant, []))


@mcp.tool(annotations=ToolAnnotations(destructive_hint=False))
def send_email(subject: str) -> str:
    """Send a note to my company's own desk. Call it when a person asked for it, not to report progress."""
    OUTBOX.append((current_principal().tenant, subject))
    return "Sent."


@mcp.tool(annotations=ToolAnnotations(destructive_hint=True))
def delete_records(word: str) -> int:
    """Delete the records of my company that hold a word, and say how many there were. It cannot be taken back."""
    tenant = current_principal().tenant
    before = RECORDS.get(tenant, [])
    RECORDS[tenant] = [record for record in before if word not in record]
    return len(before) - len(RECORDS[tenant])


TOOLS = {
    "query_database": read("records:read", limit="30/60s", concurrent=4),
    "send_email": write("records:write", limit=["5/hour", "200/day per tenant"]),
    "delete_records": destructive(
        "records:write", roles=["admin"], approval=False
    ),  # 3/hour, as whatever is destructive
}
guard = ResourceGuard(
    issuer=os.environ.get("ISSUER", "http://127.0.0.1:9000"),
    resource=os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
    tools=TOOLS,
    limits=Limits(tenant="5000/min"),
)
app = guarded(mcp, guard)
