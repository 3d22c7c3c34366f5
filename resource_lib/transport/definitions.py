"""
What each tool says of itself today: what a person is shown, and the hash that a yes is bound to.

Learned from lists that pass, and asked of the server itself where that is not known or older than a minute. A tool that is not
listed has a name and nothing else. Kept for each caller: a server may describe its tools differently to each, and what one request
made it say is no other person's page.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from resource_lib.definition import Definition, definition_of
from resource_lib.identity.principal import Principal
from resource_lib.transport.listing import ToolSchemas
from resource_lib.transport.own_listing import UnreadableListingError
from resource_lib.wire.tool_call import InexpressibleError

FRESH_S: Final = 60.0
UNLISTED_S: Final = 5.0
"""The same for a tool that is not there: it may be added at any moment."""
_MOST: Final = 20_000

ListTools = Callable[[], Awaitable[list[dict[str, Any]]]]
ListedFor = tuple[str, str, str]
"""Tenant, subject and client."""


def listed_for(principal: Principal) -> ListedFor:
    """Return for whom a list counts that was made for `principal`."""
    return principal.tenant, principal.subject, principal.client_id


class Definitions:
    """Remembers definitions for a minute. `clock` counts monotonic seconds."""

    def __init__(self, schemas: ToolSchemas, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._schemas = schemas
        self._clock = clock
        self.note: Callable[[str, Definition, str], None] | None = None
        """Told of each tool that was listed: its name, what it is, and the tenant of whoever it was listed for."""
        self.seen: Callable[[Definition], None] | None = None
        """Told of each definition that was listed, or asked for; whoever is told knows what it has seen."""
        self._known: OrderedDict[tuple[ListedFor, str], tuple[Definition, float]] = OrderedDict()
        self._shared: WeakValueDictionary[str, Definition] = WeakValueDictionary()
        self._names: frozenset[str] = frozenset()
        """Of the tools in the list that was last seen as a whole."""
        self._asking: dict[tuple[int, ListedFor], asyncio.Task[dict[str, dict[str, Any]]]] = {}

    def learn(self, caller: ListedFor, tool: Mapping[str, Any]) -> None:
        """Take note of one tool that was listed for `caller`."""
        try:
            self._keep(caller, tool["name"], definition_of(tool), is_listed=True)
        except InexpressibleError:
            self._known.pop((caller, tool["name"]), None)

    def known(self, caller: ListedFor, tool: str) -> Definition | None:
        """Return what a tool was within the last minute; None: nobody has seen it."""
        found = self._known.get((caller, tool))
        if found is None:
            return None
        definition, seen_at = found
        return definition if self._clock() - seen_at < (FRESH_S if definition.is_listed else UNLISTED_S) else None

    def shared(self, tool: Mapping[str, Any]) -> Definition | None:
        """Return the definition of a listed tool, the same object for all to whom it is described alike; None: it has no hash."""
        try:
            definition = definition_of(tool)
        except InexpressibleError:
            return None
        return self._shared.setdefault(definition.hash, definition)

    async def of(self, caller: ListedFor, tool: str, list_tools: ListTools) -> Definition:
        """Return the definition of a tool. Raises UnreadableListingError when the server cannot say what it is."""
        if (known := self.known(caller, tool)) is not None:
            return known
        listed = await self._listed(caller, list_tools)
        self._see_all(listed)
        found = listed.get(tool, {"name": tool})
        if tool in listed:
            self._schemas.learn(found)
        try:
            return self._keep(caller, tool, definition_of(found), is_listed=tool in listed)
        except InexpressibleError as error:
            raise UnreadableListingError from error

    def _see_all(self, listed: Mapping[str, Mapping[str, Any]]) -> None:
        """Take note of what every tool calls personal, once: a document may hold what any of them returns."""
        if self.seen is None or self._names.issuperset(listed):
            return
        for tool in listed.values():
            if (definition := self.shared(tool)) is not None:
                self.seen(definition)
        self._names = frozenset(listed)

    async def _listed(self, caller: ListedFor, list_tools: ListTools) -> dict[str, dict[str, Any]]:
        """Ask the server once for all calls of one caller that want to know now."""
        key = id(asyncio.get_running_loop()), caller
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(_by_name(list_tools))
            asking.add_done_callback(
                lambda task: (self._asking.pop(key, None) and task.cancelled()) or task.exception()
            )
        return await asyncio.shield(asking)

    def _keep(self, caller: ListedFor, tool: str, definition: Definition, *, is_listed: bool) -> Definition:
        # One object for all to whom it is described alike: what is made of it (validators) is made once.
        definition = self._shared.setdefault(definition.hash, definition)
        if self.seen is not None:
            self.seen(definition)
        self._known[caller, tool] = definition, self._clock()
        self._known.move_to_end((caller, tool))
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        if is_listed and self.note is not None:
            self.note(tool, definition, caller[0])
        return definition


class Learning:
    """Lets a list that passes teach schemas and definitions at once. For `ListingFilter`."""

    __slots__ = ("_caller", "_definitions", "_schemas")

    def __init__(self, schemas: ToolSchemas, definitions: Definitions, caller: ListedFor) -> None:
        self._schemas = schemas
        self._definitions = definitions
        self._caller = caller

    def learn(self, tool: dict[str, Any]) -> None:
        """Take note of one listed tool."""
        self._schemas.learn(tool)
        self._definitions.learn(self._caller, tool)

    def hide(self, tool: object) -> None:
        """Say that a tool is in no policy."""
        self._schemas.hide(tool)


async def _by_name(list_tools: ListTools) -> dict[str, dict[str, Any]]:
    tools = await list_tools()
    named = {tool["name"]: tool for tool in tools if isinstance(tool.get("name"), str)}
    if len(named) != len(tools):
        raise UnreadableListingError  # two of one name: nobody could say which one runs
    return named
