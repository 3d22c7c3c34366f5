"""
The attacker goes on while an operator stops them: beside the kill, and at a process that has not heard of it. Real processes.
"""

import asyncio
from functools import partial

import pytest

from authserver.domain.revocation import tail
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Target
from resource_lib.wire.control import Kind
from tests.support import storm
from tests.support.server import DATABASES
from tests.support.workers import Workers

pytestmark = pytest.mark.slow

ROUNDS = 24
BY = By(tenant="*", label="the suite")


@pytest.fixture(scope="module", params=DATABASES)
def processes(request, templates, tmp_path_factory):
    deployment = Workers(
        templates,
        request.param,
        tmp_path_factory.mktemp("killing"),
        # Slow to hear: whatever refuses at once does so by the rows.
        memory_refresh_seconds=5,
        token_requests_per_minute=10_000_000,
        introspections_per_minute=10_000_000,
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


def targets(deployment, app):
    t1 = deployment.world.tenants["t1"]
    return [
        Target(kind=Kind.USER, tenant=t1, sub=deployment.world.people["u1"].subs["t1"]),
        Target(kind=Kind.CLIENT, tenant=t1, client_id=app.app.client_id),
        Target(kind=Kind.TENANT, tenant=t1),
        Target(kind=Kind.EVERYTHING),
    ]


async def kill(machines, target):
    """Kill it; return its number."""
    work = machines.work()
    await stopping.kill(work, target, reason="an incident", by=BY)
    assert await work.commit()
    return await stopping.number_of(machines.work(), target)


async def revive(machines, target):
    work = machines.work()
    await stopping.revive(work, target, reason="it is over", by=BY)
    assert await work.commit()
    await tail.look(machines.work())


async def alive(deployment, app, answers):
    """Return what of these token answers is alive, each asked at both processes."""
    rs = deployment.client("RS1")
    found = []
    for answer in answers:
        if answer.ok:
            found += [(await rs.introspect(answer.access_token)).body["active"] for _ in range(4)]
            found += [(await app.refresh(answer)).ok] if "refresh_token" in answer.body else []
    return any(found)


@pytest.mark.requirement("attack:kill:no-descendant-lives-on")
async def test_a_refresh_beside_a_kill_leaves_no_live_descendant(deployment):
    """RV-07 for kills: whoever comes first, after both have returned nothing is alive, nor after it was revived."""
    app = deployment.client("P")
    survived, won, lost = [], 0, 0
    async with deployment.machines() as machines:
        for turn in range(ROUNDS):
            target = targets(deployment, app)[turn % 4]
            (family,) = await storm.families(deployment, app, 1)

            async def stop(target=target, turn=turn):
                await asyncio.sleep(0.003 * (turn % 6))
                await kill(machines, target)

            *refreshed, _ = await asyncio.gather(*(app.refresh(family.token) for _ in range(4)), stop())
            won += any(answer.ok for answer in refreshed)
            lost += not all(answer.ok for answer in refreshed)
            at_once = await alive(deployment, app, refreshed) or (await app.refresh(family.token)).ok
            await revive(machines, target)
            revived = await alive(deployment, app, refreshed) or (await app.refresh(family.token)).ok
            if at_once or revived:
                survived.append((turn, target.key))

    assert [] == survived
    assert won, "no refresh ever came first: this was no race"


@pytest.mark.requirement("attack:kill:a-process-that-has-not-heard-begins-nothing")
async def test_what_a_process_that_has_not_heard_lets_begin_is_below_the_kills_number(deployment):
    """RV-01, TK-40: two workers, and a kill by a third process; what either hands out beside it and after it is dead."""
    app, machine = deployment.client("P"), deployment.client("M")
    t1, client_id = deployment.world.tenants["t1"], machine.app.client_id
    handed_out = []
    async with deployment.machines() as machines:
        every = (*targets(deployment, app), Target(kind=Kind.CLIENT, tenant=t1, client_id=client_id))
        for number_of_it, target in enumerate(every):
            # Both processes remember the machine and its authorization.
            assert all([(await machine.client_credentials()).ok for _ in range(6)])
            browser = app.browser_of("u1")
            code = await app.authorize("u1")

            async def later(asked, turn):
                await asyncio.sleep(0.004 * turn)
                return await asked()

            number, *began = await asyncio.gather(
                # Sometimes before all the others, sometimes after some of them.
                later(partial(kill, machines, target), 2 * (number_of_it % 3)),
                *(later(partial(app.redeem, code), turn) for turn in range(4)),
                *(later(machine.client_credentials, turn) for turn in range(8)),
            )
            page = await app.ask(browser)
            if page.is_consent:
                page = await browser.submit(page.form("decision"), decision="allow")
            if "code=" in (page.location or ""):
                began.append(await app.redeem(str(page.location).partition("code=")[2].partition("&")[0]))
            if target.kind is Kind.CLIENT and target.client_id == client_id:
                # It says nothing of the other application, whose code is good.
                began = began[4:12]
            elif target.kind in {Kind.USER, Kind.CLIENT}:
                began = began[:4] + began[12:]
            got = [answer for answer in began if answer.ok]
            handed_out += got
            assert [] == [answer.claims["ctl"] for answer in got if answer.claims["ctl"] >= number]
            assert not await alive(deployment, app, got), target.key
            await revive(machines, target)
            assert not await alive(deployment, app, got), f"{target.key}, revived"
            app.browsers.clear()
            await heard_by_all(deployment, machine)
    assert handed_out, "nothing was handed out beside a kill: this was no race"


async def heard_by_all(deployment, machine):
    """Return when both processes let the machine begin again with what counts."""
    rs = deployment.client("RS1")
    async with asyncio.timeout(120):
        in_a_row = 0
        while in_a_row < 8:
            answer = await machine.client_credentials()
            counts = answer.ok and (await rs.introspect(answer.access_token)).body["active"]
            in_a_row = in_a_row + 1 if counts else 0
            await asyncio.sleep(0 if counts else 0.1)
