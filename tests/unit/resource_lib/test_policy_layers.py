"""Layers of a policy only ever tighten: code, file, preset, and what a tenant's operators say."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib import Policy, SettingsError, ask, deny_if, destructive, read, require, step_up_if, write
from resource_lib.call import Call, Facts
from resource_lib.checks import decide
from resource_lib.decision import ALLOW, Ask, Deny, Observed
from resource_lib.policy import Policies, demand_of, policy_warnings, rules_of, stricter, tightened
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.condition import Scene, parse
from resource_lib.wire.tool_policy import Rules, When, parse_rules
from tests.unit.resource_lib.test_checks import PRINCIPAL

CALL = Call(subject="tool", is_tool=True)


def decided(demand, *, args=None, **changes):
    principal = dataclasses.replace(PRINCIPAL, **changes)
    scopes = principal.scopes | {"tool:tool"}
    scene = Scene(args=args or {}, roles=principal.roles, client=principal.client_id, now=200.0)
    return decide(CALL, Facts(demand=demand, principal=principal, granted=scopes, now=200.0, scene=lambda: scene))


def demand(policy, *overlays):
    return demand_of("tool", (policy.rules, *(parse_rules(overlay) for overlay in overlays)))


WHENS = st.builds(
    When,
    effect=st.sampled_from(["deny", "step_up", "require"]),
    condition=st.sampled_from(["args.n > 1", "args.n == 1", "args.missing", "true", "false", "'r' in roles"]).map(
        parse
    ),
    because=st.just("so it is"),
    observe=st.booleans(),
    approval=st.none() | st.just(ApprovalRule(by="role", role="finance")),
)
RULE = st.builds(
    ApprovalRule,
    by=st.sampled_from(["person", "role"]),
    role=st.sampled_from(["approver", "finance", "lead"]),
    approvers=st.integers(1, 5),
    four_eyes=st.booleans(),
    max_age=st.none() | st.integers(1, 1000),
    acr=st.sampled_from([(), ("a",), ("a", "b"), ("b", "c"), ("c",)]),
    expires_in=st.integers(30, 1000),
    use_within=st.integers(10, 1000),
)


def seldom(strategy, otherwise):
    """Mostly nothing said, so that each word meets calls that nothing else refuses."""
    return st.just(otherwise) | st.just(otherwise) | strategy


RULES = st.builds(
    Rules,
    tool_class=seldom(st.sampled_from(["read", "write", "destructive"]), None),
    scopes=seldom(st.frozensets(st.sampled_from(["a", "b"]), max_size=1), frozenset()),
    roles=seldom(st.frozensets(st.sampled_from(["r", "s", "t"])), frozenset()),
    mode=seldom(st.sampled_from(["allow", "deny", "step_up", "observe"]), None),
    clients=seldom(st.frozensets(st.sampled_from(["app", "other"])), None),
    most=seldom(st.sampled_from(["read", "write", "destructive"]), None),
    acr=seldom(st.sampled_from([(), ("pwd",), ("pwd", "mfa"), ("mfa",)]), ()),
    max_age=seldom(st.integers(1, 300), None),
    when=seldom(st.lists(WHENS, max_size=2).map(tuple), ()),
    approval=seldom(st.booleans() | RULE, None),
    returns=st.frozensets(st.sampled_from(["personal", "secret"])),
)
CALLERS = {
    "roles": st.frozensets(st.sampled_from(["r", "s", "t"])),
    "scopes": st.sampled_from([frozenset("ab"), frozenset("ab"), frozenset("a")]),
    "client_id": st.sampled_from(["app", "other"]),
    "acr": st.sampled_from([None, "pwd", "pwd", "mfa"]),
    "auth_time": st.none() | st.integers(0, 200) | st.just(199),
}


def grade(decision):
    """Return 0: runs; 1: waits for a yes; 2: refused."""
    return 2 if decision.refusal is not None else 1 if decision.approval is not None else 0


@pytest.mark.requirement("policy:layers:only-tighten")
@given(
    layers=st.lists(RULES, min_size=1, max_size=3),
    over=st.lists(RULES, min_size=1, max_size=2),
    caller=st.fixed_dictionaries(CALLERS),
    args=st.fixed_dictionaries({}, optional={"n": st.integers(0, 2) | st.text(max_size=1)}),
)
@settings(max_examples=1500, deadline=None)
def test_a_further_layer_never_allows_what_was_refused_or_asked_about(layers, over, caller, args):
    """Decision 18, the heart of it: for all rules, calls and callers."""
    base = demand_of("tool", layers)

    before, after = decided(base, args=args, **caller), decided(tightened(base, *over), args=args, **caller)

    assert grade(after) >= grade(before)
    if after.approval is not None and before.approval is not None and before.approval.needs_role:
        assert after.approval.needs_role
        assert before.approval.role == after.approval.role
        assert after.approval.approvers >= before.approval.approvers


@pytest.mark.requirement("policy:layers:only-tighten")
@given(one=RULE, other=RULE)
def test_the_stricter_of_two_rules_keeps_every_word_of_both(one, other):
    """Ours: whoever may say yes under it could have said yes under each."""
    both = stricter(one, other)

    if both is None:
        return
    for rule in (one, other):
        assert both.approvers >= rule.approvers
        assert both.four_eyes >= rule.four_eyes
        assert both.expires_in <= rule.expires_in
        assert both.use_within <= rule.use_within
        assert rule.max_age is None or (both.max_age is not None and both.max_age <= rule.max_age)
        assert not rule.acr or (both.acr and set(both.acr) <= set(rule.acr))
        assert not rule.needs_role or (both.needs_role and both.role == rule.role)
    # The guard joins them first and the server once more: that must change nothing.
    assert both == stricter(both, other)


@pytest.mark.requirement("policy:observe:never-suspends-what-counts")
@given(
    rules=RULES,
    caller=st.fixed_dictionaries(CALLERS),
    args=st.fixed_dictionaries({}, optional={"n": st.integers(0, 2)}),
)
@settings(max_examples=800, deadline=None)
def test_observing_says_what_would_be_and_opens_no_write(rules, caller, args):
    """The issue: it never suspends whether there is such a tool, scopes, or a refusal of a write."""
    enforced = demand_of("tool", (dataclasses.replace(rules, mode=None),))
    observed = demand_of("tool", (dataclasses.replace(rules, mode="observe"),))

    strict, mild = decided(enforced, args=args, **caller), decided(observed, args=args, **caller)

    if enforced.tool_class != "read":
        assert grade(strict) == grade(mild)
    if strict.refusal is not None and strict.refusal.error in {"tool_unknown", "insufficient_scope"}:
        assert strict.refusal.error == mild.refusal.error
    if grade(strict) > grade(mild):
        assert any(isinstance(outcome, Observed) and outcome.would is not ALLOW for _, outcome in mild.outcomes)


@pytest.mark.requirement("policy:decision:every-condition-is-an-outcome")
def test_each_condition_is_listed_with_its_text_its_outcome_and_why():
    """The issue: one typed decision that lists each rule."""
    rule = read(
        "n:read",
        when=[
            deny_if("args.n > 10", because="Ten is enough."),
            require("'support' in roles", because="Only support."),
            step_up_if("args.n > 5", because="A person looks.", approval=ask(by="role", role="lead")),
            deny_if("args.n > 1", because="Soon.", observe=True),
        ],
    )

    outcomes = dict(decided(demand(rule), args={"n": 7}).outcomes)

    assert ALLOW is outcomes["deny args.n > 10"] is outcomes["require 'support' in roles"]
    assert ApprovalRule(by="role", role="lead") == outcomes["step_up args.n > 5"].rule
    assert "args.n > 5: yes" == outcomes["step_up args.n > 5"].reason
    assert isinstance(outcomes["deny args.n > 1"].would, Deny)
    refused = decided(demand(rule), args={"n": 11}).refusal
    assert ("policy_denied", "tool is refused: Ten is enough.") == (refused.error, refused.message)


@pytest.mark.requirement("policy:conditions:undecided-is-the-stricter-side")
@pytest.mark.parametrize("args", [{}, {"n": "11"}, {"n": None}, {"n": [1]}, {"n": True}])
def test_what_cannot_be_decided_is_refused_or_asked_about(args):
    """A limit is not passed by leaving the amount out, or by sending it as text."""
    for one in (deny_if("args.n > 10", because="x"), require("args.n <= 10", because="x")):
        assert "policy_denied" == decided(demand(read("n:read", when=[one])), args=args).refusal.error

    asked = decided(demand(read("n:read", when=[step_up_if("args.n > 10", because="x")])), args=args)

    assert ApprovalRule() == asked.approval


@pytest.mark.requirement("policy:conditions:undecided-is-the-stricter-side")
def test_conditions_without_a_scene_are_undecided():
    """A check that is asked without arguments lets nothing through."""
    known = Facts(
        demand=demand(read("n:read", when=[deny_if("args.n > 10", because="x")])),
        principal=PRINCIPAL, granted=PRINCIPAL.scopes, now=200.0,
    )  # fmt: skip

    assert not decide(CALL, known).allowed


@pytest.mark.requirement("policy:approval:nobody-asked-is-somebodys-word")
def test_only_whoever_makes_a_tool_destructive_can_say_that_nobody_is_asked():
    """Decision 13: unless their author says approval=False."""
    assert demand(destructive("a", approval=False)).approval is None
    assert ApprovalRule() == demand(destructive("a")).approval
    assert ApprovalRule() == demand(destructive("a"), {"approval": False}).approval
    assert ApprovalRule() == demand(write("a", approval=False), {"class": "destructive"}).approval
    assert demand(write("a"), {"class": "destructive", "approval": False}).approval is None
    assert ApprovalRule() == demand(destructive("a", approval=False), {"mode": "step_up"}).approval
    assert ["tool: destructive, and nobody is asked (approval=False)"] == policy_warnings(
        [demand(destructive("a", approval=False))]
    )


@pytest.mark.requirement("policy:layers:only-tighten")
def test_layers_that_nobody_could_satisfy_close_the_tool_and_say_so():
    """Ours: a contradiction between two layers is no loop of logins, and no yes of the wrong person."""
    logins = demand(read("n:read", acr="pwd"), {"acr": ["mfa"]})
    people = demand(read("n:read", approval=ask(by="role", role="lead")), {"approval": {"by": "role", "role": "cfo"}})

    assert "policy_denied" == decided(logins).refusal.error
    assert "policy_denied" == decided(people).refusal.error
    assert ["tool: closed to everybody, no login is strong enough for every layer"] == policy_warnings([logins])
    assert ["tool: closed to everybody, two layers want different people to say yes"] == policy_warnings([people])


@pytest.mark.requirement("policy:layers:only-tighten")
def test_a_tool_that_an_operator_calls_graver_needs_its_own_scope_and_a_yes():
    """Decision 11 holds whoever says how grave a tool is."""
    graver = demand(read("n:read"), {"class": "destructive"})

    assert {"n:read", "tool:tool"} == graver.scopes
    assert ApprovalRule() == graver.approval
    assert {"n:read", "tool:tool"} == demand(destructive("n:read"), {"class": "read"}).scopes


@pytest.mark.requirement("policy:version:covers-what-is-effective")
@pytest.mark.parametrize(
    "overlay",
    [
        {"roles": ["r"]}, {"scopes": ["x"]}, {"clients": ["a"]}, {"most": "read"}, {"acr": ["x"]}, {"max_age": 5},
        {"mode": "step_up"}, {"mode": "deny"}, {"approval": {"approvers": 2}}, {"returns": ["secret"]}, {"cost": 2},
        {"when": [{"deny": "first_use", "because": "x"}]}, {"class": "destructive"},
        {"mode": "observe", "roles": ["r"]}, {"when": [{"deny": "first_use", "because": "x", "observe": True}]},
    ],
)  # fmt: skip
def test_every_word_of_every_layer_changes_the_policy_version(overlay):
    """Decision 13: a yes given under other demands does not count."""
    base = demand(read("n:read"))

    assert base.policy_version != demand(read("n:read"), overlay).policy_version
    assert base.policy_version == demand(read("n:read"), {}).policy_version


@pytest.mark.requirement("policy:overlay:a-tenants-own")
def test_an_overlay_concerns_its_own_tenant_and_is_taken_whole():
    """Operators change it without a deploy."""
    policies = Policies({name: (rules,) for name, rules in rules_of({"see": read("a"), "pay": write("a")}).items()})

    policies.take(
        {"ten_a": {"*": parse_rules({"roles": ["r"]}), "pay": parse_rules({"mode": "deny"}), "gone": Rules()}}, "v1"
    )

    assert {"r"} == policies.of("ten_a")["see"].roles
    assert policies.of("ten_a") is policies.of("ten_a")
    assert frozenset() == policies.of("ten_b")["see"].roles
    assert "pay" not in policies.offered("ten_a", "app")
    assert "pay" in policies.offered("ten_b", "app")
    assert "gone" not in policies.of("ten_a")
    policies.take({}, "v2")
    assert policies.of("ten_a") is policies.base


@pytest.mark.requirement("policy:preset:strict")
def test_strict_asks_about_every_write_and_every_read_of_secrets():
    """The issue, whatever the author said of approval."""
    tools = {"see": read("a"), "keys": read("a", returns=["secret"]), "pay": write("a", approval=False)}
    strict = Policies({name: (rules,) for name, rules in rules_of(tools).items()}, preset="strict")

    assert {"see": None, "keys": ApprovalRule(), "pay": ApprovalRule()} == {
        name: made.approval for name, made in strict.base.items()
    }
    strict.take({"t": {"see": parse_rules({"returns": ["secret"]})}}, "v")
    assert ApprovalRule() == strict.of("t")["see"].approval
    with pytest.raises(SettingsError, match="preset"):
        Policies({}, preset="lax")


@pytest.mark.requirement("policy:context:names-tools-there-are")
def test_a_condition_about_calls_of_no_tool_stops_the_start():
    """Ours: `called('a typo')` is never true, so it would be a `deny` that denies nothing."""
    see, pay = read("a"), write("a", when=[deny_if("called('sea', within='10 min')", because="Not after that.")])

    with pytest.raises(SettingsError, match=r"tools\['pay'\].when: called\('sea'\) asks about no tool") as refused:
        Policies({name: (rules,) for name, rules in rules_of({"see": see, "pay": pay}).items()})

    assert "Cure: correct the name" in str(refused.value)


@pytest.mark.requirement("policy:code:beside-the-tool")
def test_a_policy_stands_beside_its_tool_and_is_closed_once_a_guard_has_it():
    """A tool whose policy nobody enforces stops the start."""
    policy = Policy()

    @policy.tool(read("a"))
    def see():
        return 1

    @policy.tool(write("a"), name="put")
    async def add():
        """Writes."""

    assert 1 == see()
    assert {"see", "put"} == set(rules_of(policy.take()))
    with pytest.raises(SettingsError, match="guard is made already"):
        policy.tool(read("a"), name="late")(see)
    with pytest.raises(SettingsError, match="has a policy already"):
        twice = Policy()
        twice.tool(read("a"), name="x")(see)
        twice.tool(read("a"), name="x")(see)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: read("a", clients="app"), "clients"),
        (lambda: read("a", mode="off"), "mode: 'off'|mode"),
        (lambda: read("a", when=["args.n > 1"]), "when"),
        (lambda: deny_if("args.n = 1", because="x"), "column 8"),
        (lambda: deny_if("args.n == 1", because=""), "because"),
        (lambda: ask(approvers=9), "approvers"),
        (lambda: ask(approver="x"), "approver"),
        (lambda: read("a", returns=["money"]), "returns"),
        (lambda: read("a", cost=0), "cost"),
    ],
)
def test_a_word_that_nobody_could_keep_stops_the_start_with_a_cure(make, said):
    with pytest.raises(SettingsError, match=said) as refused:
        make()

    assert "Cure: " in str(refused.value)


def test_two_step_ups_that_want_different_people_refuse_the_call():
    """Nobody holds the call for a yes that could never be enough."""
    rule = read(
        "n:read",
        when=[
            step_up_if("true", because="x", approval=ask(by="role", role="lead")),
            step_up_if("true", because="x", approval=ask(by="role", role="cfo")),
        ],
    )

    assert "policy_denied" == decided(demand(rule)).refusal.error
    assert isinstance(dict(decided(demand(rule)).outcomes)["step_up true"], Ask)
