"""POST /device_authorization — RFC 8628 §3.1."""

from authserver.oauth.device_authorization import start
from authserver.web.http import Request, Response
from authserver.web.token import answer_json


async def device_authorization(request: Request) -> Response:
    """Answer a device that has no browser."""
    return await answer_json(request, start, status=200)
