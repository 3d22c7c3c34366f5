"""The official SDK's MCPServer, guarded. Run: uvicorn examples.official_sdk:app --port 8000."""

import os
from typing import Annotated

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from resource_lib import ResourceGuard, current_principal, destructive, read, write
from resource_lib.integrations.mcp_sdk import guarded

mcp = MCPServer("notes")
NOTES: dict[str, list[str]] = {}
Note = Annotated[str, Field(description="The note, as it should be kept.", min_length=1, max_length=500)]


@mcp.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
def list_notes() -> list[str]:
    """List the notes of my company. Use it when somebody asks what was noted; do not use it to check one that was just added."""
    return NOTES.get(current_principal().tenant, [])


@mcp.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False))
def add_note(text: Note) -> int:
    """Add a note and say how many there are. Use it when something is to be remembered; never for secrets."""
    notes = NOTES.setdefault(current_principal().tenant, [])
    notes.append(text)
    return len(notes)


@mcp.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False))
def clear_notes() -> int:
    """Delete all notes of my company and say how many there were. Only for when all of them are to go: it cannot be taken back."""
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
