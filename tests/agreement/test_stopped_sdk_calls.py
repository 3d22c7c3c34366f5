"""A tool of the official SDK that runs when it is stopped is cancelled where it waits, in each era and each form of an answer."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from resource_lib import write
from resource_lib.integrations import mcp_sdk
from resource_lib.testing.issuer import SUBJECT
from tests.support.followed import Followed
from tests.support.guarded import LEGACY, RESOURCE, free_socket, serving

SCOPES = ("notes:write", "tool:wait", "tool:other")
ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
FORMS = pytest.mark.parametrize("form", ["json", "stream"])
STOPS = {
    "the user": ("user", {"sub": SUBJECT}),
    "the tool": ("tool", {"resource": RESOURCE, "tool": "wait"}),
}


class Tools:
    """A server whose tools wait, and which notes what became of them."""

    def __init__(self):
        self.began, self.cancelled = asyncio.Event(), asyncio.Event()
        self.gate, self.ended = asyncio.Event(), []
        self.server = MCPServer("waits")
        self.server.tool()(self.wait)
        self.server.tool()(self.other)

    async def wait(self, ctx: Context) -> str:
        """Wait until the gate opens."""
        await ctx.report_progress(0, 1)
        self.began.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.ended.append("wait")
        return "done"

    async def other(self) -> str:
        """Wait until the gate opens, too."""
        await self.gate.wait()
        self.ended.append("other")
        return "done"


@asynccontextmanager
async def served(form):
    """Serve such a server behind a guard that follows; yields guard, tools, address."""
    it = Followed(tools={name: write("notes:write") for name in ("wait", "other")})
    tools = Tools()
    app = mcp_sdk.guarded(tools.server, it.guard, json_response=form == "json")
    async with serving(app, free_socket()) as url:
        yield it, tools, f"{url}/mcp"
    await it.aclose()


@asynccontextmanager
async def connected(it, url, mode):
    name, value = it.bearer(*SCOPES)
    async with (
        httpx2.AsyncClient(headers={name: value}, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@ERAS
@FORMS
@pytest.mark.parametrize("what", STOPS)
@pytest.mark.requirement("follow:running:is-cancelled-at-the-server")
async def test_a_tool_of_the_official_sdk_that_is_stopped_is_cancelled_where_it_waits(mode, form, what):
    """C56: in a session the SDK runs a call beside its request, so the request's end alone would stop nothing."""
    kind, subject = STOPS[what]
    async with served(form) as (it, tools, url), connected(it, url, mode) as client:
        running = asyncio.create_task(client.call_tool("wait", {}))
        other = asyncio.create_task(client.call_tool("other", {}))
        await asyncio.wait_for(tools.began.wait(), 60)

        await it.said(kind, "kill", **subject)
        await asyncio.wait_for(tools.cancelled.wait(), 60)
        tools.gate.set()
        async with asyncio.timeout(60):
            told = await asyncio.gather(running, other, return_exceptions=True)

    assert ([] if what == "the user" else ["other"]) == tools.ended
    assert all(isinstance(each, Exception) or each.is_error for each in (told if what == "the user" else told[:1]))


@pytest.mark.requirement("follow:running:is-cancelled-at-the-server")
async def test_a_call_in_a_session_whose_caller_has_hung_up_is_cancelled_too():
    """MCP 2025-11-25 "Transports": a disconnection is no cancellation, so the tool runs on, and nothing but the stop ends it."""
    name, call = "mcp-session-id", {"name": "wait", "arguments": {}}
    async with served("stream") as (it, tools, url), httpx2.AsyncClient(timeout=60) as http:
        http.headers.update([it.bearer(*SCOPES), LEGACY, ("accept", "application/json, text/event-stream")])
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        opened = await http.post(url, json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
        http.headers[name] = opened.headers[name]
        await http.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}
        async with http.stream("POST", url, json=message) as answer:
            await asyncio.wait_for(tools.began.wait(), 60)
            assert 200 == answer.status_code
        async with asyncio.timeout(60):
            while it.guard.revocations.running.runs:
                await asyncio.sleep(0.01)
        runs_on = not tools.cancelled.is_set()

        await it.said("user", "kill", sub=SUBJECT)
        await asyncio.wait_for(tools.cancelled.wait(), 60)

    assert runs_on
    assert [] == tools.ended
