"""
Is a result still of the form that its tool declares, after everything that was taken out of it.

JSON Schema 2020-12 unless the schema says otherwise; nothing remote is ever fetched.
"""

from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

import jsonschema_rs

from resource_lib.definition import Definition
from resource_lib.output.leaving import Leaving

_validators: Final[WeakKeyDictionary[Definition, Any]] = WeakKeyDictionary()


def conforms(result: Mapping[str, Any], leaving: Leaving) -> bool:
    """Tell whether the structure of a tool's result is what its output schema says.

    An error has none to be held against a schema (MCP "Tools", Output Schema), nor has a call that goes on: a task, or a question.
    """
    definition = leaving.definition
    if definition is None or not is_held_to_schema(result, leaving):
        return True
    validator = _validators.get(definition)
    if validator is None:
        validator = _validators[definition] = _validator(definition.output_schema)
    return validator is not False and bool(validator.is_valid(result.get("structuredContent")))


def is_held_to_schema(result: Mapping[str, Any], leaving: Leaving) -> bool:
    """Tell whether a tool's result leaves only if its structure is what the output schema says."""
    if leaving.definition is None or leaving.definition.output_schema is None or leaving.is_told_again:
        return False
    return result.get("isError") is not True and not _goes_on(result)


def _goes_on(result: Mapping[str, Any]) -> bool:
    if "structuredContent" in result or "content" in result:
        return False
    return result.get("resultType") == "input_required" or type(result.get("task")) is dict


def _validator(schema: Any) -> Any:
    """Return the compiled schema; False: it is none, and nothing conforms to it."""
    try:
        return jsonschema_rs.validator_for(schema, retriever=nothing_remote)
    except Exception:  # noqa: BLE001 - whatever is wrong with a schema of a server, nothing conforms to it
        return False


def nothing_remote(uri: str) -> Any:
    """Refuse to fetch what a schema points to outside itself."""
    raise ValueError(uri)
