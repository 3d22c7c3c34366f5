"""
Plan: hold a valid token of one shop, know every number of another, and call each tool of the example with it.

The example is what people copy, so its wall is shown for itself: each tool, both directions, on both databases.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy.ext.asyncio import AsyncEngine

from examples.orders.rows import Base
from examples.orders.server import POLICY, orders_server
from examples.orders.shelf import open_engine, stock
from resource_lib import ResourceGuard
from resource_lib.testing import TestIssuer
from tests.support.bare import BARE
from tests.support.guarded import free_socket, serving
from tests.support.unasked import unasked

A, B = "ten_aaaaaaaaaaaaaaaa", "ten_bbbbbbbbbbbbbbbb"
SHOPS = {"acme": A, "globex": B}
EVERYTHING = sorted(
    {scope for policy in POLICY.values() for scope in policy.scopes} | {f"tool:{name}" for name in POLICY}
)

FOREIGN = {
    "search_orders": {"query": "G-1"},
    "get_customer": {"customer_id": "GC-1"},
    "read_ticket": {"ticket_id": "GT-1"},
    "update_order": {"order_id": "G-1001", "status": "delivered", "note": "was here"},
    "refund_order": {"order_id": "G-1001", "amount_cents": 1},
    "delete_order": {"order_id": "G-1001"},
}
"""For each tool, the arguments that mean something of Globex."""


@dataclass(frozen=True)
class Answer:
    """What the official client got."""

    is_error: bool
    structured: Any
    text: str


def url_of(kind, request, tmp_path):
    """Return the URLs of the role that owns the tables and of the one that serves, and what to do at the end."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/orders.db"
        return url, url, lambda: None
    postgres = request.getfixturevalue("postgres")
    made = postgres.empty_database()
    return made.owner, made.app, lambda: postgres.drop(made.name)


async def ended(engine):
    done = engine.dispose()
    if done is not None:
        await done


@pytest.fixture
async def shop(database_kind, request, tmp_path):
    """The example behind its guard with an issuer in memory, and a look at the tables as their owner sees them."""
    owner_url, serving_url, discard = url_of(database_kind, request, tmp_path)
    owner = open_engine(owner_url)
    await stock(owner, SHOPS, app_role=sa.make_url(serving_url).username)
    serving = open_engine(serving_url)
    issuer = TestIssuer(resource="http://127.0.0.1:9001/mcp")
    server = orders_server(serving)
    guard = ResourceGuard(
            **BARE,
        issuer=issuer.issuer, resource=issuer.resource, tools=unasked(POLICY), implies={"orders:write": ["orders:read"]},
        verifier=issuer.validator(),
    )  # fmt: skip
    app = guard.wrap(server.streamable_http_app())
    ready, stop = asyncio.Event(), asyncio.Event()

    async def run():
        # A task of its own: the SDK's task group must end where it began, and fixtures begin and end in two places.
        async with server.session_manager.run():
            ready.set()
            await stop.wait()

    async def call(tool, arguments, *, tenant=A):
        bearer = {"authorization": f"Bearer {issuer.token(tenant=tenant, scopes=EVERYTHING)}"}
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), headers=bearer)
        transport = streamable_http_client(issuer.resource, http_client=http)
        async with http, Client(transport, mode="2026-07-28") as client:
            result = await client.call_tool(tool, arguments)
        words = " ".join(getattr(block, "text", "") for block in result.content)
        return Answer(bool(result.is_error), result.structured_content, words)

    running = asyncio.create_task(run())
    await ready.wait()
    yield call, lambda tenant: rows_of(owner, tenant)
    stop.set()
    await running
    await ended(serving)
    await ended(owner)
    discard()


async def rows_of(owner, tenant):
    """Return every row of a shop."""

    def read(connection):
        found = {}
        for name, table in Base.metadata.tables.items():
            wanted = sa.select(table).where(table.c.tenant_id == tenant).order_by(table.c.id)
            found[name] = [tuple(row) for row in connection.execute(wanted)]
        return found

    if isinstance(owner, AsyncEngine):
        async with owner.connect() as connection:
            await connection.execute(sa.text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": tenant})
            return await connection.run_sync(read)
    with owner.connect() as connection:
        return read(connection)


@pytest.mark.requirement("example:wall:each-tool-both-databases")
@pytest.mark.parametrize("tool", sorted(POLICY))
async def test_no_tool_of_the_example_reaches_another_shop(shop, tool):
    """TN-01 to TN-04: every scope in the token, every number known, and still nothing is there."""
    call, rows = shop
    before = await rows(B)

    answer = await call(tool, FOREIGN[tool])

    assert answer.is_error or {"orders": [], "more": False} == answer.structured
    assert "Lindqvist" not in answer.text
    assert 5 == len(before["orders"])
    assert before == await rows(B)


@pytest.mark.requirement("example:wall:each-tool-both-databases")
@pytest.mark.parametrize("tool", sorted(POLICY))
async def test_the_same_call_by_its_own_shop_works(shop, tool):
    """Ours: without this, the test above would pass because the example is broken."""
    call, rows = shop
    before = await rows(B)

    answer = await call(tool, FOREIGN[tool], tenant=B)

    assert not answer.is_error, answer.text
    assert answer.structured
    assert (before == await rows(B)) == (POLICY[tool].tool_class == "read")


@pytest.mark.requirement("example:wall:each-tool-both-databases")
async def test_a_tenant_nobody_knows_sees_an_empty_shop(shop):
    """TN-07: no rows, not all rows."""
    call, _ = shop

    answer = await call("search_orders", {}, tenant="ten_cccccccccccccccc")

    assert {"orders": [], "more": False} == answer.structured


@pytest.mark.requirement("example:rules:hold-under-the-model")
async def test_a_refund_never_pays_out_more_than_came_in(shop):
    """Ours: the one rule of the shop that costs money, asked of the database in one statement."""
    call, _ = shop

    first = await call("refund_order", {"order_id": "A-1002", "amount_cents": 10_000})
    second = await call("refund_order", {"order_id": "A-1002", "amount_cents": 10_000})
    rest = await call("refund_order", {"order_id": "A-1002", "amount_cents": 5_800})
    negative = await call("refund_order", {"order_id": "A-1002", "amount_cents": -5})

    assert {"order_id": "A-1002", "refunded_cents": 10_000, "left_cents": 5_800} == first.structured
    assert second.is_error
    assert "at most 5800 cents" in second.text
    assert 0 == rest.structured["left_cents"]
    assert negative.is_error


@pytest.mark.requirement("example:rules:hold-under-the-model")
async def test_a_wildcard_from_the_model_is_a_character(shop):
    """TN-02: what looks like SQL is looked for, not run."""
    call, _ = shop

    percent = await call("search_orders", {"query": "%"})
    quoted = await call("search_orders", {"query": "' OR 1=1 --"})

    assert [] == percent.structured["orders"]
    assert [] == quoted.structured["orders"]


@pytest.mark.requirement("example:rules:hold-under-the-model")
async def test_what_an_accident_says_inside_stays_inside(shop, monkeypatch):
    """Ours: expected refusals are words for the model, accidents are not."""
    call, _ = shop

    def broken(*_args, **_kwargs):
        raise RuntimeError("postgresql://orders:hunter2@db/orders")

    monkeypatch.setattr("examples.orders.desk.read_ticket", broken)

    answer = await call("read_ticket", {"ticket_id": "AT-1"})

    assert answer.is_error
    assert "hunter2" not in answer.text


@pytest.mark.requirement("example:personal-data:is-masked-unless-asked-for")
async def test_a_customer_is_masked_unless_the_token_may_see_them_and_the_call_asks(tmp_path):
    """C34: name, address, phone and e-mail are named by the schema; a scope alone shows nothing, nor does the word alone."""
    engine = open_engine(f"sqlite:///{tmp_path}/orders.db")
    await stock(engine, SHOPS)
    place = free_socket()
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    issuer = TestIssuer(resource=uri)
    tools = {"get_customer": POLICY["get_customer"]}
    guard = ResourceGuard(issuer=issuer.issuer, resource=uri, keys=issuer.keys(), tools=tools, lint="off")
    app = guard.wrap(orders_server(engine).streamable_http_app(host="127.0.0.1"))
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}

    async with serving(app, place), httpx2.AsyncClient(trust_env=False) as http:

        async def card(*scopes, **more):
            headers = {
                "authorization": f"Bearer {issuer.token(scopes=['customers:read', *scopes], tenant=A)}",
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": "2026-07-28",
                "mcp-method": "tools/call",
                "mcp-name": "get_customer",
            }
            params = {"name": "get_customer", "arguments": {"customer_id": "AC-1", **more}, "_meta": meta}
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            return (await http.post(uri, json=message, headers=headers)).text

        masked, scope_alone, word_alone = await card(), await card("pii:read"), await card(include_pii=True)
        whole = await card("pii:read", include_pii=True)

    for said in (masked, scope_alone):
        assert "AC-1" in said and "user***@***" in said
        assert not any(word in said for word in ("Lindqvist", "nora", "555", "Ekgatan"))
    assert "invalid_arguments" in word_alone
    assert all(word in whole for word in ("Nora Lindqvist", "nora.lindqvist@example.net", "Ekgatan 7"))
    engine.dispose()
