"""Whoever was revoked, and whatever was stopped, at the guard: the next call, the call that runs, the list, the open stream."""

import asyncio
import json

import pytest

from resource_lib import write
from resource_lib.decision import Deny
from resource_lib.revocation.running import Run, Running
from resource_lib.testing.issuer import CLIENT, SUBJECT, TENANT
from resource_lib.wire.tool_call import definition_hash
from tests.support.followed import SCOPES, WRITES, Followed
from tests.support.guarded import LEGACY, MODERN, RESOURCE, Guarded

ERAS = pytest.mark.parametrize("version", [MODERN, LEGACY], ids=["2026-07-28", "2025-11-25"])


@pytest.fixture
async def it():
    made = Followed()
    await made.run("see")  # the first caller lets the guard hear
    made.server.began.clear()
    made.server.ended = 0
    yield made
    await made.aclose()


def ran(answer):
    return answer.status == 200 and "result" in answer.json and "isError" not in answer.json["result"]


# -- tokens that have ended


ENDS = {
    "token": lambda: ("token", {"jti": "jti_x", "exp": 2**33}),
    "authorization": lambda: ("authorization", {"authorization_id": "aut_x"}),
    "user": lambda: ("user", {"sub": SUBJECT}),
    "client": lambda: ("client", {"client_id": CLIENT, "tenant": "*"}),
    "tenant": lambda: ("tenant", {}),
    "everything": lambda: ("everything", {"tenant": "*"}),
    "resource": lambda: ("resource", {"resource": RESOURCE, "tenant": "*"}),
}


@pytest.mark.requirement("follow:guard:a-dead-token-is-the-one-401")
@pytest.mark.parametrize("what", ENDS)
async def test_what_has_ended_is_the_one_401_byte_for_byte_for_everything_it_asks(it, what):
    """Decision 10: as a forged one, on a call, on a protocol message, on a stream and on the end of a session."""
    token = it.bearer(*SCOPES, override={"jti": "jti_x", "authorization_id": "aut_x", "ctl": 0})
    before = await it.rpc("tools/call", {"name": "see", "arguments": {}}, auth=token, headers=[MODERN])
    kind, subject = ENDS[what]()
    await it.said(kind, **subject)

    forged = await it.send(headers=[("authorization", "Bearer a.b.c"), MODERN], body=b"{}")
    answers = [
        await it.rpc("tools/call", {"name": "see", "arguments": {}}, auth=token, headers=[MODERN]),
        await it.rpc("ping", auth=token, headers=[MODERN]),
        await it.rpc("initialize", auth=token, headers=[LEGACY]),
        await it.send("GET", headers=[token, LEGACY]),
        await it.send(headers=[token, MODERN], body=b"no json"),
    ]

    assert ran(before)
    assert {(401, forged.body, tuple(forged.headers))} == {
        (seen.status, seen.body, tuple(seen.headers)) for seen in answers
    }
    assert 1 == len(it.server.began)


@pytest.mark.requirement("follow:guard:a-dead-token-is-the-one-401")
async def test_a_new_login_after_an_end_lives_and_after_a_kill_only_when_it_is_revived(it):
    """Decision 14: counted by `ctl`; revive allows new logins, and brings nothing back."""
    end = await it.said("user", sub=SUBJECT)
    ended = [(await it.run("see", override={"ctl": number})).status for number in (end - 1, end)]
    without = (await it.run("see", without=["ctl"])).status
    kill = await it.said("user", "kill", sub=SUBJECT)
    killed = [(await it.run("see", override={"ctl": number})).status for number in (kill - 1, kill, kill + 5)]
    await it.said("user", "revive", sub=SUBJECT)
    revived = [(await it.run("see", override={"ctl": number})).status for number in (kill - 1, kill)]

    assert ([401, 200], 401) == (ended, without)
    assert [401, 401, 401] == killed
    assert [401, 200] == revived


@pytest.mark.requirement("follow:guard:a-killed-key")
async def test_what_a_killed_key_has_signed_is_forgotten_as_verified_and_the_keys_are_asked_for_anew(it):
    """A verdict that is remembered must not outlive its key; the rest of the issuer's tokens go on."""
    old_kid, old = it.issuer.kid, it.bearer(*SCOPES)
    call = {"name": "see", "arguments": {}}
    before = await it.rpc("tools/call", call, auth=old, headers=[MODERN])
    it.issuer.rotate()
    asked = it.issuer.requests.count("/jwks.json")

    await it.said("key", kid=old_kid, tenant="*")
    remembered = [one for one in it.guard._verifier._verdicts.values() if one[0].key_id == old_kid]
    after = await it.rpc("tools/call", call, auth=old, headers=[MODERN])
    new = await it.rpc("tools/call", call, auth=it.bearer(*SCOPES), headers=[MODERN])

    assert ran(before)
    assert 401 == after.status
    assert ran(new)
    assert it.issuer.requests.count("/jwks.json") > asked
    assert [] == remembered


@pytest.mark.requirement("follow:guard:a-dead-token-is-the-one-401")
async def test_an_exchanged_token_ends_with_the_authorization_it_comes_from(it):
    """The contract: `authorized` names the client and the resource upstream."""
    upstream = {"client_id": "cli_up", "resource": "https://up.example.com/mcp"}
    token = it.bearer(*SCOPES, override={"authorized": upstream})
    await it.said("resource", resource=upstream["resource"], tenant="*")

    answer = await it.rpc("tools/call", {"name": "see", "arguments": {}}, auth=token, headers=[MODERN])
    odd = await it.run("see", override={"authorized": "cli_up"})

    assert (401, 401) == (answer.status, odd.status)


# -- tools, versions, the server


@pytest.mark.requirement("follow:guard:a-killed-tool-is-unknown")
@ERAS
async def test_a_killed_tool_answers_and_is_listed_as_one_that_never_was(it, version):
    """Decision 11: equal bytes; nobody may keep a list for another."""
    auth = it.bearer(*SCOPES)
    await it.said("tool", "kill", resource=RESOURCE, tool="add")

    killed = await it.run("add", headers=[version])
    unknown = await it.run("nil", headers=[version])
    listed = await it.rpc("tools/list", auth=auth, headers=[version])
    await it.said("tool", "revive", resource=RESOURCE, tool="add")

    assert unknown.body.replace(b"nil", b"add") == killed.body
    assert [(n, v) for n, v in unknown.headers if n != b"content-length"] == [
        (n, v) for n, v in killed.headers if n != b"content-length"
    ]
    assert "add" not in [tool["name"] for tool in listed.json["result"]["tools"]]
    assert ran(await it.run("add", headers=[version]))


@pytest.mark.requirement("follow:guard:a-killed-tool-is-unknown")
async def test_one_killed_version_is_unknown_and_the_next_one_is_served(it):
    """A version is what the tool says of itself today; what cannot be told is as good as killed."""
    bad = next(tool for tool in it.server.tools if tool["name"] == "add")
    await it.said("tool_version", "kill", resource=RESOURCE, tool="add", definition_hash=definition_hash(bad))

    killed = await it.run("add")
    listed = await it.rpc("tools/list", auth=it.bearer(*SCOPES), headers=[MODERN])
    other = await it.run("see")
    bad["description"] = "Another version."
    it.guard._definitions._known.clear()  # a minute later
    mended = await it.run("add")
    it.server.tools.append({"name": 7})
    it.guard._definitions._known.clear()
    untold = await it.run("add")

    assert "tool_unknown" == killed.error["error"]
    assert "add" not in [tool["name"] for tool in listed.json["result"]["tools"]]
    assert ran(other)
    assert ran(mended)
    assert "tool_unknown" == untold.error["error"]


@pytest.mark.requirement("follow:guard:switched-off")
@ERAS
async def test_a_killed_server_says_when_to_come_back_in_the_form_of_each_message(it, version):
    """The contract: a tool result for a call, HTTP 503 with Retry-After for the rest; a token that is none learns nothing."""
    await it.said("resource", "kill", resource=RESOURCE, tenant="*", retry_after_s=90)

    call = await it.run("see", headers=[version])
    rest = [
        await it.rpc("tools/list", auth=it.bearer(*SCOPES), headers=[version]),
        await it.rpc("initialize", auth=it.bearer(*SCOPES), headers=[version]),
        await it.rpc("resources/list", auth=it.bearer(*SCOPES), headers=[version]),
        await it.send("GET", headers=[it.bearer(*SCOPES), version]),
        await it.send(headers=[it.bearer(*SCOPES), version], body=b'{"jsonrpc":"2.0","id":1,"result":{}}'),
    ]
    nobody = await it.send(headers=[version], body=b"{}")

    assert (200, "server_inactive", 90) == (call.status, call.error["error"], call.error["retry_after_s"])
    assert {(503, "90", "server_inactive", 90)} == {
        (seen.status, seen.header("retry-after"), seen.error["error"], seen.error["retry_after_s"]) for seen in rest
    }
    assert 401 == nobody.status
    assert [] == it.server.began
    await it.said("resource", "revive", resource=RESOURCE, tenant="*")
    assert ran(await it.run("see", headers=[version]))


@pytest.mark.requirement("follow:guard:switched-off")
async def test_a_paused_server_keeps_its_clients_connected_and_runs_nothing(it):
    """The contract: while paused, `initialize`, `ping` and `tools/list` still pass; and nothing has ended."""
    await it.said("resource", "pause", resource=RESOURCE, retry_after_s=20)
    auth = it.bearer(*SCOPES)

    passing = [await it.rpc(name, auth=auth, headers=[LEGACY]) for name in ("initialize", "ping", "tools/list")]
    call = await it.run("see")
    other = await it.rpc("resources/read", auth=auth, headers=[LEGACY])

    assert [200, 200, 200] == [seen.status for seen in passing]
    assert ("server_inactive", 20) == (call.error["error"], call.error["retry_after_s"])
    assert 503 == other.status
    elsewhere = await it.run("see", tenant="ten_b")
    assert "server_inactive" != elsewhere.error["error"]


# -- the lease


@pytest.mark.requirement("follow:lease:writes-stop-first")
@ERAS
async def test_a_guard_that_has_not_heard_refuses_writes_and_what_is_sensitive_and_later_everything(it, version):
    """Decision 14: writes and personal data at 5 s, other reads at 30 s; the client stays connected."""
    it.feed.age_ms = 0
    await it.hear()
    it.is_silent = True

    it.later(5.0)
    at_the_bound = [ran(await it.run(tool, headers=[version])) for tool in ("see", *WRITES)]
    it.later(0.01)
    read = await it.run("see", headers=[version])
    writes = [await it.run(tool, headers=[version]) for tool in WRITES]
    it.later(25)
    late = [await it.run(tool, headers=[version]) for tool in ("see", *WRITES, "nothing")]
    listed = await it.rpc("tools/list", auth=it.bearer(*SCOPES), headers=[version])
    stream = await it.send("GET", headers=[it.bearer(*SCOPES), version])
    ping = await it.rpc("ping", auth=it.bearer(*SCOPES), headers=[version])

    assert [True] * 5 == at_the_bound
    assert ran(read)
    assert {(200, "control_plane_stale")} == {(seen.status, seen.error["error"]) for seen in (*writes, *late)}
    assert all(seen.error["retry_after_s"] >= 1 for seen in (*writes, *late))
    assert "control_plane_stale" == listed.error["error"]
    assert 503 == stream.status
    assert 200 == ping.status


@pytest.mark.requirement("follow:lease:writes-stop-first")
async def test_a_tool_that_is_not_offered_is_unknown_however_old_the_knowledge_is():
    """Decision 11: else staleness would tell a hidden tool from none."""
    made = Followed(tools={"add": write("notes:write", clients=["cli_other"])})
    await made.run("add")
    made.later(6)

    hidden, unknown = await made.run("add"), await made.run("nil")

    assert unknown.body.replace(b"nil", b"add") == hidden.body
    await made.aclose()


@pytest.mark.requirement("follow:lease:checked-again")
async def test_a_lease_that_ends_while_the_body_arrives_is_noticed(it):
    """Checked when decided, which is right before the server gets the call: a body can be sent slowly on purpose."""
    await it.hear()
    parts = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add"}}).encode()
    sent = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "root_path": "",
        "headers": [(n.encode(), v.encode()) for n, v in (it.bearer(*SCOPES), MODERN)],
    }
    first = True

    async def slow():
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": parts[:10], "more_body": True}
        it.is_silent = True
        it.later(6)
        return {"type": "http.request", "body": parts[10:], "more_body": False}

    async def send(message):
        sent.append(message)

    await it.app(scope, slow, send)

    assert b"control_plane_stale" in sent[1]["body"]
    assert [] == it.server.began


@pytest.mark.requirement("follow:guard:policy")
async def test_a_changed_demand_is_asked_for_at_once(it):
    """Kind POLICY: not two seconds later."""
    it.demanded = {TENANT: {"add": {"mode": "deny"}}}
    await it.said("policy", "changed", resource=RESOURCE)
    for _ in range(50):
        await asyncio.sleep(0)

    assert "tool_unknown" == (await it.run("add")).error["error"]


# -- what runs


STOPS = {
    "the user": ("user", "kill", {"sub": SUBJECT}),
    "the user's end": ("user", "end", {"sub": SUBJECT}),
    "the tool": ("tool", "kill", {"resource": RESOURCE, "tool": "add"}),
    "the server": ("resource", "kill", {"resource": RESOURCE, "tenant": "*"}),
    "everything": ("everything", "kill", {"tenant": "*"}),
}


@pytest.mark.requirement("follow:running:is-cancelled")
@pytest.mark.parametrize("what", STOPS)
async def test_a_call_that_runs_is_cancelled_and_its_caller_is_told_so(it, what):
    """The contract: its task is cancelled; nothing was sent yet, so there is a typed error."""
    it.server.gate = asyncio.Event()
    running = asyncio.create_task(it.run("add"))
    await it.began(1)
    kind, act, subject = STOPS[what]

    await it.said(kind, act, **subject)
    answer = await asyncio.wait_for(running, 5)

    assert (200, "cancelled", "add") == (answer.status, answer.error["error"], answer.error["tool"])
    assert (1, 0) == (it.server.cancelled, it.server.ended)
    assert 0 == len(it.guard.revocations.running.runs)


@pytest.mark.requirement("follow:running:is-cancelled")
async def test_a_call_that_has_begun_to_answer_has_its_stream_ended(it):
    """The contract: else its stream ends."""
    it.server.gate, it.server.first = asyncio.Event(), b"data: {}\n\n"
    running = asyncio.create_task(it.run("add"))
    await it.began(1)
    await asyncio.sleep(0)

    await it.said("user", "kill", sub=SUBJECT)
    answer = await asyncio.wait_for(running, 5)

    assert (200, b"data: {}\n\n", 1) == (answer.status, answer.body, it.server.cancelled)


@pytest.mark.requirement("follow:running:is-cancelled")
@pytest.mark.parametrize(
    ("kind", "act", "subject"),
    [
        ("user", "kill", {"sub": "usr_other"}),
        ("user", "kill", {"sub": SUBJECT, "tenant": "ten_b"}),
        ("tool", "kill", {"resource": RESOURCE, "tool": "see"}),
        ("resource", "pause", {"resource": RESOURCE}),
    ],
)
async def test_a_call_of_somebody_else_of_another_tool_or_of_a_paused_server_runs_on(it, kind, act, subject):
    """A pause ends nothing."""
    it.server.gate = asyncio.Event()
    running = asyncio.create_task(it.run("add"))
    await it.began(1)

    await it.said(kind, act, **subject)
    it.server.gate.set()

    assert ran(await asyncio.wait_for(running, 5))
    assert 0 == it.server.cancelled


@pytest.mark.requirement("follow:running:is-cancelled")
async def test_a_batch_that_runs_is_stopped_by_each_of_its_tools(it):
    """MCP 2025-03-26 "Batching": the second call of a batch is a call."""
    it.server.gate = asyncio.Event()
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        for number, tool in enumerate(("see", "add"))
    ]
    headers = [it.bearer(*SCOPES), ("mcp-protocol-version", "2025-03-26")]
    it.server.first = b"data: {}\n\n"
    running = asyncio.create_task(it.send(headers=headers, body=json.dumps(calls).encode()))
    await it.began(1)
    await asyncio.sleep(0)

    await it.said("tool", "kill", resource=RESOURCE, tool="add")
    answer = await asyncio.wait_for(running, 5)

    assert (200, 1, 0) == (answer.status, it.server.cancelled, it.server.ended)


@pytest.mark.requirement("follow:running:streams-and-sessions")
async def test_a_stream_of_a_tenant_for_which_this_server_is_no_longer_heard_ends(it):
    """Decision 22: nothing is told of what ends there any more, so nothing goes on."""
    it.server.gate = asyncio.Event()
    stream = asyncio.create_task(it.send("GET", headers=[it.bearer(*SCOPES), MODERN]))
    await it.began(1)

    it.feed.tenants, it.feed.heard_as = ["ten_other"], "feed0b"
    await it.hear()
    ended = await asyncio.wait_for(stream, 5)

    assert (200, b": hello\n\n", 1) == (ended.status, ended.body, it.server.cancelled)


@pytest.mark.requirement("follow:running:is-cancelled")
def test_a_call_that_ended_with_its_event_loop_keeps_no_other_from_being_stopped():
    """Several event loops in one process: one that was closed in the middle of a call told nobody."""
    running, why, stopped = Running(), Deny(error="cancelled", message="", reason=""), []

    async def lost():
        run = Run(None, ())
        asyncio.get_running_loop().create_task(run.go(asyncio.Event().wait(), running))
        await asyncio.sleep(0)

    async def other():
        run = Run(None, ())
        task = asyncio.create_task(run.go(asyncio.Event().wait(), running))
        await asyncio.sleep(0)
        running.look_through(lambda _: why)
        stopped.append(await asyncio.wait_for(task, 5))

    loop = asyncio.new_event_loop()
    loop.run_until_complete(lost())
    loop.close()
    asyncio.run(other())

    assert [why] == stopped


@pytest.mark.requirement("follow:running:streams-and-sessions")
async def test_an_open_stream_and_the_session_of_whoever_is_killed_end(it):
    """The contract: open GET streams and sessions of a dead principal close, and do not go on after a new login."""
    opened = await it.rpc("initialize", auth=it.bearer(*SCOPES), headers=[LEGACY])
    session = ("mcp-session-id", opened.header("mcp-session-id"))
    it.server.gate = asyncio.Event()
    stream = asyncio.create_task(it.send("GET", headers=[it.bearer(*SCOPES), LEGACY, session]))
    await it.began(2)

    n = await it.said("user", sub=SUBJECT)
    ended = await asyncio.wait_for(stream, 5)
    it.server.gate = None
    again = await it.rpc("ping", auth=it.bearer(*SCOPES, override={"ctl": n}), headers=[LEGACY, session])

    assert (200, b": hello\n\n") == (ended.status, ended.body)
    assert 404 == again.status


@pytest.mark.requirement("follow:running:is-cancelled")
async def test_somebody_elses_cancellation_is_not_swallowed(it):
    """A client that hangs up in the moment of a kill is still a client that has hung up."""
    it.server.gate = asyncio.Event()
    running = asyncio.create_task(it.run("add"))
    await it.began(1)

    it.feed.announce("user", "kill", sub=SUBJECT)
    hearing = asyncio.create_task(it.hear())
    while not it.guard.revocations.state.dead(_principal(it)):
        await asyncio.sleep(0)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    await hearing


def _principal(it):
    return next(iter(it.guard._verifier._verdicts.values()))[0]


# -- the break-glass


@pytest.mark.requirement("follow:stop-file:stops-everything")
@pytest.mark.parametrize("mode", ["full", "token-only"])
async def test_a_stop_file_stops_everything_and_its_removal_revives_also_without_an_issuer(tmp_path, mode):
    """The issue: while the control plane is away, and in token-only mode."""
    stop = tmp_path / "STOP"
    made = Followed(stop_file=stop) if mode == "full" else Guarded(stop_file=stop)
    see = made.run if mode == "full" else (lambda tool: made.tool(tool, "notes:read"))
    auth = made.bearer("notes:read")
    before = await see("see")
    if mode == "full":
        made.is_silent = True

    stop.touch()
    made.guard.revocations.stop_file._looked_at = float("-inf")  # half a second later
    call = await see("see")
    listed = await made.rpc("tools/list", auth=auth, headers=[MODERN])
    stopped = made.guard.doctor()
    stop.unlink()
    made.guard.revocations.stop_file._looked_at = float("-inf")
    after = await see("see")

    assert ran(before)
    assert (200, "server_inactive") == (call.status, call.error["error"])
    assert (503, "30") == (listed.status, listed.header("retry-after"))
    assert (True, str(stop)) == (stopped.is_stopped, stopped.stop_file)
    assert any("everything is stopped" in warning for warning in stopped.warnings)
    assert ran(after)
    await made.guard.aclose()


@pytest.mark.requirement("follow:stop-file:stops-everything")
async def test_a_stop_file_cancels_what_runs_without_anybody_calling(tmp_path):
    """It is looked for, not waited for."""
    made = Followed(stop_file=tmp_path / "STOP")
    made.server.gate = asyncio.Event()
    running = asyncio.create_task(made.run("add"))
    await made.began(1)

    (tmp_path / "STOP").touch()
    answer = await asyncio.wait_for(running, 5)

    assert ("cancelled", 1) == (answer.error["error"], made.server.cancelled)
    await made.aclose()


# -- what it says of itself


@pytest.mark.requirement("follow:doctor:says-it")
async def test_the_report_says_lease_age_and_what_is_wrong(it, caplog):
    """Decision 18: at start and in `doctor()`."""
    await it.hear()
    it.later(2)
    fresh = it.guard.doctor()
    it.later(10)
    stale = it.guard.doctor()
    it.feed.name = it.feed.heard_as = "feed9"
    await it.hear()
    refused = it.guard.doctor()

    assert ("full", "5 s, 30 s for plain reads") == (fresh.mode, fresh.lease)
    assert 2.001 == pytest.approx(fresh.feed_age_s)
    assert "lease 5 s, 30 s for plain reads" in str(fresh)
    assert not any("feed" in warning for warning in fresh.warnings)
    assert any("was not heard for a while" in warning for warning in stale.warnings)
    assert any("not believed, it is another list" in warning for warning in refused.warnings)
    token_only = Guarded().guard.doctor()
    assert ("token-only", None, None) == (token_only.mode, token_only.lease, token_only.feed_age_s)
    assert "nothing is followed" in str(token_only)


@pytest.mark.requirement("follow:guard:not-linked-any-more")
async def test_a_tenant_that_this_server_is_no_longer_heard_for_is_the_one_401_and_a_new_one_is_asked_about_at_once(it):
    """Decision 22: what ended there is told to nobody who is not linked, so nothing from there counts."""
    before = await it.run("see")
    unlinked = it.bearer(*SCOPES)
    it.feed.tenants = ["ten_b", "ten_new"]
    it.demanded = {"ten_b": {}, "ten_new": {}}
    it.feed.heard_as = "renamed"
    it.later(1)
    new = await it.run("see", tenant="ten_new")

    gone = await it.rpc("tools/call", {"name": "see", "arguments": {}}, auth=unlinked, headers=[MODERN])

    assert ran(before)
    assert (200, 401) == (new.status, gone.status)
