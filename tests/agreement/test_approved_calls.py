"""The guard and the authorization server agree about one approved call: real rows, real tokens, both databases."""

import asyncio

import pytest

from tests.support.approvals import REFUND, WITH_REFUND, Approver, refunding
from tests.support.approved import URL_CLIENT
from tests.support.approved_at_server import AtServer


def text(answer):
    return answer.json["result"]["content"][0]["text"]


async def decided(server, answer, *, who="u1", yes=True):
    await Approver(server=server, who=who).decide(answer.error["approval_id"], yes=yes)


@pytest.mark.requirement("delivery:agreement:one-yes-one-run")
async def test_a_refund_waits_runs_once_and_the_next_one_asks_again(server):
    """AP-01, AP-03: a changed amount asks for itself and burns nothing; the second identical call is a new question."""
    it = AtServer(server, (await refunding(server)).access_token)

    first = await it.call(REFUND)
    await decided(server, first)
    changed = await it.call(REFUND, {"order": "o1", "amount": 999})
    ran = await it.call(REFUND)
    server.clock.advance(1)
    after = await it.call(REFUND)

    assert ("approval_required", "approval_required") == (first.error["error"], changed.error["error"])
    assert ["arguments"] == changed.error["differs"]
    assert "ran 1" == text(ran)
    assert first.error["approval_id"] != after.error["approval_id"]
    assert [100] == [call["arguments"]["amount"] for call in it.shop.ran]
    kinds = await server.operator.kinds()
    assert {"client:approval:consumed", "client:approval:done", "client:approval:delivered"} <= set(kinds)


@pytest.mark.requirement("delivery:agreement:refusals-are-typed")
async def test_denied_and_expired_and_somebody_elses_are_refused_with_a_typed_reason(server):
    """Decision 13: each end has its word; a token of another login of the same person asks for itself."""
    it = AtServer(server, (await refunding(server)).access_token)
    first = await it.call(REFUND)
    await decided(server, first, yes=False)
    denied = await it.call(REFUND)
    other = await it.call(REFUND, token=(await refunding(server)).access_token)
    waiting = await it.call(REFUND, {"order": "o2", "amount": 1})
    server.clock.advance(901)
    fresh = (await refunding(server)).access_token
    expired = await it.call(REFUND, {"order": "o2", "amount": 1}, token=fresh)

    assert ("approval_denied", first.error["approval_id"]) == (denied.error["error"], denied.error["approval_id"])
    assert first.error["approval_id"] != other.error["approval_id"]
    assert "approval_required" == waiting.error["error"]
    assert "approval_required" == expired.error["error"], "a new login is a new question"
    assert [] == it.shop.ran


@pytest.mark.requirement("delivery:agreement:four-eyes")
async def test_under_four_eyes_the_requesters_yes_is_none(server):
    """AP-05: the person it runs for cannot say yes, another one with the role can."""
    it = AtServer(server, (await refunding(server)).access_token, by="role", role="approver", four_eyes=True)
    first = await it.call(REFUND)

    with pytest.raises(Exception, match=r"."):
        await decided(server, first, who="u1")
    still = await it.call(REFUND)
    await decided(server, first, who="v1")
    ran = await it.call(REFUND)

    assert ("approval_required", first.error["approval_id"]) == (still.error["error"], still.error["approval_id"])
    assert "approver" in first.json["result"]["content"][0]["text"]
    assert "ran 1" == text(ran)


@pytest.mark.requirement("delivery:agreement:lost-answer")
async def test_a_lost_answer_is_told_once_more_and_then_asked_anew(server):
    """AP-15: at most once, and the caller who comes back hears what happened."""
    it = AtServer(server, (await refunding(server)).access_token)
    it.shop.gate = asyncio.Event()
    first = await it.call(REFUND)
    await decided(server, first)
    gone = it.begin(REFUND)
    await it.shop.started.wait()
    gone.hang_up()
    gone.task.cancel()
    it.shop.gate.set()
    while it.guard._held.flow._flights:
        await asyncio.sleep(0.01)

    told = await it.call(REFUND)
    server.clock.advance(1)
    after = await it.call(REFUND)

    assert ("ran 1", True) == (text(told), told.json["result"]["_meta"]["authserver/replayed"])
    assert ("approval_required", 1) == (after.error["error"], len(it.shop.ran))


@pytest.mark.requirement("delivery:agreement:ends-with-the-login")
async def test_a_login_that_ended_spends_no_yes(server):
    """Decision 13: asked again at that very moment; the caller hears the one 401."""
    app = server.client("N")
    granted = await app.sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    it = AtServer(server, granted.access_token)
    first = await it.call(REFUND)
    await decided(server, first)
    await app.revoke(granted.refresh_token)

    answer = await it.call(REFUND)

    assert (401, []) == (answer.status, it.shop.ran)


@pytest.mark.requirement("delivery:agreement:legs")
async def test_a_tool_that_asks_for_more_goes_on_under_the_same_yes(server):
    """MCP "Multi Round-Trip Requests": each leg begins once, at whichever guard the client comes to."""
    token = (await refunding(server)).access_token
    it = AtServer(server, token)
    other = AtServer(server, token, shop=it.shop)
    it.shop.asks_more = 1
    first = await it.call(REFUND)
    await decided(server, first)
    paused = await it.call(REFUND, capabilities=URL_CLIENT)
    more = {"requestState": paused.json["result"]["requestState"], "inputResponses": {"sure": {"action": "accept"}}}

    answers = await asyncio.gather(*(side.call(REFUND, **more) for side in (it, other, it, other)))

    assert {"ran 2"} == {text(answer) for answer in answers}
    assert 2 == len(it.shop.ran)


@pytest.mark.requirement("delivery:agreement:two-hundred-retries")
async def test_two_hundred_parallel_retries_at_two_guards_run_once(server):
    """AP-02: one execution; nobody who waited is asked again, and each hears that outcome or that it is under way."""
    token = (await refunding(server)).access_token
    it = AtServer(server, token)
    other = AtServer(server, token, shop=it.shop)
    first = await it.call(REFUND)
    await decided(server, first)
    it.shop.gate = asyncio.Event()
    calls = [side.begin(REFUND, request_id=number) for number in range(100) for side in (it, other)]
    await it.shop.started.wait()
    it.shop.gate.set()

    answers = [await call.answer() for call in calls]

    assert {"ran 1"} == {text(answer) for answer in answers}
    assert 1 == len(it.shop.ran)
    assert 1 == (await server.operator.kinds()).count("client:approval:requested")
