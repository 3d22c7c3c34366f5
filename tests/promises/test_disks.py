"""
Disks that have no room, disks that fail, and wires that are cut: what was acknowledged stays, the answer is clear, and all goes on by itself.

Real processes and real faults; `test_outages.py` has the ten minutes.
"""

import asyncio
import contextlib
import shutil
import sqlite3
import time

import httpx2
import pytest

from tests.promises.test_call_reports import calls, tell, told
from tests.support.clock import HandClock
from tests.support.failing_disk import CAN_MOUNT, COMPILER, failing_disk, small_disk
from tests.support.processes import NOBODY, free_port
from tests.support.reckoning import exported, verified
from tests.support.recording_process import RecordingFleet, called
from tests.support.server import Place, Server, settings_for
from tests.support.slow import wire_to
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
    """A server of one process and a guard, whose disks fail when they are told to, with a wire between them."""

    def __init__(self, templates, folder, disk, *, server_disk, guard_disk):
        self.folder, self.disk, self.server_disk, self.guard_disk = folder, disk, server_disk, guard_disk
        self.port = free_port()
        """Of the wire between the two; each is known to the other by it."""
        issuer = f"http://127.0.0.1:{self.port}"
        self.workers = Workers(
            templates, "sqlite", folder, workers=1, log_level="warning", access_token_seconds=3600, issuer=issuer,
            environment=server_disk.environment,
        )  # fmt: skip
        self.fleet = RecordingFleet(
            self.workers, folder / "guards", count=1, issuer=issuer, spool=disk.folder / "spool", environment=guard_disk.environment,
            max_staleness=30, read_staleness=600,
        )  # fmt: skip
        self.token = ""

    async def use(self, tool, mark):
        """Call a tool; returns the error and in how many seconds it was answered."""
        begun = time.monotonic()
        error, retry = await called(self.http, self.fleet.ports[0], tool, mark, self.token)
        assert retry == {None: 0, "audit_unavailable": 5, "control_plane_stale": 2}[error]
        return error, time.monotonic() - begun

    async def goes_on(self, mark):
        """Write until it is taken: soon, and by itself."""
        async with asyncio.timeout(60):
            while (await self.use("update_order", mark))[0] is not None:
                await asyncio.sleep(0.1)

    async def tells(self, events):
        """Tell events as a guard does; returns the status."""
        app = self.workers.world.clients["RS1"]
        answer = await self.workers.http.post(
            "/rs/audit", json={"events": events}, auth=httpx2.BasicAuth(app.client_id, app.secret)
        )
        assert answer.status_code == 200 or "1" == answer.headers["retry-after"], answer.text
        return answer.status_code

    async def record(self, name):
        """Wait until the guard has told everything; return the record, verified."""
        async with asyncio.timeout(60):
            while (guard := (await self.fleet.up(self.http, self.fleet.ports[0]))["record"])["waiting"]:
                await asyncio.sleep(0.05)
        assert 0 == guard["rejected"], guard
        found, key = await exported(self.workers, self.folder / name)
        assert "" == verified(self.folder / name, key, [])
        assert {1} == set(found.ids.values())
        assert set() == set(self.fleet.wrote) - found.intents.keys(), guard
        return found


@pytest.fixture(scope="module")
def processes(templates, tmp_path_factory):
    """Yield them; the tests of this file share them, and leave them as they were."""
    folder = tmp_path_factory.mktemp("machine")
    with small_disk() as disk, failing_disk(disk.folder) as guards, failing_disk(templates.folder) as servers:
        machine = Machine(templates, folder, disk, server_disk=servers, guard_disk=guards)
        machine.fleet.start()
        machine.workers.start()
        # From here on by the name that it has, through the wire.
        machine.workers.issuer = f"http://127.0.0.1:{machine.port}"
        yield machine
        machine.fleet.stop()
        machine.workers.stop()
        machine.workers.place.discard()


@pytest.fixture
async def machine(processes):
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60) as processes.http,
        wire_to(processes.workers.port, port=processes.port) as processes.wire,
    ):
        await processes.fleet.up(processes.http, processes.fleet.ports[0])
        if not processes.token:
            app = processes.workers.client("P")
            processes.token = (await app.sign_in("u1", scope=WRITE, tools=["update_order"])).access_token
        await processes.goes_on("begin")
        yield processes
        await processes.workers.close()


class Now:
    """The world of now, for events of a server whose clock is the machine's."""

    def __init__(self, world):
        self.world = world

    def clock(self):
        return time.time_ns() // 1000


@mounts
@compiles
@pytest.mark.slow
@pytest.mark.requirement("outages:disk:guard")
async def test_a_full_disk_of_a_guard_refuses_writes_at_once_and_goes_on_by_itself(machine):
    """R-07, AU-05: a file system without a byte of room, in a real process; what was read meanwhile is recorded afterwards."""
    for turn in range(200):  # what is told makes room
        machine.disk.fill()
        error, took = await machine.use("update_order", f"full{turn}")
        if error is not None:
            break
    assert ("audit_unavailable", False) == (error, f"full{turn}" in machine.fleet.wrote)
    assert took < 10
    assert (await machine.use("search_orders", "read-while-full"))[0] is None
    machine.disk.make_room()
    await machine.goes_on("after-full")

    assert "read-while-full" in (await machine.record("full.ndjson")).seen


@mounts
@compiles
@pytest.mark.slow
@pytest.mark.requirement("outages:disk:guard")
async def test_a_disk_of_a_guard_that_fails_to_sync_is_not_believed_when_it_says_yes_again(machine):
    """R-07, fsyncgate: a sync fails, what it was for is gone, and the next one says that all is well."""
    machine.guard_disk.fail()
    refused = [await machine.use("update_order", f"failed{turn}") for turn in range(3)]
    read = await machine.use("search_orders", "read-while-failing")
    machine.guard_disk.work()
    await machine.goes_on("after-failing")
    found = await machine.record("failed.ndjson")

    assert ({"audit_unavailable"}, None) == ({error for error, _ in refused}, read[0])
    assert max(took for _, took in [*refused, read]) < 10
    assert not [mark for mark in machine.fleet.wrote if mark.startswith("failed")]
    assert "read-while-failing" in found.seen


@mounts
@compiles
@pytest.mark.slow
@pytest.mark.requirement("outages:disk:fails")
async def test_a_disk_of_the_server_that_fails_to_sync_loses_nothing_acknowledged(machine):
    """R-07, fsyncgate, twice: it goes on as it is; and it is killed, so that only what is on the disk is left."""
    now, server = Now(machine.workers.world), machine.server_disk
    events = [[told(now) for _ in range(5)] for _ in range(40)]
    taken = [(await machine.tells(batch), batch) for batch in events[:10]]
    server.fail()
    taken += [(await machine.tells(batch), batch) for batch in events[10:15]]
    ready = await machine.workers.http.get("/readyz")
    server.work()
    async with asyncio.timeout(60):
        while (await machine.tells(events[15])) != 200:
            await asyncio.sleep(0.05)
    taken += [(await machine.tells(batch), batch) for batch in events[15:25]]
    server.fail()
    taken += [(await machine.tells(batch), batch) for batch in events[25:30]]
    await asyncio.to_thread(machine.workers.kill)
    server.work()
    await machine.workers.close()
    await asyncio.to_thread(machine.workers.start)
    at_once, _ = await exported(machine.workers, machine.folder / "at-once.ndjson")
    again = {await machine.tells(batch) for batch in events}
    found = await machine.record("server.ndjson")

    assert [200] * 10 + [503] * 5 + [200] * 10 + [503] * 5 == [status for status, _ in taken]
    assert (503, "not_ready") == (ready.status_code, ready.json()["error"])
    acknowledged = {one["id"] for status, batch in taken if status == 200 for one in batch}
    assert set() == acknowledged - at_once.ids.keys()
    assert {200} == again
    assert {one["id"] for batch in events for one in batch} <= found.ids.keys()


@mounts
@compiles
@pytest.mark.slow
@pytest.mark.parametrize("how", ["refused", "hung", "slow"])
@pytest.mark.requirement("outages:sockets")
async def test_a_server_that_refuses_hangs_or_is_slow_keeps_no_caller_waiting_and_gets_every_event_once(machine, how):
    """R-19: the socket is closed; it is open and nobody answers; each answer is two seconds late."""
    marks, slowest = [], 0.0
    match how:
        case "refused":
            machine.wire.cut()
        case "hung":
            machine.wire.delay = 3600
        case "slow":
            machine.wire.delay = 2
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        marks.append(f"{how}{len(marks)}")
        for tool in ("search_orders", "update_order"):
            error, took = await machine.use(tool, f"{marks[-1]}-{tool}")
            assert error is None, "what is known is as fresh as it must be"
            slowest = max(slowest, took)
    await machine.wire.mend()
    await machine.goes_on(f"after-{how}")
    found = await machine.record(f"{how}.ndjson")

    assert slowest < 5 and len(marks) > 2
    assert {f"{mark}-search_orders" for mark in marks} <= found.seen
    assert {f"{mark}-update_order" for mark in marks} <= found.intents.keys()
