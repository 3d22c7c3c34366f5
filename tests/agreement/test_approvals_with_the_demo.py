"""A refund that waits for Alice's yes: the demo's two processes, the clients that people use, and somebody at the page."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import webbrowser
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import mcp_types as types
import pytest
from fastmcp import Client as FastMCPClient
from fastmcp.client.auth import OAuth
from fastmcp.client.elicitation import ElicitResult as FastMCPAnswer
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from tests.agreement.approvers import Approver, BrowserApprover, FormApprover
from tests.agreement.demo_process import Demo, running
from tests.agreement.people import FormPerson, listening
from tests.agreement.test_demo_and_tour import BY_CHROMIUM, Storage, take
from tests.browser.conftest import chromium

ORDER = "A-1004"
URL_REQUIRED = -32042

WITH_BROWSER = pytest.mark.parametrize("kind", ["forms", BY_CHROMIUM])

_amounts = itertools.count(101)
"""Each test asks for another amount, so that none meets another one's yes."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("demo") / "data") as running_demo:
        yield running_demo


def approver(demo: Demo, login: str, kind: str = "forms") -> Approver:
    user = demo.user(login)
    if kind == "chromium":
        return BrowserApprover(email=user["email"], password=user["password"], executable=str(chromium()))
    return FormApprover(email=user["email"], password=user["password"])


@asynccontextmanager
async def signed_in(demo: Demo, login: str, *ticks: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield HTTP that logs in, and steps up, as the official SDK does, with somebody who ticks those tools."""
    user = demo.user(login)
    person = FormPerson(email=user["email"], password=user["password"], ticks=frozenset(ticks))
    async with listening() as callback:
        provider = OAuthClientProvider(
            demo.facts["resource"],
            OAuthClientMetadata.model_validate(
                {"redirect_uris": [callback.url], "token_endpoint_auth_method": "none", "client_name": "SDK"}
            ),
            Storage(demo.public_client["client_id"], callback.url),
            person.visit,
            lambda: take(callback),
        )
        async with httpx2.AsyncClient(auth=provider, timeout=40, trust_env=False) as http:
            yield http


@asynccontextmanager
async def agent(
    demo: Demo, mode: str, *, login: str = "alice", opens: Any = None, ticks: tuple[str, ...] = ("refund_order",)
) -> AsyncIterator[Client]:
    """Yield the official SDK's client in somebody's name; `opens` is its elicitation callback."""
    async with signed_in(demo, login, *ticks) as http:
        transport = streamable_http_client(demo.facts["resource"], http_client=http)
        async with Client(transport, mode=mode, elicitation_callback=opens) as client:
            await client.list_tools()  # the login; the SDK does not log in and step up within one request
            yield client


def refunded(demo: Demo) -> int:
    """Return what was paid back for the order, as its rows say."""
    with sqlite3.connect(demo.folder / "orders.db") as rows:
        return int(rows.execute("SELECT refunded_cents FROM orders WHERE id = ?", (ORDER,)).fetchone()[0])


def refund(cents: int) -> tuple[str, dict[str, Any]]:
    return "refund_order", {"order_id": ORDER, "amount_cents": cents}


def told(result: Any) -> dict[str, Any]:
    """Return what a client is told of a call that did not run: JSON in the last block of text, for every client alike."""
    assert result.is_error, result
    said = json.loads(result.content[-1].text)
    assert said == (result.structured_content or said)
    return said


def why(result: Any) -> str:
    """Return the typed reason for which a call did not run."""
    return told(result)["error"]


# ---------------------------------------------------------------------------------------------------------------------
# The three deliveries
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("agreement:approvals:the-sdk-opens-the-page-by-itself")
@WITH_BROWSER
async def test_the_sdk_opens_the_page_and_the_retry_runs_once(demo: Demo, kind: str):
    """MCP 2026-07-28, URL elicitation inside an InputRequiredResult: the model sees one call and one result."""
    alice, cents, before = approver(demo, "alice", kind), next(_amounts), refunded(demo)
    while_waiting: list[int] = []

    async def opens(_: Any, asked: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(asked, types.ElicitRequestURLParams)
        while_waiting.append(refunded(demo))
        await alice.decide(asked.url, "allow")
        return types.ElicitResult(action="accept")

    async with agent(demo, "2026-07-28", opens=opens) as client:
        paid = await client.call_tool(*refund(cents))
        once = refunded(demo)
        again = await client.call_tool(*refund(cents))

    assert before + cents == once == paid.structured_content["refunded_cents"]
    assert before + 2 * cents == again.structured_content["refunded_cents"]
    assert [before, before + cents] == while_waiting
    assert 2 == len(set(alice.opened))
    assert f"Pay {cents} cents back for order {ORDER}" in alice.read[0]


@pytest.mark.requirement("agreement:approvals:the-older-era-opens-the-page")
@WITH_BROWSER
async def test_a_session_of_2025_is_told_to_open_the_page_and_calls_again(demo: Demo, kind: str):
    """MCP 2025-11-25 "URL Elicitation Required": -32042 with the page, and nothing has run."""
    alice, cents, before = approver(demo, "alice", kind), next(_amounts), refunded(demo)

    async def opens(_: Any, __: Any) -> types.ElicitResult:
        return types.ElicitResult(action="accept")

    async with agent(demo, "legacy", opens=opens) as client:
        with pytest.raises(MCPError) as asked:
            await client.call_tool(*refund(cents))
        (page,) = asked.value.error.data["elicitations"]
        waited = refunded(demo)
        await alice.decide(page["url"], "allow")
        paid = await client.call_tool(*refund(cents))
        with pytest.raises(MCPError) as asked_again:
            await client.call_tool(*refund(cents))

    assert URL_REQUIRED == asked.value.error.code == asked_again.value.error.code
    assert before == waited
    assert before + cents == refunded(demo) == paid.structured_content["refunded_cents"]
    assert page["url"] != asked_again.value.error.data["elicitations"][0]["url"]


@pytest.mark.requirement("agreement:approvals:a-client-without-elicitation-is-told-in-the-result")
@WITH_BROWSER
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_that_declares_nothing_gets_the_address_in_the_result(demo: Demo, mode: str, kind: str):
    """Design §4: approval_required with approval_id, approval_url, expires_at, retry_after_s; call again with identical arguments."""
    alice, cents, before = approver(demo, "alice", kind), next(_amounts), refunded(demo)

    async with agent(demo, mode) as client:
        waits = await client.call_tool(*refund(cents))
        same = await client.call_tool(*refund(cents))
        said = told(waits)
        waited = refunded(demo)
        await alice.decide(said["approval_url"], "allow")
        paid = await client.call_tool(*refund(cents))
        anew = await client.call_tool(*refund(cents))

    assert "approval_required" == why(waits) == why(anew)
    assert {"approval_id", "approval_url", "expires_at", "retry_after_s"} <= said.keys()
    assert said["approval_url"] == told(same)["approval_url"]
    assert said["approval_url"] in waits.content[0].text
    assert before == waited
    assert before + cents == refunded(demo) == paid.structured_content["refunded_cents"]
    assert said["approval_id"] != told(anew)["approval_id"]


@pytest.mark.requirement("agreement:approvals:fastmcps-client")
@pytest.mark.filterwarnings("ignore:Using in-memory token storage:UserWarning")
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("declares", [False, True], ids=["nothing", "elicitation"])
async def test_fastmcps_client_waits_and_its_retry_runs_once(
    demo: Demo, mode: str, declares: bool, monkeypatch: pytest.MonkeyPatch
):
    """Whatever it declares, nothing runs before the yes, and one yes runs one call."""
    user, visits = demo.user("alice"), []
    person = FormPerson(email=user["email"], password=user["password"], ticks=frozenset({"refund_order"}))

    def open_browser(url: str) -> bool:
        visits.append(asyncio.get_running_loop().create_task(person.visit(url)))
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    alice, cents, before = approver(demo, "alice"), next(_amounts), refunded(demo)

    async def opens(*said: Any) -> Any:
        url = next((getattr(one, "url", None) for one in said if getattr(one, "url", None)), None)
        if url is None:
            return FastMCPAnswer(action="decline")
        await alice.decide(url, "allow")
        return FastMCPAnswer(action="accept")

    options = {"elicitation_handler": opens} if declares else {}
    auth = OAuth(client_id=demo.public_client["client_id"], callback_host="127.0.0.1")
    transport = StreamableHttpTransport(demo.facts["resource"], auth=auth)
    async with FastMCPClient(transport, mode=mode, **options) as client:
        await client.list_tools()
        first = await _attempt(client, cents)
        waited = refunded(demo)
        if isinstance(first, str):
            await alice.decide(first, "allow")
            await _attempt(client, cents)
        paid = refunded(demo)
        second = await _attempt(client, cents)
    await asyncio.gather(*visits)

    assert before == waited or not isinstance(first, str)
    assert before + cents == paid
    assert 1 <= len(alice.opened)
    assert isinstance(second, str) or before + 2 * cents == refunded(demo)


async def _attempt(client: FastMCPClient, cents: int) -> str | dict[str, Any]:
    """Return the answer of a refund, or where somebody has to decide about it."""
    try:
        result = await client.call_tool(*refund(cents), raise_on_error=False)
    except MCPError as error:
        assert URL_REQUIRED == error.error.code, error
        return error.error.data["elicitations"][0]["url"]
    if result.is_error:
        return told(result)["approval_url"]
    return dict(result.structured_content)


# ---------------------------------------------------------------------------------------------------------------------
# What one yes is not for
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("agreement:approvals:a-yes-is-for-one-call-alone")
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_another_amount_is_refused_and_burns_nothing(demo: Demo, mode: str):
    """Issue: a changed amount is refused; the ticket is not burnt."""
    alice, cents, before = approver(demo, "alice"), next(_amounts), refunded(demo)

    async with agent(demo, mode) as client:
        asked = await client.call_tool(*refund(cents))
        await alice.decide(told(asked)["approval_url"], "allow")
        changed = await client.call_tool(*refund(cents + 1000))
        between = refunded(demo)
        paid = await client.call_tool(*refund(cents))

    assert "approval_required" == why(changed)
    assert ["arguments"] == told(changed)["differs"]
    assert told(asked)["approval_id"] != told(changed)["approval_id"]
    assert before == between
    assert before + cents == paid.structured_content["refunded_cents"]


@pytest.mark.requirement("clients:seen:6-a-changed-call-as-a-fresh-one")
async def test_a_changed_call_is_not_covered_as_a_retry_nor_as_a_fresh_call(demo: Demo):
    """clients.md, seen 6: a client that hands back the sealed state of one call with the arguments of another."""
    alice, cents, before = approver(demo, "alice"), next(_amounts), refunded(demo)

    async def opens(_: Any, __: Any) -> types.ElicitResult:
        raise AssertionError("driven by hand here")

    async with agent(demo, "2026-07-28", opens=opens) as client:
        asked = await client.session.call_tool(*refund(cents), allow_input_required=True)
        assert isinstance(asked, types.InputRequiredResult)
        ((name, request),) = asked.input_requests.items()
        await alice.decide(request.params.url, "allow")
        accepted = {
            "input_responses": {name: types.ElicitResult(action="accept")},
            "request_state": asked.request_state,
        }
        as_retry = await client.session.call_tool(*refund(cents + 1000), allow_input_required=True, **accepted)
        as_fresh = await client.session.call_tool(*refund(cents + 1000), allow_input_required=True)
        between = refunded(demo)
        paid = await client.session.call_tool(*refund(cents), allow_input_required=True, **accepted)

    assert "approval_mismatch" == why(as_retry)
    assert isinstance(as_fresh, types.InputRequiredResult)
    assert before == between
    assert before + cents == paid.structured_content["refunded_cents"]


@pytest.mark.requirement("agreement:approvals:nobody-else-decides")
async def test_another_organisation_a_colleague_and_a_stranger_see_what_an_unknown_id_shows(demo: Demo):
    """AP-01, AP-05: for Gina of Globex, and for Bob, whose yes it does not take, there is nothing."""
    cents, before = next(_amounts), refunded(demo)

    async with agent(demo, "2026-07-28") as client:
        asked = await client.call_tool(*refund(cents))
        url = told(asked)["approval_url"]
        unknown = url[:-1] + ("A" if url[-1] != "A" else "B")
        seen = {
            (login, place): await approver(demo, login).look(place)
            for login in ("gina", "bob")
            for place in (url, unknown)
        }
        still = await client.call_tool(*refund(cents))

    assert {404} == {status for status, _ in seen.values()}
    for login in ("gina", "bob"):
        assert seen[login, url] == seen[login, unknown]
    assert "approval_required" == why(still)
    assert before == refunded(demo)


@pytest.mark.requirement("agreement:approvals:nobody-else-decides")
async def test_a_yes_of_one_person_is_not_anothers(demo: Demo):
    """AP-01: the same application, the same call, in Bob's name: his own yes is asked for."""
    cents = next(_amounts)
    async with agent(demo, "2026-07-28") as alices, agent(demo, "2026-07-28", login="bob") as bobs:
        hers = await alices.call_tool(*refund(cents))
        await approver(demo, "alice").decide(told(hers)["approval_url"], "allow")

        his = await bobs.call_tool(*refund(cents))

    assert "approval_required" == why(his)
    assert told(hers)["approval_id"] != told(his)["approval_id"]


@pytest.mark.requirement("agreement:approvals:a-no-is-final")
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_no_is_a_typed_refusal_and_is_not_asked_again(demo: Demo, mode: str):
    """Decision 13: denied until its time is over, without another prompt."""
    alice, cents, before = approver(demo, "alice"), next(_amounts), refunded(demo)

    async with agent(demo, mode) as client:
        asked = await client.call_tool(*refund(cents))
        await alice.decide(told(asked)["approval_url"], "deny")
        answers = [await client.call_tool(*refund(cents)) for _ in range(3)]

    assert ["approval_denied"] * 3 == [why(answer) for answer in answers]
    assert before == refunded(demo)


@pytest.mark.requirement("agreement:approvals:four-eyes-and-machines-wait-for-an-approver")
@WITH_BROWSER
async def test_under_four_eyes_the_requester_cannot_and_an_approver_can(demo: Demo, kind: str):
    """Decision 13: Alice's own agent wants to delete; Bob finds it in his inbox."""
    order = "A-1003" if kind == "chromium" else "A-1002"
    alice, bob = approver(demo, "alice", kind), approver(demo, "bob", kind)

    async with agent(demo, "2026-07-28", ticks=("delete_order",)) as client:
        asked = await client.call_tool("delete_order", {"order_id": order})
        url = told(asked)["approval_url"]
        own = await alice.read_page(url)
        buttons = set(alice.buttons)
        inbox = await bob.read_page(f"{demo.facts['issuer']}/approvals")
        linked = list(bob.links)
        await bob.decide(url, "allow")
        deleted = await client.call_tool("delete_order", {"order_id": order})

    assert "approval_required" == why(asked)
    assert "somebody else has to allow it" in own
    assert "allow" not in buttons
    assert f"Delete order {order} for good." in inbox
    assert url in linked
    assert deleted.structured_content["deleted"] is True


@pytest.mark.requirement("agreement:approvals:four-eyes-and-machines-wait-for-an-approver")
async def test_a_machines_refund_waits_for_an_approver_of_its_organisation(demo: Demo):
    """Design §4: a call by a service principal waits for an `approver`; Globex's do not see it."""
    robot = next(one for one in demo.facts["clients"] if one["name"] == "Acme refund robot")
    cents, before = next(_amounts), refunded(demo)
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        wanted = {
            "grant_type": "client_credentials",
            "resource": demo.facts["resource"],
            "scope": "orders:write tool:refund_order",
        }
        token = await http.post(
            f"{demo.facts['issuer']}/token", data=wanted, auth=(robot["client_id"], robot["client_secret"])
        )
        http.headers["authorization"] = f"Bearer {token.json()['access_token']}"
        transport = streamable_http_client(demo.facts["resource"], http_client=http)
        async with Client(transport, mode="2026-07-28") as client:
            asked = await client.call_tool(*refund(cents))
            url = told(asked)["approval_url"]
            others = [await approver(demo, login).look(url) for login in ("alice", "hugo")]
            await approver(demo, "bob").decide(url, "allow")
            paid = await client.call_tool(*refund(cents))

    assert [404, 404] == [status for status, _ in others]
    assert before + cents == refunded(demo) == paid.structured_content["refunded_cents"]


@pytest.mark.requirement("agreement:approvals:deny-and-stop-ends-the-agent")
async def test_deny_and_stop_ends_the_agents_session_at_once(demo: Demo):
    """C17: no, and this application is done here, in this person's name alone."""
    cents, before, facts = next(_amounts), refunded(demo), demo.facts
    server = (facts["resource_server"]["client_id"], facts["resource_server"]["client_secret"])
    async with signed_in(demo, "carol", "refund_order") as http:
        transport = streamable_http_client(facts["resource"], http_client=http)
        async with Client(transport, mode="2026-07-28") as client:
            await client.list_tools()
            asked = told(await client.call_tool(*refund(cents)))
            held = http.auth.context.current_tokens
            await approver(demo, "carol").decide(asked["approval_url"], "deny_and_stop")
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as other:
            said = await other.post(f"{facts['issuer']}/introspect", auth=server, data={"token": held.access_token})
            fresh = {"grant_type": "refresh_token", "refresh_token": held.refresh_token}
            refused = await other.post(
                f"{facts['issuer']}/token", data={**fresh, "client_id": demo.public_client["client_id"]}
            )
    listed = demo.told("approvals", "list", "--tenant", "acme")

    assert {"active": False} == said.json()
    assert "invalid_grant" == refused.json()["error"]
    assert ["denied"] == [row["state"] for row in listed if row["approval_id"] == asked["approval_id"]]
    assert before == refunded(demo)


@pytest.mark.requirement("agreement:approvals:identical-calls-at-once-share-one-outcome")
async def test_identical_calls_at_once_after_one_yes_pay_once(demo: Demo):
    """Decision 13: who was there before the end hears the one outcome; who came later asks for a new yes, and nothing runs."""
    alice, cents, before = approver(demo, "alice"), next(_amounts), refunded(demo)

    async with agent(demo, "2026-07-28") as client:
        asked = told(await client.call_tool(*refund(cents)))
        await alice.decide(asked["approval_url"], "allow")
        answers = await asyncio.gather(*(client.call_tool(*refund(cents)) for _ in range(20)))

    heard = [answer.structured_content["refunded_cents"] for answer in answers if not answer.is_error]
    late = [told(answer) for answer in answers if answer.is_error]
    assert before + cents == refunded(demo)
    assert {before + cents} == set(heard)
    assert {"approval_required"} >= {one["error"] for one in late}
    assert asked["approval_id"] not in {one["approval_id"] for one in late}
