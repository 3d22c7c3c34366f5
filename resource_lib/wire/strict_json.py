"""
JSON that means one thing: no duplicate members, no NaN, no lone surrogates, no NUL, bounded depth.

RFC 8259 §4 leaves duplicate members open and RFC 8725 §2.4 names what follows; two readers must not see two tokens. It is
the standard library's scanner with stricter hooks, because it runs for every token that has not been seen before. How long an
integer may be follows from the caller's limit on bytes and from the interpreter's own (4300 digits).
"""

import importlib
import importlib.util
import math
import re
from collections.abc import Callable
from json import JSONDecoder, JSONEncoder
from json.scanner import make_scanner
from typing import Any, Final, NoReturn

orjson: Any = importlib.import_module("orjson") if importlib.util.find_spec("orjson") else None
"""The fastest reader and writer there is, where it is installed. Nothing depends on it."""

MAX_DEPTH: Final = 16
UNTOLD: Final = object()
"""Nothing is said of a text: whoever asked reads it the long way."""

_BEGINNING: Final = 64
_BRACKET_OR_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{\]}]', re.DOTALL)


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
    value = written_plainly(data)
    if data.count(b"[") + data.count(b"{") > most_depth and _depth(data.decode("utf-8")) > most_depth:
        raise ValueError("nested too deeply")
    if value is not UNTOLD:
        return value
    text = data.decode("utf-8").strip(" \t\r\n")  # strict: overlong forms and raw surrogates end here, a BOM below
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("not JSON") from None
    except RecursionError:  # only for a caller who is deep already
        raise ValueError("nested too deeply") from None
    if end != len(text):
        raise ValueError("not one JSON value")
    return value


def written_plainly(data: bytes) -> Any:
    """Return the value of a JSON text that is written exactly as that value is written, byte by byte; UNTOLD of any other.

    Most programs write JSON without spaces and in the shortest form. Such a text has one reading: what would be read as another
    value, a member that stands twice or a number that was rounded, is not what is written of it again. A few times faster than the long way.
    """
    if orjson is None or data.find(b'": ', 0, _BEGINNING) >= 0:  # with spaces, as it says early
        return UNTOLD
    try:
        value = orjson.loads(data)
        return value if orjson.dumps(value) == data else UNTOLD
    except (ValueError, TypeError, RecursionError):
        return UNTOLD


def written(value: Any, *, indented: bool = False) -> str | None:
    """Return a JSON value as most programs write it, without spaces or indented by two; None: it cannot be told here."""
    if orjson is None:
        return None if indented else _without_spaces(value)
    try:
        text: str = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else None).decode("utf-8")
    except (TypeError, RecursionError):
        return None
    return text


def _without_spaces(value: Any) -> str | None:
    try:
        return _CLOSE.encode(value)
    except (ValueError, RecursionError):
        return None


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


_CLOSE: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# Made once; json.loads would make a decoder for each call.
_decoder = JSONDecoder(object_pairs_hook=_members, parse_float=_fraction, parse_constant=_constant)
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_decoder)  # type: ignore[arg-type]
