"""
The answers a guard gives itself, each as one whole response.

A refusal of a tool call is one object `{error, message, tool, …}`: for a 403 in the JSON-RPC error's `data`, for a tool
result in `_meta["authserver/error"]`, as JSON in the last text block, and in `structuredContent` where no client would
hold it against an output schema. Codes of our own lie outside -32768..-32000 (JSON-RPC 2.0 §5.1).
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from resource_lib.decision import Deny, Exceeded
from resource_lib.transport.asgi import Headers, Message

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602
UNAUTHENTICATED: Final = -31401
FORBIDDEN: Final = -31403
LIMITED: Final = -31429
HEADER_MISMATCH: Final = -32020

ERROR_META: Final = "authserver/error"
CHALLENGE_META: Final = "mcp/www_authenticate"
"""Where ChatGPT looks for a challenge: in the result of the call, not in HTTP."""

_NAME_ROOM: Final = 256

RequestId = str | int | float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP response."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def start(self, extra: Headers) -> Message:
        """Return the ASGI message that opens this response, with `extra` headers that it does not have yet."""
        headers: Headers = []
        if self.status not in (204, 304):
            headers.append((b"content-length", str(len(self.body)).encode("ascii")))
        if self.body:
            headers.append((b"content-type", b"application/json"))
        own = {name for name, _ in self.headers}
        headers += [*self.headers, *(header for header in extra if header[0] not in own)]
        return {"type": "http.response.start", "status": self.status, "headers": headers}


class UnacceptableBodyError(Exception):
    """The body could mean different things to different parsers, or is too large; `answer` says so to the caller."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _error(request_id: RequestId, code: int, message: str, data: dict[str, Any] | None = None) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return _json({"jsonrpc": "2.0", "id": request_id, "error": error})


_UNAUTHENTICATED_BODY: Final = _error(None, UNAUTHENTICATED, "Authentication required.")
_NO_STORE: Final = (b"cache-control", b"no-store")
_NONE: Final[Headers] = []


def unauthenticated(challenge: bytes) -> Answer:
    """Return the one 401: the same status, body and headers for every way of not being authenticated."""
    return Answer(401, _UNAUTHENTICATED_BODY, ((b"www-authenticate", challenge), _NO_STORE))


ID_IN_USE: Final = Answer(400, _error(None, INVALID_REQUEST, "This id is in use in this session. Use each id once."))
"""Two requests under one id: nobody could say whose answer is whose (MCP "Requests": not used before within the session)."""
NO_SUCH_SESSION: Final = Answer(404, _error(None, INVALID_REQUEST, "Session not found"))
"""The session does not exist, or is somebody else's: the official SDK's own bytes for both."""

FOREIGN_ORIGIN: Final = Answer(403, _error(None, FORBIDDEN, "This origin may not call this server."))
FOREIGN_HOST: Final = Answer(403, _error(None, FORBIDDEN, "This server does not answer to this host name."))
BODY_TOO_LARGE: Final = Answer(413, _error(None, INVALID_REQUEST, "Request body too large"))
ENCODED_BODY: Final = Answer(
    415, _error(None, INVALID_REQUEST, "Send the body as plain UTF-8 JSON, without content encoding")
)
NOT_FOUND: Final = Answer(404, b"")
UNUSABLE_LISTING: Final = Answer(502, _error(None, FORBIDDEN, "The server's list of tools could not be read."))

UNUSABLE_ANSWER: Final = Answer(502, _error(None, FORBIDDEN, "The server's answer could not be read."))


def keys_unavailable(retry_after_s: int) -> Answer:
    """Return the 503 of a guard that cannot tell good tokens from bad: refused, and not the caller's fault."""
    retry = (b"retry-after", str(max(1, retry_after_s)).encode("ascii"))
    return Answer(503, _error(None, UNAUTHENTICATED, "Tokens cannot be verified at the moment."), (retry, _NO_STORE))


def inactive(request_id: RequestId, error: dict[str, Any], retry_after_s: int) -> Answer:
    """Return the 503 of a server that serves nothing now, to whatever is no tool call."""
    retry = (b"retry-after", str(max(1, retry_after_s)).encode("ascii"))
    return Answer(503, _error(request_id, FORBIDDEN, error["message"], error), (retry, _NO_STORE))


def other_headers(request_id: RequestId, header: str) -> Answer:
    """Return the 400 of a request whose headers say something else than its body (SEP-2243)."""
    return Answer(400, _error(request_id, HEADER_MISMATCH, f"{header} header does not match the request body"))


def unreadable(code: int, reason: str, request_id: RequestId) -> Answer:
    """Return the refusal of a body that has no certain meaning, in JSON-RPC's own codes."""
    message = reason if code == PARSE_ERROR else f"Invalid request: {reason}"
    return Answer(400, _error(request_id, code, message))


def error_object(deny: Deny, *, subject: str, is_tool: bool, scopes: list[str] | None = None) -> dict[str, Any]:
    """Return the one object by which every refusal is described, whatever carries it."""
    found: dict[str, Any] = {"error": deny.error, "message": deny.message, "tool" if is_tool else "method": subject}
    if deny.needed:
        found["required_scopes"] = sorted(deny.needed)
        found["missing_scopes"] = sorted(deny.missing)
    if scopes is not None:
        found["challenge_scopes"] = scopes
    if deny.acr_values:
        found["acr_values"] = list(deny.acr_values)
    if deny.max_age is not None:
        found["max_age_s"] = deny.max_age
    if deny.retry_after_s is not None:
        found["retry_after_s"] = deny.retry_after_s
    if deny.exceeded is not None:
        found.update(exceeded_members(deny.exceeded))
    if deny.fields:
        found["fields"] = [{"path": field.path, "fault": field.fault} for field in deny.fields]
    return found


def exceeded_members(exceeded: Exceeded) -> dict[str, Any]:
    """Return what the object says of the limit that was met."""
    found: dict[str, Any] = {"scope": exceeded.scope, "limit": exceeded.most, "remaining": 0}
    if exceeded.downstream is not None:
        found["downstream"] = exceeded.downstream
    if exceeded.window_s is not None:
        found["window_s"] = exceeded.window_s
    elif exceeded.per is not None:
        found["per"] = exceeded.per
    return found


def rate_headers(exceeded: Exceeded, retry_after_s: int) -> Headers:
    """Return `RateLimit-Policy` and `RateLimit`, draft-ietf-httpapi-ratelimit-headers-10: the limit that was met, and when it has room."""
    if exceeded.window_s is None:
        return []
    name = f'"{exceeded.scope}"'
    return [
        (b"ratelimit-policy", f"{name};q={exceeded.most};w={exceeded.window_s}".encode("ascii")),
        (b"ratelimit", f"{name};r=0;t={retry_after_s}".encode("ascii")),
    ]


def too_many(request_id: RequestId, error: dict[str, Any], further: Headers) -> Answer:
    """Return the 429 of RFC 6585 §4, with the same object that a tool's result would carry."""
    return Answer(
        429, _error(request_id, LIMITED, error["message"], error), (_NO_STORE, *_retry_after(error), *further)
    )


def _retry_after(error: dict[str, Any]) -> Headers:
    """Return `Retry-After`, RFC 9110 §10.2.3: the number that the object says, too."""
    seconds = error.get("retry_after_s")
    return [] if seconds is None else [(b"retry-after", str(seconds).encode("ascii"))]


def forbidden(request_id: RequestId, error: dict[str, Any], challenge: bytes) -> Answer:
    """Return a 403 that teaches the client what to ask for."""
    body = _error(request_id, FORBIDDEN, error["message"], error)
    return Answer(403, body, ((b"www-authenticate", challenge), _NO_STORE))


def login_again(request_id: RequestId, error: dict[str, Any], challenge: bytes) -> Answer:
    """Return the second 401, RFC 9470: a valid token, whose login is too weak or too old."""
    body = _error(request_id, UNAUTHENTICATED, error["message"], error)
    return Answer(401, body, ((b"www-authenticate", challenge), _NO_STORE))


def refused_reply(
    request_id: RequestId,
    error: dict[str, Any],
    *,
    is_tool: bool,
    modern: bool,
    structured: bool,
    challenge: bytes | None = None,
) -> dict[str, Any]:
    """Return the JSON-RPC reply to a refused call: a tool result for a tool, an error otherwise.

    `challenge` is a `WWW-Authenticate` value for clients that take it in the result.
    """
    if not is_tool:
        return {
            "jsonrpc": "2.0",
            "id": request_id,
            "error": {
                "code": LIMITED if error["error"] == "rate_limited" else FORBIDDEN,
                "message": error["message"],
                "data": error,
            },
        }
    result: dict[str, Any] = {
        "content": [
            {"type": "text", "text": error["message"]},
            {"type": "text", "text": json.dumps(error, separators=(",", ":"))},
        ],
        "isError": True,
        "_meta": {ERROR_META: error},
    }
    if challenge is not None:
        result["_meta"][CHALLENGE_META] = [challenge.decode("ascii")]
    if structured:
        result["structuredContent"] = error
    if modern:
        result["resultType"] = "complete"
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def replied(
    value: dict[str, Any] | list[dict[str, Any]], *, retry_after_s: int | None = None, further: Headers = _NONE
) -> Answer:
    """Return a 200 that carries one JSON-RPC reply, or those of a batch."""
    if retry_after_s is None:
        return Answer(200, _json(value), (_NO_STORE, *further))
    return Answer(200, _json(value), (_NO_STORE, (b"retry-after", str(retry_after_s).encode("ascii")), *further))


def shown(name: str) -> str:
    """Return a caller's text as it is repeated back: all of it unless it is absurdly long."""
    return name if len(name) <= _NAME_ROOM else name[:_NAME_ROOM] + "…"
