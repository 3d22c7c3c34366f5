"""POST /register — RFC 7591 §3."""

from typing import Any

import orjson

from authserver.oauth import registration
from authserver.oauth.errors import InvalidClientMetadata, OAuthError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.work import run


async def register(request: Request) -> Response:
    """Answer a client that registers itself."""

    async def flow(work: UnitOfWork) -> dict[str, Any]:
        return await registration.register(work, request.issuer, _json(request))

    try:
        answer = await run(request, flow)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=201, body=orjson.dumps(answer))


def _json(request: Request) -> bytes:
    media_type, _, options = request.headers.get(b"content-type", b"").partition(b";")
    charset = options.strip().lower().replace(b'"', b"")
    if media_type.strip().lower() != b"application/json" or charset not in {b"", b"charset=utf-8"}:
        raise InvalidClientMetadata("Content-Type: must be application/json.", reason="content_type")
    if b"content-encoding" in request.headers:
        raise InvalidClientMetadata("Content-Encoding: is not accepted.", reason="content_encoding")
    return request.body
