"""Plan: slip past a policy: by another tenant's rules, a call order nobody wanted, a batch, or an answer that tells too much."""

import json

import pytest

from resource_lib import SettingsError, deny_if, destructive, read, require, step_up_if, write
from resource_lib.testing import issuer as test_issuer
from resource_lib.wire.tool_policy import parse_rules
from tests.support.guarded import LEGACY, MODERN, Guarded

TENANT = test_issuer.TENANT
ERAS = pytest.mark.parametrize("era", [LEGACY, MODERN], ids=["2025-11-25", "2026-07-28"])
ORDERS = {
    "get_order": read("o:read"),
    "read_secret": read("o:read", returns=["secret"]),
    "refund": write(
        "o:write",
        when=[
            require("called('get_order', within='10 min', same='order_id')", because="Look at the order first."),
            deny_if("called('read_secret', within='1 h')", because="Not after reading secrets."),
            deny_if("args.amount_cents > 10000", because="Large refunds are made by accounting."),
        ],
    ),
}
ALL = ("o:read", "o:write", "tool:refund")


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


async def run(it, tool, arguments, *, auth, headers=()):
    return await it.rpc("tools/call", {"name": tool, "arguments": arguments}, auth=auth, headers=headers)


def known_memory(seconds=3600.0):
    """A memory that has been there for a while, so that what it does not know did not happen."""
    from resource_lib.context import ProcessMemory

    clock = Clock()
    memory = ProcessMemory(clock=clock)
    clock.now += seconds
    return memory, clock


def said_of_tools(it):
    """Return what the guard's report warns of, but for the limits that these tests leave out."""
    return {warning for warning in it.guard.doctor().warnings if not warning.startswith("limits: ")}


def ran(answer):
    return "_meta" not in answer.json.get("result", {}) and answer.status == 200


@pytest.mark.requirement("policy:context:earlier-calls-of-this-authorization")
async def test_a_refund_needs_the_same_order_to_have_been_looked_at_within_ten_minutes():
    """C24, C25: not another order, not another authorization, not too long ago."""
    memory, clock = known_memory()
    it = Guarded(tools=ORDERS, memory=memory)
    mine, other = (
        it.bearer(*ALL, override={"authorization_id": "a1"}),
        it.bearer(*ALL, override={"authorization_id": "a2"}),
    )
    refund = {"order_id": "o-1", "amount_cents": 100}
    clock.now += 3600 * 2

    assert not ran(await run(it, "refund", refund, auth=mine))
    assert ran(await run(it, "get_order", {"order_id": "o-2"}, auth=mine))
    assert not ran(await run(it, "refund", refund, auth=mine))
    assert ran(await run(it, "get_order", {"order_id": "o-1"}, auth=mine))
    assert ran(await run(it, "refund", refund, auth=mine))
    assert not ran(await run(it, "refund", refund, auth=other))
    assert not ran(await run(it, "refund", refund | {"amount_cents": "100"}, auth=mine))
    clock.now += 601
    refused = await run(it, "refund", refund, auth=mine)
    assert ("policy_denied", "refund is refused: Look at the order first.") == (
        refused.error["error"], refused.error["message"],
    )  # fmt: skip


@pytest.mark.requirement("policy:context:forbidden-sequence")
async def test_nothing_is_paid_after_a_secret_was_read_and_a_refused_read_counts_for_nothing():
    """C25: a forbidden sequence; only calls that were let through are remembered."""
    memory, clock = known_memory()
    it = Guarded(tools=ORDERS, memory=memory)
    clock.now += 7200
    mine = it.bearer(*ALL, override={"authorization_id": "a1"})
    refund = {"order_id": "o-1", "amount_cents": 100}
    blind = it.bearer("o:write", "tool:refund", override={"authorization_id": "a1"})
    await run(it, "get_order", {"order_id": "o-1"}, auth=mine)

    assert 403 == (await run(it, "read_secret", {}, auth=blind)).status
    assert ran(await run(it, "refund", refund, auth=mine))
    assert ran(await run(it, "read_secret", {}, auth=mine))
    refused = await run(it, "refund", refund, auth=mine)

    assert "refund is refused: Not after reading secrets." == refused.error["message"]


@pytest.mark.requirement("policy:context:what-was-forgotten-is-not-what-never-was")
async def test_after_a_restart_a_forbidden_sequence_is_not_taken_for_one_that_never_happened():
    """A guard that has just begun does not know what was read before; an authorization younger than it, it knows whole."""
    memory, clock = known_memory(seconds=10)
    tools = {"send": write("o:write", when=[ORDERS["refund"].rules.when[1]]), "read_secret": ORDERS["read_secret"]}
    it = Guarded(tools=tools, memory=memory)
    old = it.bearer("o:write", "tool:send", without=["auth_time"])
    young = it.bearer("o:write", "tool:send")

    assert not ran(await run(it, "send", {}, auth=old))
    clock.now += 30
    assert not ran(await run(it, "send", {}, auth=old))
    assert ran(await run(it, "send", {}, auth=young))
    clock.now += 3601
    assert ran(await run(it, "send", {}, auth=old))


@pytest.mark.requirement("policy:context:a-batch-knows-nothing-of-before")
async def test_a_batch_is_no_way_around_an_order_of_calls():
    """What runs beside a call is not decided yet, so that neither a required nor a forbidden call is known there."""
    memory, clock = known_memory()
    it = Guarded(tools=ORDERS, memory=memory)
    clock.now += 7200
    auth = it.bearer(*ALL, override={"authorization_id": "a1"})
    refund = {"order_id": "o-1", "amount_cents": 100}
    await run(it, "get_order", {"order_id": "o-1"}, auth=auth)
    calls = [("read_secret", {}), ("refund", refund)]
    body = [
        {"jsonrpc": "2.0", "id": place, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(calls)
    ]

    before = it.reached
    answer = await it.send(headers=[auth], body=json.dumps(body).encode())

    assert before == it.reached
    assert {"policy_denied"} == {reply["result"]["_meta"]["authserver/error"]["error"] for reply in answer.json}


@ERAS
@pytest.mark.requirement("policy:denied:as-if-it-were-not-there")
async def test_a_denied_tool_and_another_clients_tool_answer_as_one_that_nobody_knows(era):
    """Decision 11, K14: equal bytes, listed nowhere; another tenant's rules are that tenant's own."""
    tools = {"see": read("o:read"), "off": read("o:read", mode="deny"), "his": read("o:read", clients=["other"])}
    it = Guarded(tools=tools)
    auth = it.bearer("o:read")
    it.server.chunks = [
        json.dumps(
            {"jsonrpc": "2.0", "id": 1, "result": {"tools": [
                {"name": name, "inputSchema": {}, "outputSchema": {"type": "object"}} for name in tools
            ]}}
        ).encode()
    ]  # fmt: skip

    listed = await it.rpc("tools/list", auth=auth, headers=[era])
    answers = [
        (await run(it, name, {}, auth=auth, headers=[era])).body.replace(name.encode(), b"X")
        for name in ("off", "his", "zzz")
    ]

    assert ["see"] == [tool["name"] for tool in listed.json["result"]["tools"]]
    assert 1 == len(set(answers))
    it.guard.take_overlays({TENANT: {"see": parse_rules({"mode": "deny"})}, "ten_other": {}}, "v1")
    denied = (await run(it, "see", {}, auth=auth, headers=[era])).body.replace(b"see", b"X")
    assert answers[0] == denied
    elsewhere = it.bearer("o:read", tenant="ten_bbbbbbbbbbbbbbbb")
    assert ran(await run(it, "see", {}, auth=elsewhere, headers=[era]))


@pytest.mark.requirement("policy:overlay:in-force-with-the-next-call")
async def test_what_an_operator_demands_holds_from_the_next_call_on_and_never_widens():
    """Operators change it without a deploy; a layer that says less changes nothing."""
    it = Guarded(tools={"pay": write("o:write", roles=["clerk"])})
    auth = it.bearer("o:write", "tool:pay", roles=["clerk"])
    nobody = it.bearer("o:write", "tool:pay", roles=["guest"])

    assert ran(await run(it, "pay", {"n": 5}, auth=auth))
    it.guard.take_overlays({TENANT: {"*": parse_rules({"most": "read"})}}, "v1")
    assert "tool_unknown" == (await run(it, "pay", {"n": 5}, auth=auth)).error["error"]
    rules = {
        "when": [{"deny": "args.n > 4", "because": "Four is enough."}],
        "roles": ["clerk", "guest"],
        "mode": "observe",
    }
    it.guard.take_overlays({TENANT: {"pay": parse_rules(rules)}}, "v2")
    assert "pay is refused: Four is enough." == (await run(it, "pay", {"n": 5}, auth=auth)).error["message"]
    assert "policy_denied" == (await run(it, "pay", {"n": 1}, auth=nobody)).error["error"]
    assert ran(await run(it, "pay", {"n": 1}, auth=auth))


@pytest.mark.requirement("policy:conditions:see-arguments-and-caller")
@pytest.mark.parametrize(
    ("condition", "claims", "arguments", "runs"),
    [
        ("purpose == 'support'", {"override": {"purpose": "support"}}, {}, True),
        ("purpose == 'support'", {"override": {"purpose": "sales"}}, {}, False),
        ("purpose == 'support'", {}, {}, False),
        ("domain(args.to) in tenant.domains", {}, {"to": "a@acme.example"}, True),
        ("domain(args.to) in tenant.domains", {}, {"to": "a@acme.example.evil.example"}, False),
        ("domain(args.to) in tenant.domains", {"tenant": "ten_bbbbbbbbbbbbbbbb"}, {"to": "a@acme.example"}, False),
        ("'lead' in roles", {"roles": ["lead"]}, {}, True),
        ("not is_service", {"roles": None}, {}, False),
        ("not is_service", {"roles": []}, {}, True),
        ("tenant.id == 'ten_bbbbbbbbbbbbbbbb'", {}, {}, False),
        ("len(args.ids) <= 2", {}, {"ids": [1, 2, 3]}, False),
        ("hour() >= 0 and hour() < 24", {}, {}, True),
    ],
)
async def test_a_condition_sees_the_arguments_the_caller_and_the_hour(condition, claims, arguments, runs):
    """C24."""
    it = Guarded(
        tools={"send": read("o:read", when=[require(condition, because="x")])},
        tenant_domains={TENANT: ["acme.example"]},
    )

    answer = await run(it, "send", arguments, auth=it.bearer("o:read", **claims))

    assert runs == ran(answer)
    assert runs == (it.reached == 1)


@pytest.mark.parametrize("purpose", ["", 7, ["support"], "a\nb"])
async def test_a_purpose_that_is_no_plain_text_is_no_token(purpose):
    """A claim of another type means another thing to somebody."""
    it = Guarded()

    assert 401 == (await it.tool("see", "notes:read", override={"purpose": purpose})).status


@pytest.mark.requirement("policy:observe:never-suspends-what-counts")
async def test_an_observed_tool_lets_reads_pass_and_stops_writes_all_the_same():
    """The issue: it never lets a write run that would be refused."""
    stop = deny_if("true", because="Not today.", observe=True)
    it = Guarded(
        tools={
            "see": read("o:read", roles=["x"], mode="observe"),
            "look": read("o:read", when=[stop]),
            "put": write("o:write", when=[stop]),
            "act": write("o:write", roles=["x"], mode="observe"),
        }
    )
    auth = it.bearer("o:read", "o:write", "tool:put", "tool:act")

    assert ran(await run(it, "see", {}, auth=auth))
    assert ran(await run(it, "look", {}, auth=auth))
    assert "policy_denied" == (await run(it, "put", {}, auth=auth)).error["error"]
    assert "policy_denied" == (await run(it, "act", {}, auth=auth)).error["error"]
    assert 403 == (await run(it, "see", {}, auth=it.bearer("zzz"))).status
    assert {
        "act: observe has no effect, because the tool is no read",
        "put: observe has no effect, because the tool is no read",
    } == said_of_tools(it)


@pytest.mark.requirement("policy:observe:is-reported")
async def test_what_an_observed_rule_would_have_done_is_in_the_log_without_a_callers_word(caplog):
    """C20: trying a rule is worth something only where its effect can be seen."""
    rule = deny_if("args.n > 1", because="Soon.", observe=True)
    it = Guarded(tools={"see": read("o:read", when=[rule]), "look": read("o:read", roles=["x"], mode="observe")})
    caplog.set_level("INFO", logger="resource_lib.guard")
    auth = it.bearer("o:read")

    for tool, arguments in (("see", {"n": 1}), ("see", {"n": 2, "secret": "hunter2"}), ("look", {"secret": "hunter2"})):
        assert ran(await run(it, tool, arguments, auth=auth))

    said = [record for record in caplog.records if getattr(record, "event", "") == "call.observed"]
    assert [("see", "deny args.n > 1"), ("look", "observed roles")] == [(one.tool, one.rule) for one in said]
    assert "hunter2" not in caplog.text


@pytest.mark.requirement("policy:approval:nobody-asked-is-somebodys-word")
def test_a_guard_that_cannot_ask_does_not_start_with_a_tool_that_may_have_to_and_reports_who_is_never_asked():
    """Decision 18; a question that only a condition raises counts too."""
    with pytest.raises(SettingsError, match="waits for a person's yes"):
        Guarded(tools={"pay": write("o:write", when=[step_up_if("args.n > 1", because="x")])})

    warnings = said_of_tools(Guarded(tools={"wipe": destructive("o:write", approval=False)}))

    assert {"wipe: destructive, and nobody is asked (approval=False)"} == warnings
