"""Whoever opens what names people is in the record: each place in the code that opens a payload says so first, or is known not to need it."""

import ast
from pathlib import Path

import pytest

SERVER = Path(__file__).resolve().parents[2] / "authserver"

RECORDED = {
    "web/admin/audit.py": "reading.opened",
    "domain/audit/story.py": "reading.opened",
    "cli/control/local.py": "reading.opened",
    "domain/audit/exporting.py": "Kind.RECORD_EXPORTED",
}
"""What shows somebody what the record says of people, and by what it is recorded that it did."""

WITHOUT = {
    "domain/audit/event.py": "the one way that all others take",
    "domain/audit/payload.py": "the one way that all others take",
    "domain/inventory/review.py": "which operator decided about a tool, shown to operators beside it; nothing of a call",
    "cli/tool.py": "which operator changed the rules for a tool, shown to operators beside them; nothing of a call",
    "cli/tour/record.py": "the demonstration looks whether its own call is there, and shows nobody",
}
"""What opens payloads, and shows nobody what the record says of calls and of people."""

OPENS = {"open_payload", "revealed", "payload.opened", "payloads.opened"}


def openings(path: Path) -> list[ast.Call]:
    """Return the calls of a file that open a payload."""
    return [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call) and _opens(node)
    ]


def _opens(node: ast.Call) -> bool:
    said = ast.unparse(node.func)
    return said in OPENS or said.rpartition(".")[2] in OPENS


def opening_files() -> set[str]:
    return {str(path.relative_to(SERVER)) for path in SERVER.rglob("*.py") if openings(path)}


@pytest.mark.requirement("questions:readers:every-opening-is-known")
def test_every_place_that_opens_a_payload_is_known():
    """C45: a new one has to say how it is recorded, or why it is not."""
    assert set(RECORDED) | set(WITHOUT) == opening_files()


@pytest.mark.requirement("questions:readers:every-opening-is-known")
@pytest.mark.parametrize("name", sorted(RECORDED))
def test_it_is_recorded_before_it_is_opened(name):
    """In the function that opens, or in one that is entered before: it stands above it in the file, and commits or joins the commit."""
    text = (SERVER / name).read_text("utf-8")
    first = min(call.lineno for call in openings(SERVER / name))
    recorded = [number for number, line in enumerate(text.splitlines(), 1) if RECORDED[name] in line]

    assert recorded and recorded[0] < first


def test_the_search_finds_what_it_looks_for(tmp_path):
    """The control."""
    planted = tmp_path / "planted.py"
    planted.write_text("from x import event\ndef show(work, row):\n    return event.open_payload(work, row)\n")
    assert 1 == len(openings(planted))
