"""
A result in which nobody's words can stand: every text in it is one that the output schema itself describes, and nothing else is there.

Most structures are like that, and one look of the compiled schema says so; then no step has anything to look for in it. Only schemas
of plain forms are taken: objects that name their members, lists that say what stands in them, texts of an `enum`, a narrow `pattern` or a
checked `format`, and nothing annotated. Whatever else there is goes the long way, through every step.
"""

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from resource_lib.definition import Definition
from resource_lib.output.conforming import compiled, is_held_to_schema
from resource_lib.output.leaving import Leaving
from resource_lib.output.mirrors import STRUCTURE, is_plainly
from resource_lib.output.settings import Output
from resource_lib.output.shape import describes_its_texts
from resource_lib.output.texts import PROTOCOLS_OWN
from resource_lib.wire import strict_json

_SAYS_NOTHING: Final = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "$schema", "$comment"}
)
_OF_A_VALUE: Final = frozenset(
    {"enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"}
    | {"exclusiveMaximum", "multipleOf"}
)
_OF_AN_OBJECT: Final = frozenset({"properties", "required", "additionalProperties"})
_OF_A_LIST: Final = frozenset({"items", "minItems", "maxItems", "uniqueItems"})
_KNOWN: Final = _SAYS_NOTHING | _OF_A_VALUE | _OF_AN_OBJECT | _OF_A_LIST | {"type", "anyOf", "$ref", "$defs"}
_DEFINED: Final = "#/$defs/"
_NO_BLOCKS: Final[list[Any]] = []
_LOOKED_AT: Final = frozenset({"content", STRUCTURE})

_MOST_META: Final = 1000

_validators: Final[WeakKeyDictionary[Definition, Any]] = WeakKeyDictionary()
_harmless: Final[WeakKeyDictionary[Definition, tuple[Output, str]]] = WeakKeyDictionary()


def says_nothing_else(result: Mapping[str, Any], leaving: Leaving) -> bool:
    """Tell whether a tool's result is such a structure, the same once more in words, and what the protocol itself says: no step changes it."""
    structure, content = result.get(STRUCTURE), result.get("content", _NO_BLOCKS)
    if type(structure) is not dict or type(content) is not list or leaving.definition is None:
        return False
    for name, member in result.items():
        if name in _LOOKED_AT or (name in PROTOCOLS_OWN and _is_protocols_own(member)):
            continue
        if name != "_meta" or not _is_harmless(member, leaving):
            return False
    for block in content:
        if type(block) is not dict or len(block) != 2 or block.get("type") != "text":
            return False
        text = block.get("text")
        if type(text) is not str or not is_plainly(text, structure):
            return False
    return is_sealed(result, leaving)


def note_harmless(result: Mapping[str, Any], leaving: Leaving) -> None:
    """Take note of the `_meta` of a result with such a structure in which every step has found nothing: servers say the same each time."""
    said = strict_json.written(result["_meta"]) if "_meta" in result else None
    if leaving.definition is not None and said is not None and len(said) <= _MOST_META and not leaving.sees_personal:
        _harmless[leaving.definition] = (leaving.settings, said)


def _is_harmless(meta: Any, leaving: Leaving) -> bool:
    """Tell whether it is, letter by letter, what was found harmless last."""
    if leaving.definition is None or leaving.verdict is not None:
        return False  # a judge is asked about every word, each time
    settings, said = _harmless.get(leaving.definition, (None, None))
    return settings is leaving.settings and said == strict_json.written(meta)


def _is_protocols_own(member: Any) -> bool:
    return member is False or member is True or (type(member) is str and member in PROTOCOLS_OWN)


class _OtherError(Exception):
    """A schema of another form."""


def is_sealed(result: Mapping[str, Any], leaving: Leaving) -> bool:
    """Tell whether the structure of a tool's result can leave without a look at any text of it."""
    definition = leaving.definition
    if definition is None or STRUCTURE not in result or not is_held_to_schema(result, leaving):
        return False
    validator = _validators.get(definition)
    if validator is None:
        validator = _validators[definition] = _validator(definition.output_schema)
    return validator is not False and bool(validator.is_valid(result[STRUCTURE]))


def _validator(schema: Any) -> Any:
    try:
        # A part with an `$id` of its own is another document, and of no form that is known here.
        sealed = _sealed({name: value for name, value in schema.items() if name != "$id"})
        # Formats too: here a text of the right form is all that is asked.
        return compiled(sealed, formats=True)
    except Exception:  # noqa: BLE001 - whatever it is, it goes the long way
        return False


def _sealed(schema: Any) -> dict[str, Any]:
    """Return the schema with every object closed. Raises _OtherError for any that lets somebody's words stand somewhere."""
    if type(schema) is not dict or not _KNOWN.issuperset(schema):
        raise _OtherError
    found = {name: value for name, value in schema.items() if name not in _SAYS_NOTHING}
    if "$defs" in found:
        found["$defs"] = {name: _sealed(part) for name, part in found["$defs"].items()}
    if "$ref" in found:
        if not str(found["$ref"]).startswith(_DEFINED) or not {"$ref", "$defs"}.issuperset(found):
            raise _OtherError
        return found
    if "anyOf" in found:
        if not {"anyOf", "$defs"}.issuperset(found):
            raise _OtherError
        return {**found, "anyOf": [_sealed(part) for part in found["anyOf"]]}
    if "enum" in found or "const" in found:
        return found
    kinds = found.get("type")
    for kind in kinds if type(kinds) is list else [kinds]:
        _SEALING.get(str(kind), _other)(found)
    return found


def _other(_: dict[str, Any]) -> None:
    raise _OtherError


def _text(found: dict[str, Any]) -> None:
    if not describes_its_texts(found):
        raise _OtherError


def _object(found: dict[str, Any]) -> None:
    if not found.get("properties") or found.get("additionalProperties", False) is not False:
        raise _OtherError
    found["properties"] = {name: _sealed(part) for name, part in found["properties"].items()}
    found["additionalProperties"] = False


def _list(found: dict[str, Any]) -> None:
    found["items"] = _sealed(found.get("items"))


def _nothing(_: dict[str, Any]) -> None:
    pass


_SEALING: Final = {
    "object": _object,
    "array": _list,
    "string": _text,
    "integer": _nothing,
    "number": _nothing,
    "boolean": _nothing,
    "null": _nothing,
}
