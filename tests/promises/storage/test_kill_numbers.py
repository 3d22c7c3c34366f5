"""The number that a kill ends by is that of its own event, whoever shares its transaction and however often that is tried."""

import asyncio

import pytest

from authserver.domain.revocation import store as control
from tests.promises.storage.rows import ACME, GLOBEX, announcement, event, unit
from tests.promises.storage.test_numbers import lower_writer


def kill(target, tenant=ACME, *, writes=()):
    said = {"at_us": 1, "scope_tenant": tenant, "kind": "user", "subject": "{}", "act": "kill", "resource": ""}
    values = {
        "target": target, "scope_tenant": tenant, "kind": "user", "subject": "{}", "resource": "", "counted": True,
        "stopped": "kill", "stopped_by": "*", "retry_after_s": 1, "reason": None, "at_us": 1,
    }  # fmt: skip
    values = {name: value for name, value in values.items() if name in control.KILL.parameters}
    said["subject"] = target
    return unit(tenant, writes=writes, last=[(control.NEXT, {}), (control.APPEND, said), (control.KILL, values)])


async def state(database):
    """Return the number of each target's newest event, and that of its row."""
    events = await database.read(None, control.SINCE, {"after": 0, "most": 100_000})
    newest = {row["subject"]: row["seq"] for row in events if row["act"] == "kill"}
    rows = await database.read(None, control.EVERY, {})
    assert all(row["floor"] == row["seq"] for row in rows)
    assert [row["seq"] for row in events] == list(range(1, len(events) + 1))
    return newest, {row["target"]: row["seq"] for row in rows}


@pytest.mark.requirement("feed:numbers:a-kill-has-that-of-its-own-event")
async def test_in_a_shared_transaction_each_kill_has_the_number_of_its_own_event(open_one):
    """Two processes, two tenants, units with one announcement and with three, and the same target twice."""
    databases = [await open_one(), await open_one()]

    async def one(i):
        tenant = (ACME, GLOBEX)[i % 2]
        units = [
            kill(f"k{i % 40}", tenant),
            unit(tenant, last=3 * announcement(f"a{i}", tenant)),
            unit(tenant, writes=[event(f"e{i}", tenant)]),
        ]
        await asyncio.gather(*(databases[i % 2].commit(each) for each in units))

    await asyncio.gather(*(one(i) for i in range(80)))
    newest, rows = await state(databases[0])
    assert 40 == len(rows)
    assert newest == rows


@pytest.mark.requirement("feed:numbers:a-kill-has-that-of-its-own-event")
async def test_a_batch_that_is_tried_again_unit_by_unit_numbers_each_anew(database):
    """One unit of the shared transaction is refused: the others are written alone, and their numbers are their own."""
    await database.commit(unit(writes=[event("there")]))
    outcomes = await asyncio.gather(
        database.commit(kill("first")),
        database.commit(kill("refused", writes=[event("there")])),
        database.commit(kill("second", GLOBEX)),
        database.commit(unit(last=announcement("other"))),
        database.commit(kill("third")),
        return_exceptions=True,
    )
    assert [True, True, True] == [outcomes[place] for place in (0, 2, 4)]
    assert isinstance(outcomes[1], Exception)
    newest, rows = await state(database)
    assert {"first", "second", "third"} == set(rows)
    assert newest == rows


@pytest.mark.requirement("feed:numbers:a-kill-has-that-of-its-own-event")
async def test_a_kill_waits_for_the_lower_number_and_takes_the_next(open_one, url):
    """The lower writer keeps its transaction open: the kill is not in force before, and then its number is the higher one."""
    one, other = await open_one(), await open_one()
    async with lower_writer(url) as finish:
        later = asyncio.ensure_future(one.commit(kill("k")))
        await asyncio.wait([later], timeout=0.3)
        assert not later.done()
        assert ({}, {}) == await state(other)
        await finish()
        assert await later
    events = await other.read(None, control.SINCE, {"after": 0, "most": 9})
    assert [("lower", 1), ("k", 2)] == [(row["subject"], row["seq"]) for row in events]
    assert {"k": 2} == (await state(other))[1]
