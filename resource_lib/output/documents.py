"""
JSON that stands by itself in a text: a line of it (JSON Lines, a log), or a block between fences as Markdown has them.

What it says is known by its names, as in a text that is JSON as a whole. A document over several lines without fences around it, and one inside
a sentence, are words like any other.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from resource_lib.output.mirrors import json_of

_FENCES: Final = ("```", "~~~")
_PAIRS: Final = frozenset({("{", "}"), ("[", "]")})
_SHORTEST: Final = 7
"""No shorter text has a member in it."""


def with_documents(text: str, change: Callable[[Any], Any]) -> str:
    """Return `text` with each document in it as `change` makes it, written anew; the very same object where it makes none another."""
    if "\n" not in text or '"' not in text or ("{" not in text and "[" not in text):
        return text
    lines = text.split("\n")
    found: list[str] = []
    is_changed = False
    at = 0
    while at < len(lines):
        body, end = lines[at], at + 1
        is_fence = body.lstrip().startswith(_FENCES)
        if is_fence:
            found.append(body)
            at += 1
            # Nothing of JSON begins like a fence, so the next one ends it, whichever it is.
            ends = (place for place in range(at, len(lines)) if lines[place].lstrip().startswith(_FENCES))
            end = next(ends, len(lines))
            body = "\n".join(lines[at:end])
        said = json_of(body) if _may_be_one(body) else None
        if type(said) is not dict and type(said) is not list:
            if not is_fence:  # else each line of the block may be one
                found.append(body)
                at = end
            continue
        other = change(said)
        if other is not said:
            is_changed = True
            bare = body.strip()
            before, _, after = body.partition(bare)
            body = before + json.dumps(other, ensure_ascii=False, indent=2 if "\n" in bare else None) + after
        found.append(body)
        at = end
    return "\n".join(found) if is_changed else text


def _may_be_one(body: str) -> bool:
    bare = body.strip()
    return len(bare) >= _SHORTEST and (bare[0], bare[-1]) in _PAIRS and '"' in bare
