"""
One schema, compiled: whether a value fits, and if not, why.

By jsonschema-rs where it is installed, with patterns in time that grows with the text alone; else by `jsonschema`, which takes only
patterns that cannot run away. Nothing is fetched by either. Formats are asserted.
"""

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any, Protocol

from resource_lib.arguments.words import Path

Found = Iterable[tuple[Path, str]]
"""Where something is wrong, and what would be right."""


class Checker(Protocol):
    """A compiled schema."""

    def fits(self, value: Any) -> bool:
        """Tell whether `value` satisfies the schema."""
        ...

    def wrong(self, value: Any, *, first_alone: bool = False) -> Found:
        """Return what is wrong with `value`; the first thing alone where that is enough."""
        ...


def compiled(schema: dict[str, Any]) -> Checker:
    """Return the schema, compiled. Raises UnusableSchemaError."""
    found: Checker = _engine().compiled(schema)
    return found


def _engine() -> Any:
    # Asked for at first use: one of them may not be installed.
    if importlib.util.find_spec("jsonschema_rs") is not None:
        return importlib.import_module("resource_lib.arguments.engine_rs")
    return importlib.import_module("resource_lib.arguments.engine_python")
