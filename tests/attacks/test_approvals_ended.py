"""
The attacker's call had got somewhere (waits, has its yes, runs, is done) when what it stood on ended: nothing more may come of it.

Decisions 13 and 14; AZ-51. Every end, in every state, at every door, before and after a restart. What a run that had begun tells of
itself is true, so it may still tell it; its caller hears nothing of it.
"""

import pytest

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, several, spending
from authserver.domain.approvals.spending import Caller, Use
from authserver.domain.tokens import authorization
from tests.attacks.test_approvals_spent import ENDS
from tests.support.approvals import ARGUMENTS, Approver, new_run, refunding, tool_server

STATES = ("pending", "approved", "executing", "done, not delivered", "done", "denied")
UNDONE = {"pending", "approved", "denied"}


async def in_every_state(server, rs, token):
    """Return for each state the arguments, the id and the run of a call that is in it."""
    calls = {}
    for state in STATES:
        arguments, run = {**ARGUMENTS, "note": state}, new_run()
        calls[state] = arguments, await rs.asked(token, arguments), run
        if state != "pending":
            await Approver(server=server, who="u1").decide(calls[state][1], yes=state != "denied")
        if state in {"executing", "done, not delivered", "done"}:
            assert 200 == (await rs.consume(calls[state][1], token, arguments, instance_id=run)).status_code
        if state.startswith("done"):
            await rs.outcome(calls[state][1], run, delivered=state == "done")
    return calls


@pytest.mark.requirement("attack:approvals:an-end-in-every-state")
@pytest.mark.parametrize("how", ENDS)
async def test_nothing_comes_of_a_call_in_any_state_once_what_it_stood_on_has_ended(server, how):
    """Neither asked about, nor begun, nor told to its caller; the run that had begun holds its lease and says how it ended."""
    rs, token, app = tool_server(server), await refunding(server), server.client("N").app
    calls = await in_every_state(server, rs, token)

    await ENDS[how](server.operator, app, token)
    for _ in range(2):
        for state, (arguments, approval_id, run) in calls.items():
            # As if it had been under way before the outcome came, which gives a living caller that outcome.
            asked = await rs.ask(token, arguments, age_ms=60_000)
            begun = await rs.consume(approval_id, token, arguments, instance_id=f"another-{run}")
            assert (403, "access_denied") == (asked.status_code, asked.json()["error"]), state
            assert (403, "access_denied") == (begun.status_code, begun.json()["error"]), state
            assert "Refunded." not in asked.text + begun.text
        renewed = await rs.consume(
            calls["executing"][1], token, calls["executing"][0], instance_id=calls["executing"][2]
        )
        assert (200, True) == (renewed.status_code, renewed.json()["is_renewed"])
        await server.restart()

    told = {state: (await rs.outcome(approval_id, run)).status_code for state, (_, approval_id, run) in calls.items()}
    assert {state: 409 if state in UNDONE else 200 for state in STATES} == told
    assert 3 == (await server.operator.kinds()).count("client:approval:consumed")


GIVERS = {
    "has lost the role": lambda it: it.set_member("v1", "t1", roles=("member",)),
    "is disabled": lambda it: it.set_member("v1", "t1", is_active=False),
    "was removed": lambda it: it.remove_member("v1", "t1"),
    "is disabled everywhere": lambda it: it.set_person("v1", is_active=False),
    "has a new password": lambda it: it.change_password("v1", "another long password of v1"),
}


@pytest.mark.requirement("attack:approvals:a-grant-ends-with-who-gave-it")
@pytest.mark.parametrize("how", GIVERS)
async def test_a_call_that_an_approvers_grant_covered_does_not_begin_once_they_could_give_it_no_more(server, how):
    """AP-05: covered when it was asked about, and asked again when it is spent; read before, and in the commit itself."""
    rs, token = tool_server(server, by="role", more=("args.amount_cents > 0",)), await refunding(server)
    first = await rs.asked(token)
    work, decider = server.operator.work("t1"), await Approver(server=server, who="v1").decider()
    found = await approvals.find(work, first)
    offered = await several.offered(work, found, decider)
    await deciding.decide(work, found, decider, True, found.display_hash)
    await several.give(work, found, decider, offered[0].key)
    assert await work.commit()
    await rs.run(first, token)
    covered, raced = await rs.ask(token), await rs.ask(token, policy_version="f" * 64)
    assert ["approved", "approved"] == [one.json()["state"] for one in (covered, raced)]
    work = server.operator.work("t1")
    found = await approvals.find(work, raced.json()["approval_id"])
    owner = await authorization.find(work, found.authorization_id)
    caller = Caller(
        authorization_id=owner.id, sub=owner.sub, client_id=owner.client_id, actor="",
        resource=await server.operator.resource(found.resource),
    )  # fmt: skip
    use = Use(
        args_hash=found.args_hash, definition_hash=found.definition_hash, policy_version=found.policy_version,
        instance_id="run", leg=0,
    )  # fmt: skip
    await spending.consume(work, found, owner, caller, use)

    server.clock.advance(1)
    await GIVERS[how](server.operator)
    won = await work.commit()
    spent = await rs.consume(covered.json()["approval_id"], token)

    assert not won
    assert (409, "approval_ended") == (spent.status_code, spent.json()["error"])
    assert 1 == (await server.operator.kinds()).count("client:approval:consumed")


@pytest.mark.requirement("attack:approvals:a-new-password-takes-the-yes-back")
async def test_a_yes_that_was_said_with_an_old_password_is_spent_by_nothing(server):
    """Decision 14: whoever stole an approver's session said it; theirs alone, and the next one begins at nought."""
    await server.operator.set_member("u2", "t1", roles=("approver",))
    token, one, two = (
        await refunding(server),
        tool_server(server, by="role"),
        tool_server(server, by="role", approvers=2),
    )
    approved, half = await one.asked(token), await two.asked(token, {"order_id": "o-2"})
    stolen, other = Approver(server=server, who="v1"), Approver(server=server, who="u2")
    await stolen.decide(approved)
    await stolen.decide(half)

    server.clock.advance(1)
    await server.operator.change_password("v1", "another long password of v1")
    spent = await one.consume(approved, token)
    second = await other.decide(half)
    anew = await one.ask(token)
    await stolen.decide(anew.json()["approval_id"])

    assert (409, "approval_ended") == (spent.status_code, spent.json()["error"])
    assert "pending" == second.state
    assert 200 == (await one.consume(anew.json()["approval_id"], token)).status_code
