"""
What an author should mend before a tool meets an agent: risky arguments, missing bounds, descriptions that give orders.
"""

from resource_lib.lint.finding import Finding, Rule, Severity
from resource_lib.lint.linting import LintReport, lint
from resource_lib.lint.rules import RULES
from resource_lib.lint.waivers import Waiver, read_waivers, waivers_of
from resource_lib.lint.watching import LintMode, Watching

__all__ = [
    "RULES",
    "Finding",
    "LintMode",
    "LintReport",
    "Rule",
    "Severity",
    "Waiver",
    "Watching",
    "lint",
    "read_waivers",
    "waivers_of",
]
