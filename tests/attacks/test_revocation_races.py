"""
The attacker refreshes while the owner revokes, at two processes on one database: whoever comes first, nothing lives on.
"""

import asyncio
from dataclasses import replace

import pytest

from authserver.domain.audit import event
from authserver.domain.tokens import revoked
from authserver.runtime.schema import statement
from tests.support import storm
from tests.support.operator import Operator
from tests.support.server import DATABASES
from tests.support.workers import Workers

pytestmark = pytest.mark.slow

ROUNDS = 200


@pytest.fixture(scope="module", params=DATABASES)
def processes(request, templates, tmp_path_factory):
    deployment = Workers(
        templates,
        request.param,
        tmp_path_factory.mktemp("processes"),
        token_requests_per_minute=10_000_000,
        log_level="warning",
    )
    deployment.start()
    yield deployment
    deployment.stop()
    deployment.place.discard()


@pytest.fixture
async def deployment(processes):
    yield processes
    await processes.close()


async def still_alive(deployment, app, answers):
    """Return what of these token answers is alive."""
    rs = deployment.client("RS1")
    alive = []
    for answer in answers:
        if answer.ok:
            alive.append((await rs.introspect(answer.access_token)).body["active"])
            alive.append((await app.refresh(answer)).ok)
    return any(alive)


@pytest.mark.requirement("attack:revocation:no-descendant-lives-on")
async def test_a_refresh_beside_a_revocation_leaves_no_live_descendant(deployment):
    """RV-07, CVE-2026-1035: 200 rounds; after both have returned nothing of the family is alive, at either process."""
    app = deployment.client("P")
    alive, won = [], 0
    for family in await storm.families(deployment, app, ROUNDS):
        *refreshed, revoked = await asyncio.gather(
            app.refresh(family.token), app.refresh(family.token), app.revoke(family.token)
        )
        assert 200 == revoked.status
        won += any(answer.ok for answer in refreshed)
        if await still_alive(deployment, app, refreshed) or (await app.refresh(family.token)).ok:
            alive.append(family.authorization_id)

    assert [] == alive
    assert won, "no refresh ever came first: this was no race"


@pytest.mark.requirement("attack:revocation:no-descendant-lives-on")
async def test_a_redemption_beside_a_disabled_client_or_person_leaves_nothing_alive(deployment):
    """TK-40: the code is being redeemed at one process while an operator stops its person at the other."""
    app = deployment.client("N")
    alive = []
    async with deployment.machines() as machines:
        operator = Operator(machines=machines, world=deployment.world)
        for turn in range(20):
            code = await app.authorize("u1")

            async def stop(turn=turn):
                await asyncio.sleep(0.002 * (turn % 5))
                await operator.set_member("u1", "t1", is_active=False)

            redeemed, _ = await asyncio.gather(app.redeem(code), stop())
            await operator.set_member("u1", "t1", is_active=True)
            if await still_alive(deployment, app, [redeemed]) or (await app.redeem(code)).ok:
                alive.append(turn)
            app.browsers.clear()

    assert [] == alive


@pytest.mark.requirement("attack:revocation:dead-at-every-process")
async def test_what_one_process_revoked_the_other_never_calls_alive(deployment):
    """Design §6: the next question at whichever process says no; there is nothing to wait for."""
    app, rs = deployment.client("P"), deployment.client("RS1")
    made = await storm.families(deployment, app, 40)
    tokens = [await app.refresh(family.token) for family in made]

    verdicts = []
    for number, answer in enumerate(tokens):
        assert (await rs.introspect(answer.access_token)).body["active"]
        assert 200 == (await app.revoke(answer.access_token if number % 2 else answer.refresh_token)).status
        asked = await asyncio.gather(*(rs.introspect(answer.access_token) for _ in range(8)))
        verdicts += [one.body["active"] for one in asked]

    assert {False} == set(verdicts)


@pytest.mark.requirement("attack:revocation:one-of-many-at-once")
async def test_one_token_revoked_by_many_at_once_is_revoked_once(deployment):
    """RFC 7009 §2.2: 200 for each, at two processes."""
    app, rs = deployment.client("P"), deployment.client("RS1")
    for family in await storm.families(deployment, app, 5):
        tokens = await app.refresh(family.token)

        answers = await asyncio.gather(
            *(app.revoke(token) for token in (tokens.access_token, tokens.refresh_token) for _ in range(10))
        )

        assert {200} == {answer.status for answer in answers}
        assert not (await rs.introspect(tokens.access_token)).body["active"]


@pytest.mark.requirement("attack:storm:one-live-successor-each")
async def test_a_storm_of_500_refreshes_leaves_one_live_successor_each(deployment):
    """Issue, "it must show" 6: 10 % duplicates, 1 % old tokens; no family has two, robbed ones have none, nothing breaks."""
    app = deployment.client("P")
    made = await storm.families(deployment, app, 50, robbed=5)

    await storm.blow(app, made, refreshes=9)

    assert 450 <= sum(len(family.answers) for family in made) <= 560
    await storm.aftermath(deployment, app, made)


@pytest.mark.requirement("attack:revocation:the-list-is-bounded")
async def test_a_flood_of_revocations_leaves_nothing_once_the_tokens_would_have_expired(deployment):
    """RV-09: one row per token that was really issued, swept with its end; the same one a thousand times is one row."""
    app = deployment.client("P")
    family = (await storm.families(deployment, app, 1))[0]
    count = statement("SELECT COUNT(*) AS rows FROM revoked_tokens WHERE tenant_id = :tenant")
    async with deployment.machines() as machines:
        work = machines.work(tenant=deployment.world.tenants["t1"])
        before = (await work.one(count))["rows"]
        tokens = await app.refresh(family.token)

        await asyncio.gather(*(app.revoke(tokens.access_token) for _ in range(50)))
        await asyncio.gather(*(app.revoke(f"{tokens.access_token[:-6]}{number:06d}") for number in range(50)))
        after = (await work.one(count))["rows"]
        sweep = event.platform_work(replace(machines, clock=lambda: machines.clock() + 601_000_000), "test")
        revoked.expire(sweep)
        assert await sweep.commit()
        swept = (await work.one(count))["rows"]

    assert (1, 0) == (after - before, swept)
