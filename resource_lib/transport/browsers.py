"""
Web pages: who may call across origins, and who may not pretend to be this machine.

A bearer token is never sent by a browser on its own, so a page of any origin may call a public server, and no answer
ever allows credentials (cookies). A server on loopback is another matter: any page could reach it under its own name
(DNS rebinding), so there `Host` and `Origin` must be loopback or named. MCP "Security Warning" of Streamable HTTP;
Fetch §3.2.
"""

import re
from urllib.parse import urlsplit

from resource_lib.settings import GuardSettings, is_loopback_host
from resource_lib.transport.asgi import Headers

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_ALLOWED_HEADERS = (
    b"authorization, content-type, accept, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, "
    b"traceparent, tracestate, baggage"
)
_EXPOSED = (b"access-control-expose-headers", b"WWW-Authenticate, Mcp-Session-Id, Retry-After")


class Browsers:
    """Decides about `Origin` and `Host`, and writes the CORS headers that follow."""

    __slots__ = ("_any", "_hosts", "_loopback", "_origins")

    def __init__(self, settings: GuardSettings) -> None:
        named = settings.allowed_origins
        self._loopback = settings.is_loopback
        self._any = "*" in (named or ()) or (named is None and not settings.is_loopback)
        self._origins = named or frozenset()
        self._hosts = settings.allowed_hosts | {urlsplit(settings.resource).netloc.lower()}

    def may_host(self, host: bytes | None) -> bool:
        """Tell whether a loopback server answers to this `Host`. A public server leaves that to its proxy."""
        if not self._loopback:
            return True
        name = (host or b"").decode("latin-1").lower()
        return name in self._hosts or is_loopback_host(_without_port(name))

    def may_call(self, origin: bytes | None) -> bool:
        """Tell whether a page of this origin may call. No `Origin`: not a browser, or the page's own server."""
        if origin is None or self._any:
            return True
        name = origin.decode("latin-1")
        if name in self._origins:
            return True
        scheme, _, rest = name.partition("://")
        return self._loopback and scheme in ("http", "https") and is_loopback_host(_without_port(rest.lower()))

    def cors(self, origin: bytes | None) -> Headers:
        """Return the headers that let a page of `origin` read an answer; none for others, and for callers that are no page."""
        if origin is None or not self.may_call(origin):
            return []
        if self._any:
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSED]

    @staticmethod
    def preflight(requested: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers that answer a preflight: what a call may send. Tool parameters in headers are let through."""
        extra = [
            name.strip()
            for name in requested.lower().split(b",")[:64]
            if name.strip().startswith(b"mcp-param-") and _TOKEN.fullmatch(name.strip())
        ]
        return (
            (b"access-control-allow-methods", b"GET, POST, DELETE"),
            (b"access-control-allow-headers", b", ".join([_ALLOWED_HEADERS, *extra])),
            (b"access-control-max-age", b"600"),
        )


def _without_port(host: str) -> str:
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name if not rest or re.fullmatch(r":\d{1,5}", rest) else ""
    name, colon, port = host.partition(":")
    return name if not colon or re.fullmatch(r"\d{1,5}", port) else ""
