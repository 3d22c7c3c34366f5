"""
The attacker's call had got somewhere (waits, has its yes, runs, is done) when what it stood on ended: nothing more may come of it.

Decisions 13 and 14; AZ-51. Every end, in every state, at every door, before and after a restart. What a run that had begun tells of
itself is true, so it may still tell it; its caller hears nothing of it.
"""

import pytest

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
