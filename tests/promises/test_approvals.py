"""
A person's yes to one exact call, at the authorization server: asked for, given, spent once, and what came of it.

Decision 13; enforcement 3c; attack group AP.
"""

import pytest

from tests.support.approvals import REFUND, WITH_REFUND, Approver, tool_server


async def refunding(server, who="u1", letter="N"):
    """Return the token of an application that may refund for somebody."""
    return await server.client(letter).sign_in(who, scope=WITH_REFUND, tools=[REFUND])


@pytest.mark.requirement("approvals:life:asked-approved-run-done")
async def test_a_call_waits_runs_once_and_the_next_identical_one_asks_again(server):
    """Decision 13: pending → approved → executing → done; delivered, it is asked for anew."""
    rs, token = tool_server(server), await refunding(server)

    first = await rs.ask(token)
    again = await rs.ask(token)
    approval_id = first.json()["approval_id"]
    await Approver(server=server, who="u1").decide(approval_id)
    approved = await rs.ask(token)
    run = await rs.run(approval_id, token)
    second = await rs.consume(approval_id, token)
    after = await rs.ask(token)

    assert (201, "pending", True) == (first.status_code, first.json()["state"], first.json()["is_new"])
    assert (200, "pending", approval_id) == (again.status_code, again.json()["state"], again.json()["approval_id"])
    assert f"{server.issuer}/approvals/{approval_id}" == first.json()["approval_url"]
    assert (200, "approved", approval_id) == (
        approved.status_code,
        approved.json()["state"],
        approved.json()["approval_id"],
    )
    assert run
    assert (409, "approval_ended", "done") == (second.status_code, second.json()["error"], second.json()["state"])
    assert (201, "pending") == (after.status_code, after.json()["state"])
    assert approval_id != after.json()["approval_id"]
