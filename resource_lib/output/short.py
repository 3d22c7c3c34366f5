"""
Nothing longer leaves than a model can make use of: 10,000 characters, JSON that stays JSON, and a word that says so. C32.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from resource_lib.output.cutting import MARK, cut, shortened
from resource_lib.output.leaving import Leaving
from resource_lib.output.texts import with_texts

_LISTS: Final = ("content", "contents", "messages")
_CONTENT: Final = frozenset({"structuredContent", "requestState", "tools", "inputRequests", "task", *_LISTS})
"""Members that are shortened by their own rules, or are the protocol's own."""
_OF_BLOCKS: Final = frozenset(
    {"type", "text", "data", "blob", "mimeType", "uri", "resource", "role", "content", "name"}
)
_A_WORD: Final = 100
_UNKNOWN: Final = 10**9


def short(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what leaves of a result, an error, or what a server says meanwhile, of at most so many characters."""
    most, whole = leaving.settings.most_characters, value
    if leaving.size is not None and leaving.size <= most:
        return value
    if leaving.part == "result":
        value = without_bulk(value, most)
        found = shortened(value, most, None if leaving.definition is None else leaving.definition.output_schema)
    else:
        found = with_texts(value, lambda text: text if len(text) <= most else f"{cut(text, most - len(MARK))}{MARK}")
    if found is not whole:
        leaving.note("truncated")
    return found


def without_bulk(result: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """Return a result without what stands beside its content and is longer than that may be; the same where it is not."""
    kept = {name: member for name, member in result.items() if name in _CONTENT}
    beside = {name: member for name, member in result.items() if name not in _CONTENT}
    found = result if _size(beside) <= most else {**_marks(beside), **kept}
    for name in _LISTS:
        listed = found.get(name)
        if type(listed) is not list:
            continue
        about = [
            {key: member for key, member in block.items() if key not in _OF_BLOCKS} if type(block) is dict else None
            for block in listed
        ]
        if _size(about) > most:
            found = {**found, name: [_only_content(block) for block in listed]}
    return found


def _only_content(block: Any) -> Any:
    return {key: member for key, member in block.items() if key in _OF_BLOCKS} if type(block) is dict else block


def _marks(beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the protocol itself says beside the content, as far as it is no text."""
    return {
        name: beside[name] for name in ("isError", "resultType") if name in beside and _size(beside[name]) < _A_WORD
    }


def _size(value: Any) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return _UNKNOWN
