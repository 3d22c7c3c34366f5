"""An MCP server that calls an upstream API in its callers' names. Run: uvicorn examples.upstream_api:app --port 8000.

It needs a credential of its own, RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE, and an operator's word:
`authserver exchange add $RESOURCE --to $UPSTREAM --scope orders:read`. The caller's token is never passed on.
"""

import os
from typing import Any

import httpx2
from mcp.server import MCPServer
from mcp_types import ToolAnnotations

from resource_lib import ExchangedToken, ExchangeRefusedError, ResourceGuard, read
from resource_lib.guard import GuardedApp
from resource_lib.integrations.mcp_sdk import guarded

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:8001/api")


def make_app(*, http: httpx2.AsyncBaseTransport | None = None, **options: Any) -> GuardedApp:
    """Return the guarded server; `options` go to its guard, `http` replaces the way to the upstream API."""
    mcp = MCPServer("order desk")

    @mcp.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    async def open_orders() -> str:
        """Say how many orders of my company are open. Use it when somebody asks for the number; it does not say which."""
        async with httpx2.AsyncClient(auth=ExchangedToken(UPSTREAM, "orders:read"), transport=http) as upstream:
            try:
                answer = await upstream.get(UPSTREAM + "/orders")
            except ExchangeRefusedError as refused:
                return f"The order API may not be asked for you: {refused.error}."
        answer.raise_for_status()
        return f"{len(answer.json())} orders are open."

    given = {
        "issuer": os.environ.get("ISSUER", "http://127.0.0.1:9000"),
        "resource": os.environ.get("RESOURCE", "http://127.0.0.1:8000/mcp"),
        "tools": {"open_orders": read("orders:read")},
    }
    return guarded(mcp, ResourceGuard(**{**given, **options}))


app = make_app()
