"""
What this server has for tools, told to its issuer after a start and when a definition changes: an operator sees what is new.

With each definition, whole, goes in which tenants it was listed: a server may describe a tool differently to each, and an operator is
shown what their own people could see. Told from the overlay's follower, so there is no task of its own, and a moment after the start, so that fifty servers do not speak
at once. It decides nothing here, and whether it was heard changes nothing: it is told again until it was.

And on which day each tool was last used in which tenant (`backchannel/tool_uses.py`): it goes with the next answer, so it costs none of its own
but one in five minutes at most.
"""

import json
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

from resource_lib.backchannel.channel import Channel, IssuerUnavailableError
from resource_lib.backchannel.tool_uses import ToolUses
from resource_lib.definition import Definition
from resource_lib.policy.demand import Demand

PATH: Final = "/rs/tools"
SOON_S: Final = 5.0
"""When after its start a server tells at the latest."""
PAUSE_S: Final = 60.0
"""How long a change waits at most for others to come with it."""
_MOST_FORMS: Final = 8
MOST_SEEN: Final = 32
"""Of one tool, what is remembered; the oldest gives way."""
MOST_TENANTS: Final = 200
MOST_DEFINITION_BYTES: Final = 48 * 1024
"""A longer definition is told by its hash alone."""
MOST_DEPTH: Final = 50
MOST_TOLD_BYTES: Final = 128 * 1024
"""Of definitions at once; the rest follows."""
_MEMBERS: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "version")

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
        wall: Callable[[], float] = time.time,
        pause: Callable[[float], float] = lambda most: random.uniform(most / 5, most),  # noqa: S311 - nobody is hurt by a guess
    ) -> None:
        self._channel = channel
        self._demands = tuple(demands)
        self._instance = instance or uuid4().hex
        self._clock = clock
        self._pause = pause
        self._forms: dict[str, OrderedDict[str, None]] = {}
        self._seen: dict[str, OrderedDict[str, _Seen]] = {}
        self._due: float | None = None
        self._is_news = True
        self.uses = ToolUses((demand.subject for demand in self._demands), clock=clock, wall=wall)
        """What is noted of calls that were let through."""

    def learn(self, tool: str, definition: Definition, tenant: str) -> None:
        """Take note of what a tool of the policy was just listed as, for somebody of a tenant."""
        self._see(tool, definition, tenant)
        definition_hash = definition.hash
        forms = self._forms.setdefault(tool, OrderedDict())
        if forms and next(reversed(forms)) == definition_hash:
            return
        before = self._hash_of(tool)
        # One that comes back was never gone: the server describes it differently to different callers.
        forms["" if definition_hash in forms or len(forms) >= _MOST_FORMS else definition_hash] = None
        self._is_news = self._is_news or before != self._hash_of(tool)

    def tell_now(self) -> None:
        """Let what is to be told be told with the next answer, and wait for nothing that could come with it."""
        self._due = self._clock()
        self.uses.tell_now()

    async def tell(self) -> None:
        """Tell what is new, if it is time. Never raises what the issuer may cause."""
        now = self._clock()
        if self._due is None:
            self._due = now + self._pause(SOON_S)
        if not (self._is_news or self.uses.is_due()) or now < self._due:
            return
        self._is_news, self._due = False, now + self._pause(PAUSE_S)
        telling, is_all = self._untold()
        used = self.uses.untold()
        try:
            said = {"instance": self._instance, "tools": self._said(telling, used)}
            reply = await self._channel.ask("PUT", PATH, body=said)
        except IssuerUnavailableError:
            self._is_news = True
            return
        if reply.status == 429:
            self._is_news = True
            return
        self.uses.told(used)
        if reply.status != 204:
            # It would be refused again: an older issuer, or one that does not know this server any more.
            log.warning("the issuer does not take what tools there are", extra={"event": "tool_report.refused"})
            return
        for _, seen, tenants in telling:
            seen.told |= tenants
        if not is_all:
            self._is_news, self._due = True, now

    def _see(self, tool: str, definition: Definition, tenant: str) -> None:
        seen = self._seen.setdefault(tool, OrderedDict())
        known = seen.get(definition.hash)
        if known is None:
            known = seen[definition.hash] = _Seen(definition)
            if len(seen) > MOST_SEEN:
                seen.popitem(last=False)
        seen.move_to_end(definition.hash)
        if tenant not in known.tenants and len(known.tenants) < MOST_TENANTS:
            known.tenants.add(tenant)
            self._is_news = True

    def _untold(self) -> "tuple[list[tuple[str, _Seen, frozenset[str]]], bool]":
        """Return what is told next: tool, definition, tenants; and whether that is all of it."""
        found: list[tuple[str, _Seen, frozenset[str]]] = []
        room = MOST_TOLD_BYTES
        for tool, seen in self._seen.items():
            for one in seen.values():
                if tenants := frozenset(one.tenants - one.told):
                    room -= one.size
                    if found and room < 0:
                        return found, False
                    found.append((tool, one, tenants))
        return found, True

    def _said(
        self, telling: "list[tuple[str, _Seen, frozenset[str]]]", used: Mapping[str, Mapping[str, str]]
    ) -> list[dict[str, Any]]:
        told: dict[str, list[dict[str, Any]]] = {}
        for tool, seen, tenants in telling:
            whole = {"definition": seen.whole} if seen.whole is not None and not seen.told else {}
            told.setdefault(tool, []).append({"hash": seen.hash, "tenants": sorted(tenants)} | whole)
        return [
            {"name": demand.subject, "class": demand.tool_class, "scopes": sorted(demand.scopes)}
            | ({"definition_hash": known} if (known := self._hash_of(demand.subject)) else {})
            | ({"definitions": told[demand.subject]} if demand.subject in told else {})
            | ({"sunset": demand.sunset.isoformat()} if demand.sunset is not None else {})
            # Where nothing is new it is empty: that this guard tells of uses at all is said each time.
            | {"used": dict(used.get(demand.subject, {}))}
            for demand in self._demands
        ]

    def _hash_of(self, tool: str) -> str:
        """Return what a tool is listed as; empty where nobody has listed it, or not everybody alike."""
        forms = self._forms.get(tool)
        return "" if not forms or "" in forms else next(reversed(forms))


class _Seen:
    """One definition of one tool, in which tenants it was listed, and of which of them the issuer knows."""

    __slots__ = ("hash", "size", "tenants", "told", "whole")

    def __init__(self, definition: Definition) -> None:
        self.hash = definition.hash
        self.tenants: set[str] = set()
        self.told: frozenset[str] = frozenset()
        whole = {name: definition.tool[name] for name in _MEMBERS if definition.tool.get(name) is not None}
        size = len(json.dumps(whole, separators=(",", ":")))
        is_told = bool(whole) and size <= MOST_DEFINITION_BYTES and not _is_deeper(whole, MOST_DEPTH)
        self.whole = whole if is_told else None
        """What its hash is of; None: too long, or too deep, to be told."""
        self.size = size if self.whole is not None else 0


def _is_deeper(value: Any, most: int) -> bool:
    """Tell whether objects and lists stand in each other more than `most` times."""
    level: list[Any] = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
