"""The manifest is true: what we promise is shown by a test, and what a test shows is a promise."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from resource_lib.wire.controls import CONTROLS
from tests.requirements import CAPABILITIES, CATALOGUE, MCP_ROWS, REQUIREMENTS, SECTIONS, TELLING

TESTS = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.requirement("ours:manifest:every-promise-is-shown")


def names_shown() -> dict[str, list[str]]:
    """Return which promises the suite's markers name, and where; read from the sources, so that a selection cannot hide any."""
    shown: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        for line, name in markers(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
            shown.setdefault(name, []).append(f"{path.relative_to(TESTS)}:{line}")
    return shown


def markers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "requirement"
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "mark"
        ):
            for argument in node.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    raise TypeError(f"line {node.lineno}: a requirement is named by a plain string")
                yield node.lineno, argument.value


def test_every_promise_has_a_test_or_waits_for_a_capability_by_name():
    """Ours: a promise nobody shows is marketing."""
    shown = names_shown()

    unshown = {name for name, line in REQUIREMENTS.items() if line.pending is None and name not in shown}

    assert set() == unshown


def test_every_marked_test_names_a_promise_of_the_manifest():
    """Ours: a misspelt marker would show nothing and look like coverage."""
    unknown = {name: places for name, places in names_shown().items() if name not in REQUIREMENTS}

    assert {} == unknown


@pytest.mark.parametrize("name", sorted(name for name, line in REQUIREMENTS.items() if line.pending))
def test_a_promise_waits_only_while_its_capability_is_not_built(name):
    """Ours: `pending` ends by itself; whoever builds the capability writes the test."""
    capability = REQUIREMENTS[name].pending

    is_built = CAPABILITIES[capability]()

    assert not is_built, f"{capability!r} has been built: write the test of {name!r} and remove its pending()"


def test_every_case_of_the_attack_catalogue_is_named_by_a_promise():
    """Ours: its groups are covered case by case, those of `CATALOGUE`; a forgotten one shows here."""
    sources = " ".join(line.source for line in REQUIREMENTS.values())

    forgotten = [
        f"{group}-{number}"
        for group, numbers in CATALOGUE.items()
        for number in numbers.split()
        if f"{group}-{number}" not in sources
    ]

    assert [] == forgotten


def test_every_row_of_the_authorization_requirements_is_named_by_a_promise():
    """MCP authorization, server side: "MCP A3 to A6" names four rows, "MCP A11, A14" two."""
    sources = " ".join(line.source for line in REQUIREMENTS.values())
    named: set[int] = set()
    for first, last in re.findall(r"\bA(\d+)(?: to A(\d+))?", sources):
        named |= set(range(int(first), int(last or first) + 1))

    assert set() == MCP_ROWS - named


def test_no_two_sections_claim_the_same_promise():
    """Ours: the second would silently replace the first."""
    assert sum(len(section) for section in SECTIONS) == len(REQUIREMENTS)


def test_what_tells_most_of_a_control_is_promised_and_shown():
    """C66: docs/controls.md shows it first; a promise that was renamed would fall out of it unseen."""
    shown = names_shown()

    unknown = [
        f"{control}: {promise}" for control, told in TELLING.items() for promise in told.split() if promise not in shown
    ]

    assert [] == unknown
    assert set(TELLING) <= {control.id for control in CONTROLS}
