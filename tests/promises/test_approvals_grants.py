"""A counted yes covers calls that it was given for; each run claims one use in the commit in which it begins. RFC 9396; issue."""

import asyncio

import pytest

from authserver.domain.approvals import habits as habit
from authserver.domain.call_grants import grant
from authserver.domain.tokens import authorization
from tests.support.approvals import DEFINITION, REFUND, Approver, refunding, tool_server
from tests.support.world import R1


async def give(server, token, **changed):
    """Let the owner of a token give a counted yes for refunds."""
    work = server.operator.work("t1")
    sub = server.world.people["u1"].subs["t1"]
    owner = await authorization.find(work, token.claims["authorization_id"])
    authorization.require_live(work, owner)
    given = grant.plan(
        work, authorization_id=owner.id, sub=sub, client_id=owner.client_id, resource=R1, tool=REFUND, definition_hash=DEFINITION,
        given_by=sub, acr="", auth_time=server.now, **{"max_calls": 2, "expires_at": server.now + 300, **changed},
    )  # fmt: skip
    grant.give(work, given)
    assert await work.commit()
    return given


@pytest.mark.requirement("approvals:grants:a-counted-yes-covers-and-is-spent")
async def test_a_covered_call_is_born_approved_and_spends_one_use_when_it_begins(server):
    """Nobody is asked, each call has a row of its own, and the one after the last waits for a person."""
    rs, token = tool_server(server), await refunding(server)
    given = await give(server, token)

    told = []
    for number in range(3):
        answer = await rs.ask(token, {"order_id": f"o-{number}"})
        told.append((answer.status_code, answer.json()["state"]))
        if answer.json()["state"] == "approved":
            began = await rs.consume(answer.json()["approval_id"], token, {"order_id": f"o-{number}"})
            assert 200 == began.status_code, began.text
    spent = await grant.find(server.operator.work("t1"), given.id)

    assert [(201, "approved"), (201, "approved"), (201, "pending")] == told
    assert (2, 0) == (spent.used, spent.left)
    assert 1 == len(await Approver(server=server, who="u1").inbox())


@pytest.mark.requirement("approvals:grants:a-counted-yes-covers-and-is-spent")
async def test_of_many_covered_calls_at_once_no_more_begin_than_were_given(server):
    """AP-02: ten are born approved while uses are left; two begin."""
    rs, token = tool_server(server), await refunding(server)
    await give(server, token)
    calls = [{"order_id": f"o-{number}"} for number in range(10)]
    ids = [(await rs.ask(token, call)).json()["approval_id"] for call in calls]

    answers = await asyncio.gather(
        *(rs.consume(approval_id, token, call) for approval_id, call in zip(ids, calls, strict=True))
    )

    assert 2 == len([answer for answer in answers if answer.status_code == 200])
    assert {"approval_ended"} == {answer.json()["error"] for answer in answers if answer.status_code == 409}


@pytest.mark.requirement("approvals:grants:a-counted-yes-covers-and-is-spent")
async def test_a_counted_yes_that_was_ended_covers_no_call_that_has_not_begun(server):
    """RFC 9396: what was born of it ends with it, and is asked for anew."""
    rs, token = tool_server(server), await refunding(server)
    given = await give(server, token)
    approval_id = (await rs.ask(token)).json()["approval_id"]

    work = server.operator.work("t1")
    grant.end(work, given, reason="taken_back")
    assert await work.commit()
    late = await rs.consume(approval_id, token)
    again = await rs.ask(token)

    assert (409, "approval_ended") == (late.status_code, late.json()["error"])
    assert (201, "pending") == (again.status_code, again.json()["state"])


@pytest.mark.requirement("approvals:habits:rubber-stamps-are-seen")
async def test_whoever_says_yes_to_everything_in_a_moment_is_seen(server):
    """Enforcement 3c.10: more than 98 % yes, median under two seconds, over ten decisions; whoever reads is not."""
    rs, own = tool_server(server, by="role"), tool_server(server)
    stamp, reader = Approver(server=server, who="v1"), Approver(server=server, who="u1")
    for batch in range(2):
        token = await refunding(server)
        for number in range(6):
            call = {"order_id": f"o-{batch}-{number}"}
            for asker, person, seconds in ((rs, stamp, 1), (own, reader, 9)):
                approval_id = await asker.asked(token, call)
                await person.look(approval_id)
                server.clock.advance(seconds)
                await person.decide(approval_id, yes=person is stamp or number != 0)

    found = await habit.habits(server.operator.work("t1"))

    subs = [server.world.people[who].subs["t1"] for who in ("v1", "u1")]
    assert [(subs[0], True, 12, 1.0, 1.0), (subs[1], False, 12, 10 / 12, 9.0)] == [
        (one.sub, one.is_rubber_stamp, one.count, one.share_of_yes, one.median_seconds) for one in found
    ]
