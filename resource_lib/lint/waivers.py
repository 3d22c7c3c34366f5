"""
What an author lets be, and why: one rule at one tool, or at one argument of it, with a reason.

    read("orders:read", waive={"open-url": "stored as text, nobody fetches it"})

or a file, for a server whose code is not here:

    search_orders:
      open-url: stored as text, nobody fetches it
      unbounded-text:/query: the index cuts it at 200 characters
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from resource_lib.settings import SettingsError

MOST_REASON = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One rule, let be at one tool. `at` is a JSON pointer; empty: wherever it is found in the tool."""

    tool: str
    rule: str
    reason: str
    at: str = ""

    def covers(self, tool: str, rule: str, at: str) -> bool:
        """Tell whether a finding is meant."""
        return (self.tool, self.rule) == (tool, rule) and self.at in ("", at)


def waivers_of(said: Mapping[str, Mapping[str, str]], where: str = "waive") -> tuple[Waiver, ...]:
    """Return the waivers that a table says: by tool, then by rule. Raises SettingsError for one without a reason."""
    return tuple(
        waiver for tool, rules in said.items() for waiver in _of_tool(tool, rules, f"{where}[{str(tool)[:80]!r}]")
    )


def read_waivers(file: str | Path) -> tuple[Waiver, ...]:
    """Return the waivers of a YAML or JSON file. Raises SettingsError."""
    path = Path(file)
    try:
        said: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise SettingsError(
            "waivers", f"{path.name} cannot be read as YAML or JSON", "give the path of such a file"
        ) from None
    if said is None:
        return ()
    if not isinstance(said, Mapping):
        raise SettingsError(path.name, "is no table", "write a tool's name, and below it rule: reason")
    return waivers_of(said, path.name)


def together(*waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """Return them as one, each once."""
    return tuple(dict.fromkeys(waiver for some in waivers for waiver in some))


def _of_tool(tool: Any, rules: Any, where: str) -> Iterable[Waiver]:
    if not isinstance(tool, str) or not isinstance(rules, Mapping):
        raise SettingsError(where, "is no table of rules", "write rule: reason below a tool's name")
    for rule, reason in rules.items():
        if not isinstance(rule, str) or not isinstance(reason, str) or not 1 <= len(reason.strip()) <= MOST_REASON:
            raise SettingsError(
                f"{where}[{str(rule)[:80]!r}]", "says no reason", f"write why, in 1 to {MOST_REASON} characters"
            )
        name, _, at = rule.partition(":")
        yield Waiver(tool=tool, rule=name, reason=" ".join(reason.split()), at=at)
