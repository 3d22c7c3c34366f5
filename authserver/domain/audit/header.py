"""
The part of an event that is proved: canonical bytes, hashed as they stand, for as long as anybody keeps them.

RFC 8785 as far as it is used: members in order, no spaces, no fractions. Ids, codes, numbers, keyed references and commitments; never
a name, an address, or what a stranger wrote. What is empty is left out, so that nothing that is not known looks like an answer.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

VERSION: Final = 1
_BEYOND: Final = 2**53


def canonical(facts: Mapping[str, Any], *, is_exact: bool = False) -> str:
    """Return the header of an event as it is kept and hashed (as UTF-8). Raises ValueError where it holds a fraction.

    `is_exact`: all of it was read strictly already.
    """
    said = {name: value for name, value in facts.items() if value or value is False or type(value) is int}
    if not is_exact and not _is_exact(said):
        raise ValueError("a header holds strings, integers, truth values, and lists and objects of them")
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def facts_of(header: str) -> dict[str, Any]:
    """Return what a header says."""
    return dict(orjson.loads(header))


def about(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is particular to the kind of an event, as a row of the record says it."""
    return dict(facts_of(row["header"]).get("about", {}))


def _is_exact(value: Any) -> bool:
    """Say whether a value is written the same by everybody. It is asked of every member of every event: texts, nearly all of them."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_BEYOND < value < _BEYOND)
    # Loops, and no generators: there are as many as members.
    if kind is dict:
        for name, inner in value.items():
            if type(name) is not str or not name.isascii() or (type(inner) is not str and not _is_exact(inner)):
                return False
        return True
    if kind is list or kind is tuple:
        for inner in value:  # noqa: SIM110 - as above
            if type(inner) is not str and not _is_exact(inner):
                return False
        return True
    return isinstance(value, str)  # of an enumeration
