"""No more leaves than the output schema declares, in every place that says it."""

import json
import sys

import pytest

from tests.support.answering import JANE, Shown, listed, mirrored, result_of
from tests.support.guarded import LEGACY, MODERN

ORDERS = {
    "type": "object",
    "properties": {
        "orders": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "status": {"enum": ["open", "sent"]},
                    "lines": {"type": "array", "items": {"$ref": "#/$defs/L"}},
                },
            },
        }
    },
    "required": ["orders"],
    "$defs": {"L": {"type": "object", "properties": {"sku": {"type": "string", "pattern": "^[a-z]{3}$"}}}},
}


@pytest.mark.requirement("output:declared:undeclared-members-are-dropped")
async def test_members_that_the_schema_does_not_name_are_dropped_at_every_level():
    """C35, C36: a whole row in a result is cut down to what was declared."""
    shown = Shown(listed("see", ORDERS))
    row = {"status": "open", "row_id": 4711, "lines": [{"sku": "abc", "cost": 3}]}

    answer = await shown.see(mirrored({"orders": [row], "sql": "SELECT"}))

    assert {"orders": [{"status": "open", "lines": [{"sku": "abc"}]}]} == result_of(answer)["structuredContent"]
    assert b"4711" not in answer.body
    assert b"cost" not in answer.body
    assert b"SELECT" not in answer.body


@pytest.mark.requirement("output:declared:the-text-is-rebuilt")
@pytest.mark.parametrize("indent", [None, 2])
async def test_text_that_mirrors_the_structure_is_written_anew_from_the_clean_one(indent):
    """C34: both SDKs say the structure once more as text."""
    shown = Shown(listed("see", ORDERS))
    structure = {"orders": [{"status": "open", "row_id": 1}]}
    result = mirrored(structure)
    result["content"][0]["text"] = json.dumps(structure, indent=indent)

    found = result_of(await shown.see(result))

    assert found["structuredContent"] == json.loads(found["content"][0]["text"])
    assert ("\n" in found["content"][0]["text"]) is (indent is not None)


@pytest.mark.requirement("output:declared:the-text-is-rebuilt")
async def test_text_that_mirrors_a_part_of_the_structure_is_written_anew_as_well():
    """FastMCP wraps what is no object in `result`, and the SDK says each entry of a list in a text of its own."""
    wrapped = {
        "type": "object",
        "properties": {"result": {"type": "array", "items": ORDERS["properties"]["orders"]["items"]}},
        "$defs": ORDERS["$defs"],
    }
    shown = Shown(listed("see", wrapped))
    rows = [{"status": "open", "row_id": 1}, {"status": "sent", "row_id": 2}]
    result = {
        "structuredContent": {"result": rows},
        "content": [{"type": "text", "text": json.dumps(row)} for row in rows],
    }

    found = result_of(await shown.see(result))

    assert [{"status": "open"}, {"status": "sent"}] == found["structuredContent"]["result"]
    assert ['{"status": "open"}', '{"status": "sent"}'] == [block["text"] for block in found["content"]]


@pytest.mark.requirement("output:unchanged-bytes")
@pytest.mark.parametrize("stream", [False, True])
async def test_what_needs_no_change_leaves_as_the_servers_own_bytes(stream):
    """Spaces, escapes and the order of members stay as the server wrote them."""
    shown = Shown(listed("see", ORDERS))
    raw = b'{ "id":1, "jsonrpc":"2.0",\t"result": {"content":[], "structuredContent":{"orders" : [{"status":"\\u006fpen"}]}} }'
    if stream:
        raw = b"id: 7\r\nevent: message\r\nretry: 10\r\ndata: " + raw + b"\r\n\r\n"
        shown.server.content_type = b"text/event-stream"
    shown.server.raw = raw

    assert raw == (await shown.see({})).body


@pytest.mark.requirement("output:declared:what-does-not-conform-is-withheld")
@pytest.mark.parametrize(
    "structure",
    [
        {"orders": "none"},
        {"orders": [{"status": "secret-status"}]},
        {},
        None,
        {"orders": [{"lines": [{"sku": "ABC"}]}]},
    ],
)
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_result_that_is_not_of_the_declared_form_is_withheld_in_words_for_a_model(structure, era):
    """C36: declared and enforced. The call has run, and its caller is told so."""
    shown = Shown(listed("see", ORDERS))
    result = {"content": [{"type": "text", "text": "secret-status"}]}
    if structure is not None:
        result["structuredContent"] = structure

    found = result_of(await shown.see(result, headers=[era]))

    assert found["isError"] is True
    assert found["_meta"]["authserver/error"]["error"] == "output_withheld"
    assert "has run" in found["content"][0]["text"]
    assert "secret-status" not in json.dumps(found)
    assert ("structuredContent" in found) is (era == MODERN)


@pytest.mark.requirement("output:declared:what-does-not-conform-is-withheld")
@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/none"},
        {"$ref": "https://example.com/schema.json"},
        {"type": "object", "properties": {"a": {"type": "nonsense"}}},
        {"type": "object", "patternProperties": {"(": {}}},
        "object",
    ],
)
async def test_a_schema_that_nobody_can_follow_lets_nothing_out(schema):
    """Fail closed; nothing remote is fetched."""
    shown = Shown(listed("see", schema))

    found = result_of(await shown.see(mirrored({"a": "canary"})))

    assert "output_withheld" == found["_meta"]["authserver/error"]["error"]
    assert "canary" not in json.dumps(found)


@pytest.mark.requirement("output:declared:undeclared-members-are-dropped")
@pytest.mark.parametrize(
    ("schema", "kept"),
    [
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"a": 1, "b": 2}),
        ({"anyOf": [{"$ref": "#/$defs/x"}, {"type": "null"}], "$defs": {"x": {"properties": {"a": {}}}}}, {"a": 1}),
        ({"properties": {"a": {}}, "additionalProperties": True}, {"a": 1, "b": 2, "c": 3}),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, {"a": 1, "b": 2, "c": 3}),
        ({"patternProperties": {"^[ab]$": {}}}, {"a": 1, "b": 2}),
        (
            {"properties": {"a": {}}, "if": {"properties": {"b": {"const": 2}}}, "then": {"properties": {"c": {}}}},
            {"a": 1, "b": 2, "c": 3},
        ),
        ({"type": "object"}, {"a": 1, "b": 2, "c": 3}),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"a": 1}),
        ({"properties": {}}, {}),
        ({"$ref": "#node", "$defs": {"n": {"$anchor": "node", "properties": {"b": {}}}}}, {"b": 2}),
    ],
)
async def test_what_counts_as_declared(schema, kept):
    """JSON Schema 2020-12 §10: a member is declared when a schema of its place names it, or says that any may stand there."""
    shown = Shown(listed("see", schema))

    found = result_of(await shown.see({"content": [], "structuredContent": {"a": 1, "b": 2, "c": 3}}))

    assert kept == found["structuredContent"]


@pytest.mark.requirement("output:off")
async def test_a_guard_without_output_lets_answers_leave_as_they_are():
    """`output=None` is a word of the author's."""
    shown = Shown(output=None)
    result = mirrored({"customers": [JANE], "more": 1})

    assert result == result_of(await shown.see(result))


@pytest.mark.requirement("output:declared:what-does-not-conform-is-withheld")
async def test_the_schema_holds_where_jsonschema_rs_has_no_wheel(monkeypatch):
    """The same answers by the library in Python; nothing remote is fetched by it either."""
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    good = {"orders": [{"status": "open", "lines": [{"sku": "abc"}]}]}
    answers = [
        result_of(await Shown(listed("see", {**schema, "title": "by jsonschema"})).see(mirrored(structure)))
        for schema, structure in (
            (ORDERS, good),
            (ORDERS, {"orders": [{"status": "canary"}]}),
            ({"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}}, {"a": "canary"}),
            ({"type": "object", "properties": {"a": {"type": "nonsense"}}}, {"a": "canary"}),
        )
    ]

    assert [good, "output_withheld", "output_withheld", "output_withheld"] == [
        found["_meta"]["authserver/error"]["error"] if found.get("isError") else found["structuredContent"]
        for found in answers
    ]
