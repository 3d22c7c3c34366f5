"""
The few headers a guard looks at, read once; the body, bounded; and what the wrapped server gets to see of both.

A token travels in exactly one `Authorization` header and nowhere else (RFC 6750 §2.1; never a query, form or cookie).
"""

import asyncio
import re
from typing import Final

from resource_lib.transport import answers
from resource_lib.transport.answers import UnacceptableBodyError
from resource_lib.transport.asgi import Headers, Message, Receive, Scope

HANDSHAKE_ERAS: Final = frozenset({b"2024-11-05", b"2025-03-26", b"2025-06-18", b"2025-11-25"})
"""The protocol revisions with sessions; any other value of `MCP-Protocol-Version` is of the stateless era."""

BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""Methods whose content means nothing (RFC 9110 §9.3); the server is given none, because nobody decided about it."""

MOST_TOKEN_BYTES: Final = 8192

_READ: Final = frozenset(
    {
        b"authorization",
        b"host",
        b"origin",
        b"mcp-protocol-version",
        b"mcp-session-id",
        b"content-type",
        b"content-encoding",
        b"cookie",
    }
    | {b"content-length", b"if-none-match", b"access-control-request-method", b"access-control-request-headers"}
)
"""The headers a guard looks at; most headers of a request are none of these."""

_DENIED: Final = {
    (authorization, session, encoding): frozenset(
        name
        for name, may_pass in (
            (b"authorization", authorization),
            (b"mcp-session-id", session),
            (b"accept-encoding", encoding),
        )
        if not may_pass
    )
    for authorization in (False, True)
    for session in (False, True)
    for encoding in (False, True)
}
"""What the wrapped server is not shown, by what it may see."""

_OWN_COOKIE = re.compile(rb"(?:__Host-session|session_\d{1,5})")
_CHARSET = re.compile(rb"charset\s*=\s*\"?([^\s\";,]*)")
_WELL_KNOWN = "/.well-known/"


class DisconnectedError(Exception):
    """The caller went away before the body was whole."""


class Request:
    """What a guard reads of one HTTP request."""

    __slots__ = (
        "_has_cookie",
        "content_encoding",
        "content_length",
        "content_type",
        "credential",
        "headers",
        "host",
        "if_none_match",
        "is_modern",
        "method",
        "origin",
        "path",
        "preflight_headers",
        "preflight_method",
        "session",
        "token",
        "version",
        "well_known",
    )

    def __init__(self, scope: Scope) -> None:
        self.headers: Headers = scope["headers"]
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        root: str = scope.get("root_path", "")
        local = self.path.removeprefix(root) if root else self.path
        self.well_known: str | None = local if local.startswith(_WELL_KNOWN) else None
        """The path below a mount, when it is a well-known one."""
        self.origin: bytes | None = None
        self.host: bytes | None = None
        self.credential = False
        """Whether any credential was sent, good or bad."""
        self.token: str | None = None
        """The bearer token, not yet verified; None when there is none, or not exactly one."""
        self.session: bytes | None = None
        """The session the request names; of two, one that cannot exist."""
        self.content_encoding = b""
        self.content_type = b""
        self.content_length: int | None = None
        self.if_none_match: bytes | None = None
        self.preflight_method: bytes | None = None
        self.preflight_headers = b""
        self._has_cookie = False
        self.version: bytes | None = None
        """The protocol revision that the request names."""
        for raw_name, value in self.headers:
            name = raw_name.lower()
            if name not in _READ:
                continue
            if name == b"authorization":
                self.token = None if self.credential else bearer_token(value)
                self.credential = True
            elif name == b"host":
                self.host = value if self.host is None else b""
            elif name == b"origin":
                self.origin = value if self.origin is None else b"null"
            elif name == b"mcp-protocol-version":
                self.version = value if self.version is None else self.version
            elif name == b"mcp-session-id":
                self.session = value if self.session is None else b""
            elif name == b"content-type":
                self.content_type += value.lower()
            elif name == b"content-encoding":
                self.content_encoding += value.strip().lower()
            elif name == b"content-length":
                self.content_length = int(value) if value.isdigit() and len(value) < 19 else None
            elif name == b"if-none-match":
                self.if_none_match = value
            elif name == b"access-control-request-method":
                self.preflight_method = value
            elif name == b"access-control-request-headers":
                self.preflight_headers = value
            elif name == b"cookie":
                self._has_cookie = True
        self.is_modern: bool = self.version is not None and self.version not in HANDSHAKE_ERAS
        """Whether the request is of the stateless protocol (2026-07-28 and later)."""

    async def body(self, receive: Receive, *, most: int) -> bytes:
        """Return the whole body. Raises UnacceptableBodyError as soon as that is certain, and DisconnectedError."""
        if self._is_encoded():
            raise UnacceptableBodyError(answers.ENCODED_BODY)
        if self.content_length is not None and self.content_length > most:
            raise UnacceptableBodyError(answers.BODY_TOO_LARGE)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole = bytes(message.get("body", b""))  # as nearly every call comes: in one piece, which is not copied
            if len(whole) > most:
                raise UnacceptableBodyError(answers.BODY_TOO_LARGE)
            return whole
        found = bytearray()
        while True:
            if message["type"] != "http.request":
                raise DisconnectedError
            found += message.get("body", b"")
            if len(found) > most:
                raise UnacceptableBodyError(answers.BODY_TOO_LARGE)
            if not message.get("more_body", False):
                return bytes(found)
            message = await receive()

    def _is_encoded(self) -> bool:
        """Tell whether the body is something else than UTF-8 text as it stands, so that two readers could differ."""
        if self.content_encoding not in (b"", b"identity"):
            return True
        if b"charset" not in self.content_type:
            return False
        return any(name not in (b"utf-8", b"utf8", b"us-ascii") for name in _CHARSET.findall(self.content_type))

    def forwarded(self, *, authorization: bool, session: bool, encoding: bool) -> Headers:
        """Return the headers that the wrapped server sees.

        Without the caller's token, so that no tool can pass it on (MCP "Token Passthrough"); without the authorization
        server's cookie, which a browser sends to every port of a host; without what `session` and `encoding` deny.
        """
        denied = _DENIED[authorization, session, encoding]
        kept = [header for header in self.headers if header[0].lower() not in denied]
        if not self._has_cookie:
            return kept
        return [header for header in map(_without_our_cookies, kept) if header is not None]


def bearer_token(value: bytes) -> str | None:
    """Return the token of an `Authorization` value, or None: another scheme, two tokens, odd spacing, too long.

    RFC 9110 §11.1: the scheme is case-insensitive. RFC 6750 §2.1: one space, then the token.
    """
    if len(value) > MOST_TOKEN_BYTES or value[:7].lower() != b"bearer ":
        return None
    token = value[7:]
    if not token.isascii() or not token or b" " in token or b"\t" in token or b"," in token:
        return None
    return token.decode("ascii")


def _without_our_cookies(header: tuple[bytes, bytes]) -> tuple[bytes, bytes] | None:
    """Return a header as it may go on; None when nothing of it may."""
    name, value = header
    if name.lower() != b"cookie" or (value and b"session" not in value):
        return header
    pairs = [pair.strip() for pair in value.split(b";")]
    others = b"; ".join(pair for pair in pairs if not _OWN_COOKIE.fullmatch(pair.partition(b"=")[0].strip()))
    return (name, others) if others else None


def only_body(body: bytes) -> tuple[Receive, asyncio.Event]:
    """Return a `receive` that gives `body`, and then nothing until the event is set: whoever hangs up is not seen."""
    ended = asyncio.Event()
    given = False

    async def lasting() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        await ended.wait()
        return {"type": "http.disconnect"}

    return lasting, ended


def without_body(receive: Receive) -> Receive:
    """Return a `receive` that shows an empty body, and then the end of the connection."""
    ended = False

    async def bodiless() -> Message:
        nonlocal ended
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            if not ended:
                ended = True
                return {"type": "http.request", "body": b"", "more_body": False}

    return bodiless


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives `body` again, whole, and then whatever the connection says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
