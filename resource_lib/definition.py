"""
What a tool says of itself in its server's own list: what a person is shown, what its arguments must be, and the hash that a yes is bound to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resource_lib.wire.tool_call import definition_hash

_SHOWN: Final = 2000
_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, weakref_slot=True)
class Definition:
    """One tool, as it stands in the server's own list. Compared by identity: what is made of it is kept with it."""

    hash: str
    title: str = ""
    description: str = ""
    version: str = ""
    tool: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, repr=False)
    """All of it, as the server lists it; empty where it is not listed."""
    made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    """What was made of it by whoever looks at answers, each under a name of their own: its shape, its compiled schema."""

    @property
    def is_listed(self) -> bool:
        """Whether the server lists such a tool at all."""
        return "inputSchema" in self.tool

    @property
    def input_schema(self) -> Any:
        """JSON Schema of the arguments, as advertised; None: there is none."""
        return self.tool.get("inputSchema")

    @property
    def output_schema(self) -> Any:
        """JSON Schema of `structuredContent`, as advertised; None: there is none."""
        return self.tool.get("outputSchema")


def definition_of(tool: Mapping[str, Any]) -> Definition:
    """Return the definition of a listed tool. Raises InexpressibleError."""
    annotations = tool.get("annotations")
    titles = (tool.get("title"), annotations.get("title") if isinstance(annotations, dict) else None)
    return Definition(
        hash=definition_hash(tool),
        title=next((_text(title) for title in titles if _text(title)), ""),
        description=_text(tool.get("description")),
        version=_text(tool.get("version")),
        tool=tool,
    )


def named(tool: str | None, definition: Definition | None) -> dict[str, str | None]:
    """Return how a line of the log names a call: its tool, and by its hash what that was then. Empty: nobody had to look, so nobody knows."""
    return {"tool": tool, "definition_hash": "" if definition is None else definition.hash}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
