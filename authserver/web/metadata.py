"""
GET /.well-known/oauth-authorization-server and /.well-known/openid-configuration — RFC 8414 §3.

One document at every location a client may try: at the root, and for a path issuer inserted and appended (MCP A5).
"""

from authserver.domain.keys.signing_key import key_ring
from authserver.oauth import server_metadata
from authserver.oauth.server_metadata import MetadataDocument
from authserver.web.http import Request, Response


async def metadata(request: Request) -> Response:
    """Answer with the metadata of the issuer that the path names."""
    work = request.machines.work(request_id=request.request_id)
    ring = await key_ring(work, request.issuer.path)
    # The next key is published before it signs, so this changes with the hour alone.
    algorithms = tuple(dict.fromkeys(key.algorithm for key in ring.published(work.now)))

    async def make() -> MetadataDocument:
        return server_metadata.document(request.issuer, request.machines.settings, algorithms=algorithms)

    document = await request.machines.memory.get("metadata", " ".join((request.issuer.identifier, *algorithms)), make)
    return cached(request, document.body, document.etag, max_age=300)


def cached(request: Request, body: bytes, etag: bytes, *, max_age: int) -> Response:
    """Answer 200 with the body, or 304 when the caller has it (RFC 9110 §13.1.2)."""
    headers = ((b"etag", etag), (b"cache-control", b"public, max-age=" + str(max_age).encode()))
    if request.headers.get(b"if-none-match") == etag:
        return Response(status=304, headers=headers)
    return Response(status=200, body=body, headers=headers)
