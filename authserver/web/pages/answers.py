"""What a page answers with: HTML under a strict policy, or the error page that says how to go on."""

from authserver.web.headers import content_security_policy
from authserver.web.http import Header, Request, Response
from authserver.web.pages.render import render

_HTML = b"text/html; charset=utf-8"


def page(
    template: str, *headers: Header, status: int = 200, form_targets: tuple[str, ...] = (), **context: object
) -> Response:
    """Answer with a rendered template."""
    return Response(
        status=status,
        body=render(template, **context).encode(),
        content_type=_HTML,
        headers=(content_security_policy(*form_targets), *headers),
    )


def error_page(request: Request, *headers: Header, status: int, title: str, message: str, cure: str) -> Response:
    """Answer with the page that says what went wrong and how to go on; nothing is ever redirected from here."""
    return page(
        "error.html",
        *headers,
        status=status,
        title=title,
        message=message,
        cure=cure,
        request_id=request.request_id,
        code=status,
    )


def form_refused(request: Request) -> Response:
    """Answer to a form that is not from our page in this browser."""
    return error_page(
        request,
        status=403,
        title="This form is no longer valid",
        message="It was opened in another browser or session, or it was sent by another site. Nothing was changed.",
        cure="Go back to the application and start again.",
    )
