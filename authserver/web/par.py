"""POST /par — RFC 9126 §2."""

from authserver.oauth.pushed_authorization_request import push
from authserver.web.http import Request, Response
from authserver.web.token import answer_json


async def par(request: Request) -> Response:
    """Keep an authorization request."""
    return await answer_json(request, push, status=201)
