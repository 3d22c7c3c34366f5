"""GET /rs/policy — decisions 11 and 18; 304 to a server that has it (RFC 9110 §13.1.2), never for a browser."""

from authserver.domain.tool_policies.tool_policy import Document
from authserver.oauth import tool_policies
from authserver.oauth.errors import InvalidRequest, OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.work import run


async def policy(request: Request) -> Response:
    """Answer an MCP server that asks what its tenants demand of its tools."""

    async def flow(work: UnitOfWork) -> Document:
        if b"authorization" in request.repeated_headers:
            raise InvalidRequest("Authorization: must not stand more than once.", reason="two_credentials")
        return await tool_policies.handle(work, request.issuer, request.headers.get(b"authorization"))

    try:
        document = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    headers = ((b"etag", document.etag),)
    if request.headers.get(b"if-none-match") == document.etag:
        return Response(status=304, headers=headers)
    return Response(status=200, body=document.body, headers=headers)
