"""
The attacker wants a yes that nobody entitled gave: their own, a stranger's, twice the same person's, one for another page.

Attack group AP (05, 11, 12); separation of duties; decision 13.
"""

import asyncio

import pytest

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import spending
from authserver.domain.approvals.deciding import RefusedDecisionError
from authserver.domain.approvals.spending import Caller, Use
from authserver.domain.tokens import authorization
from authserver.domain.users import user
from tests.support.approvals import ARGUMENTS, REFUND, Approver, refunding, tool_server
from tests.support.world import R5


async def second_approver(server, who="u2"):
    """Make somebody hold the role too."""
    await server.operator.set_member(who, "t1", roles=("member", "approver"))
    return Approver(server=server, who=who)


async def refusal(deciding):
    """Return why nothing was decided."""
    with pytest.raises(RefusedDecisionError) as refused:
        await deciding
    return refused.value.reason


@pytest.mark.requirement("attack:approvals:assigned-people-alone")
async def test_only_the_person_it_runs_for_may_say_yes(server):
    """AP-11, CVE-2026-45337: not a colleague, not an approver, not an administrator, not somebody of another tenant."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await rs.asked(token)

    reasons = [await refusal(Approver(server=server, who=who).decide(approval_id)) for who in ("u2", "v1", "u5")]
    inboxes = [await Approver(server=server, who=who).inbox() for who in ("u1", "u2", "v1", "u5")]

    assert {"not_for_you"} == set(reasons)
    assert [[approval_id], [], [], []] == inboxes


@pytest.mark.requirement("attack:approvals:assigned-people-alone")
async def test_a_role_is_the_role_of_this_tenant_and_of_this_moment(server):
    """AP-11: whoever lost it, is disabled or was removed says nothing any more; whoever has it says it at once."""
    rs, token = tool_server(server, by="role"), await refunding(server)
    approval_id, member = await rs.asked(token), Approver(server=server, who="u5")
    before = await refusal(Approver(server=server, who="u1").decide(approval_id))

    await server.operator.set_member("v1", "t1", roles=("member",))
    lost = await refusal(Approver(server=server, who="v1").decide(approval_id))
    await server.operator.set_member("v1", "t1", roles=("approver",), is_active=False)
    disabled = await refusal(Approver(server=server, who="v1").decide(approval_id))
    await server.operator.set_member("u5", "t2", roles=("approver",))
    elsewhere = await refusal(member.decide(approval_id))
    await server.operator.set_member("u5", "t1", roles=("approver",))
    decided = await member.decide(approval_id)

    assert {"not_for_you"} == {before, lost, disabled, elsewhere}
    assert "approved" == decided.state


@pytest.mark.requirement("attack:approvals:four-eyes")
async def test_under_four_eyes_the_requester_is_none_of_them(server):
    """AP-05: not with the role, and not after leaving and coming back; they may say no."""
    await server.operator.set_member("u1", "t1", roles=("member", "approver"))
    rs, token = tool_server(server, four_eyes=True), await refunding(server)
    own, denied, requester = (
        await rs.asked(token),
        await rs.asked(token, {"order_id": "o-2"}),
        Approver(server=server, who="u1"),
    )

    alone = await refusal(requester.decide(own))
    said_no = await requester.decide(denied, yes=False)
    other = await Approver(server=server, who="v1").decide(own)

    assert ("requester_excluded", "denied", "approved") == (alone, said_no.state, other.state)
    assert [] == await requester.inbox()


@pytest.mark.requirement("attack:approvals:four-eyes")
async def test_a_requester_who_leaves_and_comes_back_is_nobody_new(server):
    """AP-05: another membership of the same person; what the first one asked for has ended with it."""
    rs, token = tool_server(server, four_eyes=True), await refunding(server)
    approval_id = await rs.asked(token)

    await server.operator.remove_member("u1", "t1")
    work = server.operator.work("t1")
    user.add_member(work, person_id=server.world.people["u1"].person_id, roles=("approver",))
    assert await work.commit()
    reason = await refusal(Approver(server=server, who="u1").decide(approval_id))

    assert "not_pending" == reason
    assert 403 == (await rs.consume(approval_id, token)).status_code


@pytest.mark.requirement("attack:approvals:distinct-people")
async def test_two_yeses_are_two_people(server):
    """AP-05: the same one twice, one by one and at once; two at once are two."""
    rs, token = tool_server(server, by="role", approvers=2), await refunding(server)
    approval_id, first, second = await rs.asked(token), Approver(server=server, who="v1"), await second_approver(server)

    one = await first.decide(approval_id)
    twice = await refusal(first.decide(approval_id))
    early = await rs.consume(approval_id, token)
    two = await second.decide(approval_id)
    ran = await rs.consume(approval_id, token)

    assert ("pending", "already_decided", "approved") == (one.state, twice, two.state)
    assert (409, "approval_required", 200) == (early.status_code, early.json()["error"], ran.status_code)


@pytest.mark.requirement("attack:approvals:distinct-people")
async def test_two_last_yeses_at_once_are_both_counted(server):
    """AP-02: neither believes to be the first; one person at once is still one."""
    rs, token = tool_server(server, by="role", approvers=2), await refunding(server)
    both, alone = await rs.asked(token), await rs.asked(token, {"order_id": "o-2"})
    first, second = Approver(server=server, who="v1"), await second_approver(server)

    await asyncio.gather(first.decide(both), second.decide(both))
    answers = await asyncio.gather(*(first.decide(alone) for _ in range(5)), return_exceptions=True)

    assert ["approved", "pending"] == [await rs.state(both), await rs.state(alone)]
    assert 1 == len([answer for answer in answers if not isinstance(answer, Exception)])


@pytest.mark.requirement("attack:approvals:no-wins-at-once")
async def test_one_no_is_enough_and_comes_at_once(server):
    """Decision 13: whatever others said, and whatever they say at the same moment."""
    rs, token = tool_server(server, by="role", approvers=2), await refunding(server)
    approval_id, first, second = await rs.asked(token), Approver(server=server, who="v1"), await second_approver(server)

    await first.decide(approval_id)
    denied = await second.decide(approval_id, yes=False)
    after = await refusal(Approver(server=server, who="u1").decide(approval_id, yes=False))

    assert ("denied", "not_pending") == (denied.state, after)
    assert "approval_denied" == (await rs.consume(approval_id, token)).json()["error"]


@pytest.mark.requirement("attack:approvals:a-yes-ends-with-who-gave-it")
@pytest.mark.parametrize("how", ["disabled", "removed", "role lost", "person disabled"])
async def test_a_yes_counts_while_whoever_gave_it_could_still_give_it(server, how):
    """Ours, fail closed: an approver who is gone takes the unspent yes with them; it is asked for anew."""
    rs, token, operator = tool_server(server, by="role"), await refunding(server), server.operator
    approval_id = await rs.asked(token)
    await Approver(server=server, who="v1").decide(approval_id)

    await {
        "disabled": lambda: operator.set_member("v1", "t1", is_active=False),
        "removed": lambda: operator.remove_member("v1", "t1"),
        "role lost": lambda: operator.set_member("v1", "t1", roles=("member",)),
        "person disabled": lambda: operator.set_person("v1", is_active=False),
    }[how]()
    spent = await rs.consume(approval_id, token)
    again = await rs.ask(token)

    assert (409, "approval_ended") == (spent.status_code, spent.json()["error"])
    assert (201, "pending") == (again.status_code, again.json()["state"])


@pytest.mark.requirement("attack:approvals:a-yes-ends-with-who-gave-it")
async def test_an_approver_who_is_disabled_between_the_look_and_the_commit_does_not_count(server):
    """Decision 4: what decided is said again by the statement that spends it."""
    rs, token = tool_server(server, by="role"), await refunding(server)
    approval_id = await rs.asked(token)
    await Approver(server=server, who="v1").decide(approval_id)
    work = server.operator.work("t1")
    found = await approvals.find(work, approval_id)
    owner = await authorization.find(work, found.authorization_id)
    resource = await server.operator.resource(found.resource)
    caller = Caller(authorization_id=owner.id, sub=owner.sub, client_id=owner.client_id, actor="", resource=resource)
    use = Use(
        args_hash=found.args_hash, definition_hash=found.definition_hash, policy_version=found.policy_version,
        instance_id="run", leg=0,
    )  # fmt: skip

    await spending.consume(work, found, owner, caller, use)
    await server.operator.set_member("v1", "t1", is_active=False)
    won = await work.commit()

    assert not won
    assert "approved" == await rs.state(approval_id)


@pytest.mark.requirement("attack:approvals:fresh-and-strong-login")
async def test_a_yes_takes_the_login_that_the_rule_demands_and_a_no_takes_none(server):
    """RFC 9470: too old, too weak, of the future; a no is taken from whoever may say it."""
    server.clock.advance(5000)
    rs, token = tool_server(server, max_age=300, acr=("urn:strong",)), await refunding(server)
    approval_id, now = await rs.asked(token), server.now
    logins = [("urn:strong", now - 301), ("", now), ("urn:strong", now + 60)]

    reasons = [
        await refusal(Approver(server=server, who="u1", acr=acr, auth_time=at).decide(approval_id))
        for acr, at in logins
    ]
    good = await Approver(server=server, who="u1", acr="urn:strong", auth_time=now - 300).decide(approval_id)
    other = await rs.asked(token, {"order_id": "o-2"})
    denied = await Approver(server=server, who="u1", auth_time=now - 4000).decide(other, yes=False)

    assert ["login_too_old", "login_too_weak", "login_too_old"] == reasons
    assert ("approved", "denied") == (good.state, denied.state)


@pytest.mark.requirement("attack:approvals:a-login-before-the-new-password")
async def test_a_login_that_a_new_password_ended_decides_nothing(server):
    """Decision 14: whoever stole the session before says nothing after."""
    rs, token = tool_server(server, by="role"), await refunding(server)
    approval_id, before = await rs.asked(token), server.now
    server.clock.advance(10)

    await server.operator.change_password("v1", "another long password of v1")

    assert "not_for_you" == await refusal(Approver(server=server, who="v1", auth_time=before).decide(approval_id))


@pytest.mark.requirement("attack:approvals:for-what-was-shown")
async def test_a_yes_is_for_what_was_on_the_page(server):
    """AP-10: the hash of another approval's page, a made-up one, none; and the row itself is checked again."""
    rs, token = tool_server(server), await refunding(server)
    one, two = await rs.asked(token), await rs.asked(token, {**ARGUMENTS, "amount_cents": 999_999})
    person, other = Approver(server=server, who="u1"), await approvals.find(server.operator.work("t1"), two)

    reasons = [await refusal(person.decide(one, display_hash=shown)) for shown in (other.display_hash, "0" * 64, "")]

    assert ["not_as_shown"] * 3 == reasons
    assert "pending" == await rs.state(one)


@pytest.mark.requirement("attack:approvals:deny-and-stop")
async def test_deny_and_stop_ends_every_session_of_that_application_for_that_person(server):
    """Enforcement 3c.5: this agent is stopped; another application and another person are not."""
    rs, app = tool_server(server), server.client("N")
    token, laptop = await refunding(server), await refunding(server)
    other_app, other_person = await refunding(server, letter="P"), await refunding(server, "u2")
    asked, waiting = await rs.asked(token), await rs.asked(laptop, {"order_id": "o-2"})
    kept = await rs.asked(other_app)

    await Approver(server=server, who="u1").decide(asked, stop=True)
    after = [await rs.ask(one, {"order_id": "o-3"}) for one in (token, laptop, other_app, other_person)]

    assert [403, 403, 201, 201] == [answer.status_code for answer in after]
    assert ["denied", "expired", "pending"] == [await rs.state(one) for one in (asked, waiting, kept)]
    assert not (await app.refresh(laptop)).ok
    assert kept in await Approver(server=server, who="u1").inbox()
    assert waiting not in await Approver(server=server, who="u1").inbox()


@pytest.mark.requirement("attack:approvals:ids-tell-nothing")
async def test_what_is_not_ones_own_is_told_in_the_same_bytes(server):
    """AP-11: unknown, of another form, another server's, another tenant's: one answer, at every door."""
    rs, token = tool_server(server), await refunding(server)
    mine = await rs.asked(token)
    shared = await server.client("G").sign_in(
        "u5", tenant="t2", scope="orders:read orders:write tool:refund_order", tools=[REFUND]
    )
    rs5 = tool_server(server, "RS5")
    in_t2 = await rs5.asked(shared)
    unknown = mine[:-4] + "AAAA"
    strangers = [
        (tool_server(server, "RS2"), mine), (tool_server(server, "RS5t1"), in_t2), (rs, in_t2), (rs, unknown),
        (rs, "ap_" + "a" * 60), (rs, "x"), (rs5, mine),
    ]  # fmt: skip

    answers = []
    for asker, approval_id in strangers:
        answers += [
            await asker.look(approval_id), await asker.consume(approval_id, token), await asker.outcome(approval_id, "run"),
        ]  # fmt: skip

    assert {(404, answers[0].content)} == {(answer.status_code, answer.content) for answer in answers}
    assert "not_found" == answers[0].json()["error"]
    assert "pending" == await rs5.state(in_t2)


@pytest.mark.requirement("attack:approvals:callers-of-another-server")
async def test_a_token_that_is_not_for_this_server_is_told_in_the_same_bytes(server):
    """AP-11: another server's, another tenant's, garbage, an ended one; nobody is asked."""
    token = await refunding(server)
    shared = await server.client("G").sign_in(
        "u5", tenant="t2", scope="orders:read orders:write tool:refund_order", tools=[REFUND]
    )
    ended = await refunding(server, letter="P")
    await server.client("P").revoke(ended.refresh_token)
    asked = [
        (tool_server(server, "RS2"), token), (tool_server(server, "RS5t1"), shared), (tool_server(server), "garbage"),
        (tool_server(server), ended), (tool_server(server), token.access_token[:-4] + "AAAA"),
    ]  # fmt: skip

    answers = [await rs.ask(sent) for rs, sent in asked]

    assert {(403, answers[0].content)} == {(answer.status_code, answer.content) for answer in answers}
    assert "access_denied" == answers[0].json()["error"]
    assert 201 == (await tool_server(server, "RS5t2").ask(shared)).status_code
    assert R5 == shared.claims["aud"]


@pytest.mark.requirement("attack:approvals:floods")
async def test_one_authorization_cannot_ask_a_person_all_day(server):
    """AP-12: twenty that wait, sixty an hour, denied ones too; another session has its own share."""
    rs, token, person = tool_server(server), await refunding(server), Approver(server=server, who="u1")
    asked = [await rs.asked(token, {"order_id": f"o-{number}"}) for number in range(20)]

    one_more = await rs.ask(token, {"order_id": "one more"})
    known = await rs.ask(token, {"order_id": "o-0"})
    for approval_id in asked:
        await person.decide(approval_id, yes=False)
    for batch in range(2):
        for number in range(20):
            await person.decide(await rs.asked(token, {"order_id": f"b{batch}-{number}"}), yes=False)
    hourly = await rs.ask(token, {"order_id": "another"})
    other = await rs.ask(await refunding(server, letter="P"), {"order_id": "another"})

    assert (429, "slow_down", 60) == (one_more.status_code, one_more.json()["error"], one_more.json()["retry_after_s"])
    assert (429, "3600") == (hourly.status_code, hourly.headers["retry-after"])
    assert (200, 201) == (known.status_code, other.status_code)


@pytest.mark.requirement("attack:approvals:floods")
async def test_a_flood_of_different_calls_at_once_leaves_twenty(server):
    """AP-12: counted by the statement that writes, so parallel ones count each other."""
    rs, token = tool_server(server), await refunding(server)

    answers = await asyncio.gather(*(rs.ask(token, {"order_id": f"o-{number}"}) for number in range(60)))

    assert 20 == len([answer for answer in answers if answer.status_code == 201])
    assert {201, 429, 503} >= {answer.status_code for answer in answers}
    assert 20 == len(await Approver(server=server, who="u1").inbox())
