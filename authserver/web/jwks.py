"""GET /jwks.json — RFC 7517 §5."""

from authserver.domain.keys.jwks import published_set
from authserver.domain.keys.signing_key import key_ring
from authserver.web.http import Request, Response
from authserver.web.metadata import cached


async def jwks(request: Request) -> Response:
    """Answer with the issuer's public keys as they are now."""
    work = request.machines.work(request_id=request.request_id)
    made = published_set(await key_ring(work, request.issuer.path), work.now)
    return cached(request, made.body, made.etag, max_age=request.machines.settings.jwks_max_age_seconds)
