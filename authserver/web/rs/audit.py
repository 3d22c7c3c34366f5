"""POST /rs/audit — design §4: an MCP server tells what was called, and what became of it."""

import orjson

from authserver.oauth import call_reports
from authserver.oauth.call_reports import Answer
from authserver.oauth.errors import OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.rs.asking import authorization, json_body
from authserver.web.work import run


async def audit(request: Request) -> Response:
    """Take a batch of events."""

    async def flow(work: UnitOfWork) -> Answer:
        return await call_reports.handle(work, request.issuer, json_body(request), authorization(request))

    try:
        taken = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=200, body=orjson.dumps(taken.as_object()))
