"""
Of a text that is cut in any case only the beginning is looked through, twenty times as long as what leaves. C32, LG-04.

What the steps find may straddle the place where it is cut, and masks and removed characters move it. So the end of the beginning never
leaves: not where the text was cut at first, and not where it is cut at last. A text that is JSON is left whole, as only the whole has names to
mask by, and so is everything else; an answer that is still longer than anybody reads stays here.
"""

from collections.abc import Mapping
from typing import Any, Final

from resource_lib.output.cutting import MARK, TRUNCATED
from resource_lib.output.leaving import Leaving, WithheldError
from resource_lib.output.texts import texts_of

MOST: Final = 1_000_000
"""Characters of text of one answer that are looked through."""
BEGINNING: Final = 200_000
"""Of plain texts, where there are more than that."""
NEVER_LEAVES: Final = 32_000
"""At the end of a beginning. What is found in a text is shorter than a fourth of it, and a mask is at most four times as long as what it masks."""

_LISTS: Final = ("content", "contents")
_MAY_BE_JSON: Final = frozenset('{["')


def beginnings(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return `value` with the beginnings of its long plain texts alone, and note which they are. Raises WithheldError for what is too long.

    The same object where nothing was cut.
    """
    if leaving.size is not None and leaving.size <= BEGINNING:
        return value
    size = sum(map(len, texts_of(value)))
    room = max(BEGINNING, 20 * leaving.settings.most_characters)
    if size > room and leaving.part == "result":
        for name in _LISTS:
            listed = value.get(name)
            if type(listed) is list:
                others = _beginnings(listed, room, leaving, name)
                if others is not listed:
                    size -= sum(
                        len(old["text"]) - len(new["text"])
                        for old, new in zip(listed, others, strict=True)
                        if new is not old
                    )
                    value = {**value, name: others}
    if size > max(MOST, room):
        subject = leaving.tool or leaving.method
        raise WithheldError(
            "it is longer than can be looked through",
            message=f"{subject} has run, and its answer is withheld: it has more than {MOST:,} characters of text. Ask for less: for one page, or for "
            "what a filter leaves.",
        )
    return value


def ended(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what was made of beginnings without the ends of these, in which something may be cut in two."""
    most = leaving.settings.most_characters
    for name, at in leaving.cut:
        listed = value.get(name)
        block = listed[at] if type(listed) is list and at < len(listed) else None
        if type(listed) is list and type(block) is dict and type(block.get("text")) is str:
            text = block["text"]
            kept = text[: max(0, len(text) - NEVER_LEAVES)]
            if len(kept) < most:
                # So much of it was removed that nobody cuts it again.
                kept = f"{kept}\n{MARK}"
                meta = value.get("_meta")
                value = {**value, "_meta": {**(meta if type(meta) is dict else {}), TRUNCATED: True}}
            value = {**value, name: [*listed[:at], {**block, "text": kept}, *listed[at + 1 :]]}
    return value


def _beginnings(listed: list[Any], room: int, leaving: Leaving, name: str) -> list[Any]:
    found: list[Any] | None = None
    for at, block in enumerate(listed):
        text = block.get("text") if type(block) is dict else None
        if type(text) is not str or text[:64].lstrip()[:1] in _MAY_BE_JSON:
            continue
        if len(text) > room:
            found = list(listed) if found is None else found
            found[at] = {**block, "text": text[:room]}
            leaving.cut.append((name, at))
        room = max(0, room - len(text))
    return listed if found is None else found
