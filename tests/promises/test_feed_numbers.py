"""What follows the list never steps over a number, whoever is still writing."""

import asyncio

import pytest

from authserver.domain.revocation.kill_switch import Target
from resource_lib.wire.control import Kind
from tests.promises.storage.test_numbers import lower_writer
from tests.promises.test_feed import stop
from tests.support.following import follower


@pytest.mark.requirement("feed:numbers:never-stepped-over")
async def test_a_follower_never_steps_over_a_lower_number_that_commits_late(server_with):
    """Decision 14: the lower writer is kept open; what comes later waits, and the cursor does not pass."""
    one, other = await server_with(), await server_with()
    here = follower(other, "RS1")
    before = await here.ask()
    async with lower_writer(one.settings.database_url, '{"authorization_id":"a1"}') as finish:
        later = asyncio.create_task(stop(one, Target(kind=Kind.EVERYTHING)))
        await asyncio.wait([later], timeout=0.3)
        assert not later.done()
        assert before.cursor == (await here.ask()).cursor
        await finish()
        await later
    batch = await here.ask()
    assert [Kind.AUTHORIZATION, Kind.EVERYTHING] == [event.kind for event in batch.events]
    first, second = (event.n for event in batch.events)
    assert second == first + 1
