"""
What a tool demands in the end: the author's code, the policy file and a tenant's overlay, laid over each other.

Layers only ever tighten. Whatever a layer says, a call that was refused without it is refused with it, and a call that waited
for a yes still does (docs/adr/0026): scopes, roles and conditions add up, applications and login strengths are cut down, the graver
class and the shorter time count. Layers that no call could satisfy together close the tool.

`observe` takes its own layer's roles, logins, conditions and approval out of force, and only for a tool that reads.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any

from resource_lib.wire.approvals import DEFAULT_RULE, ApprovalRule, common_levels, stricter
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX
from resource_lib.wire.limit import Cap, Limit, caps_to_json, fewest
from resource_lib.wire.tool_policy import CLASSES, RECORDED, SCREENINGS, Recorded, Rules, Screening, ToolClass, When


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What one operation needs of its caller."""

    subject: str
    """A tool's name, or a method."""
    tool_class: ToolClass
    scopes: frozenset[str]
    """All are needed: the author's scopes, and `tool:<name>` for a write."""
    any_scope: bool = False
    """One of `scopes` is enough: for catalogues, which say what there is and not what is in it."""
    closed: str = ""
    """Why nothing opens it, such as that nobody said what it needs; empty: it can be opened."""
    denied: bool = False
    """For every caller there is no such tool."""
    clients: frozenset[str] | None = None
    """The applications for which there is such a tool; None: any."""
    roles: frozenset[str] = frozenset()
    """Any of them is needed; empty: none is."""
    also_roles: tuple[frozenset[str], ...] = ()
    """Of each of these sets one more is needed: other layers' demands."""
    acr: tuple[str, ...] = ()
    max_age: int | None = None
    most: ToolClass | None = None
    """Of a graver class there is no such tool."""
    is_tool: bool = True
    conditions: tuple[When, ...] = ()
    approval: ApprovalRule | None = None
    """Whose yes each call takes; None: nobody's."""
    unasked: bool = False
    """Whether a layer said that nobody is asked about a destructive tool."""
    observed: "Demand | None" = None
    """What is only reported."""
    cost: int = 1
    cost_to_all: int = 1
    """What a call costs where all tenants count together: as its author says, whatever the operators of one tenant make of it."""
    returns: frozenset[str] = frozenset()
    screening: Screening | None = None
    """What becomes of an answer that reads like orders, at least; None: what the guard does with all of them."""
    record: Recorded | None = None
    """`header`: of arguments and results nothing is kept."""
    limit: tuple[Limit, ...] = ()
    """Each of them holds."""
    concurrent: tuple[Cap, ...] = ()
    """Each of them holds."""
    definitions: frozenset[str] | None = None
    """What the tool may be today, by hash; None: anything."""
    sunset: date | None = None
    """The last day on which it may be called; None: nothing says when it ends."""
    policy_version: str = ""
    """Names these demands: a yes that was given under others does not count."""
    layers: tuple[Rules, ...] = field(default=(), repr=False, compare=False)
    """What it was made from."""

    @property
    def looks(self) -> bool:
        """Whether a condition looks at the call."""
        return bool(self.conditions) or (self.observed is not None and bool(self.observed.conditions))

    @property
    def may_ask(self) -> bool:
        """Whether some call of it waits for a yes."""
        return self.approval is not None or any(one.effect == "step_up" for one in self.conditions)


def demand_of(name: str, layers: Sequence[Rules], overlay: Sequence[Rules] = ()) -> Demand:
    """Return what the tool `name` demands under `layers`, the author's first, and under what a tenant's operators lay over them.

    A class that the author left out is destructive. Whatever a tenant's operators limit is counted for their tenant alone.
    """
    if not layers or layers[0].tool_class is None:
        layers = [replace(layers[0] if layers else Rules(), tool_class="destructive"), *layers[1:]]
    cost_to_all = max((layer.cost for layer in layers if layer.cost is not None), default=1)
    layers = [*layers, *map(_of_one_tenant, overlay)]
    tool_class = max((layer.tool_class for layer in layers if layer.tool_class is not None), key=CLASSES.index)
    in_force = [layer for layer in layers if tool_class != "read" or layer.mode != "observe"]
    reported = [layer for layer in layers if tool_class == "read" and layer.mode == "observe"]
    own = frozenset() if tool_class == "read" else frozenset({TOOL_SCOPE_PREFIX + name})
    demand = _conduct(name, tool_class, in_force)
    ceilings = [layer.most for layer in layers if layer.most is not None]
    offered = [layer.clients for layer in layers if layer.clients is not None]
    known = [layer.definitions for layer in layers if layer.definitions is not None]
    whole = replace(
        demand,
        scopes=own.union(*(layer.scopes for layer in layers)),
        # Above a ceiling there is no such tool either: its scope is not offered at consent, so a 403 would lead nowhere.
        denied=any(layer.mode == "deny" for layer in layers)
        or any(CLASSES.index(tool_class) > CLASSES.index(ceiling) for ceiling in ceilings),
        clients=frozenset.intersection(*offered) if offered else None,
        most=min(ceilings, key=CLASSES.index) if ceilings else None,
        observed=_conduct(name, tool_class, reported) if reported else None,
        cost=max((layer.cost for layer in layers if layer.cost is not None), default=1),
        cost_to_all=cost_to_all,
        returns=frozenset().union(*(layer.returns for layer in layers)),
        screening=max(
            (layer.screening for layer in layers if layer.screening is not None), key=SCREENINGS.index, default=None
        ),
        record=max((layer.record for layer in layers if layer.record is not None), key=RECORDED.index, default=None),
        limit=tuple(dict.fromkeys(one for layer in layers for one in layer.limit)),
        concurrent=fewest(one for layer in layers for one in layer.concurrent),
        definitions=frozenset.intersection(*known) if known else None,
        sunset=min((layer.sunset for layer in layers if layer.sunset is not None), default=None),
        layers=tuple(layers),
    )
    return replace(whole, policy_version=_version(whole))


def tightened(base: Demand, *rules: Rules) -> Demand:
    """Return what is demanded when its author lays `rules` over `base`: never less."""
    return demand_of(base.subject, (*base.layers, *rules))


def _of_one_tenant(rules: Rules) -> Rules:
    """Return what a tenant's operators demand, with their own tenant where they say everybody.

    Counted together with others, one tenant's word would decide for all of them: with a limit that is used up by its first call, or
    with a cost that empties what the author gave to everybody.
    """
    if all(one.per != "server" for one in rules.limit) and all(one.per != "server" for one in rules.concurrent):
        return rules
    limit = tuple(replace(one, per="tenant") if one.per == "server" else one for one in rules.limit)
    caps = fewest(replace(one, per="tenant") if one.per == "server" else one for one in rules.concurrent)
    return replace(rules, limit=limit, concurrent=caps)


def _conduct(name: str, tool_class: ToolClass, layers: Sequence[Rules]) -> Demand:
    """Return what `observe` may take out of force: roles, logins, conditions, approval."""
    roles = _fewest(layer.roles for layer in layers if layer.roles)
    acr, closed = common_levels([layer.acr for layer in layers if layer.acr])
    ages = [layer.max_age for layer in layers if layer.max_age is not None]
    rules, unasked = _asked(tool_class, layers)
    approval = rules[0] if rules else None
    for rule in rules[1:]:
        approval = None if approval is None else stricter(approval, rule)
    if rules and approval is None:
        closed, approval = "two layers want different people to say yes", rules[0]
    return Demand(
        subject=name,
        tool_class=tool_class,
        scopes=frozenset(),
        closed=closed,
        roles=roles[0] if roles else frozenset(),
        also_roles=tuple(roles[1:]),
        acr=acr,
        max_age=min(ages, default=None),
        conditions=tuple(one for layer in layers for one in layer.when),
        approval=approval,
        unasked=unasked,
    )


def _asked(tool_class: ToolClass, layers: Sequence[Rules]) -> tuple[list[ApprovalRule], bool]:
    """Return whose yes is demanded, and whether somebody was asked to be left out.

    Only the layer that makes a tool destructive can say that nobody is asked: what a later one says takes nothing away.
    """
    rules = [layer.approval for layer in layers if isinstance(layer.approval, ApprovalRule)]
    if not rules and any(layer.approval is True or layer.mode == "step_up" for layer in layers):
        rules = [DEFAULT_RULE]
    unasked = False
    if tool_class == "destructive":
        maker = next((layer for layer in layers if layer.tool_class == "destructive"), None)
        unasked = maker is not None and maker.approval is False
        if not rules and not unasked:
            rules = [DEFAULT_RULE]
    return rules, unasked


def _fewest(sets: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Return the sets of roles of which each is needed, without those that a narrower one implies."""
    kept: list[frozenset[str]] = []
    for roles in sets:
        if not any(narrower <= roles for narrower in kept):
            kept = [*(wider for wider in kept if not roles <= wider), roles]
    return kept


def _said(demand: Demand) -> Mapping[str, Any]:
    return {
        "class": demand.tool_class,
        "scopes": sorted(demand.scopes),
        "closed": bool(demand.closed),
        "denied": demand.denied,
        "clients": None if demand.clients is None else sorted(demand.clients),
        "roles": sorted(sorted(roles) for roles in (demand.roles, *demand.also_roles) if roles),
        "acr": list(demand.acr),
        "max_age": demand.max_age,
        "most": demand.most,
        "when": [one.to_json() for one in demand.conditions],
        "approval": None if demand.approval is None else demand.approval.to_json(),
        "observed": None if demand.observed is None else _said(demand.observed),
        "cost": demand.cost,
        "returns": sorted(demand.returns),
        "screening": demand.screening,
        "limit": [str(one) for one in demand.limit],
        "concurrent": caps_to_json(demand.concurrent),
        # Not what is recorded, which changes no call.
        # Not the definitions: a yes is bound to one by its hash, and one more that was let in takes nothing from it;
        # nor the last day: what was approved before it is over was approved.
    }


def _version(demand: Demand) -> str:
    return sha256(json.dumps(_said(demand), sort_keys=True).encode()).hexdigest()
