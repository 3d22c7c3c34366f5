"""Real servers, held to the schemas they make of their own functions: nothing set, both clients, both eras, batches."""

import json
from enum import Enum
from typing import Annotated, Literal

import jsonschema
import pytest
from fastmcp import FastMCP
from mcp.server import MCPServer
from pydantic import BaseModel, Field

from resource_lib import ResourceGuard, destructive, read
from resource_lib.integrations import fastmcp as fastmcp_adapter
from resource_lib.integrations import mcp_sdk
from resource_lib.testing import TestIssuer
from resource_lib.wire.approvals import ApprovalRule
from tests.agreement.test_guard_integrations import CLIENTS, ERAS, Bearer
from tests.support.approved import Approved, Shop
from tests.support.guarded import LEGACY, MODERN, call, free_socket, serving

SEEN = []


class City(BaseModel):
    name: Annotated[str, Field(max_length=20)]
    zip: int | None = None


class Place(BaseModel):
    kind: Literal["place"]
    city: City


class Point(BaseModel):
    kind: Literal["point"]
    x: float
    y: float


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def find(
    *,
    word: Annotated[str, Field(min_length=1, max_length=64)],
    limit: Annotated[int, Field(ge=1, le=1000)] = 100,
    cities: list[City] | None = None,
    where: Annotated[Place | Point, Field(discriminator="kind")] | None = None,
    colour: Colour = Colour.RED,
    more: dict[str, int] | None = None,
) -> str:
    """Find a word. Use it when one is looked for; not for anything else."""
    SEEN.append((word, limit, cities, where, colour, more))
    return "found"


def nothing() -> str:
    """Take no arguments."""
    SEEN.append(())
    return "nothing"


def sdk_server():
    server = MCPServer("args")
    server.tool()(find)
    server.tool()(nothing)
    return server, mcp_sdk.guarded


def fastmcp_server():
    server = FastMCP("args")
    server.tool(find)
    server.tool(nothing)
    return server, fastmcp_adapter.guarded


SERVERS = pytest.mark.parametrize("make", [sdk_server, fastmcp_server])

GOOD = [
    ("find", {"word": "x"}),
    ("find", {"word": "x", "limit": 1, "cities": [{"name": "Bern"}, {"name": "Rome", "zip": 1}], "colour": "blue"}),
    ("find", {"word": "x", "where": {"kind": "place", "city": {"name": "Bern", "zip": None}}, "more": {"any": 1}}),
    ("find", {"word": "x", "where": {"kind": "point", "x": 1, "y": 2.5}, "cities": None}),
    ("nothing", {}),
]
BAD = [
    ("find", {}, "/word"),
    ("find", {"word": "x", "limit": "5"}, "/limit"),
    ("find", {"word": "x", "limit": 5.5}, "/limit"),
    ("find", {"word": "x", "limit": 1001}, "/limit"),
    ("find", {"word": "x", "Limit": 5}, "/Limit"),
    ("find", {"word": "x", "cities": [{"name": "Bern", "mayor": "x"}]}, "/cities/0/mayor"),
    ("find", {"word": "x", "cities": [{"name": "B" * 21}]}, "/cities/0/name"),
    ("find", {"word": "x", "cities": '[{"name": "Bern"}]'}, "/cities"),
    ("find", {"word": "x", "where": {"kind": "place", "city": {"name": "Bern", "x": 1}}}, "/where/city/x"),
    ("find", {"word": "x", "where": {"kind": "point", "x": 1, "y": 2, "z": 3}}, "/where/z"),
    ("find", {"word": "x", "colour": "green"}, "/colour"),
    ("find", {"word": "x", "more": {"any": "1"}}, "/more/any"),
    ("nothing", {"x": 1}, "/x"),
]


def guarded_by_default(make, resource):
    """A guard with nothing said about arguments."""
    server, adapter = make()
    issuer = TestIssuer(resource=resource)
    guard = ResourceGuard(
        issuer=issuer.issuer,
        resource=resource,
        keys=issuer.keys(),
        tools={"find": read("a"), "nothing": read("a")},
        limits=None,
    )
    return issuer, adapter(server, guard)


async def asked(client, name, arguments):
    """Call a tool by either client, without what a client checks by itself; return text and error."""
    result = await getattr(client, "call_tool_mcp", client.call_tool)(name, arguments)
    return result.content[0].text, bool(result.is_error), result.meta or {}


@ERAS
@CLIENTS
@SERVERS
@pytest.mark.requirement("arguments:agreement:real-servers")
async def test_real_servers_are_held_to_the_schemas_of_their_own_functions(make, connect, mode):
    """C27: pydantic would coerce, ignore or guess; the guard lets nothing through that was not advertised."""
    own = free_socket()
    resource = f"http://127.0.0.1:{own.getsockname()[1]}/mcp"
    issuer, app = guarded_by_default(make, resource)
    SEEN.clear()
    async with serving(app, own), connect(resource, Bearer(issuer.token(scopes=["a"])), mode) as client:
        listed = await client.list_tools()
        good = [await asked(client, name, arguments) for name, arguments in GOOD]
        reached = len(SEEN)
        bad = [await asked(client, name, arguments) for name, arguments, _ in BAD]

    assert [("found", False)] * 4 + [("nothing", False)] == [(text, is_error) for text, is_error, _ in good]
    assert (reached, [True] * len(BAD)) == (len(SEEN), [is_error for _, is_error, _ in bad])
    for (_, _, path), (text, _, meta) in zip(BAD, bad, strict=True):
        assert path in {field["path"] for field in meta["authserver/error"]["fields"]}
        assert path in text

    schemas = {tool.name: tool.input_schema for tool in getattr(listed, "tools", listed)}
    for name, arguments in GOOD:
        jsonschema.Draft202012Validator(schemas[name]).validate(arguments)
    for name, arguments, _ in BAD:
        assert not jsonschema.Draft202012Validator(schemas[name]).is_valid(arguments)


@SERVERS
@pytest.mark.requirement("arguments:agreement:real-servers")
async def test_a_batch_of_the_session_era_is_held_to_the_schemas(make):
    """RS-31, MCP 2025-03-26: one wrong call refuses all of it, before a server that knows no batches says what it thinks of them."""
    own = free_socket()
    resource = f"http://127.0.0.1:{own.getsockname()[1]}/mcp"
    issuer, app = guarded_by_default(make, resource)
    SEEN.clear()
    async with serving(app, own):
        auth = ("authorization", f"Bearer {issuer.token(scopes=['a'])}")
        json_only = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
        hello = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        host = ("host", resource.split("/")[2])
        opened = await post(
            app, [auth, host, *json_only], {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
        )
        session = ("mcp-session-id", opened.header("mcp-session-id"))
        calls = [{"name": "find", "arguments": {"word": "x"}}, {"name": "find", "arguments": {"word": 7}}]
        batch = [
            {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": params} for n, params in enumerate(calls)
        ]

        answer = await post(app, [auth, host, session, *json_only], batch)

    assert ["policy_denied", "invalid_arguments"] == [
        reply["result"]["_meta"]["authserver/error"]["error"] for reply in answer.json
    ]
    assert [] == SEEN


async def post(app, headers, message):
    return await call(app, "POST", "/mcp", headers=headers, body=json.dumps(message).encode(), scheme="http")


class TypedShop(Shop):
    """The same, with a schema."""

    @property
    def tools(self):
        schema = {"type": "object", "properties": {"order": {"type": "string"}, "amount": {"type": "integer"}}}
        return [{**tool, "inputSchema": schema} for tool in super().tools]


@pytest.mark.parametrize("era", [LEGACY, MODERN])
@pytest.mark.requirement("arguments:approvals:nobody-is-asked")
async def test_nobody_is_asked_about_a_call_that_is_wrong_anyway(era):
    """C21, C27: a person's time is not spent, and their yes is for exactly what then runs."""
    tools = {"refund": destructive("orders:write", approval=ApprovalRule(sentence="Refund {amount} cents of {order}"))}
    it = Approved(shop=TypedShop(), tools=tools, arguments="strict")

    wrong = [await it.call("refund", arguments, headers=(era,)) for arguments in ({"amount": "1"}, {"extra": 1}, [])]
    asked_before = len(it.issuer.rows)
    done = await it.approved(headers=(era,))

    assert ["invalid_arguments"] * 3 == [seen.error["error"] for seen in wrong]
    assert (0, 1, 1) == (asked_before, len(it.issuer.rows), len(it.shop.ran))
    assert "ran 1" == done.json["result"]["content"][0]["text"]


@pytest.mark.requirement("arguments:approvals:nobody-is-asked")
async def test_a_call_whose_form_changed_while_it_waited_does_not_run():
    """The yes was for a call that its tool took; today it takes another, and the old yes fits neither."""
    tools = {"refund": destructive("orders:write", approval=ApprovalRule(sentence="Refund {amount} cents of {order}"))}
    it = Approved(shop=TypedShop(), tools=tools, arguments="strict")
    await it.call()
    it.issuer.approve(it.issuer.rows[-1])
    changed = [{**tool, "inputSchema": {"type": "object", "properties": {"n": {}}}} for tool in it.shop.tools]
    it.shop.listing = {"tools": changed}
    await it.raw({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).answer()

    answer = await it.call()

    assert "invalid_arguments" == answer.error["error"]
    assert [] == it.shop.ran
