"""What a run says at its end: how many promises it showed, how many wait, and for what."""

import json
from collections import Counter

import pytest

from tests.requirements import REQUIREMENTS


class RequirementCount:
    """Counts the promises whose tests ran and passed in this run."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            # A property travels with the report, from a worker process of pytest-xdist too.
            names = [mark.args[0] for mark in item.iter_markers("requirement") if mark.args]
            item.user_properties += [("requirement", name) for name in names]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        names = {str(value) for kind, value in report.user_properties if kind == "requirement"}
        if report.failed:
            self.failed |= names
        elif report.when == "call" and report.passed:
            self.passed |= names

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        pending = Counter(line.pending for line in REQUIREMENTS.values() if line.pending)
        testable = len(REQUIREMENTS) - sum(pending.values())
        shown = len(self.passed - self.failed)
        terminalreporter.write_sep("-", "promises")
        terminalreporter.write_line(f"{shown} of {testable} promises shown by this run, {len(self.failed)} broken")
        if pending:
            waiting = ", ".join(f"{count} for {capability}" for capability, count in sorted(pending.items()))
            terminalreporter.write_line(f"{sum(pending.values())} wait: {waiting}")


class InteropTable:
    """What other people's software found, one line per suite; a test adds to its line with the fixture `tally`."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":
            return
        for kind, value in report.user_properties:
            if kind == "tally":
                suite, *counted = json.loads(str(value))
                known = self.rows.setdefault(suite, [0, 0, 0])
                self.rows[suite] = [before + more for before, more in zip(known, counted, strict=True)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.rows:
            return
        terminalreporter.write_sep("-", "other people's software")
        terminalreporter.write_line(f"{'suite':<56}{'scenarios':>10}{'checks':>10}{'failures':>10}")
        for suite, counted in sorted(self.rows.items()):
            terminalreporter.write_line(f"{suite:<56}" + "".join(f"{number:>10}" for number in counted))
