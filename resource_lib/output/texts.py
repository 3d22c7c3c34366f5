"""
Every text of a JSON value, wherever it stands: members' names as well.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Change = Callable[[str], str]

PROTOCOLS_OWN: Final = frozenset(
    {"content", "type", "text", "image", "audio", "resource", "resource_link", "structuredContent", "isError", "_meta"}
    | {"resultType", "complete", "contents", "messages", "role", "assistant", "user", "mimeType", "data", "uri", "name"}
    | {
        "annotations",
        "audience",
        "priority",
        "lastModified",
        "title",
        "description",
        "size",
        "blob",
        "progress",
        "total",
    }
    | {"message", "level", "logger", "code"}
    # In the `_meta` of every answer of 2026-07-28: words of ours to look for are in them, and nobody's words are.
    | {
        f"io.modelcontextprotocol/{name}"
        for name in ("serverInfo", "protocolVersion", "subscriptionId", "related-task")
    }
)
"""Words that the protocol itself says in every answer: nobody's, so nobody looks at them."""


_SAYS_A_WORD: Final = frozenset({"type", "role", "resultType", "audience", "level", "mimeType", "status", "origin"})
"""Members under which the protocol says such a word."""


def with_every_text(value: Any, change: Change, name: str = "") -> Any:
    """Return `value`, which stands under `name`, with each of its texts changed: also what is one of the protocol's words, where it says none.

    The very same object where no text does. What a secret is may be a word like any other.
    """
    kind = type(value)
    if kind is str:
        if name in _SAYS_A_WORD and value in PROTOCOLS_OWN:
            return value
        other = change(value)
        return value if other == value else other
    if kind is dict:
        return _members(value, change, every=True)
    if kind is list:
        found = [with_every_text(entry, change, name) for entry in value]
        return value if all(new is old for new, old in zip(found, value, strict=True)) else found
    return value


def with_texts(value: Any, change: Change) -> Any:
    """Return `value` with each of its texts changed; the very same object where no text does."""
    kind = type(value)
    if kind is str:
        if value in PROTOCOLS_OWN:
            return value
        other = change(value)
        return value if other == value else other
    if kind is dict:
        return _members(value, change)
    if kind is list:
        for at, entry in enumerate(value):
            other = with_texts(entry, change)
            if other is not entry:
                return [*value[:at], other, *(with_texts(each, change) for each in value[at + 1 :])]
    return value


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, members' names among them."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is str:
            yield one
        elif type(one) is dict:
            waiting += [*one, *one.values()]
        elif type(one) is list:
            waiting += one


def _members(value: dict[str, Any], change: Change, *, every: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    is_changed = False
    for name, member in value.items():
        other_name = with_texts(name, change)
        other = with_every_text(member, change, name) if every else with_texts(member, change)
        is_changed = is_changed or other_name is not name or other is not member
        found[free_name(other_name, found, numbers)] = other
    return found if is_changed else value


def free_name(name: str, taken: Mapping[str, Any], numbers: dict[str, int] | None = None) -> str:
    """Return a name that no other member has: two that became alike are both kept. `numbers`: how far each name was counted."""
    if name not in taken:
        return name
    number = len(taken) if numbers is None else numbers.get(name, 1) + 1
    while f"{name} ({number})" in taken:
        number += 1
    if numbers is not None:
        numbers[name] = number
    return f"{name} ({number})"
