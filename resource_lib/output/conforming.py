"""
Is a result still of the form that its tool declares, after everything that was taken out of it.

JSON Schema 2020-12 unless the schema says otherwise; nothing remote is ever fetched.
"""

from collections.abc import Mapping
from typing import Any

from resource_lib.output.leaving import Leaving


def conforms(result: Mapping[str, Any], leaving: Leaving) -> bool:
    """Tell whether the structure of a tool's result is what its output schema says.

    An error has none to be held against a schema (MCP "Tools", Output Schema), nor has a call that goes on: a task, or a question.
    """
    definition = leaving.definition
    if definition is None or not is_held_to_schema(result, leaving):
        return True
    validator = definition.made.get("validator")
    if validator is None:
        validator = definition.made["validator"] = _validator(definition.output_schema)
    if validator is False:
        return False
    try:
        return bool(validator.is_valid(result.get("structuredContent")))
    except Exception:  # noqa: BLE001 - what a schema cannot be asked, nothing conforms to
        return False


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
        return compiled(schema)
    except Exception:  # noqa: BLE001 - whatever is wrong with a schema of a server, nothing conforms to it
        return False


def compiled(schema: Any, *, formats: bool = False) -> Any:
    """Return what `is_valid` can be asked of. Raises whatever the library finds wrong; with `formats`, also where none asserts them."""
    try:
        import jsonschema_rs  # noqa: PLC0415 - it may not be installed
    except ImportError:
        if formats:
            raise
        return _by_jsonschema(schema)
    return jsonschema_rs.validator_for(schema, validate_formats=formats, retriever=_nothing_remote)


def _by_jsonschema(schema: Any) -> Any:
    import jsonschema  # noqa: PLC0415 - where jsonschema-rs has no wheel
    import referencing  # noqa: PLC0415

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    kind.check_schema(schema)
    return kind(schema, registry=referencing.Registry())


def _nothing_remote(uri: str) -> Any:
    raise ValueError(uri)
