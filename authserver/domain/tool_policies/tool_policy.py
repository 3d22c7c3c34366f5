"""
What a tenant's operators demand of a tool beyond its author: it acts without a deploy, and it can only take away.

Decisions 11 and 18. The form is `resource_lib.wire.tool_policy`, the same that an author's policy has; rules for `*` are for every
tool of the resource. Three read it. The consent page and every token that is made or comes back see the resource as `seen` shows
it: a tool that a tenant does not let an application use is not there, with the scope of its own. Whoever asks a person asks by
`asking`, whatever rule the MCP server sends: one that lags behind, or lies, gets nobody's easier yes. And the MCP server gets all
of it (`oauth/tool_policies.py`) and applies the rest call by call.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import orjson

from authserver.domain.audit import event
from authserver.domain.inventory import inventory, uses
from authserver.domain.inventory.inventory import LetIn
from authserver.domain.inventory.uses import Looked
from authserver.domain.resources.resource import Resource, Tool
from authserver.domain.revocation import feed
from authserver.domain.tool_policies import step_up, store
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.approvals import ApprovalRule, stricter
from resource_lib.wire.condition import Scene, Truth
from resource_lib.wire.control import Act, Kind
from resource_lib.wire.tool_policy import CLASSES, EVERY_TOOL, InvalidRulesError, Rules, is_over, parse_rules

NO_RULES: Final = Rules()

MOST_BYTES: Final = 16 * 1024
"""Of one tool's rules."""
MOST_TOOLS: Final = 200
"""How many tools of one resource a tenant may have rules for."""


class InvalidToolPolicyError(ValueError):
    """Rules cannot be like that. The message names the member and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """What one tenant demands of the tools of one resource, by tool or `*`."""

    tools: Mapping[str, Rules] = field(default_factory=dict)
    let_in: LetIn = field(default_factory=dict)
    """What each tool may be today, where somebody has to have looked at it."""
    sunsets: Mapping[str, date] = field(default_factory=dict)
    """The last day of each tool that has one, by its author's word."""
    over: frozenset[str] = frozenset()
    """The tools whose last day has passed: nobody is offered them any more."""

    def sunset(self, tool: str) -> date | None:
        """Return the last day of a tool, by its author's word and the tenant's: the earlier one; None: nothing says when it ends."""
        said = [rules.sunset for rules in self.layers(tool) if rules.sunset is not None]
        return min([*said, *(day for name, day in self.sunsets.items() if name == tool)], default=None)

    def as_of(self, now: int) -> "Overlay":
        """Return it as it is at a moment; the very same while no last day has passed."""
        named = {*self.sunsets, *(tool for tool, rules in self.tools.items() if rules.sunset is not None)}
        over = frozenset(tool for tool in named if is_over(self.sunset(tool), now))
        return self if over == self.over else replace(self, over=over)

    def lets_in(self, tool: str, definition_hash: str) -> bool:
        """Whether a tool counts as what it is today."""
        known = self.let_in.get(tool)
        return known is None or definition_hash in known

    def layers(self, tool: str) -> tuple[Rules, ...]:
        """Return what is demanded of a tool: what is demanded of all, and of it."""
        return tuple(rules for name in (EVERY_TOOL, tool) if (rules := self.tools.get(name)) is not None)

    def offers(self, tool: Tool, client_id: str) -> bool:
        """Whether an application may know of a tool at all."""
        is_there = self.let_in.get(tool.name) != frozenset()
        return (
            is_there
            and self.over.isdisjoint({tool.name, EVERY_TOOL})
            and self.is_below_ceiling(tool)
            and all(
                rules.mode != "deny" and (rules.clients is None or client_id in rules.clients)
                for rules in self.layers(tool.name)
            )
        )

    def is_below_ceiling(self, tool: Tool) -> bool:
        """Whether a tool is no graver than the tenant permits."""
        grave = CLASSES.index(self._class_of(tool))
        return all(rules.most is None or grave <= CLASSES.index(rules.most) for rules in self.layers(tool.name))

    def seen(self, resource: Resource, client_id: str) -> Resource:
        """Return the resource as this tenant shows it to an application: fewer tools, graver ones, more scopes for some."""
        if not (self.tools or self.let_in or self.over):
            return resource
        tools = tuple(self.tightened(tool, resource.scopes) for tool in resource.tools if self.offers(tool, client_id))
        return resource if tools == resource.tools else replace(resource, tools=tools, is_narrowed=True)

    def asking(self, tool: str, tool_class: str, rule: ApprovalRule, scene: Scene | None = None) -> ApprovalRule | None:
        """Return the rule by which a person is asked: that of the MCP server and of the tenant; None: nobody could satisfy both.

        `scene` is the call, for conditions that ask for more; what cannot be decided from it, the server decides alone.
        """
        found: ApprovalRule | None = rule
        for layer in self.layers(tool):
            if tool_class == "read" and layer.mode == "observe":
                continue
            demanded = [layer.approval] if isinstance(layer.approval, ApprovalRule) else []
            demanded += [
                one.approval
                for one in layer.when
                if one.approval is not None
                and not (one.observe and tool_class == "read")
                and scene is not None
                and one.condition.evaluate(scene) is Truth.YES
            ]
            for more in demanded:
                found = None if found is None else stricter(found, more)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as an MCP server reads it."""
        return {tool: rules.to_json() for tool, rules in sorted(self.tools.items())}

    def _class_of(self, tool: Tool) -> Any:
        said = [tool.sensitivity, *(rules.tool_class for rules in self.layers(tool.name) if rules.tool_class)]
        return max(said, key=CLASSES.index)

    def tightened(self, tool: Tool, known: Iterable[str]) -> Tool:
        """Return a tool as graver, and with more of the `known` scopes, as the tenant demands."""
        wanted = {scope for rules in self.layers(tool.name) for scope in rules.scopes} - set(tool.scopes)
        more = tuple(scope for scope in known if scope in wanted)
        return replace(tool, sensitivity=self._class_of(tool), scopes=(*tool.scopes, *more))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The rules of one tool, and when they were last changed."""

    tool: str
    rules: Rules
    changed_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What one MCP server is told: the demands of every tenant it is heard for."""

    body: bytes
    etag: bytes


async def change(work: UnitOfWork, resource: Resource, tool: str, before: Rules, after: Any, *, by: str = "") -> Rules:
    """Replace what the bound tenant demands of a tool; `after` is rules or their JSON, and empty ones clear it.

    `before` is what the operator saw, and `by` who they are. A lost commit: somebody else changed it meanwhile. Raises
    InvalidToolPolicyError.
    """
    if before == NO_RULES and len(await entries(work, resource.uri)) >= MOST_TOOLS:
        raise InvalidToolPolicyError(f"{tool}: {MOST_TOOLS} tools have rules already. Cure: write one for * instead.")
    try:
        rules = parse_rules(after.to_json() if isinstance(after, Rules) else after, tool)
    except InvalidRulesError as error:
        raise InvalidToolPolicyError(str(error)) from None
    said = _text(rules)
    if len(said) > MOST_BYTES:
        raise InvalidToolPolicyError(
            f"{tool}: the rules are too long. Cure: at most {MOST_BYTES // 1024} KiB for one tool."
        )
    if rules.scopes - set(resource.scopes):
        unknown = ", ".join(sorted(rules.scopes - set(resource.scopes)))
        raise InvalidToolPolicyError(
            f"{tool}.scopes: {resource.uri} has no scope {unknown}. Cure: name one it describes."
        )
    if rules == NO_RULES:
        work.claim(store.CLEAR, resource=resource.uri, tool=tool, before=_text(before))
    else:
        work.claim(store.SET, resource=resource.uri, tool=tool, rules=said, before=_text(before), now=work.now)
    work.changes_directory = True
    feed.announce(work, Kind.POLICY, {"resource": resource.uri}, Act.CHANGED, resource=resource.uri)
    event.record(
        work,
        event.Kind.TOOL_POLICY_CHANGED,
        resource=resource.uri,
        action="cleared" if rules == NO_RULES else "set",
        payload={"tool": tool, "rules": rules.to_json(), "before": before.to_json(), "by": by},
    )
    return rules


async def entries(work: UnitOfWork, uri: str) -> list[Entry]:
    """Return what the bound tenant demands at a resource, tool by tool; never from memory."""
    return [_entry(row) for row in await work.all(store.OF_RESOURCE, resource=uri)]


def _entry(row: Row) -> Entry:
    return Entry(
        tool=row["tool"], rules=parse_rules(orjson.loads(row["rules"]), row["tool"]), changed_at=row["changed_at"]
    )


async def of_tenant(work: UnitOfWork, tenant_id: str, uri: str) -> Overlay:
    """Return what a tenant demands at a resource, from memory."""

    async def load() -> Overlay:
        tools = {entry.tool: entry.rules for entry in await entries(work.beside(tenant_id), uri)}
        return Overlay(
            tools=tools,
            let_in=await inventory.in_tenant(work, tenant_id, uri),
            sunsets=await inventory.sunsets(work, tenant_id, uri),
        )

    known: Overlay = await work.machines.memory.get("tool_policies", f"{tenant_id}\0{uri}", load)
    return known.as_of(work.now)


async def unused(work: UnitOfWork, uri: str, tenant_id: str | None, *, days: int) -> Looked:
    """Return which tools of a server nobody used in a tenant (None: in any), without those that it has taken away already."""
    found = await uses.unused(work, uri, tenant_id, days=days)
    if tenant_id is None or not found.unused:
        return found
    overlay = await of_tenant(work, tenant_id, uri)
    denied = {one.tool for one in found.unused if any(rules.mode == "deny" for rules in overlay.layers(one.tool))}
    return replace(found, unused=tuple(one for one in found.unused if one.tool not in denied | overlay.over))


async def seen(work: UnitOfWork, tenant_id: str, resource: Resource, client_id: str) -> Resource:
    """Return a resource as a tenant shows it to one application."""
    return (await of_tenant(work, tenant_id, resource.uri)).seen(resource, client_id)


async def document(work: UnitOfWork, uri: str, tenants: Iterable[str], *, speaker: str) -> Document:
    """Return what the server of a resource is told of these tenants; one without rules is named too, by its id.

    `speaker` is whose credential it has (`*`: a shared one); what the servers of other tenants said of their tools is not its concern.
    """
    across = event.platform_work(work.machines, "look for what the tenants of a server demand")
    demands: dict[str, dict[str, Rules]] = {tenant: {} for tenant in sorted(tenants)}
    for row in await across.all(store.EVERY_TENANTS, resource=uri):
        if row["tenant_id"] in demands:
            demands[row["tenant_id"]][row["tool"]] = _entry(row).rules
    for tenant, asked_more in (await step_up.rules_of_each(across)).items():
        if tenant in demands:
            tools = demands[tenant]
            tools[EVERY_TOOL] = step_up.tightened(tools.get(EVERY_TOOL, NO_RULES), asked_more)
    let_in = await inventory.told(work, uri, demands, speaker=speaker)
    for tenant, tools in demands.items():
        _pin(tools, let_in.everywhere or {}, let_in.elsewhere.get(tenant, {}))
    told: dict[str, Any] = {"tenants": {tenant: Overlay(tools=tools).to_json() for tenant, tools in demands.items()}}
    if let_in.everywhere is not None:
        told["definitions"] = {
            tool: None if hashes is None else sorted(hashes) for tool, hashes in let_in.everywhere.items()
        }
    version = hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()
    body = orjson.dumps({"version": version} | told, option=orjson.OPT_SORT_KEYS)
    return Document(body=body, etag=f'"{version}"'.encode())


def _pin(tools: dict[str, Rules], everywhere: LetIn, here: LetIn) -> None:
    """Write into one tenant's rules which definitions count there, where that is something else than everywhere.

    What an operator pinned a tool to stays, as far as somebody has let it in.
    """
    for tool in {*here, *(name for name, rules in tools.items() if rules.definitions is not None)}:
        rules = tools.get(tool, NO_RULES)
        known = here.get(tool, everywhere.get(tool))
        if known is not None:
            pinned = known if rules.definitions is None else rules.definitions & known
            tools[tool] = replace(rules, definitions=pinned)


def _text(rules: Rules) -> str:
    return orjson.dumps(rules.to_json(), option=orjson.OPT_SORT_KEYS).decode() if rules != NO_RULES else ""
