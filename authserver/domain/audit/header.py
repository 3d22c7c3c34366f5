"""
The part of an event that is proved: canonical bytes, hashed as they stand, for as long as anybody keeps them.

RFC 8785 as far as it is used: members in order, no spaces, no fractions. Ids, codes, numbers, keyed references and commitments; never
a name, an address, or what a stranger wrote. What is empty is left out, so that nothing that is not known looks like an answer.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

VERSION: Final = 1


def canonical(facts: Mapping[str, Any]) -> str:
    """Return the header of an event as it is kept and hashed (as UTF-8). Raises ValueError where it holds a fraction."""
    said = {name: value for name, value in facts.items() if value not in ("", None, {}, [])}
    if not _is_exact(said):
        raise ValueError("a header holds strings, integers, truth values, and lists and objects of them")
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def facts_of(header: str) -> dict[str, Any]:
    """Return what a header says."""
    return dict(orjson.loads(header))


def about(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is particular to the kind of an event, as a row of the record says it."""
    return dict(facts_of(row["header"]).get("about", {}))


def _is_exact(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(type(name) is str and name.isascii() and _is_exact(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_exact, value))
    return value is None or isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < 2**53)
