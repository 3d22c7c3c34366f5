"""
A tool that needs an upstream API asks for a token of that API, in its caller's name.

    token = await exchange_for("https://api.example.com", "orders:read")
    async with httpx2.AsyncClient(auth=ExchangedToken("https://api.example.com", "orders:read")) as upstream: ...

RFC 8693. The caller's own token is with the guard and is not to be had: not by the tool, not by what it calls, not in a log.
What comes out is for that one resource, names this server as the one who acts, and ends no later than the caller's token.
"""

from collections.abc import AsyncGenerator, Generator, Iterable
from contextvars import ContextVar
from hashlib import sha256
from typing import Never
from urllib.parse import urlsplit

import httpx2

from resource_lib.exchange.kept import Kept
from resource_lib.exchange.token_endpoint import TokenEndpoint, Traded
from resource_lib.identity.principal import NoPrincipalError
from resource_lib.settings import SettingsError, identifier, scope_names


class Upstream:
    """Trades the tokens of a guard's callers. `endpoint` is None where the guard has no credential: then it says so."""

    def __init__(self, endpoint: TokenEndpoint | None, *, most: int = 10_000) -> None:
        self._endpoint = endpoint
        self._kept = None if endpoint is None else Kept(clock=endpoint.clock, most=most)

    async def token(self, caller: str, resource: str, scope: frozenset[str]) -> str:
        """Return a token of `resource` for whoever brought the token `caller`. Raises ExchangeError, SettingsError."""
        if self._endpoint is None or self._kept is None:
            raise SettingsError(
                "client_id",
                "this guard has no credential of its own, so it cannot act for its callers",
                "set RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE as `authserver resource add` showed them",
            )
        endpoint = self._endpoint

        async def trade() -> Traded:
            return await endpoint.exchange(subject_token=caller, resource=resource, scope=" ".join(sorted(scope)))

        return (await self._kept.get(_key(caller, resource, scope), trade)).token

    def drop(self, caller: str, resource: str, scope: frozenset[str]) -> None:
        """Forget a token that the upstream API did not take."""
        if self._kept is not None:
            self._kept.drop(_key(caller, resource, scope))


def _key(caller: str, resource: str, scope: frozenset[str]) -> tuple[bytes, str, frozenset[str]]:
    return sha256(caller.encode("utf-8", "surrogatepass")).digest(), resource, scope


class _Carried:
    """The caller's token, where the call's own context alone can use it, and nothing can read it."""

    __slots__ = ("drop", "token")

    def __init__(self, token: str, upstream: Upstream) -> None:
        # In closures and in no attribute: what walks or prints an object finds nothing here.
        async def exchanged(resource: str, scope: frozenset[str]) -> str:
            return await upstream.token(token, resource, scope)

        def drop(resource: str, scope: frozenset[str]) -> None:
            upstream.drop(token, resource, scope)

        self.token = exchanged
        self.drop = drop

    def __repr__(self) -> str:
        return "<a caller's token>"

    def __reduce__(self) -> Never:
        raise TypeError("a caller's token stays in its call")


_current: ContextVar[_Carried] = ContextVar("resource_lib_carried")


class carrying:  # noqa: N801  # read as a verb; a class, because a generator costs three times as much on each call
    """Let `exchange_for` trade this token inside the block. For the guard, and for tests of tools."""

    __slots__ = ("_carried", "_mark")

    def __init__(self, token: str, upstream: Upstream) -> None:
        self._carried = _Carried(token, upstream)

    def __enter__(self) -> None:
        """Enter."""
        self._mark = _current.set(self._carried)

    def __exit__(self, *_: object) -> None:
        """Leave."""
        _current.reset(self._mark)


async def exchange_for(resource: str, scope: str | Iterable[str] = "") -> str:
    """Return an access token of `resource` in the name of whoever makes this call; `scope` as in "orders:read orders:write".

    Without `scope` it may read what an operator allowed. It is this call's alone: do not keep it. Raises NoPrincipalError
    outside a guarded call, SettingsError where the guard has no credential, ExchangeRefusedError when the issuer says no,
    and ExchangeUnavailableError when it cannot be asked.
    """
    identifier("resource", resource)
    return await _carried().token(resource, _scopes(scope))


def _carried() -> _Carried:
    try:
        return _current.get()
    except LookupError:
        raise NoPrincipalError(
            "Nobody is calling here: exchange_for() works only inside a tool call that came through ResourceGuard.wrap(app)."
        ) from None


def _scopes(scope: str | Iterable[str]) -> frozenset[str]:
    return scope_names("scope", scope.split() if isinstance(scope, str) else scope)


class ExchangedToken(httpx2.Auth):
    """Sends each request of an httpx2.AsyncClient to `resource` in the name of whoever makes the call it is made in.

    One client may serve many callers: the token is that of the current call. A request to another origin than the
    resource's is refused, so that a token cannot be sent astray.
    """

    def __init__(self, resource: str, scope: str | Iterable[str] = "") -> None:
        identifier("resource", resource)
        self.resource = resource
        self.scope = _scopes(scope)
        self._origin = _origin(resource)

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Put the token on one request."""
        if _origin(str(request.url)) != self._origin:
            raise SettingsError("resource", f"a token of {self.resource} is for its own origin", "use another client")
        carried = _carried()
        request.headers["authorization"] = f"Bearer {await carried.token(self.resource, self.scope)}"
        response = yield request
        if response.status_code == 401:
            carried.drop(self.resource, self.scope)

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:  # noqa: ARG002
        """Refuse: asking the issuer takes an event loop."""
        raise SettingsError("auth", "ExchangedToken works with httpx2.AsyncClient", "use an AsyncClient")


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
