"""
What a server asks of a person or of a model: a form names what it asks for, and tells nothing of it but what it proposes.

So a field that is called as personal data is (`email`) keeps its name, its type and its bounds; its default and its choices are values, and
are hidden like any other. Its title and description are words like those of the question itself, and are read as such. The same holds of
the tools that a model may use, and of how tools and models are called. MCP "Elicitation", `requestedSchema`, and "Sampling", `tools` and
`modelPreferences`; in 2026-07-28 they stand in `inputRequests` of a result, before that in a request of the server.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from resource_lib.output.kinds import Kind
from resource_lib.output.leaving import Leaving

_ASKS: Final = "elicitation/create"
_SAMPLES: Final = "sampling/createMessage"
_REQUESTS: Final = "inputRequests"
_FORM: Final = "requestedSchema"
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "type": frozenset({"string", "number", "integer", "boolean", "array"}),
    "format": frozenset({"email", "uri", "date", "date-time"}),
}
_BOUNDS: Final = frozenset({"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"})
_CALLED: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
"""How a tool or a model is called; of more than one word nobody is."""
_LABELS: Final = frozenset({"title", "description"})

ByName = Callable[[Any], Any]
"""Hides what stands in a value under the names of personal data; the very same object where nothing does."""
Hide = Callable[[Any, Kind], Any]


def without_values(
    said: dict[str, Any], leaving: Leaving, kinds: Mapping[str, Kind], by_name: ByName, hide: Hide
) -> Any:
    """Return `said` as `by_name` does, but for the fields of forms in it, where the protocol has them, of which values alone are hidden."""

    def field(name: str, schema: Any) -> Any:
        kind = kinds.get(name)
        if kind is None or type(schema) is not dict:
            return by_name(schema) if kind is None else hide(schema, kind)
        return _same(schema, {word: each if _asks(word, each) else hide(each, kind) for word, each in schema.items()})

    def form(schema: Any) -> Any:
        if type(schema) is not dict or type(schema.get("properties")) is not dict:
            return by_name(schema)
        fields = schema["properties"]
        found = _same(fields, {name: field(name, one) for name, one in fields.items()})
        return _beside(schema, {"properties": found}, by_name)

    def called(one: Any) -> Any:
        if type(one) is not dict:
            return by_name(one)
        kept = {"name": one["name"]} if type(one.get("name")) is str and _CALLED.fullmatch(one["name"]) else {}
        return _beside(one, kept | ({"inputSchema": form(one["inputSchema"])} if "inputSchema" in one else {}), by_name)

    def question(params: Any) -> Any:
        if type(params) is not dict or type(params.get(_FORM)) is not dict:
            return by_name(params)
        return _beside(params, {_FORM: form(params[_FORM])}, by_name)

    def sampling(params: Any) -> Any:
        if type(params) is not dict:
            return by_name(params)
        kept: dict[str, Any] = {}
        if type(params.get("tools")) is list:
            kept["tools"] = _each(params["tools"], called)
        likes = params.get("modelPreferences")
        if type(likes) is dict and type(likes.get("hints")) is list:
            kept["modelPreferences"] = _beside(likes, {"hints": _each(likes["hints"], called)}, by_name)
        return _beside(params, kept, by_name)

    asked = {_ASKS: question, _SAMPLES: sampling}

    def request(one: Any) -> Any:
        if type(one) is not dict or one.get("method") not in asked or "params" not in one:
            return by_name(one)
        return _beside(one, {"params": asked[one["method"]](one["params"])}, by_name)

    if leaving.part == "said" and leaving.method in asked:
        return asked[leaving.method](said)
    requests = said.get(_REQUESTS)
    if leaving.part != "result" or said.get("resultType") != "input_required" or type(requests) is not dict:
        return by_name(said)
    found = _same(requests, {name: request(one) for name, one in requests.items()})
    return _beside(said, {_REQUESTS: found}, by_name)


def _asks(word: str, value: Any) -> bool:
    """Tell whether a word of a field says what is asked for, and not what it is."""
    if word in _WORDS:
        return type(value) is str and value in _WORDS[word]
    return type(value) in (int, float) if word in _BOUNDS else word in _LABELS and type(value) is str


def _beside(whole: dict[str, Any], kept: dict[str, Any], by_name: ByName) -> dict[str, Any]:
    """Return `whole` with these members, and all others as `by_name` leaves them."""
    rest = {each: value for each, value in whole.items() if each not in kept}
    found = by_name(rest)
    if found is rest and all(whole[name] is member for name, member in kept.items()):
        return whole
    return {**found, **kept}


def _each(old: list[Any], of: ByName) -> list[Any]:
    new = [of(one) for one in old]
    return old if all(one is other for one, other in zip(old, new, strict=True)) else new


def _same(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return old if all(new[name] is value for name, value in old.items()) else new
