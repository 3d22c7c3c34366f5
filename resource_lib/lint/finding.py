"""
What a rule is, what it finds, and how one tool is shown to it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from resource_lib.lint.places import Place, arguments_of, results_of, words_of
from resource_lib.wire.tool_policy import ToolClass

Severity = Literal["error", "warning", "advice"]
SEVERITIES: Final[tuple[Severity, ...]] = ("advice", "warning", "error")
"""From the mildest on. advice: a better tool; warning: a bound that is missing; error: a way in."""


class LintedTool:
    """One tool as its server lists it, read for the rules. `tool_class` is what the policy says of it; None: nobody said."""

    def __init__(self, definition: Mapping[str, Any], tool_class: ToolClass | None = None) -> None:
        self.definition = definition
        self.tool_class = tool_class
        self.name = _text(definition.get("name"))
        self.title = _text(definition.get("title"))
        self.description = _text(definition.get("description"))
        annotations = definition.get("annotations")
        self.annotations: Mapping[str, Any] = annotations if isinstance(annotations, Mapping) else {}

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name, in lower case."""
        return words_of(self.name)

    @cached_property
    def arguments(self) -> tuple[Place, ...]:
        """Every place of the input schema where a caller puts a value."""
        return arguments_of(self.definition.get("inputSchema"))

    @cached_property
    def results(self) -> tuple[Place, ...]:
        """Every place of the output schema where the tool puts one."""
        return results_of(self.definition.get("outputSchema"))


Found = Iterable[tuple[str, str]]
"""Where in the tool (a JSON pointer into arguments or results; empty: the tool itself), and what is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line of the table: what is looked for, why it matters, and what cures it."""

    id: str
    severity: Severity
    control: str
    """Of the 66 controls, the one that asks for it."""
    says: str
    cure: str
    find: Callable[[LintedTool], Found] | None = None
    """None: it looks at all tools together, or at the waivers (`linting.py`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing to mend in one tool."""

    rule: Rule
    tool: str
    at: str
    detail: str
    waived: str = ""
    """Why its author lets it be; empty: nobody does."""

    def __str__(self) -> str:
        """Say it in one line, for a log and `doctor()`."""
        where = f"{self.tool}{f' {self.at}' if self.at else ''}"
        return f"{where}: {self.rule.id}: {self.detail}"

    def to_json(self) -> dict[str, str]:
        """Return it for programs."""
        said = {
            "tool": self.tool,
            "at": self.at,
            "rule": self.rule.id,
            "severity": self.rule.severity,
            "control": self.rule.control,
            "detail": self.detail,
            "cure": self.rule.cure,
        }
        return said | ({"waived": self.waived} if self.waived else {})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
