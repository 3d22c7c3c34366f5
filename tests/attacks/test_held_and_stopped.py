"""A stop while a person decides, while their yes is being spent, and while the approved call runs: nothing is claimed that is not known."""

import asyncio
import json

import pytest

from resource_lib.testing.issuer import SUBJECT
from tests.support.approved import URL_CLIENT, Approved
from tests.support.guarded import LEGACY, RESOURCE, call

STOPS = {
    "the user": ("user", "kill", {"sub": SUBJECT}),
    "the tool": ("tool", "kill", {"resource": RESOURCE, "tool": "refund"}),
    "the server": ("resource", "kill", {"resource": RESOURCE, "tenant": "*"}),
    "nobody, but nothing is heard": None,
}
ANSWERS = dict(zip(STOPS, ("401", "tool_unknown", "server_inactive", "control_plane_stale"), strict=True))

each = pytest.mark.parametrize("what", STOPS)


def said(answer):
    return "401" if answer.status == 401 else answer.error["error"]


async def stop(it, what):
    lease = it.guard.revocations.lease
    if STOPS[what] is None:
        later = lease.clock() + 6
        lease.clock = lambda: later
        return
    kind, act, subject = STOPS[what]
    it.issuer.feed.announce(kind, act, **subject)
    await it.guard.revocations.follower._asked()


@pytest.fixture
async def it():
    made = Approved()
    yield made
    await made.guard.aclose()


@pytest.mark.requirement("follow:held:no-yes-is-spent")
@each
async def test_a_stop_while_a_person_decides_leaves_their_yes_unspent(it, what):
    """Decision 14: checked again before an approval is spent."""
    first = await it.call(capabilities=URL_CLIENT)
    answered = {
        "requestState": first.json["result"]["requestState"],
        "inputResponses": {"authserver_approval": {"action": "accept"}},
    }
    retry = it.begin(capabilities=URL_CLIENT, **answered)
    while not it.issuer.count("state"):
        await asyncio.sleep(0)

    await stop(it, what)
    it.issuer.approve()
    answer = await retry.answer()

    assert ANSWERS[what] == said(answer)
    assert ([], "approved", 0) == (it.shop.ran, it.issuer.only.state, it.issuer.count("consume"))


@pytest.mark.requirement("follow:held:nothing-begins")
@each
async def test_a_stop_while_the_yes_is_being_spent_runs_nothing_and_is_reported_as_nothing_done(it, what):
    """Decision 14: no write starts later than the bound; the yes is gone, and nobody may believe that it ran."""
    await it.call()
    it.issuer.approve()
    consume = it.issuer._consume

    def and_then(row, asked):
        found = consume(row, asked)
        stopping.append(asyncio.ensure_future(stop(it, what)))
        return found

    stopping = []
    it.issuer._consume = and_then
    real = it.guard.channel.send

    async def slowly(method, url, **more):
        reply = await real(method, url, **more)
        if url.endswith("/consume"):
            await asyncio.gather(*stopping)
        return reply

    it.guard.channel.send = slowly
    answer = await it.call()
    await it.landed()

    row = it.issuer.only
    assert ANSWERS[what] == said(answer)
    assert ([], "done", True) == (it.shop.ran, row.state, row.is_error)
    assert "has not run" in row.outcome["content"][0]["text"] or "Unknown tool" in row.outcome["content"][0]["text"]


@pytest.mark.requirement("follow:held:ambiguous-not-done")
@pytest.mark.parametrize("what", [name for name, about in STOPS.items() if about])
@pytest.mark.parametrize("streams", [False, True])
async def test_an_approved_call_that_is_cancelled_is_not_reported_as_done(it, what, streams):
    """The contract: reported honestly, ambiguous rather than done; its caller learns it, or its stream ends."""
    await it.call()
    it.issuer.approve()
    it.shop.gate, it.shop.streams = asyncio.Event(), streams
    running = it.begin()
    await it.shop.started.wait()
    for _ in range(5):
        await asyncio.sleep(0)

    await stop(it, what)
    answer = await running.answer()
    await it.landed()
    it.issuer.later = 31
    row = it.issuer.only

    assert (1, "ambiguous", None) == (len(it.shop.ran), it.issuer._state(row), row.outcome)
    assert 0 == it.issuer.count("outcome")
    if streams:
        assert b"progress" in answer.body
        assert b"result" not in answer.body
    else:
        assert "cancelled" == json.loads(answer.body)["result"]["_meta"]["authserver/error"]["error"]
    assert not it.guard.revocations.running.runs


@pytest.mark.requirement("follow:running:is-cancelled-at-the-server")
async def test_an_approved_call_in_a_session_is_taken_back_in_that_session_under_its_own_id(it):
    """MCP 2025-11-25 "Cancellation": a server may run it beside its request, which alone ends nothing."""
    auth = ("authorization", f"Bearer {it.token}")
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {}}
    opened = await call(it.app, "POST", "/mcp", headers=[auth, LEGACY], body=json.dumps(hello).encode())
    session = ("mcp-session-id", opened.header("mcp-session-id"))
    await it.call(headers=(LEGACY, session))
    it.issuer.approve()
    it.shop.gate = asyncio.Event()
    running = it.begin(headers=(LEGACY, session), request_id="seven")
    await it.shop.started.wait()

    await stop(it, "the tool")
    await running.answer()
    async with asyncio.timeout(60):
        while not (told := [said for said in it.shop.bodies if said["method"] == "notifications/cancelled"]):
            await asyncio.sleep(0)

    assert ["seven"] == [said["params"]["requestId"] for said in told]
