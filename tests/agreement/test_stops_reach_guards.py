"""
A real server, real guard processes and a wire that fails: everybody obeys at once, and no write begins later than promised.

The small form of `python -m benchmarks stop`, which measures; here nothing is measured, and what must never happen must not happen.
"""

import pytest

from benchmarks.stop import trials
from benchmarks.stop.cable import Fault
from benchmarks.stop.deployment import KINDS, deployed

pytestmark = pytest.mark.slow

BOUND_S = 1.5
WIRE = {name: faults for name, faults in trials.faults(BOUND_S).items() if not name.startswith("late to")}
"""What is late in one direction alone is measured, and shown here by what is late in both."""
SOME = ("authorization", "user", "tool", "tenant")


def database_of(database_kind, request):
    """Return a database of its own: None is a file."""
    return None if database_kind == "sqlite" else request.getfixturevalue("postgres").empty_database()


@pytest.mark.requirement("reach:feed-up:every-guard-obeys")
async def test_every_kind_of_stop_reaches_every_guard_and_a_revival_does(tmp_path, database_kind, request):
    """Decision 14: a token, an authorization, a user, a client, a tool, a tenant, a resource; from another process than the server's."""
    database = database_of(database_kind, request)

    async with deployed(tmp_path, database=database, customers=6, guards=3, max_staleness=5) as deployment:
        result = await trials.with_the_feed_up(deployment, rounds=2)

    assert dict.fromkeys(KINDS, 6) == {kind: len(result.after(kind)) for kind in KINDS}
    assert (6, 0) == (len(result.revived_after_s), result.rose_again)
    assert result.latest_write_s <= 5


@pytest.mark.requirement("reach:faults:no-write-begins-later-than-promised")
@pytest.mark.one_database
async def test_whatever_the_wire_does_no_write_begins_later_than_promised(tmp_path):
    """Decision 14: cut, half-open, late, reordered, lost; when it is over all are served again, and whoever was stopped is not."""

    async def heal():
        await deployment.fault(Fault())

    late, rose = {}, {}
    async with deployed(
        tmp_path, database=None, customers=len(WIRE) + 4, guards=3, max_staleness=BOUND_S
    ) as deployment:  # fmt: skip
        for number, (name, faults) in enumerate(WIRE.items()):

            async def fail(faults=faults):
                await trials.fail(deployment, faults)

            result = await trials.under(
                name, deployment, 1, begin=fail, end=heal, seed=number, kinds=SOME, first_round=number
            )
            assert 3 * len(SOME) == len(result.seen)
            late[name], rose[name] = result.latest_write_s, result.rose_again

    assert {} == {name: seconds for name, seconds in late.items() if seconds > BOUND_S}
    assert dict.fromkeys(WIRE, 0) == rose


@pytest.mark.requirement("reach:faults:no-write-begins-later-than-promised")
async def test_a_server_that_dies_or_a_database_that_does_lets_no_write_begin_later(tmp_path, database_kind, request):
    """Decision 14: `kill -9` and a new start of the server, and on PostgreSQL of the database below it."""
    if database_kind == "sqlite":
        database = None
    else:
        from tests.support.postgres import postgres_server

        # One of its own: everybody else's goes on.
        running = postgres_server()
        postgres = running.__enter__()
        request.addfinalizer(lambda: running.__exit__(None, None, None))
        database = postgres.empty_database()

    async with deployed(tmp_path, database=database, customers=5, guards=3, max_staleness=BOUND_S) as deployment:

        async def die():
            deployment.kill_server() if database is None else postgres.crash()

        async def rise():
            if database is None:
                deployment.start_server()
                deployment.wait_for_server()
            else:
                postgres.start_again()

        result = await trials.under("dies", deployment, 1, begin=die, end=rise, seed=1, kinds=SOME)

    assert (3 * len(SOME), 0) == (len(result.seen), result.rose_again)
    assert result.latest_write_s <= BOUND_S
