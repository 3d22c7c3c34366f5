"""Real servers with nothing set: what the official SDK and FastMCP make of a function's result leaks through none of their texts."""

import json
from typing import Annotated, Literal

import pytest
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from mcp import MCPError
from mcp.server import MCPServer
from pydantic import BaseModel, Field

from resource_lib import ResourceGuard, read
from resource_lib.integrations import fastmcp as fastmcp_adapter
from resource_lib.integrations import mcp_sdk
from resource_lib.testing import TestIssuer
from tests.agreement.test_guard_integrations import CLIENTS, ERAS, Bearer
from tests.support.guarded import free_socket, serving

SERVER_INFO = "io.modelcontextprotocol/serverInfo"
CANARIES = ("Jane", "jane@canary.example", "swordfish", "4111 1111")


class Person(BaseModel):
    name: Annotated[str, Field(json_schema_extra={"x-pii": "name"})]
    email: Annotated[str | None, Field(json_schema_extra={"x-pii": "email"})] = None
    token: Annotated[str, Field(json_schema_extra={"x-secret": True})] = "swordfish"
    status: Literal["active"] = "active"
    note: str = "rang from 4111 1111 1111 1111"


JANE = Person(name="Jane Canary", email="jane@canary.example")


def one() -> Person:
    """Look one up."""
    return JANE


def several() -> list[Person]:
    """List them."""
    return [JANE, JANE]


def by_name() -> dict[str, Person | None]:
    """Say who is who."""
    return {"first": JANE, "none": None}


def prose() -> str:
    """Say it in words."""
    return "Write to jane@canary.example about 4111 1111 1111 1111."


def loose() -> dict:
    """Return whatever there is."""
    return {"email": "jane@canary.example", "password": "swordfish"}


def fails() -> str:
    """Fail."""
    raise ToolError("no row for jane@canary.example")


TOOLS = (one, several, by_name, prose, loose, fails)


def sdk_server():
    server = MCPServer("people")
    for tool in TOOLS:
        server.tool()(tool)

    @server.resource("people://jane")
    def jane() -> str:
        return prose()

    return server, mcp_sdk.guarded


def fastmcp_server():
    server = FastMCP("people")
    for tool in TOOLS:
        server.tool(tool)

    @server.resource("people://jane")
    def jane() -> str:
        return prose()

    return server, fastmcp_adapter.guarded


SERVERS = pytest.mark.parametrize("make", [sdk_server, fastmcp_server])


@ERAS
@CLIENTS
@SERVERS
@pytest.mark.requirement("output:no-channel-leaks:real-servers")
async def test_nothing_that_real_servers_write_leaks(make, connect, mode):
    """Both mirror the structure as text; the SDK wraps lists in `result` and says each entry apart, FastMCP all of it."""
    own = free_socket()
    resource = f"http://127.0.0.1:{own.getsockname()[1]}/mcp"
    server, adapter = make()
    issuer = TestIssuer(resource=resource)
    policy = {tool.__name__: read("people:read") for tool in TOOLS}
    guard = ResourceGuard(issuer=issuer.issuer, resource=resource, keys=issuer.keys(), tools=policy, limits=None)

    async def called(client, name, arguments=None):
        result = await getattr(client, "call_tool_mcp", client.call_tool)(name, arguments or {})
        return result.model_dump(mode="json", by_alias=True)

    async with serving(adapter(server, guard), own):
        async with connect(resource, Bearer(issuer.token(scopes=["people:read"])), mode) as client:
            found = {tool.__name__: await called(client, tool.__name__) for tool in TOOLS}
            read_ = await client.read_resource("people://jane")
        async with connect(resource, Bearer(issuer.token(scopes=["people:read", "pii:read"])), mode) as client:
            full = await called(client, "one", {"include_pii": True})
            try:
                refused = await called(client, "prose", {"include_pii": True})
            except MCPError as error:
                refused = {"isError": True, "said": str(error)}

    said = json.dumps([*found.values(), repr(read_)], ensure_ascii=False)
    assert [] == [canary for canary in CANARIES if canary in said]
    assert {"name": "***", "email": "user***@***.example", "token": "[secret]", "status": "active"}.items() <= found[
        "one"
    ]["structuredContent"].items()
    assert ["***", "***"] == [each["name"] for each in found["several"]["structuredContent"]["result"]]
    assert [False] * 5 + [True] == [each["isError"] for each in found.values()]
    assert ("Jane Canary", "jane@canary.example", "[secret]") == tuple(
        full["structuredContent"][name] for name in ("name", "email", "token")
    )
    assert refused["isError"]
    stamps = [each["_meta"][SERVER_INFO]["name"] for each in found.values() if SERVER_INFO in (each.get("_meta") or {})]
    assert ["people"] * (len(TOOLS) if mode != "legacy" and make is sdk_server else len(stamps)) == stamps
