"""Limits at the guard: what is counted, what a caller is told, and that what was refused has cost nothing."""

import asyncio
import json
import math

import pytest

from examples import limited as example
from resource_lib import Limits, ResourceGuard, destructive, read, write
from resource_lib.decision import Deny
from resource_lib.limits.process_store import ProcessStore
from resource_lib.settings import SettingsError
from resource_lib.transport.sessions import Sessions
from tests.support.approved import Caller
from tests.support.guarded import LEGACY, MODERN, Guarded

MINUTE = 60_000_000
TOOLS = {
    "query": read("data:read", limit="3/60s"),
    "browse": read("data:read"),
    "send": write("data:write", limit="2/hour"),
    "delete_records": destructive("data:write", approval=False),
}
ALL = ("data:read", "data:write", "tool:send", "tool:delete_records")


class Clock:
    """Microseconds, set by hand."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now

    def pass_s(self, seconds):
        self.now += math.ceil(seconds * 1_000_000)


def limited(**words):
    """Return a guarded server whose limits are counted on a clock of their own."""
    clock = Clock()
    it = Guarded(tools=words.pop("tools", TOOLS), limits=Limits(**{"credential": "1000/min", "server": None} | words))
    it.guard._gate.store = ProcessStore(clock=clock)
    it.clock = clock
    return it


async def batch(it, *messages, auth, headers=()):
    body = json.dumps([{"jsonrpc": "2.0", "id": n, **one} for n, one in enumerate(messages, 1)]).encode()
    return await it.send(headers=[auth, *headers], body=body)


def called(tool):
    return {"method": "tools/call", "params": {"name": tool, "arguments": {}}}


@pytest.mark.requirement("limits:tool:said-in-its-result")
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_the_fourth_query_in_a_minute_is_answered_as_a_result_a_model_can_act_on(era):
    """C37, C42, K1: HTTP 200, the typed object, `Retry-After` and the draft fields: one number in all places."""
    it = limited()
    for _ in range(3):
        assert (await it.tool("query", *ALL, headers=[era])).status == 200

    refused = await it.tool("query", *ALL, headers=[era], request_id="mine")

    error = refused.error
    assert (200, 3) == (refused.status, it.reached)
    assert {
        "error": "rate_limited", "tool": "query", "limit": 3, "window_s": 60, "retry_after_s": 20, "remaining": 0, "scope": "tool",
    }.items() <= error.items()  # fmt: skip
    assert "query has not run" in error["message"] and "20 s" in error["message"]
    result = refused.json["result"]
    assert ("mine", True) == (refused.json["id"], result["isError"])
    assert error == json.loads(result["content"][-1]["text"])
    assert result["content"][0]["text"] == error["message"]
    assert ("complete" if era is MODERN else None) == result.get("resultType")
    assert "20" == refused.header("retry-after")
    assert '"tool";q=3;w=60' == refused.header("ratelimit-policy")
    assert '"tool";r=0;t=20' == refused.header("ratelimit")


@pytest.mark.requirement("limits:tool:said-in-its-result")
async def test_whoever_comes_again_when_they_were_told_to_is_let_through_and_nobody_sooner():
    """C42: `retry_after_s` is true to the second."""
    it = limited()
    for _ in range(3):
        await it.tool("query", *ALL)
    wait = (await it.tool("query", *ALL)).error["retry_after_s"]

    it.clock.pass_s(wait - 1)
    assert "rate_limited" == (await it.tool("query", *ALL)).error["error"]
    it.clock.pass_s(1)
    assert "result" in (await it.tool("query", *ALL)).json and 4 == it.reached
    assert "rate_limited" == (await it.tool("query", *ALL)).error["error"]


@pytest.mark.requirement("limits:requests:said-by-429")
@pytest.mark.parametrize("scope", ["credential", "user", "client", "tenant", "server"])
async def test_whose_requests_are_limited_hears_an_http_429_with_the_same_object(scope):
    """C38, C42, decision 12: whatever is asked, tools or not; -31429 lies outside the protocol's reserved codes."""
    it = limited(**{"credential": "100/min", scope: "2/min"})
    auth = it.bearer(*ALL)
    assert (await it.rpc("tools/list", auth=auth)).status == 200
    assert (await it.rpc("tools/call", {"name": "browse"}, auth=auth)).status == 200

    for method, params, named in (
        ("tools/call", {"name": "browse"}, {"tool": "browse"}),
        ("ping", {}, {"method": "ping"}),
    ):
        refused = await it.rpc(method, params, auth=auth, request_id=7)
        error = refused.json["error"]
        assert (429, -31429, 7) == (refused.status, error["code"], refused.json["id"])
        expected = {
            "error": "rate_limited",
            "limit": 2,
            "window_s": 60,
            "retry_after_s": 30,
            "remaining": 0,
            "scope": scope,
        }
        assert (expected | named).items() <= error["data"].items()
        assert error["message"] == error["data"]["message"]
        assert "30" == refused.header("retry-after")
        assert f'"{scope}";r=0;t=30' == refused.header("ratelimit")
    stream = await it.send("GET", headers=[auth])
    assert (429, None, "30") == (stream.status, stream.json["id"], stream.header("retry-after"))
    assert 2 == it.reached


@pytest.mark.requirement("limits:signal:one-setting")
async def test_a_client_that_wants_one_way_gets_that_one_for_everything():
    """K1: gateways that look at HTTP alone, and agents that look at results alone; the object stays the same."""
    http, result = limited(signal="http_429"), limited(signal="tool_result", credential="3/min")
    for _ in range(3):
        await http.tool("query", *ALL)
        await result.tool("browse", *ALL)

    by_http = await http.tool("query", *ALL)
    by_result = await result.tool("browse", *ALL)
    no_tool = await result.rpc("tools/list", auth=result.bearer(*ALL))
    no_request = await result.send(
        headers=[result.bearer(*ALL)], body=b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
    )

    assert (429, "tool", "query") == (by_http.status, by_http.error["scope"], by_http.error["tool"])
    assert (200, True, "credential") == (
        by_result.status,
        by_result.json["result"]["isError"],
        by_result.error["scope"],
    )
    assert (200, -31429) == (no_tool.status, no_tool.json["error"]["code"])
    assert 429 == no_request.status, "a notification has no reply that could say it"
    for answer in (by_http, by_result, no_tool, no_request):
        assert answer.header("retry-after") == "20"


@pytest.mark.requirement("limits:signal:one-setting")
async def test_the_draft_fields_can_be_left_out_and_retry_after_cannot():
    """K1: draft-ietf-httpapi-ratelimit-headers is a draft, and can be switched off."""
    it = limited(headers=False)
    for _ in range(3):
        await it.tool("query", *ALL)

    refused = await it.tool("query", *ALL)

    assert [None, None, "20"] == [refused.header(name) for name in ("ratelimit", "ratelimit-policy", "retry-after")]


@pytest.mark.requirement("limits:signal:one-truth")
async def test_an_older_client_of_a_tool_with_an_output_schema_gets_no_error_in_structured_content():
    """Design §4: SDK 1.x holds even errors against the schema; the object is in the text and in `_meta` all the same."""
    it = limited()
    listing = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [
        {"name": "query", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object", "required": ["rows"]}},
        {"name": "send", "inputSchema": {"type": "object"}},
    ]}}  # fmt: skip
    it.server.chunks = [json.dumps(listing).encode()]
    await it.rpc("tools/list", auth=it.bearer(*ALL))
    for tool in ("query", "query", "query", "send", "send"):
        await it.tool(tool, *ALL)

    found = {
        (tool, era[1]): "structuredContent" in (await it.tool(tool, *ALL, headers=[era])).json["result"]
        for tool in ("query", "send")
        for era in (MODERN, LEGACY)
    }

    assert {
        ("query", "2026-07-28"): True, ("query", "2025-11-25"): False, ("send", "2026-07-28"): True, ("send", "2025-11-25"): True,
    } == found  # fmt: skip


@pytest.mark.requirement("limits:refused:costs-no-tool")
async def test_what_is_refused_for_any_reason_takes_nothing_of_a_tools_own_limit():
    """C39: a call without scope, of an unknown tool, or beyond one limit leaves every other limit of tools as it was."""
    it = limited(tools={"query": read("data:read", limit=["5/min", "1/s"])})
    for _ in range(20):
        assert (await it.tool("query")).status == 403
        assert (await it.tool("Query", *ALL)).error["error"] == "tool_unknown"
    assert 1 == len(it.guard._gate.store), (
        "an unknown tool never makes an entry: the one is that of this person's requests"
    )

    assert "result" in (await it.tool("query", *ALL)).json
    for _ in range(20):
        assert 1 == (await it.tool("query", *ALL)).error["window_s"]
    for _ in range(4):
        it.clock.pass_s(1)
        await it.tool("query", *ALL)

    assert 5 == it.reached, "the refused ones took nothing of the five a minute"


@pytest.mark.requirement("limits:batch:each-message-counts")
async def test_each_message_of_a_batch_counts_and_a_batch_runs_whole_or_not_at_all():
    """RL-01: a batch is no way around a limit."""
    it = limited(credential="10/min")
    auth = it.bearer(*ALL)
    assert (await batch(it, called("query"), called("query"), {"method": "ping"}, auth=auth)).status == 200

    refused = await batch(it, called("browse"), called("query"), called("query"), auth=auth)
    first, second, third = (one["result"]["_meta"]["authserver/error"] for one in refused.json)
    assert (1, "policy_denied") == (it.reached, first["error"])
    assert ["rate_limited"] * 2 == [second["error"], third["error"]] and "20" == refused.header("retry-after")
    assert "result" in (await it.tool("query", *ALL)).json, "the refused batch took nothing"
    pings = [{"method": "ping"}] * 7
    assert 429 == (await batch(it, *pings, auth=auth)).status
    assert 200 == (await batch(it, *pings[:6], auth=auth)).status


@pytest.mark.requirement("limits:batch:each-message-counts")
async def test_a_batch_larger_than_a_limit_is_told_that_waiting_changes_nothing():
    """C42: no client is sent into a loop."""
    it = limited()

    refused = await batch(it, *[called("query")] * 4, auth=it.bearer(*ALL))

    error = refused.json[0]["result"]["_meta"]["authserver/error"]
    assert "rate_limited" == error["error"] and "retry_after_s" not in error and refused.header("retry-after") is None
    assert "Ask for less at once" in error["message"]


@pytest.mark.requirement("limits:cost:weighs")
async def test_a_call_that_costs_five_counts_as_five_of_every_limit():
    """C37: cost shapes."""
    it = limited(
        tools={"cheap": read("data:read"), "dear": read("data:read", cost=5)}, credential="12/min", read="11/min"
    )

    ran = [(await it.tool("dear", *ALL)).status for _ in range(3)]
    scope = (await it.tool("dear", *ALL)).error["scope"]
    cheap = [(await it.tool("cheap", *ALL)).status for _ in range(3)]

    assert ([200, 200, 200], 2 + 2) == (ran, it.reached)
    assert "tool" == scope
    assert [200, 200, 429] == cheap


@pytest.mark.requirement("limits:off")
async def test_none_switches_every_limit_off_and_doctor_says_so():
    """C37: on by default, and off in one word that stands in the code."""
    it = Guarded(tools=TOOLS, limits=None)

    for _ in range(30):
        assert "result" in (await it.tool("delete_records", *ALL)).json

    assert 30 == it.reached
    assert any("limits=None" in line for line in it.guard.doctor().warnings)


@pytest.mark.requirement("limits:defaults")
async def test_a_guard_that_was_told_nothing_limits_as_the_documentation_says():
    """C37, C38: 3 destructive calls an hour, 60 requests a minute, without a word of the author."""
    tools = {"browse": read("data:read"), "wipe": destructive("data:write", approval=False)}
    it = Guarded(tools=tools, limits=Limits())
    told_nothing = ResourceGuard(issuer="https://a.example", resource="https://b.example", tools=tools)
    assert told_nothing.doctor().limits == it.guard.doctor().limits is not None
    scopes = ("data:read", "data:write", "tool:wipe")

    wiped = ["rate_limited" if "_meta" in (await it.tool("wipe", *scopes)).json["result"] else "ran" for _ in range(5)]
    read_ = [(await it.tool("browse", *scopes)).status for _ in range(60)]

    assert ["ran"] * 3 + ["rate_limited"] * 2 == wiped
    assert [200] * 57 + [429] * 3 == read_


@pytest.mark.requirement("limits:example:holds")
@pytest.mark.parametrize(
    ("tool", "most", "window_s"), [("query_database", 30, 60), ("send_email", 5, 3600), ("delete_records", 3, 3600)]
)
async def test_the_example_lets_through_what_it_says_and_no_more(tool, most, window_s):
    """C37: queries 30 in 60 s, e-mails 5 an hour, deletions 3 an hour."""
    it = limited(tools=example.TOOLS)
    scopes = ("records:read", "records:write", "tool:send_email", "tool:delete_records")
    for _ in range(most + 5):
        last = await it.tool(tool, *scopes, roles=["admin"])

    assert most == it.reached
    assert (most, window_s) == (last.error["limit"], last.error["window_s"])
    it.clock.pass_s(window_s)
    for _ in range(most + 5):
        await it.tool(tool, *scopes, roles=["admin"])
    assert 2 * most == it.reached


@pytest.mark.requirement("limits:signals:who-and-which")
async def test_a_refusal_is_told_to_whoever_watches_with_caller_tool_and_limit(caplog):
    """C43, RL-06: and nothing a caller wrote, nor a token, stands in the log."""
    heard = []
    it = limited(on_limited=heard.append)
    auth = it.bearer(*ALL, subject="usr_7")
    for _ in range(5):
        said = {"name": "query", "arguments": {"secret": "hunter2-argument"}}
        await it.rpc("tools/call", said, auth=auth)

    assert [("query", "tool", 3, 60, "usr_7")] * 2 == [
        (one.tool, one.scope, one.most, one.window_s, one.subject) for one in heard
    ]
    lines = [record for record in caplog.records if record.__dict__.get("event") == "call.limited"]
    assert [("query", "usr_7", 1)] == [(line.tool, line.subject, line.times) for line in lines]
    written = json.dumps([{name: str(value) for name, value in record.__dict__.items()} for record in caplog.records])
    assert "hunter2" not in written and auth[1].removeprefix("Bearer ") not in written


# ---------------------------------------------------------------------------------------------------------------------
# How many at once
# ---------------------------------------------------------------------------------------------------------------------


class Slow:
    """A server whose calls last until a test lets them end."""

    def __init__(self):
        self.running, self.crashes, self.ends = 0, False, asyncio.Event()

    async def __call__(self, scope, receive, send):
        await receive()
        self.running += 1
        try:
            await self.ends.wait()
            if self.crashes:
                raise RuntimeError("the report is stuck")
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"jsonrpc":"2.0","id":1,"result":{}}'})
        finally:
            self.running -= 1


def slowly(**words):
    tools = words.pop("tools", {"report": read("data:read", concurrent=2)})
    it = Guarded(tools=tools, limits=Limits(**{"credential": "1000/min"} | words))
    it.slow = Slow()
    app = it.guard.wrap(it.slow)

    def begin(tool="report", **claims):
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        return Caller(app, message, [it.bearer("data:read", **claims)])

    it.begin = begin
    return it


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.requirement("limits:running:at-most")
async def test_a_third_call_of_one_person_does_not_begin_beside_two_and_another_person_is_not_held_up():
    """C39: a cap per person and tool; a second login of the same person is the same person."""
    it = slowly()
    first, second = it.begin(), it.begin(override={"authorization_id": "another login"})
    await until(lambda: it.slow.running == 2)

    third = await it.begin().answer()
    other = it.begin(subject="usr_other")
    await until(lambda: it.slow.running == 3)

    assert {
        "error": "rate_limited",
        "tool": "report",
        "limit": 2,
        "scope": "running",
        "retry_after_s": 1,
    }.items() <= third.error.items()
    assert "window_s" not in third.error and third.header("ratelimit") is None and "1" == third.header("retry-after")
    it.slow.ends.set()
    assert [200] * 3 == [(await one.answer()).status for one in (first, second, other)]
    assert [200, 200] == [(await it.begin().answer()).status for _ in range(2)]


TOGETHER = {
    "user": ({"override": {"authorization_id": "another login"}}, {"subject": "usr_other"}),
    "credential": ({"client_id": "cli_other"}, {"override": {"authorization_id": "another login"}}),
    "client": ({"subject": "usr_other"}, {"client_id": "cli_other"}),
    "tenant": ({"subject": "usr_other", "client_id": "cli_other"}, {"tenant": "ten_other"}),
    "server": ({"subject": "usr_other", "tenant": "ten_other"}, None),
}
"""Of whom a cap holds: somebody who counts together with the first caller, and somebody who does not."""


@pytest.mark.requirement("limits:running:whose")
@pytest.mark.parametrize("of_all", [False, True])
@pytest.mark.parametrize("per", TOGETHER)
async def test_a_cap_holds_for_those_who_count_together_and_for_nobody_else(per, of_all):
    """C39: of one tool, said in its result; of whatever tools, an HTTP 429, in words that say whose."""
    cap, (same, other) = f"2 per {per}", TOGETHER[per]
    tools = {name: read("data:read", **({} if of_all else {"concurrent": cap})) for name in ("report", "query")}
    it = slowly(tools=tools, running=cap if of_all else None)
    began = {"override": {"authorization_id": "first login"}}
    going = [it.begin(**began), it.begin(**began | same, tool="query" if of_all else "report")]
    await until(lambda: it.slow.running == 2)

    third = await it.begin(**began).answer()
    others = [it.begin(**began, tool="query")] if not of_all else []
    others += [] if other is None else [it.begin(**began | other)]
    await until(lambda: it.slow.running == 2 + len(others))

    said = {"error": "rate_limited", "limit": 2, "scope": "running", "per": per, "retry_after_s": 1}
    assert said.items() <= third.error.items()
    assert (429 if of_all else 200, "1") == (third.status, third.header("retry-after"))
    it.slow.ends.set()
    assert {200} == {(await one.answer()).status for one in (*going, *others)}
    await until(lambda: len(it.guard._gate.store._seats) == 0)


@pytest.mark.requirement("limits:running:whose")
async def test_caps_are_taken_all_or_none():
    """C39: whoever finds the server full has taken no seat of the tool, nor of their own."""
    tools = {"report": read("data:read", concurrent=["2", "5 per tenant"]), "query": read("data:read")}
    it = slowly(tools=tools, running="3 per server")
    going = [it.begin(subject=f"usr_{n}", tool="query") for n in range(3)]
    await until(lambda: it.slow.running == 3)
    seats = {key: len(holders) for key, holders in it.guard._gate.store._seats.items()}

    full = [await it.begin().answer() for _ in range(2)]

    assert [(429, "server")] * 2 == [(one.status, one.error["per"]) for one in full]
    assert seats == {key: len(holders) for key, holders in it.guard._gate.store._seats.items()}
    it.slow.ends.set()
    await asyncio.gather(*(one.answer() for one in going))
    assert (await it.begin().answer()).status == 200


@pytest.mark.requirement("limits:running:whose")
@pytest.mark.parametrize(
    "wrong", ["4 per tool", "0 per server", "4 per  server", "-1", "4.0", "10001", "four", "", True, 0, [4, "x"]]
)
def test_a_cap_that_nobody_could_keep_stops_the_start(wrong):
    """C41: with the cure, wherever it was written."""
    for broken in (
        lambda: Limits(concurrent=wrong),
        lambda: Limits(running=wrong),
        lambda: read("a", concurrent=wrong),
    ):
        with pytest.raises(SettingsError, match=r"concurrent|running") as said:
            broken()
        assert "50 per server" in str(said.value)


@pytest.mark.requirement("limits:running:a-seat-comes-back")
@pytest.mark.parametrize("how", ["ends", "is cancelled", "crashes", "is stopped"])
async def test_a_seat_comes_back_however_a_call_ends(how):
    """C39: at its end, when whoever serves the connection cancels it, when the server fails, and when it is stopped."""
    it = slowly()
    callers = [it.begin() for _ in range(2)]
    await until(lambda: it.slow.running == 2)
    match how:
        case "ends":
            it.slow.ends.set()
        case "is cancelled":
            for one in callers:
                one.task.cancel()
        case "crashes":
            it.slow.crashes = True
            it.slow.ends.set()
        case "is stopped":
            for run in tuple(it.guard.revocations.running.runs):
                run.stop(Deny(error="cancelled", message="stopped", reason="a test"))
    ended = await asyncio.gather(*(one.task for one in callers), return_exceptions=True)
    assert (how in ("is cancelled", "crashes")) is all(isinstance(one, BaseException) for one in ended)
    await until(lambda: len(it.guard._gate.store._seats) == 0)

    it.slow.crashes = False
    it.slow.ends.clear()
    again = [it.begin() for _ in range(2)]
    await until(lambda: it.slow.running == 2)
    it.slow.ends.set()
    assert [200, 200] == [(await one.answer()).status for one in again]


@pytest.mark.requirement("limits:running:a-seat-comes-back")
async def test_a_seat_comes_back_when_the_guard_itself_fails_before_the_server_is_reached(monkeypatch):
    """C39: between counting a call and the server's first line nothing of ours may keep a place for ever."""
    it = slowly()

    def broken(*_, **__):
        raise RuntimeError("an accident of ours")

    monkeypatch.setattr(Sessions, "watch", broken)
    for _ in range(5):
        found = (await asyncio.gather(it.begin().task, return_exceptions=True))[0]
        assert isinstance(found, RuntimeError), "never refused for want of a seat"
    await until(lambda: len(it.guard._gate.store._seats) == 0)


@pytest.mark.requirement("limits:running:a-seat-comes-back")
async def test_a_call_that_finds_no_room_in_another_limit_leaves_its_seat():
    """C39: seats and counts together, all or none."""
    it = slowly(read="1/hour")
    it.slow.ends.set()
    assert (await it.begin().answer()).status == 200

    for _ in range(5):
        assert "tool" == (await it.begin().answer()).error["scope"]

    await until(lambda: len(it.guard._gate.store._seats) == 0)


@pytest.mark.requirement("limits:running:at-most")
async def test_a_call_right_after_the_answer_of_the_one_before_is_not_refused():
    """C39: whoever calls one after the other never meets the cap, though the server comes back a little later than its answer."""
    it = Guarded(
        tools={"report": read("data:read", concurrent=1)}, limits=Limits(credential="1000/min", read="1000/min")
    )

    async def late(scope, receive, send):
        await it.server(scope, receive, send)
        await asyncio.sleep(0.01)

    app = it.guard.wrap(late)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "report", "arguments": {}}}
    for _ in range(10):
        one = Caller(app, message, [it.bearer("data:read")])
        await until(lambda one=one: one.found and not one.found[-1].get("more_body", True))
        assert b"result" in one.so_far and b"rate_limited" not in one.so_far
    assert 10 == it.reached
