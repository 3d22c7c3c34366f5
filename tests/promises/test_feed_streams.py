"""The feed as a stream: what it begins with, that it tells at once, that it proves to be alive, and when it ends."""

import asyncio

import pytest

from authserver.domain.revocation.kill_switch import Target
from resource_lib.wire.control import Kind
from tests.promises.test_feed import announce_many, stop
from tests.support.following import follower, told
from tests.support.streams import looking, stream
from tests.support.world import R1


@pytest.mark.requirement("feed:stream:tells-at-once-and-beats")
async def test_a_stream_begins_with_the_state_and_tells_an_event_before_its_next_beat(server_with):
    """The tick is 5 s here: what makes it tell at once is the commit itself."""
    server = await server_with(memory_refresh_seconds=5)
    here = follower(server, "RS1")
    async with looking(server), stream(server, here) as opened:
        assert (200, b"text/event-stream") == (opened.status, opened.headers[b"content-type"])
        assert b"no-store" == opened.headers[b"cache-control"]
        first = await opened.next()
        assert () == first.kills
        beat = await opened.next()
        assert ((), first.cursor, first.cursor) == (beat.events, beat.prev, beat.cursor)
        await stop(server, Target(kind=Kind.EVERYTHING))
        batch = await opened.next()
        assert [("everything", "kill", "*")] == told(batch)
        assert first.cursor == batch.prev
    assert 0 == server.machines.feed_seats.taken


@pytest.mark.requirement("feed:stream:another-process-tells-at-once")
async def test_a_stream_of_another_process_tells_it_within_a_few_beats(server_with):
    """LISTEN/NOTIFY on PostgreSQL, `PRAGMA data_version` on SQLite: with a tick of 5 s only they can make it look."""
    one, other = await server_with(), await server_with(memory_refresh_seconds=5)
    async with looking(other), stream(other, follower(other, "RS1")) as opened:
        await opened.next()
        await opened.next()
        await stop(one, Target(kind=Kind.EVERYTHING))
        # Three beats would be two seconds: less than half a tick.
        messages = [await opened.next()]
        while not messages[-1].events and len(messages) < 3:
            messages.append(await opened.next())
        assert [("everything", "kill", "*")] == told(messages[-1])


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:goes-on-where-it-was")
@pytest.mark.parametrize("how", ["last_event_id", "after"])
async def test_a_stream_goes_on_behind_the_last_message_that_was_read(server, how):
    here = follower(server, "RS1")
    await here.ask()
    await announce_many(server, 2, tenant=server.world.tenants["t1"])
    await here.ask()
    await announce_many(server, 1500, tenant=server.world.tenants["t1"])
    async with stream(server, here, **{how: here.cursor}) as opened:
        pages = [await opened.next() for _ in range(2)]
        assert [1000, 500] == [len(page.events) for page in pages]
        assert [here.cursor, pages[0].cursor] == [page.prev for page in pages]


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:ends-with-the-credential")
@pytest.mark.parametrize("what", ["disabled", "secret", "removed", "tenant's"])
async def test_a_stream_ends_when_its_credential_counts_no_more(server, what):
    letter = "RS5t1" if what == "tenant's" else "RS1"
    here = follower(server, letter)
    async with looking(server), stream(server, here) as opened:
        await opened.next()
        match what:
            case "disabled":
                await server.operator.set_client(here.app, is_active=False)
            case "secret":
                await server.operator.rotate_secret(here.app)
            case "removed":
                await server.operator.remove_client(here.app)
            case "tenant's":
                await server.operator.set_tenant("t1", is_active=False)
        assert await opened.ended(within_s=5)
        assert 401 == (await here.request()).status_code


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:ends-with-the-credential")
async def test_a_secret_in_its_overlap_goes_on_and_ends_with_it(server):
    here = follower(server, "RS1")
    await server.operator.rotate_secret(here.app, overlap_s=60)
    async with looking(server), stream(server, here) as opened:
        await opened.next()
        await opened.next()
        server.clock.advance(61)
        assert await opened.ended(within_s=5)


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:a-stop-of-the-process-ends-it")
async def test_a_process_that_stops_lets_go_of_whoever_waits(server):
    here = follower(server, "RS1")
    await here.ask()
    waiting = asyncio.create_task(here.ask(wait=25))
    async with stream(server, here) as opened:
        await opened.next()
        while server.machines.feed_seats.taken < 2:
            await asyncio.sleep(0)
        server.app.drain()
        assert await opened.ended(within_s=5)
        assert () == (await asyncio.wait_for(waiting, 5)).events
        assert () == (await asyncio.wait_for(here.ask(wait=25), 5)).events


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:a-seat-each-and-a-bound-for-all")
async def test_who_finds_no_seat_is_told_when_to_come_back_and_may_ask_without(server_with):
    server = await server_with()
    seats = server.machines.feed_seats
    seats._each, seats._all = 2, 3
    here, neighbour = follower(server, "RS1"), follower(server, "RS5")
    async with stream(server, here), stream(server, here):
        async with stream(server, here) as refused:
            assert (429, b"30") == (refused.status, refused.headers[b"retry-after"])
        async with stream(server, neighbour) as third, stream(server, neighbour) as full:
            assert (200, 503) == (third.status, full.status)
        # Without a stream it goes on, and waits for nothing.
        async with asyncio.timeout(20):
            assert (await here.ask(wait=25)).kills is not None
            assert () == (await here.ask(wait=25)).events
    assert 0 == seats.taken
    async with stream(server, here) as opened:
        assert 200 == opened.status


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:a-slow-reader-costs-one-message")
async def test_a_reader_that_does_not_read_holds_one_message_and_then_gets_the_newest(server):
    here, t1 = follower(server, "RS1"), server.world.tenants["t1"]
    async with looking(server), stream(server, here) as opened:
        await opened.next()
        opened.reading.clear()
        for _ in range(20):
            await announce_many(server, 1, tenant=t1)
            await here.ask()
        assert opened._sent.qsize() <= 1
        opened.reading.set()
        found = []
        while len(found) < 20:
            found += (await opened.next()).events
        numbers = [event.n for event in found]
        assert list(range(numbers[0], numbers[0] + 20)) == numbers


@pytest.mark.one_database
@pytest.mark.requirement("feed:stream:one-signature-serves-many")
async def test_equal_streams_share_a_signature(server):
    here = follower(server, "RS1")
    streams = [stream(server, here) for _ in range(10)]
    async with looking(server):
        opened = [await each.__aenter__() for each in streams]
        [first, *others] = [await each.chunk() for each in opened]
        assert all(first == other for other in others)
        await stop(server, Target(kind=Kind.RESOURCE, resource=R1))
        [first, *others] = [await each.chunk() for each in opened]
        assert all(first == other for other in others)
        for each in streams:
            await each.__aexit__(None, None, None)
