"""Percentiles of merged buckets, and how many different people: both are told with a stated error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.domain.analytics import people, spread

DURATIONS = st.lists(st.integers(min_value=0, max_value=2**53 - 1), min_size=1, max_size=60)


@pytest.mark.requirement("analytics:spread:five-percent")
@given(DURATIONS, DURATIONS, st.sampled_from([1, 50, 95, 99, 100]))
def test_a_percentile_of_two_spans_together_is_within_five_percent(some, more, percent):
    together = {}
    for durations in (some, more):
        counts = {}
        for one in durations:
            spread.add(counts, {spread.bucket_of(one): 1})
        spread.add(together, counts)

    told = spread.percentile(together, percent)

    values = sorted(some + more)
    exact = values[-(-len(values) * percent // 100) - 1]
    # A duration is a whole number of microseconds, and nothing takes less than one.
    assert abs(told - exact) <= max(spread.ERROR * exact, 0) + 1
    assert spread.ERROR <= 0.05


@pytest.mark.requirement("analytics:spread:five-percent")
def test_of_nothing_there_is_no_percentile():
    assert spread.percentile({}, 50) is None


@pytest.mark.requirement("analytics:people:about")
@pytest.mark.parametrize(("many", "off"), [(0, 0), (1, 0), (7, 1), (100, 10), (5_000, 700), (50_000, 7_000)])
def test_how_many_people_there_were_is_told_nearly(many, off):
    """The error of 512 registers is 4.6 %; three of it is allowed here."""
    halves = [{}, {}]
    for number in range(many):
        for half in halves if number % 3 == 0 else halves[number % 2 :][:1]:
            people.see(half, f"reference {number}")
    people.add(halves[0], people.unpacked(people.packed(halves[1])))

    assert abs(people.count(halves[0]) - many) <= off
