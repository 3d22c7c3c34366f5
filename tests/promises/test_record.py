"""What is recorded of calls: through real guarded apps, read where the issuer keeps it."""

import asyncio
import json
import logging

import pytest

from resource_lib import Output, Record, SettingsError, deny_if, read, write
from resource_lib.wire.commitment import opens
from resource_lib.wire.record import IN_PAYLOAD
from tests.support.guarded import MODERN
from tests.support.recorded import SCOPES, TOOLS, Alone, Recorded, said, settled

PERSONAL = {
    "name": "find",
    "inputSchema": {
        "type": "object",
        "properties": {
            "email": {"type": "string", "x-pii": "email"},
            "account": {"type": "string", "x-subject": "customer"},
            "token": {"type": "string", "x-secret": True},
            "note": {"type": "string"},
        },
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "people": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "x-pii": "name"},
                        "phone": {"type": "string", "x-pii": "phone"},
                    },
                },
            }
        },
    },
}


@pytest.fixture
async def it(tmp_path):
    made = Recorded(tmp_path / "spool")
    yield made
    await made.guard.aclose()


async def only(it, **members):
    await it.told()
    found = it.books.of(**members)
    assert len(found) == 1, [one.as_object() for one in it.books.of()]
    return found[0]


@pytest.mark.requirement("record:every-decision")
async def test_a_read_is_one_event_with_all_that_there_is_to_know(it):
    """C45: who, which client and login, by which token, what exactly, what was decided by which rules, what came of it."""
    it.server.chunks = [said({"content": []}, "mine-1")]
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await it.use(
        "see", {"order": "o-7", "n": 1}, headers=[MODERN, ("traceparent", trace)], request_id="mine-1"
    )

    event = await only(it)

    assert answer.status == 200
    assert ("outcome", "allowed", "ok", "see", "read") == (
        event.phase,
        event.decision,
        event.status,
        event.tool,
        event.tool_class,
    )
    assert event.id == event.call
    assert ("mine-1", trace, "tools/call", 1) == (event.request, event.traceparent, event.method, event.cost)
    assert {"order": "o-7", "n": 1} == event.arguments
    assert len('{"n":1,"order":"o-7"}') == event.arguments_bytes
    assert ["not_revoked", "tool_allowed", "version", "scopes", "roles", "acr", "sensitivity", "input_schema", "conditions", "taint", "approval"] == [
        rule[0] for rule in event.rules
    ]  # fmt: skip
    assert {"allow"} == {rule[1] for rule in event.rules}
    assert 0 < event.latency_us < 5_000_000


@pytest.mark.requirement("record:commitments")
async def test_arguments_and_result_are_committed_to_as_they_were_sent(it):
    """Decision 15: whoever has the salt proves a text that somebody shows, and without it nobody tries out what it may have been."""
    arguments = {"z": 1.5, "a": ["jane@example.com", None, "\u00fc"], "n": 10}
    it.server.chunks = [said({"content": [{"type": "text", "text": "to jane@example.com"}]}, 1)]
    await it.use("see", arguments)
    event = await only(it)
    left = {"content": [{"type": "text", "text": "to jane@example.com"}]}

    assert opens(event.arguments_commit, bytes.fromhex(event.arguments_salt), arguments)
    assert opens(event.result_commit, bytes.fromhex(event.result_salt), left)
    assert not opens(event.arguments_commit, bytes.fromhex(event.arguments_salt), {**arguments, "n": 11})
    assert event.arguments["a"][0] != "jane@example.com", "what is kept is redacted"
    assert "jane@" not in event.result, "also where answers leave as they are"


@pytest.mark.requirement("record:commitments")
async def test_arguments_without_a_canonical_form_are_committed_to_as_the_bytes_that_came(it):
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"see","arguments":{"n":123456789012345678901}}}'
    await it.send(headers=[it.bearer(*SCOPES)], body=body)
    event = await only(it)
    assert opens(event.arguments_commit, bytes.fromhex(event.arguments_salt), {"n": 10**20 + 0.5j}, raw=body)
    assert {"n": "123456789012345678901"} == event.arguments


@pytest.mark.requirement("record:intent-first")
@pytest.mark.parametrize("tool", ["add", "wipe"])
async def test_what_changes_something_is_on_the_disk_before_it_runs_and_its_outcome_follows(it, tool):
    """Order of truth: no record, no write. The server behind looks at the disk while it runs."""
    seen = []
    behind = it.server

    async def looking(scope, receive, send):
        from resource_lib.audit.spool import read_folder

        seen.extend(json.loads(event) for event in read_folder(it.guard._record.folder))
        seen.extend(event.as_object() for event in it.books.of())
        await behind(scope, receive, send)

    it.app.app = looking
    await it.use(tool, {"text": "x"})

    assert ["intent"] == list({event["phase"] for event in seen if event.get("tool") == tool})
    await it.told()
    intent, outcome = it.books.of()
    assert ("intent", "outcome", intent.id, intent.id) == (intent.phase, outcome.phase, intent.call, outcome.call)
    assert ({"text": "x"}, None) == (intent.arguments, outcome.arguments)
    assert (None, "ok", TOOLS[tool].rules.cost or 1) == (intent.cost, outcome.status, outcome.cost)


@pytest.mark.requirement("record:every-decision")
async def test_each_way_to_be_refused_is_recorded_with_its_reason_and_every_rule(tmp_path):
    """C46, AU-07: decision, reason, rules and policy version stand in each, and nothing of it has run."""
    tools = TOOLS | {
        "audited": read("notes:read", roles=["auditor"]),
        "small": read("notes:read", when=[deny_if("args.n > 5", because="too much")]),
        "once": read("notes:read", limit="1/hour"),
    }
    from resource_lib import Limits

    it = Recorded(tmp_path, tools=tools, limits=Limits())
    await it.use("add", {}, scopes=("notes:read",))
    await it.use("audited", {})
    await it.use("small", {"n": 6})
    await it.use("once", {})
    await it.use("once", {})
    await it.use("outside-of-the-policy", {"x": 1})
    await it.told()

    found = {(one.tool, one.error) for one in it.books.of(decision="refused")}
    assert {
        ("add", "insufficient_scope"), ("audited", "policy_denied"), ("small", "policy_denied"), ("once", "rate_limited"), (None, "tool_unknown"),
    } == found  # fmt: skip
    for one in it.books.of(decision="refused"):
        assert one.phase == "refused" and one.reason and one.rules
        assert (one.policy_version is None) == (one.tool is None)
        assert one.status is None and one.cost is None
    assert it.reached == 1 == len(it.books.of(phase="outcome"))
    small = it.books.of(tool="small")[0]
    assert ("deny args.n > 5", "deny") in {(rule[0], rule[1]) for rule in small.rules}
    await it.guard.aclose()


@pytest.mark.requirement("record:every-decision")
async def test_what_is_only_observed_runs_and_says_so(tmp_path):
    it = Recorded(tmp_path, tools={"see": read("notes:read", roles=["auditor"], mode="observe")})
    await it.use("see", {})
    event = await only(it)
    assert ("outcome", "observed", "ok") == (event.phase, event.decision, event.status)
    assert "would_deny" in {rule[1] for rule in event.rules}
    await it.guard.aclose()


@pytest.mark.requirement("record:tokens")
async def test_a_token_that_is_really_ours_and_refused_is_recorded_with_its_client_and_a_stranger_is_counted(
    it, caplog
):
    """K5, C46: a wrong audience and an expired token have somebody's name; whoever has none cannot write our disk full."""
    caplog.set_level(logging.INFO, "resource_lib.audit")
    for auth in (
        it.bearer(*SCOPES, override={"aud": "https://elsewhere.example"}),
        it.bearer(*SCOPES, override={"exp": 100, "iat": 1}),
    ):
        assert (await it.rpc("tools/list", auth=auth)).status == 401
    for auth in (("authorization", "Bearer x.y.z"), ("authorization", "Basic eA=="), ("x-none", "")):
        assert (await it.rpc("tools/list", auth=auth)).status == 401
    forged = it.bearer(*SCOPES)[1]
    await it.rpc("tools/list", auth=("authorization", forged[:-6] + "AAAAAA"))
    await it.told()

    assert ["audience", "expired"] == [one.reason for one in it.books.of()]
    assert 2 == len(it.books.of(decision="refused", error="invalid_token")) == len(it.books.of())
    assert {it.books.of()[0].client_id} == {one.client_id for one in it.books.of()}
    assert all(one.token != "" and one.sub for one in it.books.of())
    await it.guard.aclose()
    [line] = [one for one in caplog.records if getattr(one, "event", "") == "tokens.refused"]
    assert 4 == sum(line.reasons.values())


@pytest.mark.requirement("record:tokens")
async def test_a_client_that_sends_dead_tokens_without_end_has_a_budget(it):
    auth = it.bearer(*SCOPES, override={"aud": "https://elsewhere.example"})
    for _ in range(100):
        await it.rpc("tools/list", auth=auth)
    assert 30 == len(await it.told())


@pytest.mark.requirement("record:redacted")
async def test_what_a_schema_calls_personal_is_masked_wherever_it_stands_and_names_the_people(tmp_path):
    """C47, K6: by the schema and by the detectors; who is named is known by one form, also where the caller got a mask."""
    it = Recorded(tmp_path, tools={"find": read("notes:read")}, output=Output(taint=None))
    people = {"people": [{"name": "Jane  Roe", "phone": "+49 170 1234567"}]}
    listing = said({"tools": [PERSONAL]})
    result = said({"content": [{"type": "text", "text": json.dumps(people)}], "structuredContent": people})

    async def both(scope, receive, send):
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        asked = json.loads(body)
        reply = json.loads(listing if asked["method"] == "tools/list" else result) | {"id": asked["id"]}
        await send({"type": "http.response.body", "body": json.dumps(reply).encode()})

    it.app.app = both
    arguments = {
        "email": "Max@Example.com",
        "account": "C-100",
        "token": "hunter2hunter2",
        "note": "call Max@Example.com, ssn 078-05-1120",
    }
    answer = await it.use("find", arguments, headers=[MODERN])
    assert b"Jane" not in answer.body, answer.body
    event = await only(it, tool="find")

    kept = json.dumps(event.arguments) + event.result
    for canary in ("Max@", "hunter2", "078-05", "Jane", "Roe", "1234567"):
        assert canary not in kept
    assert "C-100" == event.arguments["account"], "an account is no secret, and whose call it was must be found"
    assert {("email", "max@example.com"), ("customer", "c-100"), ("name", "janeroe"), ("phone", "491701234567")} == set(
        event.subjects
    )
    assert any(kind.startswith("personal:") for kind in event.signs)
    assert PERSONAL["name"] == event.tool and event.definition_hash
    await it.guard.aclose()


@pytest.mark.requirement("record:result")
async def test_the_result_is_kept_as_it_left_and_cut_at_ten_thousand_characters(it):
    it.server.chunks = [said({"content": [{"type": "text", "text": "word " * 10_000}]})]
    await it.use("see", {})
    event = await only(it)
    assert 10_000 == len(event.result)
    assert event.result_bytes > 50_000
    await it.use("quiet", {"q": "secret plan"})
    quiet = (await it.told())[-1]
    assert ("quiet", None, None) == (quiet.tool, quiet.arguments, quiet.result), "record='header' leaves content out"
    assert quiet.result_commit and quiet.arguments_commit and quiet.arguments_bytes == len('{"q":"secret plan"}')


@pytest.mark.requirement("record:endings")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (said({"content": [{"type": "text", "text": "no such order"}], "isError": True}), "tool_error"),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"broken"}}', "failed"),
        (b"Internal Server Error", "unknown"),
        (said({"content": []}, request_id=2), "unknown"),
        (b"", "unknown"),
    ],
)
async def test_how_it_ended_is_said_as_far_as_anybody_knows(it, answer, status, caplog):
    it.server.chunks = [answer]
    await it.use("see", {})
    assert status == (await only(it)).status
    previews = [one for one in caplog.records if getattr(one, "event", "") == "call.failed"]
    assert bool(previews) == (status in ("tool_error", "failed"))
    assert all(len(one.getMessage()) < 300 for one in previews)


@pytest.mark.requirement("record:endings")
async def test_a_stream_that_is_cut_in_the_middle_and_a_server_that_crashes_are_not_called_done(it):
    it.server.headers = [(b"content-type", b"text/event-stream")]
    it.server.chunks = [b"event: message\ndata: " + said({"content": []}) + b"\n\n"]
    await it.use("add", {})
    it.server.chunks = [b'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"cont']
    await it.use("add", {})

    async def crashes(scope, receive, send):
        raise RuntimeError("canary")

    it.app.app = crashes
    with pytest.raises(RuntimeError):
        await it.use("add", {})

    async def hangs(scope, receive, send):
        await asyncio.Event().wait()

    it.app.app = hangs
    calling = asyncio.create_task(it.use("add", {}))
    await asyncio.sleep(0.05)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    await it.told()
    outcomes = it.books.of(phase="outcome")
    assert ["ok", "unknown", "failed", "unknown"] == [one.status for one in outcomes]
    assert [one.id for one in it.books.of(phase="intent")] == [one.call for one in outcomes]


@pytest.mark.requirement("record:every-decision")
async def test_a_resource_that_is_read_and_a_prompt_are_calls_too_and_a_list_is_none(it):
    for method, params in (
        ("resources/read", {"uri": "notes://1", "_meta": {"x": 1}}),
        ("prompts/get", {"name": "hello", "arguments": {"to": "jane@example.com"}}),
        ("tools/list", {}),
        ("resources/list", {}),
        ("ping", {}),
    ):
        await it.rpc(method, params, auth=it.bearer(*SCOPES))
    await it.rpc("resources/read", {"uri": "notes://2"}, auth=it.bearer("nothing:else"))
    await it.told()
    assert [("resources/read", "allowed"), ("prompts/get", "allowed"), ("resources/read", "refused")] == [
        (one.method, one.decision) for one in it.books.of()
    ]
    assert {"uri": "notes://1"} == it.books.of()[0].arguments
    assert "jane@" not in json.dumps(it.books.of()[1].as_object())


@pytest.mark.requirement("record:every-decision")
async def test_a_batch_is_recorded_call_by_call(it):
    calls = [
        {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": name, "arguments": {"n": n}}}
        for n, name in enumerate(("see", "add", "see"), 1)
    ]
    it.server.chunks = [json.dumps([json.loads(said({"n": n}, n)) for n in (1, 2, 3)]).encode()]
    await it.send(headers=[it.bearer(*SCOPES)], body=json.dumps(calls).encode())
    await it.send(headers=[it.bearer("notes:read")], body=json.dumps(calls).encode())
    await it.told()
    assert [("see", "ok"), ("add", "ok"), ("see", "ok")] == [
        (one.tool, one.status) for one in it.books.of(phase="outcome")
    ]
    assert 1 == len(it.books.of(phase="intent"))
    assert ["policy_denied", "insufficient_scope", "policy_denied"] == [
        one.error for one in it.books.of(phase="refused")
    ]


@pytest.mark.requirement("record:recent")
async def test_an_author_sees_the_latest_calls_of_a_login_without_asking_anybody(tmp_path):
    """K8: in memory, redacted, bounded; without a credential as well."""
    it = Alone(tmp_path, record={"recent": 5})
    auth = it.bearer(*SCOPES, override={"authorization_id": "aut_mine"})
    for n in range(8):
        await it.rpc("tools/call", {"name": "see", "arguments": {"n": n, "to": "jane@example.com"}}, auth=auth)
    await it.use("see", {"n": 99})
    await settled(it)

    mine = it.guard.recent("aut_mine")
    assert [7, 6, 5, 4, 3] == [one["arguments"]["n"] for one in mine]
    assert 6 == len(it.guard.recent()) and 2 == len(it.guard.recent(most=2))
    assert "jane@" not in json.dumps(it.guard.recent())
    assert [] == it.guard.recent("nobody")
    await it.guard.aclose()


@pytest.mark.requirement("record:settings")
async def test_what_could_not_be_kept_stops_the_start(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SettingsError, match=r"record\.spool: .* cannot be written"):
        Alone(blocked / "spool")
    with pytest.raises(SettingsError, match=r"record\.durable"):
        Alone(tmp_path, record={"durable": "issuer"})
    for words in (
        {"reads": "maybe"},
        {"content": "all"},
        {"most_bytes": 5},
        {"keep_days": 0},
        {"recent": -1},
        {"durable": "no"},
    ):
        with pytest.raises(SettingsError, match=rf"record\.{next(iter(words))}"):
            Record(**words)
    assert write("a:b", record="header").rules.record == "header"
    with pytest.raises(SettingsError, match="record"):
        read("a:b", record="nothing")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RESOURCE_GUARD_SPOOL", str(tmp_path / "named"))
        assert tmp_path / "named" == Record().folder(resource="https://x").parent
        patched.delenv("RESOURCE_GUARD_SPOOL")
        patched.setenv("XDG_STATE_HOME", str(tmp_path))
        assert tmp_path / "mcp-guard" == Record().folder(resource="https://x").parent
        assert Record().folder(resource="https://x") != Record().folder(resource="https://y")


@pytest.mark.requirement("forget:headers")
async def test_no_number_or_name_that_a_caller_writes_beside_a_call_stands_where_it_cannot_be_erased(it):
    """C50: as the id of a request, as a method: the first is kept with what is said, the second is not repeated."""
    await it.use("see", {"n": 1}, request_id="customer-8812")
    method = b'{"jsonrpc":"2.0","id":1,"method":"customers/8812","params":{}}'
    await it.send(headers=[it.bearer(*SCOPES)], body=method)

    await it.told()
    called, other = sorted(it.books.of(), key=lambda event: event.method, reverse=True)

    assert ("customer-8812", "tools/call") == (called.request, called.method)
    assert "request" in IN_PAYLOAD
    assert "other" == other.method
    assert "8812" not in str({name: said for name, said in other.as_object().items() if name not in IN_PAYLOAD})
