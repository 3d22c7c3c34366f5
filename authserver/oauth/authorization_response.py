"""
The answer to an authorization request: a code or an error, with `state` and `iss`, to the URI that was checked.

OAuth 2.1 §4.1.2, §4.1.2.1; RFC 9207 §2: `iss` stands in every answer, errors too.
"""

from urllib.parse import urlencode, urlsplit

from authserver.oauth.authorization_request import Asked
from authserver.oauth.errors import OAuthError


def with_code(asked: Asked, code: str) -> str:
    """Return the URL that carries the code."""
    return _url(asked, {"code": code})


def with_error(asked: Asked, error: OAuthError) -> str:
    """Return the URL that carries the error."""
    return _url(asked, {"error": error.code, "error_description": error.description})


def _url(asked: Asked, answer: dict[str, str]) -> str:
    if asked.state is not None:
        answer["state"] = asked.state
    answer["iss"] = asked.issuer.identifier
    # The registered query, if any, is kept (OAuth 2.1 §4.1.2).
    parts = urlsplit(asked.redirect_uri)
    joint = "&" if parts.query else "" if asked.redirect_uri.endswith("?") else "?"
    return asked.redirect_uri + joint + urlencode(answer)
