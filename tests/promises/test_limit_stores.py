"""Every store of limits counts alike: Valkey, PostgreSQL and SQLite say what the store of one process says."""

import asyncio
import math
import random

import pytest

from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.store import SEAT_LIFE_S, Asked, Full, Seat, Slot
from tests.support.limit_stores import KINDS, kept_in
from tests.support.processes import free_port
from tests.support.valkey import valkey_process, valkey_server

HOUR = 3600
A, B = Asked(key="a", most=3, seconds=HOUR), Asked(key="b", most=10, seconds=HOUR)


@pytest.fixture(scope="module")
def valkey():
    with valkey_server() as url:
        yield url


@pytest.fixture(params=KINDS)
async def at(request, valkey, tmp_path):
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    async with kept_in(request.param, valkey=valkey, postgres=postgres, folder=tmp_path) as found:
        yield found


@pytest.mark.requirement("limits:stores:all-or-none")
async def test_all_limits_count_a_call_or_none_does(at):
    """C39: a call that one limit refuses takes nothing of the others."""
    taken = [await at.store.take([A, B]) for _ in range(5)]
    alone = await at.store.take([B])

    assert [None, None, None, 0, 0] == [one.refused for one in taken]
    assert [(2, 9), (1, 8), (0, 7), (0, 7), (0, 7)] == [one.remaining for one in taken]
    assert (None, (6,)) == (alone.refused, alone.remaining)


@pytest.mark.requirement("limits:stores:all-or-none")
async def test_the_limit_with_the_longest_wait_is_the_one_that_is_named(at):
    """C42: one wait, after which all have room."""
    long = Asked(key="c", most=1, seconds=2 * HOUR)
    await at.store.take([A, long])
    await at.store.take([A])
    await at.store.take([A])

    taken = await at.store.take([A, long])

    assert 1 == taken.refused
    assert 2 * HOUR - 30 < taken.retry_after_s <= 2 * HOUR


@pytest.mark.requirement("limits:stores:agree-with-the-process")
async def test_a_thousand_random_calls_are_answered_as_one_process_would(at):
    """Ours: one arithmetic in Python, Lua and SQL; weights, several limits, time passing, peeks and things given back."""
    dice = random.Random(7)
    now = [0.0]
    here = ProcessStore(clock=lambda: int(now[0] * 1_000_000))
    sizes = {"a": 7, "b": 11, "c": 17, "d": 29, "e": 43}
    for turn in range(300):
        if turn % 20 == 19:
            step = dice.choice([700, 1800, 4 * HOUR])
            await at.passes(step)
            now[0] += step
        asked = [
            Asked(key=name, most=most, seconds=HOUR, cost=dice.choice([1, 1, 1, 3]))
            for name, most in sizes.items()
            if dice.random() < 0.5
        ]
        what = dice.random()
        if what < 0.1:
            await asyncio.gather(at.store.give_back(asked), here.give_back(asked))
            continue
        found, wanted = await asyncio.gather(at.store.take(asked, peek=what < 0.2), here.take(asked, peek=what < 0.2))
        assert wanted.refused == found.refused, turn
        assert wanted.remaining == found.remaining, turn
        # The server's clock has run on since, by as long as this test has.
        assert wanted.retry_after_s - 60 <= found.retry_after_s <= wanted.retry_after_s, turn


@pytest.mark.requirement("limits:stores:peeking-writes-nothing")
async def test_peeking_says_what_would_be_and_leaves_nothing(at):
    """Decision 18: peeked before a person is asked, taken with the consumption."""
    peeked = [await at.store.take([A, B], peek=True) for _ in range(5)]

    assert {(None, (3, 10))} == {(one.refused, one.remaining) for one in peeked}
    assert 0 == await at.kept()


@pytest.mark.requirement("limits:stores:too-dear-is-never")
async def test_what_costs_more_than_the_limit_is_refused_for_ever(at):
    """C37: and leaves no trace."""
    taken = await at.store.take([B, Asked(key="a", most=3, seconds=HOUR, cost=4)])

    assert (1, math.inf) == (taken.refused, taken.retry_after_s)
    assert 0 == await at.kept()


@pytest.mark.requirement("limits:stores:no-edge")
async def test_no_moment_lets_more_through_than_the_limit(at):
    """RL-05: at no edge of any window is there a second burst; after half the time there is half of it."""
    first = [await at.store.take([B]) for _ in range(20)]
    await at.passes(HOUR / 2)
    second = [await at.store.take([B]) for _ in range(20)]

    assert (10, 5) == tuple(sum(one.refused is None for one in some) for some in (first, second))


@pytest.mark.requirement("limits:stores:clock-set-back")
async def test_a_clock_set_back_gives_no_burst_and_locks_nobody_out(at):
    """RL-05: nobody waits longer than the limit's own time, and nothing is free."""
    for _ in range(10):
        await at.store.take([B])
    await at.passes(-30 * 24 * HOUR)

    over = await at.store.take([B])
    await at.passes(HOUR / 10)
    later = [await at.store.take([B]) for _ in range(2)]

    assert 0 == over.refused
    assert HOUR / 10 - 30 < over.retry_after_s <= HOUR / 10 + 1
    assert [None, 0] == [one.refused for one in later]


@pytest.mark.requirement("limits:stores:seats")
async def test_no_more_sit_than_there_are_seats_and_the_dead_give_theirs_up(at):
    """C37: a cap on what runs at once; a killed process frees its place within SEAT_LIFE_S."""
    slots = [Slot(key="tool", most=2), Slot(key="user", most=3)]
    first, second, third = [await at.store.begin(slots) for _ in range(3)]
    other = await at.store.begin([Slot(key="user", most=3)])

    assert [Seat, Seat, Seat, Full(0)] == [type(first), type(second), type(other), third]
    assert await at.store.begin([Slot(key="elsewhere", most=1), *reversed(slots)]) == Full(1)
    await at.store.end(first)
    await at.store.end(first)
    again = await at.store.begin(slots)
    await at.passes(SEAT_LIFE_S - 5)
    assert await at.store.renew(again)
    await at.passes(10)
    assert not await at.store.renew(second)
    assert await at.store.renew(again)
    assert isinstance(await at.store.begin(slots), Seat)
    assert await at.store.begin(slots) == Full(0)


@pytest.mark.requirement("limits:stores:seats")
async def test_of_a_hundred_at_once_as_many_sit_as_there_are_seats(at):
    """RL-02: a race for a place."""
    found = await asyncio.gather(*(at.store.begin([Slot(key="tool", most=7)]) for _ in range(100)))

    assert 7 == sum(isinstance(one, Seat) for one in found)


@pytest.mark.requirement("limits:stores:a-thousand-at-once")
async def test_of_a_thousand_at_once_the_limit_gets_through(at):
    """RL-02: not one more, and nobody is told that the store is away because so many ask."""
    one = Asked(key="tool", most=100, seconds=24 * HOUR)

    found = await asyncio.gather(*(at.store.take([one, B if n % 3 else A]) for n in range(1000)))
    through = sum(one.refused is None for one in found)
    rest = await asyncio.gather(*(at.store.take([one]) for n in range(1000)))

    assert 13 == through
    assert 87 == sum(one.refused is None for one in rest)


@pytest.mark.requirement("limits:stores:forgets")
async def test_what_is_owed_no_longer_is_forgotten(at):
    """FastMCP's limiter never forgets a key; ours are gone with their time."""
    await at.store.take([A, B])
    seat = await at.store.begin([Slot(key="tool", most=2)])
    assert isinstance(seat, Seat) and 3 == await at.kept()

    await at.passes(2 * HOUR)
    await at.tidy()

    async with asyncio.timeout(60):
        while await at.kept():
            await asyncio.sleep(0.01)


@pytest.mark.requirement("limits:stores:flushed")
async def test_a_flushed_store_begins_anew_and_no_more(at):
    """Ours: one fresh burst, and exactly one."""
    before = [await at.store.take([A]) for _ in range(5)]
    await at.flush()
    after = [await at.store.take([A]) for _ in range(5)]

    assert (3, 3) == tuple(sum(one.refused is None for one in some) for some in (before, after))


@pytest.mark.requirement("limits:stores:cluster")
async def test_all_keys_of_a_call_lie_in_one_slot_of_a_cluster(tmp_path):
    """A real node of a cluster refuses a script that sees two slots."""
    from resource_lib.limits.valkey import ValkeyStore

    with valkey_process("--cluster-enabled", "yes", "--cluster-port", str(free_port())) as process:
        import redis.asyncio as redis

        client = redis.Redis.from_url(process.url, protocol=2)
        await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in await client.execute_command("CLUSTER", "INFO"):
            await asyncio.sleep(0.02)
        await client.aclose()
        for cluster in (False, True):
            store = ValkeyStore(process.url, namespace="shop", cluster=cluster)
            asked = [Asked(key=f"{cluster}-{n}", most=2, seconds=HOUR) for n in range(9)]
            taken = [await store.take(asked) for _ in range(3)]
            await store.aclose()

            assert [None, None, 0] == [one.refused for one in taken]


@pytest.mark.requirement("limits:stores:wrong-data")
async def test_what_is_no_number_counts_as_everything(valkey, tmp_path):
    """R-04: whoever writes nonsense into the store gains nothing by it, and the key heals by itself."""
    async with kept_in("valkey", valkey=valkey, postgres=None, folder=tmp_path) as at:
        for nonsense in ("", "x", "nan", "-inf", "inf", "1e999", "99999999999999999999"):
            await at.client.set("{limits}:a", nonsense)
            found = await at.store.take([A])
            assert (None if nonsense == "-inf" else 0) == found.refused, nonsense


@pytest.mark.requirement("limits:stores:tables")
async def test_the_tables_are_made_once_however_many_begin_together(postgres):
    """`prepare` is safe to run at each start of each process; without it an operator reads what is missing."""
    from resource_lib.limits.sql import SqlStore
    from resource_lib.limits.store import StoreUnavailableError
    from tests.support.limit_stores import engine_at

    engine = engine_at(postgres.empty_database().owner)
    stores = [SqlStore(engine) for _ in range(6)]
    with pytest.raises(StoreUnavailableError, match="prepare"):
        await stores[0].take([A])

    await asyncio.gather(*(store.prepare() for store in stores))
    taken = await stores[0].take([A])
    await engine.dispose()

    assert (None, (2,)) == (taken.refused, taken.remaining)
