"""
Asks every rule about every tool, lays the waivers over what was found, and says what is left.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resource_lib.lint.finding import SEVERITIES, Finding, LintedTool, Severity
from resource_lib.lint.rules import BY_ID, RULES
from resource_lib.lint.waivers import Waiver
from resource_lib.wire.tool_policy import ToolClass

MOST_FINDINGS = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class LintReport:
    """What was found in some tools."""

    tools: int
    """How many were looked at."""
    findings: tuple[Finding, ...]
    """What is left to mend, the gravest first."""
    waived: tuple[Finding, ...] = ()

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """Return what is as grave as that, or graver."""
        least = SEVERITIES.index(severity)
        return tuple(found for found in self.findings if SEVERITIES.index(found.rule.severity) >= least)

    def counted(self) -> dict[str, int]:
        """Return how many of each severity there are."""
        many = Counter(found.rule.severity for found in self.findings)
        return {severity: many[severity] for severity in reversed(SEVERITIES)}

    def __str__(self) -> str:
        """Say it in one line."""
        counted = ", ".join(f"{many} {severity}" for severity, many in self.counted().items() if many)
        waived = f", {len(self.waived)} waived" if self.waived else ""
        return f"{self.tools} tools: {counted or 'nothing to mend'}{waived}"

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "tools": self.tools,
            "counted": self.counted(),
            "findings": [found.to_json() for found in self.findings],
            "waived": [found.to_json() for found in self.waived],
        }


def lint(
    tools: Iterable[Mapping[str, Any]],
    *,
    classes: Mapping[str, ToolClass] | None = None,
    waivers: Collection[Waiver] = (),
    is_whole: bool = True,
) -> LintReport:
    """Return what there is to mend in `tools`, as their server lists them.

    `classes` is what the policy says of each. `is_whole`: these are all tools of the server, so that a waiver that matches nothing
    is a finding itself. Never raises for what a tool says.
    """
    linted = [LintedTool(tool, (classes or {}).get(_name(tool))) for tool in tools if isinstance(tool, Mapping)]
    found = [
        Finding(rule=rule, tool=tool.name, at=at, detail=detail)
        for tool in linted
        for rule in RULES
        if rule.find is not None
        for at, detail in rule.find(tool)
    ][:MOST_FINDINGS]
    found += _same_names(linted)
    left, waived = _without(found, waivers)
    if is_whole:
        left += _unused(waivers, [*waived])
    order = {severity: place for place, severity in enumerate(reversed(SEVERITIES))}
    left.sort(key=lambda one: (order[one.rule.severity], one.tool))
    return LintReport(tools=len(linted), findings=tuple(left), waived=tuple(waived))


def _same_names(tools: Sequence[LintedTool]) -> list[Finding]:
    many = Counter(tool.name.casefold().replace("-", "_") for tool in tools)
    return [
        Finding(rule=BY_ID["same-name"], tool=tool.name, at="", detail="another tool has this name, or nearly")
        for tool in tools
        if many[tool.name.casefold().replace("-", "_")] > 1
    ]


def _without(found: Sequence[Finding], waivers: Collection[Waiver]) -> tuple[list[Finding], list[Finding]]:
    left, waived = [], []
    for one in found:
        # The one that names the place says more than the one that names the tool.
        covering = [waiver for waiver in waivers if waiver.covers(one.tool, one.rule.id, one.at)]
        if covering:
            waived.append(replace(one, waived=max(covering, key=lambda waiver: len(waiver.at)).reason))
        else:
            left.append(one)
    return left, waived


def _unused(waivers: Collection[Waiver], waived: Sequence[Finding]) -> list[Finding]:
    """Return a finding for each waiver that matches nothing. One that is said of several tools at once counts where it matches."""
    used = {waiver for waiver in waivers if any(waiver.covers(one.tool, one.rule.id, one.at) for one in waived)}
    shared = {(waiver.rule, waiver.at, waiver.reason) for waiver in used}
    return [
        Finding(
            rule=BY_ID["unused-waiver"],
            tool=waiver.tool,
            at=waiver.at,
            detail=f"waives {waiver.rule!r}, which {'is not found here' if waiver.rule in BY_ID else 'is no rule'}",
        )
        for waiver in waivers
        if (waiver.rule, waiver.at, waiver.reason) not in shared
    ]


def _name(tool: Mapping[str, Any]) -> str:
    name = tool.get("name")
    return name if isinstance(name, str) else ""
