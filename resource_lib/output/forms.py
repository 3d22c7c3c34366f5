"""
What a server asks of a person: a form names what it asks for, and tells nothing of it but what it proposes.

So a field that is called as personal data is (`email`) keeps its name, its type and its bounds; its default and its choices are values, and
are hidden like any other. Its title and description are words like those of the question itself, and are read as such. MCP
"Elicitation", `requestedSchema`; in 2026-07-28 it stands in `inputRequests` of a result, before that in a request of the server.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from resource_lib.output.kinds import Kind
from resource_lib.output.leaving import Leaving

_ASKS: Final = "elicitation/create"
_REQUESTS: Final = "inputRequests"
_FORM: Final = "requestedSchema"
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "type": frozenset({"string", "number", "integer", "boolean", "array"}),
    "format": frozenset({"email", "uri", "date", "date-time"}),
}
_BOUNDS: Final = frozenset({"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"})
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

    def question(params: Any) -> Any:
        form = params.get(_FORM) if type(params) is dict else None
        if type(form) is not dict or type(form.get("properties")) is not dict:
            return by_name(params)
        fields = form["properties"]
        found = _same(fields, {name: field(name, schema) for name, schema in fields.items()})
        whole = _beside(form, "properties", found, by_name)
        return _beside(params, _FORM, whole, by_name)

    def request(one: Any) -> Any:
        if type(one) is not dict or one.get("method") != _ASKS:
            return by_name(one)
        return _beside(one, "params", question(one.get("params")), by_name) if "params" in one else by_name(one)

    if leaving.part == "said" and leaving.method == _ASKS:
        return question(said)
    requests = said.get(_REQUESTS)
    if leaving.part != "result" or said.get("resultType") != "input_required" or type(requests) is not dict:
        return by_name(said)
    return _beside(said, _REQUESTS, _same(requests, {name: request(one) for name, one in requests.items()}), by_name)


def _asks(word: str, value: Any) -> bool:
    """Tell whether a word of a field says what is asked for, and not what it is."""
    if word in _WORDS:
        return type(value) is str and value in _WORDS[word]
    return type(value) in (int, float) if word in _BOUNDS else word in _LABELS and type(value) is str


def _beside(whole: dict[str, Any], name: str, member: Any, by_name: ByName) -> dict[str, Any]:
    """Return `whole` with this member, and all others as `by_name` leaves them."""
    rest = {each: value for each, value in whole.items() if each != name}
    found = by_name(rest)
    return whole if found is rest and member is whole[name] else {**found, name: member}


def _same(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return old if all(new[name] is value for name, value in old.items()) else new
