"""`python -m resource_lib probe`: an author asks the server that they have just guarded, as a stranger would."""

import httpx2
import pytest
from mcp.server import MCPServer

from resource_lib import ResourceGuard, read
from resource_lib.__main__ import main
from resource_lib.integrations.mcp_sdk import guarded
from resource_lib.probing import probe
from resource_lib.testing import TestIssuer
from resource_lib.wire.refusal import refusal_in
from tests.support.bare import BARE
from tests.support.guarded import free_socket, serving

pytestmark = pytest.mark.requirement("probe:authors-ask-their-own-server")


def orders(ran):
    mcp = MCPServer("orders", log_level="ERROR")

    @mcp.tool()
    def search_orders(limit: int = 10) -> int:
        """Find orders."""
        ran.append(limit)
        return limit

    return mcp


def states(tried):
    return {one.what: one.state for one in tried}


async def test_a_guarded_server_refuses_everything_and_no_tool_runs():
    """C54: over a real port, with a token for what no token may do."""
    place, ran = free_socket(), []
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    issuer = TestIssuer(resource=uri)
    guard = ResourceGuard(
        issuer=issuer.issuer, resource=uri, tools={"search_orders": read("orders:read")}, keys=issuer.keys(), lint="off"
    )

    async with serving(guarded(orders(ran), guard), place):
        tried = await probe(uri, token=issuer.token(scopes=["orders:read"]), tool="search_orders")

    assert {"refused"} == set(states(tried).values()), tried
    assert 10 == len(tried)
    assert [] == ran


async def test_a_server_without_a_guard_is_found_and_shown_no_token():
    """C07: its tool does not run either, as there is none of that name."""
    place, ran = free_socket(), []
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"

    async with serving(orders(ran).streamable_http_app(stateless_http=True, json_response=True), place):
        tried = await probe(uri, token="a.token.of-mine", tool="search_orders")

    assert "not refused" == states(tried)["a call without a token"]
    assert "an unknown tool" not in states(tried)
    assert [] == ran


async def test_a_guard_that_checks_no_arguments_is_found():
    """C27."""
    place, ran = free_socket(), []
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    issuer = TestIssuer(resource=uri)
    policy = {"search_orders": read("orders:read")}
    guard = ResourceGuard(**BARE, issuer=issuer.issuer, resource=uri, tools=policy, keys=issuer.keys())

    async with serving(guarded(orders(ran), guard, stateless_http=True, json_response=True), place):
        tried = await probe(uri, token=issuer.token(scopes=["orders:read"]), tool="search_orders")

    assert ["arguments that no tool takes"] == [one.what for one in tried if one.state == "not refused"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (200, "not refused"),
        (400, "not refused"),
        (401, "refused"),
        (403, "not asked"),
        (302, "not asked"),
        (500, "not asked"),
        (0, "not asked"),
    ],
)
async def test_nothing_but_the_401_counts_as_refused(answer, state):
    """Ours: a proxy's 403, a redirect or silence says nothing of the guard behind it."""

    def answered(request):
        if not answer:
            raise httpx2.ConnectError("nobody")
        return httpx2.Response(answer, headers={"location": "https://elsewhere.example/"})

    tried = await probe("https://mcp.example.com/mcp", transport=httpx2.MockTransport(answered))

    assert {state} == set(states(tried).values())


@pytest.mark.parametrize(
    "words",
    [
        ["http://127.0.0.1:9/mcp"], ["no url"], ["ftp://a.example/x"], ["http://mcp.example.com/mcp", "--token-file", __file__],
        ["https://mcp.example.com/mcp", "--token-file", "/no/such/file"],
    ],
    ids=str,
)  # fmt: skip
def test_where_nothing_could_be_asked_the_command_ends_with_2(words):
    """Ours: no green light from a closed port, and no token over plain http to another machine."""
    assert 2 == main(["probe", *words])


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"error":{"data":{"error":"insufficient_scope"}}}', "insufficient_scope"),
        (b'{"result":{"_meta":{"authserver/error":{"error":"tool_unknown"}}}}', "tool_unknown"),
        (b'{"result":{"structuredContent":{"error":"invalid_arguments"}}}', "invalid_arguments"),
        (b'{"result":{"structuredContent":{"error":"<script>"}}}', ""),
        (b'{"result":{"isError":true,"content":[]}}', ""),
        (b"[", ""), (b"[]", ""), (b"[" * 100_000, ""), (b"\xff", ""), (b'{"error":"x"}', ""), (b'{"error":{"data":7}}', ""),
    ],
)  # fmt: skip
def test_a_refusal_is_read_wherever_it_travels_and_nothing_else_is_one(body, word):
    """Decision 11: and what a strange server says does not reach an operator's terminal."""
    assert word == refusal_in(body)
