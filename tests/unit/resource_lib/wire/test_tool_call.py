"""One call, one hash: whoever approves and whoever executes mean the same bytes."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from resource_lib.wire.tool_call import InexpressibleError, args_hash, definition_hash, raw_args_hash

VECTORS = Path(__file__).resolve().parents[3] / "vectors" / "rfc8785"

pytestmark = pytest.mark.requirement("wire:tool-call:one-hash-on-both-sides")


@pytest.mark.parametrize("name", sorted(path.name for path in (VECTORS / "input").iterdir()))
def test_arguments_are_hashed_in_their_canonical_form(name):
    """RFC 8785 §3, decision 13; the vectors are those of its authors."""
    arguments = json.loads((VECTORS / "input" / name).read_bytes())
    canonical = (VECTORS / "output" / name).read_bytes()

    assert sha256(b"mcp-call/1\n" + canonical).hexdigest() == args_hash(arguments)


def test_all_six_vectors_are_there():
    assert 6 == len(list((VECTORS / "input").iterdir())) == len(list((VECTORS / "output").iterdir()))


def test_the_hash_of_a_call_never_changes():
    """Decision 13: frozen; another value would end every approval that is pending."""
    assert sha256(b"mcp-call/1\n{}").hexdigest() == args_hash({})
    assert sha256(b'mcp-call/1\n{"amount":10,"order":"o1"}').hexdigest() == args_hash({"order": "o1", "amount": 10.0})
    assert sha256(b'mcp-raw/1\n{"n":1e999}').hexdigest() == raw_args_hash(b'{"n":1e999}')
    assert sha256(b'mcp-tool/1\n{"name":"refund"}').hexdigest() == definition_hash({"name": "refund"})


def test_a_default_that_was_not_sent_is_not_added():
    """Decision 13: as sent."""
    assert args_hash({"order": "o1"}) != args_hash({"order": "o1", "note": None})


@pytest.mark.parametrize(
    "arguments",
    [{"n": 2**53}, {"n": float("inf")}, {"n": float("nan")}, {"s": "\ud800"}, {"\ud800": 1}, {1: 2}, b"bytes"],
    ids=repr,
)
def test_what_rfc_8785_cannot_express_is_said_to_be_so(arguments):
    """Decision 13: never rounded to something that somebody else's call could share."""
    with pytest.raises(InexpressibleError) as caught:
        args_hash(arguments)

    assert repr(arguments) not in str(caught.value)


def test_bottomless_arguments_are_refused_and_do_not_crash():
    """RS-17: no RecursionError reaches the guard."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(InexpressibleError):
        args_hash(deep)


TOOL = {
    "name": "refund_order",
    "title": "Refund",
    "description": "Gives money back.",
    "inputSchema": {"type": "object", "properties": {"order": {"type": "string"}}},
    "outputSchema": {"type": "object"},
    "annotations": {"destructiveHint": True},
    "version": "1",
}


@pytest.mark.parametrize("member", sorted(TOOL))
def test_every_member_that_a_person_was_shown_changes_the_definition(member):
    """Decision 13: a tool that changed under the approval is another tool."""
    assert definition_hash(TOOL) != definition_hash(TOOL | {member: "other"})


def test_what_nobody_was_shown_does_not_change_the_definition():
    assert definition_hash(TOOL) == definition_hash(TOOL | {"_meta": {"x": 1}, "icons": []})
    assert definition_hash({"name": "a"}) == definition_hash({"name": "a", "title": None})
