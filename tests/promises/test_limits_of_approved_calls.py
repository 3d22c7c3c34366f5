"""Limits of calls that wait for a yes: nobody is asked in vain, and what runs is counted once, right before it begins."""

import asyncio

import pytest

from resource_lib import Limits, destructive
from resource_lib.limits.process_store import ProcessStore
from resource_lib.wire.approvals import ApprovalRule
from tests.support.approved import Approved, Shop
from tests.support.guarded import MODERN

TWO_AN_HOUR = {"refund": destructive("orders:write", limit="2/hour", approval=ApprovalRule())}


def limited(shop=None, tools=TWO_AN_HOUR, **words):
    it = Approved(shop=shop, tools=tools, limits=Limits(**{"credential": "1000/min"} | words))
    it.store = it.guard._gate.store
    assert isinstance(it.store, ProcessStore)
    return it


async def left(it):
    """Return how many refunds there is room for."""
    gate = it.guard._gate
    principal = await it.guard._verifier.verify(it.token, it.guard._clock())
    asked = gate._own(principal, it.guard.tools["refund"]).asked
    return (await it.store.take(asked, peek=True)).remaining[0]


@pytest.mark.requirement("limits:approval:nobody-is-asked-in-vain")
async def test_where_there_is_no_room_nobody_is_asked_and_the_caller_hears_when_there_is():
    """Decision 18: the limit is looked at before a person is; the issuer is not told of a new call."""
    it = limited()
    for order in ("o1", "o2"):
        assert "result" in (await it.approved(arguments={"order": order})).json
        await it.landed()

    refused = await it.call(arguments={"order": "o3"})

    assert {
        "error": "rate_limited",
        "tool": "refund",
        "limit": 2,
        "window_s": 3600,
        "scope": "tool",
        "remaining": 0,
    }.items() <= (refused.error.items())
    assert str(refused.error["retry_after_s"]) == refused.header("retry-after")
    assert 1700 <= refused.error["retry_after_s"] <= 1800
    assert 2 == len(it.issuer.rows) == len(it.shop.ran)


@pytest.mark.requirement("limits:approval:counted-once")
async def test_asking_waiting_and_asking_again_count_nothing_and_the_run_counts_one():
    """Decision 18: taken once, with the consumption."""
    it = limited()
    found = []
    for _ in range(5):
        await it.call()
        found.append(await left(it))
    it.issuer.approve()
    ran = await it.call()
    found.append(await left(it))

    assert [2, 2, 2, 2, 2, 1] == found
    assert "ran 1" == ran.json["result"]["content"][0]["text"]


@pytest.mark.requirement("limits:approval:counted-once")
async def test_the_outcome_of_the_last_call_there_was_room_for_is_told_again_to_whoever_did_not_get_it():
    """A replay runs nothing, so it counts nothing, and no limit keeps it back."""
    it = limited(tools={"refund": destructive("orders:write", limit="1/hour", approval=ApprovalRule())})
    await it.call()
    it.issuer.approve()
    it.shop.gate = asyncio.Event()
    lost = it.begin()
    await it.shop.started.wait()
    lost.hang_up()
    it.shop.gate.set()
    await asyncio.gather(lost.task, return_exceptions=True)
    await it.landed()
    assert 0 == await left(it)

    again = await it.call()
    after = await it.call()

    assert "ran 1" == again.json["result"]["content"][0]["text"]
    assert "rate_limited" == after.error["error"]
    assert 1 == len(it.shop.ran) == len(it.issuer.rows)


@pytest.mark.requirement("limits:approval:counted-once")
async def test_identical_calls_that_wait_together_run_once_and_count_once():
    """AP-05: ten callers with the same call and one yes."""
    it = limited()
    await it.call()
    it.issuer.approve()

    found = await asyncio.gather(*(it.call() for _ in range(10)))

    assert all("result" in one.json for one in found)
    assert (1, 1) == (len(it.shop.ran), await left(it))


@pytest.mark.requirement("limits:approval:counted-once")
async def test_the_legs_of_a_call_that_asks_for_more_count_once():
    """One yes, one call, however often its tool asks back."""
    it = limited(Shop(), tools={"refund": destructive("orders:write", limit="1/hour", approval=ApprovalRule())})
    it.shop.asks_more = 2
    await it.call()
    it.issuer.approve()

    state, answer = None, None
    for _ in range(3):
        more = {} if state is None else {"requestState": state, "inputResponses": {"sure": {"action": "accept"}}}
        answer = (await it.call(**more)).json["result"]
        state = answer.get("requestState")

    assert 3 == len(it.shop.ran) and "content" in answer
    assert 0 == await left(it)


@pytest.mark.requirement("limits:approval:what-does-not-begin-costs-nothing")
@pytest.mark.parametrize(
    "answer", [(409, {"error": "approval_mismatch"}), (409, {"error": "approval_ended"}), (503, {})]
)
async def test_a_yes_that_cannot_be_spent_costs_no_room(answer):
    """The other process was faster, or the issuer is away: it did not begin here."""
    it = limited()
    await it.call()
    it.issuer.approve()
    it.issuer.answer_instead["consume"] = answer

    assert "error" in (await it.call()).error

    assert (0, 2) == (len(it.shop.ran), await left(it))
    it.issuer.answer_instead.clear()
    assert "ran 1" == (await it.call()).json["result"]["content"][0]["text"]
    assert 1 == await left(it)


@pytest.mark.requirement("limits:approval:a-yes-is-not-spent-on-a-refusal")
async def test_a_yes_outlives_the_moment_in_which_there_is_no_room():
    """Two yes and room for one: the second call is refused, and its yes is still there when there is room."""
    it = limited(tools={"refund": destructive("orders:write", limit="1/hour", approval=ApprovalRule())})
    now = [0]
    it.store = it.guard._gate.store = ProcessStore(clock=lambda: now[0])
    for order in ("o1", "o2"):
        await it.call(arguments={"order": order})
    for row in it.issuer.rows:
        it.issuer.approve(row)

    ran = await it.call(arguments={"order": "o1"})
    refused = await it.call(arguments={"order": "o2"})
    assert ("result" in ran.json, "rate_limited") == (True, refused.error["error"])
    assert "approved" == it.issuer.rows[1].state
    now[0] += 3600 * 1_000_000
    assert "ran 2" == (await it.call(arguments={"order": "o2"})).json["result"]["content"][0]["text"]


@pytest.mark.requirement("limits:approval:requests-count")
async def test_asking_about_an_approval_again_and_again_is_a_flood_like_any_other():
    """C38: what only waits counts as a request, so that nobody polls without an end."""
    it = limited(credential="5/min")

    found = [(await it.call()).status for _ in range(7)]

    assert [200] * 5 + [429] * 2 == found
    assert 1 == len(it.issuer.rows)


@pytest.mark.requirement("limits:running:of-approved-calls")
async def test_an_approved_call_holds_its_seat_while_it_runs_and_no_longer():
    """C39: two yes, one seat."""
    it = limited(tools={"refund": destructive("orders:write", limit="9/hour", concurrent=1, approval=ApprovalRule())})
    for order in ("o1", "o2"):
        await it.call(arguments={"order": order})
    for row in it.issuer.rows:
        it.issuer.approve(row)
    it.shop.gate = asyncio.Event()
    first = it.begin(arguments={"order": "o1"})
    await it.shop.started.wait()

    second = await it.call(arguments={"order": "o2"})
    assert ("rate_limited", "running") == (second.error["error"], second.error["scope"])
    assert "approved" == it.issuer.rows[1].state
    it.shop.gate.set()
    assert "result" in (await first.answer()).json
    assert "ran 2" == (await it.call(arguments={"order": "o2"})).json["result"]["content"][0]["text"]
    await it.landed()
    async with asyncio.timeout(60):
        while it.store._seats:
            await asyncio.sleep(0.005)


@pytest.mark.requirement("limits:approval:nobody-is-asked-in-vain")
async def test_a_gateway_that_wants_http_hears_of_it_by_429():
    """K1: the same setting for calls that wait."""
    it = limited(
        signal="http_429", tools={"refund": destructive("orders:write", limit="1/hour", approval=ApprovalRule())}
    )
    assert "result" in (await it.approved()).json
    await it.landed()

    refused = await it.call(headers=(MODERN,))

    assert (429, "tool", "refund") == (refused.status, refused.error["scope"], refused.error["tool"])
