"""
The one door: finds the issuer and the endpoint, bounds the request, answers accidents without telling their inside.

Pure ASGI, no middleware (decision 20). Routing looks at the path as it was sent (`raw_path`), never at a Host header, and a
path with percent-encoding is nobody's.
"""

import ipaddress
from collections.abc import Awaitable, Callable

import structlog

from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.oauth.errors import OAuthError
from authserver.runtime.identifiers import new_id
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from authserver.web.admin.problems import ProblemError
from authserver.web.errors import oauth_error, plain_error
from authserver.web.headers import GROUPS, PREFLIGHT, STRICT_TRANSPORT
from authserver.web.http import (
    BodyTooLargeError,
    ClientGoneError,
    Header,
    NothingThereError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    Stream,
    read_body,
    send_response,
    send_stream,
)
from authserver.web.pages.answers import error_page
from authserver.web.pages.floods import pages_flooded
from authserver.web.routes import READABLE_CROSS_ORIGIN, Route, find, locate

log = structlog.get_logger("authserver.web")

_ONCE = frozenset({b"authorization", b"content-type", b"cookie", b"host", b"origin", b"content-length"})

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

Lifespan = Callable[[], Awaitable[Machines]]


class Application:
    """The authorization server as an ASGI application. `open_machines` runs at startup, `close_machines` at shutdown."""

    def __init__(self, open_machines: Lifespan, close_machines: Callable[[Machines], Awaitable[None]]) -> None:
        self._open = open_machines
        self._close = close_machines
        self.machines: Machines | None = None
        self._headers: dict[str, tuple[Header, ...]] = GROUPS
        self._proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
        self._only_through_proxies = False

    async def start(self) -> Machines:
        """Open the machines; see `__call__` for who calls it."""
        machines = await self._open()
        settings = machines.settings
        if settings.issuer_is_https:
            self._headers = {group: (*headers, STRICT_TRANSPORT) for group, headers in GROUPS.items()}
        self._proxies = tuple(
            ipaddress.ip_network(entry.strip()) for entry in settings.trusted_proxies.split(",") if entry.strip()
        )
        self._only_through_proxies = settings.exposure == "trusted-proxy"
        self.machines = machines
        return machines

    def drain(self) -> None:
        """Let go of whoever only waits for news: the process is about to stop."""
        if self.machines is not None:
            self.machines.tail.end()

    async def stop(self) -> None:
        """Close what `start` opened."""
        self.drain()
        if self.machines is not None:
            machines, self.machines = self.machines, None
            await self._close(machines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:  # noqa: BLE001 - told to the process that starts us
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        issuer_path, endpoint = locate(scope["path"])
        route, path_id = find(endpoint) or (None, "")
        # `raw_path` is what was sent; uvicorn decodes `path`.
        raw_path = scope.get("raw_path")
        machines = self.machines
        if machines is None:
            await send_response(send, plain_error(503, "starting", "The server is starting."), ())
            return
        if route is not None and route.switch and not getattr(machines.settings, route.switch):
            route = None
        if raw_path is not None and raw_path.partition(b"?")[0] != scope["path"].encode():
            # Where nobody learns which paths there are, nothing at all is asked for.
            route, path_id = (route, "/") if route is not None and route.every_method else (None, "")
        if route is None:
            await send_response(
                send, plain_error(404, "not_found", "There is nothing here."), self._headers["operations"]
            )
            return
        if self._only_through_proxies and route.group != "operations" and not self._is_our_side(scope):
            # Probes of health come from wherever the platform sits, and learn nothing else.
            refused = plain_error(
                403, "forbidden", "This server is reached through its proxy.", (b"connection", b"close")
            )
            await send_response(send, refused, self._headers["operations"])
            return
        method = scope["method"]
        headers = self._headers[route.group]
        if method == "OPTIONS" and route.group in READABLE_CROSS_ORIGIN:
            await send_response(send, Response(status=204), headers + PREFLIGHT)
            return
        handle = route.every_method or route.methods.get(
            "GET" if method == "HEAD" and route.group in {"public", "asset", "operations"} else method
        )
        if handle is None:
            allow = ", ".join(route.methods).encode()
            refused = plain_error(405, "method_not_allowed", f"Use {allow.decode()}.", (b"allow", allow))
            await send_response(send, refused, headers)
            return
        request_id = new_id("req")
        request: Request | None = None
        response: Response | Stream
        try:
            issuer = await self._issuer(machines, issuer_path, request_id)
            if issuer is None:
                await send_response(send, plain_error(404, "not_found", "There is nothing here."), headers)
                return
            body = await read_body(scope, receive, most=route.most_body) if method in _WITH_BODY else b""
            request = self._request(machines, scope, issuer, request_id, body=body, path_id=path_id)
            flooded = pages_flooded(request) if route.group == "page" else None
            response = flooded or await handle(request)
        except ClientGoneError:
            return
        except NothingThereError:
            response, headers = plain_error(404, "not_found", "There is nothing here."), self._headers["operations"]
        except Exception as error:  # noqa: BLE001 - the last line: nothing of the inside leaves
            response = self._accident(route, request, request_id, error)
        if isinstance(response, Stream):
            try:
                await send_stream(receive, send, response, headers)
            except Exception as error:
                log.warning("stream_failed", request_id=request_id, error=type(error).__name__, exc_info=error)
            return
        await send_response(send, response, headers, head=method == "HEAD")

    async def _issuer(self, machines: Machines, path: str, request_id: str) -> Issuer | None:
        issuers = await all_issuers(machines.work(request_id=request_id))
        return issuers.by_path.get(path)

    def _request(
        self, machines: Machines, scope: Scope, issuer: Issuer, request_id: str, *, body: bytes, path_id: str
    ) -> Request:
        headers: dict[bytes, bytes] = {}
        repeated: set[bytes] = set()
        for name, value in scope["headers"]:
            if name in headers and name in _ONCE:
                repeated.add(name)
            headers[name] = value
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            repeated_headers=frozenset(repeated),
            body=body,
            address=self._address(scope, headers),
            issuer=issuer,
            machines=machines,
            request_id=request_id,
            path_id=path_id,
        )

    def _is_our_side(self, scope: Scope) -> bool:
        """Whether the peer is a declared proxy or this machine: past them nothing protects a connection."""
        client = scope.get("client")
        try:
            peer = ipaddress.ip_address(str(client[0]) if client else "")
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        peer = mapped if mapped is not None else peer
        return peer.is_loopback or any(peer in network for network in self._proxies)

    def _address(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """Return who is calling: behind declared proxies the right-most hop that is none of them."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        if not self._proxies:
            return address
        hops = [address]
        hops += [hop.strip() for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(","))]
        for hop in hops:
            try:
                parsed = ipaddress.ip_address(without_port(hop))
            except ValueError:
                return address
            if not any(parsed in network for network in self._proxies):
                return str(parsed)
        return address

    def _accident(self, route: Route, request: Request | None, request_id: str, error: Exception) -> Response:
        if route.every_method is not None:
            return self._problem(request_id, error)
        if isinstance(error, BodyTooLargeError):
            return plain_error(413, "invalid_request", "The body is too large.", (b"connection", b"close"))
        if isinstance(error, OAuthError) and request is not None and route.group != "page":
            return oauth_error(request, error)
        busy = isinstance(error, DatabaseUnavailableError)
        if not busy:
            log.error("request_failed", request_id=request_id, error=type(error).__name__, exc_info=error)
        else:
            log.warning("database_unavailable", request_id=request_id, error=str(error))
        status = 503 if busy or isinstance(error, OAuthError) else 500
        if route.group == "page" and request is not None:
            return error_page(
                request,
                *(((b"retry-after", b"1"),) if status == 503 else ()),
                status=status,
                title="Something went wrong on our side",
                message="Nothing was changed." if busy else "It has been noted.",
                cure="Try again in a moment.",
            )
        if status == 503:
            return plain_error(503, "temporarily_unavailable", "Try again in a moment.", (b"retry-after", b"1"))
        return plain_error(500, "server_error", f"Something went wrong; it is noted as {request_id}.")

    def _problem(self, request_id: str, error: Exception) -> Response:
        if isinstance(error, BodyTooLargeError):
            return ProblemError(413, "The body is too large.", headers=[(b"connection", b"close")]).response(request_id)
        if isinstance(error, DatabaseUnavailableError):
            log.warning("database_unavailable", request_id=request_id, error=str(error))
            return ProblemError(503, "Try again in a moment.", headers=[(b"retry-after", b"1")]).response(request_id)
        log.error("request_failed", request_id=request_id, error=type(error).__name__, exc_info=error)
        return ProblemError(500, f"It is noted as {request_id}.").response(request_id)


def without_port(hop: str) -> str:
    """Return the address of a hop; some proxies name the port too, as `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
