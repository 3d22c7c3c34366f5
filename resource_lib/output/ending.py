"""
A tool that has a last day says so: where it is listed, and in each of its answers, so that whoever was tested with it can move on in time.

C53. In `_meta`, which no model reads as words of the tool, and which changes no definition. It is the policy's word (`sunset`): a server
that says it of itself is not repeated.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from resource_lib.output.leaving import Leaving
from resource_lib.wire.tool_policy import ENDING, SUNSET

_OURS: Final = frozenset({SUNSET, ENDING})


def dated(value: Mapping[str, Any], sunset: date | None) -> dict[str, Any]:
    """Return a listed tool, or an answer, with the last day of the tool, and with nobody else's word about it; None: it has none.

    The very same where nothing changes.
    """
    return _with(value, {} if sunset is None else {SUNSET: sunset.isoformat()})


def ending(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what a call answers with the last day of its tool, where it has one."""
    if leaving.part != "result":
        return value
    demand = leaving.demand
    if demand is None or demand.sunset is None:
        return _with(value, {})
    day = demand.sunset.isoformat()
    said = f"{leaving.tool} ends: {day} is the last day on which it can be called. Look in the list of tools for what follows it."
    return _with(value, {SUNSET: day, ENDING: said})


def _with(value: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    meta = value.get("_meta")
    own = meta if type(meta) is dict else {}
    if not said and _OURS.isdisjoint(own):
        return value if type(value) is dict else dict(value)
    others = {name: member for name, member in own.items() if name not in _OURS}
    return {**value, "_meta": {**others, **said}}
