"""
GET and POST /userinfo — OpenID Connect Core §5.3, RFC 6750 §2.1, §3.

The token comes in the one Authorization header: not in the query, where it would be logged, nor in a body.
"""

import orjson

from authserver.oauth import openid
from authserver.oauth.errors import InvalidRequest, InvalidToken, OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Header, Request, Response
from authserver.web.work import run


async def userinfo(request: Request) -> Response:
    """Answer with the claims of the person behind the access token."""
    header = request.headers.get(b"authorization")

    async def flow(work: UnitOfWork) -> dict[str, str]:
        if b"authorization" in request.repeated_headers:
            raise InvalidRequest("Authorization: must not stand more than once.", reason="two_credentials")
        return await openid.userinfo(work, request.issuer, _bearer(header))

    try:
        said = await run(request, flow)
    except OAuthError as error:
        answer = oauth_error(request, error)
        headers = [pair for pair in answer.headers if pair[0] != b"www-authenticate"]
        if error.status in {401, 403}:
            headers.append(_challenge(error, was_sent=header is not None))
        return Response(status=answer.status, body=answer.body, headers=tuple(headers))
    return Response(status=200, body=orjson.dumps(said))


def _bearer(header: bytes | None) -> str | None:
    scheme, _, token = (header or b"").partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        return None
    return token.strip().decode("latin-1")


def _challenge(error: OAuthError, *, was_sent: bool) -> Header:
    # Decision 10, RFC 6750 §3: no error is named to whoever sent nothing.
    if isinstance(error, InvalidToken) and not was_sent:
        return (b"www-authenticate", b"Bearer")
    scope = b"" if isinstance(error, InvalidToken) else b', scope="openid"'
    return (b"www-authenticate", b'Bearer error="' + error.code.encode("ascii") + b'"' + scope)
