"""POST /introspect — RFC 7662 §2; JSON alone, for resource servers, never for a browser."""

import orjson

from authserver.oauth import introspection
from authserver.oauth.errors import OAuthError
from authserver.oauth.introspection import Answer
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.token import read_form
from authserver.web.work import run

_INACTIVE = Response(status=200, body=b'{"active":false}')


async def introspect(request: Request) -> Response:
    """Answer an introspection request."""

    async def flow(work: UnitOfWork) -> Answer:
        form = read_form(request)
        return await introspection.handle(work, request.issuer, form, request.headers.get(b"authorization"))

    try:
        answer = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return _INACTIVE if answer is None else Response(status=200, body=orjson.dumps(answer))
