"""
The lock file of a server's tools: what each is, whole, with the hash, the class and the scopes; and how another list differs from it.

C54. It stands beside the code and changes by a commit that somebody reads, before a deployment; what the authorization server keeps
(`authserver tool review`) is looked at after it. The hash is the one that approvals are bound to, recomputed when the file is read.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from resource_lib.policy.demand import Demand
from resource_lib.wire.strict_json import loads_object
from resource_lib.wire.tool_call import InexpressibleError, definition_hash
from resource_lib.wire.tool_diff import Difference, differences, takes_and_gives_the_same, visible

FORM: Final = 1
"""Of the file; another number is another form."""
MOST_BYTES: Final = 16 * 1024 * 1024
_MEMBERS: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "version")

How = Literal["new", "changed", "renamed", "removed"]


class LockError(Exception):
    """A lock file or a list of tools that nobody could compare. `str()` says why, and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """One tool as it stands in the file. `tool_class` is empty where no policy names the tool."""

    name: str
    hash: str
    tool_class: str
    scopes: tuple[str, ...]
    definition: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it as the file says it."""
        return {
            "hash": self.hash,
            "class": self.tool_class,
            "scopes": list(self.scopes),
            "definition": dict(self.definition),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One tool that is another than in the file."""

    tool: str
    how: How
    was: str
    """Of a renamed one its name before."""
    differences: tuple[Difference, ...]

    def lines(self) -> list[str]:
        """Say it to a person, field by field."""
        head = f"{visible(self.tool)}: {self.how}" + (f", was {visible(self.was)}" if self.was else "")
        said = [head]
        for one in self.differences:
            said += [f"  - {one.field}: {one.before}"] * (one.before is not None)
            said += [f"  + {one.field}: {one.after}"] * (one.after is not None)
        return said

    def to_json(self) -> dict[str, Any]:
        """Return it for a program."""
        return {
            "tool": self.tool,
            "how": self.how,
            "was": self.was,
            "differences": [{"field": one.field, "before": one.before, "after": one.after} for one in self.differences],
        }


def locked(tools: Iterable[Mapping[str, Any]], demands: Mapping[str, Demand]) -> dict[str, Locked]:
    """Return tools as they would stand in a file, by name; `demands` is the policy. Raises LockError."""
    found: dict[str, Locked] = {}
    for tool in tools:
        name = tool["name"]
        if name in found:
            raise LockError(f"{visible(name)} is listed twice, so nobody could say which one runs")
        definition = {member: tool[member] for member in _MEMBERS if tool.get(member) is not None}
        demand = demands.get(name)
        found[name] = Locked(
            name=name,
            hash=_hash(name, definition),
            tool_class=demand.tool_class if demand is not None else "",
            scopes=tuple(sorted(demand.scopes)) if demand is not None else (),
            definition=definition,
        )
    return dict(sorted(found.items()))


def text_of(tools: Mapping[str, Locked]) -> str:
    """Return the file: sorted, one member a line, so that a commit shows what changed."""
    said = {"lock": FORM, "tools": {name: one.to_json() for name, one in sorted(tools.items())}}
    return json.dumps(said, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def read_lock(path: Path) -> dict[str, Locked]:
    """Return what a file says. Raises LockError for one that is not there, not in this form, or edited by hand."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise LockError(f"{path}: cannot be read ({error.strerror}). Cure: make it with --write") from None
    try:
        if len(raw) > MOST_BYTES:
            raise ValueError
        said = loads_object(raw, most_depth=64)
        tools = said["tools"]
        if said.get("lock") != FORM or not isinstance(tools, dict):
            raise ValueError
        return {name: _read(path, name, one) for name, one in sorted(tools.items())}
    except (ValueError, KeyError, TypeError):
        raise LockError(f"{path}: is no lock file of this form. Cure: make it anew with --write, and read it") from None


def changes(before: Mapping[str, Locked], now: Mapping[str, Locked]) -> list[Change]:
    """Return what is different, by name."""
    gone = {name: one for name, one in before.items() if name not in now}
    found = []
    for name, one in now.items():
        old, was = before.get(name), ""
        if old is None:
            was = next(
                (other for other, it in gone.items() if takes_and_gives_the_same(it.definition, one.definition)), ""
            )
            old = gone.pop(was, None)
        if old is not None and old.to_json() == one.to_json():
            continue
        how: How = "renamed" if was else "changed" if old is not None else "new"
        found.append(Change(tool=name, how=how, was=was, differences=_differences(old, one)))
    found += [Change(tool=name, how="removed", was="", differences=()) for name in gone]
    return sorted(found, key=lambda change: change.tool)


def _differences(old: Locked | None, new: Locked) -> tuple[Difference, ...]:
    before = {} if old is None else {"class": old.tool_class, "scopes": " ".join(old.scopes)}
    now = {"class": new.tool_class, "scopes": " ".join(new.scopes)}
    ours = [Difference(field, before.get(field), now[field]) for field in now if before.get(field) != now[field]]
    return (*ours, *differences(None if old is None else old.definition, new.definition))


def _read(path: Path, name: str, said: Any) -> Locked:
    scopes, definition = said["scopes"], said["definition"]
    if not isinstance(definition, dict) or not isinstance(scopes, list) or definition.get("name") != name:
        raise ValueError
    if said["hash"] != _hash(name, definition):
        raise LockError(
            f"{path}: the hash of {visible(name)} is not of its definition. Cure: make it anew with --write"
        )
    return Locked(
        name=name,
        hash=said["hash"],
        tool_class=str(said["class"]),
        scopes=tuple(str(scope) for scope in scopes),
        definition=definition,
    )


def _hash(name: str, definition: Mapping[str, Any]) -> str:
    try:
        return definition_hash(definition)
    except InexpressibleError as error:
        raise LockError(f"{visible(name)} cannot be hashed: {error}") from None
