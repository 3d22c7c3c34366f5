"""What a tool advertises is what its calls are held to, and a model is told what to mend."""

import json
import time

import jsonschema
import pytest

from resource_lib import Bounds, ResourceGuard, SettingsError, read
from resource_lib.arguments import advertised, engine, engine_python
from resource_lib.wire.tool_call import definition_hash
from tests.support.guarded import LEGACY, MODERN
from tests.support.listed import Listed, tool

ORDER = {
    "properties": {
        "email": {"type": "string", "format": "email"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
        "status": {"enum": ["open", "closed"]},
        "code": {"type": "string", "pattern": "^[A-Z]{2}$", "maxLength": 64},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    "required": ["email"],
}
SECRET = "hunter2-never-echoed"
GOOD = {"email": "a@example.com", "limit": 3}


def fields(answer):
    found = {}
    for field in answer.error["fields"]:
        found[field["path"]] = f"{found.get(field['path'], '')} {field['fault']}"
    return found


@pytest.mark.requirement("arguments:strict:before-the-tool")
@pytest.mark.parametrize("era", [LEGACY, MODERN])
@pytest.mark.parametrize(
    ("arguments", "path", "said"),
    [
        ({**GOOD, "extra": 1}, "/extra", "'email', 'limit'"),
        ({**GOOD, "Email": "a@example.com"}, "/Email", "not taken"),
        ({"limit": 3}, "/email", "is required"),
        ({**GOOD, "limit": "3"}, "/limit", "integer"),
        ({**GOOD, "limit": 3.5}, "/limit", "integer"),
        ({**GOOD, "limit": True}, "/limit", "integer"),
        ({**GOOD, "limit": None}, "/limit", "integer"),
        ({**GOOD, "limit": 0}, "/limit", "at least 1"),
        ({**GOOD, "limit": 1001}, "/limit", "at most 1000"),
        ({"email": "nobody"}, "/email", "format 'email'"),
        ({**GOOD, "status": "gone"}, "/status", "'open', 'closed'"),
        ({**GOOD, "code": "ab\n"}, "/code", "^[A-Z]{2}$"),
        ({**GOOD, "code": "AB\n"}, "/code", "^[A-Z]{2}$"),
        ({**GOOD, "code": "A" * 65}, "/code", "64"),
        ({**GOOD, "address": {"city": "x", "zip": "y"}}, "/address/zip", "there are: 'city'"),
        ({**GOOD, "a/b~c": 1}, "/a~1b~0c", "not taken"),
        ([], "", "object"),
        ("text", "", "object"),
        (7, "", "object"),
        (..., "/email", "is required"),
        (None, "/email", "is required"),
    ],
)  # fmt: skip
async def test_what_is_not_as_advertised_never_reaches_the_tool_and_is_named(era, arguments, path, said):
    """C27, C28, RS-32, SEP-1303: refused by a result that a model reads, with a pointer, the rule and what is allowed."""
    it = Listed(tool(ORDER))

    answer = await it.call(arguments, headers=[era])

    assert (200, True, "invalid_arguments") == (answer.status, answer.json["result"]["isError"], answer.error["error"])
    assert said in fields(answer)[path]
    assert path in answer.json["result"]["content"][0]["text"]
    assert [] == it.server.called


@pytest.mark.requirement("arguments:strict:before-the-tool")
@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_what_is_as_advertised_reaches_the_tool_as_it_was_sent(era):
    """Nothing is coerced and nothing is added: the server reads the caller's own bytes. 1.0 is an integer in JSON Schema."""
    it = Listed(tool(ORDER), tool({}, "peek"))

    answers = [
        await it.call(arguments, headers=[era]) for arguments in (GOOD, {"email": "b@example.com", "limit": 1.0})
    ]
    empty = await it.call(..., tool="peek", scopes=["people:read"], headers=[era])

    assert {"done"} == {answer.json["result"]["content"][0]["text"] for answer in (*answers, empty)}
    assert [GOOD, {"email": "b@example.com", "limit": 1.0}, None] == it.server.called


@pytest.mark.requirement("arguments:errors:never-the-value")
async def test_no_value_of_a_call_comes_back_and_no_more_than_twenty_fields_are_named(caplog):
    """C28, K9: not in the result, not in the log; names of members are shortened and made harmless."""
    caplog.set_level("DEBUG")
    it = Listed(
        tool({**ORDER, "properties": {**ORDER["properties"], "u": {"anyOf": [{"type": "integer"}, {"const": "x"}]}}})
    )
    wrong = {
        "email": SECRET,
        "limit": SECRET,
        "status": SECRET,
        "code": SECRET,
        "u": SECRET,
        "address": {"city": [SECRET]},
    }

    answer = await it.call(wrong)
    many = await it.call({f"n{number}": SECRET for number in range(200)})
    strange = await it.call({**GOOD, "x" * 200: 1, "\u202e\x1b[2J": 1})

    assert {"/email", "/limit", "/status", "/code", "/u", "/address/city"} == fields(answer).keys()
    assert 20 == len(many.error["fields"])
    assert {"/" + "x" * 64 + "…", "/\ufffd\ufffd[2J"} == fields(strange).keys()
    assert SECRET not in (answer.body + many.body).decode() + caplog.text


@pytest.mark.requirement("arguments:errors:after-authorization")
async def test_nobody_learns_of_a_form_that_they_may_not_use():
    """C28, K9: no scope, no role, not offered: the answer is the one without arguments, byte for byte."""
    it = Listed(tool(ORDER), tool(ORDER, "audit"))
    wrong, right = {"nonsense": 1}, {"email": "a@example.com"}

    for name, scopes in (("see", ["people:read"]), ("audit", ["notes:read"]), ("hidden", ["notes:read"])):
        bad = await it.call(wrong, tool=name, scopes=scopes)
        good = await it.call(right, tool=name, scopes=scopes)
        assert (bad.status, bad.body) == (good.status, good.body)
        assert b"email" not in bad.body
    assert [] == it.server.called


@pytest.mark.requirement("arguments:listed:is-what-is-enforced")
@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_the_list_shows_the_very_schema_that_is_enforced(era):
    """C27: whoever checks against what was listed is accepted by the guard, and the reverse."""
    it = Listed(tool(ORDER))
    shown = (await it.listed(era))["tools"][0]["inputSchema"]
    reader = jsonschema.Draft202012Validator(shown, format_checker=jsonschema.FormatChecker())

    for arguments in (
        GOOD,
        {},
        {**GOOD, "x": 1},
        {**GOOD, "limit": "1"},
        {**GOOD, "address": {"x": 1}},
        {**GOOD, "address": {}},
    ):
        answer = await it.call(arguments, headers=[era])
        assert reader.is_valid(arguments) == ("isError" not in answer.json["result"])
    assert (False, False) == (shown["additionalProperties"], shown["properties"]["address"]["additionalProperties"])


@pytest.mark.requirement("arguments:listed:own-and-short")
async def test_a_list_is_the_callers_own_in_one_order_and_kept_for_seconds():
    """RS-22, decision 11, SEP-2549: no role, no tool; no scope, still there; by name, private, five seconds at most."""
    tools = [tool(ORDER, name) for name in ("wipe", "see", "audit", "add", "secret")]
    it = Listed(*tools)
    it.server.more = {"cacheScope": "public", "ttlMs": 3_600_000}

    reader, auditor = await it.listed(MODERN), await it.listed(MODERN, roles=["auditor"])
    it.server.tools = tools[::-1]
    again = await it.listed(MODERN)
    it.server.more = {"ttlMs": 100}
    shorter = await it.listed(MODERN)
    it.server.more = {}
    older = await it.listed(LEGACY)

    names = [[each["name"] for each in seen["tools"]] for seen in (reader, again, auditor)]
    assert [["add", "see", "wipe"]] * 2 + [["add", "audit", "see", "wipe"]] == names
    assert [("private", 5000)] * 3 == [(seen["cacheScope"], seen["ttlMs"]) for seen in (reader, again, auditor)]
    assert ("private", 100) == (shorter["cacheScope"], shorter["ttlMs"])
    assert {"tools"} == older.keys()


@pytest.mark.requirement("arguments:listed:own-and-short")
async def test_what_is_hidden_for_want_of_a_role_is_refused_by_the_role():
    """Hiding is a kindness to models; the call is decided all the same."""
    it = Listed(tool(ORDER, "audit"))

    refused = await it.call(GOOD, tool="audit")
    allowed = await it.call(GOOD, tool="audit", roles=["auditor"])

    assert ("policy_denied", 200) == (refused.error["error"], refused.status)
    assert "done" == allowed.json["result"]["content"][0]["text"]


@pytest.mark.requirement("arguments:unknown:fails-closed")
@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_a_tool_whose_form_nobody_knows_does_not_run_and_may_later(era):
    """Fail closed: not listed, or a list that cannot be read, is a typed refusal that says when to try again."""
    it = Listed(tool(ORDER, "peek"))

    unlisted = await it.call(GOOD, headers=[era])
    it.server.is_broken = True
    other = Listed(tool(ORDER))
    other.server.is_broken = True
    unreadable = await other.call(GOOD, headers=[era])
    other.server.is_broken = False
    later = await other.call(GOOD, headers=[era])

    assert [("server_inactive", 5, 200)] * 2 == [
        (seen.error["error"], seen.error["retry_after_s"], seen.status) for seen in (unlisted, unreadable)
    ]
    assert ([], [GOOD]) == (it.server.called, other.server.called)
    assert "done" == later.json["result"]["content"][0]["text"]


@pytest.mark.requirement("arguments:unusable:fails-closed")
@pytest.mark.parametrize("mode", ["strict", "advertised"])
async def test_a_schema_that_cannot_be_enforced_closes_its_tool_and_no_other(mode, caplog):
    """Not shown, not called, and its author reads why; the caller reads that other arguments do not help."""
    it = Listed(
        tool({"properties": {"a": {"$ref": "https://elsewhere.example/a.json"}}}), tool(ORDER, "peek"), arguments=mode
    )

    listed = await it.listed()
    refused = await it.call({})
    other = await it.call(GOOD, tool="peek", scopes=["people:read"])

    assert ["peek"] == [each["name"] for each in listed["tools"]]
    assert ("server_inactive", 200) == (refused.error["error"], refused.status)
    assert "elsewhere" not in refused.body.decode()
    assert "elsewhere.example" in caplog.text
    assert "done" == other.json["result"]["content"][0]["text"]


@pytest.mark.requirement("arguments:modes")
async def test_advertised_enforces_the_schema_as_it_stands_and_off_enforces_nothing():
    """The author's choice, in one word."""
    extra, wrong = {**GOOD, "x": 1}, {"limit": "1"}
    found = {}
    for mode in ("strict", "advertised", "off"):
        it = Listed(tool(ORDER), arguments=mode)
        shown = (await it.listed())["tools"][0]["inputSchema"] == tool(ORDER)["inputSchema"]
        found[mode] = [shown, *[("isError" not in (await it.call(each)).json["result"]) for each in (extra, wrong)]]

    assert {"strict": [False, False, False], "advertised": [True, True, False], "off": [True, True, True]} == found


@pytest.mark.requirement("arguments:modes")
@pytest.mark.parametrize(
    "said", [{"arguments": "lax"}, {"argument_bounds": 7}, {"argument_bounds": {"bytes": 1}}, {"arguments": None}]
)
def test_a_setting_that_means_nothing_stops_the_start(said):
    """Decision 19: a guard that enforces less than its author believes does not start."""
    with pytest.raises(SettingsError):
        ResourceGuard(issuer="https://i.example", resource="https://r.example/mcp", tools={"see": read("a")}, **said)


@pytest.mark.requirement("arguments:batches")
async def test_one_wrong_call_of_a_batch_refuses_the_batch():
    """RS-31: each call is held to its own tool, and a batch runs whole or not at all."""
    it = Listed(tool(ORDER), tool({"properties": {"n": {"type": "integer"}}}, "peek"))
    calls = [("see", GOOD), ("peek", {"n": "1"})]
    messages = [
        {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls)
    ]

    answer = await it.send(headers=[it.bearer("notes:read", "people:read")], body=json.dumps(messages).encode())

    errors = [reply["result"]["_meta"]["authserver/error"] for reply in answer.json]
    assert ["policy_denied", "invalid_arguments"] == [error["error"] for error in errors]
    assert ["/n"] == [field["path"] for field in errors[1]["fields"]]
    assert [] == it.server.called


@pytest.mark.requirement("arguments:warm:asks-once-a-minute")
async def test_a_warm_call_asks_its_server_nothing():
    """The list is asked for once for each caller and minute, and the schema is compiled once for all of them."""
    it = Listed(tool(ORDER))

    for number in range(5):
        await it.call({**GOOD, "limit": number + 1})
        await it.call(GOOD, subject="usr_other")

    assert (2, 10) == (it.server.lists, len(it.server.called))
    assert 1 == len(it.guard.advertised._forms)


@pytest.mark.requirement("arguments:warm:asks-once-a-minute")
async def test_a_tool_that_was_not_there_is_looked_for_again_after_seconds():
    """A server that adds tools while it runs is not shut out for a minute."""
    now = [0.0]
    it = Listed()
    it.guard._definitions._clock = lambda: now[0]
    before = await it.call(GOOD)
    it.server.tools = [tool(ORDER)]
    soon = await it.call(GOOD)
    now[0] = 6.0
    after = await it.call(GOOD)

    assert ["server_inactive"] * 2 == [seen.error["error"] for seen in (before, soon)]
    assert "done" == after.json["result"]["content"][0]["text"]


@pytest.mark.requirement("arguments:bounds")
@pytest.mark.parametrize(
    ("arguments", "path", "said"),
    [
        ({"any": "x" * 20}, "/any", "10 characters"),
        ({"any": [1] * 6}, "/any", "5 items"),
        ({"any": {f"k{number}": 1 for number in range(6)}}, "/any", "5 members"),
        ({"any": [[[[1]]]]}, "/any/0/0/0", "4 levels"),
        ({"any": [[1, 2, 3], [1, 2, 3], [1, 2, 3]]}, "/any/2", "12 values"),
        ({"any": [101]}, "/any/0", "between -100 and 100"),
        ({"any": -101}, "/any", "between"),
        ({"any": 1e300}, "/any", "between"),
        ({"n" * 9: 1}, "", "8 characters"),
        ({"any": "a\x00b"}, "/any", "NUL"),
        ({"any": "\ud800"}, "/any", "surrogate"),
        ({"\udfff": 1}, "", "surrogate"),
        ({"any": ["é" * 9, "é" * 9, "é" * 9]}, "", "60 bytes"),
    ],
)  # fmt: skip
async def test_bounds_hold_before_any_schema_is_asked(arguments, path, said):
    """C27, EX-04: the schema takes anything, the guard does not."""
    bounds = Bounds(bytes=60, depth=4, characters=10, name=8, members=5, values=12, number=100)
    it = Listed(tool({}), argument_bounds=bounds)

    answer = await it.call(arguments)

    assert "invalid_arguments" == answer.error["error"]
    assert said in fields(answer)[path]
    assert [] == it.server.called


@pytest.mark.requirement("arguments:bounds")
@pytest.mark.parametrize(
    "raw",
    [
        "1e400",
        "-1e400",
        "9007199254740993",
        "1" + "0" * 300,
        "1" + "0" * 5000,
        "NaN",
        "[" * 40 + "]" * 40,
        '{"a":1,"a":2}',
    ],
)
async def test_what_programs_read_differently_is_no_argument(raw):
    """RS-32, RFC 7493 §2.2: infinity by another name, digits that get lost, depth, members that stand twice."""
    it = Listed(tool({}))
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"see","arguments":{{"any":{raw}}}}}}}'

    answer = await it.send(headers=[it.bearer("notes:read")], body=body.encode())

    assert (answer.status, answer.json.get("error", {}).get("code")) in [(400, -32700), (400, -32600), (200, None)]
    assert 200 != answer.status or "invalid_arguments" == answer.error["error"]
    assert [] == it.server.called


@pytest.mark.requirement("arguments:errors:cost-little")
async def test_ten_thousand_wrong_items_are_refused_in_a_moment():
    """EX-04: to explain each of them against ten forms takes seconds of everybody's time; the first is explained."""
    forms = [{"type": "object", "properties": {f"k{n}": {}}, "required": [f"k{n}"]} for n in range(10)]
    it = Listed(tool({"properties": {"l": {"type": "array", "items": {"anyOf": forms}}}}))
    await it.call({"l": []})
    began = time.process_time()

    answer = await it.call({"l": [{"z": 1}] * 10_000})

    assert time.process_time() - began < 0.6
    assert {"/l/0/k0", "/l/0/z"} == fields(answer).keys()


@pytest.mark.requirement("arguments:warm:asks-once-a-minute")
async def test_a_server_that_is_another_to_everybody_fills_no_memory(monkeypatch):
    """Ours: only so many schemas are kept compiled."""
    monkeypatch.setattr(advertised, "MOST_KEPT", 3)
    it = Listed()
    for number in range(9):
        it.server.tools = [tool({"properties": {f"p{number}": {}}})]
        await it.listed(subject=f"usr_{number:016d}")

    assert 3 == len(it.guard.advertised._forms)


@pytest.mark.requirement("arguments:bounds")
@pytest.mark.parametrize("name", ["bytes", "depth", "characters", "name", "members", "values", "number"])
@pytest.mark.parametrize("value", [0, -1, 10**400, 1.5, True, "9"])
def test_bounds_that_bound_nothing_stop_the_start(name, value):
    """A limit of nothing, or of everything, is a mistake."""
    with pytest.raises(SettingsError, match=name):
        Bounds(**{name: value})


@pytest.mark.requirement("arguments:fast-path:looks-at-each-call")
async def test_a_decision_that_is_remembered_lets_no_wrong_argument_through():
    """Decision 18: one token, whose first good call is remembered; the next bad one is looked at all the same, and so on."""
    it = Listed(tool(ORDER))
    auth = it.bearer("notes:read")

    answers = [
        await it.rpc("tools/call", {"name": "see", "arguments": arguments}, auth=auth)
        for arguments in (GOOD, {}, GOOD, {"x": 1}, GOOD)
    ]

    assert [False, True, False, True, False] == [answer.json["result"].get("isError", False) for answer in answers]
    assert 1 == len(it.guard._judge._decisions._kept)


@pytest.mark.requirement("arguments:engines:agree")
async def test_a_guard_without_the_fast_engine_refuses_the_same(monkeypatch):
    """Where jsonschema-rs has no wheel: the same list, the same refusals, in the same words."""
    calls = [GOOD, {}, {**GOOD, "x": 1}, {**GOOD, "limit": "1"}, {**GOOD, "address": {"zip": 1}}, {"email": "nobody"}]

    async def whole():
        it = Listed(tool(ORDER))
        return [(await it.listed())["tools"], *[(await it.call(arguments)).json for arguments in calls]]

    fast = await whole()
    monkeypatch.setattr(engine, "_engine", lambda: engine_python)

    assert fast == await whole()


@pytest.mark.requirement("arguments:schema-changes")
async def test_a_new_schema_counts_for_whoever_has_seen_it_listed():
    """What a caller is shown now is what they are held to now."""
    it = Listed(tool(ORDER))
    await it.call(GOOD)
    it.server.tools = [tool({"properties": {"q": {"type": "string"}}})]
    await it.listed()

    old, new = await it.call(GOOD), await it.call({"q": "x"})

    assert (True, False) == (old.json["result"].get("isError", False), new.json["result"].get("isError", False))


@pytest.mark.requirement("arguments:own-members")
async def test_a_member_of_the_guards_own_is_shown_to_and_taken_from_exactly_those_who_have_it():
    """C34: what only some callers may say is in no other caller's schema, and so is refused like any word too many."""
    it = Listed(tool(ORDER), tool({}, "peek"))
    it.guard.advertised.own = lambda definition, principal: (
        {"include_pii": {"type": "boolean"}} if "pii:read" in principal.scopes else {}
    )
    able, scopes = ("notes:read", "people:read", "pii:read"), ("notes:read", "people:read")

    shown = [
        {each["name"]: each["inputSchema"] for each in (await it.listed(scopes=who))["tools"]} for who in (able, scopes)
    ]
    answers = [
        (await it.call({**GOOD, "include_pii": value}, scopes=who)).json["result"].get("isError", False)
        for who in (able, scopes)
        for value in (True, "yes")
    ]
    free = await it.call({"include_pii": True, "anything": 1}, tool="peek", scopes=able)

    assert [True, False] == ["include_pii" in each["see"]["properties"] for each in shown]
    assert [False, True, True, True] == answers
    assert (True, False) == (shown[0]["peek"]["additionalProperties"], "isError" in free.json["result"])


@pytest.mark.requirement("arguments:hash-stays-the-servers")
async def test_a_definition_is_hashed_as_its_server_lists_it():
    """Decision 13: a yes, a kill and a review name what the server says, whatever callers are shown of it."""
    it = Listed(tool(ORDER))
    await it.listed()

    assert [definition_hash(tool(ORDER))] == [each.hash for each, _ in it.guard._definitions._known.values()]
