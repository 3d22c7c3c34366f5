"""
Whom to ask what the tool of one call is today: the wrapped server itself, as the caller of that call would.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from resource_lib.transport.asgi import App, Scope
from resource_lib.transport.body import Message
from resource_lib.transport.own_listing import OwnListing
from resource_lib.transport.request import Request

_OLDEST: Final = b"2025-03-26"


def listing_for(
    request: Request,
    message: Message | None,
    app: App,
    scope: Scope,
    *,
    heard: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> OwnListing:
    """Return the server's own list of tools, as it would be told to the caller; `scope` is what the server may see.

    `heard` is told of each result that the server answers with.
    """
    params = message.params if message is not None and isinstance(message.params, dict) else {}
    return OwnListing(
        app,
        scope,
        version=(request.version or _OLDEST).decode("latin-1"),
        is_modern=request.is_modern,
        meta=params.get("_meta"),
        heard=heard,
    )
