"""`check --probe`: each registered MCP server is asked to do what it must refuse, and the operator reads what it did not."""

import json
from contextlib import asynccontextmanager

import pytest
from mcp.server import MCPServer

from authserver.domain.audit.event import Kind
from authserver.domain.health import probing
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.tokens import access_token
from resource_lib import ResourceGuard, read, write
from resource_lib.identity.jwks_cache import JWKSCache
from resource_lib.integrations.mcp_sdk import guarded
from tests.support.bare import BARE
from tests.support.deployment import Deployment
from tests.support.exchange import allowed_deputy
from tests.support.guarded import free_socket, serving
from tests.support.internet import Answer, Internet
from tests.support.looked_at import GUARDED, Site
from tests.support.world import R1

pytestmark = pytest.mark.one_database

EVERYTHING = {
    "no token", "a token of nobody", "a token for another server", "a token that has ended", "a token with another signature",
    "an unknown tool", "a tool without its scope", "arguments that no tool takes",
}  # fmt: skip
POLICY = {"search_orders": read("orders:read"), "update_order": write("orders:write")}


@asynccontextmanager
async def a_server(asking, *, policy=POLICY, behind_guard=True, issuer=None, **options):
    """A real MCP server on a real port, registered for t1; yields its address and the names of the tools that ran."""
    place = free_socket()
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    await asking.operator.add_resource(uri, "t1")
    mcp, ran = MCPServer("orders", log_level="ERROR"), []

    @mcp.tool()
    def search_orders(limit: int = 10) -> int:
        """Find orders."""
        ran.append("search_orders")
        return limit

    @mcp.tool()
    def update_order() -> int:
        """Change one."""
        ran.append("update_order")
        return 1

    app = mcp.streamable_http_app(stateless_http=True, json_response=True)
    if behind_guard:
        guard = ResourceGuard(
            issuer=issuer or asking.issuer,
            resource=uri,
            tools=policy,
            keys=JWKSCache(issuer=asking.issuer, transport=asking.transport()),
            clock=lambda: asking.clock() / 1_000_000,
            **{"lint": "off", **options},
        )
        app = guarded(mcp, guard)
    async with serving(app, place):
        yield uri, ran


async def tokens_for(asking, uri):
    """How many tokens for a server the record knows."""
    events = await asking.operator.events()
    return [each for each in events if each["kind"] == Kind.TOKEN_ISSUED and uri in str(dict(each))]


async def probed(asking, uri):
    found = await probing.probe(asking.operator.machines, uri)
    return found, {one.what: one.state for one in found.tried}


@pytest.fixture
async def asking(server_with):
    return await server_with()


@pytest.mark.requirement("probe:a-guard-refuses-everything")
async def test_a_guard_at_its_defaults_refuses_everything_and_no_tool_runs(asking):
    """C54, C56: over a real socket, with the library that we tell everybody to use."""
    async with a_server(asking) as (uri, ran):
        found, states = await probed(asking, uri)

    assert dict.fromkeys(EVERYTHING, "refused") == states, [str(one) for one in found.tried]
    assert found.is_good
    assert [] == ran


@pytest.mark.requirement("probe:what-is-not-refused-is-said")
async def test_a_server_without_a_guard_is_found_and_shown_no_token(asking):
    """C07: it answers strangers; what it would do with a token is not tried."""
    async with a_server(asking, behind_guard=False) as (uri, ran):
        found, states = await probed(asking, uri)

    assert {"no token": "not refused", "with a token": "not asked"} == states
    assert not found.is_good
    assert [] == ran
    assert [] == await tokens_for(asking, uri)


@pytest.mark.requirement("probe:what-is-not-refused-is-said")
async def test_a_guard_that_checks_no_arguments_is_found(asking):
    """C27: a tool ran although its arguments say something that it does not know; it reads, so nothing was changed."""
    async with a_server(asking, **BARE) as (uri, ran):
        found, states = await probed(asking, uri)

    assert {"arguments that no tool takes"} == {what for what, state in states.items() if state == "not refused"}
    assert not found.is_good
    assert ran in ([], ["search_orders"])


@pytest.mark.requirement("probe:what-is-not-refused-is-said")
async def test_a_server_that_takes_any_token_is_found(asking, server_with, tmp_path):
    """C08, C13, C15: one that looks whether there is a token, and no further."""
    async with Internet().running() as internet:
        asking = await server_with(outbound=internet.outbound(tmp_path))
        site = await Site(issuer=asking.issuer).open(internet)
        result = Answer(body=b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')
        site._answer = lambda path, headers: (
            GUARDED
            if headers.get("authorization", "").count(".") != 2 or "nobody" in headers["authorization"]
            else result
        )
        site.listener = await internet.serve(site._answer, tls=False)
        site.uri = f"http://127.0.0.1:{site.listener.port}/mcp"
        await asking.operator.add_resource(site.uri, "t1")

        found, states = await probed(asking, site.uri)

    assert EVERYTHING - {"no token", "a token of nobody"} == {
        what for what, said in states.items() if said == "not refused"
    }
    assert not found.is_good


@pytest.mark.requirement("probe:fails-closed")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [(GUARDED, "takes no token of this issuer"), (Answer(status=503), "says nothing"), (Answer(raw=[b"x"]), "no HTTP")],
    ids=["refuses everybody", "broken", "garbage"],
)
async def test_where_nothing_could_be_asked_nothing_is_said_to_be_refused(server_with, tmp_path, answer, reason):
    """Ours: a server that answers 401 to everybody has shown nothing of its tools."""
    async with Internet().running() as internet:
        asking = await server_with(outbound=internet.outbound(tmp_path))
        site = await Site(issuer=asking.issuer, call=answer).open(internet)
        await asking.operator.add_resource(site.uri, "t1")

        found, states = await probed(asking, site.uri)

    assert "not asked" in states.values()
    assert not found.is_good
    assert any(reason in one.detail for one in found.tried), found.tried


@pytest.mark.requirement("probe:tokens-are-weak-and-recorded")
async def test_what_a_probe_sends_is_for_that_server_alone_for_a_minute_and_is_recorded(asking):
    """Decision 15: a token that exists is in the record; no authorization stands behind it, so nothing can renew it."""
    async with a_server(asking) as (uri, _):
        await probed(asking, uri)

    issued = await tokens_for(asking, uri)
    assert 4 == len(issued)


@pytest.mark.requirement("probe:tokens-are-weak-and-recorded")
async def test_a_probes_token_is_known_to_nobody_but_the_guard_it_is_for(server):
    """ADR 41: neither introspection nor a token exchange makes anything of it, whoever holds it."""
    work = server.operator.work("t1")
    ring = await key_ring(work, "")
    token = access_token.mint_for_probe(work, ring, issuer=server.issuer, resource=R1, scope=("orders:read",)).token

    said = await server.client("RS1").introspect(token)
    traded = await allowed_deputy(server)
    answer = await traded.exchange(token)

    assert {"active": False} == said.body
    assert 400 == answer.status
    assert "access_token" not in answer.body


def probe(deployment):
    result = deployment.run("check", "--probe", "--json")
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return Deployment.migrated(tmp_path_factory.mktemp("probed"))


@pytest.mark.requirement("probe:fails-closed")
def test_the_command_fails_where_no_server_is_registered(fresh, tmp_path):
    """Ours: nothing was asked, so nothing is known."""
    code, rows = probe(fresh.copied(tmp_path))

    assert (1, "not asked") == (code, rows[0]["state"])


@pytest.mark.requirement("probe:fails-closed")
def test_the_command_says_by_server_what_was_not_refused_and_ends_with_1(fresh, tmp_path):
    """Issue: exit code and `--json`, and a line for each call for a person."""
    deployment = fresh.copied(tmp_path)
    deployment.told("tenant", "add", "acme")
    uri = "http://127.0.0.1:9/mcp"
    deployment.told("resource", "add", uri, "--name", "Orders", "--scope", "orders:read=See orders", "--link", "acme")

    code, rows = probe(deployment)
    said = deployment.run("check", "--probe")

    assert 1 == code == said.exit_code
    assert {("http://127.0.0.1:9/mcp", "not asked", "no")} == {(row["server"], row["state"], row["ok"]) for row in rows}
    assert "could not be reached" in said.output


@pytest.mark.requirement("probe:fails-closed")
def test_the_command_asks_one_server_where_one_is_named(fresh, tmp_path):
    """Ours: a name that nobody registered is no green light."""
    result = fresh.copied(tmp_path).run("check", "--probe", "--server", "https://nobody.example/mcp", "--json")

    assert (1, "no such MCP server is registered") == (result.exit_code, json.loads(result.stdout)[0]["detail"])
