"""A shared MCP server that one tenant has blocked goes on acting, asking and trading there, because other tenants let it in."""

import pytest

from resource_lib.wire import api_key as wire
from tests.support.exchange import Deputy, deputy
from tests.support.world import R2, R5, R9

ANYBODYS = {"orders:read": ()}


async def shared_server(server) -> Deputy:
    for upstream in (R2, R9):
        await server.operator.allow_exchange(R5, upstream, ANYBODYS)
    return await deputy(server, R5)


@pytest.mark.requirement("attack:shared-server:a-block-is-for-servers-too")
async def test_a_blocked_server_trades_no_token_of_that_tenant_and_what_it_traded_counts_no_more(server):
    """Decision 22: it acts no longer in the name of that tenant's people, and goes on where nobody blocked it."""
    blocked, upstream = await shared_server(server), server.client("RS2")
    here = await server.client("G").sign_in("u1", tenant="t1", resource=R5)
    there = await server.client("G").sign_in("u9", tenant="t2", resource=R5)
    before = await blocked.exchange(here)
    assert (await upstream.introspect(before.access_token)).body["active"]

    await server.operator.block("t1", blocked.app.app.client_id)

    assert "invalid_request" == (await blocked.exchange(here)).error
    assert {"active": False} == (await upstream.introspect(before.access_token)).body
    assert (await blocked.exchange(there, resource=R9)).ok
    await server.operator.forget_verdict("t1", blocked.app.app.client_id)
    assert (await blocked.exchange(here)).ok


@pytest.mark.requirement("attack:shared-server:a-block-is-for-servers-too")
async def test_a_blocked_server_learns_nothing_of_that_tenants_tokens(server):
    """RFC 7662 §4: who was shown the door is told what a stranger is told."""
    blocked = (await shared_server(server)).app
    here = await server.client("G").sign_in("u1", tenant="t1", resource=R5)
    there = await server.client("G").sign_in("u9", tenant="t2", resource=R5)
    assert (await blocked.introspect(here.access_token)).body["active"]

    await server.operator.block("t1", blocked.app.client_id)

    assert {"active": False} == (await blocked.introspect(here.access_token)).body
    assert (await blocked.introspect(there.access_token)).body["active"]
    assert (await server.client("RS5").introspect(here.access_token)).body["active"]


@pytest.mark.requirement("attack:shared-server:a-block-is-for-servers-too")
async def test_a_blocked_server_trades_no_api_key_of_that_tenant(server):
    """Control C02: the key stays good for its holder, and for a server that nobody blocked."""
    blocked = await shared_server(server)
    key = (await server.operator.add_api_key(who="u1", resource=R5)).secret
    asked = {"subject_token_type": wire.TOKEN_TYPE, "resource": R5}
    assert (await blocked.exchange(key, **asked)).ok

    await server.operator.block("t1", blocked.app.app.client_id)

    assert "invalid_request" == (await blocked.exchange(key, **asked)).error
    assert (await Deputy(app=server.client("RS5")).exchange(key, **asked)).ok
