"""PUT /rs/tools — design §4: an MCP server says what tools it has."""

from authserver.oauth import approval_request, tool_reports
from authserver.oauth.errors import OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.rs.asking import authorization, json_body
from authserver.web.work import run


async def tools(request: Request) -> Response:
    """Take what a server says of its tools."""

    async def flow(work: UnitOfWork) -> None:
        said = approval_request.members_of(json_body(request))
        await tool_reports.handle(work, request.issuer, said, authorization(request))

    try:
        await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=204)
