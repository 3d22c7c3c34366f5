"""Plan: call a tool that was not granted, or find out which tools exist that are not mine."""

import dataclasses
import json

import pytest

from resource_lib import read, write
from tests.support.guarded import LEGACY, MODERN, READER, TOOLS, Guarded

LEGACY_OR_MODERN = pytest.mark.parametrize("era", [LEGACY, MODERN], ids=["2025-11-25", "2026-07-28"])


@LEGACY_OR_MODERN
@pytest.mark.requirement("guard:tools:outside-the-policy-does-not-exist")
async def test_a_tool_outside_the_policy_answers_as_one_that_does_not_exist(era):
    """Decision 11: HTTP 200, isError, `Unknown tool: NAME`, and the server never hears of it."""
    it = Guarded()

    answer = await it.tool("drop", *READER, headers=[era], request_id="a")

    result = answer.json["result"]
    error = {"error": "tool_unknown", "message": "Unknown tool: drop", "tool": "drop"}
    assert (200, "application/json", "a") == (answer.status, answer.header("content-type"), answer.json["id"])
    assert result["isError"] is True
    assert {"type": "text", "text": "Unknown tool: drop"} == result["content"][0]
    assert error == json.loads(result["content"][-1]["text"]) == result["_meta"]["authserver/error"]
    assert error == result["structuredContent"]
    assert ("complete" if era is MODERN else None) == result.get("resultType")
    assert 0 == it.reached


@LEGACY_OR_MODERN
@pytest.mark.requirement("guard:tools:exact-name")
@pytest.mark.parametrize(
    "name",
    ["See", "see ", " see", "se\u0435", "\uff53ee", "see\x00", "see\u200b", "se", "seee", "see@v1", "see/../wipe", "", "tools/see",
     "s\u00e9e", "see\n", "a" * 100_000],
)  # fmt: skip
async def test_a_lookalike_is_another_tool_and_does_not_exist(era, name):
    """RS-31: names match exactly; nothing is trimmed, folded or normalised."""
    it = Guarded()

    answer = await it.tool(name, *READER, headers=[era])

    assert "tool_unknown" == answer.error["error"]
    assert len(answer.body) < 4_000
    assert 0 == it.reached


@LEGACY_OR_MODERN
async def test_all_scopes_in_the_world_do_not_make_a_tool_exist(era):
    """A scope `tool:drop` in a token is no policy."""
    it = Guarded()

    assert "tool_unknown" == (await it.tool("drop", "notes:write", "tool:drop", "*", headers=[era])).error["error"]


@LEGACY_OR_MODERN
@pytest.mark.requirement("guard:403:all-scopes-in-one-challenge")
@pytest.mark.parametrize("challenge", ["granted+operation", "operation"])
async def test_an_ungranted_tool_is_a_403_with_everything_the_operation_needs(era, challenge):
    """MCP R12 to R14; decision 11: one challenge, real HTTP, the request's own id, one typed object."""
    it = Guarded(challenge=challenge)

    answer = await it.tool("wipe", "people:read", "offline_access", headers=[era], request_id=41)

    named = ["notes:write", "tool:wipe"] if challenge == "operation" else ["notes:write", "people:read", "tool:wipe"]
    assert 403 == answer.status
    assert answer.header("www-authenticate") == (
        f'Bearer error="insufficient_scope", scope="{" ".join(named)}", '
        'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", '
        'error_description="More permission is needed for this operation."'
    )
    assert (41, -31403) == (answer.json["id"], answer.json["error"]["code"])
    assert {
        "error": "insufficient_scope",
        "message": answer.json["error"]["message"],
        "tool": "wipe",
        "required_scopes": ["notes:write", "tool:wipe"],
        "missing_scopes": ["notes:write", "tool:wipe"],
        "challenge_scopes": named,
    } == answer.error
    assert 0 == it.reached


@pytest.mark.requirement("guard:write:needs-its-own-scope")
@pytest.mark.parametrize(
    "scopes", [["notes:write"], ["tool:wipe"], ["notes:write", "tool:add"], ["notes:write", "tool:wip"]]
)
async def test_a_write_needs_its_own_scope_and_its_authors(scopes):
    """Decision 11: neither stands for the other, and another tool's scope opens nothing."""
    it = Guarded()

    assert 403 == (await it.tool("wipe", *scopes)).status
    assert 200 == (await it.tool("wipe", "notes:write", "tool:wipe")).status


async def test_a_new_login_that_ticked_reads_only_can_read_and_nothing_else():
    """Decision 19, over every tool of the policy."""
    it = Guarded()

    statuses = {name: (await it.tool(name, *READER)).status for name in ("see", "peek", "add", "wipe")}

    assert {"see": 200, "peek": 200, "add": 403, "wipe": 403} == statuses


async def test_a_scope_that_implies_another_opens_what_the_other_opens_and_no_tool_of_its_own():
    """RS-24: hierarchies are accounted for; `tool:` scopes are never implied."""
    it = Guarded(implies={"notes:write": ["notes:read"], "admin": ["notes:write"]})

    assert 200 == (await it.tool("see", "notes:write")).status
    assert 200 == (await it.tool("see", "admin")).status
    assert 403 == (await it.tool("wipe", "admin")).status
    assert 403 == (await it.tool("peek", "admin")).status


@LEGACY_OR_MODERN
@pytest.mark.requirement("guard:roles:missing-role-is-policy-denied")
async def test_a_missing_role_is_never_a_403(era):
    """Decision 11: no scope cures it, so no client is sent to ask for one."""
    it = Guarded()

    denied = await it.tool("audit", *READER, headers=[era], roles=["support"])
    service = await it.tool("audit", *READER, headers=[era], roles=None)
    allowed = await it.tool("audit", *READER, headers=[era], roles=["auditor"])

    assert [(200, "policy_denied")] * 2 == [(a.status, a.error["error"]) for a in (denied, service)]
    assert denied.header("www-authenticate") is None
    assert (200, 1) == (allowed.status, it.reached)


@pytest.mark.requirement("guard:acr:asks-for-a-stronger-login")
async def test_a_weak_or_old_login_is_asked_to_log_in_again():
    """RFC 9470 §3: a second 401, only for a valid token that holds the scopes."""
    it = Guarded()

    answer = await it.tool("pay", *READER, request_id=3)
    strong = await it.tool("pay", *READER, override={"acr": "urn:test:hardware"})
    lacking = await it.tool("pay", "people:read")

    assert (401, 3, "insufficient_user_authentication") == (answer.status, answer.json["id"], answer.error["error"])
    assert 'acr_values="urn:test:hardware", max_age="60"' in answer.header("www-authenticate")
    assert [200, 403, 1] == [strong.status, lacking.status, it.reached]


async def test_a_scope_that_would_break_out_of_the_challenge_is_left_out():
    """RFC 9110 §11.2: a token's own scopes are repeated inside quotes."""
    it = Guarded()

    answer = await it.tool("wipe", 'a"b', "back\\slash", "fine")

    assert 'scope="fine notes:write tool:wipe"' in answer.header("www-authenticate")


async def test_a_token_full_of_scopes_does_not_make_a_header_no_client_can_carry():
    """Ours: the challenge falls back to the operation's own scopes."""
    it = Guarded()

    answer = await it.tool("wipe", *(f"{'x' * 40}{number}" for number in range(100)))

    assert 'scope="notes:write tool:wipe"' in answer.header("www-authenticate")


@pytest.mark.requirement("guard:methods:closed-by-default")
@pytest.mark.parametrize(
    ("method", "params", "none", "one", "all_"),
    [
        ("initialize", {}, 200, 200, 200),
        ("ping", {}, 200, 200, 200),
        ("server/discover", {}, 200, 200, 200),
        ("tools/list", {}, 200, 200, 200),
        ("notifications/initialized", {}, 200, 200, 200),
        ("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, 200, 200, 200),
        ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["notes://1"]}}, 403, 403, 200),
        ("subscriptions/listen", {}, 403, 403, 200),
        ("resources/list", {}, 403, 200, 200),
        ("prompts/list", {}, 403, 200, 200),
        ("resources/read", {"uri": "notes://1"}, 403, 403, 200),
        ("resources/subscribe", {"uri": "notes://1"}, 403, 403, 200),
        ("prompts/get", {"name": "x"}, 403, 403, 200),
        ("completion/complete", {}, 403, 403, 200),
        ("tasks/get", {"taskId": "1"}, 403, 403, 200),
        ("tasks/result", {"taskId": "1"}, 403, 403, 200),
        ("x-vendor/anything", {}, 403, 403, 200),
        ("tools/call2", {}, 403, 403, 200),
    ],
)
async def test_other_methods_need_the_read_scopes_of_the_policy(method, params, none, one, all_):
    """Ours: what can show what a read tool shows needs what a read tool needs; a method nobody knows, too."""
    it = Guarded()

    statuses = [
        (await it.rpc(method, params, auth=it.bearer(*scopes))).status
        for scopes in ([], ["notes:read"], ["notes:read", "people:read"])
    ]

    assert [none, one, all_] == statuses


async def test_an_author_says_what_another_method_needs():
    """`methods=`: narrower or wider than the rule, by exact name."""
    it = Guarded(methods={"resources/read": read("docs:read", roles=["editor"]), "prompts/list": []})

    assert 403 == (await it.rpc("resources/read", auth=it.bearer(*READER))).status
    denied = await it.rpc("resources/read", auth=it.bearer("docs:read"))
    assert (200, -31403, "policy_denied") == (denied.status, denied.json["error"]["code"], denied.error["error"])
    assert 0 == it.reached
    assert 200 == (await it.rpc("resources/read", auth=it.bearer("docs:read", roles=["editor"]))).status
    assert 200 == (await it.rpc("prompts/list", auth=it.bearer())).status


async def test_without_a_read_scope_in_the_policy_content_stays_closed():
    """Ours: nobody said what it needs, so nothing opens it."""
    it = Guarded(tools={"add": write("notes:write")})

    answer = await it.rpc("resources/read", {"uri": "x"}, auth=it.bearer("notes:write", "tool:add"))

    assert (200, "policy_denied", 0) == (answer.status, answer.error["error"], it.reached)
    assert 200 == (await it.rpc("tools/list", auth=it.bearer("notes:write"))).status


@pytest.mark.requirement("guard:log:no-callers-words")
async def test_a_refusal_is_logged_without_what_the_caller_wrote(caplog):
    """C23 and the canary rule: no token, no tool name of the caller's making, no argument, no subject."""
    caplog.set_level("DEBUG", "resource_lib")
    it = Guarded()

    await it.tool("canary\nsecurity.fake", *READER)
    await it.tool("wipe", *READER)

    text = caplog.text + repr([vars(record) for record in caplog.records])
    assert "(outside the policy)" in caplog.text
    assert "refused wipe: insufficient_scope" in caplog.text
    assert not any(word in text for word in ("canary", "eyJ", "usr_aaaa"))


def test_the_policies_of_these_tests_hold_every_class():
    """So that the tests above are about all of them."""
    assert {"read", "write", "destructive"} == {policy.tool_class for policy in TOOLS.values()}
    assert all(dataclasses.is_dataclass(policy) for policy in TOOLS.values())


@pytest.mark.requirement("attack:guard:headers-say-what-the-body-says")
@pytest.mark.parametrize(
    ("headers", "header"),
    [
        ([("mcp-method", "tools/call")], "mcp-name"),
        ([("mcp-method", "tools/call"), ("mcp-name", "see")], "mcp-name"),
        ([("mcp-method", "tools/call"), ("mcp-name", "nothing"), ("mcp-name", "nothing")], "mcp-name"),
        ([("mcp-method", "tools/call"), ("mcp-name", "=?base64?!?=")], "mcp-name"),
        ([("mcp-method", "tools/call"), ("mcp-name", "=?base64?c2Vl?=")], "mcp-name"),
        ([("mcp-method", "tools/list"), ("mcp-name", "nothing")], "mcp-method"),
        ([("mcp-method", "=?base64?dG9vbHMvY2FsbA==?="), ("mcp-name", "nothing")], "mcp-method"),
        ([("mcp-name", "nothing")], "mcp-method"),
        ([("Mcp-Method", "tools/call"), ("Mcp-Name", " nothing\t")], None),
        ([("mcp-method", "tools/call"), ("mcp-name", "=?base64?bm90aGluZw==?=")], None),
    ],
)
async def test_what_is_refused_for_its_form_is_held_to_its_headers_first(headers, header):
    """SEP-2243: a gateway before us has seen, routed and counted another call than the one that we read."""
    it = Guarded()
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "nothing", "arguments": {}}}

    answer = await it.send(
        headers=[it.bearer("notes:read"), MODERN, *headers], body=json.dumps(body).encode(), routed=False
    )
    before = await it.send(headers=[it.bearer("notes:read"), LEGACY, *headers], body=json.dumps(body).encode())

    if header is None:
        assert (200, "tool_unknown") == (answer.status, answer.error["error"])
    else:
        expected = {"code": -32020, "message": f"{header} header does not match the request body"}
        assert (400, {"jsonrpc": "2.0", "id": 7, "error": expected}) == (answer.status, answer.json)
    assert (200, "tool_unknown") == (before.status, before.error["error"])
    assert 0 == it.reached
