"""POST /rs/feed/ack, and what an operator who waits is told of each running MCP server."""

import asyncio

import pytest

from authserver import jobs
from authserver.domain.instances import instance as instances
from authserver.domain.instances.instance import State
from authserver.domain.revocation import feed
from authserver.domain.revocation.kill_switch import Target
from resource_lib.wire.control import Kind
from tests.promises.test_feed import stop
from tests.support.following import follower, noted
from tests.support.world import R1


async def running(server, *resources):
    await noted(server)
    return {one.id: one for one in await instances.of(server.machines.work(), resources or [R1])}


async def heard(server, number):
    await noted(server)
    since = await feed.at(server.machines.work(), number)
    found = await instances.heard(server.machines.work(), [R1], number, since)
    return {one.instance.id: (one.state, one.after_ms) for one in found}


async def killed(server):
    await stop(server, Target(kind=Kind.EVERYTHING))
    return (await feed.head(server.machines.work()))[1]


@pytest.mark.requirement("feed:ack:what-was-applied-and-what-it-is")
async def test_an_instance_says_what_it_has_applied_and_what_it_is(server):
    here = follower(server, "RS1", instance="one")
    await here.ask()
    assert (0, instances.UNDECLARED_MS, {}) == seen(await running(server), "one")
    number = await killed(server)
    await here.ask()
    assert 204 == (await here.acknowledge(max_staleness_ms=5000, about={"library": "1.0", "ready": True})).status_code
    assert (number, 5000, {"library": "1.0", "ready": True}) == seen(await running(server), "one")
    # What it does not say stays.
    number = await killed(server)
    await here.ask()
    assert 204 == (await here.acknowledge()).status_code
    assert (number, 5000, {"library": "1.0", "ready": True}) == seen(await running(server), "one")


def seen(found, name):
    return found[name].applied, found[name].max_staleness_ms, found[name].about


@pytest.mark.requirement("feed:ack:asking-for-what-follows-says-it-too")
async def test_who_asks_for_what_follows_a_cursor_has_applied_what_was_before(server):
    here = follower(server, "RS1", instance="one")
    await here.ask()
    number = await killed(server)
    await here.ask()
    assert 0 == (await running(server))["one"].applied
    await here.ask()
    assert number == (await running(server))["one"].applied


@pytest.mark.requirement("feed:ack:never-falls")
async def test_what_was_applied_never_falls_whichever_process_hears_it(server_with):
    one, other = await server_with(), await server_with()
    here = follower(one, "RS1", instance="one")
    await here.ask()
    before = here.cursor
    number = await killed(one)
    await here.ask()
    assert 204 == (await here.acknowledge()).status_code
    late = follower(other, "RS1", instance="one")
    assert 204 == (await late.acknowledge(cursor=before)).status_code
    assert number == (await running(other))["one"].applied


@pytest.mark.one_database
@pytest.mark.requirement("feed:ack:seen-is-written-seldom-and-applied-at-once")
async def test_that_it_was_seen_is_written_every_ten_seconds_and_that_it_applied_at_once(server):
    here = follower(server, "RS1", instance="one")
    await here.ask()
    begun = (await running(server))["one"].seen_at_us
    server.clock.advance(9)
    await here.ask()
    assert begun == (await running(server))["one"].seen_at_us
    server.clock.advance(2)
    await here.ask()
    assert begun + 11_000_000 == (await running(server))["one"].seen_at_us
    server.clock.advance(1)
    number = await killed(server)
    await here.ask()
    await here.ask()
    assert (number, begun + 12_000_000) == (
        (await running(server))["one"].applied,
        (await running(server))["one"].applied_at_us,
    )


@pytest.mark.requirement("feed:heard:applied-waiting-or-lapsed")
async def test_who_waits_is_told_of_each_instance_how_far_it_is(server):
    """Lapsed: its own bound and a second more have passed since the commit, and nothing fresh lacks the number since then."""
    quick, slow, silent = (follower(server, "RS1", instance=name) for name in ("quick", "slow", "silent"))
    for each, bound in ((quick, 5000), (slow, 30_000)):
        await each.ask()
        await each.acknowledge(max_staleness_ms=bound)
    await silent.ask()
    await follower(server, "RS5", instance="elsewhere").ask()
    server.clock.advance(30)
    number = await killed(server)
    server.clock.advance(0.5)
    await quick.ask()
    await quick.acknowledge()
    assert {
        "quick": (State.APPLIED, 500),
        "slow": (State.WAITING, None),
        "silent": (State.WAITING, None),
    } == await heard(server, number)
    server.clock.advance(30)
    assert State.WAITING is (await heard(server, number))["slow"][0]
    server.clock.advance(1)
    found = await heard(server, number)
    assert (State.LAPSED, State.WAITING) == (found["slow"][0], found["silent"][0])
    await slow.ask()
    await slow.acknowledge()
    assert (State.APPLIED, 31_500) == (await heard(server, number))["slow"]


@pytest.mark.requirement("feed:heard:applied-waiting-or-lapsed")
async def test_whoever_was_not_seen_for_a_minute_is_not_waited_for_and_is_forgotten_in_a_day(server):
    here = follower(server, "RS1", instance="gone")
    await here.ask()
    server.clock.advance(61)
    number = await killed(server)
    assert {} == await heard(server, number)
    await here.ask()
    server.clock.advance(instances.KEPT_S - 60)
    await jobs.expire(server.machines)
    assert 1 == len(await instances.heard(server.machines.work(), [R1], 10**9, 0))
    server.clock.advance(120)
    await jobs.expire(server.machines)
    assert [] == await instances.heard(server.machines.work(), [R1], 10**9, 0)


@pytest.mark.one_database
@pytest.mark.requirement("feed:ack:is-bounded")
async def test_a_flood_of_instance_ids_is_bounded_and_drives_out_only_the_silent(server, monkeypatch):
    monkeypatch.setattr(instances, "MOST", 3)
    here = [follower(server, "RS1", instance=f"i{number}") for number in range(5)]
    for each in here[:3]:
        await each.ask()
        await running(server)
    # It is told what it asks for, and is not counted; where it says how far it is, it hears so.
    assert (await here[3].ask()).kills is not None
    assert {"i0", "i1", "i2"} == set(await running(server))
    refused = await here[3].acknowledge()
    assert (429, "60") == (refused.status_code, refused.headers["retry-after"])
    # Another client's share is its own.
    other = await server.operator.credential_of(R1)
    neighbour = follower(server, "RS1", instance="i9", app=other)
    await neighbour.ask()
    assert {"i0", "i1", "i2", "i9"} == set(await running(server))

    server.clock.advance(40)
    for each in here[1:3]:
        await each.ask()
        await running(server)
    server.clock.advance(30)
    assert 204 == (await here[3].acknowledge()).status_code
    assert {"i1", "i2", "i3"} == set(await running(server)) - {"i9"}


@pytest.mark.one_database
@pytest.mark.requirement("feed:ack:a-busy-database-holds-up-nobody-who-asks")
async def test_a_busy_database_holds_up_nobody_who_asks(server):
    """Somebody else writes for long: what is heard does not wait for it to be noted that it was heard."""
    import sqlite3

    from authserver.runtime.database_url import sqlite_path

    here = follower(server, "RS1", instance="one")
    other = sqlite3.connect(sqlite_path(server.place.url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(30):
        assert (await here.ask()).kills is not None
        assert () == (await here.ask()).events
    other.execute("COMMIT")
    other.close()
    assert {"one"} == set(await running(server))
