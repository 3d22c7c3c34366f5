"""One flight at a time for each key; a failure is no answer and nobody sets out again at once."""

import asyncio

import pytest

from authserver.runtime.flights import Flights

SECOND = 1_000_000


class Broken(Exception):
    pass


async def test_whoever_wants_the_same_shares_one_flight_and_hanging_up_stops_nobody_else():
    flights: Flights[str] = Flights()
    landed, count = asyncio.Event(), []

    async def fly() -> str:
        count.append(1)
        await landed.wait()
        return "here"

    first, second, third = (asyncio.create_task(flights.join("a", fly, now_us=0)) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    assert not flights.would_set_out("a", 0)
    landed.set()

    assert ["here", "here"] == [await second, await third]
    assert 1 == len(count)
    assert flights.would_set_out("a", 0)


async def test_after_a_failure_nobody_sets_out_for_longer_each_time_up_to_a_bound():
    flights: Flights[None] = Flights(longest_rest_s=60)
    now, rests = 0, []

    async def fly() -> None:
        raise Broken

    for _ in range(6):
        with pytest.raises(Broken):
            await flights.join("a", fly, now_us=now)
        began = now
        while not flights.would_set_out("a", now):
            now += SECOND
        rests.append((now - began) // SECOND)

    assert [5, 10, 20, 40, 60, 60] == rests


async def test_while_nobody_sets_out_the_last_failure_is_told_and_a_landing_forgets_it():
    flights: Flights[str] = Flights()
    count = []

    async def fly() -> str:
        count.append(1)
        if len(count) == 1:
            raise Broken("first")
        return "here"

    for _ in range(3):
        with pytest.raises(Broken, match="first"):
            await flights.join("a", fly, now_us=SECOND)
    assert 1 == len(count)

    assert "here" == await flights.join("b", fly, now_us=SECOND)
    assert "here" == await flights.join("a", fly, now_us=6 * SECOND)
    assert "here" == await flights.join("a", fly, now_us=6 * SECOND)


async def test_an_innocent_failure_keeps_nobody_from_trying_again():
    flights: Flights[None] = Flights(is_innocent=lambda error: isinstance(error, Broken))

    async def fly() -> None:
        raise Broken

    with pytest.raises(Broken):
        await flights.join("a", fly, now_us=0)

    assert flights.would_set_out("a", 0)


async def test_an_impatient_one_leaves_and_the_flight_goes_on():
    flights: Flights[str] = Flights()
    landed, seen = asyncio.Event(), []

    async def fly() -> str:
        await landed.wait()
        seen.append(1)
        return "here"

    with pytest.raises(TimeoutError):
        await flights.join("a", fly, now_us=0, patience_s=0.01)
    landed.set()

    assert "here" == await flights.join("a", fly, now_us=0)
    assert [1] == seen


async def test_failures_that_are_remembered_are_bounded_and_closing_ends_what_flies():
    flights: Flights[None] = Flights(keys=3)

    async def fail() -> None:
        raise Broken

    for key in "abcd":
        with pytest.raises(Broken):
            await flights.join(key, fail, now_us=0)
    waiting = asyncio.create_task(flights.join("z", asyncio.Event().wait, now_us=0))  # type: ignore[arg-type]
    await asyncio.sleep(0)

    await flights.close()

    assert [True, False, False, False] == [flights.would_set_out(key, 0) for key in "abcd"]
    with pytest.raises(asyncio.CancelledError):
        await waiting
