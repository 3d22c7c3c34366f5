"""
What each tool says of itself today: what a person is shown, and the hash that a yes is bound to.

Learned from lists that pass, and asked of the server itself where that is not known or older than a minute. A tool that is not
listed has a name and nothing else. Kept for each tenant: a server may describe its tools differently to each.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from resource_lib.transport.listing import ToolSchemas
from resource_lib.transport.own_listing import UnreadableListingError
from resource_lib.wire.tool_call import InexpressibleError, definition_hash

FRESH_S: Final = 60.0
_MOST: Final = 20_000
_SHOWN: Final = 2000

ListTools = Callable[[], Awaitable[list[dict[str, Any]]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """One tool, as it stands in the server's own list."""

    hash: str
    title: str = ""
    description: str = ""
    version: str = ""


class Definitions:
    """Remembers definitions for a minute. `clock` counts monotonic seconds."""

    def __init__(self, schemas: ToolSchemas, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._schemas = schemas
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], tuple[Definition, float]] = OrderedDict()
        self._asking: dict[tuple[int, str], asyncio.Task[dict[str, dict[str, Any]]]] = {}

    def learn(self, tenant: str, tool: Mapping[str, Any]) -> None:
        """Take note of one tool that was listed for a caller of `tenant`."""
        try:
            self._keep(tenant, tool["name"], _definition(tool))
        except InexpressibleError:
            self._known.pop((tenant, tool["name"]), None)

    async def of(self, tenant: str, tool: str, list_tools: ListTools) -> Definition:
        """Return the definition of a tool. Raises UnreadableListingError when the server cannot say what it is."""
        known = self._known.get((tenant, tool))
        if known is not None and self._clock() - known[1] < FRESH_S:
            return known[0]
        listed = await self._listed(tenant, list_tools)
        found = listed.get(tool, {"name": tool})
        if tool in listed:
            self._schemas.learn(found)
        try:
            return self._keep(tenant, tool, _definition(found))
        except InexpressibleError as error:
            raise UnreadableListingError from error

    async def _listed(self, tenant: str, list_tools: ListTools) -> dict[str, dict[str, Any]]:
        """Ask the server once for everybody of a tenant who wants to know now."""
        key = id(asyncio.get_running_loop()), tenant
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(_by_name(list_tools))
            asking.add_done_callback(
                lambda task: (self._asking.pop(key, None) and task.cancelled()) or task.exception()
            )
        return await asyncio.shield(asking)

    def _keep(self, tenant: str, tool: str, definition: Definition) -> Definition:
        self._known[tenant, tool] = definition, self._clock()
        self._known.move_to_end((tenant, tool))
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return definition


class Learning:
    """Lets a list that passes teach schemas and definitions at once. For `ListingFilter`."""

    __slots__ = ("_definitions", "_schemas", "_tenant")

    def __init__(self, schemas: ToolSchemas, definitions: Definitions, tenant: str) -> None:
        self._schemas = schemas
        self._definitions = definitions
        self._tenant = tenant

    def learn(self, tool: dict[str, Any]) -> None:
        """Take note of one listed tool."""
        self._schemas.learn(tool)
        self._definitions.learn(self._tenant, tool)

    def hide(self, tool: object) -> None:
        """Say that a tool is in no policy."""
        self._schemas.hide(tool)


async def _by_name(list_tools: ListTools) -> dict[str, dict[str, Any]]:
    tools = await list_tools()
    named = {tool["name"]: tool for tool in tools if isinstance(tool.get("name"), str)}
    if len(named) != len(tools):
        raise UnreadableListingError  # two of one name: nobody could say which one runs
    return named


def _definition(tool: Mapping[str, Any]) -> Definition:
    annotations = tool.get("annotations")
    titles = (tool.get("title"), annotations.get("title") if isinstance(annotations, dict) else None)
    return Definition(
        hash=definition_hash(tool),
        title=next((_text(title) for title in titles if _text(title)), ""),
        description=_text(tool.get("description")),
        version=_text(tool.get("version")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
