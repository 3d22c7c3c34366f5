"""GET /rs/feed: what an MCP server hears of the numbered list, in which order, and what it never hears."""

from __future__ import annotations

import asyncio

import pytest

from authserver.domain.instances import instance as instances
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import By, Target
from resource_lib.wire.control import Kind
from tests.support.following import follower, told
from tests.support.streams import looking, stream


async def kill(server, target, **said):
    work = server.machines.work()
    kill_switch.kill(work, target, reason="test", by=By(tenant="*"), **said)
    assert await work.commit()


@pytest.mark.one_database
async def test_a_follower_begins_with_a_reset_and_then_hears_what_follows(server):
    here = follower(server, "RS1")
    first = await here.ask(nonce="n-1")
    assert first.kills == () and first.tenants == {server.world.tenants["t1"]} and first.nonce == "n-1"
    assert not first.more and first.age_ms < 1000
    await kill(server, Target(kind=Kind.USER, tenant=server.world.tenants["t1"], sub="u1"))
    batch = await here.ask()
    assert told(batch) == [("user", "kill", server.world.tenants["t1"])]
    assert batch.events[0].subject == {"sub": "u1"} and batch.events[0].retry_after_s == 60
    assert (await here.ask()).events == ()


@pytest.mark.one_database
async def test_a_long_poll_is_answered_at_once_by_a_commit(server):
    here = follower(server, "RS1")
    await here.ask()
    waiting = asyncio.create_task(here.ask(wait=25))
    while not server.machines.tail._waiting:
        await asyncio.sleep(0)
    await kill(server, Target(kind=Kind.EVERYTHING))
    await here_looks(server)
    assert told(await waiting) == [("everything", "kill", "*")]


async def here_looks(server):
    from authserver.domain.revocation import tail

    await tail.look(server.machines.work())


@pytest.mark.one_database
async def test_an_instance_acknowledges_what_it_applied(server):
    here = follower(server, "RS1", instance="one")
    await here.ask()
    await kill(server, Target(kind=Kind.EVERYTHING))
    await here.ask()
    assert (await here.acknowledge(max_staleness_ms=5000, about={"library": "1.0"})).status_code == 204
    (one,) = await instances.of(server.machines.work(), [here.app.resource])
    assert one.applied == server.machines.tail.head and one.max_staleness_ms == 5000
    assert one.about == {"library": "1.0"}


async def test_a_stream_begins_with_the_state_and_tells_an_event_at_once(server):
    here = follower(server, "RS1")
    async with looking(server), stream(server, here) as open_stream:
        assert open_stream.status == 200 and open_stream.headers[b"content-type"] == b"text/event-stream"
        first = await open_stream.next()
        assert first.kills == ()
        await kill(server, Target(kind=Kind.EVERYTHING))
        batch = await open_stream.news()
        assert told(batch) == [("everything", "kill", "*")] and batch.prev == first.cursor
        beat = await open_stream.next()
        assert beat.prev == beat.cursor == batch.cursor and beat.events == ()
    assert not server.machines.feed_seats.taken
