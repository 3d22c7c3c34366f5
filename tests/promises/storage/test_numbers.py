"""Decision 14: control numbers become visible in order and without holes, however many write."""

import asyncio
import sqlite3

import asyncpg
import pytest

from authserver.runtime.database_url import is_sqlite, sqlite_path
from tests.promises.storage.rows import ACME, GLOBEX, announcement, event, numbers, unit


@pytest.mark.requirement("storage:numbers:appear-in-order-without-holes")
async def test_a_later_number_is_never_seen_before_a_lower_one(open_one, url):
    """
    The lower writer is kept open after it took its number; the later one, in another process, waits for it.

    With a sequence the later one would commit first, and whoever follows would step over the lower number for ever.
    """
    one, other = await open_one(), await open_one()
    async with lower_writer(url) as finish:
        later = asyncio.ensure_future(one.commit(unit(last=announcement("later"))))
        await asyncio.wait([later], timeout=0.3)
        assert not later.done()
        assert [] == await numbers(other)

        await finish()

        assert await later
    assert [1, 2] == await numbers(other)


@pytest.mark.requirement("storage:numbers:appear-in-order-without-holes")
async def test_whoever_follows_while_many_write_sees_no_hole(open_one):
    """Two processes and two tenants announce while a third process follows."""
    writers = [await open_one(), await open_one()]
    follower = await open_one()
    seen: list[list[int]] = []
    done = asyncio.Event()

    async def follow():
        while not done.is_set():
            seen.append(await numbers(follower))
            await asyncio.sleep(0)

    async def announce(i):
        tenant = (ACME, GLOBEX)[i % 2]
        await writers[i // 2 % 2].commit(
            unit(tenant, writes=[event(f"e{i}", tenant)], last=announcement(f"s{i}", tenant))
        )

    following = asyncio.ensure_future(follow())
    await asyncio.gather(*(announce(i) for i in range(200)))
    done.set()
    await following

    assert len(seen) > 3
    assert all(list(range(1, len(read) + 1)) == read for read in seen)
    assert list(range(1, 201)) == await numbers(follower)


@pytest.mark.requirement("storage:numbers:a-refused-unit-takes-none")
async def test_a_unit_that_is_refused_takes_no_number(database):
    await database.commit(unit(writes=[event("there")]))

    await asyncio.gather(
        database.commit(unit(writes=[event("there")], last=announcement("refused"))),
        database.commit(unit(last=announcement("first"))),
        database.commit(unit(last=announcement("second"))),
        return_exceptions=True,
    )

    assert [1, 2] == await numbers(database)


class lower_writer:  # noqa: N801 - reads as what it is
    """A writer that took a number and keeps its transaction open until it is told to finish."""

    NEXT = "UPDATE control_head SET seq = seq + 1 WHERE id = 1"
    APPEND = (
        "INSERT INTO control_events (seq, at_us, scope_tenant, kind, subject)"
        " SELECT seq, 1, '*', 'authorization', 'lower' FROM control_head WHERE id = 1"
    )

    def __init__(self, url, subject="lower"):
        self.url = url
        self.append = self.APPEND.replace("'lower'", f"'{subject}'")

    async def __aenter__(self):
        if is_sqlite(self.url):
            self.connection = sqlite3.connect(sqlite_path(self.url), isolation_level=None)
            for text in ("BEGIN IMMEDIATE", self.NEXT, self.append):
                self.connection.execute(text)
        else:
            self.connection = await asyncpg.connect(self.url)
            for text in ("BEGIN", self.NEXT, self.append):
                await self.connection.execute(text)
        return self.finish

    async def finish(self):
        done = self.connection.execute("COMMIT")
        if not is_sqlite(self.url):
            await done

    async def __aexit__(self, *_):
        closed = self.connection.close()
        if closed is not None:
            await closed
