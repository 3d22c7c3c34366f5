"""GET /livez, /readyz, and /.well-known/security.txt — RFC 9116 §2.5, §3."""

from datetime import UTC, datetime, timedelta

from authserver.domain.keys.signing_key import key_ring
from authserver.domain.rate_limits import limit
from authserver.domain.revocation import tail
from authserver.web.errors import plain_error
from authserver.web.http import Request, Response


async def livez(_request: Request) -> Response:
    """Whether this process answers at all."""
    return Response(status=200, body=b'{"status":"live"}')


async def readyz(request: Request) -> Response:
    """Whether it can issue tokens: the database answers, a key may sign, and what is issued can be written."""
    work = request.machines.work(request_id=request.request_id)
    try:
        await tail.look(work)
        ring = await key_ring(work, request.issuer.path)
    except Exception:  # noqa: BLE001 - whatever is wrong, the answer is: not ready
        return plain_error(503, "not_ready", "The database does not answer.", (b"retry-after", b"1"))
    if ring.signing(work.now) is None:
        return plain_error(503, "not_ready", "No key may sign.", (b"retry-after", b"1"))
    if not await request.machines.writes.are_taken(request.machines.database, limit.trial()):
        return plain_error(503, "not_ready", "The database takes no writes.", (b"retry-after", b"1"))
    return Response(status=200, body=b'{"status":"ready"}')


async def security_txt(request: Request) -> Response:
    """Where to report a vulnerability, until when that holds, and where to read what we promise."""
    settings = request.machines.settings
    expires = datetime.fromtimestamp(request.machines.clock() / 1_000_000, UTC) + timedelta(days=180)
    fields = [
        ("Contact", settings.security_contact),
        ("Expires", f"{expires:%Y-%m-%dT00:00:00Z}"),
        ("Preferred-Languages", "en"),
    ]
    if settings.issuer_is_https:
        # RFC 9116 §2.5.2, §2.5.7: both are https; on loopback there is nobody who would read them.
        fields += [
            ("Canonical", request.issuer.url("/.well-known/security.txt")),
            ("Policy", request.issuer.url("/security")),
        ]
    text = "".join(f"{name}: {value}\n" for name, value in fields)
    return Response(status=200, body=text.encode(), content_type=b"text/plain; charset=utf-8")
