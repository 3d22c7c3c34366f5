"""GET /rs/policy — decisions 11 and 18; 304 to a server that has it (RFC 9110 §13.1.2), never for a browser."""

from authserver.domain.tool_policies.tool_policy import Document
from authserver.oauth import tool_policies
from authserver.oauth.errors import OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.rs.asking import authorization
from authserver.web.work import run


async def policy(request: Request) -> Response:
    """Answer an MCP server that asks what its tenants demand of its tools."""

    async def flow(work: UnitOfWork) -> Document:
        return await tool_policies.handle(work, request.issuer, authorization(request))

    try:
        document = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    headers = ((b"etag", document.etag),)
    if request.headers.get(b"if-none-match") == document.etag:
        return Response(status=304, headers=headers)
    return Response(status=200, body=document.body, headers=headers)
