"""A server that puts what its caller may not see into every channel there is: none of them leaks."""

import asyncio
import base64
import gzip
import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resource_lib import Record
from resource_lib.audit.spool import read_folder
from tests.support.answering import CANARIES, JANE, Shown, listed, mirrored, result_of, text_of
from tests.support.guarded import LEGACY, MODERN

MAIL = "jane@canary.example"
KEY = "AKIAIOSFODNN7EXAMPLE"
FOUND = f"{MAIL} {KEY}"
"""What the detectors know; what only the schema knows is JANE's."""


def leaks(answer, *more):
    text = text_of(answer).lower()
    return [one for one in (*CANARIES, MAIL, KEY, *more) if one.lower() in text]


def progress(text):
    return {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": 1, "progress": 1, "message": text},
    }


def logged(data):
    return {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": data}}


OK = mirrored({"customers": []})
SAID = {
    "text": [{**OK, "content": [{"type": "text", "text": FOUND}]}],
    "text as JSON with escapes": [
        {
            **OK,
            "content": [
                {"type": "text", "text": '{"a":"jane\\u0040canary.example","b":["\\u0041KIAIOSFODNN7EXAMPLE"]}'}
            ],
        }
    ],
    "text as JSON with a repeated member": [
        {**OK, "content": [{"type": "text", "text": f'{{"customers":["{FOUND}"],"customers":[]}}'}]}
    ],
    "resource text": [{**OK, "content": [{"type": "resource", "resource": {"uri": "a:b", "text": FOUND}}]}],
    "resource uri": [{**OK, "content": [{"type": "resource", "resource": {"uri": f"mailto:{MAIL}", "text": ""}}]}],
    "resource file": [
        {
            **OK,
            "content": [
                {"type": "resource", "resource": {"uri": "a:b", "blob": base64.b64encode(FOUND.encode()).decode()}}
            ],
        }
    ],
    "link": [
        {**OK, "content": [{"type": "resource_link", "uri": "a:b", "name": MAIL, "description": KEY, "title": MAIL}]}
    ],
    "image": [
        {
            **OK,
            "content": [{"type": "image", "mimeType": "image/png", "data": base64.b64encode(FOUND.encode()).decode()}],
        }
    ],
    "unknown block": [{**OK, "content": [{"type": "novel", "body": {"deep": [FOUND]}}]}],
    "block meta": [
        {**OK, "content": [{"type": "text", "text": "", "_meta": {"a": FOUND}, "annotations": {"audience": [MAIL]}}]}
    ],
    "content that is no list": [{**OK, "content": FOUND}],
    "meta": [{**OK, "_meta": {"a": FOUND, MAIL: 1}}],
    "unknown member of a result": [{**OK, "more": {"a": [FOUND]}}],
    "member of the structure": [mirrored({"customers": [{**JANE, "note": FOUND}], "row": "hidden-row-id"})],
    "name of a member": [mirrored({"customers": [{**JANE, MAIL: 1}]})],
    "error result": [
        {
            "isError": True,
            "content": [{"type": "text", "text": FOUND}],
            "structuredContent": {"trace": FOUND, "customers": [JANE]},
        }
    ],
    "error message": [
        {"error": {"code": -32000, "message": f"no row for {FOUND}", "data": {"row": [FOUND], "customers": [JANE]}}}
    ],
    "message beside a result": [{"result": OK, "debug": FOUND}],
    "version": [{"jsonrpc": FOUND, "id": 1, "result": OK}],
    "reply to somebody else": [{"jsonrpc": "2.0", "id": MAIL, "result": mirrored({"customers": [JANE]})}],
    "error to somebody else": [{"jsonrpc": "2.0", "id": MAIL, "error": {"code": 1, "message": FOUND}}],
    "both result and error": [
        {"jsonrpc": "2.0", "id": 1, "result": mirrored({"customers": [JANE]}), "error": {"code": 1, "message": FOUND}}
    ],
    "result that is no object": [{"jsonrpc": "2.0", "id": 1, "result": [FOUND, JANE]}],
    "input required": [
        {
            "resultType": "input_required",
            "inputRequests": {"a": {"method": "elicitation/create", "params": {"message": FOUND}}},
        }
    ],
    "task": [{"task": {"taskId": "t1", "statusMessage": FOUND}}],
}
STREAMED = {
    "progress": [progress(FOUND), OK],
    "log": [logged({"deep": [FOUND]}), logged(FOUND), OK],
    "unknown notification": [{"jsonrpc": "2.0", "method": "notifications/novel", "params": {"a": FOUND}}, OK],
    "method": [{"jsonrpc": "2.0", "method": MAIL, "params": {}}, OK],
    "params that are no object": [{"jsonrpc": "2.0", "method": "notifications/novel", "params": [FOUND]}, OK],
    "sampling": [
        {
            "jsonrpc": "2.0",
            "id": "s1",
            "method": "sampling/createMessage",
            "params": {"messages": [{"content": {"type": "text", "text": FOUND}}]},
        },
        OK,
    ],
    "id of a request": [{"jsonrpc": "2.0", "id": MAIL, "method": "roots/list"}, OK],
}


@pytest.mark.requirement("output:no-channel-leaks:every-channel")
@pytest.mark.parametrize("era", [MODERN, LEGACY], ids=["modern", "legacy"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("channel", SAID)
async def test_no_part_of_an_answer_leaks(channel, stream, era, caplog):
    """Obot #6462 leaked through `content` what it took out of the structure."""
    caplog.set_level(logging.DEBUG, logger="resource_lib")
    shown = Shown()
    shown.server.stream = stream

    answer = await shown.see(*SAID[channel], headers=[era])

    assert [] == leaks(answer)
    assert [] == [one for one in (MAIL, KEY, "Jane") if one in caplog.text]
    assert answer.body


@pytest.mark.requirement("output:no-channel-leaks:every-channel")
@pytest.mark.parametrize("channel", STREAMED)
async def test_nothing_that_is_said_meanwhile_leaks(channel):
    """Progress, logs and requests of the server leave at once, and are looked through all the same."""
    shown = Shown()
    shown.server.stream = True

    answer = await shown.see(*STREAMED[channel])

    assert [] == leaks(answer)
    assert {"customers": []} == result_of(answer)["structuredContent"]


RAW = {
    "comment": b": %b\n\ndata: {}\n\n",
    "event type": b"event: %b\ndata: {}\n\n",
    "event id": b"id: %b\ndata: {}\n\n",
    "unknown field": b"note: %b\ndata: {}\n\n",
    "byte order mark": b'\xef\xbb\xbfdata: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"%b"}]}}\n\n',
    "no JSON": b"data: %b\n\n",
    "JSON on two lines": b'data: {"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"customers":[]},\ndata: "content":[{"type":"text","text":"%b"}]}}\n\n',
    "mixed line ends": b'data: {"jsonrpc":"2.0","id":1,\r\ndata: "result":{"structuredContent":{"customers":[]},"content":[{"type":"text","text":"%b"}]}}\r\n\n',
    "unfinished": b'data: {"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"customers":[]},"content":[{"type":"text","text":"%b"}]}}',
}


@pytest.mark.requirement("output:no-channel-leaks:what-cannot-be-read")
@pytest.mark.parametrize("form", RAW)
async def test_no_form_of_an_event_leaks(form):
    """HTML "Server-sent events": readers differ in what they forgive, so only plain events leave."""
    shown = Shown()
    shown.server.content_type = b"text/event-stream"
    shown.server.raw = RAW[form] % FOUND.encode()

    assert [] == leaks(await shown.see({}))


REPLY = json.dumps({"jsonrpc": "2.0", "id": 1, "result": mirrored({"customers": [JANE]})}).encode()
STRANGE = {
    "compressed": (gzip.compress(REPLY), b"application/json", [(b"content-encoding", b"gzip")]),
    "a page": (b"<p>" + FOUND.encode(), b"text/html", []),
    "a traceback": (b"Traceback: " + FOUND.encode(), b"text/plain", []),
    "another charset": (REPLY.decode().encode("utf-16"), b"application/json; charset=utf-16", []),
    "no content type": (REPLY, b"", []),
    "two content types": (REPLY, b"application/json", [(b"content-type", b"text/html")]),
    "a repeated member": (
        b'{"jsonrpc":"2.0","id":1,"result":{"content":"' + MAIL.encode() + b'"},"result":{}}',
        b"application/json",
        [],
    ),
    "not a number": (
        b'{"jsonrpc":"2.0","id":1,"result":{"a":NaN,"content":[{"type":"text","text":"' + MAIL.encode() + b'"}]}}',
        b"application/json",
        [],
    ),
    "no JSON": (FOUND.encode(), b"application/json", []),
    "two values": (b'{"jsonrpc":"2.0","id":1,"result":{}}' + REPLY, b"application/json", []),
    "too deep": (
        b'{"jsonrpc":"2.0","id":1,"result":' + b'{"a":' * 5000 + b'"' + MAIL.encode() + b'"' + b"}" * 5001,
        b"application/json",
        [],
    ),
    "too large": (REPLY + b" " * (17 * 2**20), b"application/json", []),
}


@pytest.mark.requirement("output:no-channel-leaks:what-cannot-be-read")
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("form", STRANGE)
async def test_what_cannot_be_read_is_withheld_and_its_caller_is_told(form, status):
    """Fail closed; the status of an error stays, and so does the id."""
    shown = Shown()
    shown.server.raw, shown.server.content_type, shown.server.more_headers = STRANGE[form]
    shown.server.status = status

    answer = await shown.see({})

    assert [] == leaks(answer)
    assert status == answer.status
    assert ("output_withheld", 1) == (answer.error["error"], answer.json["id"])


@pytest.mark.requirement("output:no-channel-leaks:every-channel")
@pytest.mark.parametrize(
    ("method", "result"),
    [
        (
            "resources/read",
            {
                "contents": [
                    {"uri": "a:b", "text": FOUND},
                    {"uri": "a:b", "blob": base64.b64encode(FOUND.encode()).decode()},
                ]
            },
        ),
        (
            "prompts/get",
            {"description": MAIL, "messages": [{"role": "user", "content": {"type": "text", "text": FOUND}}]},
        ),
        ("resources/list", {"resources": [{"uri": f"mailto:{MAIL}", "name": KEY}]}),
        ("completion/complete", {"completion": {"values": [MAIL, KEY]}}),
        ("novel/method", {"a": {"b": [FOUND]}}),
        ("tasks/get", {"taskId": "t9", "status": "failed", "statusMessage": FOUND}),
    ],
)
async def test_no_other_method_leaks(method, result):
    """A resource or a prompt shows whatever a tool shows."""
    shown = Shown()
    shown.server.says = [{"result": result}]

    assert [] == leaks(await shown.rpc(method, {"uri": "a:b", "name": "x", "taskId": "t9"}))


@pytest.mark.requirement("output:no-channel-leaks:tasks")
async def test_what_comes_of_a_task_is_looked_through_as_its_call_is():
    """The answer to `tasks/result` is the call's; of a task that nobody knows nothing leaves."""
    shown = Shown()
    await shown.see({"task": {"taskId": "t1", "status": "working"}})
    shown.server.says = [{"result": mirrored({"customers": [JANE]})}]

    known = await shown.rpc("tasks/result", {"taskId": "t1"})
    unknown = await shown.rpc("tasks/result", {"taskId": "t2"})
    shown.server.says = [{"result": {"taskId": "t1", "status": "completed", "result": mirrored({"customers": [JANE]})}}]
    inside = await shown.rpc("tasks/get", {"taskId": "t1"})

    assert "***" == result_of(known)["structuredContent"]["customers"][0]["name"]
    assert "***" == result_of(inside)["result"]["structuredContent"]["customers"][0]["name"]
    assert [[], [], []] == [leaks(known), leaks(unknown), leaks(inside)]
    assert "result" not in unknown.json


@pytest.mark.requirement("output:no-channel-leaks:tasks")
async def test_a_task_that_was_begun_with_personal_data_shows_none_to_a_token_that_may_not_see_it():
    """Rights are those of whoever asks now: tokens are exchanged and narrowed while tasks run."""
    shown = Shown(arguments="strict")
    await shown.see({"task": {"taskId": "t1"}}, scopes=("notes:read", "pii:read"), arguments={"include_pii": True})
    shown.server.says = [{"result": mirrored({"customers": [JANE]})}]

    full = await shown.rpc("tasks/result", {"taskId": "t1"}, "notes:read", "pii:read")
    masked = await shown.rpc("tasks/result", {"taskId": "t1"}, "notes:read")

    assert "Jane Canary" == result_of(full)["structuredContent"]["customers"][0]["name"]
    assert "swordfish" not in text_of(full)
    assert [] == leaks(masked)


@pytest.mark.requirement("output:no-channel-leaks:batch")
async def test_each_reply_of_a_batch_is_looked_through_by_its_own_call():
    """2025-03-26: replies may come in any order; one that nobody asked for is withheld with the rest."""
    shown = Shown(listed("see", JANE_ALONE), listed("plain"))
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": {}}}
        for number, name in ((1, "see"), ("1", "plain"))
    ]
    replies = [
        {"jsonrpc": "2.0", "id": "1", "result": {"structuredContent": {"name": "Jim"}, "content": []}},
        {"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": {"name": "Jane"}, "content": []}},
    ]

    async def sent():
        shown.server.raw = json.dumps(replies).encode()
        return await shown.send(json.dumps(calls).encode(), headers=[LEGACY])

    good = await sent()
    replies.append({"jsonrpc": "2.0", "id": 7, "result": {"structuredContent": {"name": "Jane"}}})
    bad = await sent()

    assert [{"name": "Jim"}, {"name": "***"}] == [one["result"]["structuredContent"] for one in good.json]
    assert [] == leaks(bad)
    assert [1, "1"] == [one["id"] for one in bad.json]


JANE_ALONE = {"type": "object", "properties": {"name": {"type": "string", "x-pii": "name"}}}


@pytest.mark.requirement("output:no-channel-leaks:streams-of-a-session")
async def test_an_answer_that_a_session_repeats_is_looked_through_as_the_first_time():
    """2025-11-25 "Resumability": a stream opened by GET repeats answers to earlier requests, by rights the caller has now."""
    shown = Shown(arguments="strict")
    pii = "Bearer " + shown.issuer.token(scopes=["notes:read", "pii:read"])
    plain = "Bearer " + shown.issuer.token(scopes=["notes:read"])
    shown.server.more_headers = [(b"mcp-session-id", b"s1")]
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    await shown.send(json.dumps(hello).encode(), pii, headers=[LEGACY])
    in_session = [LEGACY, ("mcp-session-id", "s1")]
    reply = {"jsonrpc": "2.0", "id": 5, "result": mirrored({"customers": [JANE]})}
    shown.server.says = [reply]
    call = {
        "jsonrpc": "2.0",
        "id": 5,
        "method": "tools/call",
        "params": {"name": "see", "arguments": {"include_pii": True}},
    }
    first = await shown.send(json.dumps(call).encode(), pii, headers=in_session)
    shown.server.stream, shown.server.says = True, [progress(FOUND), reply, {**reply, "id": 6}]

    again = await shown.send(b"", pii, headers=in_session, method="GET")
    masked = await shown.send(b"", plain, headers=in_session, method="GET")

    assert "Jane Canary" == result_of(first)["structuredContent"]["customers"][0]["name"]
    assert "Jane Canary" == result_of(again)["structuredContent"]["customers"][0]["name"]
    assert 1 == again.body.count(b'"result"')
    assert [] == leaks(masked)
    assert "swordfish" not in text_of(again)


# ---------------------------------------------------------------------------------------------------------------------
# Generated
# ---------------------------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "note", "items", "data", "text", "blob", "result", "type", "code"])
_PRIVATE = st.sampled_from(
    [
        {"type": "string", "x-secret": True},
        {"type": "string", "x-pii": "name"},
        {"type": "string", "x-pii": "id"},
        {"type": ["string", "null"], "x-pii": "address", "minLength": 1, "maxLength": 60},
        {"type": "array", "items": {"type": "string", "x-pii": "name"}},
        {"type": "object", "x-pii": "name"},
    ]
)
_OPEN = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "object"}, {}, {"type": ["string", "null"]}])
CANARY = "Quinceañera Xylophonë"


def _objects(inner):
    member = st.one_of(_PRIVATE, _OPEN, inner)
    return st.dictionaries(_NAMES, member, min_size=1, max_size=3).map(
        lambda found: {"type": "object", "properties": found}
    )


SCHEMAS = st.recursive(
    _objects(_OPEN),
    lambda inner: st.one_of(
        _objects(inner),
        inner.map(lambda found: {"type": "object", "properties": {"items": {"type": "array", "items": found}}}),
        inner.map(lambda found: {"type": "object", "properties": {"maybe": {"anyOf": [found, {"type": "null"}]}}}),
        inner.map(lambda found: {"type": "object", "properties": {"all": {"allOf": [found]}}}),
        inner.map(lambda found: {"type": "object", "additionalProperties": found}),
        inner.map(lambda found: {"type": "object", "patternProperties": {"^p": found}}),
        inner.map(lambda found: {"type": "object", "unevaluatedProperties": found}),
        inner.map(lambda found: {"type": "object", "properties": {"list": {"prefixItems": [found]}}}),
        inner.map(lambda found: {"type": "object", "properties": {"list": {"contains": found}}}),
        inner.map(lambda found: {"type": "object", "properties": {"text": {"type": "string", "contentSchema": found}}}),
        inner.map(lambda found: {"type": "object", "if": {"required": ["nothing"]}, "else": found}),
        inner.map(lambda found: {"type": "object", "properties": {"own": {"x-of-ours": found}}}),
    ),
    max_leaves=4,
)


def value_of(schema, draw):
    """A value of the schema with the canary in each private place, and MAIL in each open text."""
    if "x-pii" in schema or "x-secret" in schema:
        return [CANARY] if schema["type"] == "array" else {"x": CANARY} if schema["type"] == "object" else CANARY
    for word in ("anyOf", "allOf"):
        if word in schema:
            return value_of(schema[word][0], draw)
    for word in ("items", "contains"):
        if word in schema:
            return [value_of(schema[word], draw)]
    for word in ("else", "x-of-ours"):
        if word in schema:
            return value_of(schema[word], draw)
    if "prefixItems" in schema:
        return [value_of(schema["prefixItems"][0], draw)]
    if "contentSchema" in schema:
        return json.dumps(value_of(schema["contentSchema"], draw))
    if "patternProperties" in schema:
        return {"px": value_of(schema["patternProperties"]["^p"], draw)}
    if "unevaluatedProperties" in schema:
        return {"x": value_of(schema["unevaluatedProperties"], draw)}
    if "properties" in schema:
        found = {name: value_of(each, draw) for name, each in schema["properties"].items()}
        return found | ({"undeclared": draw(st.sampled_from([CANARY, MAIL]))} if draw(st.booleans()) else {})
    if "additionalProperties" in schema:
        return {draw(st.sampled_from(["x", MAIL])): value_of(schema["additionalProperties"], draw)}
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    return {"string": f"said {MAIL}", "integer": 7, "object": {"deep": [MAIL]}}[kind]


def has_private(schema):
    return "x-pii" in json.dumps(schema) or "x-secret" in json.dumps(schema)


@st.composite
def answers(draw):
    """A tool and what its server answers: the structure as the schema has it, and the same words in other channels."""
    schema = draw(SCHEMAS)
    structure = value_of(schema, draw)
    words = MAIL if not has_private(schema) else f"{MAIL}, {CANARY.upper() if draw(st.booleans()) else CANARY}."
    said = draw(
        st.sampled_from(
            [words, json.dumps({"deep": [{"x": words}]}), json.dumps(words), json.dumps(structure), f"({words})"]
        )
    )
    block = draw(
        st.sampled_from(
            [
                {"type": "text", "text": said},
                {"type": "text", "text": json.dumps(structure, indent=draw(st.sampled_from([None, 2])))},
                {"type": "resource", "resource": {"uri": "a:b", "text": said}},
                {"type": "resource", "resource": {"uri": "a:b", "blob": base64.b64encode(said.encode()).decode()}},
                {"type": "resource_link", "uri": "a:b", "name": said},
                {"type": "novel", "x": {"y": [said]}},
            ]
        )
    )
    result = {"content": [block], "structuredContent": structure}
    if draw(st.booleans()):
        result["_meta"] = draw(st.sampled_from([{"a": said}, {said: 1}, {"a": [{"b": said}]}]))
    if draw(st.booleans()):
        result["isError"] = draw(st.booleans())
    return schema, result, *draw(questions())


@st.composite
def questions(draw):
    """What a tool takes, and arguments in which the canary stands where its schema calls something private, and nowhere else."""
    schema = draw(SCHEMAS)
    arguments = value_of(schema, draw)
    if not has_private(schema):
        arguments = json.loads(json.dumps(arguments).replace(json.dumps(CANARY)[1:-1], MAIL))
    elif draw(st.booleans()):
        arguments["aside"] = draw(st.sampled_from([f"of {CANARY}, {MAIL}", [CANARY.upper()], json.dumps([CANARY])]))
    return schema, arguments


@pytest.mark.requirement("output:no-channel-leaks:generated")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(answers(), st.booleans(), st.booleans())
def test_no_generated_answer_leaks(made, stream, modern):
    """Whatever the schemas, the arguments, the structure and the channel: neither what is annotated nor what a detector knows leaves, is logged
    or is recorded.
    """
    schema, result, takes, arguments = made
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage() + str(vars(record)))
    log = logging.getLogger("resource_lib")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        with TemporaryDirectory() as spool:
            shown = Shown(listed("see", schema) | {"inputSchema": takes}, record=Record(spool=spool))
            shown.server.stream = stream
            era = MODERN if modern else LEGACY
            answer, later, rows = asyncio.run(_all_of_it(shown, result, arguments, era, Path(spool)))
    finally:
        log.removeHandler(handler)
        log.setLevel(level)

    text = text_of(answer) + text_of(later)
    decoded = text + "".join(_decoded(text))
    canaries = [CANARY, CANARY.upper()]
    private = canaries if has_private(schema) else []
    assert [] == [one for one in (MAIL, *private) if one in decoded]
    assert "undeclared" not in text or _is_open(schema, result)
    assert [] == [one for one in (MAIL, *private) if one in "".join(records)]
    assert ["see"] == [json.loads(row)["tool"] for row in rows]
    # Whom it names is told to the issuer, by which they are found to be erased, and kept as keyed references alone.
    told = [{name: said for name, said in json.loads(row).items() if name != "subjects"} for row in rows]
    asked = json.dumps([one.pop("arguments") for one in told], ensure_ascii=False)
    kept = json.dumps(told, ensure_ascii=False)
    assert [] == [one for one in (MAIL, *private) if one in kept + "".join(_decoded(kept))]
    private = canaries if has_private(takes) else []
    assert [] == [one for one in (MAIL, *private) if one in asked + "".join(_decoded(asked))]


async def _all_of_it(shown, result, arguments, era, spool):
    """What leaves of a call and of what is said afterwards, and the rows that are kept of it."""
    answer = await shown.see(result, headers=[era], arguments=arguments)
    later = await _said_later(shown, result["content"])
    await shown.guard.aclose()
    return answer, later, list(read_folder(spool))


async def _said_later(shown, words):
    """What the server says of it afterwards, unasked: on a stream opened by GET, and of a task that nobody knows."""
    shown.server.stream = True
    shown.server.says = [
        logged(words),
        progress(json.dumps(words)),
        {"jsonrpc": "2.0", "method": "notifications/tasks/status", "params": {"taskId": "t", "error": {"data": words}}},
    ]
    return await shown.send(b"", headers=[LEGACY], method="GET")


def _decoded(text):
    for word in text.replace("\\", '"').split('"'):
        try:
            yield base64.b64decode(word, validate=True).decode()
        except ValueError:
            continue


def _is_open(schema, result):
    """Whether an undeclared member may stand somewhere: in an error, which no schema holds, or where any name is declared."""
    return (
        result.get("isError") is True
        or any(word in json.dumps(schema) for word in ("additionalProperties", "unevaluatedProperties", "x-of-ours"))
        or '"else"' in json.dumps(schema)
        or "contentSchema" in json.dumps(schema)
        or any("undeclared" in json.dumps(member) for name, member in result.items() if name != "structuredContent")
    )
