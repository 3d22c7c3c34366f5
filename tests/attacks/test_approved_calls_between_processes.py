"""
The attacker retries one approved call at two guard processes, and pulls the plug of one while the call runs.

AP-02, AP-15: real processes, real sockets, both databases.
"""

import asyncio

import httpx2
import pytest

from authserver.runtime.schema import statement
from tests.attacks.test_approvals_between_processes import Deployed
from tests.attacks.test_races_between_processes import deployment, processes
from tests.support.approvals import Approver, refunding
from tests.support.guarded_process import GuardedProcess

__all__ = ["deployment", "processes"]

pytestmark = pytest.mark.slow

_LAPSE = statement("UPDATE approvals SET lease_until = :now WHERE tenant_id = :tenant AND state = 'executing'")

CALL = {"order": "o1", "amount": 100}


def error_of(reply):
    return reply["result"]["_meta"]["authserver/error"]


async def approved(deployment, guard, http, token):
    """Ask through the guard and have it approved."""
    waiting = await guard.call(http, token, CALL)
    async with deployment.machines() as machines:
        decider = Approver(server=Deployed(deployment, machines), who="u1")
        await decider.decide(error_of(waiting)["approval_id"])


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def lapse(deployment):
    """Let the lease of whatever runs have ended, as half a minute of silence does."""
    async with deployment.machines() as machines:
        work = machines.work(tenant=deployment.world.tenants["t1"])
        work.write(_LAPSE, now=work.now)
        assert await work.commit()


@pytest.fixture
async def guards(deployment, tmp_path):
    """Return a function that starts guard processes, which end with the test."""
    started = []

    async def start(count, **how):
        made = [GuardedProcess(deployment, tmp_path / "ledger", **how) for _ in range(count)]
        started.extend(made)
        return [await guard.ready() for guard in made]

    yield start
    for guard in started:
        guard.kill()


@pytest.mark.requirement("attack:approved-calls:one-execution-at-two-guard-processes")
async def test_of_two_hundred_retries_at_two_guard_processes_one_runs(deployment, guards):
    """AP-02: one execution, one question; every caller hears that outcome or that it is under way."""
    token = (await refunding(deployment)).access_token
    one, two = await guards(2, waits=True)
    limits = httpx2.Limits(max_connections=250, max_keepalive_connections=250)
    async with httpx2.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
        await approved(deployment, one, http, token)
        for guard in (one, two):
            await guard.connect(http, 100)

        before = {guard: await guard.arrived(http) for guard in (one, two)}
        asked = [asyncio.create_task(guard.call(http, token, CALL, n)) for n in range(100) for guard in (one, two)]
        await until(lambda: one.ran)
        for guard in (one, two):
            while await guard.arrived(http) < before[guard] + 100:
                await asyncio.sleep(0.02)
        one.let_go()
        replies = await asyncio.gather(*asked)

    said = [reply["result"] for reply in replies]
    errors = {result["_meta"]["authserver/error"]["error"] for result in said if result.get("isError")}
    assert 1 == one.ran
    assert errors <= {"approval_in_progress"}
    assert "ran 1" in {result["content"][0]["text"] for result in said}


@pytest.mark.requirement("attack:approved-calls:killed-while-it-runs")
async def test_a_guard_that_is_killed_while_the_call_runs_never_runs_it_twice(deployment, guards):
    """AP-15: kill -9 between consumption and answer; the other process runs nothing, and the state says what is known."""
    token = (await refunding(deployment)).access_token
    slow, other = [*await guards(1, waits=True), *await guards(1)]
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        await approved(deployment, slow, http, token)
        running = asyncio.create_task(slow.call(http, token, CALL))
        await until(lambda: slow.ran)

        slow.kill()
        with pytest.raises(httpx2.HTTPError):
            await running
        early = error_of(await other.call(http, token, CALL))
        await lapse(deployment)
        late = error_of(await other.call(http, token, CALL))
        again = error_of(await other.call(http, token, CALL))

    assert 1 == other.ran
    assert "approval_in_progress" == early["error"]
    assert ("approval_ambiguous", "approval_ambiguous") == (late["error"], again["error"])
