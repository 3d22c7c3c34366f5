"""
The noun `tools`: the tools of an MCP server as a tenant sees them, and what the tenant demands of each beyond its author.

A tenant's rules only ever take away (decision 11), act at once, and are a tenant's own to write.
"""

from typing import Annotated, Any

from pydantic import Field

from authserver.domain.inventory import inventory
from authserver.domain.resources.resource import Resource
from authserver.domain.revocation import kill_switch
from authserver.domain.tool_policies import tool_policy
from authserver.domain.tool_policies.tool_policy import NO_RULES, Entry, Overlay
from authserver.web.admin.acting import label
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import not_found
from authserver.web.admin.resources import found_by
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route
from resource_lib.wire.tool_policy import EVERY_TOOL

ALL = "~all"
"""How every tool of a server is called in a path, where a star might be taken for a pattern."""

_Rules = Annotated[
    dict[str, Any],
    Field(
        max_length=12,
        description="As in docs/policy.md: class, scopes, roles, mode, clients, most, acr, max_age, when, approval, cost, returns.",
        examples=[{"roles": ["support"], "approval": {"by": "role", "role": "finance"}}],
    ),
]


class ToolShown(Shown):
    """One tool as a tenant sees it."""

    name: str = Field(examples=["refund_order"])
    title: str = Field(examples=["Refund an order"])
    description: str
    tool_class: str | None = Field(
        description="As it counts here; null: only its server knows it.", examples=["destructive"]
    )
    scopes: list[str] = Field(description="What a call needs, besides the tool's own scope.")
    own_scope: str | None = Field(description="The scope that opts into this one tool.", examples=["tool:refund_order"])
    is_offered: bool = Field(description="Whether any application may know of it.")
    clients: list[str] | None = Field(description="The only applications that may use it; null: any.")
    sunset: str | None = Field(
        description="The last day on which it may be called here; null: nothing says when it ends.",
        examples=["2027-03-31"],
    )
    has_rules: bool = Field(description="Whether the tenant demands something of it, or of all.")
    is_stopped: bool


class ToolPage(Shown):
    """Some tools, by name."""

    items: list[ToolShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class RulesShown(Thing):
    """What a tenant demands of one tool, or of all."""

    tool: str = Field(description="Its name; `~all`: every tool of the server.", examples=["refund_order"])
    rules: _Rules
    changed_at: int | None = Field(description="Seconds since the epoch; null: nobody demanded anything.")


class RulesWanted(Strict):
    """The whole of what is to be demanded; empty rules demand nothing."""

    rules: _Rules


@route("GET", "/resources/{resource_id}/tools", gives=ToolPage, says="List the tools of an MCP server")
async def list_tools(ask: Ask, resource_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ToolPage:
    """As your tenant sees them: with its own rules, and with what is stopped."""
    resource, after = await found_by(ask, resource_id), ask.after(cursor)
    rules = {entry.tool: entry.rules for entry in await tool_policy.entries(ask.work, resource.uri)}
    sunsets = await inventory.sunsets(ask.work, ask.tenant, resource.uri)
    overlay = Overlay(tools=rules, sunsets=sunsets).as_of(ask.work.now)
    stops = await kill_switch.stops(ask.work)
    names = sorted({tool.name for tool in resource.tools} | (set(overlay.tools) - {EVERY_TOOL}))
    found = [name for name in names if after is None or name > str(after[0])][: limit + 1]
    return ToolPage(
        items=[_tool(ask, resource, overlay, stops, name) for name in found[:limit]],
        next=ask.next_cursor(found, limit, lambda name: [name]),
    )


@route("GET", "/resources/{resource_id}/tools/{tool}/rules", gives=RulesShown, says="Show the rules for a tool")
async def show(ask: Ask, resource_id: Id, tool: Id) -> RulesShown:
    """What your tenant demands of it; of all by the name `~all`."""
    _, entry, name = await _found(ask, resource_id, tool)
    return _rules(name, entry)


@route("PUT", "/resources/{resource_id}/tools/{tool}/rules", gives=RulesShown, says="Replace the rules for a tool")
async def replace(ask: Ask, resource_id: Id, tool: Id, body: RulesWanted) -> RulesShown:
    """They act at once, in every process and at every server."""
    resource, entry, name = await _found(ask, resource_id, tool)
    ask.unchanged(_rules(name, entry))
    if entry is None and not body.rules:
        return _rules(name, None)
    before = entry.rules if entry else NO_RULES
    ask.otherwise("Somebody else changed it meanwhile, or nothing is demanded that could be cleared.")
    rules = await tool_policy.change(ask.work, resource, name, before, body.rules, by=await label(ask))
    return _rules(name, Entry(tool=name, rules=rules, changed_at=ask.work.now) if rules != NO_RULES else None)


@route("DELETE", "/resources/{resource_id}/tools/{tool}/rules", gives=None, says="Clear the rules for a tool")
async def clear(ask: Ask, resource_id: Id, tool: Id) -> None:
    """Only what its author demands holds after that."""
    resource, entry, name = await _found(ask, resource_id, tool)
    ask.unchanged(_rules(name, entry))
    if entry is None:
        raise not_found()
    await tool_policy.change(ask.work, resource, name, entry.rules, NO_RULES, by=await label(ask))


async def _found(ask: Ask, resource_id: str, tool: str) -> tuple[Resource, Entry | None, str]:
    resource = await found_by(ask, resource_id)
    name = EVERY_TOOL if tool == ALL else tool
    entries = {entry.tool: entry for entry in await tool_policy.entries(ask.work, resource.uri)}
    listed = {one.name for one in resource.tools}
    # Where its author listed no tools, its server alone knows them.
    if listed and name not in {EVERY_TOOL, *listed, *entries}:
        raise not_found()
    return resource, entries.get(name), name


def _rules(name: str, entry: Entry | None) -> RulesShown:
    return RulesShown(
        tool=ALL if name == EVERY_TOOL else name,
        rules=entry.rules.to_json() if entry else {},
        changed_at=entry.changed_at if entry else None,
    )


def _tool(ask: Ask, resource: Resource, overlay: Overlay, stops: kill_switch.Stops, name: str) -> ToolShown:
    listed = next((one for one in resource.tools if one.name == name), None)
    counts = overlay.tightened(listed, resource.scopes) if listed else None
    layers = overlay.layers(name)
    lists = [layer.clients for layer in layers if layer.clients is not None]
    clients = sorted(frozenset.intersection(*lists)) if lists else None
    denied = any(layer.mode == "deny" for layer in layers)
    return ToolShown(
        name=name,
        title=counts.title if counts else "",
        description=counts.description if counts else "",
        tool_class=counts.sensitivity if counts else None,
        scopes=list(counts.scopes) if counts else [],
        own_scope=counts.own_scope if counts else None,
        is_offered=not denied
        and overlay.over.isdisjoint({name, EVERY_TOOL})
        and clients != []
        and (listed is None or overlay.is_below_ceiling(listed)),
        clients=clients,
        sunset=None if (last := overlay.sunset(name)) is None else last.isoformat(),
        has_rules=bool(layers),
        is_stopped=stops.on(tenant=ask.tenant, resource=resource.uri, tool=name) is not None,
    )
