"""
The texts of an answer that somebody may have written: all but those that can only be what the output schema says.
"""

from collections.abc import Mapping
from typing import Any, Final

from resource_lib.output.conforming import is_held_to_schema
from resource_lib.output.declared import shape_for
from resource_lib.output.leaving import Leaving
from resource_lib.output.mirrors import STRUCTURE
from resource_lib.output.shape import FREE, Shape
from resource_lib.output.texts import Change, with_texts

ECHOED: Final = frozenset({"requestState", "progressToken"})
"""What a client must get, or gave, byte for byte: the protocol's own handles."""


def with_free_texts(result: Mapping[str, Any], leaving: Leaving, change: Change) -> Mapping[str, Any]:
    """Return `result` with each of these texts changed; the very same object where no text does. Raises WithheldError."""
    changed: dict[str, Any] | None = None
    for name, member in result.items():
        if name in ECHOED and type(member) is not dict and type(member) is not list:
            continue
        if name == STRUCTURE and leaving.is_tool_result and is_held_to_schema(result, leaving):
            other = _changed(member, shape_for(leaving), change)
        else:
            other = with_texts(member, change)
        if other is not member:
            changed = dict(result) if changed is None else changed
            changed[name] = other
    return result if changed is None else changed


def _changed(value: Any, shape: Shape, change: Change) -> Any:
    kind = type(value)
    if kind is str:
        return value if shape.is_typed and shape.has_form(value) else with_texts(value, change)
    if kind is dict:
        members = shape.members
        changed: dict[str, Any] | None = None
        for name, member in value.items():
            of_it = members.get(name)
            of = type(member)
            if of_it is None:
                return _with_strangers(value, shape, change)
            if of is str:
                if of_it.is_fixed or (of_it.is_typed and of_it.has_form(member)):
                    continue
                other = with_texts(member, change)
            elif of is dict or of is list:
                other = _changed(member, of_it, change)
            else:
                continue
            if other is not member:
                changed = dict(value) if changed is None else changed
                changed[name] = other
        return value if changed is None else changed
    if kind is list:
        changed_list: list[Any] | None = None
        for at, entry in enumerate(value):
            other = _changed(entry, shape.entry(at), change)
            if other is not entry:
                changed_list = list(value) if changed_list is None else changed_list
                changed_list[at] = other
        return value if changed_list is None else changed_list
    return value


def _with_strangers(value: dict[str, Any], shape: Shape, change: Change) -> dict[str, Any]:
    """The same where members are there whose names no schema says: a name may be somebody's words as well."""
    found: dict[str, Any] = {}
    is_changed = False
    for name, member in value.items():
        other_name = name if name in shape.members else with_texts(name, change)
        other = _changed(member, shape.member(name) or FREE, change)
        if other_name is not name and other_name in value:
            other_name = f"{other_name} ({len(found)})"
        is_changed = is_changed or other_name is not name or other is not member
        found[other_name] = other
    return found if is_changed else value
