"""
What is kept of the arguments of a call: without what its schema calls personal or secret, and without what looks like it.

As with answers: what is masked where it is marked is masked wherever else it stands, then the detectors read the rest. C47, K6.
"""

import json
from typing import Any, Final

from resource_lib.definition import Definition
from resource_lib.output.personal import hidden
from resource_lib.output.shape import UnreadableSchemaError, shape_of_arguments
from resource_lib.wire.record import MOST_ARGUMENT_BYTES

_MOST_WHOLE: Final = 2**53 - 1
_MOST_DEPTH: Final = 50
_LEFT_OUT: Final = "[left out: nested too deeply]"


def redacted(arguments: Any, definition: Definition | None) -> Any:
    """Return what is kept of them; None: nothing, because they are too long or their schema cannot be read."""
    try:
        shape = shape_of_arguments(definition)
    except UnreadableSchemaError:
        return None
    value = hidden(arguments, shape)
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MOST_ARGUMENT_BYTES:
        return None
    try:
        size = len(text.encode("utf-8"))
        is_plain = "\\u0000" not in text
    except UnicodeEncodeError:
        size, is_plain = len(text), False
    if size > MOST_ARGUMENT_BYTES:
        return None
    return value if is_plain and _fits(value, _MOST_DEPTH) else _plain(value, _MOST_DEPTH)


def _fits(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind is int:
        return bool(-_MOST_WHOLE <= value <= _MOST_WHOLE)
    if kind is dict:
        return depth > 0 and all(_fits(member, depth - 1) for member in value.values())
    if kind is list:
        return depth > 0 and all(_fits(entry, depth - 1) for entry in value)
    return True


def _plain(value: Any, depth: int) -> Any:
    """Return it in a form that every program reads alike."""
    kind = type(value)
    if kind is str:
        return clean(value)
    if kind is int:
        return value if -_MOST_WHOLE <= value <= _MOST_WHOLE else str(value)[:64]
    if kind is dict:
        return {clean(name): _plain(member, depth - 1) for name, member in value.items()} if depth else _LEFT_OUT
    if kind is list:
        return [_plain(entry, depth - 1) for entry in value] if depth else _LEFT_OUT
    return value


def clean(text: str) -> str:
    """Return a text without NUL and without half surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
