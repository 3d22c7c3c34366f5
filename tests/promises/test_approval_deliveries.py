"""How a client learns that somebody must open a page: three ways, by what it declared, and what it may carry for us."""

import asyncio
import base64
import json

import pytest

from resource_lib.backchannel.credential import Credential
from resource_lib.transport.deliveries import ASKED
from resource_lib.transport.request_state import CarriedState, StateSeal
from tests.support.approved import SCOPES, URL_CLIENT, Approved
from tests.support.guarded import LEGACY, MODERN, RESOURCE


def accepted(first, action="accept"):
    """What a client sends when it calls again after it asked its person."""
    return {
        "requestState": first.json["result"]["requestState"],
        "inputResponses": {ASKED: {"action": action}},
        "capabilities": URL_CLIENT,
    }


def text(answer):
    return answer.json["result"]["content"][0]["text"]


@pytest.fixture
def patience(monkeypatch):
    """A retry does not wait for a person whom no test has."""
    monkeypatch.setattr("resource_lib.held.PATIENCE_S", 0)


@pytest.mark.requirement("delivery:url-elicitation:2026-07-28")
async def test_a_client_that_opens_urls_is_asked_by_input_required_and_runs_once_on_its_retry():
    """MCP 2026-07-28 elicitation in URL mode: our page decides, `accept` only says that it was opened."""
    it = Approved()

    first = await it.call(capabilities=URL_CLIENT)
    asked = first.json["result"]
    it.issuer.approve()
    ran = await it.call(request_id=2, **accepted(first))

    assert "input_required" == asked["resultType"]
    request = asked["inputRequests"][ASKED]
    assert "elicitation/create" == request["method"]
    assert {"mode": "url", "url": f"{it.issuer.issuer}/approvals/{it.issuer.only.id}"} == {
        name: request["params"][name] for name in ("mode", "url")
    }
    assert "refund" in request["params"]["message"]
    assert "ran 1" == text(ran)
    assert not {"inputResponses", "requestState"} & set(it.shop.ran[0])
    assert "amount" in it.shop.ran[0]["arguments"] and "_meta" in it.shop.ran[0]


@pytest.mark.requirement("delivery:url-elicitation:accept-is-no-yes")
async def test_accept_opens_a_page_and_approves_nothing(patience):
    """A client that says accept for ever never runs anything, and is told so in the end."""
    it = Approved()
    answer = await it.call(capabilities=URL_CLIENT)
    rounds = []
    while "resultType" in answer.json["result"] and answer.json["result"]["resultType"] == "input_required":
        rounds.append("inputRequests" in answer.json["result"])
        answer = await it.call(**accepted(answer))

    assert [True, False, False, False] == rounds, "one page is opened, not one for each try"
    assert "approval_required" == answer.error["error"]
    assert ([], "pending", 1) == (it.shop.ran, it.issuer.only.state, len(it.issuer.rows))


async def test_a_retry_waits_a_moment_for_the_person_whose_browser_was_just_opened():
    """The person decides while the client waits: the retry runs by itself."""
    it = Approved()
    first = await it.call(capabilities=URL_CLIENT)
    retry = it.begin(**accepted(first))
    while not it.issuer.count("state"):
        await asyncio.sleep(0)

    it.issuer.approve()

    assert "ran 1" == text(await retry.answer())


@pytest.mark.parametrize("action", ["decline", "cancel", "approve", None, 1])
@pytest.mark.requirement("delivery:url-elicitation:declined")
async def test_a_person_who_does_not_open_the_page_is_not_asked_again(action):
    """The record stays as it is; the model is told not to try again by itself."""
    it = Approved()
    first = await it.call(capabilities=URL_CLIENT)

    answer = await it.call(**accepted(first, action))

    assert ("approval_denied", it.issuer.only.id) == (answer.error["error"], answer.error["approval_id"])
    assert answer.error["approval_url"].endswith(it.issuer.only.id)
    assert ("pending", []) == (it.issuer.only.state, it.shop.ran)


@pytest.mark.parametrize(
    "capabilities",
    [{}, {"elicitation": {}}, {"elicitation": {"form": {}}}, {"elicitation": {"url": True}}, {"elicitation": []}],
)
@pytest.mark.requirement("delivery:form:is-never-an-approval")
async def test_a_client_that_fills_in_forms_is_told_in_words(capabilities):
    """A form is filled in by the client: nothing of it counts, whatever it holds."""
    it = Approved()

    answer = await it.call(
        capabilities=capabilities, inputResponses={ASKED: {"action": "accept", "content": {"approved": True}}}
    )

    assert ("approval_required", True, "complete") == (
        answer.error["error"],
        answer.json["result"]["isError"],
        answer.json["result"]["resultType"],
    )
    assert ("pending", []) == (it.issuer.only.state, it.shop.ran)


@pytest.mark.requirement("delivery:url-required:2025-11-25")
async def test_a_session_that_declared_urls_gets_the_error_of_its_revision():
    """MCP 2025-11-25: -32042 with the page; after the yes the same call runs."""
    it = Approved()
    headers = await it.session(URL_CLIENT)

    first = await it.call(headers=headers)
    it.issuer.approve()
    ran = await it.call(headers=headers)

    error = first.json["error"]
    asked = {"mode": "url", "url": f"{it.issuer.issuer}/approvals/{it.issuer.only.id}"}
    assert (200, -32042) == (first.status, error["code"])
    assert asked.items() <= error["data"]["elicitations"][0].items()
    assert it.issuer.only.id == error["data"]["elicitations"][0]["elicitationId"]
    assert "approval_required" == error["data"]["error"]
    assert "ran 1" == text(ran)


@pytest.mark.requirement("delivery:url-required:nobody-else")
async def test_that_error_goes_to_nobody_who_did_not_declare_it_in_that_revision():
    """MCP 2026-07-28: -32042 must not be sent any more; 2025-11-25: never undeclared, and a session is its owner's."""
    it = Approved()
    declared = await it.session(URL_CLIENT)
    plain = await it.session({"elicitation": {}})
    older = [("mcp-protocol-version", "2025-06-18"), declared[1]]
    modern = [MODERN, declared[1]]

    answers = [await it.call(headers=headers) for headers in (plain, older, modern, [LEGACY], [])]
    stolen = await it.call(headers=declared, token=it.issuer.token(scopes=SCOPES, subject="usr_b"))

    assert {"approval_required"} == {answer.error["error"] for answer in answers}
    assert all("result" in answer.json for answer in answers)
    assert 404 == stolen.status


async def test_what_a_session_declared_is_forgotten_with_it():
    """Bounded memory: as many as there are sessions."""
    it = Approved(max_sessions=2)
    first = await it.session(URL_CLIENT)
    closed = await it.session(URL_CLIENT)
    await it.raw(b"", *closed, method="DELETE").answer()
    await it.session({})
    await it.session({})

    assert set() == it.guard._sessions._take_urls
    assert 404 == (await it.call(headers=first)).status


@pytest.mark.requirement("delivery:state:bound-to-its-call")
@pytest.mark.parametrize(
    "other",
    [
        {"arguments": {"order": "o1", "amount": 999}},
        {"tool": "pay_out"},
        {"token": {"subject": "usr_b"}},
        {"token": {"tenant": "ten_bbbbbbbbbbbbbbbb"}},
        {"token": {"client_id": "cli_b"}},
        {"token": {"override": {"authorization_id": "aut_b"}}},
    ],
)
async def test_a_state_of_another_call_or_caller_is_a_mismatch_and_burns_nothing(other):
    """AP-03: what a client carries is bound to everything it should be; a yes survives whoever tries it."""
    it = Approved()
    first = await it.call(capabilities=URL_CLIENT)
    it.issuer.approve()
    asked = it.issuer.count("ask")
    if "token" in other:
        other = {"token": it.issuer.token(scopes=SCOPES, **other["token"])}

    answer = await it.call(**accepted(first), **other)

    assert "approval_mismatch" == answer.error["error"]
    assert ("approved", asked, []) == (it.issuer.only.state, it.issuer.count("ask"), it.shop.ran)


@pytest.mark.requirement("delivery:state:hostile")
@pytest.mark.parametrize("how", ["bits", "cut", "other-key", "plain", "number", "app's", "old", "deep"])
async def test_a_forged_or_old_state_counts_as_none(how, patience):
    """The state permits nothing: without it the issuer's record alone decides."""
    it = Approved()
    first = await it.call(capabilities=URL_CLIENT)
    state = first.json["result"]["requestState"]
    seal = it.guard._held._seal
    opened = seal.open(state, now=0)
    other = StateSeal(Credential(client_id="x", secret="another"), resource=RESOURCE)
    forged = {
        "bits": state[:40] + ("A" if state[40] != "A" else "B") + state[41:],
        "cut": state[:30],
        "other-key": other.seal(opened),
        "plain": "rg1." + base64.urlsafe_b64encode(json.dumps({"approval_id": "x"}).encode()).decode(),
        "number": 7,
        "app's": "eyJ0eXAi",
        "old": seal.seal(CarriedState(**{**_fields(opened), "ends_at": 1, "leg": 1})),
        "deep": "rg1." + "A" * 300_000,
    }[how]

    answer = await it.call(capabilities=URL_CLIENT, requestState=forged, inputResponses={ASKED: {"action": "accept"}})

    assert "inputRequests" in answer.json["result"]
    assert ([], 1) == (it.shop.ran, len(it.issuer.rows))


def _fields(state):
    return {name: getattr(state, name) for name in state.__slots__}


def test_every_instance_opens_what_another_one_sealed_and_nobody_else_does():
    """One credential, many processes: no key of a single process (and none in the state itself)."""
    state = CarriedState(
        **dict.fromkeys(
            ("tenant", "subject", "client_id", "authorization_id", "tool", "args_hash", "definition_hash"), "a"
        ),
        approval_id="ap_secret",
        url="https://a.test/",
        expires_at=1,
        ends_at=10,
    )
    one = StateSeal(Credential(client_id="c", secret="s"), resource=RESOURCE)
    sealed = one.seal(state)

    assert state == StateSeal(Credential(client_id="c", secret="s"), resource=RESOURCE).open(sealed, now=9)
    assert None is StateSeal(Credential(client_id="c", secret="s"), resource="https://b.test/").open(sealed, now=9)
    assert None is one.open(sealed, now=10)
    assert b"ap_secret" not in base64.urlsafe_b64decode(sealed[4:])
    assert sealed != one.seal(state)


@pytest.mark.requirement("delivery:legs:one-yes-each-leg-once")
async def test_a_tool_that_asks_for_more_goes_on_under_the_same_yes_and_each_leg_runs_once():
    """MCP "Multi Round-Trip Requests": the tool's own state travels inside ours; a leg that is played again begins nothing."""
    it = Approved()
    it.shop.asks_more = 2
    await it.call(capabilities=URL_CLIENT)
    it.issuer.approve()

    paused = await it.call(capabilities=URL_CLIENT)
    answers = {"sure": {"action": "accept", "content": {"x": 1}}}
    second = {"requestState": paused.json["result"]["requestState"], "inputResponses": answers}
    paused_again = await it.call(**second)
    third = {"requestState": paused_again.json["result"]["requestState"], "inputResponses": answers}
    ran = await it.call(**third)
    await it.landed_but_paused()
    played = await it.call(**third)

    assert "input_required" == paused.json["result"]["resultType"]
    assert ["sure"] == list(paused.json["result"]["inputRequests"])
    assert [None, "x", "xx"] == [call.get("requestState") for call in it.shop.ran]
    assert [None, answers, answers] == [call.get("inputResponses") for call in it.shop.ran]
    assert "ran 3" == text(ran)
    assert "isError" not in ran.json["result"]
    assert 3 == len(it.shop.ran) == len(it.issuer.only.consumed)
    assert "ran 3" == text(played), "told again, not run again"


async def test_a_leg_cannot_be_taken_up_with_other_arguments_or_twice_at_once():
    """Exactly once, for every leg: two that come together begin one."""
    it = Approved()
    it.shop.asks_more = 1
    await it.call()
    it.issuer.approve()
    paused = await it.call()
    it.shop.gate, it.shop.started = asyncio.Event(), asyncio.Event()
    more = {"requestState": paused.json["result"]["requestState"], "inputResponses": {}}
    other = await it.call(arguments={"order": "o1", "amount": 999}, **more)
    elsewhere = Approved(it.issuer, it.shop)
    both = [it.begin(**more), it.begin(**more), elsewhere.begin(token=it.token, **more)]
    await it.shop.started.wait()
    it.shop.gate.set()

    answers = [await call.answer() for call in both]

    assert "approval_mismatch" == other.error["error"]
    assert {"ran 2"} == {text(answer) for answer in answers}
    assert 2 == len(it.shop.ran)


@pytest.mark.requirement("delivery:challenge-style:in-the-result")
@pytest.mark.parametrize(
    ("style", "inside"), [("result", True), (["cli_aaaaaaaaaaaaaaaa"], True), (["cli_b"], False), ("http", False)]
)
async def test_a_missing_scope_can_be_said_in_the_result_for_clients_that_look_there(style, inside):
    """ChatGPT reads `_meta["mcp/www_authenticate"]`; everybody else keeps the HTTP 403 of the specification."""
    it = Approved(challenge_style=style)
    token = it.issuer.token(scopes=["orders:read"])

    answer = await it.call("note", {}, token=token)

    assert "insufficient_scope" == answer.error["error"]
    if inside:
        challenge = answer.json["result"]["_meta"]["mcp/www_authenticate"][0]
        assert (200, True) == (answer.status, answer.json["result"]["isError"])
    else:
        challenge = answer.header("www-authenticate")
        assert 403 == answer.status
    assert 'error="insufficient_scope"' in challenge and "tool:note" in challenge and "resource_metadata" in challenge


async def test_a_style_nobody_knows_stops_the_start():
    """A wrong value names the setting and the cure."""
    with pytest.raises(ValueError, match="challenge_style"):
        Approved(challenge_style="chatgpt")
