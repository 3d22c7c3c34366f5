"""
What operators demand of this server's tools, tenant by tenant, as its issuer last said it.

Asked for at start or at the first need, and then again every two seconds, with the tag of what is known (RFC 9110 §13.1.2). What is
understood is put in force whole and in one step; what is not changes nothing. Known but old counts, and `age` says how old.
Never told counts for nothing: then no call is decided, because the tool may be one that a tenant has taken away. A tenant that is
not in the document is one that this server is not heard for, so there is no tool for it.

Where operators look at tools before they count (`definitions` in the document), a tool of ours that the issuer has not been told of yet
is closed from the first document on: there is no moment in which what is new runs unseen.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from resource_lib.backchannel.channel import Channel, IssuerUnavailableError, Reply
from resource_lib.wire.tool_policy import InvalidRulesError, Rules, parse_rules

PATH: Final = "/rs/policy"
EVERY_S: Final = 2.0
"""How long a change at the issuer stays unknown at most, while the issuer answers."""
_LONGEST_PAUSE_S: Final = 10
_OLD_S: Final = 30
_SOON_S: Final = 0.5
"""How soon the issuer is asked again about a tenant that it has not named."""

Overlays = Mapping[str, Mapping[str, Rules]]
"""By tenant, then by tool; `*` stands for each of them."""

log = logging.getLogger("resource_lib.backchannel")


class Overlay:
    """
    Follows what one issuer says of the tools in `names`, and gives it to `take` with the name of its version.

    `also` is done after each answer, in the same rhythm. `sleep` and `clock` (monotonic seconds) are for tests.
    """

    def __init__(
        self,
        channel: Channel,
        take: Callable[[Overlays, str], None],
        *,
        names: Collection[str] = (),
        also: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._take = take
        self._names = tuple(sorted(names))
        self._also = also
        self._sleep = sleep
        self._clock = clock
        self._has_changed = False
        self._tenants: frozenset[str] | None = None
        self._tag = ""
        self._true_at = 0.0
        self._tried_at = float("-inf")
        self._fault: IssuerUnavailableError | None = None
        self._followers: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()
        self._hints: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()

    @property
    def age(self) -> float | None:
        """How many seconds ago, at most, what is known was true; None: never told."""
        return None if self._tenants is None else self._clock() - self._true_at

    def knows(self, tenant: str) -> bool:
        """Whether the issuer has named this tenant: then its demands are in force, and nobody has to wait."""
        return self._tenants is not None and tenant in self._tenants

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants whose demands are in force; none before the issuer was heard."""
        return self._tenants or frozenset()

    @property
    def is_old(self) -> bool:
        """Whether what is known was not confirmed for long; what was never told is not old."""
        return self._tenants is not None and self._clock() - self._true_at > _OLD_S

    @property
    def retry_after_s(self) -> int:
        """When whoever was refused for what is not known may come again."""
        return self._fault.retry_after_s if self._fault is not None else 1

    async def hear_of(self, tenant: str) -> None:
        """Ask about a tenant that is not known, unless the issuer has just been asked. `knows` and `age` say what came of it."""
        self.follow()
        flight = self._flights.get(asyncio.get_running_loop())
        is_asking = flight is not None and not flight.done()
        if is_asking or (not self.knows(tenant) and self._clock() - self._tried_at >= _SOON_S):
            await self._asked()

    def ask_anew(self) -> None:
        """Ask at once, because the issuer says that something has changed. For the event loop that follows."""
        loop = asyncio.get_running_loop()
        self._has_changed = True
        hint = self._hints.get(loop)
        if hint is None or hint.done():
            self._hints[loop] = loop.create_task(self._anew(), name="overlay hint")

    async def _anew(self) -> None:
        while self._has_changed:
            flight = self._flights.get(asyncio.get_running_loop())
            if flight is not None and not flight.done():
                await asyncio.wait([flight])  # it may have been answered before the change
            self._has_changed = False
            await self._asked()

    def follow(self) -> None:
        """Follow from now on, in this event loop; once is enough."""
        loop = asyncio.get_running_loop()
        known = self._followers.get(loop)
        if known is None or known.done():
            self._followers[loop] = loop.create_task(self._follow(), name="overlay")

    async def aclose(self) -> None:
        """Follow no longer in this event loop. What is known stays in force."""
        loop = asyncio.get_running_loop()
        for tasks in (self._hints, self._followers, self._flights):
            task = tasks.pop(loop, None)
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def _follow(self) -> None:
        while True:
            await self._asked()
            # Not all instances of a server at once, and never later than promised.
            pause = EVERY_S * random.uniform(0.75, 1)  # noqa: S311 - nobody is hurt by a guess
            if self._fault is None:
                await self._do_also()
            else:
                pause = min(max(pause, self._fault.retry_after_s), _LONGEST_PAUSE_S)
            await self._sleep(pause)

    async def _do_also(self) -> None:
        try:
            if self._also is not None:
                await self._also()
        except Exception:
            log.exception("the issuer could not be told", extra={"event": "overlay.also_failed"})

    async def _asked(self) -> None:
        """Ask, or wait for the answer that somebody else is waiting for."""
        loop = asyncio.get_running_loop()
        flight = self._flights.get(loop)
        if flight is None or flight.done():
            flight = self._flights[loop] = loop.create_task(self._ask(), name="overlay question")
        # Whoever goes away leaves the answer to the others.
        await asyncio.shield(flight)

    async def _ask(self) -> None:
        began = self._clock()
        try:
            reply = await self._channel.ask("GET", PATH, headers={"if-none-match": self._tag} if self._tag else {})
            if reply.status != 304:
                self._understood(reply, began)
            elif self._tenants is None:
                raise IssuerUnavailableError
        except IssuerUnavailableError as error:
            self._tried_at = self._clock()
            if self._fault is None:
                log.warning(
                    "what operators demand cannot be asked for now; it is asked again by itself",
                    extra={"event": "overlay.unavailable"},
                )
            self._fault = error
            return
        except Exception:
            # Whatever it was, the next question is asked: a follower that died would leave old demands in force for ever.
            log.exception("what operators demand could not be taken over", extra={"event": "overlay.failed"})
            self._tried_at = self._clock()
            self._fault = IssuerUnavailableError()
            return
        self._fault, self._tried_at = None, self._clock()
        self._true_at = max(self._true_at, began)

    def _understood(self, reply: Reply, began: float) -> None:
        """Put a whole document in force. Raises IssuerUnavailableError for one that is not understood in every part."""
        if reply.status != 200:
            raise IssuerUnavailableError(reply.retry_after_s)
        said = reply.object()
        version, tenants = said.get("version"), said.get("tenants")
        if not isinstance(version, str) or not isinstance(tenants, dict):
            raise IssuerUnavailableError
        try:
            let_in = self._let_in(said.get("definitions"))
            overlays = {tenant: _with(let_in, _tools(tenant, tools)) for tenant, tools in tenants.items()}
        except InvalidRulesError as error:
            # The issuer may be newer than this library. What it demands could be anything, so nothing of it is guessed.
            log.error("what operators demand is not understood: %s", error, extra={"event": "overlay.not_understood"})
            raise IssuerUnavailableError from None
        if self._tenants is not None and began < self._true_at:
            return  # another event loop was told later
        self._take(overlays, version)
        self._tenants = frozenset(overlays)
        self._tag = reply.headers.get("etag", "")

    def _let_in(self, said: Any) -> dict[str, Rules]:
        """Return what each tool of ours may be today; nothing where nobody looks at tools before they count."""
        if said is None:
            return {}
        if not isinstance(said, dict):
            raise InvalidRulesError("definitions", "", "is no object", "write hashes by tool")
        # Named and null: the issuer has heard of it, and of no definition yet. Not named: not heard of at all.
        rules = {name: parse_rules({"definitions": said.get(name, ())}, f"definitions.{name}") for name in self._names}
        return {name: one for name, one in rules.items() if one.definitions is not None}


def _with(let_in: dict[str, Rules], tools: dict[str, Rules]) -> dict[str, Rules]:
    """Return a tenant's demands with what is let in everywhere, where the tenant's own word is no other."""
    if not tools:
        return let_in  # one object for all who demand nothing of their own
    merged = dict(tools)
    for name, rules in let_in.items():
        own = tools.get(name)
        if own is None:
            merged[name] = rules
        elif own.definitions is None:
            merged[name] = replace(own, definitions=rules.definitions)
    return merged


def _tools(tenant: str, tools: Any) -> dict[str, Rules]:
    if not isinstance(tools, dict):
        raise InvalidRulesError(tenant, "", "is no object", "write rules by tool")
    return {tool: parse_rules(rules, f"{tenant}.{tool}") for tool, rules in tools.items()}
