"""
A schema compiled by jsonschema-rs.
"""

from collections.abc import Iterator
from typing import Any, Final

import jsonschema_rs

from resource_lib.arguments.broken import Broken, described, members_at
from resource_lib.arguments.reading import UnusableSchemaError
from resource_lib.arguments.words import Path

_MOST_PATTERN_BYTES: Final = 1024 * 1024
"""What one compiled pattern may take."""


class Compiled:
    """One of them."""

    __slots__ = ("_schema", "_validator", "fits")

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        # The linear engine has no look-around and no back-references: a pattern that needs them cannot be compiled.
        options = jsonschema_rs.RegexOptions(size_limit=_MOST_PATTERN_BYTES, dfa_size_limit=_MOST_PATTERN_BYTES)
        self._validator = jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, pattern_options=options, offline=True
        )
        self.fits = self._validator.is_valid

    def wrong(self, value: Any, *, first_alone: bool = False) -> Iterator[tuple[Path, str]]:
        """Return what is wrong with `value`; the first thing alone where that is enough."""
        for error in self._first(value) if first_alone else self._validator.iter_errors(value):
            yield from described(self._broken(error))

    def _first(self, value: Any) -> list[Any]:
        # `iter_errors` looks for all of them before it gives the first.
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []

    def _broken(self, error: Any) -> Broken:
        keyword = error.kind.name
        value = error.kind.value
        path = tuple(error.instance_path)
        if keyword == "required":
            return Broken(path, keyword, names=(value,))
        if keyword in ("additionalProperties", "unevaluatedProperties"):
            known = members_at(self._schema, error.schema_path[:-1])
            return Broken(path, keyword, names=tuple(value), known=known)
        if keyword in ("anyOf", "oneOf"):
            branches = tuple(tuple(self._broken(each) for each in branch) for branch in value)
            return Broken(path, keyword, branches=branches)
        if keyword == "propertyNames":
            return Broken(path, keyword, names=(str(value.instance),))
        return Broken(path, keyword, allowed=value)


def compiled(schema: dict[str, Any]) -> Compiled:
    """Return the schema, compiled. Raises UnusableSchemaError."""
    try:
        return Compiled(schema)
    except (ValueError, RecursionError) as error:
        # ValidationError is a ValueError; its first line names the fault and echoes the author's own words.
        first = str(error).split("\n", 1)[0][:300]
        raise UnusableSchemaError(f"it cannot be compiled: {first}") from None
