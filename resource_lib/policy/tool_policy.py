"""
What one tool demands of its caller, in its author's words.

A tool is `read`, `write` or `destructive`. A write or destructive tool demands its own scope `tool:<name>` besides its
author's scopes, so that writing is opted into tool by tool. A word that this version does not enforce is refused when
the guard is made, never ignored. The same words stand in a policy file and in a tenant's overlay (`wire/tool_policy.py`).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypedDict, Unpack

from resource_lib.policy.demand import Demand, demand_of
from resource_lib.settings import SettingsError, scope_names
from resource_lib.wire.approvals import ApprovalRule, InvalidRuleError, rule_from_json
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX
from resource_lib.wire.tool_policy import (
    Effect,
    InvalidRulesError,
    Mode,
    Recorded,
    Rules,
    Screening,
    ToolClass,
    When,
    parse_rules,
)

_TOOL_NAME = re.compile(r"[A-Za-z0-9_./-]{1,122}")
"""MCP "Tool names" (1-128 of these characters); 122, so that `tool:<name>` is a scope of at most 128."""

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_$.-]*(?:/[A-Za-z0-9_$.-]+)*")

ADMITTED_BY_ITSELF: Final = frozenset({"tools/call", "tools/list"})
"""Methods with rules of their own, which a method policy cannot loosen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolPolicy:
    """One tool's demands. Make it with `read`, `write` or `destructive`."""

    rules: Rules
    approval: object = None
    """As it was given."""
    waived: tuple[tuple[str, str], ...] = ()
    """What the linter is to let be: rule and reason."""

    @property
    def tool_class(self) -> ToolClass:
        """How grave the tool is."""
        return self.rules.tool_class or "destructive"

    @property
    def scopes(self) -> frozenset[str]:
        """The author's scopes."""
        return self.rules.scopes


class Words(TypedDict, total=False):
    """What may be said of a tool besides its class and scopes; docs/policy.md explains each."""

    roles: Collection[str]
    """Any of them is needed."""
    acr: str | Collection[str]
    """The login strengths that are enough, best first."""
    max_age: int | None
    """How many seconds ago the person may have logged in at most."""
    mode: Mode | None
    """`allow`, `deny`, `step_up` (a person is asked each time) or `observe`."""
    clients: Collection[str] | None
    """The applications for which there is such a tool."""
    when: Collection[When]
    """Conditions: `deny_if`, `step_up_if`, `require`."""
    approval: ApprovalRule | bool | None
    """Whose yes each call takes: `ask(…)`. None: what the class says, which is a yes for a destructive tool; False: nobody's."""
    cost: int | None
    """What one call counts for against each limit."""
    returns: Collection[str]
    """`personal`, `secret`: what an answer may hold; `outside`: text that strangers wrote."""
    screening: Screening | None
    """What becomes of an answer that reads like orders to a model: `observe`, `annotate`, `quarantine` or `block`."""
    record: Recorded | None
    """What is kept of its calls: `full`, or `header`, which leaves arguments and results out."""
    limit: str | Collection[str] | None
    """How often it may be called: `"10/hour"`, or several of which each holds."""
    concurrent: int | str | Collection[int | str] | None
    """How many calls of it may run at once: `4` of one person, `"50 per server"` of all, or several of which each holds."""
    definitions: Collection[str] | None
    """The hashes of what the tool may be today; None: any."""
    sunset: str | date | None
    """The last day on which it may be called, such as `"2027-03-31"`; after it there is no such tool."""
    waive: Mapping[str, str]
    """What the linter is to let be, by rule, each with the reason; it changes no decision."""


def read(*scopes: str, **words: Unpack[Words]) -> ToolPolicy:
    """Return the policy of a tool that changes nothing. Needs `scopes` and any of `roles`."""
    return _policy("read", scopes, **words)


def write(*scopes: str, **words: Unpack[Words]) -> ToolPolicy:
    """Return the policy of a tool that changes something. Needs `scopes`, `tool:<name>` and any of `roles`."""
    return _policy("write", scopes, **words)


def destructive(*scopes: str, **words: Unpack[Words]) -> ToolPolicy:
    """Return the policy of a tool whose effect cannot be taken back; a person approves each call unless `approval=False`."""
    return _policy("destructive", scopes, **words)


def ask(**rule: Any) -> ApprovalRule:
    """Return whose yes a call takes: `approval=ask(by="role", role="finance", approvers=2, sentence="Refund {order_id}")`.

    The words are the fields of `ApprovalRule`. Raises SettingsError.
    """
    try:
        return rule_from_json({name: list(said) if isinstance(said, tuple) else said for name, said in rule.items()})
    except InvalidRuleError as error:
        word, _, fault = str(error).partition(": ")
        raise SettingsError(f"ask({word}=)", fault, "correct it, or leave it out") from None


def deny_if(condition: str, *, because: str, observe: bool = False) -> When:
    """Return: a call for which `condition` holds, or cannot be decided, is refused; its caller reads `because`."""
    return _when("deny", condition, because=because, observe=observe)


def require(condition: str, *, because: str, observe: bool = False) -> When:
    """Return: a call for which `condition` does not hold, or cannot be decided, is refused; its caller reads `because`."""
    return _when("require", condition, because=because, observe=observe)


def step_up_if(condition: str, *, because: str, approval: ApprovalRule | None = None, observe: bool = False) -> When:
    """Return: a call for which `condition` holds, or cannot be decided, waits for a person's yes."""
    return _when("step_up", condition, because=because, observe=observe, approval=approval)


def _when(effect: Effect, condition: str, **said: Any) -> When:
    return _rules(
        f"{effect}_if()" if effect != "require" else "require()", {"when": [{effect: condition, **said}]}
    ).when[0]


def _rules(where: str, value: Mapping[str, Any]) -> Rules:
    try:
        return parse_rules(value, where)
    except InvalidRulesError as error:
        raise SettingsError(f"{where} {error.member}".strip(), error.fault, error.cure) from None


def _policy(
    tool_class: ToolClass,
    scopes: Collection[str],
    *,
    acr: str | Collection[str] = (),
    approval: ApprovalRule | bool | None = None,
    waive: Mapping[str, str] | None = None,
    **words: Any,
) -> ToolPolicy:
    where = f"{tool_class}()"
    named = scope_names(where, scopes)
    for scope in named:
        if scope.startswith(TOOL_SCOPE_PREFIX):
            raise SettingsError(where, f"{scope!r} is added by the guard itself", "name only the author's scopes")
    for word in words:
        if word not in Words.__annotations__:
            raise TypeError(f"{where} knows no {word}=")
    said: dict[str, Any] = {"class": tool_class, "scopes": sorted(named)}
    said["acr"] = [acr] if isinstance(acr, str) else _listed(acr)
    said["approval"] = approval if isinstance(approval, bool | ApprovalRule) else None
    for word, given in words.items():
        said[word] = _listed(given)
    return ToolPolicy(rules=_rules(where, said), approval=approval, waived=_waived(where, waive))


def _waived(where: str, waive: Any) -> tuple[tuple[str, str], ...]:
    if waive is None:
        return ()
    if not isinstance(waive, Mapping) or not all(
        isinstance(rule, str) and isinstance(reason, str) and reason.strip() for rule, reason in waive.items()
    ):
        raise SettingsError(
            f"{where} waive", "says no reason", "write waive={'open-url': 'stored as text, nobody fetches it'}"
        )
    return tuple(sorted(waive.items()))


def _listed(given: Any) -> Any:
    """Return a set or another collection as the list that JSON has; a text stays one, so that it is refused."""
    return given if isinstance(given, str | Mapping | int | None) or not isinstance(given, Collection) else list(given)


def tool_demands(tools: Mapping[str, ToolPolicy]) -> dict[str, Demand]:
    """Return what each tool needs. Raises SettingsError for a policy that cannot be kept, naming the cure."""
    return {name: demand_of(name, (rules,)) for name, rules in rules_of(tools).items()}


def rules_of(tools: Mapping[str, ToolPolicy]) -> dict[str, Rules]:
    """Return what the author demands of each tool. Raises SettingsError likewise."""
    if not isinstance(tools, Mapping) or not tools:
        raise SettingsError(
            "tools", "a guard without a policy would refuse every call", "write tools={'name': read('scope')}"
        )
    return {name: _kept(name, policy) for name, policy in tools.items()}


def _kept(name: str, policy: ToolPolicy) -> Rules:
    where = f"tools[{name!r}]"
    if not is_tool_name(name):
        raise SettingsError(where, "is no tool name", "use 1 to 122 of A-Z a-z 0-9 _ - . /")
    if not isinstance(policy, ToolPolicy):
        raise SettingsError(where, "is no policy", "write read(…), write(…) or destructive(…)")
    _refuse_what_is_not_enforced(where, policy)
    refuse_open_read(where, policy.rules)
    return policy.rules


def is_tool_name(name: Any) -> bool:
    """Tell whether a tool may be called that."""
    return isinstance(name, str) and _TOOL_NAME.fullmatch(name) is not None


def refuse_open_read(where: str, rules: Rules) -> None:
    """Raise SettingsError for a read tool that any token could use."""
    if rules.tool_class == "read" and not rules.scopes:
        raise SettingsError(
            where, "read() names no scope, so every token would do", "name one, as in read('orders:read')"
        )


def _refuse_what_is_not_enforced(where: str, policy: ToolPolicy) -> None:
    if policy.approval is not None and not isinstance(policy.approval, bool | ApprovalRule):
        raise SettingsError(where, "approval= is no rule", "write approval=True, False, or approval=ask(…)")


_OF_METHODS: Final = frozenset({"tool_class", "scopes", "roles", "acr", "max_age", "returns"})
"""What can be demanded of a method that is no tool call."""


def method_demands(methods: Mapping[str, ToolPolicy | Collection[str]] | None) -> dict[str, Demand]:
    """Return what each named method needs. A value is `read(…)` or a list of scopes; an empty list: any valid token."""
    return {name: _method_demand(name, value) for name, value in (methods or {}).items()}


def _method_demand(name: str, value: ToolPolicy | Collection[str]) -> Demand:
    where = f"methods[{name!r}]"
    if not isinstance(name, str) or not _METHOD.fullmatch(name) or name in ADMITTED_BY_ITSELF:
        raise SettingsError(where, "cannot be given a policy here", "name a method such as 'resources/read'")
    if not isinstance(value, ToolPolicy):
        return Demand(subject=name, tool_class="read", scopes=scope_names(where, value), is_tool=False)
    _refuse_what_is_not_enforced(where, value)
    if value.tool_class != "read":
        raise SettingsError(where, "only tools are write or destructive", "write read(…)")
    rules = value.rules
    for word in Rules.__dataclass_fields__:
        if word not in _OF_METHODS and getattr(rules, word) != getattr(Rules(), word):
            raise SettingsError(where, f"{word}= is for tools", "give scopes, roles, acr, max_age and returns alone")
    if not rules.returns <= {"outside"}:
        raise SettingsError(where, "only tools return personal data or secrets by name", "write returns=['outside']")
    return Demand(
        subject=name,
        tool_class="read",
        scopes=rules.scopes,
        roles=rules.roles,
        acr=rules.acr,
        max_age=rules.max_age,
        returns=rules.returns,
        is_tool=False,
    )


def from_annotations(
    tools: Collection[Any],
    *,
    read: ToolPolicy,
    write: ToolPolicy | None = None,
    destructive: ToolPolicy | None = None,
) -> dict[str, ToolPolicy]:
    """Return a policy for each of the author's own tools by its MCP annotations.

    `tools` are MCP tool objects or their JSON. `readOnlyHint: true` means `read`; `destructiveHint: false` means
    `write`; anything else, an unannotated tool too, means `destructive`. A tool whose class has no policy here stops
    the start: it would be unreachable without anybody having said so.
    """
    chosen: dict[str, ToolPolicy] = {}
    for tool in tools:
        name = _member(tool, "name", "name")
        annotations = _member(tool, "annotations", "annotations")
        policy: ToolPolicy | None
        if _member(annotations, "readOnlyHint", "read_only_hint") is True:
            policy, word = read, "read"
        elif _member(annotations, "destructiveHint", "destructive_hint") is False:
            policy, word = write, "write"
        else:
            policy, word = destructive, "destructive"
        if policy is None:
            raise SettingsError(
                f"from_annotations({word}=)",
                f"tool {name!r} counts as {word} and no policy is given for that",
                f"give {word}=, or annotate the tool",
            )
        chosen[str(name)] = policy
    return chosen


def _member(value: Any, json_name: str, python_name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(json_name)
    # Only one of the two is asked for: the SDK warns whoever reads a hint by its old name.
    return getattr(value, python_name) if hasattr(value, python_name) else getattr(value, json_name, None)
