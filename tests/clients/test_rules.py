"""The rules that follow from what clients do: that each is shown, and those that no other test shows."""

import pytest

from tests.clients.catalogue import CLIENTS
from tests.clients.replay import Replay
from tests.clients.rules import RULES
from tests.requirements import REQUIREMENTS
from tests.support.browser import Browser
from tests.support.guarded import Guarded
from tests.support.registering import PLAIN, register, registered
from tests.support.world import R1

PLACES = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/t3",
    "/.well-known/openid-configuration/t/t3",
    "/t/t3/.well-known/oauth-authorization-server",
    "/t/t3/.well-known/openid-configuration",
]

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("clients:rules:each-is-shown")
@pytest.mark.parametrize("number", [*map(str, range(1, 15)), *(f"seen {number}" for number in range(1, 7))])
def test_each_rule_is_shown_by_promises_of_the_manifest(number):
    """A promise has a test, or waits by name for what is not built (tests/architecture)."""
    assert len(set(RULES[number].promises)) == len(RULES[number].promises) > 0
    assert set() == set(RULES[number].promises) - set(REQUIREMENTS)


@pytest.mark.requirement("clients:rules:each-is-shown")
@pytest.mark.parametrize("name", CLIENTS)
def test_each_trap_of_a_client_is_shown_by_a_promise_of_the_manifest(name):
    """The table in docs/clients.md says what is true."""
    known = CLIENTS[name]

    assert known.connect
    assert known.registration or known.document or known.by_operator
    assert set() == {trap.promise for trap in known.traps} - set(REQUIREMENTS)


@pytest.mark.requirement("clients:rule:1-metadata")
@pytest.mark.parametrize("place", PLACES)
async def test_a_client_finds_what_it_looks_for_in_the_metadata(server, place):
    """Rule 1: openai/codex#13200 needs `none`; codspeed#523 needs the authorization endpoint on the issuer's origin."""
    said = (await server.http.get(place)).json()

    assert {"none", "private_key_jwt"} <= set(said["token_endpoint_auth_methods_supported"])
    assert said["authorization_endpoint"].startswith(said["issuer"] + "/")
    assert ("/t/t3" in place) == said["issuer"].endswith("/t/t3")
    assert said["authorization_response_iss_parameter_supported"] is True


@pytest.mark.requirement("clients:rule:5-stale-clients")
@pytest.mark.parametrize("client_id", ["cli_aaaaaaaaaaaaaaaa", "0oa1b2c3", "5e1c9a52-6b0e-4d6a-9a57-5c2f8f6f2b0e"])
async def test_a_client_that_is_not_known_any_more_is_told_how_to_go_on(server, client_id):
    """Rule 5, supabase/mcp#355, mcp-remote#36: a page for the person, 401 invalid_client for the program, no redirect."""
    app = await registered(server)
    app.app = type(app.app)(**{**vars(app.app), "client_id": client_id})

    page = await server.browser().open(app.url(resource=R1))
    answer = await app.refresh("rt_gone")

    assert server.is_error_page(page)
    assert "add it again" in page.text
    assert (401, "invalid_client") == (answer.status, answer.error)


@pytest.mark.requirement("clients:rule:7-offline-access-is-advertised")
@pytest.mark.parametrize("place", PLACES)
async def test_offline_access_and_openid_are_advertised(server, place):
    """Rule 7, supabase#2628: ChatGPT refreshes only where it finds the first."""
    assert {"offline_access", "openid"} <= set((await server.http.get(place)).json()["scopes_supported"])


@pytest.mark.requirement("clients:rule:10-two-authorize-calls")
async def test_two_authorization_requests_of_one_login_both_end_well(server):
    """Rule 10, anthropics/claude-ai-mcp#899: two states, two challenges, one browser, any order."""
    client = await Replay.registered(server, "claude")
    first = await client.app.consent_page("u1", resource=R1, state="first")
    second = await client.app.ask("u1", resource=R1, state="second")
    browser: Browser = client.app.browser_of("u1")

    later = await browser.submit(second.form("decision"), decision="allow")
    earlier = await browser.submit(first.form("decision"), decision="allow")

    for page, state in ((later, "second"), (earlier, "first")):
        assert f"state={state}" in page.location
        code = page.location.partition("code=")[2].partition("&")[0]
        assert (await client.app.redeem(code)).ok


@pytest.mark.requirement("clients:rule:11-cross-origin")
async def test_a_web_page_registers_redeems_and_revokes(server):
    """Rule 11, routecraft#320: what the Inspector does from its own origin, preflight first, and it may read each answer."""
    origin = {"origin": "http://localhost:6274"}
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for path in ("/register", "/token", "/revoke"):
        preflight = await server.http.options(path, headers=origin | asks)
        assert "*" == preflight.headers["access-control-allow-origin"], path
        assert "content-type" in preflight.headers["access-control-allow-headers"].lower(), path

    made = await server.http.post("/register", json=PLAIN, headers=origin)
    token = await server.http.post("/token", data={"grant_type": "x"}, headers=origin)
    ended = await server.http.post(
        "/revoke", data={"token": "x", "client_id": made.json()["client_id"]}, headers=origin
    )
    page = await server.http.get("/authorize", headers=origin)

    assert [201, 401, 200] == [made.status_code, token.status_code, ended.status_code]
    assert {"*"} == {answer.headers["access-control-allow-origin"] for answer in (made, token, ended)}
    assert "access-control-allow-origin" not in page.headers


@pytest.mark.requirement("clients:rule:12-public-address")
async def test_no_inner_name_leaks_into_what_a_client_is_told(server):
    """Rule 12, openship#540: the redirect, the metadata and `iss` name the public address, whatever the proxy says."""
    inner = {"host": "authserver.internal:9000", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
    app = await registered(server)
    registration = await register(server)
    said = await server.http.get("/.well-known/oauth-authorization-server", headers=inner)
    asked = await server.http.get(app.url(resource=R1), headers=inner)

    assert server.issuer == said.json()["issuer"]
    assert "internal" not in said.text + asked.headers["location"] + registration.text
    assert "evil" not in said.text + asked.headers["location"]
    assert asked.headers["location"].startswith("/login?")


@pytest.mark.requirement("clients:seen:4-a-refresh-at-the-wrong-door")
async def test_a_refresh_that_is_sent_to_the_mcp_server_reaches_nobody(server):
    """Seen 4: Python SDK 2.3.0, FastMCP 4. The guard answers 401 without looking; the token lives, and so does the login."""
    it = Guarded()
    client = await Replay.registered(server, "claude-code")
    tokens = await client.log_in()
    body = f"grant_type=refresh_token&refresh_token={tokens.refresh_token}".encode()

    answer = await it.send(path="/token", body=body, headers=[("content-type", "application/x-www-form-urlencoded")])
    again = await client.log_in()

    assert 401 == answer.status
    assert [] == it.server.seen
    assert tokens.refresh_token.encode() not in answer.body
    assert again.ok
    assert (await client.refresh(tokens)).ok


@pytest.mark.requirement("clients:seen:5-a-probe-before-the-browser")
async def test_a_program_that_probes_the_authorization_url_learns_whether_it_is_stale(server):
    """Seen 5: FastMCP's helper; below 400 while the client is known, 400 once it is not, and the browser comes after."""
    client = await Replay.registered(server, "mcp-remote")
    probe = await server.http.get(client.app.url(resource=R1))
    tokens = await client.log_in()
    await server.operator.remove_client(client.app.app)
    stale = await server.http.get(client.app.url(resource=R1))

    assert probe.status_code < 400
    assert tokens.ok
    assert 400 == stale.status_code
