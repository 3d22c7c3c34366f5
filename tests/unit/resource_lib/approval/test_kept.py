"""What is kept of an outcome: everything but what the author hides of the arguments."""

import json

import pytest

from resource_lib.approval.kept import kept

ARGUMENTS = {
    "card": {"number": "4111 1111", "cvv": "123"},
    "lines": [{"note": 'She said "no"'}, {"note": "Häuser"}],
    "pin": 987654,
    "amount": 987654321,
    "kind": "text",
}
REDACT = ("card", "lines.note", "pin", "kind")


def said(**members):
    return {"content": [{"type": "text", "text": "done"}], **members}


@pytest.mark.requirement("delivery:outcome:what-is-hidden-is-not-kept")
@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (said(), said()),
        (
            {
                "content": [{"type": "text", "text": "paid with 4111 1111, pin 987654, 987654321 cents"}],
                "isError": False,
            },
            {
                "content": [{"type": "text", "text": "paid with (hidden), pin (hidden), 987654321 cents"}],
                "isError": False,
            },
        ),
        (
            {"content": [{"type": "text", "text": json.dumps({"note": 'She said "no"', "other": "Häuser"})}]},
            {"content": [{"type": "text", "text": '{"note": "(hidden)", "other": "(hidden)"}'}]},
        ),
        (
            {"structuredContent": {"cvv": "123", "all": ["1234", {"4111 1111": 987654}], "on": True}},
            {"structuredContent": {"cvv": "(hidden)", "all": ["1234", {"(hidden)": "(hidden)"}], "on": True}},
        ),
        (
            {"error": {"code": 987654, "message": "no such card: 4111 1111", "data": {"pin": 987654}}},
            {"error": {"code": 987654, "message": "no such card: (hidden)", "data": {"pin": "(hidden)"}}},
        ),
    ],
)
def test_what_is_hidden_of_the_arguments_is_hidden_in_what_is_kept(result, expected):
    """Decision 13: as a text of its own, inside another, inside JSON that is a text, as a name; what makes it a result stays."""
    assert expected == kept(result, ARGUMENTS, REDACT)


def test_where_nothing_is_hidden_the_outcome_is_kept_as_it_was():
    """An author who hides nothing gets back what was answered, letter by letter."""
    result = said(structuredContent={"card": "4111 1111"})

    assert result is kept(result, ARGUMENTS, ())


@pytest.mark.parametrize(
    ("result", "arguments"),
    [
        (said(more="x" * 70_000), {}),
        (said(more=float("nan")), {}),
        (said(more="\ud800"), {}),
        (said(more="abcd" * 12_000), {"hidden": "abcd"}),
        (said(), {"hidden": [f"value {number}" for number in range(201)]}),
    ],
)
def test_what_cannot_be_kept_is_said_to_be_too_large(result, arguments):
    """Never half of it, and never what nobody had time to look through."""
    assert {"too_large": True} == kept(result, arguments, ("hidden",))
