"""The words of one event of a call: what is read, what is refused, and that a refusal repeats nothing of what was sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.wire import record
from resource_lib.wire.commitment import committed, committed_bytes, new_salt, opens
from resource_lib.wire.subjects import normal_form

pytestmark = pytest.mark.requirement("record:words")

HASH = "0123456789abcdef" * 4
ID = record.new_id(1_790_000_000_000_000)

LEAST = {
    "id": ID,
    "call": ID,
    "phase": "outcome",
    "at": 1_790_000_000_000_000,
    "instance": "one",
    "tenant": "t_1",
    "sub": "u_1",
    "client_id": "https://client.example/metadata.json",
    "token": HASH,
    "method": "tools/call",
    "decision": "allowed",
    "arguments_bytes": 2,
    "status": "ok",
}
WHOLE = LEAST | {
    "authorization_id": "a_1",
    "act": ["agent-1", "agent-2"],
    "session": HASH,
    "request": "17",
    "traceparent": f"00-{HASH[:32]}-{HASH[:16]}-01",
    "tool": "refund_order",
    "tool_class": "destructive",
    "definition_hash": HASH,
    "policy_version": HASH,
    "reason": "as the policy says",
    "rules": [["scopes", "allow"], ["observed args.amount > 5", "would_deny", "too much"]],
    "approval_id": "ap_1",
    "arguments": {"order": "o-1", "amount": 5, "nested": [{"é": None}]},
    "arguments_commit": HASH,
    "arguments_salt": HASH,
    "result": '{"content":[]}',
    "result_bytes": 14,
    "result_commit": HASH,
    "result_salt": HASH,
    "latency_us": 1200,
    "cost": 3,
    "signs": {"personal:email": 2},
    "subjects": [["email", "jane@example.com"]],
}


@pytest.mark.parametrize("said", [LEAST, WHOLE])
def test_an_event_that_was_read_says_what_was_sent(said):
    assert record.parse(json.loads(json.dumps(said))).as_object() == said


def test_every_member_has_an_example_here_and_a_reader():
    assert set(WHOLE) | {"error"} == record.MEMBERS == set(record._READERS)


@pytest.mark.parametrize("name", sorted(set(LEAST) - {"status"}))
def test_what_must_be_there_is_named_when_it_is_not(name):
    with pytest.raises(record.InvalidEventError, match=rf"^{name}: is missing"):
        record.parse({member: value for member, value in LEAST.items() if member != name})


WRONG = (
    None,
    True,
    "",
    "\0",
    "secret canary\n",
    "x" * 100_000,
    -1,
    2**53,
    1.5,
    ["\n"],
    [["x"]],
    [[["x"], "y"]],
    {"\n": 1},
    {"a": 0},
)


@pytest.mark.parametrize("name", sorted(record.MEMBERS - {"arguments", "result"}))
def test_a_value_of_another_form_is_refused_by_its_members_name_alone(name):
    fitting = {"phase": "refused", "decision": "refused"} if name == "error" else {}
    for value in WRONG:
        with pytest.raises(record.InvalidEventError) as refused:
            record.parse(WHOLE | fitting | {name: value})
        assert refused.value.member == name
        assert "canary" not in str(refused.value)


def test_a_member_nobody_knows_is_refused_and_not_repeated():
    with pytest.raises(record.InvalidEventError) as refused:
        record.parse(LEAST | {"jane@example.com": 1})
    assert "jane" not in str(refused.value)


@pytest.mark.parametrize(
    "value", [2**53, float("nan"), float("inf"), "\ud800", {"\udfff": 1}, {1: 2}.keys(), "x" * 70_000]
)
def test_arguments_that_two_programs_could_read_differently_are_refused(value):
    with pytest.raises(record.InvalidEventError, match=r"^arguments: "):
        record.parse(WHOLE | {"arguments": [value]})


def test_arguments_nested_without_end_are_refused():
    deep: object = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(record.InvalidEventError, match=r"^arguments: "):
        record.parse(WHOLE | {"arguments": deep})
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(record.InvalidEventError, match=r"^arguments: "):
        record.parse(WHOLE | {"arguments": deep})


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"phase": "intent"}, "status"),
        ({"phase": "refused", "decision": "refused"}, "error"),
        ({"phase": "held", "decision": "allowed"}, "decision"),
        ({"decision": "refused"}, "decision"),
        ({"arguments_salt": HASH}, "arguments_salt"),
        ({"result_commit": HASH}, "result_salt"),
        ({"id": "f" * 26}, "id"),
    ],
)
def test_members_that_contradict_each_other_are_refused(change, member):
    with pytest.raises(record.InvalidEventError) as refused:
        record.parse(LEAST | change)
    assert refused.value.member == member


def test_ids_are_in_the_order_of_their_times_and_say_them():
    assert record.time_of(ID) == 1_790_000_000_000_000
    ids = [record.new_id(at) for at in (1, 10**15, 10**15 + 1, 2**52)]
    assert ids == sorted(ids)
    assert len({record.new_id(5) for _ in range(1000)}) == 1000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_whatever_is_told_it_is_read_or_refused_and_nothing_else(value):
    for name in ("arguments", "rules", "subjects", "signs", "result"):
        try:
            event = record.parse(LEAST | {name: value})
        except record.InvalidEventError:
            continue
        assert record.parse(json.loads(json.dumps(event.as_object()))) == event


# -- commitments


def test_a_commitment_is_opened_by_its_salt_and_its_value_alone():
    salt = new_salt()
    commit = committed(salt, {"b": 1, "a": 2.0})
    assert opens(commit, salt, {"a": 2, "b": 1.0})
    assert not opens(commit, salt, {"a": 2, "b": 2})
    assert not opens(commit, new_salt(), {"a": 2, "b": 1})


def test_the_same_commitment_is_made_for_ever():
    salt = bytes(range(32))
    assert committed(salt, {"a": 1}) == "3232c5f451f9ebdf61b2a6f0a56b9fde23161f283e4840a310040c121163e509"


@pytest.mark.parametrize("value", [2**60, float("nan"), "\ud800"])
def test_what_has_no_canonical_form_is_committed_to_as_it_came(value):
    salt = new_salt()
    assert committed(salt, [value], raw=b"[ 1]") == committed_bytes(salt, b"[ 1]")


# -- who is named


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane.Roe@Example.COM", " jane.roe@example.com\n"),
        ("+49 170 1234567", "0049-170/1234567"),
        ("+49 (170) 123.4567", "491701234567"),
        ("DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("\uff2a\uff41\uff4e\uff45 Roe", "jane\u200b roe"),
        ("STRASSE", "straße"),
    ],
)
def test_one_person_has_one_form(one, other):
    assert normal_form(one) == normal_form(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("jane@example.com", "jane@example.org"), ("12345", "1234-5"), ("o-1", "o-2"), ("1.5", "15")]
)
def test_two_people_have_two(one, other):
    assert normal_form(one) != normal_form(other)


@given(st.text(max_size=300))
def test_the_form_of_a_form_is_itself(text):
    form = normal_form(text)
    assert normal_form(form) == form
    assert len(form) <= 256
    form.encode()


def test_what_is_too_long_or_no_text_names_nobody():
    assert normal_form("x" * 257) == normal_form("x" * 10**6) == normal_form("\ud800") == normal_form("") == ""


def _are_all_read(batch: list[dict[str, object]]) -> bool:
    for one in batch:
        try:
            record.checked(one)
        except record.InvalidEventError:
            return False
    return True


@given(
    st.lists(
        st.tuples(
            st.sampled_from([LEAST, WHOLE]),
            st.dictionaries(
                st.sampled_from(sorted(record.MEMBERS | {"stranger"})),
                st.one_of(
                    st.sampled_from([*WRONG, 0, 1, 1.0, False, 2**53 - 1, "one", HASH, HASH.upper(), HASH[:63] + "\n", ID, "f" * 26]),
                    st.sampled_from(sorted(record._PHASES | record._DECISIONS | record._STATUSES)),
                    st.sampled_from(list(WHOLE.values())),
                ),
                max_size=2,
            ),
            st.sets(st.sampled_from(sorted(record.MEMBERS)), max_size=1),
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_many_events_read_together_are_read_as_one_by_one(changes):
    batch = [
        {name: value for name, value in (said | change).items() if name not in left_out}
        for said, change, left_out in changes
    ]
    assert record.are_checked(batch) == _are_all_read(batch)


@pytest.mark.parametrize("name", sorted(record.MEMBERS))
def test_one_wrong_value_among_many_right_ones_is_seen(name):
    fitting = {"phase": "refused", "decision": "refused"} if name == "error" else {}
    right = [
        {**(LEAST if fitting else WHOLE), **fitting, **({"error": "policy_denied"} if fitting else {})}
        for _ in range(6)
    ]
    if fitting:
        right = [{member: value for member, value in one.items() if member != "status"} for one in right]
    assert record.are_checked(right)
    for place in range(len(right)):
        wrong = [dict(one) for one in right]
        wrong[place][name] = {"at": True, "cost": True, "latency_us": 1.0}.get(name, object)
        assert not record.are_checked(wrong)
