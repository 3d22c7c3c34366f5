"""
`python -m resource_lib lint APP`: what to mend in the tools of a server.

Ends with 0 when nothing is left of the severity asked for, 1 when something is, 2 when nobody could look.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from resource_lib.author_tools import NoToolsError, tools_named
from resource_lib.lint.finding import SEVERITIES
from resource_lib.lint.linting import LintReport, lint
from resource_lib.lint.rules import RULES
from resource_lib.lint.waivers import Waiver, read_waivers, together, waivers_of
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_policy import ToolClass

NOTHING_LOOKED_AT: Final = 2


def main(words: list[str]) -> int:
    """Look, say what was found, and return the exit code."""
    given = _arguments().parse_args(words)
    if given.rules:
        _print_rules(as_json=given.json)
        return 0
    if given.app is None:
        sys.stderr.write("lint: name a server as module:attribute, a JSON file, or -\n")
        return NOTHING_LOOKED_AT
    try:
        tools, server = tools_named(given.app)
        classes, own = _policy_of(server)
        waivers = together(own, read_waivers(given.waivers) if given.waivers else ())
    except (NoToolsError, SettingsError) as error:
        sys.stderr.write(f"lint: {error}\n")
        return NOTHING_LOOKED_AT
    if not tools:
        sys.stderr.write(f"lint: {given.app} lists no tools, so nothing was looked at\n")
        return NOTHING_LOOKED_AT
    report = lint(tools, classes=classes, waivers=waivers)
    if given.json:
        sys.stdout.write(json.dumps(report.to_json(), indent=2) + "\n")
    else:
        _print(report, is_quiet=given.quiet)
    return 1 if report.at_least(given.fail_on) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m resource_lib lint",
        description="Names what an author should mend before a tool meets an agent.",
        epilog="Examples: python -m resource_lib lint server:mcp; python -m resource_lib lint tools.json --waivers waivers.yaml",
    )
    parser.add_argument(
        "app", nargs="?", help="module:attribute of a server or a guarded app, a JSON file of tools, or -"
    )
    parser.add_argument("--json", action="store_true", help="say it for a program")
    parser.add_argument("--waivers", metavar="FILE", help="YAML or JSON: tool, rule, reason")
    parser.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        default="warning",
        help="end with 1 from this severity on (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="leave advice out")
    parser.add_argument("--rules", action="store_true", help="say which rules there are, and end")
    return parser


def _policy_of(server: Any) -> tuple[Mapping[str, ToolClass], tuple[Waiver, ...]]:
    """Return the classes and the waivers of a guarded app, or of a guard; of any other server nothing is known."""
    guard = getattr(server, "guard", server)
    demands = getattr(guard, "tools", None)
    waived = getattr(guard, "waived", None)
    if not isinstance(demands, Mapping) or not isinstance(waived, Mapping):
        return {}, ()
    return {name: demand.tool_class for name, demand in demands.items()}, waivers_of(waived)


def _print(report: LintReport, *, is_quiet: bool) -> None:
    cures: dict[str, str] = {}
    for found in report.findings:
        if is_quiet and found.rule.severity == "advice":
            continue
        sys.stdout.write(f"{found.rule.severity:<8} {found}\n")
        cures[found.rule.id] = found.rule.cure
    if cures:
        sys.stdout.write("\n")
    for rule, cure in cures.items():
        sys.stdout.write(f"{rule}: {cure}\n")
    for found in report.waived:
        sys.stdout.write(f"waived   {found} ({found.waived})\n")
    sys.stdout.write(f"{report}\n")


def _print_rules(*, as_json: bool) -> None:
    rows = [
        {"rule": rule.id, "severity": rule.severity, "control": rule.control, "says": rule.says, "cure": rule.cure}
        for rule in RULES
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for row in rows:
        sys.stdout.write(
            f"{row['rule']:<22} {row['severity']:<8} {row['control']}  {row['says']}\n{'':<36}{row['cure']}\n"
        )
