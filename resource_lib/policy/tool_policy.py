"""
What one tool demands of its caller, as plain data.

A tool is `read`, `write` or `destructive`. A write or destructive tool demands its own scope `tool:<name>` besides its
author's scopes, so that writing is opted into tool by tool. A word that this version does not enforce is refused when
the guard is made, never ignored.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

from resource_lib.settings import SettingsError, scope_names
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX

ToolClass = Literal["read", "write", "destructive"]

_TOOL_NAME = re.compile(r"[A-Za-z0-9_./-]{1,122}")
"""MCP "Tool names" (1-128 of these characters); 122, so that `tool:<name>` is a scope of at most 128."""

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_$.-]*(?:/[A-Za-z0-9_$.-]+)*")

ADMITTED_BY_ITSELF: Final = frozenset({"tools/call", "tools/list"})
"""Methods with rules of their own, which a method policy cannot loosen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolPolicy:
    """One tool's demands. Make it with `read`, `write` or `destructive`."""

    tool_class: ToolClass
    scopes: frozenset[str]
    """The author's scopes; all are needed."""
    roles: frozenset[str] = frozenset()
    """Any one of these roles is needed; empty: no role is."""
    acr: tuple[str, ...] = ()
    """The login strengths that are strong enough, best first; empty: any login is."""
    max_age: int | None = None
    """How many seconds ago the person may have logged in at most; None: whenever."""
    approval: ApprovalRule | bool | None = None
    """Whose yes each call takes. None: what the class says, which is a yes for a destructive tool; False: nobody's."""
    limit: object = None
    """A budget of calls. Not enforced by this version, so refused when the guard is made."""


def read(
    *scopes: str,
    roles: Collection[str] = (),
    acr: str | Collection[str] = (),
    max_age: int | None = None,
    approval: ApprovalRule | bool | None = None,
    limit: object = None,
) -> ToolPolicy:
    """Return the policy of a tool that changes nothing. Needs `scopes` and any of `roles`."""
    return _policy("read", scopes, roles=roles, acr=acr, max_age=max_age, approval=approval, limit=limit)


def write(
    *scopes: str,
    roles: Collection[str] = (),
    acr: str | Collection[str] = (),
    max_age: int | None = None,
    approval: ApprovalRule | bool | None = None,
    limit: object = None,
) -> ToolPolicy:
    """Return the policy of a tool that changes something. Needs `scopes`, `tool:<name>` and any of `roles`."""
    return _policy("write", scopes, roles=roles, acr=acr, max_age=max_age, approval=approval, limit=limit)


def destructive(
    *scopes: str,
    roles: Collection[str] = (),
    acr: str | Collection[str] = (),
    max_age: int | None = None,
    approval: ApprovalRule | bool | None = None,
    limit: object = None,
) -> ToolPolicy:
    """Return the policy of a tool whose effect cannot be taken back; a person approves each call unless `approval=False`."""
    return _policy("destructive", scopes, roles=roles, acr=acr, max_age=max_age, approval=approval, limit=limit)


def _policy(
    tool_class: ToolClass,
    scopes: Collection[str],
    *,
    roles: Collection[str],
    acr: str | Collection[str],
    max_age: int | None,
    approval: ApprovalRule | bool | None,
    limit: object,
) -> ToolPolicy:
    named = scope_names(f"{tool_class}()", scopes)
    for scope in named:
        if scope.startswith(TOOL_SCOPE_PREFIX):
            raise SettingsError(
                f"{tool_class}()", f"{scope!r} is added by the guard itself", "name only the author's scopes"
            )
    if isinstance(roles, str) or not all(isinstance(role, str) and role for role in roles):
        raise SettingsError(f"{tool_class}(roles=)", "must be a list of role names", "write roles=['support']")
    levels = (acr,) if isinstance(acr, str) else tuple(acr)
    if not all(isinstance(level, str) and re.fullmatch(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}", level) for level in levels):
        raise SettingsError(
            f"{tool_class}(acr=)", "must be login strengths without spaces or quotes", "write acr=['…']"
        )
    if max_age is not None and (isinstance(max_age, bool) or not isinstance(max_age, int) or max_age < 1):
        raise SettingsError(f"{tool_class}(max_age=)", "must be a number of seconds above 0", "write max_age=300")
    return ToolPolicy(
        tool_class=tool_class,
        scopes=named,
        roles=frozenset(roles),
        acr=levels,
        max_age=max_age,
        approval=approval,
        limit=limit,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What one operation needs, worked out once when the guard is made."""

    subject: str
    """The tool's name, or the method."""
    tool_class: ToolClass
    scopes: frozenset[str]
    """Everything needed: the author's scopes, and `tool:<name>` for a write."""
    any_scope: bool = False
    """One of `scopes` is enough: for catalogues, which say what there is and not what is in it."""
    closed: bool = False
    """Nothing opens it: nobody said what it needs, and there is no read scope to stand in."""
    roles: frozenset[str] = frozenset()
    acr: tuple[str, ...] = ()
    max_age: int | None = None
    is_tool: bool = True
    approval: ApprovalRule | None = None
    """Whose yes each call takes; None: nobody's."""
    policy_version: str = ""
    """Names these demands: a yes that was given under others does not count."""


def tool_demands(tools: Mapping[str, ToolPolicy]) -> dict[str, Demand]:
    """Return what each tool needs. Raises SettingsError for a policy that cannot be kept, naming the cure."""
    if not isinstance(tools, Mapping) or not tools:
        raise SettingsError(
            "tools", "a guard without a policy would refuse every call", "write tools={'name': read('scope')}"
        )
    return {name: _demand(name, policy) for name, policy in tools.items()}


def _demand(name: str, policy: ToolPolicy) -> Demand:
    where = f"tools[{name!r}]"
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise SettingsError(where, "is no tool name", "use 1 to 122 of A-Z a-z 0-9 _ - . /")
    if not isinstance(policy, ToolPolicy):
        raise SettingsError(where, "is no policy", "write read(…), write(…) or destructive(…)")
    _refuse_what_is_not_enforced(where, policy)
    if policy.tool_class == "read" and not policy.scopes:
        raise SettingsError(
            where, "read() names no scope, so every token would do", "name one, as in read('orders:read')"
        )
    own = frozenset() if policy.tool_class == "read" else frozenset({TOOL_SCOPE_PREFIX + name})
    return Demand(
        subject=name,
        tool_class=policy.tool_class,
        scopes=policy.scopes | own,
        roles=policy.roles,
        acr=policy.acr,
        max_age=policy.max_age,
        approval=_rule(policy),
        policy_version=_version(policy),
    )


def _rule(policy: ToolPolicy) -> ApprovalRule | None:
    """Return whose yes it takes: the author's word, else a yes for what cannot be taken back."""
    if isinstance(policy.approval, ApprovalRule):
        return policy.approval
    if policy.approval is True or (policy.approval is None and policy.tool_class == "destructive"):
        return ApprovalRule()
    return None


def _version(policy: ToolPolicy) -> str:
    rule = _rule(policy)
    said = {
        "class": policy.tool_class,
        "scopes": sorted(policy.scopes),
        "roles": sorted(policy.roles),
        "acr": list(policy.acr),
        "max_age": policy.max_age,
        "approval": None if rule is None else rule.to_json(),
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _refuse_what_is_not_enforced(where: str, policy: ToolPolicy) -> None:
    if policy.limit is not None:
        raise SettingsError(where, "limits are not enforced by this version", "leave limit= out")
    if policy.approval is not None and not isinstance(policy.approval, bool | ApprovalRule):
        raise SettingsError(where, "approval= is no rule", "write approval=True, False, or approval=ApprovalRule(…)")


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
    return Demand(
        subject=name,
        tool_class="read",
        scopes=value.scopes,
        roles=value.roles,
        acr=value.acr,
        max_age=value.max_age,
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
