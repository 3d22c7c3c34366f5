"""
A caller, an MCP server and an upstream API: the real authorization server, two real guards, and no token passed through.
"""

import json
import logging
from contextlib import asynccontextmanager

import httpx2
import pytest

from resource_lib import ExchangedToken, ExchangeRefusedError, ResourceGuard, SettingsError, exchange_for, read
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.identity.jwks_cache import JWKSCache
from resource_lib.wire import api_key as wire
from tests.support.bare import BARE
from tests.support.exchange import SCOPES
from tests.support.guarded import call, free_socket, serving
from tests.support.world import R1, R2

POLICY = {"look": read("orders:read")}


class Upstream:
    """An API that notes who calls it and with which header; behind a guard of its own."""

    def __init__(self):
        self.callers = []
        self.headers = []

    async def __call__(self, scope, receive, send):
        principal = scope["principal"]
        self.callers.append(principal)
        self.headers.append(dict(scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'["order 1"]'})


class Noted:
    """Notes the Authorization header as it arrives, before the guard takes it off."""

    def __init__(self, app):
        self.app = app
        self.arrived = []

    async def __call__(self, scope, receive, send):
        self.arrived += [value.decode() for name, value in scope["headers"] if name == b"authorization"]
        await self.app(scope, receive, send)


class Desk:
    """An MCP server whose one tool asks the upstream API, and tells what it got."""

    def __init__(self, upstream, *, scope="orders:read"):
        self.upstream = httpx2.AsyncClient(auth=ExchangedToken(R2, scope), transport=httpx2.ASGITransport(app=upstream))
        self.seen = []
        self.tokens = []

    async def __call__(self, scope, receive, send):
        self.seen.append(str(scope))
        try:
            self.tokens.append(await exchange_for(R2, "orders:read"))
            answer = (await self.upstream.get(R2)).text
        except (ExchangeRefusedError, SettingsError) as refused:
            answer = json.dumps({"refused": str(refused)})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer.encode()})


def channel(server, app):
    """Return the way to the issuer, with the credential of an MCP server."""
    return Channel(
        issuer=server.issuer,
        credential=Credential(client_id=app.client_id, secret=app.secret),
        transport=server.transport(),
        clock=lambda: server.clock() / 1_000_000,
    )


def guard(server, resource, **options):
    """Return a guard of one resource of the world."""
    return ResourceGuard(
        **BARE,
        issuer=server.issuer,
        resource=resource,
        tools=POLICY,
        keys=JWKSCache(issuer=server.issuer, transport=server.transport()),
        clock=lambda: server.clock() / 1_000_000,
        **options,
    )


@asynccontextmanager
async def three(server, *, allowed=True, **options):
    """Yield the desk, its guarded app, the upstream API and what arrived at its door."""
    if allowed:
        await server.operator.allow_exchange(R1, R2, SCOPES)
    upstream = Upstream()
    door = Noted(guard(server, R2).wrap(upstream))
    desk = Desk(door)
    way = channel(server, await server.operator.credential_of(R1))
    try:
        yield desk, guard(server, R1, channel=way, **options).wrap(desk), upstream, door
    finally:
        await desk.upstream.aclose()


async def ask(app, token):
    """Call the desk's tool."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "look", "arguments": {}}}
    headers = [("authorization", f"Bearer {token}"), ("mcp-protocol-version", "2026-07-28")]
    return await call(app, "POST", "/mcp", headers=headers, body=json.dumps(message).encode())


@pytest.mark.requirement("agreement:exchange:upstream-sees-the-person-and-who-acts")
async def test_the_upstream_api_sees_the_person_and_who_acts_and_never_the_callers_token(server, caplog):
    """MCP "Token Passthrough", RFC 8693 §4.1: what arrives is for the API, names the server, and is another token."""
    caplog.set_level(logging.DEBUG)
    caller = await server.client("P").sign_in("u1")
    async with three(server) as (desk, app, upstream, door):
        answers = [await ask(app, caller.access_token) for _ in range(3)]

    assert [b'["order 1"]'] * 3 == [answer.body for answer in answers]
    principal = upstream.callers[0]
    assert server.world.people["u1"].subs["t1"] == principal.subject
    assert server.world.tenants["t1"] == principal.tenant
    assert principal.actor["sub"] == f"client:{principal.client_id}" != f"client:{caller.claims['client_id']}"
    assert {"orders:read"} == principal.scopes
    assert caller.claims["authorization_id"] == principal.authorization_id
    signature = caller.access_token.rpartition(".")[2]
    assert 3 == len(door.arrived)
    assert {f"Bearer {desk.tokens[0]}"} == set(door.arrived)
    for told in (*door.arrived, *desk.seen, *desk.tokens, *map(str, upstream.headers), caplog.text):
        assert signature not in told
    assert 1 == len([row for row in await server.operator.events("t1") if row["kind"] == "client:token:exchanged"])


@pytest.mark.requirement("agreement:exchange:upstream-sees-the-person-and-who-acts")
@pytest.mark.one_database
async def test_two_callers_through_one_client_stay_two_people(server):
    """One httpx2 client serves everybody; the token is that of the call it is used in."""
    one, two = await server.client("P").sign_in("u1"), await server.client("N").sign_in("u2")
    async with three(server) as (_, app, upstream, _door):
        await server.together(
            *(ask(app, one.access_token) for _ in range(5)), *(ask(app, two.access_token) for _ in range(5))
        )

    subs = [principal.subject for principal in upstream.callers]
    people = server.world.people
    assert {people["u1"].subs["t1"]: 5, people["u2"].subs["t1"]: 5} == {sub: subs.count(sub) for sub in subs}


@pytest.mark.requirement("agreement:exchange:refusals-reach-the-tool")
@pytest.mark.one_database
async def test_a_tool_learns_that_nobody_allowed_it_and_the_upstream_hears_nothing(server):
    """RFC 8693 §2.2.2."""
    caller = await server.client("P").sign_in("u1")
    async with three(server, allowed=False) as (_, app, upstream, door):
        answer = await ask(app, caller.access_token)

    assert "invalid_target" in answer.json["refused"]
    assert [] == upstream.callers == door.arrived


@pytest.mark.requirement("agreement:exchange:refusals-reach-the-tool")
@pytest.mark.one_database
async def test_a_caller_whose_login_ended_is_represented_no_more(server):
    """Decision 14: the guard that hears of it lets nobody in any more, so nobody is asked upstream."""
    caller = await server.client("P").sign_in("u1")
    async with three(server) as (_, app, upstream, _door):
        await server.operator.end_authorization("t1", caller.claims["authorization_id"])
        answer = await ask(app, caller.access_token)

    assert 401 == answer.status
    assert [] == upstream.callers


@pytest.mark.requirement("agreement:exchange:refusals-reach-the-tool")
@pytest.mark.one_database
async def test_the_exchanged_token_is_worth_nothing_at_the_server_that_got_it(server):
    """RFC 8707 §3: each token has one place."""
    caller = await server.client("P").sign_in("u1")
    async with three(server) as (desk, app, upstream, _door):
        await ask(app, caller.access_token)
        back = await ask(app, desk.tokens[0])
        straight = await call(
            guard(server, R2).wrap(upstream),
            "GET",
            "/mcp",
            headers=[("authorization", f"Bearer {caller.access_token}")],
        )

    assert 401 == back.status == straight.status
    assert back.body == straight.body


@pytest.mark.requirement("agreement:api-keys:only-where-the-author-opted-in")
async def test_a_guard_that_opted_in_takes_an_api_key_as_its_token(server):
    """C02, K2: the key is exchanged once per token life, and its tool call goes upstream like any other."""
    made = await server.operator.add_api_key(who="u1")
    async with three(server, api_keys=True) as (desk, app, upstream, _door):
        answers = [await ask(app, made.secret) for _ in range(3)]
        before = await server.operator.kinds("t1")
        server.clock.advance(595)
        later = await ask(app, made.secret)

    assert [b'["order 1"]'] * 4 == [answer.body for answer in (*answers, later)]
    assert server.world.people["u1"].subs["t1"] == upstream.callers[0].subject
    assert made.secret not in "".join(desk.seen)
    assert 1 == before.count("client:api_key:exchanged")
    assert 2 == (await server.operator.kinds("t1")).count("client:api_key:exchanged")


@pytest.mark.requirement("agreement:api-keys:only-where-the-author-opted-in")
@pytest.mark.one_database
async def test_elsewhere_an_api_key_is_the_constant_401(server):
    """Decision 10: switched off, unknown, for another resource, disabled, without its scope: nothing tells them apart."""
    made = await server.operator.add_api_key(who="u1")
    other = await server.operator.add_api_key(who="u1", resource=R2)
    gone = await server.operator.add_api_key(who="u1")
    await server.operator.change_api_key("disable", gone.key)
    unknown = wire.with_checksum(wire.body_of(made.secret)[:-2] + "zz")
    async with three(server) as (_, off, _upstream, _door):
        switched_off = await ask(off, made.secret)
        garbage = await ask(off, "garbage")
    async with three(server, api_keys=True) as (desk, on, _upstream, _door):
        refused = [await ask(on, key) for key in (unknown, other.secret, gone.secret, made.secret + "x", "garbage")]
        seen = list(desk.seen)

    assert [401] * 7 == [answer.status for answer in (switched_off, garbage, *refused)]
    assert 1 == len({(answer.body, answer.header("www-authenticate")) for answer in (switched_off, garbage, *refused)})
    assert [] == seen


@pytest.mark.requirement("agreement:api-keys:guesses-are-budgeted")
@pytest.mark.one_database
async def test_a_flood_of_guesses_neither_reaches_the_issuer_nor_locks_a_good_key_out(server):
    """Decision 12: typos cost nothing, thirty guesses are asked for, then strangers wait; a key that was good here goes on."""
    made, fresh = await server.operator.add_api_key(who="u1"), await server.operator.add_api_key(who="u2")
    body = wire.body_of(made.secret)
    guesses = [wire.with_checksum(body[:-3] + f"{number:03d}") for number in range(100)]
    async with three(server, api_keys=True) as (_, app, _upstream, _door):
        assert 200 == (await ask(app, made.secret)).status
        typos = [(await ask(app, guess[:-6] + "000000")).status for guess in guesses[:40]]
        statuses = [(await ask(app, guess)).status for guess in guesses]
        server.clock.advance(0.5)
        good = await ask(app, made.secret)
        stranger = await ask(app, fresh.secret)
        server.clock.advance(600)
        known, later = await ask(app, made.secret), await ask(app, fresh.secret)

    assert [401] * 40 == typos
    assert [401] * 30 + [503] * 70 == statuses
    assert 200 == good.status
    assert 503 == stranger.status
    assert [200, 200] == [known.status, later.status]


@pytest.mark.requirement("agreement:api-keys:guesses-are-budgeted")
@pytest.mark.one_database
async def test_an_ended_key_stops_with_the_token_it_got(server):
    """K2: within one token's life at a guard that asks nobody, at once at the issuer."""
    made = await server.operator.add_api_key(who="u1")
    async with three(server, api_keys=True) as (_, app, _upstream, _door):
        assert 200 == (await ask(app, made.secret)).status
        await server.operator.change_api_key("disable", made.key)
        server.clock.advance(595)
        after = await ask(app, made.secret)

    assert 401 == after.status


@pytest.mark.requirement("agreement:api-keys:only-where-the-author-opted-in")
def test_a_guard_without_a_credential_cannot_accept_api_keys(monkeypatch):
    """Decision 18: what cannot be kept stops the start; and what a guard does stands in its report."""
    monkeypatch.delenv("RESOURCE_GUARD_CLIENT_ID", raising=False)
    common = {"issuer": "https://auth.example", "resource": R1, "tools": POLICY}

    with pytest.raises(SettingsError, match="api_keys"):
        ResourceGuard(**BARE, **common, api_keys=True)
    report = ResourceGuard(**BARE, **common, client_id="cli_x", client_secret="s", api_keys=True).doctor()

    assert (True, True) == (report.has_credential, report.api_keys)
    assert (False, False) == (
        ResourceGuard(**BARE, **common).doctor().has_credential,
        ResourceGuard(**BARE, **common).doctor().api_keys,
    )


@pytest.mark.requirement("agreement:exchange:the-example-works")
@pytest.mark.one_database
async def test_the_example_asks_the_upstream_api_in_its_callers_name(server, monkeypatch):
    """`examples/upstream_api.py`, with the official SDK's client and server: the token survives the SDK's own tasks."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    from examples import upstream_api

    place = free_socket()
    here = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    await server.operator.add_resource_like(R1, here, "t1")
    await server.operator.allow_exchange(here, R2, SCOPES)
    monkeypatch.setattr(upstream_api, "UPSTREAM", R2)
    upstream, caller = Upstream(), await server.client("P").sign_in("u1", resource=here)
    app = upstream_api.make_app(
        http=httpx2.ASGITransport(app=guard(server, R2).wrap(upstream)),
        issuer=server.issuer,
        resource=here,
        keys=JWKSCache(issuer=server.issuer, transport=server.transport()),
        clock=lambda: server.clock() / 1_000_000,
        channel=channel(server, await server.operator.credential_of(here)),
    )

    async def asked(mode):
        http = httpx2.AsyncClient(headers={"authorization": f"Bearer {caller.access_token}"})
        async with http, Client(streamable_http_client(here, http_client=http), mode=mode) as client:
            return (await client.call_tool("open_orders", {})).content[0].text

    async with serving(app, place):
        found = [await asked(mode) for mode in ("legacy", "2026-07-28")]

    assert ["1 orders are open."] * 2 == found
    assert all(principal.actor["sub"].startswith("client:") for principal in upstream.callers)
