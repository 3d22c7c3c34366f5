"""The official SDK's MCPServer, guarded. Run: uvicorn examples.official_sdk:app --port 8000."""

import os

from mcp.server import MCPServer

from resource_lib import ResourceGuard, current_principal, destructive, read, write
from resource_lib.integrations.mcp_sdk import guarded

mcp = MCPServer("notes")
NOTES: dict[str, list[str]] = {}


@mcp.tool()
def list_notes() -> list[str]:
    """List the notes of my company."""
    return NOTES.get(current_principal().tenant, [])


@mcp.tool()
def add_note(text: str) -> int:
    """Add a note and say how many there are."""
    notes = NOTES.setdefault(current_principal().tenant, [])
    notes.append(text)
    return len(notes)


@mcp.tool()
def clear_notes() -> int:
    """Delete all notes of my company and say how many there were."""
    return len(NOTES.pop(current_principal().tenant, []))


guard = ResourceGuard(
    issuer=os.environ.get("ISSUER", "http://127.0.0.1:9000"),
    resource=os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
    tools={
        "list_notes": read("notes:read"),
        "add_note": write("notes:write"),
        "clear_notes": destructive("notes:write", roles=["admin"], approval=False),
    },
)
app = guarded(mcp, guard)
