"""The JSON form of a tool's rules: read strictly, and the same after a journey."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.tool_policy import CLASSES, MODES, InvalidRulesError, Rules, parse_rules, to_json

WHOLE = {
    "class": "destructive",
    "scopes": ["orders:write"],
    "roles": ["support", "lead"],
    "mode": "step_up",
    "clients": ["app"],
    "most": "destructive",
    "acr": ["mfa"],
    "max_age": 300,
    "when": [
        {"deny": "args.amount_cents > 100000", "because": "Accounting makes large refunds."},
        {"require": "purpose == 'support'", "because": "Only for support.", "observe": True},
        {"step_up": "first_use", "because": "The first time, a person looks."},
    ],
    "approval": {"by": "role", "role": "finance", "approvers": 2, "sentence": "Refund {amount_cents}"},
    "cost": 5,
    "returns": ["personal", "secret"],
    "limit": ["10/3600s per user", "1000/86400s per tenant"],
    "concurrent": [4, "50 per server"],
}


@pytest.mark.requirement("policy:rules:round-trip")
def test_every_member_is_read_and_told_again():
    rules = parse_rules(WHOLE, "tools.refund")

    assert "destructive" == rules.tool_class
    assert ApprovalRule(by="role", role="finance", approvers=2, sentence="Refund {amount_cents}") == rules.approval
    assert ["deny", "require", "step_up"] == [one.effect for one in rules.when]
    assert rules == parse_rules(json.loads(json.dumps(to_json(rules))))
    assert Rules() == parse_rules({}) == parse_rules(dict.fromkeys(WHOLE))


@pytest.mark.requirement("policy:rules:strict-reading")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "tools.refund: is no object"),
        ({"role": ["a"]}, "tools.refund.role: is no member"),
        ({"class": "Read"}, "class: 'Read' is unknown. Cure: write read, write or destructive"),
        ({"class": ["read"]}, "class: a list is unknown"),
        ({"mode": "off"}, "mode: 'off' is unknown"),
        ({"scopes": "orders:read"}, "scopes: 'orders:read' is no list"),
        ({"scopes": ["tool:refund"]}, "no scope of an author"),
        ({"scopes": ["a b"]}, "scopes: 'a b' cannot stand here"),
        ({"roles": [""]}, "roles: '' cannot stand here"),
        ({"clients": "app"}, "clients: 'app' is no list"),
        ({"max_age": True}, "max_age: true is out of range"),
        ({"max_age": 10**300}, "max_age: a huge number is out of range"),
        ({"cost": 0}, "cost: 0 is out of range"),
        ({"returns": ["money"]}, "returns: 'money' is unknown"),
        ({"approval": {"by": "anybody"}}, "approval.by: must be person or role"),
        ({"approval": {"aproovers": 2}}, "approval.aproovers: is no member"),
        ({"approval": {"by": "role", "role": "Finance Team"}}, "approval.role: must be a role's name (a-z"),
        ({"approval": {"expires_in": "5m"}}, "approval.expires_in: must be a whole number"),
        ({"approval": {"four_eyes": "yes"}}, "approval.four_eyes: must be true or false"),
        ({"approval": {"redact": "note"}}, "approval.redact: must be a list of texts, such as [note]"),
        ({"approval": {"redact": ["args.card.number"]}}, "approval.redact: must name arguments as 'card.number', not 'args."),
        ({"approval": {"redact": ["items[0].card"]}}, "approval.redact: must name arguments as 'items.card', not 'items[0]"),
        ({"approval": {"sentence": "Pay {args.cents}"}}, "approval.sentence: must name arguments as {cents}, not {args."),
        ({"approval": "yes"}, "approval: 'yes' is no rule"),
        ({"when": {"deny": "true"}}, "when: a dict is no list"),
        ({"when": [{"deny": "args.a = 1", "because": "x"}]}, "when[0].deny: column 8: '=' compares nothing. Cure: write =="),
        ({"when": [{"deny": "first_use"}]}, "when[0].because: does not say why"),
        ({"when": [{"deny": "first_use", "require": "first_use", "because": "x"}]}, "when[0]: says none or several"),
        ({"when": [{"because": "x"}]}, "when[0]: says none or several"),
        ({"when": [{"allow": "first_use", "because": "x"}]}, "when[0].allow: is no member of a condition"),
        ({"when": [{"deny": "first_use", "because": "a\nb"}]}, "when[0].because"),
        ({"when": [{"deny": "first_use", "because": "x"}] * 51}, "when: holds more than 50"),
    ],
)  # fmt: skip
def test_rules_that_nobody_could_keep_are_refused_by_member_and_cure(value, said):
    with pytest.raises(InvalidRulesError) as refused:
        parse_rules(value, "tools.refund")

    assert said in str(refused.value)
    assert "Cure: " in str(refused.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(CLASSES + MODES),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*WHOLE, "deny", "because", "by", "role"]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@pytest.mark.requirement("policy:rules:strict-reading")
@given(value=st.dictionaries(st.sampled_from(sorted(WHOLE)), ANYTHING, max_size=5) | ANYTHING)
def test_nothing_but_a_refusal_comes_of_any_value(value):
    try:
        rules = parse_rules(value, "here")
    except InvalidRulesError as refused:
        assert str(refused).startswith("here")
    else:
        assert rules == parse_rules(to_json(rules))
