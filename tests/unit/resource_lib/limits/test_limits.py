"""What a guard is told about limits: read strictly, at the start, and only ever tightened afterwards."""

import re

import pytest

from resource_lib import Limits, ResourceGuard, SettingsError, destructive, read, write
from resource_lib.identity.principal import Principal
from resource_lib.limits.keys import key_of
from resource_lib.limits.limits import Limited
from resource_lib.limits.signals import TOGETHER_S, Signals
from resource_lib.policy import demand_of, tightened, tool_demands
from resource_lib.wire.limit import PERS, Cap, Limit, parse_limit
from resource_lib.wire.tool_policy import CLASSES, Rules

WHERE = {"issuer": "https://auth.example.com", "resource": "https://mcp.example.com/mcp"}


def said(limits, demand):
    return sorted(map(str, limits.of_tool(demand)))


def of(policy, *further):
    return tightened(tool_demands({"t": policy})["t"], *further)


@pytest.mark.requirement("limits:words:read-strictly")
@pytest.mark.parametrize(
    "wrong",
    [
        "", "10", "10/", "/hour", "0/hour", "-1/hour", "1.5/hour", "10 / hour", "10/hour ", "10/fortnight", "10/0s", "10/H",
        "10/hour per session", "10/hour per ip", "10/hour per user per client", "1e3/hour", "\u0661\u0660/hour", "10/hour\n",
        "99999999/s", "1/31d", 10, 10.0, True, b"10/hour", {"most": 10}, ["10/hour", "x"],
    ],
)  # fmt: skip
def test_a_limit_that_nobody_could_keep_stops_the_start_with_the_cure(wrong):
    """C37: never a limit that silently means none."""
    for make in (lambda: Limits(read=wrong), lambda: Limits(credential=wrong)):
        with pytest.raises(SettingsError, match=r"limits\.(read|credential).*Cure: write a count"):
            make()
    with pytest.raises(SettingsError, match="Cure"):
        ResourceGuard(**WHERE, tools={"t": read("a", limit=wrong)})


@pytest.mark.requirement("limits:words:read-strictly")
@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ({"signal": "silence"}, "auto, tool_result or http_429"),
        ({"concurrent": 0}, "1 to"),
        ({"concurrent": True}, "1 to"),
        ({"tenant": "10/hour per user"}, "leave per user out"),
        ({"expected_instances": 0}, "how many processes"),
    ],
)
def test_any_other_word_is_as_strict(words, cure):
    """C37: the start says which word, and what to write."""
    with pytest.raises(SettingsError, match=re.escape(cure)):
        Limits(**words)


@pytest.mark.requirement("limits:words:read-strictly")
def test_every_limit_reads_back_as_it_is_said():
    """`10/hour`, `30/60s`, `1000/day per tenant`: one form in code, file and overlay."""
    assert Limit(most=10, seconds=3600, per="user") == parse_limit("10/hour")
    assert Limit(most=30, seconds=60, per="credential") == parse_limit("30/60s per credential")
    for per in PERS:
        for text in ("1/s", "30/60 s", "5/2h", "1000/day"):
            one = parse_limit(f"{text} per {per}")
            assert one == parse_limit(str(one))


@pytest.mark.requirement("limits:words:a-cost-that-cannot-be-paid")
@pytest.mark.parametrize(
    ("tools", "limits"),
    [
        ({"t": destructive("a", cost=4, approval=False)}, Limits()),
        ({"t": read("a", cost=61)}, Limits()),
        ({"t": read("a", cost=11, limit="10/s")}, Limits()),
        ({"t": read("a", cost=20)}, Limits(tenant="19/day")),
    ],
)
def test_a_call_that_costs_more_than_a_limit_stops_the_start(tools, limits):
    """C37: it could never run."""
    with pytest.raises(SettingsError, match=r"tools\['t'\]\.cost.*Cure: lower the cost"):
        ResourceGuard(**WHERE, tools=tools, limits=limits)


@pytest.mark.requirement("limits:defaults")
def test_what_holds_where_nobody_says_anything():
    """C37, C38, C39: 60 a minute for whoever asks, and by class 60, 30 a minute and 3 an hour for each tool."""
    limits = Limits()

    assert [("credential", "60/60s per user")] == [(name, str(one)) for name, one in limits.of_requests]
    assert ["60/60s per user"] == said(limits, of(read("a")))
    assert ["30/60s per user"] == said(limits, of(write("a")))
    assert ["3/3600s per user"] == said(limits, of(destructive("a")))
    assert ["3/3600s per user"] == said(limits, demand_of("unannotated", []))


@pytest.mark.requirement("limits:defaults")
def test_the_authors_own_limit_takes_the_place_of_the_classes_and_nobody_elses_does():
    """C37: `refund_order` is destructive, 10 an hour; a limit of all callers together says nothing of one of them."""
    limits = Limits()

    assert ["10/3600s per user"] == said(limits, of(destructive("a", limit="10/hour")))
    assert ["1000/60s per tenant", "3/3600s per user"] == said(
        limits, of(destructive("a", limit="1000/min per tenant"))
    )
    assert ["3/3600s per user"] == said(limits, of(destructive("a"), Rules(limit=(parse_limit("100/hour"),))))


@pytest.mark.requirement("limits:layers:only-tighten")
@pytest.mark.parametrize("own", [(), ("10/hour",), ("5/min", "100/day"), ("30/60s per credential",)])
@pytest.mark.parametrize("tool_class", CLASSES)
@pytest.mark.parametrize(
    "more",
    [
        Rules(limit=(Limit(most=2, seconds=3600),)),
        Rules(limit=(Limit(most=100_000, seconds=3600),)),
        Rules(limit=(Limit(most=100_000, seconds=60, per="credential"),)),
        Rules(limit=(Limit(most=7, seconds=86400, per="tenant"),)),
        Rules(tool_class="destructive"),
        Rules(concurrent=(Cap(most=1000), Cap(most=1, per="server"))),
        Rules(cost=2),
    ],
)
def test_no_layer_lets_more_through_than_there_was_without_it(own, tool_class, more):
    """C37: a file and a tenant's overlay tighten: each limit that held still holds, or a stricter one of the same callers and time does."""
    author = Rules(tool_class=tool_class, limit=tuple(map(parse_limit, own)), concurrent=(Cap(most=5),), approval=False)
    limits = Limits(concurrent=3)
    before, after = demand_of("t", [author]), demand_of("t", [author, more])

    held = {(one.per, one.seconds): one.most for one in limits.of_tool(after)}
    for one in limits.of_tool(before):
        if after.tool_class == before.tool_class or own:
            assert held.get((one.per, one.seconds), 10**9) <= one.most
    at_once = {one.per: one.most for one in limits.of_running(after)}
    assert all(at_once[one.per] <= one.most for one in limits.of_running(before))
    assert after.cost >= before.cost


@pytest.mark.requirement("limits:layers:only-tighten")
def test_a_tool_that_operators_call_destructive_has_the_limit_of_one():
    """C37: 3 an hour, beside what its author allows a tool that reads."""
    graver = of(read("a", limit="1000/min"), Rules(tool_class="destructive"))

    assert ["1000/60s per user", "3/3600s per user"] == said(Limits(), graver)


@pytest.mark.requirement("limits:doctor:says-what-holds")
def test_doctor_says_what_holds_and_warns_of_what_a_second_login_doubles():
    """C66: an operator sees each tool's limits, and that nothing is limited where that is so."""
    tools = {"a": read("x"), "b": write("x", limit="9/min per credential")}

    report = ResourceGuard(**WHERE, tools=tools).doctor()
    off = ResourceGuard(**WHERE, tools=tools, limits=None).doctor()

    assert {"*": ("60/60s per user",), "a": ("60/60s per user",), "b": ("9/60s per credential",)} == report.limits
    assert any(line.startswith("b: limited per credential alone") for line in report.warnings)
    assert off.limits is None and any(line.startswith("limits: nothing is limited") for line in off.warnings)


def person(**changed):
    known = {"tenant": "t1", "subject": "s1", "client_id": "c1", "authorization_id": "a1"}
    return Principal(**known | changed, scopes=frozenset(), token_id="j", issued_at=0, expires_at=0)


@pytest.mark.requirement("limits:keys:whose-it-is-and-nothing-else")
def test_a_key_depends_on_who_counts_together_and_says_nothing_of_them():
    """C38, C44, LG-01: never a session, an address, or a name that could be read."""
    changes = {"tenant": "t2", "subject": "s2", "client_id": "c2", "authorization_id": "a2"}
    counts = {
        "user": {"tenant", "subject"},
        "credential": {"tenant", "authorization_id"},
        "client": {"tenant", "client_id"},
        "tenant": {"tenant"},
        "server": set(),
    }
    for per in PERS:
        limit = Limit(most=1, seconds=60, per=per)
        mine = key_of(limit, person(), resource="r", tool="delete_records")
        moved = {
            name for name, other in changes.items()
            if key_of(limit, person(**{name: other}), resource="r", tool="delete_records") != mine
        }  # fmt: skip
        assert counts[per] == moved
        assert re.fullmatch(rf"rate:{per}:[0-9a-f]{{32}}", mine)
        assert mine != key_of(limit, person(), resource="another", tool="delete_records")


@pytest.mark.requirement("limits:keys:whose-it-is-and-nothing-else")
def test_no_two_callers_can_be_spelt_into_one_key():
    """A separator inside an identifier moves nothing from one part into the next."""
    limit = Limit(most=1, seconds=60, per="user")
    pairs = [("a", "bc"), ("ab", "c"), ('a","b', "c"), ("a", 'b","c'), ("a\n", "bc"), ("", "abc")]

    assert len(pairs) == len({key_of(limit, person(tenant=t, subject=s), resource="r", tool="t") for t, s in pairs})
    assert (
        len({key_of(limit, person(), resource="r", tool=tool) for tool in ("T", "t", "\uff54", "t ", "t\u200b")}) == 5
    )


def limited(**changed):
    known = {
        "scope": "tool",
        "tool": "t",
        "most": 1,
        "window_s": 60,
        "per": "user",
        "retry_after_s": 9,
        "tenant": "t1",
        "subject": "s1",
    }
    return Limited(**{**known, "client_id": "c1", "authorization_id": "a1", **changed})


@pytest.mark.requirement("limits:signals:logged-without-a-flood")
def test_a_flood_of_refusals_is_two_lines_a_minute_and_every_one_of_them_is_heard(caplog):
    """C43, RL-06: with who, which tool, which limit; the hook hears each."""
    heard, now = [], [0.0]
    signals = Signals(heard.append, clock=lambda: now[0])

    for number in range(500):
        signals.tell(limited(authorization_id=f"login {number}"))
    signals.tell(limited(subject="s2"))
    now[0] += TOGETHER_S
    signals.tell(limited(tool="u"))
    signals.tell_what_is_over()

    lines = [record for record in caplog.records if record.__dict__.get("event") == "call.limited"]
    assert 502 == len(heard)
    assert [("t", "s1", 1), ("t", "s2", 1), ("t", "s1", 499), ("u", "s1", 1)] == [
        (one.tool, one.subject, one.times) for one in lines
    ]
    assert {"client_id", "authorization_id", "tenant", "most", "window_s", "scope"} <= set(lines[0].__dict__)


@pytest.mark.requirement("limits:signals:logged-without-a-flood")
def test_a_hook_that_fails_changes_no_answer_and_the_table_of_signals_is_bounded(caplog):
    """C43: whoever watches is no part of the decision."""

    def broken(_):
        raise RuntimeError("the watcher is away")

    signals = Signals(broken)
    for number in range(3000):
        signals.tell(limited(subject=f"s{number}"))

    assert len(signals._minutes) <= 1024
    assert any(record.__dict__.get("event") == "limits.hook_failed" for record in caplog.records)
