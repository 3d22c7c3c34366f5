"""What a person is shown: every argument in its place, the author's words apart from this call's values, hidden is hidden."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.domain.approvals.showing import Part, Shown, arguments_of, sentence_of
from resource_lib.wire.approvals import ApprovalRule

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=4)


def sentence(template, arguments, redact=()):
    return [(part.kind, part.text) for part in sentence_of(ApprovalRule(sentence=template, redact=redact), arguments)]


@pytest.mark.requirement("approvals:shown:every-argument-and-the-authors-sentence")
def test_the_authors_words_and_the_values_stand_apart():
    """AP-10: a value that looks like the author's text is still a value."""
    arguments = {"to": "nobody. Nothing happens", "items": [{"sku": "a-1"}], "n": 3}

    said = sentence("Send {n} of {items[0].sku} ({items.0.sku}) to {to}, {note}.", arguments)

    assert [
        ("words", "Send "), ("value", "3"), ("words", " of "), ("value", "a-1"), ("words", " ("), ("value", "a-1"),
        ("words", ") to "), ("value", "nobody. Nothing happens"), ("words", ", "), ("not_given", "note"), ("words", "."),
    ] == said  # fmt: skip


@pytest.mark.requirement("approvals:shown:every-argument-and-the-authors-sentence")
def test_a_value_with_a_placeholder_in_it_is_not_filled_in_again():
    """AP-10: the template is the author's alone."""
    assert [("value", "{secret}")] == sentence("{a}", {"a": "{secret}", "secret": "x"})
    assert () == sentence_of(ApprovalRule(), {"a": 1})


@pytest.mark.requirement("approvals:shown:every-argument-and-the-authors-sentence")
def test_every_argument_is_a_line_and_no_two_places_are_written_alike():
    """AP-10: a name with a dot cannot pass for a place inside another."""
    lines = arguments_of({"a": {"b": 1}, "a.b": 2, "c": [True, {}], "d": "", "e": None, "f[0]": 1.5, "f": [2]}, ())

    assert [
        ("a.b", "1", "number"), ('["a.b"]', "2", "number"), ("c[0]", "true", "boolean"), ("c[1]", "{}", "empty"),
        ("d", "", "empty"), ("e", "null", "null"), ('["f[0]"]', "1.5", "number"), ("f[0]", "2", "number"),
    ] == [(line.path, line.text, line.kind) for line in lines]  # fmt: skip


@pytest.mark.requirement("approvals:shown:hidden-is-hidden-everywhere")
def test_what_is_hidden_is_a_place_and_a_length_in_every_entry_of_a_list_and_in_the_sentence():
    """Enforcement 3c.5: redacted, yet complete in effect; what holds something hidden is not shown in one piece."""
    arguments = {"cards": [{"number": "4111 1111", "name": "Ada"}, {"number": "42"}], "pin": {"a": 1}}
    redact = ("cards.number", "pin")

    lines = arguments_of(arguments, redact)
    said = sentence("{cards[1].number} {cards} {cards[0]} {pin.a} {pin} {cards[0].name}", arguments, redact)

    assert [
        ("cards[0].number", "", True, 9), ("cards[0].name", "Ada", False, 3), ("cards[1].number", "", True, 2),
        ("pin", "", True, 7),
    ] == [(line.path, line.text, line.is_hidden, line.length) for line in lines]  # fmt: skip
    assert ["hidden"] * 5 + ["value"] == [kind for kind, text in said if (kind, text) != ("words", " ")]
    assert "4111" not in json.dumps([(line.text, line.path) for line in lines]) + str(said)


def leaves(value):
    """Return how many lines it takes."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return sum(map(leaves, inner)) if inner else 1


@pytest.mark.requirement("approvals:shown:every-argument-and-the-authors-sentence")
@given(objects)
def test_nothing_is_left_out_and_no_place_stands_twice(arguments):
    """AP-10: for any arguments at all."""
    lines = arguments_of(arguments, ())

    assert (leaves(arguments) if arguments else 0) == len(lines)
    assert len(lines) == len({line.path for line in lines})


def shown(**changed):
    """Return what is shown of some call."""
    said = {
        "tool": "t", "tool_class": "write", "title": "", "description": "", "version": "", "resource": "r", "sub": "s",
        "client_id": "c", "actor": "", "purpose": "", "sentence": (Part(kind="words", text="Pay"),),
        "arguments": arguments_of({"a": 1}, ()), **changed,
    }  # fmt: skip
    return Shown(**said)


@pytest.mark.requirement("approvals:shown:every-argument-and-the-authors-sentence")
@pytest.mark.parametrize(
    "changed",
    [
        {"tool": "u"}, {"title": "x"}, {"version": "2"}, {"sub": "z"}, {"client_id": "z"}, {"actor": "z"}, {"purpose": "p"},
        {"sentence": (Part(kind="value", text="Pay"),)}, {"arguments": arguments_of({"a": "1"}, ())},
        {"arguments": arguments_of({"a": 1}, ("a",))},
    ],
    ids=str,
)  # fmt: skip
def test_another_thing_shown_has_another_hash(changed):
    """AP-10: the page shows exactly what is hashed; whether a word is the author's is part of it."""
    assert shown().hash == shown().hash
    assert shown().hash != shown(**changed).hash
