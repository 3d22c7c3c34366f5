"""
Files inside an answer: base64 in `blob`, and in `data` of an image or a sound.

What is text in UTF-8 is looked through as text, whatever its media type says. Everything else nobody looks into: it passes as it is,
or, where media are refused or it is said to be text, a sentence stands in its place.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from resource_lib.output.detectors import redacted
from resource_lib.output.files import Binary, InPlain, is_media, member_of, opened
from resource_lib.output.leaving import Leaving
from resource_lib.output.mirrors import STRUCTURE

_REFUSED: Final = "[file withheld: this server lets no such file leave]"
_LONGEST_KEY: Final = 1024


def set_aside(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return `value` with each file as its text, or as a Binary; the same object where there is none."""
    return _outside_structure(value, leaving, lambda part: _set_aside(part, leaving))


def put_back(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return `value` with each file as base64 again."""
    return _outside_structure(value, leaving, _put_back)


def _outside_structure(value: Mapping[str, Any], leaving: Leaving, change: Callable[[Any], Any]) -> Mapping[str, Any]:
    if not leaving.is_tool_result or STRUCTURE not in value:
        changed: Mapping[str, Any] = change(value)
        return changed
    rest = {name: member for name, member in value.items() if name != STRUCTURE}
    other = change(rest)
    return value if other is rest else {**value, **other}


def _set_aside(value: Any, leaving: Leaving) -> Any:
    if type(value) is dict:
        word = member_of(value)
        if word is not None:
            found = _looked_at(value[word])
            is_text = type(found) is dict or type(found) is str
            if (
                found is None
                or (type(found) is not dict and leaving.settings.media == "refuse")
                or (not is_text and _says_text(value))
            ):
                leaving.note("file")
                return _refused(value)
            value = {**value, word: found}
        changed: dict[str, Any] | None = None
        for name, member in value.items():
            if name != word and (type(member) is dict or type(member) is list):
                other = _set_aside(member, leaving)
                if other is not member:
                    changed = dict(value) if changed is None else changed
                    changed[name] = other
        return value if changed is None else changed
    if type(value) is list:
        others = [_set_aside(entry, leaving) for entry in value]
        return value if all(new is old for new, old in zip(others, value, strict=True)) else others
    return value


def _looked_at(said: str) -> Any:
    found = opened(said)
    if isinstance(found, Binary) and len(said) <= _LONGEST_KEY and redacted(said)[1]:
        # A key is of the letters of base64, and means nothing in it.
        return said
    return found


def _put_back(value: Any) -> Any:
    if type(value) is dict:
        changed: dict[str, Any] | None = None
        for name, member in value.items():
            other = _closed(member) if name in ("blob", "data") else member
            if other is member:
                other = _put_back(member)
            if other is not member:
                changed = dict(value) if changed is None else changed
                changed[name] = other
        return value if changed is None else changed
    if type(value) is list:
        others = [_put_back(entry) for entry in value]
        return value if all(new is old for new, old in zip(others, value, strict=True)) else others
    return value


def _closed(member: Any) -> Any:
    if isinstance(member, Binary):
        return member.said
    if type(member) is dict and any(isinstance(name, InPlain) for name in member):
        text = "".join(text for text in member.values() if type(text) is str)
        return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    return member


def _says_text(value: Mapping[str, Any]) -> bool:
    """Tell whether a file is said to be text, which it is not in UTF-8: a reader might know what nobody here could see."""
    kind = value.get("mimeType")
    return type(kind) is str and kind.strip().lower().startswith(("text/", "application/json"))


def _refused(value: Mapping[str, Any]) -> dict[str, Any]:
    if is_media(value):
        return {"type": "text", "text": _REFUSED}
    kept = {name: member for name, member in value.items() if name != "blob"}
    return {**kept, "mimeType": "text/plain", "text": _REFUSED}
