"""
FastMCP: `app = guarded(mcp, guard)`.

Inside a tool, `current_principal()` and FastMCP's own `get_access_token()`, `CurrentAccessToken` and `TokenClaim` all know
the caller. FastMCP stands on the official SDK, and so does this file on that integration; the token itself is never told.
"""

from typing import Any

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken

from resource_lib.guard import GuardedApp, ResourceGuard
from resource_lib.integrations.mcp_sdk import Introduced, listed_by, tools_of

__all__ = ["guarded", "tools_of"]


def guarded(server: FastMCP[Any], guard: ResourceGuard, **options: Any) -> GuardedApp:
    """Return `server` as a guarded ASGI app. `options` go to its `http_app()`.

    Leave FastMCP's `auth=` out: the guard verifies tokens.
    """
    app: Any = server.http_app(**options)
    introduced = Introduced(app, resource=guard.settings.resource, words=AccessToken)
    return guard.wrap(introduced, listed=listed_by(server, guard))
