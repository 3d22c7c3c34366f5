"""Of an agent that is stepped up each write waits for a person, at every server within seconds, until it ends."""

import pytest

from authserver.domain.tool_policies import step_up
from resource_lib.wire.condition import Scene, Truth
from resource_lib.wire.tool_policy import MOST_CONDITIONS, Rules, parse_rules
from tests.support.guarding import POLICY, Guarding
from tests.support.signalling import operator
from tests.support.tooled import Tooled, tool
from tests.support.world import WRITE


@pytest.fixture
async def guarding(server):
    made = Guarding(server, behind=Tooled(*(tool(name) for name in POLICY)))
    yield made
    await made.guard.aclose()


def text(answer):
    return answer.json["result"]["content"][0]["text"]


async def begin(server, tokens, *, sub=None, minutes=60):
    work = server.operator.work("t1")
    whose = tokens.claims["sub"] if sub is None else sub
    client = tokens.claims["client_id"]
    await step_up.begin(work, client_id=client, sub=whose, minutes=minutes, by=operator(server))
    assert await work.commit()


@pytest.mark.requirement("signals:step-up:writes-wait-within-seconds")
async def test_a_write_waits_for_a_person_with_the_next_question_and_runs_again_when_it_is_over(server, guarding):
    """The token is the same, reads run on, and nobody else's write waits."""
    tokens = await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])
    other = await server.client("B").sign_in("u1", scope=WRITE, tools=["update_order"])
    await guarding.call("update_order", tokens.access_token)

    await begin(server, tokens)
    await guarding.next_question()
    waits, reads, others = [
        await guarding.call(tool, who.access_token)
        for tool, who in (("update_order", tokens), ("search_orders", tokens), ("update_order", other))
    ]
    work = server.operator.work("t1")
    [found] = await step_up.in_force(work)
    step_up.end(work, found, by=operator(server))
    assert await work.commit()
    await guarding.next_question()
    again = await guarding.call("update_order", tokens.access_token)

    assert "approval_required" == waits.error["error"]
    assert ["done"] * 3 == [text(answer) for answer in (reads, others, again)]


@pytest.mark.requirement("signals:step-up:ends-by-itself")
async def test_it_ends_when_its_time_is_over(server, guarding):
    tokens = await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])
    await begin(server, tokens, minutes=2)
    await guarding.next_question()
    waits = await guarding.call("update_order", tokens.access_token)

    server.clock.advance(120)
    assert 1 == await step_up.end_over(server.operator.machines)
    assert 0 == await step_up.end_over(server.operator.machines)
    await guarding.next_question()

    assert "approval_required" == waits.error["error"]
    assert "done" == text(await guarding.call("update_order", tokens.access_token))


@pytest.mark.requirement("signals:step-up:bounded")
@pytest.mark.one_database
async def test_so_many_are_in_force_at_once(server):
    work = server.operator.work("t1")
    for number in range(step_up.MOST):
        await step_up.begin(work, client_id=f"cli_{number}", sub="", minutes=1, by=operator(server))
        assert await work.commit()

    with pytest.raises(step_up.RefusedError, match="stop the application"):
        await step_up.begin(work, client_id="cli_more", sub="", minutes=1, by=operator(server))
    await step_up.begin(work, client_id="cli_0", sub="", minutes=5, by=operator(server))
    with pytest.raises(step_up.RefusedError, match="minutes"):
        await step_up.begin(work, client_id="cli_0", sub="", minutes=0, by=operator(server))


def one(client_id, sub=""):
    return step_up.StepUp(client_id=client_id, sub=sub, began_at=0, until=1)


@pytest.mark.requirement("signals:step-up:only-stricter")
@pytest.mark.parametrize("client_id", ["cli_a", 'https://a.example/"quoted"\\path', "x" * 900, "y" * 2000])
def test_whatever_a_client_is_called_the_rule_is_about_it_alone_or_about_everybody(client_id):
    """A name that does not fit into a condition makes all calls wait: never none."""
    rules = step_up.tightened(Rules(), [one(client_id, "usr_a")])

    assert rules == parse_rules(rules.to_json()), "a guard can read it"
    if rules.mode == "step_up":
        return
    [when] = rules.when
    scene = Scene(client=client_id, subject="usr_a", tool_class="write")
    assert Truth.YES is when.condition.evaluate(scene)
    for elsewhere in ({"client": "cli_b"}, {"subject": "usr_b"}, {"tool_class": "read"}):
        told = {"client": client_id, "subject": "usr_a", "tool_class": "write"} | elsewhere
        assert Truth.NO is when.condition.evaluate(Scene(**told))


@pytest.mark.requirement("signals:step-up:only-stricter")
def test_beside_as_many_conditions_as_there_may_be_everybody_waits():
    deny = {"deny": "args.x == 1", "because": "Not that."}
    full = parse_rules({"when": [deny] * MOST_CONDITIONS})

    assert "step_up" == step_up.tightened(full, [one("cli_a")]).mode
    assert full.when == step_up.tightened(full, [one("cli_a")]).when
    assert (
        "deny"
        == step_up.tightened(parse_rules({"mode": "deny", "when": [deny] * MOST_CONDITIONS}), [one("cli_a")]).mode
    )
