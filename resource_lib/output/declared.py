"""
No more leaves than was declared: members that the output schema does not name are dropped.

At every level where the schema says which members there are. C35, C36.
"""

from collections.abc import Mapping
from typing import Any

from resource_lib.output.leaving import Leaving, WithheldError
from resource_lib.output.shape import FREE, Shape, UnreadableSchemaError, shape_of


def declared(result: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return a tool's result whose structure has only declared members. Raises WithheldError for a schema nobody can follow."""
    structure = result.get("structuredContent")
    if not leaving.is_tool_result or structure is None:
        return result
    shape = shape_for(leaving)
    if shape is FREE:
        return result
    kept, dropped = _kept(structure, shape)
    if not dropped:
        return result
    leaving.note("member", dropped)
    return {**result, "structuredContent": kept}


def shape_for(leaving: Leaving) -> Shape:
    """Return the shape of what leaves. Raises WithheldError where nobody can say it."""
    try:
        return shape_of(leaving.definition)
    except UnreadableSchemaError:
        raise WithheldError(
            "the output schema cannot be followed",
            message=f"{leaving.tool} has run, and its answer is withheld: the tool says of it what nobody can read. "
            "Do not call it again for that; tell whoever runs this server.",
        ) from None


def _kept(value: Any, shape: Shape) -> tuple[Any, int]:
    """Return what is declared of `value`, the same object where all of it is, and how many members were dropped."""
    dropped = 0
    changed: Any = None
    if type(value) is dict:
        members = shape.members
        for name, member in value.items():
            of_it = members.get(name) or shape.member(name)
            if of_it is None:
                dropped += 1
                changed = dict(value) if changed is None else changed
                del changed[name]
            elif type(member) is dict or type(member) is list:
                other, fewer = _kept(member, of_it)
                if fewer:
                    dropped += fewer
                    changed = dict(value) if changed is None else changed
                    changed[name] = other
    elif type(value) is list:
        for at, entry in enumerate(value):
            if type(entry) is dict or type(entry) is list:
                other, fewer = _kept(entry, shape.entry(at))
                if fewer:
                    dropped += fewer
                    changed = list(value) if changed is None else changed
                    changed[at] = other
    return (value if changed is None else changed), dropped
