"""An answer is looked through as that of the call it answers, whatever ids a caller sends."""

import asyncio
import time
from typing import Annotated

import httpx2
import pytest
from mcp.server import MCPServer
from pydantic import BaseModel, Field

from resource_lib import ResourceGuard, read
from resource_lib.definition import definition_of
from resource_lib.integrations.mcp_sdk import guarded
from resource_lib.output import Leaving, Output, WithheldError, cleaned
from resource_lib.output.letters import plainest
from resource_lib.testing import TestIssuer
from resource_lib.transport.asked import Asked
from tests.support.guarded import free_socket, serving


class Person(BaseModel):
    name: Annotated[str, Field(json_schema_extra={"x-pii": "name"})]


async def person() -> Person:
    """Look one up."""
    await asyncio.sleep(0.3)
    return Person(name="Jane Canary")


@pytest.mark.requirement("output:ids:an-answer-is-its-own-calls")
async def test_a_second_request_under_an_id_that_runs_is_refused_and_the_first_answer_is_masked():
    """MCP "Requests": the SDK tells ids apart by their text, so 7 and "7" would get each other's answers."""
    place = free_socket()
    resource = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    issuer = TestIssuer(resource=resource)
    server = MCPServer("people", log_level="CRITICAL")
    server.tool()(person)
    guard = ResourceGuard(
        issuer=issuer.issuer, resource=resource, keys=issuer.keys(), tools={"person": read("people:read")}, limits=None
    )
    headers = {
        "authorization": f"Bearer {issuer.token(scopes=['people:read'])}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-06-18",
    }
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}

    async with serving(guarded(server, guard), place), httpx2.AsyncClient(timeout=10, headers=headers) as http:

        async def ask(method, request_id, params=None):
            return await http.post(
                resource, json={"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}
            )

        opened = await ask("initialize", 0, hello)
        http.headers["mcp-session-id"] = opened.headers["mcp-session-id"]
        await http.post(resource, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        first = asyncio.create_task(ask("tools/call", 7, {"name": "person", "arguments": {}}))
        await asyncio.sleep(0.1)
        others = [await ask("ping", one) for one in ("7", 7)]
        answered = await first
        again = await ask("tools/call", 8, {"name": "person", "arguments": {}})

    assert [400, 400] == [one.status_code for one in others]
    assert all("This id is in use" in one.text for one in others)
    assert (200, 200) == (answered.status_code, again.status_code)
    assert "Jane Canary" not in answered.text + again.text + "".join(one.text for one in others)


@pytest.mark.requirement("output:ids:an-answer-is-its-own-calls")
def test_of_an_id_that_was_used_twice_nobody_knows_whose_answer_it_names_and_a_batch_has_each_once():
    asked = Asked()
    taken = asked.begin(b"s", [1, "a"])

    assert taken is not None
    assert asked.begin(b"s", ["1"]) is None
    assert asked.begin(b"t", ["1"]) is not None
    assert asked.begin(b"s", [2, "2"]) is None
    asked.end(taken)
    assert asked.begin(b"s", ["1"]) is not None


def leaving(schema):
    return Leaving(
        settings=Output(),
        tool="see",
        definition=definition_of({"name": "see", "inputSchema": {}, "outputSchema": schema}),
    )


SECRET = "ghp_" + "aB3d" * 9
BRANCHES = {
    "then": {"if": {"properties": {"kind": {"const": "a"}}}, "then": {"properties": {"note": {"enum": ["x"]}}}},
    "dependentSchemas": {"dependentSchemas": {"other": {"properties": {"note": {"enum": ["x"]}}}}},
    "a pattern that takes everything": {"properties": {"note": {"type": "string", "pattern": "^[ -~]*$"}}},
    "a pattern of words": {"properties": {"note": {"type": "string", "pattern": r"^[\w\s]+$"}}},
}


@pytest.mark.requirement("output:personal:only-what-surely-holds-is-typed")
@pytest.mark.parametrize("words", BRANCHES.values(), ids=BRANCHES)
def test_a_text_is_trusted_only_where_the_schema_surely_says_what_it_is(words):
    """C34: what only a branch says, or a pattern that takes anything, describes nobody's words."""
    schema = {"type": "object", "properties": {"kind": {"type": "string"}}, **words}
    schema["properties"] = {"kind": {"type": "string"}, **words.get("properties", {})}
    said = {"content": [], "structuredContent": {"kind": "b", "note": SECRET}}
    try:
        found = cleaned(said, leaving(schema))
    except WithheldError:
        return

    assert SECRET not in str(found)


@pytest.mark.requirement("output:ids:an-answer-is-its-own-calls")
def test_what_cannot_be_looked_through_is_withheld_and_marks_without_end_cost_no_time():
    """EX: a page with a number of five thousand digits in it, or a letter with forty thousand accents."""
    said = {"content": [{"type": "text", "text": "&#" + "0" * 5000 + "64; jane.doe@corp.example"}]}
    assert "jane.doe" not in str(cleaned(said, leaving(None)))

    began = time.process_time()
    plainest("a" + "\u0301\u0327" * 20_000)
    assert time.process_time() - began < 0.5
