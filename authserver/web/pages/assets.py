"""GET /static/…: the one stylesheet and the mark of the browser's tab."""

import hashlib
from functools import cache

from authserver.web.http import Request, Response
from authserver.web.metadata import cached
from authserver.web.pages.render import STATIC


@cache
def _file(name: str) -> tuple[bytes, bytes]:
    body = (STATIC / name).read_bytes()
    return body, b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'


def _answer(request: Request, name: str, content_type: bytes) -> Response:
    body, etag = _file(name)
    answer = cached(request, body, etag, max_age=3600)
    return Response(status=answer.status, body=answer.body, headers=answer.headers, content_type=content_type)


async def stylesheet(request: Request) -> Response:
    """Answer with the stylesheet."""
    return _answer(request, "style.css", b"text/css; charset=utf-8")


async def mark(request: Request) -> Response:
    """Answer with the picture that stands in the browser's tab; it holds no script and loads nothing."""
    return _answer(request, "mark.svg", b"image/svg+xml")
