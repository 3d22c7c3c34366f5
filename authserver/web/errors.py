"""
The one place where an OAuthError becomes a response.

OAuth 2.1 §3.2.4. Detailed about the shape of the input, silent about our inside; a request id to ask us about.
"""

import orjson

from authserver.oauth.errors import OAuthError
from authserver.web.http import Header, Request, Response


def oauth_error(request: Request, error: OAuthError) -> Response:
    """Return the JSON answer of a protocol endpoint."""
    headers: list[Header] = []
    if error.status == 401 and b"authorization" in request.headers:
        # RFC 6749 §5.2: answered with the scheme the client used.
        headers.append((b"www-authenticate", b'Basic realm="token", charset="UTF-8"'))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    body = orjson.dumps({"error": error.code, "error_description": error.description})
    return Response(status=error.status, body=body, headers=tuple(headers))


def plain_error(status: int, error: str, description: str, *headers: Header) -> Response:
    """Return an answer that no flow gave: method, path, size, accident."""
    return Response(
        status=status, body=orjson.dumps({"error": error, "error_description": description}), headers=headers
    )
