"""What the detectors say of a month that never was, and each of them by itself."""

from itertools import pairwise

import orjson
import pytest

from authserver.domain.signals.detectors.found import Found
from authserver.domain.signals.engine import concerns, look_at
from authserver.domain.signals.facts import Fact
from authserver.domain.signals.kinds import DEFAULTS, SPECS, Gravity, Kind
from authserver.domain.signals.words import sentence
from benchmarks.signals import PAGE, first, short, summary

MONDAY, HOUR, DAY = 1_788_739_200, 3600, 86_400


class Watch:
    """Detectors, and one agent whom they look at."""

    def __init__(self, **numbers):
        self.found: list[Found] = []
        self.known = {}
        self.number = 0
        self.numbers = {**DEFAULTS, **{kind: {**DEFAULTS[kind], **said} for kind, said in numbers.items()}}

    def see(self, at, tool="search", *, phase="outcome", **members):
        self.number += 1
        said = {
            "tool_class": "read",
            "status": "ok",
            "latency_us": 50_000,
            "result_bytes": 2000,
            "authorization": "auz_a",
        }
        kind = f"call:tool:{phase}"
        fact = Fact(
            id=f"{self.number}",
            at=int(at),
            kind=kind,
            who="person",
            client="cli_a",
            resource="https://mcp.example",
            tool=tool,
            phase=phase,
        )
        for name, value in (said | members).items():
            setattr(fact, name, value)
        assert concerns(fact)
        if self.number % 25 == 0:
            # As a server does: what is usual lies in the database between two batches.
            self.known = orjson.loads(orjson.dumps(self.known))
        look_at(fact, self.known, self.found.append, numbers=self.numbers)
        return self

    def weeks(self, count=3, *, an_hour=10, tools=("search",), **members):
        """Nine hours on each working day, `an_hour` calls in each."""
        for day in range(count * 7):
            for hour in range(9 if day % 7 < 5 else 0):
                for each in range(an_hour):
                    at = MONDAY + day * DAY + (8 + hour) * HOUR + each * (HOUR // an_hour)
                    self.see(at, tools[self.number % len(tools)], **members)
        self.found.clear()
        return self

    @property
    def kinds(self):
        return [one.kind for one in self.found]


NEXT = MONDAY + 21 * DAY + 10 * HOUR
"""A Monday morning after three weeks."""


@pytest.fixture(scope="module")
def shortened():
    return short()


@pytest.mark.requirement("signals:month:eleven-of-twelve")
def test_of_twelve_planted_incidents_eleven_are_found_with_few_false_alarms(shortened):
    """C55: the page says what this run gives."""
    found = [one for one in shortened.month.incidents if first(shortened, one) is not None]

    assert len(found) >= 11
    assert len(shortened.false_alarms) <= 4 * 25 / 7
    assert f"each time: {summary(shortened)}." in PAGE.read_text(encoding="utf-8")


@pytest.mark.requirement("signals:month:eleven-of-twelve")
def test_the_baselines_of_a_month_stay_small(shortened):
    assert shortened.largest < 16_000


@pytest.mark.requirement("signals:sentence:numbers-that-explain")
def test_ten_an_hour_and_then_five_hundred_is_said_in_one_sentence_with_its_numbers():
    watch = Watch().weeks()
    for each in range(500):
        watch.see(NEXT + each)

    last = watch.found[-1]
    said = sentence(last.kind, last.numbers, tool="search", application="Claude", person="this person")
    assert Kind.VOLUME is last.kind
    assert "search: 500 calls in this hour by Claude for this person; usual 10 ± 3.2, told above 50." == said
    assert 51 == watch.found[0].numbers["calls"], "it is told at the first call above"


@pytest.mark.requirement("signals:learning:quiet-at-first")
def test_an_agent_that_is_new_is_only_watched():
    """The same five hundred calls by somebody who came yesterday."""
    watch = Watch()
    for each in range(10):
        watch.see(NEXT - DAY + each * 60)
    for each in range(500):
        watch.see(NEXT + each)
    watch.see(NEXT, "wipe", tool_class="destructive")

    assert [] == watch.kinds


@pytest.mark.requirement("signals:learning:nobody-teaches-it-quickly")
def test_what_was_told_teaches_nothing_and_one_hour_moves_an_average_a_little():
    """Ten days of five hundred an hour are no more usual than the first."""
    watch = Watch().weeks()
    for day in range(10):
        for each in range(500):
            watch.see(NEXT + day * DAY + each)
    usual = [
        one.numbers["usual"]
        for one in watch.found
        if one.numbers.get("span") == "hour" and not one.numbers["every_tool"]
    ]

    assert len({round(one) for one in usual}) == 1
    assert all(later <= earlier * 1.05 for earlier, later in pairwise(usual))


@pytest.mark.requirement("signals:kinds:each-is-found")
def test_text_that_reads_like_orders_and_then_a_write():
    watch = Watch().weeks(1)
    watch.see(NEXT, "read_mail", is_hostile=True)
    watch.see(NEXT + 30, "send", phase="intent", tool_class="write")
    watch.see(NEXT + 60, "send", phase="intent", tool_class="write", approval="apr_1")
    watch.see(NEXT + 16 * 60, "send", phase="intent", tool_class="write")

    assert [Gravity.CRITICAL, Gravity.WARNING] == [one.gravity for one in watch.found if one.kind is Kind.INJECTION]


@pytest.mark.requirement("signals:kinds:each-is-found")
def test_read_from_outside_then_sent_then_deleted():
    watch = Watch().weeks(2)
    watch.see(NEXT, "read_ticket", is_outside=True)
    watch.see(NEXT + 30, "share.file", phase="intent", tool_class="write")
    watch.see(NEXT + 60, "delete-customer", phase="intent", tool_class="destructive")

    [found] = [one for one in watch.found if one.kind is Kind.CHAIN]
    assert ["read_ticket", "share.file", "delete-customer"] == found.numbers["steps"]


@pytest.mark.requirement("signals:kinds:each-is-found")
def test_a_tool_that_fails_and_becomes_slow():
    watch = Watch().weeks(2)
    for each in range(40):
        watch.see(NEXT + each * 30, status="tool_error", latency_us=200_000)

    assert {Kind.LATENCY, Kind.ERRORS} <= set(watch.kinds)
    assert all(one.is_of_tool for one in watch.found if one.kind in (Kind.LATENCY, Kind.ERRORS))


@pytest.mark.requirement("signals:kinds:each-is-found")
@pytest.mark.parametrize(
    ("reason", "why", "kind"),
    [
        ("policy_denied", "", Kind.DENIALS),
        ("rate_limited", "", Kind.LIMITS),
        ("invalid_token", "tenant", Kind.CROSS_TENANT),
        ("other_tenant", "", Kind.CROSS_TENANT),
    ],
)
def test_refusals_are_told_by_what_they_were_for(reason, why, kind):
    watch = Watch()
    for each in range(30):
        watch.see(NEXT + each, phase="refused", is_refused=True, reason=reason, why=why)

    assert kind in watch.kinds
    assert {Kind.DENIALS, Kind.LIMITS} - {kind} - set(watch.kinds)


@pytest.mark.requirement("signals:kinds:each-is-found")
def test_what_is_cured_by_asking_is_no_denial():
    watch = Watch()
    for each in range(30):
        watch.see(NEXT + each, phase="refused", is_refused=True, reason="insufficient_scope")

    assert [] == watch.kinds


@pytest.mark.requirement("signals:kinds:each-is-found")
@pytest.mark.parametrize("kind", ["client:refresh_token:replayed", "client:code:replayed"])
def test_a_second_use_of_what_is_used_once_is_told_each_time(kind):
    watch = Watch()
    watch.see(NEXT, "", phase="", kind=kind, is_refused=True)

    assert Kind.PARALLEL in watch.kinds


@pytest.mark.requirement("signals:kinds:each-is-found")
def test_one_login_used_by_two_sessions_in_turns_unless_it_always_was():
    turns = ("one", "two") * 8
    watch, usual = Watch().weeks(2), Watch()
    for day in range(3):
        for each, session in enumerate(turns):
            usual.see(MONDAY + day * DAY + each * 20, session=session)
    usual.weeks(2)
    for each, session in enumerate(turns):
        watch.see(NEXT + each * 20, session=session)
        usual.see(NEXT + each * 20, session=session)

    assert (True, False) == (Kind.PARALLEL in watch.kinds, Kind.PARALLEL in usual.kinds)


@pytest.mark.requirement("signals:kinds:each-is-found")
@pytest.mark.parametrize(("seconds", "is_found"), [(1, True), (9, False)])
def test_yes_without_a_look(seconds, is_found):
    watch = Watch()
    for each in range(20):
        at, approval = NEXT + each * 60, f"apr_{each}"
        watch.see(at, "", phase="", kind="person:approval:shown", approval=approval)
        watch.see(at + seconds, "", phase="", kind="person:approval:approved", approval=approval)

    assert is_found == (Kind.RUBBER_STAMP in watch.kinds)


@pytest.mark.requirement("signals:kinds:each-is-found")
def test_the_first_write_of_a_tool_at_night_and_a_large_answer():
    watch = Watch().weeks()
    watch.see(NEXT, "wipe", phase="intent", tool_class="destructive")
    watch.see(NEXT, result_bytes=900_000)
    for each in range(8):
        watch.see(NEXT + 16 * HOUR + each)

    assert [Kind.FIRST_USE, Kind.SIZE, Kind.OFF_HOURS] == watch.kinds


@pytest.mark.requirement("signals:kinds:each-is-found")
@pytest.mark.parametrize(("tool_class", "is_found"), [("write", False), ("destructive", True)])
def test_what_others_do_by_the_same_application_is_usual_unless_it_destroys(tool_class, is_found):
    watch = Watch().weeks()
    for other in ("a", "b", "c"):
        watch.see(NEXT, "wipe", phase="intent", tool_class=tool_class, who=other)
    watch.see(NEXT, "wipe", phase="intent", tool_class=tool_class)

    assert is_found == (Kind.FIRST_USE in watch.kinds)


@pytest.mark.requirement("signals:learning:nobody-teaches-it-quickly")
def test_large_answers_that_were_told_are_as_unusual_as_the_first():
    watch = Watch().weeks()
    for each in range(40):
        watch.see(NEXT + each, result_bytes=900_000)

    assert 40 == sum(one.numbers["span"] == "answer" for one in watch.found if one.kind is Kind.SIZE)


@pytest.mark.requirement("signals:sentence:numbers-that-explain")
def test_every_kind_has_a_sentence_and_every_number_its_bounds():
    for kind, spec in SPECS.items():
        for name, number in spec.numbers.items():
            assert number.least <= number.default <= number.most, (kind, name)
    assert set(DEFAULTS) == {kind.value for kind in Kind}
