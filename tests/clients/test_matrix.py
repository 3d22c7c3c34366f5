"""Each client of the catalogue becomes known, logs a person in, refreshes, and gets more, with exactly what it sends."""

import pytest

from tests.clients.catalogue import CLIENTS, FINISHING, OPERATED, REGISTERING
from tests.clients.replay import Replay, register_as
from tests.promises.test_account_page import more
from tests.support.oauth_client import OAuthClient
from tests.support.world import R1

WRITE = {"orders:read", "orders:write", "tool:update_order"}

pytestmark = pytest.mark.one_database


def holds_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(holds_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(holds_null, value)))


@pytest.mark.requirement("clients:matrix:registers")
@pytest.mark.parametrize("name", REGISTERING)
async def test_it_registers(server, name):
    """clients.md 6a: 201, what is in force, no null, and every address it named."""
    known = CLIENTS[name]

    answer = await register_as(server, known.registration)

    assert 201 == answer.status_code, answer.text
    assert not holds_null(answer.json())
    assert "redirect_uris_refused" not in answer.json()
    assert known.registration["token_endpoint_auth_method"] == answer.json()["token_endpoint_auth_method"]
    assert ("client_secret" in answer.json()) == ("none" != known.registration["token_endpoint_auth_method"])
    assert ["authorization_code", "refresh_token"] == answer.json()["grant_types"]


@pytest.mark.requirement("clients:matrix:logs-in")
@pytest.mark.parametrize("name", REGISTERING)
async def test_its_person_logs_in(server, name):
    """clients.md 6a: the token is for the MCP server the person meant, in their tenant, and reads at least."""
    client = await Replay.registered(server, name)

    answer = await client.authorize()
    tokens = await client.redeem(answer)

    assert answer.page.location.startswith(client.redirect_uri + "?")
    assert server.issuer == answer.one("iss")
    assert tokens.ok, tokens.body
    assert (R1, server.world.tenants["t1"]) == (tokens.claims["aud"], tokens.claims["tenant_id"])
    assert "orders:read" in tokens.scope
    assert tokens.refresh_token


@pytest.mark.requirement("clients:matrix:logs-in")
@pytest.mark.parametrize("name", OPERATED)
async def test_its_person_logs_in_where_an_operator_registered_it(server, name):
    """Apps SDK documentation, FastMCP#3949: a client id that was typed in, and no secret."""
    known = CLIENTS[name]
    app = await server.operator.add_client(name=known.name, **known.by_operator)
    client = Replay(server, known, OAuthClient(server=server, app=app), port=1)
    client.app.app = app

    tokens = await client.log_in()

    assert R1 == tokens.claims["aud"]
    assert (await client.refresh(tokens)).ok


@pytest.mark.requirement("clients:matrix:refreshes")
@pytest.mark.parametrize("name", REGISTERING)
async def test_it_refreshes(server, name):
    """clients.md rule 8: rotation, no scope sent, the same authority; a retry of the old token gets the same answer."""
    client = await Replay.registered(server, name)
    tokens = await client.log_in()
    server.clock.advance(3600)

    fresh = await client.refresh(tokens)
    retried = await client.refresh(tokens)

    assert fresh.ok, fresh.body
    assert (tokens.scope, R1) == (fresh.scope, fresh.claims["aud"])
    assert tokens.refresh_token != fresh.refresh_token == retried.refresh_token
    assert (await client.refresh(fresh)).ok


@pytest.mark.requirement("clients:matrix:steps-up")
@pytest.mark.parametrize("name", FINISHING)
async def test_it_steps_up_by_asking_again(server, name):
    """RFC 9470, MCP: it asks for what the 403 names, and its person ticks it."""
    client = await Replay.registered(server, name)
    await client.log_in(scope="orders:read")

    tokens = await client.log_in(scope=" ".join(sorted(WRITE)), tools=["update_order"])

    assert WRITE == tokens.scope
    assert WRITE == (await client.refresh(tokens)).scope


@pytest.mark.requirement("clients:matrix:steps-up")
@pytest.mark.parametrize("name", REGISTERING)
async def test_its_person_lets_it_do_more_whether_it_finishes_a_step_up_or_not(server, name):
    """clients.md rule 13: on our page, for a while, and the next refresh without `scope` carries it."""
    client = await Replay.registered(server, name)
    tokens = await client.log_in(scope="orders:read")

    await more(client.app, tokens.claims["authorization_id"], tool=["update_order"])

    assert WRITE == (await client.refresh(tokens)).scope
