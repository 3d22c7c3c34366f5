"""
The official SDK, `MCPServer` and low-level `Server`: `app = guarded(mcp, guard)`.

Inside a tool, `current_principal()` and the SDK's own `get_access_token()` both know the caller; sessions of 2025-11-25
belong to their opener twice, by the guard and by the SDK. The SDK is told who calls, never the token itself.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import anyio
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from starlette.authentication import AuthCredentials

from resource_lib import author_tools
from resource_lib.guard import GuardedApp, ResourceGuard
from resource_lib.identity.principal import Principal
from resource_lib.transport.asgi import App, Receive, Scope, Send
from resource_lib.visit import PRINCIPAL


def guarded(server: MCPServer[Any] | Server[Any], guard: ResourceGuard, **options: Any) -> GuardedApp:
    """Return `server` as a guarded ASGI app. `options` go to its `streamable_http_app()`.

    Leave `token_verifier=` and `auth=` of the SDK out: the guard verifies tokens.
    """
    app = Introduced(server.streamable_http_app(**options), resource=guard.settings.resource)
    return guard.wrap(app, listed=listed_by(server, guard))


class ListsTools(Protocol):
    """A server that can say which tools it has."""

    async def list_tools(self) -> Any:
        """Return them."""
        ...


def tools_of(server: ListsTools) -> list[Any]:
    """Return the tools of `server`, for `from_annotations`. Works while a loop is running too, as when uvicorn imports."""
    with ThreadPoolExecutor(1) as thread:
        return list(thread.submit(lambda: anyio.run(server.list_tools)).result())


def listed_by(server: Any, guard: ResourceGuard) -> list[dict[str, Any]] | None:
    """Return the tools of `server` for the linter of `guard`; None: it cannot say them before it runs, or nobody wants to know."""
    if guard.lint.mode == "off" or not hasattr(server, "list_tools"):
        return None
    try:
        return author_tools.tools_of(server)
    except Exception:  # noqa: BLE001 - the server's own: whatever it is, its tools are looked at when they are listed
        return None


class Introduced:
    """Tells a server made with the SDK who calls, in the SDK's own words, or in `words` derived from them."""

    def __init__(self, app: App, *, resource: str, words: type[AccessToken] = AccessToken) -> None:
        """Stand between the guard and `app`; `words` is the class of what `get_access_token()` returns."""
        self._app = app
        self._resource = resource
        self._words = words
        self._last: tuple[Principal, AuthenticatedUser, AuthCredentials] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request in the caller's name."""
        principal = scope.get(PRINCIPAL)
        if not isinstance(principal, Principal):
            await self._app(scope, receive, send)
            return
        user, scopes = self._known_as(principal)
        scope["user"], scope["auth"] = user, scopes
        mark = auth_context_var.set(user)
        try:
            await self._app(scope, receive, send)
        finally:
            auth_context_var.reset(mark)

    def _known_as(self, principal: Principal) -> tuple[AuthenticatedUser, AuthCredentials]:
        """Return the same caller in these words; the last one is kept, as one token makes many calls in a row."""
        last = self._last
        if last is None or last[0] is not principal:
            user = AuthenticatedUser(
                self._words(
                    token="",  # the caller's token is not passed on, so that no tool can
                    client_id=principal.client_id,
                    scopes=sorted(principal.scopes),
                    expires_at=principal.expires_at,
                    resource=self._resource,
                    subject=principal.subject,
                    claims=dict(principal.claims),
                )
            )
            self._last = last = (principal, user, AuthCredentials(user.scopes))
        return last[1], last[2]
