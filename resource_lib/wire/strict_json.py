"""
JSON that means one thing: no duplicate members, no NaN, no lone surrogates, no NUL, bounded depth.

RFC 8259 §4 leaves duplicate members open and RFC 8725 §2.4 names what follows; two readers must not see two tokens. It is
the standard library's scanner with stricter hooks, because it runs for every token that has not been seen before. How long an
integer may be follows from the caller's limit on bytes and from the interpreter's own (4300 digits).
"""

import math
import re
from collections.abc import Callable
from json import JSONDecoder
from json.scanner import make_scanner
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 16

_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{\]}]', re.DOTALL)


def loads_object(data: bytes, *, most_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return the JSON object that `data` holds. Raises ValueError for anything that another reader could take differently."""
    value = loads_message(data, most_depth=most_depth)
    if type(value) is not dict:
        raise ValueError("not one JSON object")
    if b"\\" in data:  # only an escape can smuggle in what the decoder above would have refused
        _refuse_unclean_strings(value)
    return value


def loads_message(data: bytes, *, most_depth: int) -> Any:
    """Return the JSON value that `data` holds, as a message between programs: any value, and its strings may hold anything.

    Raises ValueError for what two readers could take differently otherwise.
    """
    text = data.decode("utf-8").strip(" \t\r\n")  # strict: overlong forms and raw surrogates end here, a BOM below
    if text.count("[") + text.count("{") > most_depth and _depth(text) > most_depth:
        raise ValueError("nested too deeply")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("not JSON") from None
    except RecursionError:  # only for a caller who is deep already
        raise ValueError("nested too deeply") from None
    if end != len(text):
        raise ValueError("not one JSON value")
    return value


def _depth(text: str) -> int:
    deepest = depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        match found[0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
    return deepest


def _refuse_unclean_strings(value: Any) -> None:
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
        if "\0" in value:
            raise ValueError("a string holds NUL")
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unclean_strings(name)
            _refuse_unclean_strings(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_unclean_strings(member)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _fraction(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once; json.loads would make a decoder for each call.
_decoder = JSONDecoder(object_pairs_hook=_members, parse_float=_fraction, parse_constant=_constant)
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_decoder)  # type: ignore[arg-type]
