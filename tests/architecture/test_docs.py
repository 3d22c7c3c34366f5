"""What docs/ says of the code is what the code is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from authserver.runtime.migration import every_table
from docs import generate
from resource_lib.wire.controls import CONTROLS

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_made_from_the_code_are_up_to_date():
    """`python docs/generate.py` was run after the last change of a setting, an event or a docstring."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stdout + done.stderr)


@pytest.mark.requirement("controls:shown-by-tests")
def test_each_control_that_we_say_we_keep_is_shown_by_a_test():
    """docs/controls.md names a test for every control that the library, the server or our linter keeps."""
    shown = generate.tests_of_controls()
    kept = [
        one.id for one in CONTROLS if one.default in ("on", "option") and one.keeper in ("guard", "issuer", "author")
    ]

    assert [] == [control for control in kept if not shown.get(control)]
    later = [one.id for one in CONTROLS if one.default == "later"]
    assert [] == [control for control in later if shown.get(control)], "a test shows what is said not to be built"


@pytest.mark.requirement("controls:threat-model")
def test_the_threat_model_says_what_is_worth_stealing_who_might_and_where_they_would_come_in():
    """C64: the agent, the client, the data, the supply chain, and what is left."""
    text = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")

    assert {"What is worth stealing", "Who might", "Boundaries", "Out of scope", "What remains"} <= set(
        re.findall(r"^## (.+)$", text, re.MULTILINE)
    )
    assert all(word in text.lower() for word in ("prompt-injected agent", "malicious client", "supply chain", "tenant"))


@pytest.mark.parametrize("table", sorted(every_table().tables))
def test_every_table_is_explained(table):
    """docs/storage.md says what each table is for and how long a row lives."""
    assert f"| `{table}` |" in (ROOT / "docs/storage.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("adr", sorted(path.name for path in (ROOT / "docs/adr").glob("0*.md")))
def test_every_decision_says_what_was_decided_and_what_follows(adr):
    """An ADR without a decision is an essay."""
    text = (ROOT / "docs/adr" / adr).read_text(encoding="utf-8")

    assert text.startswith(f"# {int(adr[:4])}. ")


def test_decisions_are_numbered_without_a_double_or_a_hole():
    """A number is how a decision is named elsewhere, so it names one."""
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/adr").glob("0*.md"))

    assert list(range(1, len(numbers) + 1)) == numbers


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
)
def test_every_link_of_a_page_leads_to_a_file(page):
    """A page that sends its reader nowhere was written for another tree."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = {
        target
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        if "://" not in target and not target.startswith("mailto:")
    }

    assert [] == sorted(target for target in targets if not ((ROOT / page).parent / target).exists())


@pytest.mark.parametrize(
    "capability",
    sorted(path.name for path in (ROOT / "authserver/domain").iterdir() if (path / "__init__.py").exists()),
)
def test_every_capability_has_its_place_in_the_guide(capability):
    """Whoever looks for a promise finds its folder in ARCHITECTURE.md."""
    assert f"`domain/{capability}/`" in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
