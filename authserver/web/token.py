"""POST /token — OAuth 2.1 §3.2."""

from collections.abc import Awaitable, Callable

import orjson

from authserver.domain.issuers.issuer import Issuer
from authserver.oauth import parameters, token_request
from authserver.oauth.errors import InvalidRequest, OAuthError
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.work import run

Ask = Callable[[UnitOfWork, Issuer, parameters.Parameters, bytes | None], Awaitable[dict[str, str | int]]]
"""What an endpoint asks of `oauth/`: the form and the `Authorization` header in, the members of the answer out."""

_FORM = b"application/x-www-form-urlencoded"


async def token(request: Request) -> Response:
    """Answer a token request."""

    async def flow(work: UnitOfWork) -> TokenResponse:
        form = read_form(request)
        return await token_request.handle(work, request.issuer, form, request.headers.get(b"authorization"))

    try:
        answer = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=200, body=answer.encoded())


async def answer_json(request: Request, ask: Ask, *, status: int) -> Response:
    """Answer a client's form with what `ask` returns, or with its error; never with a redirect."""

    async def flow(work: UnitOfWork) -> dict[str, str | int]:
        return await ask(work, request.issuer, read_form(request), request.headers.get(b"authorization"))

    try:
        said = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=status, body=orjson.dumps(said))


def read_form(request: Request) -> parameters.Parameters:
    """Return the form of a protocol request. Raises InvalidRequest for another content type, or two credentials."""
    content_type, _, options = request.headers.get(b"content-type", b"").partition(b";")
    charset = options.strip().lower()
    if content_type.strip().lower() != _FORM or charset not in {b"", b"charset=utf-8", b'charset="utf-8"'}:
        raise InvalidRequest("Content-Type: must be application/x-www-form-urlencoded.", reason="content_type")
    if b"content-encoding" in request.headers:
        raise InvalidRequest("Content-Encoding: is not accepted.", reason="content_encoding")
    if b"authorization" in request.repeated_headers:
        raise InvalidRequest("Authorization: must not stand more than once.", reason="two_credentials")
    return parameters.parse(request.body)
