"""
PostgreSQL on a disk that fails to sync: it ends itself, on purpose, and recovers; what we acknowledged is there.

`CHAOS=1` runs it (`make chaos` does).
"""

import asyncio
import contextlib
import os

import asyncpg
import httpx2
import pytest

from tests.promises.test_call_reports import calls, told
from tests.support.clock import HandClock
from tests.support.failing_disk import COMPILER, FailingDisk, failing_disk
from tests.support.postgres import blocking, postgres_server
from tests.support.server import Server, Templates, settings_for

pytestmark = [
    pytest.mark.skipif("CHAOS" not in os.environ, reason="CHAOS: `make chaos` runs what takes long"),
    pytest.mark.skipif(COMPILER is None, reason="a disk that fails: it needs a C compiler"),
]


@pytest.fixture
def postgres_and_disk(tmp_path_factory):
    """Yield a PostgreSQL of our own, and its disk."""
    with contextlib.ExitStack() as opened:
        disks: list[FailingDisk] = []

        def environment(folder):
            disks.append(opened.enter_context(failing_disk(folder)))
            return disks[0].environment

        running = opened.enter_context(postgres_server(durable=True, environment=environment))
        yield running, disks[0], Templates(tmp_path_factory.mktemp("worlds"), lambda: running)


def answers(postgres):
    """Return whether it serves."""

    async def ask():
        connection = await asyncpg.connect(postgres.admin_url, timeout=2)
        await connection.close()

    try:
        blocking(ask())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def tells(server, event):
    app = server.world.clients["RS1"]
    answer = await server.http.post(
        "/rs/audit", json={"events": [event]}, auth=httpx2.BasicAuth(app.client_id, app.secret)
    )
    assert answer.status_code == 200 or (503, "1") == (answer.status_code, answer.headers["retry-after"])
    return answer.status_code


@pytest.mark.requirement("outages:disk:fails")
async def test_what_was_acknowledged_survives_a_postgresql_whose_disk_fails_to_sync(postgres_and_disk):
    """R-07, fsyncgate: three times; somebody starts it again where it has ended, as every supervisor does, and nobody repairs anything."""
    postgres, disk, templates = postgres_and_disk
    place, world = templates.copy("postgresql")
    server = Server(settings=settings_for(templates.kek, place.url), clock=HandClock(), world=world, place=place)
    await server.start()
    taken: list[tuple[int, str]] = []
    events = [told(server) for _ in range(90)]

    for turn in range(3):
        mine = events[turn * 30 : turn * 30 + 30]
        for number, event in enumerate(mine):
            if number == 15:
                disk.fail()
            taken.append((await tells(server, event), event["id"]))
        assert 503 == (await server.http.get("/readyz")).status_code
        disk.work()
        for _ in range(20):
            if await asyncio.to_thread(answers, postgres):
                break
            await asyncio.sleep(0.25)
        else:
            await asyncio.to_thread(postgres.crash)
            await asyncio.to_thread(postgres.start_again)
        async with asyncio.timeout(60):
            while (await server.http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.1)
    at_once = {row["event_id"] for row in await calls(server)}
    for event in events:
        assert 200 == await tells(server, event)
    rows = [row["event_id"] for row in await calls(server)]
    await server.stop()

    acknowledged = {one for status, one in taken if status == 200}
    assert 3 * 15 <= len(acknowledged) < len(events)
    assert set() == acknowledged - at_once
    assert sorted(event["id"] for event in events) == sorted(rows)
