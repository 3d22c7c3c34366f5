"""
Files inside an answer: base64 in `blob`, and in `data` of an image or a sound.

What is text in UTF-8 is looked through as text, whatever its media type says. Everything else nobody looks into: it passes as it is,
or, where media are refused or it is said to be text, a sentence stands in its place.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final

from resource_lib.output.leaving import Leaving
from resource_lib.output.mirrors import STRUCTURE


class _InPlain(str):  # noqa: SLOT000 - a str has no room for slots
    """The name of the one member of what stands for a text file while the steps look: no server can write it, whatever it writes."""


_IN_PLAIN: Final = _InPlain("base64")
_MEDIA: Final = frozenset({"image", "audio"})
_REFUSED: Final = "[file withheld: this server lets no such file leave]"


class Binary(str):  # noqa: SLOT000 - a str has no room for slots
    """Stands for a file that is no text: empty to whoever looks at it."""

    said: str
    """The base64 as the server wrote it."""


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
        word = _word(value)
        if word is not None:
            found = _opened(value[word])
            if isinstance(found, Binary) and (leaving.settings.media == "refuse" or _says_text(value)):
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


def _word(value: Mapping[str, Any]) -> str | None:
    """Return the member of `value` that holds a file; None: none does."""
    if type(value.get("blob")) is str:
        return "blob"
    return "data" if _is_media(value) and type(value.get("data")) is str else None


def _is_media(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    return type(kind) is str and kind in _MEDIA  # what a tool says may have a list there, as a schema has


def _opened(said: str) -> Any:
    try:
        text = base64.b64decode("".join(said.split()).encode("ascii"), altchars=b"-_").decode("utf-8")
    except (binascii.Error, UnicodeError, ValueError):
        pass
    else:
        if "\x00" not in text:
            return {_IN_PLAIN: text}
    binary = Binary()
    binary.said = said
    return binary


def _closed(member: Any) -> Any:
    if isinstance(member, Binary):
        return member.said
    if type(member) is dict and any(isinstance(name, _InPlain) for name in member):
        text = "".join(text for text in member.values() if type(text) is str)
        return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    return member


def _says_text(value: Mapping[str, Any]) -> bool:
    """Tell whether a file is said to be text, which it is not in UTF-8: a reader might know what nobody here could see."""
    kind = value.get("mimeType")
    return type(kind) is str and kind.strip().lower().startswith(("text/", "application/json"))


def _refused(value: Mapping[str, Any]) -> dict[str, Any]:
    if _is_media(value):
        return {"type": "text", "text": _REFUSED}
    kept = {name: member for name, member in value.items() if name != "blob"}
    return {**kept, "mimeType": "text/plain", "text": _REFUSED}
