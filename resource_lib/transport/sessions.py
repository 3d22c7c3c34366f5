"""
A session of the 2025-era protocol belongs to whoever opened it.

A session id is a handle, not a credential (MCP "Session Hijacking"): each request proves itself by its token, and a
session answers only to the principal that opened it. A session that nobody opened through this guard, one that was
forgotten and somebody else's are the same 404, upon which a client opens a new one.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable

from resource_lib.transport.asgi import Headers
from resource_lib.transport.request import Request

log = logging.getLogger("resource_lib.guard")

Owner = tuple[str, str, str]
"""Tenant, subject and client: a refreshed token of the same three is the same owner."""


class Sessions:
    """The owners of open sessions, the least recently used forgotten first."""

    __slots__ = ("_most", "_owners", "_take_urls")

    def __init__(self, most: int) -> None:
        self._take_urls: set[bytes] = set()
        self._owners: OrderedDict[bytes, Owner] = OrderedDict()
        self._most = most

    def belongs_to(self, session: bytes, owner: Owner) -> bool:
        """Tell whether `owner` opened `session`."""
        if self._owners.get(session) != owner:
            return False
        self._owners.move_to_end(session)
        return True

    def opened(self, session: bytes, owner: Owner) -> bool:
        """Remember who opened `session`. False: it is somebody else's already."""
        known = self._owners.setdefault(session, owner)
        if known != owner:
            return False
        self._owners.move_to_end(session)
        if len(self._owners) > self._most:
            self._take_urls.discard(self._owners.popitem(last=False)[0])
        return True

    def close_those(self, have_ended: Callable[[Owner], bool]) -> int:
        """Forget the sessions of each owner for whom `have_ended` is true; return how many there were."""
        found = [session for session, owner in self._owners.items() if have_ended(owner)]
        for session in found:
            self.closed(session)
        return len(found)

    def takes_urls(self, session: bytes) -> bool:
        """Tell whether the client of `session` declared URL elicitation when it opened it."""
        return session in self._take_urls

    def closed(self, session: bytes) -> None:
        """Forget `session`."""
        self._owners.pop(session, None)
        self._take_urls.discard(session)

    def watch(self, request: Request, owner: Owner, *, takes_urls: bool = False) -> Callable[[int, Headers], None]:
        """Return what notes the session that an answer opens or ends; `takes_urls`: what its client has declared."""

        def started(status: int, headers: Headers) -> None:
            if request.method == "DELETE" and request.session is not None and 200 <= status < 300:
                self.closed(request.session)
            elif request.session is None and status < 400:
                for name, value in headers:
                    if name.lower() != b"mcp-session-id":
                        continue
                    if not self.opened(value, owner):
                        log.critical("security.session_shared", extra={"event": "security.session_shared"})
                    elif takes_urls:
                        self._take_urls.add(value)

        return started
