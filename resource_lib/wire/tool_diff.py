"""
What is different between two definitions of a tool, field by field, so that a person can read all of it.

Nothing is shortened: whoever wants to slip something past a reader would put it where the shortening begins. What cannot be seen (hidden
and reordering characters, escapes, line breaks) is written as its code. The standard library only.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MEMBERS: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "version")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field. `before` or `after` is None where it is not there; both are as they can be shown."""

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        if self.before is None:
            return f"+ {self.field}: {self.after}"
        if self.after is None:
            return f"- {self.field}: {self.before}"
        return f"~ {self.field}: {self.before}  ->  {self.after}"


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Difference, ...]:
    """Return what is different, in the order of a definition; None: there is no such tool. Nothing: they are the same."""
    old, new = dict(_fields(before)), dict(_fields(after))
    fields = [*new, *(field for field in old if field not in new)]
    found = [Difference(field, old.get(field), new.get(field)) for field in fields if old.get(field) != new.get(field)]
    return tuple(sorted(found, key=lambda one: _MEMBERS.index(one.field.partition(".")[0])))


def takes_and_gives_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two tools have the same schemas, so that one could be the other under a new name."""
    return all(_same(one.get(member), other.get(member)) for member in ("inputSchema", "outputSchema"))


def visible(text: str) -> str:
    """Return text in which everything can be seen: what is not printable stands there as its code."""
    return "".join(sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}" for sign in text)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _fields(tool: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    for member in _MEMBERS if tool is not None else ():
        assert tool is not None
        if tool.get(member) is not None:
            yield from _leaves(member, tool[member])


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield each value that holds no other, by its path. Depth is bounded by whoever read it."""
    if isinstance(value, dict) and value:
        for name in sorted(value):
            yield from _leaves(f"{path}.{_segment(name)}", value[name])
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for place, one in enumerate(value):
            yield from _leaves(f"{path}[{place}]", one)
    else:
        yield path, visible(json.dumps(value, ensure_ascii=False))


def _segment(name: str) -> str:
    return (
        name
        if name.replace("_", "").replace("-", "").replace("$", "").isalnum() and name.isascii()
        else visible(json.dumps(name, ensure_ascii=False))
    )
