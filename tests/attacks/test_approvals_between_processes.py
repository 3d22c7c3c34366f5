"""
The attacker retries one approved call two hundred times, at two server processes: the database alone decides who was first.

AP-02; issue, "it must show" 2, the server's half.
"""

import asyncio

import pytest

from tests.attacks.test_races_between_processes import deployment, open_connections, processes
from tests.support.approvals import Approver, refunding, tool_server

__all__ = ["deployment", "processes"]

pytestmark = pytest.mark.slow


class Deployed:
    """What an approver needs of a deployment, opened beside its processes."""

    def __init__(self, deployment, machines):
        from tests.support.operator import Operator

        self.operator = Operator(machines=machines, world=deployment.world)
        self.world, self.now = deployment.world, deployment.now


@pytest.mark.requirement("attack:approvals:one-between-processes")
async def test_of_two_hundred_runs_at_two_processes_one_may_begin(deployment):
    """AP-02: three rounds, each a new call; and a hundred identical calls open one question between them."""
    rs, token = tool_server(deployment), await refunding(deployment)
    for number in range(3):
        call = {"order_id": f"o-{number}"}
        await open_connections(deployment)

        asked = await asyncio.gather(*(rs.ask(token, call) for _ in range(100)))
        ids = {answer.json()["approval_id"] for answer in asked if answer.status_code < 300}
        async with deployment.machines() as machines:
            await Approver(server=Deployed(deployment, machines), who="u1").decide(*ids)
        answers = await asyncio.gather(*(rs.consume(*ids, token, call) for _ in range(200)))

        assert 1 == len(ids)
        assert 1 == len([answer for answer in answers if answer.status_code == 200])
        assert {409, 503} >= {answer.status_code for answer in answers if answer.status_code != 200}


@pytest.mark.requirement("approvals:restart:everything-stays")
async def test_a_server_that_is_killed_while_a_call_runs_lets_nobody_run_it_again(deployment):
    """AP-15: kill -9 of the authorization server between consumption and outcome; the same run tells it afterwards."""
    rs, token, call = tool_server(deployment), await refunding(deployment), {"order_id": "o-killed"}
    approval_id = await rs.asked(token, call)
    async with deployment.machines() as machines:
        await Approver(server=Deployed(deployment, machines), who="u1").decide(approval_id)
    begun = await rs.consume(approval_id, token, call, instance_id="the-run")

    deployment.kill()
    deployment.start()
    await deployment.close()
    again = await rs.consume(approval_id, token, call)
    kept = await rs.outcome(approval_id, "the-run")

    assert [200, 409, 200] == [begun.status_code, again.status_code, kept.status_code]
    assert "done" == await rs.state(approval_id)
