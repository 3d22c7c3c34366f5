"""Answers that are too long still are what they say they are."""

import json

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib.output import cutting
from resource_lib.output.cutting import MARK, TRUNCATED, cut, json_shortened, shortened


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def texts(result):
    return "".join(block["text"] for block in result["content"])


@pytest.mark.requirement("screening:shortening:says-so")
def test_a_long_text_is_cut_at_ten_thousand_characters_and_says_so():
    """C32: the model must know that there was more."""
    result = shortened({"content": [{"type": "text", "text": "word " * 9000}], "isError": False})

    assert 9900 < len(texts(result)) <= 10_000
    assert {"type": "text", "text": MARK} == result["content"][-1]
    assert result["_meta"][TRUNCATED] is True
    assert result is shortened(result)


@pytest.mark.requirement("screening:shortening:says-so")
def test_what_is_short_enough_is_the_same_object():
    """Ours."""
    result = {"content": [{"type": "text", "text": "x" * 10_000}], "structuredContent": {"a": "y" * 9000}}

    assert shortened(result) is result


@pytest.mark.requirement("screening:shortening:says-so")
def test_later_blocks_go_before_the_budget_is_exceeded_and_pictures_are_no_text():
    """Ours: many small blocks are as long as one."""
    picture = {"type": "image", "data": "A" * 50_000, "mimeType": "image/png"}
    blocks = [picture, *({"type": "text", "text": "x" * 900} for _ in range(100))]

    result = shortened({"content": blocks})

    assert picture == result["content"][0]
    assert 9000 < sum(len(block["text"]) for block in result["content"][1:]) <= 10_000


@pytest.mark.requirement("screening:shortening:whole-letters")
@pytest.mark.parametrize(
    "letter",
    [
        "e\u0301",
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪",
        "❤\ufe0f",
        "कि",
        "\u1112\u1161\u11ab",
        "\r\n",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
    ids=["accent", "family", "skin", "flag", "heart", "devanagari", "hangul", "line", "england"],
)
def test_no_letter_is_split(letter):
    """C32: half of a letter is another letter."""
    text = letter * 40

    for most in range(len(text)):
        assert 0 == len(cut(text, most)) % len(letter), most


SCHEMA = {
    "type": "object",
    "required": ["id", "rows", "state"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Z]{2000}$"},
        "state": {"enum": ["open" * 100, "closed"]},
        "note": {"type": "string", "minLength": 5, "maxLength": 50_000},
        "rows": {"type": "array", "minItems": 3, "items": {"$ref": "#/$defs/row"}},
    },
    "$defs": {
        "row": {
            "type": "object",
            "required": ["at", "text"],
            "properties": {"at": {"type": "string", "format": "date"}, "text": {"type": "string"}},
        }
    },
}


@pytest.mark.requirement("screening:shortening:keeps-the-schema")
@pytest.mark.parametrize("rows", [1, 3, 30, 3000])
@pytest.mark.parametrize("length", [1, 300, 20_000])
def test_structured_content_keeps_to_its_schema(rows, length):
    """C32, C36: a result that its client refuses is worse than a short one."""
    value = {
        "id": "A" * 2000,
        "state": "open" * 100,
        "note": "n" * max(5, length),
        "rows": [{"at": "2026-01-01", "text": "t" * length} for _ in range(max(3, rows))],
    }

    result = shortened(
        {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}, schema=SCHEMA
    )

    assert jsonschema_rs.is_valid(SCHEMA, result["structuredContent"])
    assert len(compact(result["structuredContent"])) <= 10_000
    if result.get("_meta"):
        assert result["structuredContent"] == json.loads(result["content"][0]["text"])
        assert {"type": "text", "text": MARK} == result["content"][-1]
    else:
        assert value == result["structuredContent"]


@pytest.mark.requirement("screening:shortening:keeps-the-schema")
def test_what_cannot_be_shortened_is_withheld_as_an_error():
    """C36: fail closed, with words the model can act on."""
    schema = {"type": "object", "properties": {"id": {"type": "string", "pattern": "x"}}, "required": ["id"]}

    result = shortened({"content": [], "structuredContent": {"id": "x" * 20_000}, "isError": False}, schema=schema)

    assert result["isError"] is True
    assert "structuredContent" not in result
    assert "Ask for less" in result["content"][0]["text"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner, max_size=10),
    max_leaves=60,
)


@pytest.mark.requirement("screening:shortening:keeps-the-schema")
@settings(max_examples=60, deadline=None)
@given(JSON, st.integers(100, 2000))
def test_json_without_a_schema_is_shortened_to_json(value, most):
    """Ours: whatever it is, what leaves is at most as long as it may be."""
    shorter = json_shortened(value, most)

    assert len(compact(shorter)) <= most or shorter is None


@pytest.mark.requirement("screening:shortening:bounded")
@pytest.mark.parametrize(
    "value",
    [
        ["x" * 50] * 400_000,
        {str(number): "y" for number in range(200_000)},
        "z" * 20_000_000,
        [[["deep"] * 200] * 200] * 50,
    ],
    ids=["list", "object", "text", "nested"],
)
def test_a_huge_answer_is_read_only_as_far_as_it_is_shown(value, monkeypatch):
    """Ours: the work follows from what may leave, not from what came. Counted in nodes, not in time."""
    read = []
    real = cutting._read
    monkeypatch.setattr(cutting, "_read", lambda *args, **kwargs: read.append(1) or real(*args, **kwargs))

    result = shortened({"content": [], "structuredContent": {"value": value}})

    assert len(compact(result["structuredContent"])) <= 10_000
    assert len(read) < 30_000


@pytest.mark.requirement("screening:shortening:says-so")
def test_resources_and_prompts_end_with_the_mark():
    """C32: every way out."""
    read = shortened({"contents": [{"uri": "file:///a", "text": "x" * 20_000}]})
    prompt = shortened({"messages": [{"role": "user", "content": {"type": "text", "text": "x" * 20_000}}]})

    assert read["contents"][0]["text"].endswith(MARK)
    assert prompt["messages"][0]["content"]["text"].endswith(MARK)
    assert max(len(read["contents"][0]["text"]), len(prompt["messages"][0]["content"]["text"])) <= 10_000
    assert (read, prompt) == (shortened(read), shortened(prompt))
