"""
Text that says `structuredContent` once more, as SDKs write it for older clients: set aside while the steps look, then written anew.

What is cleaned in one of the two must be clean in the other, and is looked through once. A text is such a mirror when it is the JSON
of the whole structure, of a part of it, or the very text that stands in it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from resource_lib.wire import strict_json

MOST_DEPTH: Final = 64
STRUCTURE: Final = "structuredContent"

Path = tuple[str | int, ...]
_NOWHERE: Final = object()


class Mirror(str):  # noqa: SLOT000 - a str has no room for slots
    """Stands for such a text: empty to whoever looks at it."""

    path: Path
    """Where in `structuredContent` what it says stands."""
    said: str
    """The text as the server wrote it."""


def set_aside(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tool's result with a Mirror for each text of `content` that mirrors its structure; the same where none does."""
    content, structure = result.get("content"), result.get(STRUCTURE)
    if type(content) is not list or type(structure) is not dict:
        return result
    blocks: list[Any] | None = None
    for at, block in enumerate(content):
        if type(block) is not dict or block.get("type") != "text" or type(block.get("text")) is not str:
            continue
        path = _path_of(block["text"], structure)
        if path is None:
            continue
        mirror = Mirror()
        mirror.path, mirror.said = path, block["text"]
        if blocks is None:
            blocks = list(content)
        blocks[at] = {**block, "text": mirror}
    return result if blocks is None else {**result, "content": blocks}


def put_back(result: Mapping[str, Any], structure_before: Any) -> Mapping[str, Any]:
    """Return `result` with the text that each Mirror stands for: as it was where the structure is unchanged, else of what it is now."""
    content = result.get("content")
    if type(content) is not list:
        return result
    structure = result.get(STRUCTURE)
    blocks = []
    for block in content:
        text = block.get("text") if type(block) is dict else None
        if not isinstance(text, Mirror):
            blocks.append(block)
            continue
        if structure is structure_before:
            blocks.append({**block, "text": text.said})
            continue
        value = _at(structure, text.path)
        if value is not _NOWHERE:
            blocks.append({**block, "text": _written(value, like=text.said)})
    return {**result, "content": blocks}


def json_of(text: str) -> Any:
    """Return the object, list or text that `text` is in JSON; None: it is none of these, or has two readings."""
    if text.lstrip(" \t\r\n")[:1] not in ("{", "[", '"'):
        return None
    try:
        return strict_json.loads_message(text.encode("utf-8", "surrogatepass"), most_depth=MOST_DEPTH)
    except ValueError:
        return None


def _path_of(text: str, structure: dict[str, Any]) -> Path | None:
    wrapped = structure.get("result") if len(structure) == 1 else None
    if wrapped is not None:
        if type(wrapped) is not str and type(wrapped) is not dict and type(wrapped) is not list:
            return ("result",) if text == _written(wrapped, like="") else None
        if text == wrapped:
            return ("result",)
        if type(wrapped) is list:
            for at, entry in enumerate(wrapped):
                if entry == text:
                    return "result", at
    if is_plainly(text, structure):
        return ()
    said = json_of(text)
    if said is None:
        return None
    if said == structure:
        return ()
    if not said or type(said) is str:
        return None
    return next((path for path, part in _parts(structure, ()) if part == said), None)


def is_plainly(text: str, structure: dict[str, Any]) -> bool:
    """Tell whether a text is the structure in one of the forms in which programs write JSON: cheaper than to read it."""
    if text[:1] != "{":
        return False
    if text[1:2] == "\n":
        return strict_json.written(structure, indented=True) == text
    if '": ' in text[:200]:
        form = _SPACED if text.isascii() else _SPACED_IN_LETTERS
    elif not text.isascii() or "\\u" not in text:
        return strict_json.written(structure) == text
    else:
        form = _CLOSE
    try:
        return text == form.encode(structure)
    except (ValueError, RecursionError):
        return False


_SPACED: Final = json.JSONEncoder()
_SPACED_IN_LETTERS: Final = json.JSONEncoder(ensure_ascii=False)
_CLOSE: Final = json.JSONEncoder(separators=(",", ":"))


def _parts(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if type(value) is dict:
        for name, member in value.items():
            if type(member) is dict or type(member) is list:
                yield (*path, name), member
                yield from _parts(member, (*path, name))
    elif type(value) is list:
        for at, entry in enumerate(value):
            if type(entry) is dict or type(entry) is list:
                yield (*path, at), entry
                yield from _parts(entry, (*path, at))


def _at(structure: Any, path: Path) -> Any:
    step: Any
    for step in path:
        if type(structure) is not dict and type(structure) is not list:
            return _NOWHERE
        try:
            structure = structure[step]
        except (LookupError, TypeError):
            return _NOWHERE
    return _NOWHERE if structure is None and not path else structure


def _written(value: Any, *, like: str) -> str:
    if type(value) is str:
        return json.dumps(value, ensure_ascii=False) if like[:1] == '"' and json_of(like) is not None else value
    return json.dumps(value, ensure_ascii=False, indent=2 if "\n" in like else None)
