"""GET /rs/feed: what an MCP server hears of the numbered list, in which order, and when it begins anew."""

import asyncio

import pytest

from authserver.domain.revocation import feed, kill_switch, tail
from authserver.domain.revocation.kill_switch import By, Target
from authserver.settings import MOST_ACCESS_TOKEN_SECONDS
from resource_lib.wire.control import Act, Kind
from tests.support.following import follower, told
from tests.support.world import R1

PLATFORM = By(tenant="*")


async def stop(server, target, how=kill_switch.kill, **said):
    work = server.machines.work()
    how(work, target, reason="it misbehaves", by=PLATFORM, **said)
    assert await work.commit()


async def announce_many(server, count, **about):
    work = server.machines.work()
    for number in range(count):
        feed.announce(work, Kind.USER, {"sub": f"s{number}"}, **about)
    assert await work.commit()


@pytest.mark.requirement("feed:follow:begins-with-the-state-then-what-follows")
async def test_a_follower_begins_with_the_state_and_then_hears_what_follows(server):
    here, t1 = follower(server, "RS1"), server.world.tenants["t1"]
    first = await here.ask(nonce="n-1")
    assert ((), {t1}, "n-1", False) == (first.kills, first.tenants, first.nonce, first.more)
    assert server.world.clients["RS1"].client_id == first.sub
    assert server.machines.tail.boot == first.boot
    assert abs(first.at - server.now * 1000) <= 1000

    await stop(server, Target(kind=Kind.USER, tenant=t1, sub="u1"), retry_after_s=7)
    batch = await here.ask()
    assert [("user", "kill", t1)] == told(batch)
    assert ({"sub": "u1"}, 7) == (batch.events[0].subject, batch.events[0].retry_after_s)
    assert None is batch.tenants

    again = await here.ask()
    assert () == again.events
    assert again.cursor == again.prev == batch.cursor


@pytest.mark.requirement("feed:follow:a-short-request-knows-all-that-was-committed-before-it")
async def test_what_another_process_committed_before_the_request_is_told(server_with):
    """No job follows here, no hint comes: the request itself reads. So its answer is fresh as of the moment it was sent."""
    one, other = await server_with(), await server_with()
    here = follower(other, "RS1")
    await here.ask()
    for _ in range(3):
        await stop(one, Target(kind=Kind.EVERYTHING))
        batch = await here.ask()
        assert [("everything", "kill", "*")] == told(batch)
        assert batch.age_ms < 1000


@pytest.mark.one_database
@pytest.mark.requirement("feed:follow:in-pages")
async def test_many_events_come_in_pages_and_none_is_missing(server):
    here, t1 = follower(server, "RS1"), server.world.tenants["t1"]
    await here.ask()
    await announce_many(server, 2500, tenant=t1)
    pages = [await here.ask(wait=25) for _ in range(3)]
    assert [(1000, True), (1000, True), (500, False)] == [(len(page.events), page.more) for page in pages]
    numbers = [event.n for page in pages for event in page.events]
    assert list(range(numbers[0], numbers[0] + 2500)) == numbers

    newcomer = follower(server, "RS1")
    pages = [await newcomer.ask() for _ in range(3)]
    assert [True, False, False] == [page.kills is not None for page in pages]
    assert [True, True, False] == [page.more for page in pages]
    assert numbers == [event.n for page in pages for event in page.events]


@pytest.mark.one_database
@pytest.mark.requirement("feed:follow:in-pages")
async def test_what_is_older_than_memory_is_read(server_with, monkeypatch):
    from authserver.runtime import tail as memory

    monkeypatch.setattr(memory, "MOST_KEPT", 100)
    monkeypatch.setattr(tail, "MOST_KEPT", 100)
    server = await server_with()
    here, t1 = follower(server, "RS1"), server.world.tenants["t1"]
    await here.ask()
    await announce_many(server, 1500, tenant=t1)
    pages = [await here.ask() for _ in range(2)]
    assert 1500 == sum(len(page.events) for page in pages)
    assert None is server.machines.tail.rows(1, 1)

    # A process that begins now remembers the newest alone, and reads the rest for whoever is behind.
    await server.restart()
    behind = follower(server, "RS1", cursor=pages[0].cursor)
    assert pages[1].events == (await behind.ask()).events


@pytest.mark.requirement("feed:reset:every-floor-and-every-stop")
async def test_the_state_holds_every_floor_and_every_stop(server):
    t1 = server.world.tenants["t1"]
    user, client = Target(kind=Kind.USER, tenant=t1, sub="u1"), Target(kind=Kind.CLIENT, client_id="c1")
    tool = Target(kind=Kind.TOOL, tenant=t1, resource=R1, tool="delete_order")
    resource, tenant = Target(kind=Kind.RESOURCE, resource=R1), Target(kind=Kind.TENANT, tenant=t1)
    version = Target(kind=Kind.TOOL_VERSION, resource=R1, tool="delete_order", definition_hash="h" * 43)
    for each in (user, client, tool, version, tenant):
        await stop(server, each)
    work = server.machines.work()
    kill_switch.pause(work, resource, reason="r", by=PLATFORM, retry_after_s=5)
    kill_switch.end_by_number(work, Target(kind=Kind.USER, tenant=t1, sub="u2"))
    assert await work.commit()
    for each in (client, tenant):
        work = server.machines.work()
        kill_switch.revive(work, each, reason="r", by=PLATFORM)
        assert await work.commit()

    # Long after: the events themselves are not told any more.
    server.clock.advance(MOST_ACCESS_TOKEN_SECONDS + 3600)
    first = await follower(server, "RS1").ask()
    assert () == first.events
    assert {
        ("user", "kill", "u1"), ("client", "end", "c1"), ("tool", "kill", "delete_order"), ("tenant", "end", None),
        ("tool_version", "kill", "h" * 43), ("resource", "pause", R1), ("user", "end", "u2"),
    } == {(one.kind, one.act, next(reversed(one.subject.values()), None)) for one in first.kills}  # fmt: skip
    found = {(one.kind, one.act): one.n for one in first.kills}
    assert found[Kind.TENANT, Act.END] == (await kill_switch.find(server.machines.work(), tenant)).floor


@pytest.mark.requirement("feed:reset:does-not-grow-for-ever")
async def test_the_state_forgets_what_ended_long_before_any_token_that_may_live(server):
    """Else one floor for each new password of years is more than a follower reads, and no server that starts hears anything."""
    t1 = server.world.tenants["t1"]
    stopped, left = Target(kind=Kind.USER, tenant=t1, sub="u1"), Target(kind=Kind.USER, tenant=t1, sub="u2")
    await stop(server, stopped)
    work = server.machines.work()
    kill_switch.end_by_number(work, left)
    assert await work.commit()
    server.clock.advance(MOST_ACCESS_TOKEN_SECONDS)
    assert {"u1", "u2"} == {one.subject["sub"] for one in (await follower(server, "RS1").ask()).kills}

    server.clock.advance(MOST_ACCESS_TOKEN_SECONDS + 1)
    first = await follower(server, "RS1").ask()

    assert [("kill", "u1")] == [(one.act, one.subject["sub"]) for one in first.kills]
    assert (await kill_switch.find(server.machines.work(), left)).floor > 0


@pytest.mark.requirement("feed:reset:what-ended-within-the-life-of-a-token")
async def test_a_newcomer_hears_of_single_tokens_that_ended_while_any_may_live(server):
    """However long that is set to now: a token may be from before it was made shorter."""
    app = server.client("P")
    granted = await app.sign_in("u1")
    await app.revoke(granted.access_token)

    assert server.settings.access_token_seconds < MOST_ACCESS_TOKEN_SECONDS
    server.clock.advance(MOST_ACCESS_TOKEN_SECONDS)
    assert ["token"] == [event.kind.value for event in (await follower(server, "RS1").ask()).events]

    server.clock.advance(MOST_ACCESS_TOKEN_SECONDS)
    assert () == (await follower(server, "RS1").ask()).events


@pytest.mark.requirement("feed:cursor:beyond-the-list-is-refused")
async def test_a_cursor_beyond_the_list_is_refused_after_looking_again(server_with):
    one, other = await server_with(), await server_with()
    ahead, here = follower(one, "RS1"), follower(other, "RS1")
    await here.ask()
    await stop(one, Target(kind=Kind.EVERYTHING))
    await ahead.ask()
    # The other process has not read of it yet: it looks before it answers.
    assert 200 == (await here.request(after=ahead.cursor)).status_code

    name, _, number = ahead.cursor.rpartition(".")
    for beyond in (int(number) + 1, 10**17):
        answer = await here.request(after=f"{name}.{beyond}")
        assert (409, "feed_backwards") == (answer.status_code, answer.json()["error"])


@pytest.mark.requirement("feed:cursor:of-another-list-begins-anew")
async def test_a_cursor_of_another_list_begins_anew(server):
    """A database that was begun anew is another list, whatever its numbers."""
    here = follower(server, "RS1")
    await here.ask()
    before = here.cursor
    await other_list(server)
    batch = await here.ask()
    assert batch.kills is not None
    assert before.partition(".")[0] != here.cursor.partition(".")[0]


async def other_list(server):
    from authserver.runtime.schema import statement

    work = server.machines.work()
    work.write(statement("UPDATE control_head SET feed_id = 'another' WHERE id = 1"))
    assert await work.commit()


@pytest.mark.one_database
@pytest.mark.requirement("feed:wait:answered-at-once-by-a-commit")
async def test_a_long_poll_is_answered_by_the_commit_and_not_by_its_end(server):
    from tests.support.streams import looking

    here = follower(server, "RS1")
    await here.ask()
    async with looking(server):
        waiting = [asyncio.create_task(follower(server, "RS1", cursor=here.cursor).ask(wait=25)) for _ in range(3)]
        while server.machines.feed_seats.taken < 3:
            await asyncio.sleep(0)
        await stop(server, Target(kind=Kind.EVERYTHING))
        async with asyncio.timeout(60):
            assert 3 * [[("everything", "kill", "*")]] == [told(await each) for each in waiting]
    assert 0 == server.machines.feed_seats.taken
