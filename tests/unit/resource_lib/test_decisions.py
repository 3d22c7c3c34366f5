"""Decisions that are remembered are those that nothing could change."""

from dataclasses import replace

import pytest

from resource_lib import ResourceGuard
from resource_lib.call import Call, Facts
from resource_lib.checks import decide
from resource_lib.decisions import Decisions
from resource_lib.policy import deny_if, destructive, read, tool_demands, write
from resource_lib.testing import TestIssuer
from resource_lib.transport.body import Message
from tests.support.bare import BARE

NOW = 1_800_000_000
CALL = Call(subject="see", is_tool=True)


async def principal(**said):
    issuer = TestIssuer(clock=lambda: NOW)
    return await issuer.validator().verify(issuer.token(**said), NOW)


def facts(demand, caller, granted, now=NOW):
    return Facts(demand=demand, principal=caller, granted=granted, now=now)


def demand_of(policy):
    return tool_demands({"see": policy})["see"]


@pytest.mark.requirement("guard:decision:is-remembered-where-nothing-can-change-it")
@pytest.mark.parametrize("scopes", [[], ["a"], ["a", "b"], ["a", "tool:see"], ["wide"]])
@pytest.mark.parametrize("roles", [[], ["clerk"]])
@pytest.mark.parametrize(
    "policy",
    [read("a"), read("a", "b"), write("a"), read("a", roles=["clerk"]), destructive("a"), read("a", acr=["gold"])],
)
async def test_what_is_remembered_is_what_is_decided(policy, scopes, roles):
    """Decision 18: the same answer, check by check, the first time and the thousandth."""
    demand, caller = demand_of(policy), await principal(scopes=scopes, roles=roles)
    implied = frozenset(scopes) | ({"a"} if "wide" in scopes else set())
    anew = decide(CALL, facts(demand, caller, implied))
    decisions = Decisions()

    found = [decisions.of(CALL, facts(demand, caller, implied)) for _ in range(3)]

    assert [anew] * 3 == found
    assert found[1] is found[0]


@pytest.mark.requirement("guard:decision:is-remembered-where-nothing-can-change-it")
async def test_a_login_that_grows_too_old_is_refused_though_it_was_allowed_before():
    """RFC 9470: time alone changes this one."""
    demand, caller = demand_of(read("a", max_age=60)), await principal(scopes=["a"], override={"auth_time": NOW - 50})
    decisions = Decisions()

    said = [decisions.of(CALL, facts(demand, caller, caller.scopes, at)).allowed for at in (NOW, NOW + 20)]

    assert [True, False] == said


@pytest.mark.requirement("guard:decision:is-remembered-where-nothing-can-change-it")
async def test_what_looks_at_arguments_is_decided_for_each_call():
    """C24: the same caller and tool, another amount, through the guard itself."""
    issuer = TestIssuer(clock=lambda: NOW)
    tools = {"see": read("a", when=[deny_if("args.amount > 100", because="too much")])}
    guard = ResourceGuard(**BARE, issuer=issuer.issuer, resource=issuer.resource, tools=tools, keys=issuer.keys())
    caller = await issuer.validator().verify(issuer.token(scopes=["a"]), NOW)

    said = [
        guard.decide(Message("tools/call", {"name": "see", "arguments": {"amount": amount}}, 1, "see"), caller, NOW)
        for amount in (1, 1000, 2)
    ]

    assert [True, False, True] == [one.allowed for one in said]


@pytest.mark.requirement("guard:decision:is-remembered-where-nothing-can-change-it")
async def test_another_demand_another_token_and_another_tool_are_decided_anew():
    """A policy that tightens counts at once; a token with fewer scopes meets nothing of its elder."""
    demand, caller = demand_of(read("a")), await principal(scopes=["a"])
    decisions = Decisions()
    decisions.of(CALL, facts(demand, caller, caller.scopes))

    tightened = decisions.of(CALL, facts(demand_of(read("a", "b")), caller, caller.scopes))
    narrower = decisions.of(CALL, facts(demand, replace(caller, scopes=frozenset()), frozenset()))
    other = decisions.of(Call(subject="other", is_tool=True), facts(demand_of(read("b")), caller, caller.scopes))

    assert [False] * 3 == [one.allowed for one in (tightened, narrower, other)]


@pytest.mark.requirement("guard:decision:is-remembered-where-nothing-can-change-it")
async def test_only_so_many_are_kept():
    """Ours: a flood of tokens is bounded in memory, and forgotten ones are decided again."""
    demand, decisions = demand_of(read("a")), Decisions(most=3)
    callers = [await principal(scopes=["a"], subject=f"usr_{number:016d}") for number in range(5)]

    first = [decisions.of(CALL, facts(demand, caller, caller.scopes)) for caller in callers]

    assert 3 == len(decisions._kept)
    assert decisions.of(CALL, facts(demand, callers[4], frozenset({"a"}))) is first[4]
    assert decisions.of(CALL, facts(demand, callers[0], frozenset({"a"}))) is not first[0]
