"""
Does a form say how much a value may be: how long, how many, how large?
"""

import re
from typing import Any, Final

from resource_lib.lint.places import Form

_UNBOUNDED_QUANTIFIER: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:[*+]|\{[0-9]*,\})")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_SHORT_FORMATS: Final = frozenset(
    {
        "date",
        "date-time",
        "time",
        "duration",
        "uuid",
        "ipv4",
        "ipv6",
        "email",
        "idn-email",
        "uri",
        "hostname",
        "json-pointer",
    }
    | {"idn-hostname", "uri-reference", "iri", "uri-template", "regex", "relative-json-pointer"}
)


def is_bounded_text(form: Form) -> bool:
    """Tell whether a text can only be so long, or of a form."""
    if is_chosen(form) or _number(form.get("maxLength")) is not None:
        return True
    return form.get("format") in _SHORT_FORMATS or is_bounding_pattern(form.get("pattern"))


def is_bounding_pattern(pattern: Any) -> bool:
    """Tell whether a pattern holds the whole text to a length. Patterns of JSON Schema are not anchored by themselves (§6.3.3)."""
    if (
        not isinstance(pattern, str)
        or not pattern.startswith(("^", "\\A"))
        or not pattern.endswith(("$", "\\Z", "\\z"))
    ):
        return False
    bare = _CLASS.sub("x", pattern)
    return "|" not in _outside_groups(bare) and _UNBOUNDED_QUANTIFIER.search(bare) is None


def is_bounded_list(form: Form) -> bool:
    """Tell whether a list can only have so many items."""
    return is_chosen(form) or _number(form.get("maxItems")) is not None


def is_bounded_number(form: Form) -> bool:
    """Tell whether a number has both ends."""
    return is_chosen(form) or (lowest(form) is not None and highest(form) is not None)


def lowest(form: Form) -> float | None:
    """Return the smallest number allowed, of whole ones; None: there is no end."""
    at, above = _number(form.get("minimum")), _number(form.get("exclusiveMinimum"))
    ends = [end for end in (at, None if above is None else above + 1) if end is not None]
    return max(ends, default=None)


def highest(form: Form) -> float | None:
    """Return the largest one."""
    at, below = _number(form.get("maximum")), _number(form.get("exclusiveMaximum"))
    ends = [end for end in (at, None if below is None else below - 1) if end is not None]
    return min(ends, default=None)


def is_chosen(form: Form) -> bool:
    """Tell whether the author wrote down every value."""
    return "enum" in form or "const" in form


def refuses(form: Form, samples: tuple[str, ...]) -> bool:
    """Tell whether a form lets none of these through: it is a choice, or its anchored pattern matches none."""
    if is_chosen(form):
        return True
    pattern = form.get("pattern")
    if not isinstance(pattern, str) or len(pattern) > 1000:
        return False
    try:
        compiled = re.compile(pattern)
    except re.error:
        return False
    return not any(compiled.search(sample) for sample in samples)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _outside_groups(pattern: str) -> str:
    """Return what stands in no group: an alternative there escapes the anchors."""
    depth, kept = 0, []
    for place, sign in enumerate(pattern):
        if place and pattern[place - 1] == "\\":
            continue
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            kept.append(sign)
    return "".join(kept)
