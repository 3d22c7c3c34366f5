"""
What is wrong with an argument, in words that a model can act on: the rule and what is allowed, never what was sent.

A JSON Pointer (RFC 6901) says where. Of a caller's own words only the names of members stand in it, shortened and made harmless.
SEP-1303; C28.
"""

from collections.abc import Iterable
from typing import Any, Final

from resource_lib.decision import WrongField

MOST: Final = 20
"""Wrong fields that are named."""
_MOST_NAME: Final = 64
_MOST_OPTIONS: Final = 20
_MOST_SAID: Final = 300

Path = tuple[str | int, ...]


def pointer(path: Iterable[str | int]) -> str:
    """Return a JSON Pointer; a name that is long or holds what cannot be seen is shortened and marked."""
    return "".join("/" + _step(step) for step in path)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return str(step)
    shown = step if len(step) <= _MOST_NAME else step[:_MOST_NAME] + "…"
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)
    return shown.replace("~", "~0").replace("/", "~1")


def wrong_fields(found: Iterable[tuple[Path, str]]) -> tuple[WrongField, ...]:
    """Return each field that is wrong once, in order, as many as are named."""
    fields: dict[WrongField, None] = {}
    for path, fault in found:
        fields[WrongField(pointer(path), fault)] = None
        if len(fields) == MOST:
            break
    return tuple(fields)


def said(value: Any) -> str:
    """Return a value of the schema, shortened."""
    text = repr(value) if isinstance(value, str) else "null" if value is None else str(value)
    if isinstance(value, bool):
        text = "true" if value else "false"
    return text if len(text) <= _MOST_SAID else text[:_MOST_SAID] + "…"


def options(values: Iterable[Any]) -> str:
    """Return a list of values of the schema, shortened."""
    every = list(values)
    more = f", and {len(every) - _MOST_OPTIONS} more" if len(every) > _MOST_OPTIONS else ""
    text = ", ".join(said(value) for value in every[:_MOST_OPTIONS])
    return (text if len(text) <= 2 * _MOST_SAID else text[: 2 * _MOST_SAID] + "…") + more


def fault(keyword: str, allowed: Any) -> str:
    """Return what a broken rule demands. `allowed` is what the schema says of it."""
    match keyword:
        case "type":
            return f"must be of type {' or '.join(sorted(allowed)) if isinstance(allowed, list) else allowed}"
        case "enum":
            return f"must be one of: {options(allowed)}"
        case "const":
            return f"must be {said(allowed)}"
        case "format":
            return f"must have the format {said(allowed)}"
        case "pattern":
            return f"must match the pattern {said(allowed)}"
        case "dependentRequired" | "required":
            return "is required"
        case "uniqueItems":
            return "must hold no item twice"
        case "not":
            return "must not be of a form that the schema rules out"
        case "contains":
            return "must hold an item of the form that the schema demands"
        case "propertyNames":
            return "has a member whose name is not allowed"
        case "anyOf" | "oneOf":
            return f"must be of {'one' if keyword == 'anyOf' else 'exactly one'} of the forms that the schema names"
        case "falseSchema" | "unevaluatedItems":
            return "is not allowed" if keyword == "falseSchema" else "holds more items than the schema names"
    if keyword in _LIMITS:
        return _LIMITS[keyword].format(said(allowed))
    return f"breaks the rule {keyword[:50]!r} of the schema"


_LIMITS: Final = {
    "maximum": "must be at most {}",
    "minimum": "must be at least {}",
    "exclusiveMaximum": "must be less than {}",
    "exclusiveMinimum": "must be more than {}",
    "multipleOf": "must be a multiple of {}",
    "maxLength": "must be at most {} characters long",
    "minLength": "must be at least {} characters long",
    "maxItems": "must hold at most {} items",
    "minItems": "must hold at least {} items",
    "maxProperties": "must have at most {} members",
    "minProperties": "must have at least {} members",
    "maxContains": "must hold at most {} items of the form that the schema counts",
    "minContains": "must hold at least {} items of the form that the schema counts",
}


def not_taken(names: Iterable[str]) -> str:
    """Return why a member that the schema does not name is refused; `names` are those it names."""
    known = sorted(names)
    return f"is not taken here; there are: {options(known)}" if known else "is not taken here; there are no members"
