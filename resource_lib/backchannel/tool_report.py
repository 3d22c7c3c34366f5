"""
What this server has for tools, told to its issuer after a start and when a definition changes: an operator sees what is new.

Told from the overlay's follower, so there is no task of its own, and a moment after the start, so that fifty servers do not speak
at once. It decides nothing here, and whether it was heard changes nothing: it is told again until it was.
"""

import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import uuid4

from resource_lib.backchannel.channel import Channel, IssuerUnavailableError
from resource_lib.policy.demand import Demand

PATH: Final = "/rs/tools"
SOON_S: Final = 5.0
"""When after its start a server tells at the latest."""
PAUSE_S: Final = 60.0
"""How long a change waits at most for others to come with it."""
_MOST_FORMS: Final = 8

log = logging.getLogger("resource_lib.backchannel")


class ToolReport:
    """Tells one issuer of the tools in `demands`. `clock` counts monotonic seconds; `pause` says how long to wait, of at most so many."""

    def __init__(
        self,
        channel: Channel,
        demands: Iterable[Demand],
        *,
        instance: str = "",
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], float] = lambda most: random.uniform(most / 5, most),  # noqa: S311 - nobody is hurt by a guess
    ) -> None:
        self._channel = channel
        self._demands = tuple(demands)
        self._instance = instance or uuid4().hex
        self._clock = clock
        self._pause = pause
        self._forms: dict[str, OrderedDict[str, None]] = {}
        self._due: float | None = None
        self._is_news = True

    def learn(self, tool: str, definition_hash: str) -> None:
        """Take note of what a tool of the policy was just listed as."""
        forms = self._forms.setdefault(tool, OrderedDict())
        if forms and next(reversed(forms)) == definition_hash:
            return
        before = self._hash_of(tool)
        # One that comes back was never gone: the server describes it differently to different callers.
        forms["" if definition_hash in forms or len(forms) >= _MOST_FORMS else definition_hash] = None
        self._is_news = self._is_news or before != self._hash_of(tool)

    async def tell(self) -> None:
        """Tell what is new, if it is time. Never raises what the issuer may cause."""
        now = self._clock()
        if self._due is None:
            self._due = now + self._pause(SOON_S)
        if not self._is_news or now < self._due:
            return
        self._is_news, self._due = False, now + self._pause(PAUSE_S)
        try:
            reply = await self._channel.ask("PUT", PATH, body={"instance": self._instance, "tools": self._said()})
        except IssuerUnavailableError:
            self._is_news = True
            return
        if reply.status != 204:
            # It would be refused again: an older issuer, or one that does not know this server any more.
            log.warning("the issuer does not take what tools there are", extra={"event": "tool_report.refused"})

    def _said(self) -> list[dict[str, Any]]:
        return [
            {"name": demand.subject, "class": demand.tool_class, "scopes": sorted(demand.scopes)}
            | ({"definition_hash": known} if (known := self._hash_of(demand.subject)) else {})
            for demand in self._demands
        ]

    def _hash_of(self, tool: str) -> str:
        """Return what a tool is listed as; empty where nobody has listed it, or not everybody alike."""
        forms = self._forms.get(tool)
        return "" if not forms or "" in forms else next(reversed(forms))
