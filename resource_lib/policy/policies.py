"""
The demands of every tool, for each tenant: what the author, the file and the preset say, and over it what the tenant's operators say.

A call costs one look-up: what is effective for a tenant is made once, when it is first asked for, and again only when the
overlay changes. An overlay is taken whole or not at all, and swapped in one step: no call sees half of it.
"""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from typing import Final, Literal, get_args

from resource_lib.policy.demand import Demand, demand_of
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_policy import EVERY_TOOL, Rules

Preset = Literal["minimum", "full", "strict"]

Overlays = Mapping[str, Mapping[str, Rules]]
"""By tenant, then by tool; the tool `*` means each of them."""

_ASK: Final = Rules(approval=True)


class Policies:
    """Answers what each tool demands in each tenant."""

    def __init__(self, layers: Mapping[str, Sequence[Rules]], *, preset: Preset | None = None) -> None:
        """Take the layers of each tool, the author's first; a tool that is not in it does not exist.

        The preset `strict` asks a person about each write, and about each read of secrets; the others say nothing of tools.
        Raises SettingsError.
        """
        if preset is not None and preset not in get_args(Preset):
            raise SettingsError("preset", f"{preset!r} is unknown", "write minimum, full or strict, or leave it out")
        self._preset = preset
        self._layers = {name: tuple(rules) for name, rules in layers.items()}
        self._refuse_unknown_calls()
        self.base: Mapping[str, Demand] = {name: self._demand(name, rules) for name, rules in self._layers.items()}
        """What is demanded where no overlay says more."""
        self._kept: tuple[Overlays, dict[str | int, Mapping[str, Demand]]] = ({}, {})
        self.version = ""
        """Names the overlays that are in force."""

    def of(self, tenant: str) -> Mapping[str, Demand]:
        """Return the demands of every tool in `tenant`."""
        overlays, made = self._kept
        found = made.get(tenant)
        return found if found is not None else self._made(tenant, overlays, made)

    def _made(
        self, tenant: str, overlays: Overlays, made: dict[str | int, Mapping[str, Demand]]
    ) -> Mapping[str, Demand]:
        overlay = overlays.get(tenant)
        if not overlay:
            return self.base  # not kept: whoever presents tokens chooses how many tenants there are
        if (known := made.get(id(overlay))) is not None:
            made[tenant] = known  # many tenants demand the same, as one object
            return known
        for_all = [overlay[EVERY_TOOL]] if EVERY_TOOL in overlay else []
        demands = {}
        for name, layers in self._layers.items():
            further = [*for_all, overlay[name]] if name in overlay else for_all
            demands[name] = self._demand(name, layers, further) if further else self.base[name]
        made[tenant] = made[id(overlay)] = demands
        return demands

    def take(self, overlays: Overlays, version: str) -> None:
        """Put `overlays` in force, instead of those before. What they say of tools that are not here concerns others."""
        self._kept = (overlays, {})
        self.version = version

    def offered(self, tenant: str, client_id: str) -> Container[str]:
        """Return the names of the tools that exist for this application in this tenant."""
        demands = self.of(tenant)
        if all(not demand.denied and demand.clients is None for demand in demands.values()):
            return demands
        return {name for name, demand in demands.items() if is_offered(demand, client_id)}

    @property
    def remembered(self) -> dict[str, frozenset[tuple[str, ...]]]:
        """The tools whose calls some condition asks about later, with the paths of the arguments that count."""
        found: dict[str, set[tuple[str, ...]]] = {}
        for name, rules in self._every_layer():
            for one in rules.when:
                for tool, paths in one.condition.remembers:
                    found.setdefault(tool, set()).add(paths)
                if one.condition.looks_back:  # `first_use` asks about the tool itself
                    for own in self._layers if name == EVERY_TOOL else (name,):
                        found.setdefault(own, set()).add(())
        return {tool: frozenset(paths) for tool, paths in found.items()}

    def _every_layer(self) -> Iterator[tuple[str, Rules]]:
        for name, layers in self._layers.items():
            yield from ((name, rules) for rules in layers)
        for overlay in self._kept[0].values():
            yield from overlay.items()

    def _refuse_unknown_calls(self) -> None:
        """Raise SettingsError for `called("a_typo")`: never true, it would be a `deny` that denies nothing."""
        for name, layers in self._layers.items():
            for one in (one for rules in layers for one in rules.when):
                for tool in sorted(tool for tool, _ in one.condition.remembers):
                    if tool not in self._layers:
                        raise SettingsError(
                            f"tools[{name!r}].when",
                            f"called({tool!r}) asks about no tool of this server",
                            "correct the name, or leave the condition out",
                        )

    def _demand(self, name: str, layers: tuple[Rules, ...], overlay: Sequence[Rules] = ()) -> Demand:
        demand = demand_of(name, layers, overlay)
        if self._preset == "strict" and (demand.tool_class != "read" or "secret" in demand.returns):
            return demand_of(name, (*layers, _ASK), overlay)
        return demand


def is_offered(demand: Demand, client_id: str) -> bool:
    """Tell whether there is such a tool for this application."""
    return not demand.denied and (demand.clients is None or client_id in demand.clients)


def policy_warnings(demands: Collection[Demand]) -> list[str]:
    """Return what an operator should know about a policy, in one line each."""
    said = []
    for demand in sorted(demands, key=lambda demand: demand.subject):
        name = demand.subject
        if demand.tool_class == "destructive" and demand.approval is None:
            said.append(f"{name}: destructive, and nobody is asked (approval=False)")
        if demand.closed:
            said.append(f"{name}: closed to everybody, {demand.closed}")
        if demand.tool_class != "read" and any(
            layer.mode == "observe" or any(one.observe for one in layer.when) for layer in demand.layers
        ):
            said.append(f"{name}: observe has no effect, because the tool is no read")
    return said
