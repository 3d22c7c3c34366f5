"""
What a file inside an answer is: base64 in `blob`, and in `data` of an image or a sound.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Mapping
from typing import Any, Final


class InPlain(str):  # noqa: SLOT000 - a str has no room for slots
    """The name of the one member of what stands for a text file while the steps look: no server can write it, whatever it writes."""


IN_PLAIN: Final = InPlain("base64")
_MEDIA: Final = frozenset({"image", "audio"})
_OTHER: Final = re.compile(r"[^A-Za-z0-9+/]")
_SHORTEST_HIDDEN: Final = 8


class Binary(str):  # noqa: SLOT000 - a str has no room for slots
    """Stands for a file that is no text: empty to whoever looks at it."""

    said: str
    """The base64 as the server wrote it."""


def member_of(value: Mapping[str, Any]) -> str | None:
    """Return the member of `value` that holds a file; None: none does."""
    if type(value.get("blob")) is str:
        return "blob"
    return "data" if is_media(value) and type(value.get("data")) is str else None


def is_media(value: Mapping[str, Any]) -> bool:
    """Tell whether a part of a message says that it is an image or a sound."""
    kind = value.get("type")
    return type(kind) is str and kind in _MEDIA  # what a tool says may have a list there, as a schema has


def opened(said: str) -> Any:
    """Return a file as an object with its text, or as a Binary; `said` itself where it is no base64, so that it is a text like any other.

    None: it is no base64, and readers that pass over what is none would find another text in it.
    """
    letters = "".join(said.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = _decoded(letters)
    except (binascii.Error, UnicodeError, ValueError):
        return None if _hides_text(letters) else said
    text = _text_of(raw)
    if text is not None:
        return {IN_PLAIN: text}
    binary = Binary()
    binary.said = said
    return binary


def shown(said: str) -> str | None:
    """Return what of a file a person can read: the text that it is, as it stands where it is no base64; None: it is no text."""
    found = opened(said)
    if isinstance(found, Binary):
        return None
    return str(found[IN_PLAIN]) if type(found) is dict else said


def _decoded(letters: str) -> bytes:
    return base64.b64decode((letters + "=" * (-len(letters) % 4)).encode("ascii"), validate=True)


def _text_of(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _hides_text(letters: str) -> bool:
    kept = _OTHER.sub("", letters)
    if len(kept) < _SHORTEST_HIDDEN:
        return False
    raw = _decoded(kept[: len(kept) // 4 * 4])
    try:
        # What was cut off may belong to the last letter.
        return "\x00" not in codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return False
