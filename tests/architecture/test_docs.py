"""What docs/ says of the code is what the code is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from authserver.runtime.migration import every_table

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_made_from_the_code_are_up_to_date():
    """`python docs/generate.py` was run after the last change of a setting, an event or a docstring."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stdout + done.stderr)


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
