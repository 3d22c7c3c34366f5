"""The budget of our pages, asked before anything is read for one."""

from authserver.runtime.addresses import address_prefix
from authserver.web.http import Request, Response
from authserver.web.pages.answers import error_page
from authserver.web.pages.forms import session_cookie_name


def pages_flooded(request: Request) -> Response | None:
    """Return the 429 of a browser, or of an address prefix, that asks for too many pages; None: there is room. Decision 12."""
    machines = request.machines
    cookie = request.cookie(session_cookie_name(machines.settings))
    limited = machines.page_requests.take(cookie, address_prefix(request.address), machines.clock())
    if limited is None:
        return None
    seconds = limited.retry_after_s
    return error_page(
        request,
        (b"retry-after", str(seconds).encode()),
        status=429,
        title="Too many requests",
        message="This browser, or somebody behind the same address, asks for pages faster than people read. Nothing was changed.",
        cure=f"Wait {seconds} s, then load the page again."
        if seconds > 1
        else "Wait a moment, then load the page again.",
    )
