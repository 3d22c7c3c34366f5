"""
Ten thousand refreshes at once, and a server that is killed while it revokes.

`CHAOS=1` runs it (`make chaos` does).
"""

import asyncio
import os
import random

import httpx2
import pytest

from tests.support import storm
from tests.support.server import DATABASES
from tests.support.workers import Workers

pytestmark = pytest.mark.skipif("CHAOS" not in os.environ, reason="CHAOS: `make chaos` runs what takes long")

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "12"))


@pytest.fixture(params=DATABASES)
async def deployment(request, templates, tmp_path):
    running = Workers(templates, request.param, tmp_path, token_requests_per_minute=10_000_000, log_level="warning")
    await asyncio.to_thread(running.start)
    yield running
    await running.close()
    await asyncio.to_thread(running.stop)
    running.place.discard()


@pytest.mark.requirement("chaos:storm:one-live-successor-each")
async def test_ten_thousand_refreshes_leave_one_live_successor_each(deployment):
    """Issue, "it must show" 6: 10 % duplicates, 1 % old tokens, two processes."""
    app = deployment.client("P")
    made = await storm.families(deployment, app, 1000, robbed=100)

    await storm.blow(app, made, refreshes=9)

    assert 9_000 <= sum(len(family.answers) for family in made) <= 11_000
    await storm.aftermath(deployment, app, made)


@pytest.mark.requirement("chaos:kill:what-was-revoked-stays-dead")
async def test_what_a_client_was_told_is_revoked_is_dead_after_the_server_was_killed(deployment):
    """RV-08 kin, CVE-2026-9802: 200 means durable, also where the process died with the next breath."""
    chance = random.Random(20261121)
    told = 0
    for _ in range(ROUNDS):
        app, rs = deployment.client("P"), deployment.client("RS1")
        made = await storm.families(deployment, app, 60)
        tokens = [await app.refresh(family.token) for family in made]
        alone, families = tokens[:20], tokens[20:40]
        order = [(one, one.access_token) for one in alone] + [(one, one.refresh_token) for one in families]
        chance.shuffle(order)
        dead = []

        async def revoke(answer, token, app=app, dead=dead):
            try:
                if 200 == (await app.revoke(token)).status:
                    dead.append(answer)
            except httpx2.HTTPError:
                pass  # nobody was told anything

        revoking = [asyncio.create_task(revoke(answer, token)) for answer, token in order]
        await asyncio.sleep(chance.uniform(0.005, 0.06))
        await asyncio.to_thread(deployment.kill)
        await asyncio.gather(*revoking)
        await deployment.close()
        await asyncio.to_thread(deployment.start)

        app, rs = deployment.client("P"), deployment.client("RS1")
        told += len(dead)
        assert {False} >= {(await rs.introspect(one.access_token)).body["active"] for one in dead}
        assert {False} >= {(await app.refresh(one)).ok for one in dead if one in families}
        assert {True} == {(await app.refresh(one)).ok for one in tokens[40:]}

    assert told
