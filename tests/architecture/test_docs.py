"""What docs/ says of the code is what the code is."""

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
