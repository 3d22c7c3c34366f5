"""What the machines do when other processes, locks and connections get in the way."""

import asyncio
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from authserver.runtime import postgresql, sqlite
from authserver.runtime.database import open_database
from authserver.runtime.database_url import DatabaseURLError, is_sqlite, postgres_url, sqlite_path
from authserver.runtime.migration import every_table
from authserver.runtime.postgresql import PostgresDatabase
from authserver.runtime.sqlite import SQLiteDatabase
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from tests.promises.storage.rows import ACME, announcement, code, event, events, numbers, redeem, unit

ROOT = Path(__file__).resolve().parents[3]

WRITER = """
import asyncio, sys
from authserver.runtime.database import open_database
from authserver.runtime.migration import every_table
every_table()
from tests.promises.storage.rows import announcement, event, redeem, unit

async def main():
    url, name = sys.argv[1:]
    database = await open_database(url)
    print("ready", flush=True)
    sys.stdin.readline()
    async def one(i):
        won = await database.commit(unit(claims=[redeem(f"code{i}".encode())], writes=[event(f"won{i}")]))
        await database.commit(unit(writes=[event(f"{name}-{i}")], last=announcement(f"{name}-{i}")))
        return won
    print(sum(await asyncio.gather(*(one(i) for i in range(100)))))
    await database.close()

asyncio.run(main())
"""


@pytest.mark.requirement("storage:processes:share-one-database")
async def test_processes_that_write_at_once_lose_nothing_and_win_nothing_twice(database, url):
    """Two more server processes redeem the same hundred codes and write and announce as fast as they can."""
    await database.commit(unit(writes=[code(f"code{i}".encode()) for i in range(100)]))
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, url, name, cwd=ROOT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        for name in ("a", "b")
    ]  # fmt: skip
    for writer in writers:
        assert b"ready\n" == await writer.stdout.readline()
    answers = await asyncio.gather(*(writer.communicate(b"go\n") for writer in writers))

    assert [0, 0] == [writer.returncode for writer in writers], answers
    assert 100 == sum(int(out) for out, _ in answers)
    wanted = [f"{name}-{i}" for name in ("a", "b") for i in range(100)] + [f"won{i}" for i in range(100)]
    assert sorted(wanted) == await events(database)
    assert list(range(1, 201)) == await numbers(database)


@pytest.mark.requirement("storage:locked:is-waited-for")
async def test_a_file_that_another_process_holds_is_waited_for(migrated_copy):
    """Nobody ever sees "database is locked"; meanwhile readings are answered."""
    database = await open_database(f"sqlite:///{migrated_copy}")
    holder = sqlite3.connect(migrated_copy, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    waiting = asyncio.ensure_future(database.commit(unit(writes=[event("patient")])))
    await asyncio.wait([waiting], timeout=0.2)
    assert not waiting.done()
    assert [] == await events(database)

    holder.execute("COMMIT")
    assert await waiting
    holder.close()
    await database.close()


@pytest.mark.requirement("storage:locked:is-waited-for")
async def test_a_file_that_is_held_too_long_is_unavailable_and_then_serves_again(migrated_copy):
    """Waiting is bounded, and one bad moment is not the end."""
    database = SQLiteDatabase(migrated_copy, patience_seconds=0.1)
    holder = sqlite3.connect(migrated_copy, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnavailableError, match="held by another process"):
        await database.commit(unit(writes=[event("turned away")]))
    holder.execute("COMMIT")
    holder.close()

    assert await database.commit(unit(writes=[event("served")]))
    assert ["served"] == await events(database)
    await database.close()


@pytest.mark.requirement("storage:locked:the-loop-goes-on")
async def test_the_event_loop_goes_on_while_a_commit_waits(migrated_copy):
    """Waiting for another process and for the disk happens beside the loop, never in it."""
    database = await open_database(f"sqlite:///{migrated_copy}")
    holder = sqlite3.connect(migrated_copy, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")

    waiting = asyncio.ensure_future(database.commit(unit(writes=[event("e")])))
    # Would it wait in the loop, nobody could ever let the file go.
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not waiting.done()
    holder.execute("COMMIT")

    assert await waiting
    holder.close()
    await database.close()


@pytest.mark.requirement("storage:accident:nobody-waits-for-ever")
async def test_a_writer_that_breaks_tells_everybody_and_goes_on(migrated_copy, monkeypatch):
    """Whatever happens in the writer thread, each caller gets an answer."""
    database = SQLiteDatabase(migrated_copy)

    def break_down():
        raise MemoryError

    monkeypatch.setattr(database, "_commit_durably", break_down)
    told = await asyncio.gather(
        *(database.commit(unit(writes=[event(f"e{i}")])) for i in range(5)), return_exceptions=True
    )
    monkeypatch.undo()
    database._writer.rollback()

    assert [DatabaseUnavailableError] * 5 == [type(answer) for answer in told]
    assert await database.commit(unit(writes=[event("after")]))
    assert ["after"] == await events(database)
    await database.close()


@pytest.mark.requirement("storage:durable:before-the-answer")
async def test_the_file_is_written_durably(migrated_copy):
    """When `commit` returns, the row survives a power cut: WAL with synchronous=FULL, and foreign keys are kept."""
    database = SQLiteDatabase(migrated_copy)

    pragmas = {name: database._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in
               ("journal_mode", "synchronous", "foreign_keys")}  # fmt: skip

    assert {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1} == pragmas
    assert 1 == database._reader.execute("PRAGMA query_only").fetchone()[0]
    await database.close()


@pytest.mark.requirement("storage:accident:connections-come-back")
async def test_lost_connections_are_replaced(postgres, postgres_urls):
    """PostgreSQL restarts or an administrator cuts everybody off: the next request is served."""
    database = await open_database(postgres_urls.app)
    assert await database.commit(unit(writes=[event("before")]))
    await events(database)

    postgres.run(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{postgres_urls.name}' AND application_name = 'authserver'"
    )

    assert ["before"] == await events(database)
    assert await database.commit(unit(writes=[event("after")]))
    assert ["after", "before"] == await events(database)
    await database.close()


@pytest.mark.requirement("storage:accident:nobody-waits-for-ever")
async def test_a_database_that_is_gone_is_said_to_be_unavailable(postgres, postgres_urls):
    """No hanging request, no driver's exception: one that says what it is."""
    database = await open_database(postgres_urls.app)
    await events(database)
    postgres.run(
        f'ALTER DATABASE "{postgres_urls.name}" ALLOW_CONNECTIONS false',
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{postgres_urls.name}'",
    )

    with pytest.raises(DatabaseUnavailableError):
        await events(database)
    with pytest.raises(DatabaseUnavailableError):
        await database.commit(unit(writes=[event("e")]))

    postgres.run(f'ALTER DATABASE "{postgres_urls.name}" ALLOW_CONNECTIONS true')
    assert await database.commit(unit(writes=[event("again")]))
    await database.close()


@pytest.mark.requirement("storage:accident:clashes-are-retried")
async def test_writers_that_wait_for_each_other_in_a_circle_both_succeed(postgres_urls):
    """PostgreSQL ends one of a deadlock's two; whoever asked never learns of it."""
    database = await open_database(postgres_urls.app)
    await database.commit(unit(writes=[code(b"a"), code(b"b")]))
    stranger = await asyncpg.connect(postgres_urls.app)
    touch = "UPDATE authorization_codes SET attempts = attempts + 1 WHERE code_hash = $1"
    await stranger.execute(f"BEGIN; SET LOCAL app.tenant = '{ACME}'")
    await stranger.execute(touch, b"b")

    ours = asyncio.ensure_future(
        database.commit(unit(claims=[redeem(b"a"), redeem(b"b")], last=announcement("after all")))
    )
    while not await waits_for_a_lock(postgres_urls):
        await asyncio.sleep(0.01)
    try:
        await stranger.execute(touch, b"a")
        await stranger.execute("COMMIT")
    except asyncpg.DeadlockDetectedError:
        await stranger.execute("ROLLBACK")

    assert await ours
    assert [1] == await numbers(database)
    await stranger.close()
    await database.close()


async def waits_for_a_lock(urls):
    connection = await asyncpg.connect(urls.app)
    waiting = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    await connection.close()
    return waiting > 0


@pytest.fixture
def migrated_copy(migrated_file, tmp_path):
    path = tmp_path / "copy.db"
    path.write_bytes(migrated_file.read_bytes())
    return path


async def test_a_missing_file_is_not_made_by_serving(tmp_path):
    with pytest.raises(DatabaseUnavailableError, match="authserver migrate"):
        await open_database(f"sqlite:///{tmp_path}/nothing.db")
    assert [] == list(tmp_path.iterdir())


def test_urls_of_both_databases_are_understood():
    assert "/var/lib/a b.db" == str(sqlite_path("sqlite+aiosqlite:////var/lib/a%20b.db"))
    assert "data/a.db" == str(sqlite_path("sqlite:///data/a.db"))
    assert is_sqlite("sqlite:///x")
    for scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
        assert "postgresql://u:p@h/d" == postgres_url(f"{scheme}://u:p@h/d")
    for wrong in ("mysql://u:canary@h/d", "sqlite://", "sqlite:///:memory:", "postgresql:///d", ""):
        with pytest.raises(DatabaseURLError) as told:
            sqlite_path(wrong) if wrong.startswith("sqlite") else postgres_url(wrong)
        assert "canary" not in str(told.value)


def test_patience_has_a_bound():
    assert 1 <= sqlite.PATIENCE_SECONDS <= 30


async def until_answered(database, count):
    """Write so often at once; return how long the last one waited for its answer, and what all were told."""
    begun = time.monotonic()
    writing = (database.commit(unit(writes=[event(f"e{n}")])) for n in range(count))
    answers = await asyncio.gather(*writing, return_exceptions=True)
    return time.monotonic() - begun, {type(answer) for answer in answers}


@pytest.mark.requirement("outages:waits:nobody-without-an-answer")
async def test_whoever_waits_in_line_for_a_file_that_is_held_is_answered_as_soon_as_the_first(
    migrated_file, tmp_path, monkeypatch
):
    """A hundred in line, four at a time, half a second each: the last would have waited twelve seconds."""
    every_table()
    path = shutil.copyfile(migrated_file, tmp_path / "rows.db")
    monkeypatch.setattr(sqlite, "MOST_IN_A_BATCH", 4)
    database = SQLiteDatabase(path, patience_seconds=0.5)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    waited, answers = await until_answered(database, 100)

    holder.close()
    assert {DatabaseUnavailableError} == answers
    assert waited < 6
    assert (await until_answered(database, 1))[1] == {bool}
    await database.close()


@pytest.mark.requirement("outages:waits:nobody-without-an-answer")
async def test_whoever_waits_in_line_for_a_database_that_hangs_is_answered_as_soon_as_the_first(
    postgres_urls, monkeypatch
):
    """A thousand in line, four at a time in two lanes, half a second each: the last would have waited a minute."""
    monkeypatch.setattr(postgresql, "MOST_IN_A_BATCH", 4)
    database = await PostgresDatabase(postgres_urls.app, timeout_s=0.5, patience_s=0.5).open()
    holder = await asyncpg.connect(postgres_urls.owner)
    await holder.execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")

    waited, answers = await until_answered(database, 1000)

    await holder.close()
    assert {DatabaseUnavailableError} == answers
    assert waited < 20
    assert (await until_answered(database, 1))[1] == {bool}
    await database.close()
