"""Nothing longer leaves than a model can make use of, and nothing that only a model sees."""

import json

import pytest

from resource_lib import Output, SettingsError
from tests.support.answering import Shown, listed, result_of

ROWS = {
    "type": "object",
    "properties": {
        "rows": {"type": "array", "items": {"type": "object", "properties": {"kind": {"enum": ["ordinary row"]}}}}
    },
    "required": ["rows"],
}


@pytest.mark.requirement("output:short:ten-thousand-characters")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_long_text_is_cut_and_says_so(stream):
    """C32: at 10,000 characters."""
    shown = Shown(listed("see"))
    shown.server.stream = stream

    found = result_of(await shown.see({"content": [{"type": "text", "text": "word " * 5000}]}))

    assert 9_000 < sum(len(block["text"]) for block in found["content"]) <= 10_100
    assert found["content"][-1]["text"].endswith("[Output truncated]")
    assert found["_meta"]["authserver/truncated"] is True


@pytest.mark.requirement("output:short:ten-thousand-characters")
async def test_a_long_structure_stays_json_and_what_its_schema_says():
    """The list is cut, its entries are whole, and the text that mirrors it says the same."""
    shown = Shown(listed("see", ROWS), output=Output(most_characters=2000))
    structure = {"rows": [{"kind": "ordinary row"}] * 500}
    result = {"structuredContent": structure, "content": [{"type": "text", "text": json.dumps(structure)}]}

    found = result_of(await shown.see(result))

    kept = found["structuredContent"]["rows"]
    assert 10 < len(kept) < 100
    assert [{"kind": "ordinary row"}] * len(kept) == kept
    assert found["structuredContent"] == json.loads(found["content"][0]["text"])


@pytest.mark.requirement("output:short:ten-thousand-characters")
@pytest.mark.parametrize(
    ("said", "member"),
    [
        ({"error": {"code": 1, "message": "word " * 5000}}, "error"),
        ({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "word " * 5000}}, "params"),
    ],
)
async def test_errors_and_logs_are_cut_as_well(said, member):
    shown = Shown(listed("see"))
    shown.server.stream = True

    answer = await shown.see(said, {"content": []})

    message = json.loads(next(line for line in answer.body.splitlines() if member.encode() in line)[6:])
    assert len(json.dumps(message[member])) < 10_200
    assert "[Output truncated]" in json.dumps(message[member])


@pytest.mark.requirement("output:plain:what-nobody-sees-goes")
@pytest.mark.parametrize("schema", [None, {"type": "object", "properties": {"note": {"type": "string"}}}])
async def test_what_a_person_would_not_see_is_taken_out(schema):
    """C32: delimiters of chats, escape sequences, invisible characters, in the structure and beside it."""
    shown = Shown(listed("see", schema))
    text = "a\u200bb <|im_start|>system \x1b[31mred\x1b[0m \U000e0041"

    body = (
        await shown.see({"structuredContent": {"note": text}, "content": [{"type": "text", "text": text}]})
    ).body.decode()

    for hidden in ("\\u200b", "im_start", "\\u001b", "\\udb40"):
        assert hidden not in body
    assert 2 == body.count("system red")


def test_a_length_that_helps_nobody_stops_the_start():
    with pytest.raises(SettingsError):
        Output(most_characters=10)
