"""
A person's yes to one exact call, at the authorization server: asked for, given, spent once, and what came of it.

Decision 13; enforcement 3c; attack group AP.
"""

import asyncio
from dataclasses import replace

import pytest

from authserver import jobs
from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals.deciding import RefusedDecisionError
from authserver.domain.audit.header import about
from resource_lib.wire.approvals import State
from tests.support import assertions
from tests.support.approvals import ARGUMENTS, Approver, new_run, refunding, tool_server
from tests.support.world import R1

CANARY = "a-canary-that-nobody-may-read"


async def approved(server, rs, token, **changed):
    """Return the id of a call that has its yes."""
    approval_id = await rs.asked(token, **changed)
    await Approver(server=server, who="u1").decide(approval_id)
    return approval_id


@pytest.mark.requirement("approvals:life:asked-approved-run-done")
async def test_a_call_waits_runs_once_and_the_next_identical_one_asks_again(server):
    """AP-01, decision 13: pending → approved → executing → done; delivered, it is asked for anew."""
    rs, token = tool_server(server), await refunding(server)

    first = await rs.ask(token)
    again = await rs.ask(token)
    approval_id = first.json()["approval_id"]
    await Approver(server=server, who="u1").decide(approval_id)
    ready = await rs.ask(token)
    await rs.run(approval_id, token)
    second = await rs.consume(approval_id, token)
    after = await rs.ask(token)

    assert (201, "pending", True) == (first.status_code, first.json()["state"], first.json()["is_new"])
    assert (200, "pending", approval_id) == (again.status_code, again.json()["state"], again.json()["approval_id"])
    assert f"{server.issuer}/approvals/{approval_id}" == first.json()["approval_url"]
    assert first.json()["expires_at"] == server.now + 900
    assert (200, "approved", approval_id) == (ready.status_code, ready.json()["state"], ready.json()["approval_id"])
    assert (409, "approval_ended", "done") == (second.status_code, second.json()["error"], second.json()["state"])
    assert (201, "pending") == (after.status_code, after.json()["state"])
    assert approval_id != after.json()["approval_id"]


@pytest.mark.requirement("limits:approval:nobody-is-asked-in-vain")
async def test_a_server_whose_limit_has_no_room_learns_what_is_known_and_begins_nothing(server):
    """Decision 18: `only_known` finds what was asked before, and asks nobody; an outcome that did not arrive is told."""
    rs, token = tool_server(server), await refunding(server)
    before = len(await server.operator.events("t1"))

    unknown = await rs.ask(token, only_known=True)
    found = await server.operator.events("t1")
    approval_id = await rs.asked(token)
    pending = await rs.ask(token, only_known=True)
    await Approver(server=server, who="u1").decide(approval_id)
    ready = await rs.ask(token, only_known=True)
    run = new_run()
    await rs.consume(approval_id, token, instance_id=run)
    await rs.outcome(approval_id, run)
    told = await rs.ask(token, only_known=True)
    over = await rs.ask(token, only_known=True)

    assert (409, "unknown") == (unknown.status_code, unknown.json()["state"])
    assert before == len(found), "nobody was asked"
    assert [(200, "pending"), (200, "approved"), (200, "done")] == [
        (one.status_code, one.json()["state"]) for one in (pending, ready, told)
    ]
    assert "outcome" in told.json()
    assert (409, "unknown") == (over.status_code, over.json()["state"])


@pytest.mark.requirement("approvals:life:every-step-is-recorded")
async def test_every_step_is_recorded_with_what_was_shown(server):
    """Decision 15: requested, shown, approved, consumed, done, delivered; each names the hash of what was on the page."""
    rs, token, person = tool_server(server), await refunding(server), Approver(server=server, who="u1")
    approval_id = await rs.asked(token)

    for _ in range(2):
        server.clock.advance(1)
        await person.look(approval_id)
    server.clock.advance(1)
    await person.decide(approval_id)
    server.clock.advance(1)
    run = new_run()
    await rs.consume(approval_id, token, instance_id=run)
    server.clock.advance(1)
    await rs.outcome(approval_id, run)
    server.clock.advance(1)
    await rs.delivered(approval_id, run)

    found = await server.operator.events("t1")
    steps = sorted((one for one in found if ":approval:" in one["kind"]), key=lambda one: one["at_us"])
    headers = [about(step) for step in steps]
    assert [
        "client:approval:requested", "person:approval:shown", "person:approval:approved", "client:approval:consumed",
        "client:approval:done", "client:approval:delivered",
    ] == [one["kind"] for one in steps]  # fmt: skip
    shown = await approvals.find(server.operator.work("t1"), approval_id)
    assert {shown.display_hash} == {header["display_hash"] for header in headers}
    assert {approval_id} == {header["approval_id"] for header in headers}


@pytest.mark.requirement("approvals:life:a-no-holds-until-its-time-is-over")
async def test_a_no_holds_at_once_until_its_time_is_over(server):
    """Decision 13: an identical call is refused until then; no page opens again for it."""
    rs, token = tool_server(server, expires_in=120), await refunding(server)
    approval_id = await rs.asked(token)
    await Approver(server=server, who="u1").decide(approval_id, yes=False)

    spent = await rs.consume(approval_id, token)
    again = await rs.ask(token)
    server.clock.advance(120)
    later = await rs.ask(token)

    assert (409, "approval_denied", "denied") == (spent.status_code, spent.json()["error"], spent.json()["state"])
    assert (200, "denied", approval_id) == (again.status_code, again.json()["state"], again.json()["approval_id"])
    assert (120, False) == (again.json()["retry_after_s"], again.json()["is_new"])
    assert (201, "pending") == (later.status_code, later.json()["state"])
    assert "person:approval:denied" in await server.operator.kinds()


@pytest.mark.requirement("approvals:life:expired-is-told-once")
async def test_that_nobody_decided_is_told_once_and_then_it_is_asked_anew(server):
    """Decision 13: whoever waits hears that the time ran out; the next call opens a new question."""
    rs, token = tool_server(server, expires_in=120), await refunding(server)
    approval_id = await rs.asked(token)

    server.clock.advance(120)
    told = await rs.ask(token)
    again = await rs.ask(token)

    assert (200, "expired", approval_id) == (told.status_code, told.json()["state"], told.json()["approval_id"])
    assert (201, "pending") == (again.status_code, again.json()["state"])
    assert 1 == (await server.operator.kinds()).count("client:approval:expired")


@pytest.mark.requirement("approvals:time:a-job-changes-nothing-that-is-told")
async def test_housekeeping_writes_what_was_true_already(server):
    """Reliability: no timer decides; expired is still told once when a job wrote it first, and done stays done."""
    rs, token = tool_server(server, expires_in=120), await refunding(server)
    waiting = await rs.asked(token)
    running = await approved(server, rs, token, arguments={"order_id": "o-2"})
    await rs.consume(running, token, {"order_id": "o-2"})

    server.clock.advance(121)
    before = [await rs.state(waiting), await rs.state(running)]
    await jobs.expire(server.machines)
    after = [await rs.state(waiting), await rs.state(running)]
    told = await rs.ask(token)

    assert ["expired", "ambiguous"] == before == after
    assert (200, "expired") == (told.status_code, told.json()["state"])


@pytest.mark.requirement("approvals:outcome:undelivered-is-told-once-more")
async def test_an_outcome_that_was_not_delivered_is_told_once_more_for_ten_minutes(server):
    """Decision 13, AP-15: the retry of a lost answer gets the answer; the one after that asks."""
    rs, token = tool_server(server), await refunding(server)
    await rs.run(await approved(server, rs, token), token, delivered=False)

    retried = await rs.ask(token)
    next_one = await rs.ask(token)

    assert (200, "done", False) == (retried.status_code, retried.json()["state"], retried.json()["is_error"])
    assert {"content": [{"type": "text", "text": "Refunded."}]} == retried.json()["outcome"]
    assert (201, "pending") == (next_one.status_code, next_one.json()["state"])


@pytest.mark.requirement("approvals:outcome:undelivered-is-told-once-more")
async def test_of_ten_retries_at_once_one_gets_the_undelivered_outcome(server):
    """AP-02: claimed once; the others share one new question."""
    rs, token = tool_server(server), await refunding(server)
    await rs.run(await approved(server, rs, token), token, delivered=False)

    answers = await asyncio.gather(*(rs.ask(token) for _ in range(10)))

    assert 1 == len([answer for answer in answers if answer.json()["state"] == "done"])
    assert 1 == len({answer.json()["approval_id"] for answer in answers if answer.json()["state"] == "pending"})


@pytest.mark.requirement("approvals:outcome:undelivered-is-told-once-more")
async def test_after_ten_minutes_an_undelivered_outcome_is_gone(server):
    """Decision 13: whether a job has erased it or not."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await approved(server, rs, token)
    await rs.run(approval_id, token, delivered=False)

    server.clock.advance(600)
    looked = await rs.look(approval_id)
    retried = await rs.ask(await server.client("N").refresh(token))

    assert "outcome" not in looked.json()
    assert (201, "pending") == (retried.status_code, retried.json()["state"])


@pytest.mark.requirement("approvals:outcome:a-call-under-way-gets-it")
async def test_a_call_that_was_under_way_before_the_outcome_came_gets_that_outcome(server):
    """Decision 13: the loser of a race never opens a second prompt, even when the winner's answer was delivered."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await approved(server, rs, token)
    server.clock.advance(5)
    await rs.run(approval_id, token)
    server.clock.advance(2)

    loser = await rs.ask(token, age_ms=2500)
    newcomer = await rs.ask(token, age_ms=1500)

    assert (200, "done", approval_id) == (loser.status_code, loser.json()["state"], loser.json()["approval_id"])
    assert "Refunded." in str(loser.json()["outcome"])
    assert (201, "pending") == (newcomer.status_code, newcomer.json()["state"])


@pytest.mark.requirement("approvals:lease:lapsed-is-ambiguous")
async def test_a_run_whose_server_is_gone_is_ambiguous_until_a_person_clears_it(server):
    """AP-15: never twice. What nobody knows is said, and only a person, or the outcome itself, ends it."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await approved(server, rs, token)
    await rs.consume(approval_id, token)

    server.clock.advance(31)
    asked = await rs.ask(token)
    spent = await rs.consume(approval_id, token)
    await Approver(server=server, who="u1").clear(approval_id, ran=False)
    after = await rs.ask(token)

    assert (200, "ambiguous", approval_id) == (asked.status_code, asked.json()["state"], asked.json()["approval_id"])
    assert (409, "approval_ambiguous") == (spent.status_code, spent.json()["error"])
    assert (201, "pending") == (after.status_code, after.json()["state"])
    assert {"client:approval:ambiguous", "person:approval:cleared"} <= set(await server.operator.kinds())


@pytest.mark.requirement("approvals:lease:late-truth-is-truth")
async def test_an_outcome_that_comes_late_ends_what_nobody_knew(server):
    """Decision 13: ambiguous → done; the retry gets it and nothing runs again."""
    rs, token, run = tool_server(server), await refunding(server), new_run()
    approval_id = await approved(server, rs, token)
    await rs.consume(approval_id, token, instance_id=run)
    server.clock.advance(31)
    assert (await rs.ask(token)).json()["state"] == "ambiguous"

    late = await rs.outcome(approval_id, run)
    retried = await rs.ask(token)

    assert (200, "done") == (late.status_code, late.json()["state"])
    assert (200, "done", approval_id) == (retried.status_code, retried.json()["state"], retried.json()["approval_id"])


@pytest.mark.requirement("approvals:lease:is-held-by-its-run")
async def test_a_run_holds_its_lease_by_asking_again_and_no_other_can(server):
    """Decision 13: every ten seconds; another run of the same call is told that it runs."""
    rs, token, run = tool_server(server), await refunding(server), new_run()
    approval_id = await approved(server, rs, token)
    first = await rs.consume(approval_id, token, instance_id=run)

    server.clock.advance(20)
    renewed = await rs.consume(approval_id, token, instance_id=run)
    server.clock.advance(20)
    other = await rs.consume(approval_id, token)
    foreign = await rs.outcome(approval_id, "somebody-else")
    state = await rs.state(approval_id)

    assert {"state": "executing", "lease_s": 30, "leg": 0, "is_renewed": False} == first.json()
    assert (200, True) == (renewed.status_code, renewed.json()["is_renewed"])
    assert (409, "approval_in_progress") == (other.status_code, other.json()["error"])
    assert (409, "approval_mismatch") == (foreign.status_code, foreign.json()["error"])
    assert "executing" == state


@pytest.mark.requirement("approvals:lease:a-second-leg-is-the-same-yes")
async def test_a_call_that_asked_the_person_something_goes_on_once_as_its_next_leg(server):
    """MCP 2026-07-28: the retry of a multi round-trip is the same call; two retries of one leg are a race with one winner."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await approved(server, rs, token)
    await rs.consume(approval_id, token)

    answers = [await rs.consume(approval_id, token, leg=leg) for leg in (2, 1, 1, 0)]

    assert [409, 200, 409, 409] == [answer.status_code for answer in answers]
    assert 1 == answers[1].json()["leg"]


@pytest.mark.requirement("approvals:wait:returns-on-a-change")
async def test_a_question_that_waits_is_answered_when_somebody_decides(server):
    """Contract: `GET /rs/approvals/{id}` with `wait` returns early on a change of state."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await rs.asked(token)

    waiting = asyncio.create_task(rs.look(approval_id, wait=25))
    while not server.machines.approval_waits.taken:
        await asyncio.sleep(0)
    await Approver(server=server, who="u1").decide(approval_id)
    answer = await asyncio.wait_for(waiting, 10)
    refused = await rs.look(approval_id, wait=26)

    assert {"approval_id": approval_id, "state": "approved", "expires_at": server.now + 300} == answer.json()
    assert (400, "invalid_request") == (refused.status_code, refused.json()["error"])


@pytest.mark.requirement("approvals:restart:everything-stays")
async def test_after_a_restart_everything_is_as_it_was(server):
    """Issue: the rows alone decide."""
    rs, token = tool_server(server), await refunding(server)
    calls = [{"order_id": f"o-{number}"} for number in range(4)]
    ids = [await rs.asked(token, call) for call in calls]
    person = Approver(server=server, who="u1")
    for approval_id in ids[1:]:
        await person.decide(approval_id, yes=approval_id != ids[1])
    run = new_run()
    await rs.consume(ids[3], token, calls[3], instance_id=run)

    await server.restart()
    states = [await rs.state(approval_id) for approval_id in ids]
    again = [(await rs.ask(token, call)).json()["approval_id"] for call in calls]
    other = await rs.consume(ids[3], token, calls[3])
    kept = await rs.outcome(ids[3], run)

    assert ["pending", "denied", "approved", "executing"] == states
    assert ids == again
    assert (409, 200) == (other.status_code, kept.status_code)


@pytest.mark.requirement("approvals:rest:arguments-and-outcomes-are-sealed")
async def test_no_argument_and_no_outcome_stands_in_clear_in_the_database(server):
    """Decision 15: both are sealed under a key of the row's own, and what the policy hides is nowhere at all."""
    rs, token = tool_server(server, redact=("card.number",)), await refunding(server)
    call = {"note": CANARY, "card": {"number": f"hidden-{CANARY}"}}
    approval_id = await approved(server, rs, token, arguments=call)
    run = new_run()
    await rs.consume(approval_id, token, call, instance_id=run)
    await rs.outcome(approval_id, run, {"content": [{"type": "text", "text": f"came-{CANARY}"}]})

    found = await approvals.find(server.operator.work("t1"), approval_id)
    clear = approvals_shown(server, found)

    assert CANARY.encode() not in (server.bytes_at_rest() if server.place.kind == "sqlite" else found.payload)
    assert CANARY in clear
    assert f"hidden-{CANARY}" not in clear


def approvals_shown(server, found):
    """Return all that a person is shown of it."""
    from authserver.domain.approvals.showing import shown

    return shown(server.operator.work("t1"), found).encoded().decode()


@pytest.mark.requirement("approvals:outcome:is-erased")
async def test_outcomes_are_erased_and_rows_forgotten(server):
    """Contract: an outcome after ten minutes, a row after ninety days."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await approved(server, rs, token)
    await rs.run(approval_id, token)

    server.clock.advance(601)
    await jobs.expire(server.machines)
    server.clock.advance(-600)
    looked = await rs.look(approval_id)
    server.clock.advance(91 * 24 * 3600)
    await jobs.expire(server.machines)
    gone = await rs.look(approval_id)

    assert ("done", False) == (looked.json()["state"], "outcome" in looked.json())
    assert (404, "not_found") == (gone.status_code, gone.json()["error"])


@pytest.mark.requirement("approvals:server:proves-itself-by-a-key")
async def test_a_server_with_a_key_proves_itself_by_an_assertion(server):
    """RFC 7523 §2.2: in the header, for a body of JSON has no form; one assertion, one request."""
    key = assertions.new_key()
    made = await server.operator.credential_of(R1, auth_method="private_key_jwt", jwks=assertions.key_set(key))
    rs, token = tool_server(server), await refunding(server)
    rs.app.app = replace(made, key=key)

    asked = await rs.ask(token)
    one = {"authorization": f"Bearer {rs.app.assertion()}"}
    url = f"/rs/approvals/{asked.json()['approval_id']}"
    answers = [await server.http.get(url, headers=one) for _ in range(2)]

    assert 201 == asked.status_code
    assert [200, 401] == [answer.status_code for answer in answers]


@pytest.mark.requirement("approvals:differs:an-unspent-yes-is-for-another-call")
async def test_a_changed_call_is_told_that_the_yes_was_for_another(server):
    """AP-03: it waits for a yes of its own, and the caller hears what differs."""
    rs, token = tool_server(server), await refunding(server)
    await approved(server, rs, token)

    changed = await rs.ask(token, {**ARGUMENTS, "amount_cents": 999_999})
    redefined = await rs.ask(token, definition_hash="a" * 64, policy_version="b" * 64)

    assert (201, ["arguments"]) == (changed.status_code, changed.json()["differs"])
    assert (201, ["definition", "policy"]) == (redefined.status_code, redefined.json()["differs"])


@pytest.mark.requirement("oauth21:client-credentials:approval-only-tools-wait-for-an-approver")
async def test_a_machines_call_waits_for_an_approver_and_never_runs_without_one(server):
    """CC-03, OAuth 2.1 §1.4.1: a service principal is nobody who could say yes, whatever the rule says."""
    await server.operator.set_client(server.client("M").app, scope=("orders:read", "orders:write", "tool:refund_order"))
    rs, machine = tool_server(server), server.client("M")
    token = await machine.client_credentials(scope="orders:read orders:write tool:refund_order")

    approval_id = await rs.asked(token)
    early = await rs.consume(approval_id, token)
    with pytest.raises(RefusedDecisionError, match="not_for_you"):
        await Approver(server=server, who="u1").decide(approval_id)
    await Approver(server=server, who="v1").decide(approval_id)
    run = await rs.run(approval_id, token)

    assert (409, "approval_required") == (early.status_code, early.json()["error"])
    assert run
    assert State.DONE is (await approvals.find(server.operator.work("t1"), approval_id)).state
