"""The checks: each takes away, none gives, and no call makes one fail."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib import Principal
from resource_lib.call import Call, Facts, granted_scopes
from resource_lib.checks import CHECKS, decide
from resource_lib.decision import ALLOW, Deny
from resource_lib.policy import Demand

PRINCIPAL = Principal(
    tenant="ten_aaaaaaaaaaaaaaaa",
    subject="usr_1",
    client_id="app",
    scopes=frozenset({"n:read", "n:write"}),
    roles=frozenset({"support"}),
    authorization_id="aut_1",
    token_id="tok_1",
    issued_at=0,
    expires_at=600,
    acr="pwd",
    auth_time=100,
)
DEMAND = Demand(subject="tool", tool_class="write", scopes=frozenset({"n:read"}))


def facts(demand, *, now=200.0, principal=PRINCIPAL):
    return Facts(demand=demand, principal=principal, granted=principal.scopes, now=now)


def answer(demand, **given):
    return decide(Call(subject="tool", is_tool=True), facts(demand, **given)).refusal


def test_a_call_that_meets_every_demand_is_allowed_and_every_check_is_recorded():
    """Decision 18: all are evaluated and recorded."""
    decision = decide(Call(subject="tool", is_tool=True), facts(DEMAND))

    assert decision.allowed
    assert [
        "not_revoked",
        "tool_allowed",
        "version",
        "scopes",
        "roles",
        "acr",
        "sensitivity",
        "input_schema",
        "conditions",
        "taint",
        "approval",
    ] == [name for name, _ in decision.outcomes]


@pytest.mark.parametrize(
    ("demand", "error"),
    [
        (None, "tool_unknown"),
        (dataclasses.replace(DEMAND, closed="nobody said what it needs", scopes=frozenset({"zzz"})), "policy_denied"),
        (dataclasses.replace(DEMAND, denied=True, closed="x"), "tool_unknown"),
        (dataclasses.replace(DEMAND, clients=frozenset({"other"}), scopes=frozenset({"zzz"})), "tool_unknown"),
        (dataclasses.replace(DEMAND, clients=frozenset()), "tool_unknown"),
        (dataclasses.replace(DEMAND, also_roles=(frozenset({"admin"}),)), "policy_denied"),
        (dataclasses.replace(DEMAND, most="read"), "policy_denied"),
        (dataclasses.replace(DEMAND, tool_class="destructive"), "policy_denied"),
        (dataclasses.replace(DEMAND, scopes=frozenset({"zzz"}), roles=frozenset({"admin"})), "insufficient_scope"),
        (dataclasses.replace(DEMAND, roles=frozenset({"admin"}), acr=("mfa",)), "policy_denied"),
        (dataclasses.replace(DEMAND, acr=("mfa",)), "insufficient_user_authentication"),
        (dataclasses.replace(DEMAND, max_age=99), "insufficient_user_authentication"),
    ],
)
def test_the_first_refusal_in_order_is_the_answer(demand, error):
    """Decision 18."""
    assert error == answer(demand).error


def test_the_refusal_names_every_scope_of_the_operation_and_what_is_missing():
    """MCP "Runtime Insufficient Scope Errors": all scopes in one challenge."""
    refusal = answer(dataclasses.replace(DEMAND, scopes=frozenset({"n:read", "x", "tool:tool"})))

    assert frozenset({"n:read", "x", "tool:tool"}) == refusal.needed
    assert frozenset({"x", "tool:tool"}) == refusal.missing


def test_one_scope_of_a_catalogue_is_enough_and_none_is_not():
    """Ours: a catalogue says what there is."""
    catalogue = dataclasses.replace(DEMAND, any_scope=True)

    assert answer(dataclasses.replace(catalogue, scopes=frozenset({"n:read", "zzz"}))) is None
    assert "insufficient_scope" == answer(dataclasses.replace(catalogue, scopes=frozenset({"y", "z"}))).error


def test_a_login_that_says_nothing_of_its_age_or_strength_is_not_fresh_or_strong():
    """RFC 9470 §4: fail closed."""
    silent = dataclasses.replace(PRINCIPAL, acr=None, auth_time=None)

    assert (
        "insufficient_user_authentication" == answer(dataclasses.replace(DEMAND, max_age=3600), principal=silent).error
    )
    assert (
        "insufficient_user_authentication" == answer(dataclasses.replace(DEMAND, acr=("pwd",)), principal=silent).error
    )


def test_no_checks_at_all_is_a_refusal():
    """Ours: an empty tuple is a mistake, not a permission."""
    assert not decide(Call(subject="tool", is_tool=True), facts(DEMAND), ()).allowed


SCOPES = st.frozensets(st.sampled_from(["a", "b", "c", "tool:x"]))
DEMANDS = st.none() | st.builds(
    Demand,
    subject=st.text(max_size=8),
    tool_class=st.sampled_from(["read", "write", "destructive"]),
    scopes=SCOPES,
    any_scope=st.booleans(),
    closed=st.sampled_from(["", "nobody said what it needs"]),
    denied=st.booleans(),
    clients=st.none() | st.frozensets(st.sampled_from(["app", "other"])),
    most=st.none() | st.sampled_from(["read", "write", "destructive"]),
    unasked=st.booleans(),
    roles=st.frozensets(st.sampled_from(["r", "s"])),
    acr=st.sampled_from([(), ("pwd",), ("mfa", "hwk")]),
    max_age=st.none() | st.integers(1, 1000),
)
PRINCIPALS = st.builds(
    dataclasses.replace,
    st.just(PRINCIPAL),
    scopes=SCOPES,
    roles=st.frozensets(st.sampled_from(["r", "s"])),
    acr=st.sampled_from([None, "", "pwd", "hwk"]),
    auth_time=st.none() | st.integers(-10, 2000),
)


@pytest.mark.requirement("guard:checks:adding-one-never-widens")
@given(
    st.builds(Call, subject=st.text(), is_tool=st.booleans()),
    DEMANDS,
    PRINCIPALS,
    st.floats(allow_nan=True),
    st.permutations(CHECKS),
    st.integers(0, len(CHECKS)),
)
def test_adding_a_check_never_allows_what_was_refused_and_none_raises(  # noqa: PLR0917 - hypothesis gives them
    call, demand, principal, now, order, count
):
    """Decision 18: a check can only take away, in whatever order they stand."""
    known = facts(demand, principal=principal, now=now)

    fewer, more = decide(call, known, tuple(order[:count])), decide(call, known, tuple(order))

    assert fewer.allowed or not more.allowed or count == 0
    assert all(outcome is ALLOW or isinstance(outcome, Deny) for _, outcome in more.outcomes)


@pytest.mark.requirement("guard:checks:unknown-tool-is-refused-by-each")
@pytest.mark.parametrize("name", [name for name, _ in CHECKS])
@given(st.builds(Call, subject=st.text(), is_tool=st.booleans()), PRINCIPALS)
def test_every_check_alone_refuses_a_call_the_policy_does_not_know(name, call, principal):
    """Decision 19: no order of the tuple, and no missing check, lets an unknown tool through."""
    check = dict(CHECKS)[name]

    assert isinstance(check(call, facts(None, principal=principal)), Deny)


@pytest.mark.requirement("guard:scopes:hierarchy-is-accounted-for")
@given(SCOPES, st.dictionaries(st.sampled_from(["a", "b"]), st.frozensets(st.sampled_from(["b", "c"]))))
def test_a_broader_scope_contains_the_narrower_and_no_scope_is_lost(scopes, implies):
    """RS-24; MCP "Step-Up Authorization Flow"."""
    closed = {broad: narrow | {broad} for broad, narrow in implies.items()}

    granted = granted_scopes(scopes, closed)

    assert scopes <= granted
    assert granted <= scopes.union(*closed.values()) if closed else granted == scopes
    assert all(closed[scope] <= granted for scope in scopes if scope in closed)
