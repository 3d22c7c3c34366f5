"""Real processes: what one commits the streams of all tell at once; a stop is quick; a database that comes back changes nothing."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest

from authserver.domain.instances import instance as instances
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import By, Target
from resource_lib.wire.control import Kind
from tests.support.following import follower, told
from tests.support.server import DATABASES
from tests.support.workers import Workers
from tests.support.world import R1

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=DATABASES)
def processes(request, templates, tmp_path_factory):
    # With so slow a tick only what one process tells another can be quick.
    deployment = Workers(templates, request.param, tmp_path_factory.mktemp("feed"), memory_refresh_seconds=5)
    deployment.start()
    yield deployment
    deployment.stop()
    deployment.place.discard()


@pytest.fixture
async def deployment(processes):
    yield processes
    await processes.close()


@asynccontextmanager
async def read(deployment, here):
    """Yield a function that returns the next message of a stream on a connection of its own."""
    async with httpx2.AsyncClient(timeout=15, trust_env=False) as http:
        headers = {"accept": "text/event-stream", "connection": "close"}
        async with http.stream("GET", f"{deployment.issuer}/rs/feed", auth=here.auth, headers=headers) as answer:
            assert 200 == answer.status_code
            lines = answer.aiter_lines()

            async def following():
                async for line in lines:
                    if line.startswith("data: "):
                        return await here.read(line.removeprefix("data: "))
                return None

            yield following


async def kill(machines, target):
    work = machines.work()
    kill_switch.kill(work, target, reason="it misbehaves", by=By(tenant="*"))
    assert await work.commit()


async def until_news(following, *, beats):
    """Return the next message that tells anything, if no more than so many that tell nothing come before it."""
    for _ in range(beats + 1):
        batch = await following()
        if batch is None or batch.events:
            return batch
    raise AssertionError(f"{beats} beats and no news")


@pytest.mark.requirement("feed:stream:another-process-tells-at-once")
async def test_every_process_tells_what_any_other_committed_before_its_third_beat(deployment):
    """Streams on both workers, a kill by a third process (a command); by turns, so that a tick cannot help each time."""
    here = follower(deployment, "RS1", http=deployment.http, issuer=deployment.issuer)
    async with deployment.machines() as machines:
        opened, streams, boots = [], [], set()
        try:
            # The kernel chooses who takes a connection: of six, all go to one process once in thirty runs.
            while len(boots) < 2 or len(streams) < 6:
                assert len(streams) < 12, "the kernel gave all connections to one process"
                opened.append(read(deployment, here))
                streams.append(await opened[-1].__aenter__())
                boots.add((await streams[-1]()).boot)
            for _ in range(3):
                await kill(machines, Target(kind=Kind.EVERYTHING))
                batches = await asyncio.gather(*(until_news(following, beats=2) for following in streams))
                assert len(streams) * [[("everything", "kill", "*")]] == [told(batch) for batch in batches]
                assert 1 == len({batch.cursor for batch in batches})
        finally:
            for each in opened:
                await each.__aexit__(None, None, None)


@pytest.mark.requirement("feed:follow:a-short-request-knows-all-that-was-committed-before-it")
async def test_whichever_process_answers_knows_what_was_committed_before_it_was_asked(deployment):
    here = follower(deployment, "RS1", http=deployment.http, issuer=deployment.issuer)
    async with deployment.machines() as machines:
        begun = (await here.ask()).cursor
        for round_ in range(1, 11):
            await kill(machines, Target(kind=Kind.EVERYTHING))
            asked = [
                follower(deployment, "RS1", http=deployment.http, cursor=begun).ask(nonce=f"n{i}") for i in range(8)
            ]
            for batch in await asyncio.gather(*asked):
                assert round_ == len(batch.events)
                assert batch.age_ms < 2000


@pytest.mark.requirement("feed:stream:a-stop-of-the-process-ends-it")
async def test_a_restart_is_quick_while_streams_are_open_and_they_go_on_where_they_were(deployment):
    here = follower(deployment, "RS1", http=deployment.http, issuer=deployment.issuer, instance="one")
    async with read(deployment, here) as first, read(deployment, here) as second:
        cursors = [(await first()).cursor, (await second()).cursor]
        deployment.stop()
        # Whoever only waits does not use up the time there is for finishing.
        assert "graceful shutdown exceeded" not in deployment.log.read_text()
        while await first() is not None:
            pass
        assert None is await second() or None is await second()
    deployment.start()
    here.cursor = cursors[0]
    await deployment.close()
    here.http = deployment.http
    batch = await here.ask()
    assert None is batch.kills
    assert cursors[0] == batch.prev
    async with deployment.machines() as machines:
        await kill(machines, Target(kind=Kind.EVERYTHING))
        assert [("everything", "kill", "*")] == told(await here.ask())
        assert 204 == (await here.acknowledge(max_staleness_ms=5000)).status_code
        [one] = await instances.of(machines.work(), [R1])
        assert f"{here.cursor.rpartition('.')[2]}" == str(one.applied)


@pytest.mark.requirement("feed:accident:a-database-that-comes-back")
async def test_a_database_that_goes_and_comes_back_ends_no_stream(deployment, postgres):
    """R-19: streams stay and their age grows, short requests are told so; afterwards everything goes on by itself."""
    if deployment.place.kind != "postgresql":
        return await the_file_is_held(deployment)
    here = follower(deployment, "RS1", http=deployment.http, issuer=deployment.issuer)
    name = deployment.place.url.rpartition("/")[2]
    async with read(deployment, here) as following:
        before = await following()
        # As when it is stopped: everybody is cut off, nobody gets in. `authserver` listens on a connection of its own.
        postgres.run(
            f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false',
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        try:
            # Longer than any tick: nothing is read any more, and every message says since when.
            ages = [(await following()).age_ms for _ in range(8)]
            assert ages == sorted(ages)
            assert ages[-1] > 6000
            answer = await here.request(after=before.cursor)
            assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
        finally:
            postgres.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        here.cursor = before.cursor
        for _ in range(100):
            if (await here.request(after=before.cursor)).status_code == 200:
                break
            await asyncio.sleep(0.1)
        assert () == (await here.ask()).events
        async with deployment.machines() as machines:
            # The connection that listens has come back too, or the tick of five seconds has.
            await kill(machines, Target(kind=Kind.EVERYTHING))
        assert [("everything", "kill", "*")] == told(await until_news(following, beats=8))
    return None


async def the_file_is_held(deployment):
    """SQLite has no server to stop; the worst is another process that writes for long."""
    import sqlite3

    here = follower(deployment, "RS1", http=deployment.http, issuer=deployment.issuer, instance="held")
    held = sqlite3.connect(deployment.place.url.removeprefix("sqlite:///"), isolation_level=None)
    async with read(deployment, here) as following:
        await following()
        held.execute("BEGIN IMMEDIATE")
        assert (await following()).age_ms < 6000
        assert (await here.ask()).age_ms < 2000
        held.execute("COMMIT")
        held.close()
