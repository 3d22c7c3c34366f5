"""The examples, each behind its guard on a real port, called by the official SDK's client and by FastMCP's in both eras."""

import asyncio
import importlib
import json
import sys
import time
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastmcp import Client as FastMCPClient
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.server.dependencies import get_access_token as fastmcp_access_token
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token

from resource_lib import NoPrincipalError, ResourceGuard, current_principal, read
from resource_lib.integrations import fastmcp as fastmcp_adapter
from resource_lib.integrations import mcp_sdk
from resource_lib.integrations.asgi import principal_of
from resource_lib.testing import TestIssuer
from tests.support.bare import BARE
from tests.support.guarded import call, free_socket, serving

A, B = "ten_aaaaaaaaaaaaaaaa", "ten_bbbbbbbbbbbbbbbb"
ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])


class Bearer(httpx2.Auth):
    """A token that can change in the middle of a connection, as after a refresh or a step-up."""

    def __init__(self, token):
        self.token = token

    def auth_flow(self, request):
        request.headers["authorization"] = f"Bearer {self.token}"
        yield request


@asynccontextmanager
async def sdk_client(url, bearer, mode):
    async with (
        httpx2.AsyncClient(auth=bearer, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def fastmcp_client(url, bearer, mode):
    async with FastMCPClient(StreamableHttpTransport(url, auth=bearer), mode=mode) as client:
        yield client


CLIENTS = pytest.mark.parametrize("connect", [sdk_client, fastmcp_client])


@asynccontextmanager
async def example(name, monkeypatch):
    """Serve an example as its reader would, beside an issuer on another port; yields the issuer."""
    own, issuers = free_socket(), free_socket()
    resource = f"http://127.0.0.1:{own.getsockname()[1]}/mcp"
    issuer = TestIssuer(f"http://127.0.0.1:{issuers.getsockname()[1]}", resource=resource)
    monkeypatch.setenv("ISSUER", issuer.issuer)
    monkeypatch.setenv("RESOURCE", resource)
    sys.modules.pop(f"examples.{name}", None)
    module = importlib.import_module(f"examples.{name}")
    async with serving(issuer.app, issuers), serving(module.app, own):
        yield issuer


async def text_of(client, tool, **arguments):
    """Call a tool by either client and return its text and whether it is an error."""
    call_tool = getattr(client, "call_tool_mcp", client.call_tool)
    result = await call_tool(tool, arguments)
    return result.content[0].text, bool(result.is_error)


@ERAS
@CLIENTS
@pytest.mark.requirement("guard:integrations:official-sdk")
async def test_the_official_sdk_example_serves_refuses_and_steps_up(connect, mode, monkeypatch):
    """Design §4: five lines guard a server; a token that grows is heard at once, in the same session."""
    async with example("official_sdk", monkeypatch) as issuer:
        bearer = Bearer(issuer.token(scopes=["notes:read"]))
        async with connect(issuer.resource, bearer, mode) as client:
            listed = await client.list_tools()
            with pytest.raises(MCPError) as refusal:
                await text_of(client, "add_note", text="one")
            bearer.token = issuer.token(scopes=["notes:read", "notes:write", "tool:add_note", "tool:clear_notes"])
            added = await text_of(client, "add_note", text="one")
            role = await text_of(client, "clear_notes")
            unknown = await text_of(client, "drop")
            bearer.token = issuer.token(scopes=["notes:write", "tool:clear_notes"], roles=["admin"])
            cleared = await text_of(client, "clear_notes")

    # What only lacks a scope is listed; what is for another role is not, and is refused all the same.
    assert ["add_note", "list_notes"] == [tool.name for tool in getattr(listed, "tools", listed)]
    assert (-31403, "insufficient_scope") == (refusal.value.error.code, refusal.value.error.data["error"])
    assert [("1", False), ("Unknown tool: drop", True), ("1", False)] == [added, unknown, cleared]
    assert role[1]


@ERAS
@CLIENTS
@pytest.mark.requirement("guard:integrations:low-level-server")
async def test_the_low_level_example_knows_each_caller(connect, mode, monkeypatch):
    """`current_principal()` inside the handler of a low-level server."""
    async with example("lowlevel_sdk", monkeypatch) as issuer:
        bearer = Bearer(issuer.token(scopes=["profile:read"], subject="usr_1"))
        async with connect(issuer.resource, bearer, mode) as client:
            assert (f"usr_1 of {A}", False) == await text_of(client, "who_am_i")


@ERAS
@CLIENTS
@pytest.mark.requirement("guard:integrations:fastmcp")
async def test_the_fastmcp_example_takes_its_policy_from_annotations(connect, mode, monkeypatch):
    """The author's own annotations; imported while uvicorn's loop runs."""
    async with example("fastmcp_server", monkeypatch) as issuer:
        bearer = Bearer(issuer.token(scopes=["counter:read"]))
        async with connect(issuer.resource, bearer, mode) as client:
            assert ("0", False) == await text_of(client, "show")
            with pytest.raises(MCPError):
                await text_of(client, "add", amount=2)
            bearer.token = issuer.token(scopes=["counter:read", "counter:write", "tool:add"])
            assert ("2", False) == await text_of(client, "add", amount=2)


def sdk_server():
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context

    server = MCPServer("who")

    @server.tool()
    async def who(ctx: Context, pause: float = 0) -> str:
        before = current_principal()
        await asyncio.sleep(pause)
        token = get_access_token()
        request = ctx.request_context.request
        return json.dumps(
            {
                "contextvar": [before.tenant, before.subject, sorted(before.scopes)],
                "after": [current_principal().tenant, current_principal().subject, sorted(current_principal().scopes)],
                "request": [(p := principal_of(request.scope)).tenant, p.subject, sorted(p.scopes)],
                "sdk": [token.claims["tenant_id"], token.subject, token.scopes],
                "token": token.token,
                "headers": dict(request.headers),
            }
        )

    return lambda guard: mcp_sdk.guarded(server, guard)


def fastmcp_server():
    from fastmcp import FastMCP
    from fastmcp.server.dependencies import get_http_request

    server = FastMCP("who")

    @server.tool
    async def who(pause: float = 0) -> str:
        before = current_principal()
        await asyncio.sleep(pause)
        token = fastmcp_access_token()
        request = get_http_request()
        return json.dumps(
            {
                "contextvar": [before.tenant, before.subject, sorted(before.scopes)],
                "after": [current_principal().tenant, current_principal().subject, sorted(current_principal().scopes)],
                "request": [(p := principal_of(request.scope)).tenant, p.subject, sorted(p.scopes)],
                "sdk": [token.claims["tenant_id"], token.subject, token.scopes],
                "token": token.token,
                "headers": dict(request.headers),
            }
        )

    return lambda guard: fastmcp_adapter.guarded(server, guard)


SERVERS = pytest.mark.parametrize("make", [sdk_server, fastmcp_server])


@asynccontextmanager
async def serving_who(make):
    place = free_socket()
    issuer = TestIssuer(resource=f"http://127.0.0.1:{place.getsockname()[1]}/mcp")
    guard = ResourceGuard(
        **BARE, issuer=issuer.issuer, resource=issuer.resource, keys=issuer.keys(), tools={"who": read("profile:read")}
    )
    async with serving(make()(guard), place):
        yield issuer


@ERAS
@SERVERS
@pytest.mark.requirement("guard:principal:right-for-each-call")
async def test_each_call_of_a_session_sees_the_token_it_came_with(make, mode):
    """The session's loop runs in the first request's task; the second caller's token must not look like the first's."""
    async with serving_who(make) as issuer:
        bearer = Bearer(issuer.token(scopes=["profile:read", "first"]))
        async with sdk_client(issuer.resource, bearer, mode) as client:
            first = json.loads((await text_of(client, "who"))[0])
            bearer.token = issuer.token(scopes=["profile:read", "second"])
            second = json.loads((await text_of(client, "who"))[0])

    for answer, scope in ((first, "first"), (second, "second")):
        expected = [A, "usr_aaaaaaaaaaaaaaaa", [scope, "profile:read"] if scope < "p" else ["profile:read", scope]]
        assert [expected] * 4 == [answer[place] for place in ("contextvar", "after", "request", "sdk")]
        assert "" == answer["token"]
        assert "authorization" not in answer["headers"]


@ERAS
@SERVERS
async def test_calls_of_two_tenants_at_once_never_see_each_other(make, mode):
    """C07: two people, one server, interleaved calls."""
    async with serving_who(make) as issuer:

        async def one(tenant, subject):
            token = issuer.token(scopes=["profile:read"], tenant=tenant, subject=subject)
            async with sdk_client(issuer.resource, Bearer(token), mode) as client:
                answers = await asyncio.gather(*(text_of(client, "who", pause=0.01 * (n % 3)) for n in range(8)))
                return [json.loads(text) for text, _ in answers]

        results = await asyncio.gather(one(A, "usr_1"), one(B, "usr_1"), one(A, "usr_2"), one(B, "usr_9"))

    for answers, (tenant, subject) in zip(
        results, [(A, "usr_1"), (B, "usr_1"), (A, "usr_2"), (B, "usr_9")], strict=True
    ):
        seen = {
            (place, *answer[place][:2]) for answer in answers for place in ("contextvar", "after", "request", "sdk")
        }
        assert {(place, tenant, subject) for place in ("contextvar", "after", "request", "sdk")} == seen


@SERVERS
async def test_a_stolen_session_id_opens_nothing_at_a_real_server(make):
    """MCP "Session Hijacking": at the guard and, by the identity it hands on, at the SDK itself."""
    async with serving_who(make) as issuer, httpx2.AsyncClient() as http:
        headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}

        async def post(token, message, session=None):
            more = {"mcp-session-id": session} if session else {}
            return await http.post(
                issuer.resource, headers={**headers, **more, "authorization": f"Bearer {token}"}, json=message
            )

        hello = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "x", "version": "1"},
            },
        }
        opened = await post(issuer.token(scopes=["profile:read"]), hello)
        session = opened.headers["mcp-session-id"]
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}

        stolen = await post(issuer.token(scopes=["profile:read"], subject="usr_2"), listing, session)
        own = await post(issuer.token(scopes=["profile:read"]), listing, session)

    assert (200, 404, 200) == (opened.status_code, stolen.status_code, own.status_code)


@SERVERS
async def test_the_open_stream_of_a_real_session_ends_with_its_token(make):
    """RS-34: the GET stream of 2025-11-25, in the SDK's own task groups, ends properly and leaves the session usable."""
    async with serving_who(make) as issuer, httpx2.AsyncClient(timeout=60) as http, asyncio.timeout(60):
        headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        short = {"authorization": "Bearer " + issuer.token(override={"exp": int(time.time()) + 1})}
        opened = await http.post(issuer.resource, headers=headers | short, json=message)
        headers["mcp-session-id"] = opened.headers["mcp-session-id"]

        async with http.stream("GET", issuer.resource, headers=headers | short) as stream:
            status, rest = stream.status_code, [chunk async for chunk in stream.aiter_raw()]
        fresh = {"authorization": "Bearer " + issuer.token(scopes=["profile:read"])}
        after = await http.post(
            issuer.resource, headers=headers | fresh, json={"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        )

    assert (200, [], 200) == (status, [chunk for chunk in rest if not chunk.startswith(b":")], after.status_code)


async def test_outside_a_guard_there_is_no_caller():
    """An unguarded request is told so, not given somebody."""
    with pytest.raises(NoPrincipalError):
        principal_of({"type": "http"})
    with pytest.raises(NoPrincipalError):
        principal_of({"type": "http", "principal": {"tenant": A}})


async def test_what_comes_from_outside_cannot_name_a_caller():
    """The adapters believe the guard's own object, not a header or a dict."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope.get("user"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    class Server:
        def streamable_http_app(self):
            return app

        def http_app(self):
            return app

    guard = ResourceGuard(
        **BARE,
        issuer="https://i.example",
        resource="https://r.example/mcp",
        tools={"who": read("x")},
        public_paths=["/open"],
    )
    for adapter in (mcp_sdk, fastmcp_adapter):
        await call(adapter.guarded(Server(), guard), "GET", "/open", headers=[("principal", "admin")])

    assert [None, None] == seen
