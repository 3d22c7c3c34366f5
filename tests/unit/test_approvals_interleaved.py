"""
Any order of steps of several servers' runs, with lapses, retries, jobs and clocks that jump: one approval begins once.

AP-02, AP-15. A step is smaller than a request: each run reads first and commits later, so that every gap between a look and a
claim is tried. The real database decides.
"""

import asyncio
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authserver import jobs
from authserver.domain.approvals import approval, asking, deciding, outcomes, spending
from authserver.domain.resources import resource as resources
from authserver.domain.tokens import authorization
from authserver.opening import close_machines, open_machines
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.tool_call import args_hash
from tests.support.clock import HandClock
from tests.support.server import settings_for
from tests.support.world import R1

RUNS = 3
RUN = [(step, number) for number in range(RUNS) for step in ("read", "commit")]
noise = st.one_of(
    st.tuples(st.sampled_from(["read", "commit", "renew", "outcome"]), st.integers(0, RUNS - 1)),
    st.tuples(st.just("tick"), st.sampled_from([-40, -5, 1, 9, 31, 130])),
    st.tuples(st.sampled_from(["ask", "clear", "job", "deny"]), st.just(0)),
)
plans = st.lists(noise, max_size=10).flatmap(lambda more: st.permutations(RUN + more))
"""Each run looks and commits at least once, in any order, with anything between."""
numbers = itertools.count()


@dataclass
class Stage:
    """One database and one clock, and the loop in which everything runs."""

    runner: asyncio.Runner
    machines: object
    clock: HandClock
    world: object

    def work(self):
        return self.machines.work(tenant=self.world.tenants["t1"])

    async def begin(self):
        """Return the authorization and the caller of a new call, and the call."""
        work, sub = self.work(), self.world.people["u1"].subs["t1"]
        resource = await resources.by_uri(work, R1)
        owner = authorization.start(
            work, authorization_id=f"az_{next(numbers)}", issuer_path="", sub=sub, client_id="c", resource=R1, scope=("orders:write",),
            profile=authorization.Profile.INTERACTIVE,
        )  # fmt: skip
        assert await work.commit()
        caller = spending.Caller(authorization_id=owner.id, sub=sub, client_id="c", actor="", resource=resource)
        arguments = {"n": next(numbers)}
        call = asking.Call(
            tool="refund_order", tool_class="destructive", title="", description="", version="", arguments=arguments,
            args_hash=args_hash(arguments), definition_hash="d" * 64, policy_version="e" * 64,
            rule=ApprovalRule(expires_in=120, use_within=120), age_ms=0,
        )  # fmt: skip
        return owner, caller, call


@pytest.fixture(scope="module")
def stage(templates):
    """Open a copy of the world for the whole module."""
    place, world = templates.copy("sqlite")
    clock = HandClock()
    with asyncio.Runner() as runner:
        machines = runner.run(open_machines(settings_for(templates.kek, place.url), clock=clock))
        yield Stage(runner, machines, clock, world)
        runner.run(close_machines(machines))
    place.discard()


async def play(stage, plan):
    """Play one plan; returns the runs that were let in, in order, and the approvals that existed."""
    stage.clock.advance(2000)  # more than a plan can take back
    owner, caller, call = await stage.begin()
    you = deciding.Decider(sub=caller.sub, roles=("member",), acr="", amr=(), auth_time=stage.clock.now)
    work = stage.work()
    asked = (await asking.ask(work, owner, caller, call)).approval
    assert await work.commit()
    work = stage.work()
    await deciding.decide(work, await approval.find(work, asked.id), you, True, asked.display_hash)
    assert await work.commit()
    open_units, let_in, live = {}, [], []
    for step, number in plan:
        use = spending.Use(
            args_hash=call.args_hash, definition_hash=call.definition_hash, policy_version=call.policy_version,
            instance_id=f"run-{number}", leg=0,
        )  # fmt: skip
        work = stage.work()
        try:
            if step == "tick":
                stage.clock.advance(number)
            elif step == "job":
                await jobs.expire(stage.machines)
            elif step == "commit":
                unit, lease = open_units.pop(number, (None, None))
                if unit is not None and await unit.commit() and lease is not None:
                    let_in.append(number)
            elif step == "ask":
                answer = await asking.ask(work, owner, caller, call)
                if await work.commit() and answer.is_new:
                    live.append(answer.approval.id)
            else:
                found = await approval.find(work, asked.id)
                if step == "read":
                    open_units[number] = (work, await spending.consume(work, found, owner, caller, use))
                    continue
                if step == "renew" and spending.is_running_here(found, use):
                    spending.renew(work, found, use)
                elif step == "outcome":
                    result = outcomes.Outcome(result={}, is_error=False)
                    outcomes.finish(work, found, instance_id=use.instance_id, outcome=result, is_delivered=bool(number))
                elif step == "clear":
                    await deciding.clear(work, found, you, bool(let_in))
                elif step == "deny":
                    await deciding.decide(work, found, you, False, found.display_hash)
                await work.commit()
        except spending.RefusedUseError:
            await work.commit()
        except (deciding.RefusedDecisionError, asking.TooManyError):
            pass
    return let_in, live


@pytest.mark.requirement("attack:approvals:no-interleaving-runs-twice")
@settings(max_examples=200, deadline=None)
@given(plan=plans)
def test_no_order_of_steps_begins_one_approval_twice(stage, plan):
    """AP-02, AP-15: whoever reads when, whatever lapses, and however the clock jumps."""
    let_in, _ = stage.runner.run(play(stage, plan))

    assert len(let_in) <= 1


@pytest.mark.requirement("attack:approvals:no-interleaving-runs-twice")
def test_the_plan_that_should_run_runs(stage):
    """The control: a test in which nothing ever begins shows nothing; and of two that read at once one begins."""
    plan = [
        ("read", 0),
        ("read", 1),
        ("commit", 1),
        ("commit", 0),
        ("read", 2),
        ("commit", 2),
        ("outcome", 1),
        ("ask", 0),
    ]

    let_in, asked_anew = stage.runner.run(play(stage, plan))

    assert [1] == let_in
    assert 1 == len(asked_anew)
