"""What is dead, by what was heard: counted, in any order, however often, and never alive again."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib.identity.principal import Principal
from resource_lib.revocation.state import State, host_of, who_ended
from resource_lib.wire.control import Act, Event, Kind

RESOURCE, OTHER = "https://mcp.example.com/mcp", "https://up.example.com/mcp"
TENANT = "ten_a"
HOSTED = "https://apps.example.com:8443/client.json"


def somebody(number=5, **changed):
    said = {
        "tenant": TENANT,
        "subject": "usr_a",
        "client_id": "cli_a",
        "scopes": frozenset(),
        "authorization_id": "aut_a",
        "token_id": "jti_a",
        "issued_at": 0,
        "expires_at": 600,
        "control_number": number,
        "key_id": "kid_a",
    }
    return Principal(**said | changed)


def event(n, kind, act=Act.END, tenant=TENANT, retry_after_s=None, **subject):
    return Event(n=n, kind=kind, act=act, tenant=tenant, subject=subject, retry_after_s=retry_after_s)


def state_of(*events, at_s=0):
    state = State(resource=RESOURCE, max_life=600)
    state.take(events, at_s=at_s)
    return state


ENDS = {
    "everything": (Kind.EVERYTHING, "*", {}),
    "tenant": (Kind.TENANT, TENANT, {}),
    "user": (Kind.USER, TENANT, {"sub": "usr_a"}),
    "client in the tenant": (Kind.CLIENT, TENANT, {"client_id": "cli_a"}),
    "client everywhere": (Kind.CLIENT, "*", {"client_id": "cli_a"}),
    "resource in the tenant": (Kind.RESOURCE, TENANT, {"resource": RESOURCE}),
    "resource everywhere": (Kind.RESOURCE, "*", {"resource": RESOURCE}),
}


@pytest.mark.requirement("follow:state:ends-are-counted")
@pytest.mark.parametrize("what", ENDS)
def test_an_end_ends_what_carries_a_smaller_number_and_nothing_else(what):
    """Decision 14: counted, not timed; a token without a number is below every one."""
    kind, tenant, subject = ENDS[what]
    state = state_of(event(7, kind, tenant=tenant, **subject))

    assert [True, True, False, False] == [state.dead(somebody(number)) for number in (None, 6, 7, 8)]
    assert (what in {"everything", "resource everywhere"}) == state.dead(
        somebody(6, tenant="ten_b", subject="usr_b", client_id="cli_b")
    )


@pytest.mark.requirement("follow:state:ends-are-counted")
@pytest.mark.parametrize("what", ["everything", "tenant", "user", "client in the tenant", "client everywhere"])
def test_a_kill_also_stops_whatever_is_newer_until_it_is_revived_and_what_it_ended_stays_so(what):
    """Decision 14: revive allows new logins; nothing that died comes back."""
    kind, tenant, subject = ENDS[what]
    state = state_of(event(7, kind, Act.KILL, tenant, **subject))
    killed = [state.dead(somebody(number)) for number in (6, 8)]

    state.take([event(9, kind, Act.REVIVE, tenant, **subject)])

    assert [True, True] == killed
    assert [True, False] == [state.dead(somebody(number)) for number in (6, 9)]


@pytest.mark.requirement("follow:state:ends-are-counted")
@pytest.mark.parametrize(
    ("events", "who"),
    [
        (event(7, Kind.TOKEN, jti="jti_a", exp=600), somebody(9)),
        (event(7, Kind.AUTHORIZATION, authorization_id="aut_a"), somebody(9)),
        (event(7, Kind.KEY, kid="kid_a"), somebody(9)),
        (event(7, Kind.CLIENT_HOST, tenant="*", host="apps.example.com"), somebody(client_id=HOSTED)),
        (event(7, Kind.CLIENT_HOST, host="APPS.example.com"), somebody(client_id=HOSTED)),
        (event(7, Kind.CLIENT, client_id="cli_z"), somebody(actor={"sub": "client:cli_z"})),
        (event(7, Kind.CLIENT, client_id="cli_z"), somebody(actor={"sub": "client:b", "act": {"sub": "client:cli_z"}})),
        (event(7, Kind.USER, sub="usr_z"), somebody(actor={"sub": "usr_z"})),
        (event(7, Kind.CLIENT, client_id="cli_z"), somebody(authorized=("cli_z", OTHER))),
        (event(7, Kind.CLIENT_HOST, host="apps.example.com"), somebody(authorized=(HOSTED, OTHER))),
        (event(7, Kind.RESOURCE, tenant="*", resource=OTHER), somebody(authorized=("cli_z", OTHER))),
    ],
)
def test_a_token_ends_with_each_thing_it_stands_on(events, who):
    """Decision 14: itself, its authorization, its key, its client's host, who acts, and what it was exchanged from."""
    unhurt = somebody(token_id="jti_b", authorization_id="aut_b", key_id="kid_b")

    assert state_of(events).dead(who)
    assert not state_of(events).dead(unhurt)


@pytest.mark.requirement("follow:state:a-stopped-server-does-nothing-elsewhere")
def test_what_a_stopped_server_got_by_exchange_is_held_up_here_too():
    """RV-07: whoever stops a server that misbehaves stops what it does in its callers' names at others."""
    origin, other = ("cli_z", OTHER), ("cli_z", "https://third.example.com/mcp")
    state = state_of(event(3, Kind.RESOURCE, Act.PAUSE, resource=OTHER, retry_after_s=90))

    assert (90, True) == (state.stop(TENANT, origin).retry_after_s, state.stop(TENANT, origin).is_pause)
    assert [None, None, None] == [state.stop(TENANT), state.stop(TENANT, other), state.stop("ten_b", origin)]
    state.take([event(4, Kind.RESOURCE, Act.KILL, tenant="*", resource=OTHER)])
    assert not state.stop(TENANT, origin).is_pause, "the graver one counts"
    state.take([event(5, Kind.RESOURCE, Act.PAUSE, resource=RESOURCE)])
    assert (True, False) == (state.stop(TENANT).is_pause, state.stop(TENANT, origin).is_pause)
    assert not state.dead(somebody(0, authorized=origin))
    state.begin_anew([], up_to=9)
    assert state.stop(TENANT, origin) is None, "it goes on when the other is revived"


@pytest.mark.requirement("follow:state:held-up-not-ended")
def test_a_stopped_tool_version_or_resource_ends_no_token_and_goes_on_when_it_is_revived():
    """Decision 14: a killed tool or resource ends no token: its calls resume on revive."""
    state = state_of(
        event(1, Kind.TOOL, Act.KILL, resource=RESOURCE, tool="pay"),
        event(2, Kind.TOOL_VERSION, Act.KILL, tenant="*", resource=RESOURCE, tool="see", definition_hash="f" * 64),
        event(3, Kind.RESOURCE, Act.PAUSE, resource=RESOURCE, retry_after_s=90),
        event(4, Kind.TOOL, Act.KILL, tenant="*", resource=OTHER, tool="other"),
        event(5, Kind.RESOURCE, Act.KILL, tenant="*", resource=OTHER),
    )

    assert not state.dead(somebody(0))
    assert [True, False, False] == [state.is_killed(TENANT, tool) for tool in ("pay", "see", "other")]
    assert not state.is_killed("ten_b", "pay")
    assert frozenset({"f" * 64}) == state.killed_versions(TENANT, "see")
    assert (90, True) == (state.stop(TENANT).retry_after_s, state.stop(TENANT).is_pause)
    assert state.stop("ten_b") is None
    state.take([event(6, Kind.RESOURCE, Act.KILL, tenant="*", resource=RESOURCE)])
    assert not state.stop(TENANT).is_pause, "the graver one counts"
    state.take(
        [
            event(7, Kind.RESOURCE, Act.REVIVE, resource=RESOURCE),
            event(8, Kind.RESOURCE, Act.REVIVE, tenant="*", resource=RESOURCE),
            event(9, Kind.TOOL, Act.REVIVE, resource=RESOURCE, tool="pay"),
            event(10, Kind.TOOL_VERSION, Act.REVIVE, "*", resource=RESOURCE, tool="see", definition_hash="f" * 64),
        ]
    )
    assert (None, False, frozenset()) == (
        state.stop(TENANT),
        state.is_killed(TENANT, "pay"),
        state.killed_versions(TENANT, "see"),
    )


KINDS = [
    (Kind.EVERYTHING, "*", {}),
    (Kind.TENANT, TENANT, {}),
    (Kind.USER, TENANT, {"sub": "usr_a"}),
    (Kind.CLIENT, "*", {"client_id": "cli_a"}),
    (Kind.RESOURCE, TENANT, {"resource": RESOURCE}),
    (Kind.TOOL, TENANT, {"resource": RESOURCE, "tool": "pay"}),
    (Kind.TOKEN, TENANT, {"jti": "jti_a", "exp": 600}),
]
_HISTORY = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from([Act.END, Act.KILL, Act.PAUSE, Act.REVIVE])), max_size=12
)


def seen(state):
    return (
        [state.dead(somebody(number, token_id=token)) for number in range(14) for token in ("jti_a", "jti_b")],
        state.stop(TENANT),
        state.is_killed(TENANT, "pay"),
    )


@pytest.mark.requirement("follow:state:any-order")
@settings(max_examples=300, deadline=None)
@given(history=_HISTORY, seed=st.integers(0, 2**32))
def test_events_come_in_any_order_and_any_number_of_times(history, seed):
    """Decision 14: what is known in the end follows from what was heard, not from how."""
    events = [event(n, kind, act, tenant, **subject) for n, ((kind, tenant, subject), act) in enumerate(history, 1)]
    shuffled = events * 2
    random.Random(seed).shuffle(shuffled)
    alive = State(resource=RESOURCE, max_life=600)

    for one in shuffled:
        alive.take([one])

    assert seen(state_of(*events)) == seen(alive)


def _floor(one):
    return one.n if one.act in (Act.END, Act.KILL) else -1


@pytest.mark.requirement("follow:state:never-alive-again")
@settings(max_examples=300, deadline=None)
@given(history=_HISTORY, later=_HISTORY, resets=st.booleans())
def test_nothing_that_an_end_or_a_kill_has_ended_lives_again_whatever_is_heard_later(history, later, resets):
    """Decision 14: floors only rise, through revivals and through a beginning anew that leaves them out."""
    first = [event(n, kind, act, tenant, **subject) for n, ((kind, tenant, subject), act) in enumerate(history, 1)]
    state = state_of(*first)
    counted = [e for e in first if _floor(e) > 0 and e.kind in (Kind.EVERYTHING, Kind.TENANT, Kind.USER, Kind.CLIENT)]
    floor = max((e.n for e in counted), default=0)

    if resets:
        state.begin_anew([], up_to=100)
    state.take([event(n, k, act, t, **s) for n, ((k, t, s), act) in enumerate(later, 20)])

    assert all(state.dead(somebody(number)) for number in range(floor))


@pytest.mark.requirement("follow:state:begins-anew")
def test_a_beginning_anew_revives_what_it_does_not_name_and_ends_nothing_less():
    """The contract: the state of every stop is told; what was revived meanwhile is not in it."""
    state = state_of(
        event(1, Kind.TOOL, Act.KILL, resource=RESOURCE, tool="pay"),
        event(2, Kind.USER, Act.KILL, sub="usr_a"),
        event(9, Kind.TOOL, Act.KILL, resource=RESOURCE, tool="see"),
    )

    state.begin_anew([event(2, Kind.USER, sub="usr_a")], up_to=5)

    assert not state.is_killed(TENANT, "pay")
    assert state.is_killed(TENANT, "see"), "stopped after the moment that is told of"
    assert [True, False] == [state.dead(somebody(number)) for number in (1, 2)]


@pytest.mark.requirement("follow:state:bounded")
def test_a_hundred_thousand_revoked_tokens_are_forgotten_by_the_issuers_clock_once_they_have_expired():
    """RV-09: memory is bounded, and no clock of this machine decides about it."""
    state = State(resource=RESOURCE, max_life=600)
    state.take((event(n, Kind.TOKEN, jti=f"jti_{n}", exp=1_000 + n % 600) for n in range(100_000)), at_s=1_000)
    state.take([event(1, Kind.AUTHORIZATION, authorization_id="aut_x")], at_s=1_000)
    state.take([event(2, Kind.KEY, kid="kid_x")], at_s=1_000)
    held = len(state)

    state.take([], at_s=1_000 + 600 + 61)
    without_tokens = len(state)
    state.take([], at_s=1_000 + 600 + 60 + 3_601)

    assert (100_002, 2, 1) == (held, without_tokens, len(state))
    assert state.dead(somebody(key_id="kid_x")), "whoever stole a key can sign with it for ever"
    assert 0 == len(state_of(event(3, Kind.TOKEN, jti="old", exp=5), at_s=1_000)), "not even taken in"


def test_an_authorization_that_is_heard_of_again_is_remembered_again():
    """It may have been told of in a beginning anew."""
    state = state_of(event(1, Kind.AUTHORIZATION, authorization_id="aut_a"), at_s=1_000)

    state.take([event(1, Kind.AUTHORIZATION, authorization_id="aut_a")], at_s=4_000)
    state.take([], at_s=6_000)

    assert state.dead(somebody())


def test_news_is_told_once():
    """What runs is looked through for news, not for repetitions."""
    state = State(resource=RESOURCE, max_life=600)
    events = [
        event(1, Kind.USER, sub="u"),
        event(2, Kind.TOKEN, jti="j", exp=900),
        event(3, Kind.KEY, kid="k"),
        event(4, Kind.TOOL, Act.KILL, resource=RESOURCE, tool="t"),
        event(5, Kind.TOOL, Act.KILL, resource=OTHER, tool="t"),
    ]

    assert (events[:4], []) == (state.take(events), state.take(events))


@pytest.mark.parametrize(
    ("client_id", "host"),
    [(HOSTED, "apps.example.com"), ("cli_a", ""), ("https://[::1", ""), ("http://H.example/x", "h.example")],
)
def test_the_host_of_a_client_is_that_of_its_url(client_id, host):
    """Kind.CLIENT_HOST: at whatever port."""
    assert host == host_of(client_id)


@pytest.mark.parametrize(
    ("one", "is_theirs"),
    [
        (event(1, Kind.EVERYTHING, Act.KILL, "*"), True),
        (event(1, Kind.TENANT), True),
        (event(1, Kind.TENANT, tenant="ten_b"), False),
        (event(1, Kind.USER, sub="usr_a"), True),
        (event(1, Kind.USER, sub="usr_b"), False),
        (event(1, Kind.CLIENT, tenant="*", client_id=HOSTED), True),
        (event(1, Kind.CLIENT_HOST, host="apps.example.com"), True),
        (event(1, Kind.CLIENT_HOST, Act.REVIVE, host="apps.example.com"), False),
        (event(1, Kind.TOKEN, jti="j", exp=1), False),
    ],
)
def test_whose_sessions_an_event_ends(one, is_theirs):
    """The brief of a kill: sessions of a dead principal close."""
    has_ended = who_ended(
        [event(1, Kind.USER, sub="usr_z"), one, event(2, Kind.POLICY, Act.CHANGED, resource=RESOURCE)]
    )

    assert has_ended is not None
    assert is_theirs == has_ended(TENANT, "usr_a", HOSTED)


def test_the_sessions_of_a_hundred_thousand_are_looked_through_once_however_many_have_ended():
    """A tenant of a thousand people ends in one batch: the event loop has callers to serve."""
    seen = []

    class Counted(Event):
        def __getattribute__(self, name):
            seen.append(name)
            return super().__getattribute__(name)

    has_ended = who_ended(
        [Counted(n=n, kind=Kind.USER, act=Act.END, tenant=TENANT, subject={"sub": f"usr_{n}"}) for n in range(1000)]
    )
    read = len(seen)
    ended = sum(has_ended(TENANT, f"usr_{n}", "cli_a") for n in range(10_000))

    assert (1000, read) == (ended, len(seen))
    assert who_ended([event(1, Kind.TOKEN, jti="j", exp=1)]) is None


@pytest.mark.requirement("follow:state:begins-anew")
def test_a_beginning_anew_revives_a_tool_though_another_servers_tool_of_that_name_is_stopped():
    """Events of servers upstream are heard too; their tools are not ours."""
    state = state_of(event(1, Kind.TOOL, Act.KILL, resource=RESOURCE, tool="pay"))

    state.begin_anew([event(2, Kind.TOOL, Act.KILL, resource=OTHER, tool="pay")], up_to=3)

    assert not state.is_killed(TENANT, "pay")
