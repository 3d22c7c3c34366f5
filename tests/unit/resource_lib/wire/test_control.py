"""A batch of the feed is read strictly: what is not exactly of its form has told nothing."""

import contextlib
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.wire.control import HOLDS, MOST_EVENTS, Act, InvalidBatchError, Kind, parse_batch

VALUES = {"exp": 2_000_000_000}
EVENT = {"n": 7, "kind": "user", "act": "kill", "tenant": "ten_1", "sub": "u", "retry_after_s": 60}
FOLLOWING = {
    "iss": "https://a.example", "aud": "https://r.example", "sub": "cli_1", "prev": "f.6", "cursor": "f.7", "at": 1, "boot": "b", "feed": "f",
    "age_ms": 3, "events": [EVENT], "nonce": "n",
}  # fmt: skip
RESET = {**FOLLOWING, "prev": None, "tenants": ["ten_1"], "reset": {"kills": [EVENT]}, "more": True}

pytestmark = pytest.mark.requirement("feed:words:read-strictly")


def test_a_batch_that_follows_and_one_that_begins_anew_are_read():
    batch = parse_batch(FOLLOWING)
    assert ("f.6", "f.7", None, None, False, "n") == (
        batch.prev,
        batch.cursor,
        batch.kills,
        batch.tenants,
        batch.more,
        batch.nonce,
    )
    [event] = batch.events
    assert (7, Kind.USER, Act.KILL, "ten_1", {"sub": "u"}, 60) == (
        event.n, event.kind, event.act, event.tenant, event.subject, event.retry_after_s
    )  # fmt: skip
    batch = parse_batch(RESET)
    assert (None, frozenset({"ten_1"}), True) == (batch.prev, batch.tenants, batch.more)
    assert batch.kills == batch.events


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_read_with_its_members_and_refused_without_any_of_them(kind):
    said = {"n": 1, "kind": kind.value, "act": "end", "tenant": "*"} | {
        name: VALUES.get(name, "x") for name in HOLDS[kind]
    }
    [event] = parse_batch({**FOLLOWING, "events": [said]}).events
    assert set(HOLDS[kind]) == set(event.subject)
    for name in HOLDS[kind]:
        for wrong in (None, "", "x" * 3000, {}, True):
            with pytest.raises(InvalidBatchError):
                parse_batch({**FOLLOWING, "events": [{**said, name: wrong}]})


def test_what_is_not_known_is_passed_over_but_never_a_kind_or_an_act():
    """A kind that this version does not know ends something that it could not end: the batch has told nothing."""
    assert parse_batch({**FOLLOWING, "new": 1, "events": [{**EVENT, "why": "x"}]}) == parse_batch(FOLLOWING)
    for wrong in ({"kind": "planet"}, {"act": "bless"}, {"kind": 1}, {"kind": None}, {"act": ["end"]}):
        with pytest.raises(InvalidBatchError):
            parse_batch({**FOLLOWING, "events": [{**EVENT, **wrong}]})


@pytest.mark.parametrize(
    "wrong",
    [{"iss": 1}, {"aud": ["r"]}, {"sub": ""}, {"cursor": ""}, {"cursor": "f" * 101}, {"cursor": None}, {"prev": None}, {"prev": 6},
     {"at": -1}, {"at": 1.0}, {"at": True}, {"at": 2**60}, {"age_ms": "3"}, {"age_ms": -1}, {"boot": None}, {"nonce": 5},
     {"more": 1}, {"more": None}, {"events": None}, {"events": {}}, {"events": [None]}, {"events": ["x"]}, {"tenants": "ten_1"},
     {"tenants": [1]}, {"tenants": [""]}, {"reset": []}, {"reset": {}}, {"reset": {"kills": {}}}, {"reset": {"kills": [EVENT]}},
     {"events": [EVENT, EVENT]}, {"events": [EVENT, {**EVENT, "n": 6}]}, {"events": [{**EVENT, "n": -1}]},
     {"events": [{**EVENT, "n": 7.0}]}, {"events": [{**EVENT, "n": True}]}, {"events": [{**EVENT, "tenant": ""}]},
     {"events": [{**EVENT, "retry_after_s": -1}]}, {"events": [{**EVENT, "retry_after_s": "9"}]},
     {"events": [{**EVENT, "n": n} for n in range(MOST_EVENTS + 1)]}],
)  # fmt: skip
def test_what_is_not_of_its_form_is_refused(wrong):
    with pytest.raises(InvalidBatchError):
        parse_batch({**FOLLOWING, **wrong})


@pytest.mark.parametrize("missing", ["prev", "tenants", "reset", "cursor", "events", "age_ms", "at", "boot"])
def test_a_reset_says_all_that_it_must(missing):
    said = copy.deepcopy(RESET)
    del said[missing]
    if missing == "prev":
        assert parse_batch(said).prev is None  # absent is null
        return
    with pytest.raises(InvalidBatchError):
        parse_batch(said)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([FOLLOWING, RESET]), st.sampled_from([*RESET, "events.0", "reset.kills"]), JSON)
def test_nothing_but_a_refusal_comes_of_anything_else(batch, where, value):
    said = copy.deepcopy(batch)
    match where:
        case "events.0":
            said["events"] = [value]
        case "reset.kills":
            said["reset"] = {"kills": value}
        case _:
            said[where] = value
    with contextlib.suppress(InvalidBatchError):
        parse_batch(said)
