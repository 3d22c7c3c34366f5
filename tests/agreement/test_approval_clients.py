"""Real clients meet a call that waits for a yes: with a way to open pages, in sessions, and with nothing at all."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastmcp import Client as FastMCPClient
from fastmcp import FastMCP
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp_types import ElicitResult

from resource_lib import ResourceGuard, destructive
from resource_lib.integrations import fastmcp as fastmcp_adapter
from resource_lib.integrations import mcp_sdk
from tests.support.approving_issuer import ApprovingIssuer
from tests.support.bare import BARE
from tests.support.guarded import free_socket, serving

SCOPES = ("orders:write", "tool:refund")

# What the SDK calls deprecated is what clients of today do.
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


class Till:
    """A shop that gives money back, made with either framework."""

    def __init__(self, framework):
        self.paid = []
        self._server = MCPServer("till") if framework == "sdk" else FastMCP("till")
        self._adapter = mcp_sdk if framework == "sdk" else fastmcp_adapter

        @self._server.tool()
        async def refund(order: str, amount: int) -> str:
            """Give money back."""
            await asyncio.sleep(0)
            self.paid.append((order, amount))
            return f"paid {len(self.paid)}"

    def guarded(self, guard):
        return self._adapter.guarded(self._server, guard)


@asynccontextmanager
async def selling(framework):
    """Serve the till over a port; yields it, its issuer, and a token."""
    place, till = free_socket(), Till(framework)
    issuer = ApprovingIssuer(resource=f"http://127.0.0.1:{place.getsockname()[1]}/mcp")
    guard = ResourceGuard(
        **BARE,
        issuer=issuer.issuer,
        resource=issuer.resource,
        keys=issuer.keys(),
        channel=issuer.channel(),
        tools={"refund": destructive("orders:write")},
    )
    async with serving(till.guarded(guard), place):
        yield till, issuer


class Bearer(httpx2.Auth):
    """The caller's token, always the same login."""

    def __init__(self, issuer):
        self._token = issuer.token(scopes=SCOPES)

    def auth_flow(self, request):
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request


@asynccontextmanager
async def sdk_client(issuer, mode, opens=None):
    async with (
        httpx2.AsyncClient(auth=Bearer(issuer), timeout=20) as http,
        Client(
            streamable_http_client(issuer.resource, http_client=http), mode=mode, elicitation_callback=opens
        ) as client,
    ):
        yield client


FRAMEWORKS = pytest.mark.parametrize("framework", ["sdk", "fastmcp"])


def person(issuer, opened, *, yes=True):
    """Somebody whose client opens pages, and who decides there."""

    async def opens(_context, params):
        opened.append((params.mode, getattr(params, "url", None)))
        if yes is None:
            return ElicitResult(action="decline")
        (issuer.approve if yes else issuer.deny)(issuer.rows[-1])
        return ElicitResult(action="accept")

    return opens


@FRAMEWORKS
@pytest.mark.requirement("delivery:clients:sdk-opens-the-page")
async def test_the_sdk_client_opens_the_page_and_its_call_runs_once(framework):
    """2026-07-28 with a URL elicitation callback: one call of the application, one page, one refund; the next one asks again."""
    opened = []
    async with (
        selling(framework) as (till, issuer),
        sdk_client(issuer, "2026-07-28", person(issuer, opened)) as client,
    ):
        first = await client.call_tool("refund", {"order": "o1", "amount": 100})
        second = await client.call_tool("refund", {"order": "o1", "amount": 100})

    assert [("paid 1", False), ("paid 2", False)] == [(r.content[0].text, bool(r.is_error)) for r in (first, second)]
    assert [("url", f"{issuer.issuer}/approvals/{row.id}") for row in issuer.rows] == opened
    assert (2, [1, 1]) == (len(till.paid), [len(row.consumed) for row in issuer.rows])


@FRAMEWORKS
@pytest.mark.parametrize(("yes", "word"), [(False, "approval_denied"), (None, "approval_denied")])
@pytest.mark.requirement("delivery:clients:sdk-hears-a-no")
async def test_the_sdk_client_hears_a_no_once(framework, yes, word):
    """A no on the page, and a page that nobody wanted to open: one typed answer, no loop, no refund."""
    opened = []
    async with (
        selling(framework) as (till, issuer),
        sdk_client(issuer, "2026-07-28", person(issuer, opened, yes=yes)) as client,
    ):
        found = await client.call_tool("refund", {"order": "o1", "amount": 100})

    assert (True, word, 1, []) == (found.is_error, found.structured_content["error"], len(opened), till.paid)


@FRAMEWORKS
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
@pytest.mark.requirement("delivery:clients:sdk-without-elicitation")
async def test_the_sdk_client_without_elicitation_is_told_in_words_and_calls_again(framework, mode):
    """Nothing declared: a result that a model can act on, and the identical call runs after the yes."""
    async with selling(framework) as (till, issuer), sdk_client(issuer, mode) as client:
        waiting = await client.call_tool("refund", {"order": "o1", "amount": 100})
        issuer.approve()
        changed = await client.call_tool("refund", {"order": "o1", "amount": 999})
        ran = await client.call_tool("refund", {"order": "o1", "amount": 100})

    said = waiting.meta["authserver/error"]
    assert waiting.is_error and changed.is_error
    assert ("approval_required", f"{issuer.issuer}/approvals/{issuer.rows[0].id}") == (
        said["error"],
        said["approval_url"],
    )
    assert "identical arguments" in waiting.content[0].text
    assert ("paid 1", [("o1", 100)]) == (ran.content[0].text, till.paid)


@FRAMEWORKS
@pytest.mark.requirement("delivery:clients:sdk-in-a-session")
async def test_the_sdk_client_in_a_session_gets_the_error_of_its_revision(framework):
    """2025-11-25 with URL elicitation declared: -32042 with the page, then the same call runs."""
    async with selling(framework) as (till, issuer), sdk_client(issuer, "legacy", person(issuer, [])) as client:
        with pytest.raises(MCPError) as refusal:
            await client.call_tool("refund", {"order": "o1", "amount": 100})
        issuer.approve()
        ran = await client.call_tool("refund", {"order": "o1", "amount": 100})

    error = refusal.value.error
    assert (-32042, f"{issuer.issuer}/approvals/{issuer.rows[0].id}") == (
        error.code,
        error.data["elicitations"][0]["url"],
    )
    assert ("paid 1", 1) == (ran.content[0].text, len(till.paid))


@FRAMEWORKS
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
@pytest.mark.requirement("delivery:clients:fastmcp")
async def test_fastmcps_client_is_told_and_calls_again(framework, mode):
    """FastMCP's client declares forms at most: it is told in words, in either era."""
    async with selling(framework) as (till, issuer):
        transport = StreamableHttpTransport(issuer.resource, auth=Bearer(issuer))
        async with FastMCPClient(transport, mode=mode) as client:
            waiting = await client.call_tool_mcp("refund", {"order": "o1", "amount": 100})
            issuer.approve()
            ran = await client.call_tool_mcp("refund", {"order": "o1", "amount": 100})

    assert waiting.is_error
    assert "approval_required" in waiting.content[-1].text
    assert ("paid 1", 1) == (ran.content[0].text, len(till.paid))


@pytest.mark.requirement("delivery:clients:long-poll-of-a-person")
async def test_the_sdk_client_waits_while_its_person_reads():
    """The page is open, the person reads for a moment: the client's own retries meet the yes by themselves."""
    opened = []

    async def opens(_context, params):
        opened.append(params.url)
        return ElicitResult(action="accept")

    async with selling("sdk") as (till, issuer), sdk_client(issuer, "2026-07-28", opens) as client:
        call = asyncio.create_task(client.call_tool("refund", {"order": "o1", "amount": 100}))
        while not issuer.count("state"):
            await asyncio.sleep(0.01)
        issuer.approve()
        found = await call

    assert ("paid 1", 1, 1) == (found.content[0].text, len(opened), len(till.paid))
