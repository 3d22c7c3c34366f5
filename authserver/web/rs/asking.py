"""What every question of an MCP server has alike: its credential once in the header, and how long it may wait."""

from urllib.parse import parse_qsl

from authserver.oauth.errors import InvalidRequest
from authserver.web.http import Request


def authorization(request: Request) -> bytes | None:
    """Return the Authorization header. Raises InvalidRequest when it stands twice."""
    if b"authorization" in request.repeated_headers:
        raise InvalidRequest("Authorization: must not stand more than once.", reason="two_credentials")
    return request.headers.get(b"authorization")


def wait_s(request: Request, *, most: int) -> int:
    """Return the `wait` of the query in seconds, 0 where there is none. Raises InvalidRequest."""
    sent = [value for name, value in parse_qsl(request.query.decode("latin-1")) if name == "wait"]
    if not sent:
        return 0
    if len(sent) > 1 or not sent[0].isascii() or not sent[0].isdigit() or len(sent[0]) > 2 or int(sent[0]) > most:
        raise InvalidRequest(f"wait: is a whole number of seconds, 0 to {most}.", reason="invalid_parameter")
    return int(sent[0])


def json_body(request: Request) -> bytes:
    """Return the body. Raises InvalidRequest when it is not said to be plain JSON."""
    content_type = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type != b"application/json" or b"content-encoding" in request.headers:
        raise InvalidRequest("Content-Type: must be application/json, not encoded.", reason="content_type")
    return request.body
