"""POST /par — RFC 9126 §2."""

import orjson

from authserver.oauth import pushed_authorization_request
from authserver.oauth.errors import OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.token import read_form
from authserver.web.work import run


async def par(request: Request) -> Response:
    """Answer a pushed authorization request; never with a redirect."""

    async def flow(work: UnitOfWork) -> dict[str, str | int]:
        form = read_form(request)
        return await pushed_authorization_request.push(
            work, request.issuer, form, request.headers.get(b"authorization")
        )

    try:
        pushed = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=201, body=orjson.dumps(pushed))
