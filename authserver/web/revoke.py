"""POST /revoke — RFC 7009 §2; 200 without a body once it is durable, whatever the token was."""

from authserver.oauth import revocation
from authserver.oauth.errors import OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.token import read_form
from authserver.web.work import run

_DONE = Response(status=200)


async def revoke(request: Request) -> Response:
    """Answer a revocation request."""

    async def flow(work: UnitOfWork) -> None:
        form = read_form(request)
        await revocation.handle(work, request.issuer, form, request.headers.get(b"authorization"))

    try:
        await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return _DONE
