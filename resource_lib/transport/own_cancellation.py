"""
A call in a session of the 2025-era protocol is taken back at the wrapped server itself, in process and in the caller's session.

There a server may run a call in a task of its own, so that ending the HTTP request stops nothing (MCP 2025-11-25 "Transports":
a disconnection is no cancellation). What ends such a call is `notifications/cancelled` (MCP "Cancellation") in the same session.
A single request of 2026-07-28 is cancelled with its request, and needs none.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from resource_lib.transport.asgi import App, Scope
from resource_lib.transport.body import Message
from resource_lib.transport.own_listing import send_one
from resource_lib.transport.request import Request

TIMEOUT_S: Final = 5.0
_NEVER: Final = frozenset({"initialize"})

log = logging.getLogger("resource_lib.guard")


class OwnCancellation:
    """Takes back the requests among `messages` that `request` has brought; `scope` is the request as the app has seen it."""

    __slots__ = ("_app", "_ids", "_scope", "_telling")

    def __init__(self, app: App, scope: Scope, request: Request, messages: Iterable[Message]) -> None:
        self._app = app
        self._scope = scope
        has_session = request.session is not None and not request.is_modern
        self._ids = [
            message.id
            for message in messages
            if has_session and message.id is not None and message.method not in _NEVER
        ]
        self._telling: asyncio.Task[None] | None = None

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that the end of the request does not end."""
        return bool(self._ids)

    def tell(self) -> None:
        """Tell the server, at once and beside whatever is done next. What it makes of that, or how long it takes, delays nobody."""
        if self._ids and self._telling is None:
            self._telling = asyncio.create_task(self._tell(), name="cancellation")
            _telling.add(self._telling)
            self._telling.add_done_callback(_telling.discard)

    async def _tell(self) -> None:
        for request_id in self._ids:
            message = {
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {"requestId": request_id, "reason": "stopped by the operators of this server"},
            }
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    status, _, _ = await send_one(self._app, self._scope, "POST", message)
            except Exception:  # noqa: BLE001 - the app's own, whatever it is
                status = 0
            if not 200 <= status < 300:
                log.warning(
                    "a stopped call could not be taken back in its session: the server answered %d",
                    status,
                    extra={"event": "call.not_taken_back"},
                )


_telling: Final[set[asyncio.Task[None]]] = set()
"""Kept until they are done: nobody else holds them."""
