"""Disks that have no room, and disks that fail: what was acknowledged stays, the answer is clear, and all goes on by itself."""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import time

import httpx2
import pytest

from tests.promises.test_call_reports import calls, tell, told
from tests.support.clock import HandClock
from tests.support.failing_disk import CAN_MOUNT, COMPILER, failing_disk, small_disk
from tests.support.processes import NOBODY
from tests.support.reckoning import exported, verified
from tests.support.recording_process import RecordingFleet, called
from tests.support.server import Place, Server, settings_for
from tests.support.workers import Workers
from tests.support.world import R1, WRITE

mounts = pytest.mark.skipif(not CAN_MOUNT, reason="a small file system: mounting needs root")
compiles = pytest.mark.skipif(COMPILER is None, reason="a disk that fails: it needs a C compiler")


@contextlib.contextmanager
def placed(kind, templates, disk, postgres):
    """Yield a copy of the world that stands on this disk, PostgreSQL's log of what it writes elsewhere."""
    place, world = templates.copy(kind)
    try:
        if kind == "sqlite":
            file = disk.folder / "authserver.db"
            shutil.copyfile(place.url.removeprefix("sqlite:///"), file)
            yield Place(kind=kind, url=f"sqlite:///{file}", discard=place.discard), world
            return
        server, name = postgres(), place.url.rpartition("/")[2]
        below = disk.folder / "tables"
        below.mkdir(mode=0o700)
        shutil.chown(below, NOBODY, NOBODY)
        server.run(f"CREATE TABLESPACE small LOCATION '{below}'", f'ALTER DATABASE "{name}" SET TABLESPACE small')
        yield place, world
    finally:
        place.discard()
        if kind != "sqlite":
            postgres().run("DROP TABLESPACE IF EXISTS small")


@mounts
@pytest.mark.requirement("outages:disk:full")
async def test_a_full_disk_of_the_database_is_a_clear_503_and_ends_with_it(database_kind, templates, request):
    """R-07: nothing acknowledged is lost, what only reads goes on, readiness says so, and no hand repairs anything."""
    with (
        small_disk("64m") as disk,
        placed(database_kind, templates, disk, lambda: request.getfixturevalue("postgres")) as (place, world),
    ):
        settings = settings_for(templates.kek, place.url)
        server = Server(settings=settings, clock=HandClock(), world=world, place=place)
        await server.start()
        tokens = await server.client("P").sign_in("u1")
        acknowledged = []
        events = [told(server, arguments={"note": "x" * 40_000}) for _ in range(60)]
        assert 200 == (await server.http.get("/readyz")).status_code
        disk.fill()
        refused = None
        for event in events:
            app = world.clients["RS1"]
            answer = await server.http.post(
                "/rs/audit", json={"events": [event]}, auth=httpx2.BasicAuth(app.client_id, app.secret)
            )
            if answer.status_code != 200:
                refused = answer
                break
            acknowledged.append(event["id"])
            disk.fill()

        assert refused is not None, "it had room"
        assert (503, "1", "temporarily_unavailable") == (
            refused.status_code, refused.headers["retry-after"], refused.json()["error"],
        )  # fmt: skip
        assert "room" not in refused.text and "disk" not in refused.text, "nothing of the inside"
        issued = await server.client("M").client_credentials(scope="orders:read", resource=R1)
        # PostgreSQL has room in pages that it has begun: what is small may be taken still.
        assert (503, "temporarily_unavailable") == (issued.status, issued.error) or (
            (200, "postgresql") == (issued.status, database_kind)
        )
        not_ready = await server.http.get("/readyz")
        assert (503, "not_ready") == (not_ready.status_code, not_ready.json()["error"])
        assert 200 == (await server.http.get("/livez")).status_code
        active = await server.client("RS1").introspect(tokens.access_token)
        assert active.body["active"], "what only reads goes on"

        disk.make_room()
        async with asyncio.timeout(60):
            while (await server.http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        for begin in range(0, len(events), 20):
            await tell(server, *events[begin : begin + 20])
        assert (await server.client("M").client_credentials(scope="orders:read", resource=R1)).ok
        assert (await server.client("P").refresh(tokens)).ok
        rows = [row["event_id"] for row in await calls(server)]
        assert sorted(event["id"] for event in events) == sorted(rows)
        assert set(acknowledged) <= set(rows)
        await server.stop()
        if database_kind == "sqlite":
            with contextlib.closing(sqlite3.connect(place.url.removeprefix("sqlite:///"))) as file:
                assert [("ok",)] == file.execute("PRAGMA integrity_check").fetchall()


class Machine:
    """A server of one process and a guard, whose disks fail when they are told to."""

    def __init__(self, templates, folder, spool, *, server_disk, guard_disk):
        self.workers = Workers(
            templates, "sqlite", folder, workers=1, log_level="warning", access_token_seconds=3600,
            environment=server_disk.environment,
        )  # fmt: skip
        self.fleet = RecordingFleet(
            self.workers, folder / "guards", count=1, spool=spool, environment=guard_disk.environment, max_staleness=30
        )

    async def use(self, tool, mark):
        """Call a tool; returns the error and in how many seconds it was answered."""
        begun = time.monotonic()
        error, retry = await called(self.http, self.fleet.ports[0], tool, mark, self.token)
        assert retry == {None: 0, "audit_unavailable": 5, "control_plane_stale": 2}[error]
        return error, time.monotonic() - begun

    async def __aenter__(self):
        self.fleet.start()
        await asyncio.to_thread(self.workers.start)
        self.http = httpx2.AsyncClient(trust_env=False, timeout=60)
        await self.fleet.up(self.http, self.fleet.ports[0])
        self.token = (await self.workers.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])).access_token
        return self

    async def __aexit__(self, *_):
        await self.http.aclose()
        await self.workers.close()
        await asyncio.to_thread(self.fleet.stop)
        await asyncio.to_thread(self.workers.stop)
        self.workers.place.discard()

    async def tells(self, events):
        """Tell events as a guard does; returns status and answer."""
        app = self.workers.world.clients["RS1"]
        answer = await self.workers.http.post(
            "/rs/audit", json={"events": events}, auth=httpx2.BasicAuth(app.client_id, app.secret)
        )
        assert answer.status_code == 200 or "1" == answer.headers["retry-after"], answer.text
        return answer.status_code


class Now:
    """Events of now, for a server whose clock is the machine's."""

    def __init__(self, world):
        self.world = world

    def clock(self):
        return time.time_ns() // 1000


@mounts
@compiles
@pytest.mark.slow
@pytest.mark.requirement("outages:disk:guard")
@pytest.mark.requirement("outages:disk:fails")
async def test_disks_of_guard_and_server_that_are_full_or_fail_lose_nothing_and_need_no_repair(templates, tmp_path):
    """R-07, fsyncgate: a sync fails, what it was for is gone, and the next sync says "yes"; in real processes, one of which is then killed."""
    with (
        small_disk() as disk,
        failing_disk(disk.folder) as guards,
        failing_disk(tmp_path.parent.parent) as servers,
    ):
        async with Machine(templates, tmp_path, disk.folder / "spool", server_disk=servers, guard_disk=guards) as it:
            await goes_on(it, "before")

            # A full disk of the guard.
            for turn in range(200):
                disk.fill()
                error, took = await it.use("update_order", f"full{turn}")
                if error is not None:
                    break
            assert ("audit_unavailable", f"full{turn}" in it.fleet.wrote) == (error, False)
            assert took < 10
            assert (await it.use("search_orders", "read-while-full"))[0] is None
            disk.make_room()
            await goes_on(it, "after-full")

            # It fails.
            guards.fail()
            refused = [await it.use("update_order", f"failed{turn}") for turn in range(3)]
            assert {"audit_unavailable"} == {error for error, _ in refused}
            assert not [mark for mark in it.fleet.wrote if mark.startswith("failed")]
            assert (await it.use("search_orders", "read-while-failing"))[0] is None
            guards.work()
            await goes_on(it, "after-failing")

            # That of the server fails, twice; the second time it is killed, so that only the disk is left.
            now = Now(it.workers.world)
            events = [[told(now) for _ in range(5)] for _ in range(40)]
            taken = [(await it.tells(batch), batch) for batch in events[:10]]
            servers.fail()
            taken += [(await it.tells(batch), batch) for batch in events[10:15]]
            ready = await it.workers.http.get("/readyz")
            servers.work()
            async with asyncio.timeout(60):
                while (await it.tells(events[15])) != 200:
                    await asyncio.sleep(0.05)
            taken += [(await it.tells(batch), batch) for batch in events[15:25]]
            servers.fail()
            taken += [(await it.tells(batch), batch) for batch in events[25:30]]
            await asyncio.to_thread(it.workers.kill)
            servers.work()
            await it.workers.close()
            await asyncio.to_thread(it.workers.start)
            assert [200] * 10 + [503] * 5 + [200] * 10 + [503] * 5 == [status for status, _ in taken]
            assert ready.status_code in {200, 503}
            acknowledged = {one["id"] for status, batch in taken if status == 200 for one in batch}
            found, _ = await exported(it.workers, tmp_path / "early.ndjson")
            assert set() == acknowledged - found.ids.keys()
            for batch in events:
                assert 200 == await it.tells(batch)
            await goes_on(it, "at-last")
            async with asyncio.timeout(60):
                while (await it.fleet.up(it.http, it.fleet.ports[0]))["record"]["waiting"]:
                    await asyncio.sleep(0.05)
            found, key = await exported(it.workers, tmp_path / "t1.ndjson")

    assert "" == verified(tmp_path / "t1.ndjson", key, [])
    assert {1} == set(found.ids.values())
    assert {one["id"] for batch in events for one in batch} <= found.ids.keys()
    assert set(it.fleet.wrote) <= found.intents.keys()
    assert {"read-while-full", "read-while-failing"} <= found.seen, "what was read meanwhile is there"
    assert json.dumps(sorted(it.fleet.wrote)).count("after") == 2


async def goes_on(it, mark):
    """Write until it is taken again: soon, and by itself."""
    async with asyncio.timeout(60):
        while (await it.use("update_order", mark))[0] is not None:
            await asyncio.sleep(0.1)
