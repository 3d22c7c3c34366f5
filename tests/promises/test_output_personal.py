"""Personal data leaves masked, by the output schema and by detectors, unless the token may see it and the call asks for it."""

import base64
import json
import logging

import pytest

from resource_lib import Output, SettingsError
from tests.support.answering import CANARIES, CUSTOMERS, JANE, Shown, listed, mirrored, result_of
from tests.support.guarded import LEGACY, MODERN

MASKED = {
    "id": "cus_0001",
    "name": "***",
    "email": "user***@***.example",
    "phone": None,
    "address": "Bern, Switzerland",
    "api_secret": "[secret]",
    "note": "met at the fair",
    "status": "active",
}
PII = ("notes:read", "pii:read")


def leaked(answer):
    return [canary for canary in CANARIES if canary.lower() in answer.body.decode().lower()]


@pytest.mark.requirement("output:personal:masked-by-the-schema")
async def test_what_the_schema_annotates_is_masked_in_its_type_and_form():
    """C34: conservative by default, and still what the schema says."""
    shown = Shown()

    answer = await shown.see(mirrored({"customers": [JANE]}))

    assert {"customers": [MASKED]} == result_of(answer)["structuredContent"]
    assert {"customers": [MASKED]} == json.loads(result_of(answer)["content"][0]["text"])


@pytest.mark.requirement("output:personal:masked-by-the-schema")
@pytest.mark.parametrize("method", ["resources/read", "prompts/get", "completion/complete"])
@pytest.mark.parametrize("scopes", [("notes:read",), PII], ids=["ordinary", "may see"])
async def test_what_a_tool_annotates_is_masked_where_no_tool_was_called_too(method, scopes):
    """C34: a document may hold what any tool returns, and nothing asks to see it there; also the first that is read."""
    shown = Shown(listed("other"), listed("see", CUSTOMERS))
    text = json.dumps({"name": "Jane Canary", "email": "jane@canary.example", "api_secret": "swordfish"})
    said = {"contents": [{"uri": "orders://1", "mimeType": "application/json", "text": text}], "name": "Jane Canary"}
    shown.server.says = [{"result": said}]

    answer = await shown.rpc(method, {"uri": "orders://1", "name": "orders"}, *scopes)

    assert [] == leaked(answer)
    assert "orders://1" == result_of(answer)["contents"][0]["uri"]


@pytest.mark.requirement("output:personal:masked-wherever-it-stands")
async def test_what_was_masked_in_the_structure_is_masked_in_every_other_place():
    """A name is no pattern that a detector knows: the schema teaches which words are personal."""
    shown = Shown()
    result = mirrored(
        {"customers": [{**JANE, "note": "jane canary rang"}]}, "Found Jane Canary (swordfish), of Canary Street."
    )
    result["content"] += [
        {"type": "text", "text": json.dumps({"name": "Someone Else", "swordfish": "x"})},
        {"type": "resource", "resource": {"uri": "x://1", "text": "Dear Jane,"}},
        {"type": "resource", "resource": {"uri": "x://2", "blob": base64.b64encode(b"Dear Jane Canary,").decode()}},
        {
            "type": "resource_link",
            "uri": "https://example.com/?who=Jane Canary",
            "name": "Jane",
            "description": "of Jane",
        },
    ]
    result["_meta"] = {
        "who": ["Jane Canary"],
        "Jane Canary": 1,
        "email": "jane@canary.example",
        "password": "swordfish-2",
    }
    secret = {**JANE, "api_secret": "swordfish"}
    result["structuredContent"]["customers"].append(secret)

    answer = await shown.see(result)

    assert [] == leaked(answer)
    assert "Someone" not in answer.body.decode()
    assert "Jane" not in base64.b64decode(result_of(answer)["content"][4]["resource"]["blob"]).decode()


FIELDS = {
    "email": {"type": "string", "title": "Your e-mail", "format": "email", "maxLength": 50},
    "name": {"type": "string", "description": "As on your card", "minLength": 1},
    "phone": {"type": "integer", "minimum": 1},
    "size": {"type": "string", "enum": ["small", "large"]},
}
VALUES = {
    "email": {"default": "jane@canary.example"},
    "name": {"default": "Jane", "enum": ["Jane", "Jane Canary"], "oneOf": [{"const": "Jane", "title": "Jane"}]},
    "phone": {
        "default": 4155550123,
        "type": ["4155550123"],
        "format": "4155550123",
        "maxLength": "4155550123",
        "of": 4155550123,
    },
}


def asking(fields):
    """What a server asks of a person, who is shown a form."""
    form = {"type": "object", "properties": fields, "required": ["email", "name"]}
    return {"method": "elicitation/create", "params": {"message": "Who are you?", "requestedSchema": form}}


async def asked(shown, request, *, is_modern):
    """The fields as they leave, and all of the answer."""
    if is_modern:
        answer = await shown.see({"resultType": "input_required", "inputRequests": {"email": request}})
        left = result_of(answer)["inputRequests"]["email"]
    else:
        shown.server.stream = True
        answer = await shown.see(
            {"jsonrpc": "2.0", "id": "q", **request}, mirrored({"customers": []}), headers=(LEGACY,)
        )
        left = json.loads(next(line[6:] for line in answer.body.splitlines() if b"elicitation" in line))
    return left["params"]["requestedSchema"], answer


@pytest.mark.requirement("output:personal:forms-keep-their-fields")
@pytest.mark.parametrize("is_modern", [True, False])
async def test_a_form_asks_for_what_is_personal_and_tells_none_of_it(is_modern):
    """A field that is called as personal data is can still be filled in; what stands ready in it is masked."""
    shown = Shown()
    form, _ = await asked(shown, asking(FIELDS), is_modern=is_modern)
    assert {"type": "object", "properties": FIELDS, "required": ["email", "name"]} == form

    proposing = {name: {**field, **VALUES.get(name, {})} for name, field in FIELDS.items()}
    form, answer = await asked(shown, asking(proposing), is_modern=is_modern)
    assert [] == leaked(answer)
    assert FIELDS["email"] | {"default": "user***@***.example"} == form["properties"]["email"]
    assert {"type": "string", "minLength": 1}.items() <= form["properties"]["name"].items()


@pytest.mark.requirement("output:personal:forms-keep-their-fields")
@pytest.mark.parametrize("is_modern", [True, False])
async def test_a_server_that_asks_a_model_may_name_tools_and_models_and_no_person(is_modern):
    """MCP "Sampling": what a tool is called and asks for stays; what stands ready in it, and what is said beside it, does not."""
    shown = Shown()
    schema = {"type": "object", "properties": FIELDS, "required": ["email", "name"]}
    params = {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Who?"}}],
        "maxTokens": 10,
        "modelPreferences": {"hints": [{"name": "claude-x"}, {"name": "Jane Canary"}]},
        "tools": [{"name": "find_order", "inputSchema": schema}],
    }
    request = {"method": "sampling/createMessage", "params": params}
    proposing = {name: {**field, **VALUES.get(name, {})} for name, field in FIELDS.items()}
    nasty = params | {
        "tools": [{"name": "Jane Canary", "inputSchema": schema | {"properties": proposing}}],
        "name": "Jane",
    }

    left, answer = await sampled(shown, request, is_modern=is_modern)
    _, other = await sampled(shown, {**request, "params": nasty}, is_modern=is_modern)
    again, _ = await sampled(shown, request, is_modern=is_modern)

    assert params | {"modelPreferences": {"hints": [{"name": "claude-x"}, {"name": "***"}]}} == left == again
    assert [] == leaked(answer) == leaked(other)


async def sampled(shown, request, *, is_modern):
    """What is asked of a model as it leaves, and all of the answer."""
    if is_modern:
        answer = await shown.see({"resultType": "input_required", "inputRequests": {"m": request}})
        return result_of(answer)["inputRequests"]["m"]["params"], answer
    shown.server.stream = True
    answer = await shown.see({"jsonrpc": "2.0", "id": "q", **request}, mirrored({"customers": []}), headers=(LEGACY,))
    return json.loads(next(line[6:] for line in answer.body.splitlines() if b"sampling" in line))["params"], answer


@pytest.mark.requirement("output:personal:forms-keep-their-fields")
@pytest.mark.parametrize("where", ["content", "_meta", "inputRequests", "other method"])
async def test_what_only_looks_like_a_form_is_masked_by_its_names(where):
    shown = Shown()
    form = asking({"name": {"title": "Jane"}, "api_secret": {"description": "swordfish"}})
    said = {
        "content": {"content": [{"type": "text", "text": json.dumps(form)}]},
        "_meta": {"content": [], "_meta": form},
        "inputRequests": {"content": [], "inputRequests": {"q": form}},
        "other method": {
            "resultType": "input_required",
            "inputRequests": {"q": {**form, "method": "elicitation/other"}},
        },
    }

    assert [] == leaked(await shown.see({"isError": True, **said[where]}))


WORDS = (
    "type",
    "role",
    "resultType",
    "audience",
    "level",
    "mimeType",
    "status",
    "uri",
    "text",
    "blob",
    "data",
    "code",
    "task",
)


@pytest.mark.requirement("output:personal:whatever-json-says")
@pytest.mark.parametrize("value", [["string", "null"], {"a": ["b"]}, None, 7, True], ids=str)
@pytest.mark.parametrize("part", ["structuredContent", "_meta", "text", "error"])
async def test_a_document_may_use_the_protocols_words_for_anything(part, value):
    """A tool that returns a JSON Schema says `type` with a list, and its answer leaves as any other."""
    shown = Shown(listed("see"))
    document = dict.fromkeys(WORDS, value) | {"data": "x", "deep": [dict.fromkeys(WORDS, value)]}
    result = {
        "structuredContent": mirrored(document),
        "_meta": {"content": [], "_meta": {"x": document}},
        "text": {"content": [{"type": "text", "text": json.dumps(document)}]},
        "error": {"error": {"code": 1, "message": "no", "data": document}},
    }[part]

    answer = await shown.see(result)

    said = json.loads(answer.body)
    assert (result if part == "error" else {"result": result}).items() <= said.items()


SERVER = "io.modelcontextprotocol/serverInfo"


@pytest.mark.requirement("output:personal:the-protocols-own-words")
@pytest.mark.parametrize("lists_first", [True, False])
async def test_the_name_of_a_server_stays_and_a_persons_name_in_its_place_does_not(lists_first):
    """The SDK says in each result which server it is from; a tool may write the same member, and is not believed."""
    shown = Shown()
    own = {"name": "people", "version": "1"}
    shown.server.of_itself = {"_meta": {SERVER: own}}
    if lists_first:
        await shown.rpc("tools/list")

    async def meta_of(server_info):
        said = mirrored({"customers": [{**JANE, "name": "Jane people"}]})
        answer = await shown.see({**said, "_meta": {SERVER: server_info, "name": "Jane"}})
        assert "Jane" not in answer.body.decode()
        return result_of(answer)["_meta"]

    assert {SERVER: own, "name": "***"} == await meta_of(own)
    for other in ({"name": "Jane", "version": "1"}, {**own, "of": "Jane people"}, {"name": ["people", "Jane"]}):
        assert "***" in json.dumps(await meta_of(other))
    assert {SERVER: own, "name": "***"} == await meta_of(own)


@pytest.mark.requirement("output:personal:the-protocols-own-words")
async def test_no_result_of_a_tool_teaches_what_a_server_says_of_itself():
    shown = Shown()
    said = {**mirrored({"customers": []}), "_meta": {SERVER: {"name": "Jane"}}}

    for _ in range(2):
        assert "Jane" not in (await shown.see(said)).body.decode()


@pytest.mark.requirement("output:personal:the-protocols-own-words")
@pytest.mark.parametrize(("code", "left"), [(-32602, -32602), (-32042, -32042), (415555, 0), (-40000, 0)])
async def test_an_error_keeps_its_code_where_it_is_the_protocols_own(code, left):
    """A tool that returns one-time codes hides what stands under that name; why a request failed is no such code."""
    schema = {"type": "object", "properties": {"code": {"type": "string", "x-secret": True}}}
    shown = Shown(listed("see", schema))

    answer = await shown.see({"error": {"code": code, "message": "no", "data": {"code": "swordfish"}}})

    assert {"code": left, "message": "no", "data": {"code": "[secret]"}} == json.loads(answer.body)["error"]


@pytest.mark.requirement("output:personal:free-text-is-searched")
@pytest.mark.parametrize("schema", [None, {"type": "object", "properties": {"note": {"type": "string"}}}])
async def test_free_text_is_searched_where_no_schema_describes_it(schema):
    """Detectors read what anybody may have written, with and without an output schema."""
    shown = Shown(listed("see", schema))
    text = "Write to jane@canary.example, key AKIAIOSFODNN7EXAMPLE, card 4111 1111 1111 1111."

    answer = await shown.see(mirrored({"note": text}, text))

    for canary in ("jane@canary", "AKIAIOSFODNN7EXAMPLE", "4111 1111"):
        assert canary not in answer.body.decode()


@pytest.mark.requirement("output:personal:free-text-is-searched")
@pytest.mark.parametrize(
    "text",
    [
        "jane@\u200bcan\u00adary.example",
        "jane@can<|im_start|>ary.example",
        "jane@can<!-- x -->ary.example",
        "Ja\u200bne",
    ],
)
async def test_what_nobody_sees_does_not_hide_an_address_or_a_name(text):
    """Hidden characters go first: else what has one in it would not be found, and be plain to read once it is gone."""
    shown = Shown()

    answer = await shown.see(mirrored({"customers": [JANE]}, text))

    assert result_of(answer)["content"][1]["text"] in ("user***@***.example", "***")


@pytest.mark.requirement("output:personal:typed-texts-are-not-read")
async def test_a_text_that_can_only_be_what_its_schema_says_is_left_alone():
    """An order number that looks like a card is none: its author said what it is."""
    schema = {
        "type": "object",
        "properties": {
            "order": {"type": "string", "pattern": "^[0-9]{16}$"},
            "kind": {"enum": ["jane@canary.example"]},
            "at": {"type": "string", "format": "date-time"},
            "key": {"type": "string", "format": "uuid"},
        },
    }
    shown = Shown(listed("see", schema))
    structure = {
        "order": "4111111111111111",
        "kind": "jane@canary.example",
        "at": "2026-01-02T03:04:05Z",
        "key": "123e4567-e89b-12d3-a456-426614174000",
    }

    assert structure == result_of(await shown.see(mirrored(structure)))["structuredContent"]


@pytest.mark.requirement("output:personal:typed-texts-are-not-read")
@pytest.mark.parametrize(
    "schema",
    [
        {"format": "uuid"},
        {"format": "date"},
        {"pattern": "^.*$"},
        {"pattern": "jane"},
        {"pattern": "^[^ ]+$"},
        {"pattern": "^\\S+$"},
        {"pattern": "^[a-z@.]+$"},
        {"anyOf": [{"enum": ["a"]}, {"type": "string"}]},
        {"format": "email"},
        {"minLength": 3},
    ],
)
async def test_a_schema_that_says_little_of_a_text_does_not_spare_it(schema):
    """A format that no validator asserts, a pattern that anything fits: the detectors read it."""
    shown = Shown(listed("see", {"type": "object", "properties": {"a": {"type": "string", **schema}}}))

    answer = await shown.see(mirrored({"a": "jane@canary.example"}))

    assert b"jane@canary" not in answer.body


@pytest.mark.requirement("output:personal:masked-by-the-schema")
@pytest.mark.parametrize(
    ("schema", "value", "shown_as"),
    [
        ({"type": "integer", "x-pii": "phone"}, 4155550123, 0),
        ({"type": ["string", "null"], "x-pii": "name"}, None, None),
        ({"type": "string", "maxLength": 2, "x-pii": "name"}, "Jo", "**"),
        ({"type": "string", "minLength": 8, "x-pii": "name"}, "Jane Doe", "********"),
        ({"type": "string", "x-pii": "no-such-kind"}, "Jane", "[secret]"),
        ({"type": "boolean", "x-secret": True}, True, False),
        ({"type": "array", "items": {"type": "string", "x-pii": "email"}}, ["a@b.com"], ["user***@***.com"]),
        (
            {
                "type": "object",
                "x-pii": "address",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
            {"street": "1 Canary Street", "city": "Bern"},
            {"street": "***", "city": "Bern"},
        ),
        ({"allOf": [{"type": "string"}, {"x-pii": "name"}]}, "Jane", "***"),
        ({"$ref": "#/$defs/secret"}, "swordfish", "[secret]"),
        ({"anyOf": [{"$ref": "#/$defs/secret"}, {"type": "null"}], "x-pii": "name"}, "swordfish", "[secret]"),
    ],
)
async def test_each_type_keeps_its_type(schema, value, shown_as):
    """Numbers become 0, or null where the schema takes it; the graver of two words counts; a word nobody knows is a secret."""
    whole = {"type": "object", "properties": {"a": schema}, "$defs": {"secret": {"type": "string", "x-secret": True}}}
    shown = Shown(listed("see", whole))

    found = result_of(await shown.see(mirrored({"a": value})))

    assert {"a": shown_as} == found["structuredContent"]


@pytest.mark.requirement("output:include-pii:only-where-the-token-may")
async def test_the_switch_exists_only_for_a_token_that_may_see_personal_data():
    """C34: for every other token the closed schema has no such member, in the list and at the call."""
    shown = Shown(listed("see", CUSTOMERS), listed("other", {"type": "object"}), arguments="strict")

    async def advertised(*scopes):
        answer = await shown.rpc("tools/list", None, *scopes)
        tools = result_of(answer)["tools"]
        return {tool["name"]: sorted(tool["inputSchema"]["properties"]) for tool in tools}

    assert {"see": ["include_pii"], "other": []} == await advertised(*PII)
    assert {"see": [], "other": []} == await advertised("notes:read")
    for scopes, tool in ((("notes:read",), "see"), (PII, "other")):
        refused = await shown.see(
            mirrored({"customers": [JANE]}), scopes=scopes, tool=tool, arguments={"include_pii": True}
        )
        assert "invalid_arguments" == refused.error["error"]
    assert [] == shown.server.asked


@pytest.mark.requirement("output:include-pii:shows-personal-data-and-no-secret")
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_with_scope_and_switch_personal_data_is_shown_and_secrets_are_not(era, caplog):
    """The server never sees the switch; that it was used is in the log."""
    caplog.set_level(logging.INFO, logger="resource_lib.guard")
    shown = Shown(arguments="strict")

    answer = await shown.see(
        mirrored({"customers": [JANE]}, "jane@canary.example"),
        scopes=PII,
        arguments={"include_pii": True},
        headers=[era],
    )

    assert {**JANE, "api_secret": "[secret]"} == result_of(answer)["structuredContent"]["customers"][0]
    assert "jane@canary.example" == result_of(answer)["content"][1]["text"]
    assert "swordfish" not in answer.body.decode()
    assert {} == shown.server.asked[0]["params"]["arguments"]
    assert any("include_pii:asked:1" in getattr(record, "notes", ()) for record in caplog.records)


@pytest.mark.requirement("output:include-pii:only-where-the-token-may")
@pytest.mark.parametrize("arguments", [{}, {"include_pii": False}])
async def test_a_token_that_may_and_a_call_that_does_not_ask_is_masked(arguments):
    """Least data first: the scope alone shows nothing."""
    shown = Shown(arguments="strict")

    answer = await shown.see(mirrored({"customers": [JANE]}), scopes=PII, arguments=arguments)

    assert [] == leaked(answer)
    assert {} == shown.server.asked[0]["params"]["arguments"]


@pytest.mark.requirement("output:include-pii:only-where-the-token-may")
async def test_the_scope_has_a_name_of_the_authors_choice():
    """`Output(pii_scope=…)`; `implies` counts; a word that is no scope stops the start."""
    shown = Shown(output=Output(pii_scope="people:full"), arguments="strict", implies={"all": ["people:full"]})

    answer = await shown.see(
        mirrored({"customers": [JANE]}), scopes=("notes:read", "all"), arguments={"include_pii": True}
    )

    assert "Jane Canary" == result_of(answer)["structuredContent"]["customers"][0]["name"]
    for wrong in ({"pii_scope": "two words"}, {"media": "some"}, {"most_bytes": 1}):
        with pytest.raises(SettingsError):
            Output(**wrong)


@pytest.mark.requirement("output:personal:errors-are-searched")
async def test_the_structure_of_an_error_is_masked_though_no_schema_holds():
    """`isError` is held against no schema, so nothing in it counts as typed."""
    shown = Shown()
    result = {**mirrored({"customers": [JANE], "id": "jane@canary.example"}), "isError": True}

    assert [] == leaked(await shown.see(result))


@pytest.mark.requirement("output:files")
async def test_files_pass_or_are_refused_as_the_author_says():
    """Nobody looks into an image; what is text in base64 is read as text, whatever it calls itself."""
    image = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n\xff").decode()}
    disguised = {"type": "audio", "mimeType": "audio/wav", "data": base64.b64encode(b"jane@canary.example").decode()}
    liar = {
        "type": "resource",
        "resource": {
            "uri": "x://",
            "mimeType": "text/plain",
            "blob": base64.b64encode("jane".encode("utf-16")).decode(),
        },
    }

    passed = result_of(await Shown(listed("see")).see({"content": [image, disguised, liar]}))["content"]
    refused = result_of(await Shown(listed("see"), output=Output(media="refuse")).see({"content": [image]}))["content"]

    assert image == passed[0]
    assert b"user***@***.example" == base64.b64decode(passed[1]["data"])
    assert "withheld" in passed[2]["resource"]["text"]
    assert ["text"] == [block["type"] for block in refused]
