"""GCRA and the store of one process, held against a simulation that counts every moment by itself."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.limits.gcra import SECOND, interval, tolerance
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.store import Asked, Full, Seat, Slot

LIMITS = st.tuples(st.integers(1, 50), st.sampled_from([1, 7, 60, 3600]))
STEPS = st.lists(st.tuples(st.integers(-5 * SECOND, 400 * SECOND), st.integers(1, 4)), min_size=1, max_size=60)


class Bucket:
    """The oracle: a bucket that holds `most` and fills by one each interval, in fractions, refilled moment by moment."""

    def __init__(self, most, seconds):
        self.most, self.step = most, interval(most, seconds)
        self.level, self.at = Fraction(most), 0

    def at_time(self, now):
        self.level = min(Fraction(self.most), self.level + Fraction(now - self.at, self.step))
        self.at = now

    def take(self, now, cost):
        self.at_time(now)
        if cost > self.level:
            return False
        self.level -= cost
        return True

    def wait_s(self, cost):
        if cost > self.most:
            return math.inf
        return float(max(Fraction(0), cost - self.level) * self.step / SECOND)


class Hand:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


@pytest.mark.requirement("limits:gcra:says-what-a-bucket-says")
@given(limit=LIMITS, steps=STEPS)
def test_every_answer_is_that_of_a_bucket_that_is_refilled_moment_by_moment(limit, steps):
    """C37, C41, RL-05: admission, what is left, and when to come again, for any times; a clock that goes back gives nothing."""

    async def walk():
        clock, oracle = Hand(), Bucket(*limit)
        store = ProcessStore(clock=clock)
        latest = 0
        for passed, cost in steps:
            clock.now += passed
            latest = max(latest, clock.now)
            taken = await store.take([Asked(key="k", most=limit[0], seconds=limit[1], cost=cost)])
            expected = oracle.take(latest, cost)
            assert expected is (taken.refused is None)
            assert (math.floor(oracle.level),) == taken.remaining
            assert (0.0 if expected else oracle.wait_s(cost)) == pytest.approx(taken.retry_after_s, abs=1e-9)

    asyncio.run(walk())


@pytest.mark.requirement("limits:gcra:never-more-than-stated")
@given(limit=LIMITS, steps=STEPS)
def test_no_time_sees_more_than_a_burst_and_its_refill(limit, steps):
    """RL-05: from any moment to any other, at most `most` and what the time between refills: no edge lets twice as much through."""

    async def walk():
        clock = Hand()
        store = ProcessStore(clock=clock)
        let_through, latest = [], 0
        for passed, cost in steps:
            clock.now += passed
            latest = max(latest, clock.now)
            if (await store.take([Asked(key="k", most=limit[0], seconds=limit[1], cost=cost)])).refused is None:
                let_through.append((latest, cost))
        for first, (begin, _) in enumerate(let_through):
            together = 0
            for end, cost in let_through[first:]:
                together += cost
                assert together <= limit[0] + (end - begin) / interval(*limit)

    asyncio.run(walk())


@pytest.mark.requirement("limits:gcra:never-more-than-stated")
@pytest.mark.parametrize(("most", "seconds"), [(1, 1), (3, 3600), (7, 60), (1000, 1), (999_999, 3600)])
async def test_exactly_the_limit_at_once_and_the_next_one_after_its_interval(most, seconds):
    """RL-05: capacity is the limit, whatever the limit; the moment that is named is the first at which it is let through."""
    clock = Hand()
    store = ProcessStore(clock=clock)
    one = Asked(key="k", most=most, seconds=seconds)

    assert (await store.take([Asked(key="k", most=most, seconds=seconds, cost=most)])).refused is None
    refused = await store.take([one])
    assert 0 == refused.refused
    clock.now += round(refused.retry_after_s * SECOND) - 1
    assert (await store.take([one])).refused == 0
    clock.now += 1
    assert (await store.take([one])).refused is None
    assert (await store.take([one])).refused == 0
    assert tolerance(most, seconds) >= seconds * SECOND, "rounded so that less is let through, never more"


@pytest.mark.requirement("limits:gcra:a-clock-that-goes-back-gives-nothing")
async def test_a_clock_set_back_an_hour_gives_no_burst_and_locks_nobody_out():
    """RL-05: the store goes on from the latest moment it has seen."""
    clock = Hand()
    clock.now = 7200 * SECOND
    store = ProcessStore(clock=clock)
    one = [Asked(key="k", most=2, seconds=60)]
    for _ in range(2):
        assert (await store.take(one)).refused is None

    clock.now = 3600 * SECOND
    assert (await store.take(one)).refused == 0
    assert 30 == (await store.take(one)).retry_after_s
    clock.now = 7230 * SECOND
    assert (await store.take(one)).refused is None


@pytest.mark.requirement("limits:store:all-or-none")
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3)), min_size=2, max_size=5), st.integers(1, 20))
def test_what_one_limit_refuses_is_counted_by_none(limits, rounds):
    """C39: a denied call drains nothing, and the answer names the limit that takes longest."""

    async def walk():
        store = ProcessStore(clock=Hand())
        asked = [Asked(key=str(n), most=most, seconds=60, cost=cost) for n, (most, cost) in enumerate(limits)]
        used = [0] * len(asked)
        for _ in range(rounds):
            taken = await store.take(asked)
            has_room = all(used[n] + one.cost <= one.most for n, one in enumerate(asked))
            assert has_room is (taken.refused is None)
            if has_room:
                used = [used[n] + one.cost for n, one in enumerate(asked)]
            else:
                alone = [(await store.take([one], peek=True)).retry_after_s for one in asked]
                assert max(alone) == taken.retry_after_s == alone[taken.refused]
            assert tuple(one.most - used[n] for n, one in enumerate(asked)) == taken.remaining

    asyncio.run(walk())


@pytest.mark.requirement("limits:store:looks-and-gives-back")
async def test_looking_counts_nothing_and_what_is_given_back_may_be_taken_again():
    """What did not begin costs nothing, and giving back more than was taken gives no more than the limit."""
    store = ProcessStore(clock=Hand())
    one = [Asked(key="k", most=2, seconds=60)]
    for _ in range(5):
        assert (await store.take(one, peek=True)).refused is None
    assert (await store.take(one)).refused is None
    assert (await store.take(one)).refused is None
    assert (await store.take(one, peek=True)).refused == 0

    for _ in range(9):
        await store.give_back(one)
    await store.give_back([Asked(key="never taken", most=2, seconds=60)])

    assert [None, None, 0] == [(await store.take(one)).refused for _ in range(3)]


@pytest.mark.requirement("limits:store:a-stricter-limit-finds-what-was-counted")
async def test_a_limit_that_is_tightened_begins_with_what_was_used():
    """C37: operators lower a limit in the middle of an hour; nobody gets a fresh one for it."""
    store = ProcessStore(clock=Hand())
    for _ in range(10):
        assert (await store.take([Asked(key="k", most=10, seconds=3600)])).refused is None

    assert (await store.take([Asked(key="k", most=5, seconds=3600)])).refused == 0


@pytest.mark.requirement("limits:store:bounded")
async def test_the_table_is_bounded_and_forgets_what_is_owed_no_longer_first():
    """C38: a flood of callers takes no memory, and gives those who have used theirs up nothing back while others are quiet."""
    clock = Hand()
    store = ProcessStore(most_keys=100, clock=clock)
    spent = Asked(key="spent", most=3, seconds=3600, cost=3)
    assert (await store.take([spent])).refused is None
    clock.now += 2 * SECOND

    for number in range(5000):
        await store.take([Asked(key=f"flood {number}", most=1000, seconds=1)])
        clock.now += SECOND // 100

    assert len(store) <= 100
    assert (await store.take([spent])).refused == 0, "it owes more than any of the flood"


@pytest.mark.requirement("limits:store:exact-between-threads")
def test_a_thousand_callers_in_eight_threads_get_exactly_the_limit():
    """RL-02: one table, however many event loops ask it."""
    store = ProcessStore(clock=Hand())
    asked = [Asked(key="mine", most=100, seconds=60), Asked(key="all", most=150, seconds=60)]

    def ask(_):
        async def some():
            return [(await store.take(asked)).refused is None for _ in range(125)]

        return asyncio.run(some())

    with ThreadPoolExecutor(8) as pool:
        assert 100 == sum(sum(found) for found in pool.map(ask, range(8)))


@pytest.mark.requirement("limits:store:seats")
async def test_seats_are_all_or_none_and_come_back_once():
    """A seat under two caps takes both or neither; given back twice it is one seat."""
    store = ProcessStore()
    wide, narrow = Slot(key="wide", most=3), Slot(key="narrow", most=1)
    first = await store.begin([wide, narrow])
    assert isinstance(first, Seat) and await store.renew(first)
    assert await store.begin([wide, narrow]) == Full(1)
    second, third = await store.begin([wide]), await store.begin([wide])
    assert isinstance(second, Seat) and isinstance(third, Seat), "what was refused took no place"
    assert await store.begin([wide]) == Full(0)

    for _ in range(3):
        await store.end(first)

    assert not await store.renew(first)
    assert isinstance(await store.begin([wide]), Seat)
    assert await store.begin([wide]) == Full(0)
