"""The official SDK's low-level Server, guarded. Run: uvicorn examples.lowlevel_sdk:app --port 8000."""

import os
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from resource_lib import ResourceGuard, current_principal, read
from resource_lib.integrations.mcp_sdk import guarded

WHO_AM_I = types.Tool(
    name="who_am_i",
    description="Say who is calling. Use it when it is unclear for whom you work; not to find out about anybody else.",
    input_schema={"type": "object", "properties": {}, "additionalProperties": False},
    output_schema={
        "type": "object",
        "properties": {"subject": {"type": "string"}, "company": {"type": "string"}},
        "required": ["subject", "company"],
    },
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
)


async def list_tools(_: ServerRequestContext[Any], __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[WHO_AM_I])


async def call_tool(_: ServerRequestContext[Any], __: types.CallToolRequestParams) -> types.CallToolResult:
    caller = current_principal()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=f"{caller.subject} of {caller.tenant}")],
        structured_content={"subject": caller.subject, "company": caller.tenant},
    )


guard = ResourceGuard(
    issuer=os.environ.get("ISSUER", "http://127.0.0.1:9000"),
    resource=os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
    tools={"who_am_i": read("profile:read")},
)
app = guarded(Server("who-am-i", on_list_tools=list_tools, on_call_tool=call_tool), guard)
