"""Plan: get a call to run that a person's yes no longer stands for, or spoil somebody else's yes, at the guard alone."""

import asyncio

import pytest

from resource_lib import deny_if, destructive, read
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.context import ProcessMemory
from resource_lib.testing import issuer as test_issuer
from resource_lib.transport.deliveries import ASKED
from resource_lib.wire.tool_policy import parse_rules
from tests.support.approved import SCOPES, URL_CLIENT, Approved, Shop
from tests.support.approving_issuer import CLIENT_ID, SECRET, ApprovingIssuer
from tests.support.guarded import LEGACY, MODERN, RESOURCE

TENANT = test_issuer.TENANT


async def waiting(it, **more):
    """A retry that waits at the guard for a person who is deciding right now."""
    first = await it.call(capabilities=URL_CLIENT, **more)
    answered = {"requestState": first.json["result"]["requestState"], "inputResponses": {ASKED: {"action": "accept"}}}
    before = it.issuer.count("state")
    retry = it.begin(capabilities=URL_CLIENT, **answered, **more)
    while it.issuer.count("state") == before:
        await asyncio.sleep(0)
    return retry


def text(answer):
    return answer.json["result"]["content"][0]["text"]


@pytest.mark.requirement("delivery:policy:judged-again-before-it-begins")
@pytest.mark.parametrize(
    "rules", [{"mode": "deny"}, {"clients": ["cli_other"]}, {"roles": ["auditor"]}, {"approval": {"by": "role"}}]
)
async def test_what_operators_demand_while_a_call_waits_holds_before_it_begins(rules):
    """Decision 18: a tool that is taken away while somebody decides does not run on the yes that comes a moment later."""
    it = Approved()
    retry = await waiting(it)

    it.guard.take_overlays({TENANT: {"refund": parse_rules(rules, "")}}, "2")
    it.issuer.approve()
    refused = await retry.answer()

    assert "approval_mismatch" == refused.error["error"]
    assert ([], "approved", 0) == (it.shop.ran, it.issuer.only.state, it.issuer.count("consume")), (
        "and nothing is burnt"
    )


@pytest.mark.requirement("delivery:policy:judged-again-before-it-begins")
async def test_a_forbidden_order_of_calls_is_not_reached_by_calling_while_the_other_call_waits():
    """C25: read the secret while the person decides about sending it."""
    sending = destructive("orders:write", when=[deny_if("called('look', within='1 h')", because="Not after looking.")])
    tools = {"refund": sending, "look": read("orders:read")}
    clock = [0.0]
    memory = ProcessMemory(clock=lambda: clock[0])
    it = Approved(tools=tools, memory=memory)
    clock[0] = 7200.0
    retry = await waiting(it)

    await it.call("look", {})
    it.issuer.approve()

    assert "approval_mismatch" == (await retry.answer()).error["error"]
    assert ["look"] == [call["name"] for call in it.shop.ran]


class Choosy(Shop):
    """A server that lists its tools as the request asks for: by a header, or not at all."""

    async def __call__(self, scope, receive, send):
        asked = dict(scope.get("headers", ()))
        self.listing = {"tools": []} if b"x-toolset" in asked else None
        if asked.get(b"x-toolset") == b"broken":
            self.listing = {}
        await super().__call__(scope, receive, send)


@pytest.mark.requirement("delivery:definition:of-the-caller-alone")
@pytest.mark.parametrize("toolset", ["none", "broken"])
async def test_what_one_caller_gets_listed_changes_nothing_for_another(toolset):
    """A caller who has the server list fewer tools, or none, neither unsettles another's yes nor empties their page."""
    it = Approved(shop=Choosy())
    other = it.issuer.token(scopes=SCOPES, subject="usr_b")
    await it.call()
    it.issuer.approve()
    it.guard._definitions._known.clear()

    spoiling = it.begin(token=other, headers=(MODERN, ("x-toolset", toolset)))
    mine = it.begin()
    await spoiling.answer()

    assert "ran 1" == text(await mine.answer())
    assert "ran 2" == text(await it.approved(arguments={"order": "o2", "amount": 1}))
    assert "Give money back." == it.issuer.rows[-1].asked["display"]["description"]


@pytest.mark.requirement("delivery:credential:unreadable-for-a-moment")
async def test_a_secret_that_cannot_be_read_for_a_moment_fails_closed_and_loses_no_outcome(tmp_path, monkeypatch):
    """A secret's file is replaced while a call runs: what ran is told as soon as it can be."""
    monkeypatch.setattr("resource_lib.approval.run.RENEW_S", 0)
    place = tmp_path / "secret"
    place.write_text(SECRET)
    issuer = ApprovingIssuer(resource=RESOURCE)
    channel = Channel(
        issuer=issuer.issuer,
        credential=Credential(client_id=CLIENT_ID, secret_file=place),
        transport=issuer.channel().transport,
    )
    monkeypatch.setattr(issuer, "channel", lambda: channel)
    it = Approved(issuer)
    it.shop.gate = asyncio.Event()
    await it.call()
    issuer.approve()
    running = it.begin()
    await it.shop.started.wait()

    place.unlink()
    refused = await it.call(arguments={"order": "o2", "amount": 1})
    it.shop.gate.set()
    ran = await running.answer()
    place.write_text(SECRET)
    await it.landed()

    assert "control_plane_stale" == refused.error["error"]
    assert "ran 1" == text(ran)
    assert ("done", "ran 1") == (issuer.rows[0].state, issuer.rows[0].outcome["content"][0]["text"])


@pytest.mark.requirement("delivery:approval:an-id-that-comes-back")
@pytest.mark.parametrize("request_id", [1.0, 1.5, 2**60, -(2**60), "\ud800"])
@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_a_call_whose_id_may_come_back_as_another_is_refused_before_anybody_is_asked(request_id, era):
    """JSON-RPC 2.0 §4: an answer that cannot be told by its id would leave a call of which nobody knows how it ended."""
    it = Approved()

    answer = await it.call(request_id=request_id, headers=(era,))

    assert "invalid_arguments" == answer.error["error"]
    assert [] == it.issuer.rows == it.shop.ran


class Crowded(ApprovingIssuer):
    """An issuer that answers no question about a call before it is told to, and counts how many wait at once."""

    waiting = most = 0
    gate: asyncio.Event | None = None

    async def _rs(self, scope, raw):
        if self.gate is not None and scope["path"] == "/rs/approvals":
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            await self.gate.wait()
            self.waiting -= 1
        return await super()._rs(scope, raw)


@pytest.mark.requirement("delivery:flood:leaves-room-for-what-runs")
async def test_a_flood_of_questions_leaves_room_for_the_leases_of_what_runs(monkeypatch):
    """AP-12: five hundred different calls at once are asked about one after another, and what runs keeps its lease."""
    monkeypatch.setattr("resource_lib.approval.run.RENEW_S", 0)
    it = Approved(Crowded(resource=RESOURCE), max_staleness=60, read_staleness=60)
    it.shop.gate = asyncio.Event()
    await it.call()
    it.issuer.approve()
    running = it.begin()
    await it.shop.started.wait()
    it.issuer.gate = asyncio.Event()

    flood = [it.begin(arguments={"order": "o1", "amount": amount}) for amount in range(1000, 1500)]
    while it.issuer.waiting < 20:
        await asyncio.sleep(0)
    renewed = it.issuer.count("consume")
    while it.issuer.count("consume") < renewed + 5:
        await asyncio.sleep(0)
    it.issuer.gate.set()
    it.shop.gate.set()
    answers = [await caller.answer() for caller in flood]

    assert "ran 1" == text(await running.answer())
    assert {"approval_required"} == {answer.error["error"] for answer in answers}
    assert 32 > it.issuer.most, "of 64 connections"


@pytest.mark.requirement("guard:streams:approved-calls-end-with-the-token")
async def test_the_stream_of_an_approved_call_ends_with_the_token_and_the_call_does_not():
    """RS-34: nothing is sent on a token that has expired; what was approved runs on, and its outcome is told to the next."""
    it = Approved()
    it.shop.gate, it.shop.streams = asyncio.Event(), True
    same = {"authorization_id": "aut_same"}
    short, refreshed = (
        it.issuer.token(scopes=SCOPES, life=2, override=same),
        it.issuer.token(scopes=SCOPES, override=same),
    )
    await it.call(token=short)
    it.issuer.approve()

    caller = it.begin(token=short)
    async with asyncio.timeout(60):
        while not caller.found or caller.found[-1].get("more_body", True):
            await asyncio.sleep(0)
    it.shop.gate.set()
    cut = await caller.answer()
    await it.landed()

    assert b"progress" in cut.body and b"ran 1" not in cut.body
    assert ("done", False) == (it.issuer.only.state, it.issuer.only.delivered)
    assert "ran 1" == text(await it.call(token=refreshed))


class Forgetful(ApprovingIssuer):
    """An issuer whose first answer to a consumption is lost on its way, after it has counted."""

    async def _rs(self, scope, raw):
        found = await super()._rs(scope, raw)
        return (503, {}) if scope["path"].endswith("/consume") and self.count("consume") == 1 else found


@pytest.mark.requirement("delivery:issuer:a-lost-beginning-is-asked-again")
async def test_a_consumption_whose_answer_is_lost_begins_once_and_leaves_nothing_ambiguous():
    """AP-15: the yes is spent and nobody runs it, unless the same run asks again; two callers at once run it once."""
    it = Approved(Forgetful(resource=RESOURCE))
    await it.call()
    it.issuer.approve()

    first, second = it.begin(), it.begin(request_id=2)
    answers = [await first.answer(), await second.answer()]
    await it.landed()

    assert ["ran 1", "ran 1"] == [text(answer) for answer in answers]
    assert (1, 1, "done") == (len(it.shop.ran), len(set(it.issuer.only.consumed)), it.issuer.only.state)


@pytest.mark.requirement("attack:guard:headers-say-what-the-body-says")
@pytest.mark.parametrize(
    ("method", "name", "header"),
    [("tools/call", "look", "mcp-name"), ("tools/list", "refund", "mcp-method"), ("tools/call", "", "mcp-name")],
)
async def test_nobody_is_asked_about_a_call_that_its_headers_call_otherwise_and_no_yes_is_spent_on_it(
    method, name, header
):
    """SEP-2243: the server refuses it, so a person would say yes to nothing, and a gateway has counted another call."""
    it = Approved()
    headers = (MODERN, ("mcp-method", method), ("mcp-name", name))

    refused = await it.call(headers=headers)
    asked = len(it.issuer.rows)
    await it.call()
    it.issuer.approve()
    again = await it.call(headers=headers)

    expected = {"code": -32020, "message": f"{header} header does not match the request body"}
    assert [(400, expected)] * 2 == [(one.status, one.json["error"]) for one in (refused, again)]
    assert (0, []) == (asked, it.shop.ran)
    assert ("approved", 0) == (it.issuer.only.state, it.issuer.count("consume"))
    assert "ran 1" == text(await it.call())
