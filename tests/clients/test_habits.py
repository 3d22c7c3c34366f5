"""What single clients do that breaks other servers, one test per habit."""

import asyncio
from dataclasses import replace

import httpx2
import pytest

from tests.clients.catalogue import CLIENTS
from tests.clients.replay import Replay, register_as
from tests.support.registering import registered
from tests.support.world import R1

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("clients:habit:no-resource-at-all")
@pytest.mark.parametrize("name", ["claude-code", "n8n", "codex"])
async def test_a_client_that_never_says_resource_gets_the_default_of_its_person(server, name):
    """anthropics/claude-code#90497, #10572; n8n#30733: neither at /authorize nor at /token."""
    client = await Replay.registered(server, name)

    tokens = await client.redeem(await client.authorize(resource=None), resource=None)
    fresh = await client.refresh(tokens, resource=None)

    assert R1 == tokens.claims["aud"] == fresh.claims["aud"]


@pytest.mark.requirement("clients:habit:no-resource-at-all")
async def test_a_client_that_says_resource_only_while_refreshing_is_understood(server):
    """anthropics/claude-code#52871: versions differ in where they say it."""
    client = await Replay.registered(server, "claude-code")
    tokens = await client.redeem(await client.authorize(resource=None), resource=None)

    assert (await client.refresh(tokens, resource=R1)).ok


@pytest.mark.requirement("clients:habit:asks-for-everything")
async def test_asking_for_everything_gives_what_the_person_may_and_ticks(server):
    """anthropics/claude-code#10572, #41610: no role, no scope; nothing that writes comes ticked; offline_access stays."""
    client = await Replay.registered(server, "claude-code")

    tokens = await client.log_in()

    assert {"orders:read", "orders:write", "offline_access"} == tokens.scope


@pytest.mark.requirement("clients:habit:one-refresh-token-in-several-processes")
async def test_processes_that_share_one_refresh_token_all_go_on(server):
    """anthropics/claude-code#91641: ten at once; every one gets the same successor, and it works."""
    client = await Replay.registered(server, "claude-code")
    tokens = await client.log_in()

    answers = await asyncio.gather(*(client.refresh(tokens) for _ in range(10)))

    assert {200} == {answer.status for answer in answers}
    assert 1 == len({answer.refresh_token for answer in answers})
    assert (await client.refresh(answers[0])).ok


@pytest.mark.requirement("clients:habit:two-nodes-refresh-in-turn")
async def test_a_node_that_is_a_minute_behind_does_not_end_the_login(server):
    """fastmcp#4265: the other node uses the old token once more, shortly after."""
    client = await Replay.registered(server, "claude")
    tokens = await client.log_in()
    ahead = await client.refresh(tokens)
    server.clock.advance(server.settings.refresh_replay_seconds - 1)

    behind = await client.refresh(tokens)

    assert ahead.refresh_token == behind.refresh_token
    assert (await client.refresh(ahead)).ok


@pytest.mark.requirement("clients:habit:told-to-register-again")
async def test_a_removed_client_is_told_to_register_again_and_can(server):
    """support.anthropic.com 11503834: HTTP 401 and invalid_client is what makes Claude register anew."""
    client = await Replay.registered(server, "claude")
    tokens = await client.log_in()
    await server.operator.remove_client(client.app.app)

    refused = await client.refresh(tokens)
    again = await Replay.registered(server, "claude")

    assert (401, "invalid_client") == (refused.status, refused.error)
    assert (await again.log_in()).ok


@pytest.mark.requirement("clients:habit:cursor-uses-each-of-its-addresses")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
        "http://localhost:55001/callback",
    ],
)
async def test_each_address_of_cursor_gets_its_answer(server, redirect_uri):
    """erp-mafia/accounted#2225, bytebase#20510: the editor, the command line and the hosted agents use one registration."""
    client = await Replay.registered(server, "cursor")
    client.app.app = replace(client.app.app, redirect_uris=(redirect_uri,))

    answer = await client.authorize()

    assert answer.page.location.startswith(redirect_uri + "?")
    assert (await client.redeem(answer)).ok


@pytest.mark.requirement("clients:habit:web-beside-loopback")
async def test_web_with_a_loopback_address_beside_it_is_served(server):
    """erp-mafia/accounted#2225: some versions say `web` and register loopback and cursor:// with it."""
    answer = await register_as(server, {**CLIENTS["cursor"].registration, "application_type": "web"})

    assert 201 == answer.status_code
    assert 3 == len(answer.json()["redirect_uris"])


@pytest.mark.requirement("clients:habit:the-page-goes-on-to-a-private-scheme")
async def test_the_consent_page_lets_its_form_go_on_to_cursor(server):
    """inbox-zero#3784; Chromium applies form-action to the redirect that answers a form."""
    client = await Replay.registered(server, "cursor")

    page = await client.app.consent_page("u1", resource=R1)

    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' cursor:;" in policy
    assert "cursor:" in page.text


@pytest.mark.requirement("clients:habit:another-port-than-registered")
@pytest.mark.parametrize(
    "name", ["vscode", "copilot-cli", "gemini-cli", "mcp-remote", "claude-code", "codex", "mcporter"]
)
@pytest.mark.parametrize("port", [1024, 33418, 65535])
async def test_a_program_comes_back_on_another_port(server, name, port):
    """microsoft/vscode#278512, copilot-cli#1951, gemini-cli#14419, mcp-remote#72: registered on one, listening on another."""
    client = await Replay.registered(server, name, port=port)

    answer = await client.authorize()

    assert f":{port}/" in answer.page.location
    assert (await client.redeem(answer)).ok


@pytest.mark.requirement("clients:habit:asks-beyond-what-it-registered")
async def test_scopes_that_it_did_not_register_can_be_asked_for(server):
    """clerk/mcp-tools#9: VS Code registers the resource's scopes and asks for the server's; the person decides."""
    client = await Replay.registered(server, "vscode")

    tokens = await client.log_in(tools=["update_order"])

    assert {"orders:read", "orders:write", "tool:update_order"} == tokens.scope


@pytest.mark.requirement("clients:habit:discovery-from-the-authorization-endpoint")
async def test_the_origin_of_the_authorization_endpoint_leads_to_the_metadata(server):
    """google-gemini/gemini-cli#17167: it strips the path of the endpoint and asks there."""
    said = (await server.http.get("/.well-known/oauth-authorization-server")).json()
    origin = str(httpx2.URL(said["authorization_endpoint"]).copy_with(path="/")).rstrip("/")

    found = await server.http.get(origin + "/.well-known/oauth-authorization-server")

    assert said == found.json()


@pytest.mark.requirement("clients:habit:a-slash-after-a-pathless-resource")
async def test_a_slash_after_a_resource_without_a_path_is_the_same_resource(server):
    """vercel/ai#13988, older SDKs: `https://host` registered, `https://host/` sent; the audience is the registered one."""
    await server.operator.add_resource("https://pathless.example", "t1")
    app = await registered(server, resource="https://pathless.example/")

    tokens = await app.redeem(await app.authorize("u1"), resource="https://pathless.example/")

    assert "https://pathless.example" == tokens.claims["aud"]
    assert (await app.refresh(tokens, resource="https://pathless.example/")).ok


@pytest.mark.requirement("clients:habit:a-refused-refresh-burns-nothing")
async def test_a_refresh_that_names_the_endpoint_is_refused_and_uses_nothing_up(server):
    """modelcontextprotocol/rust-sdk#1084: rmcp named the URL it called; the next version still holds a good token."""
    client = await Replay.registered(server, "rmcp")
    tokens = await client.log_in()

    refused = await client.refresh(tokens, resource=R1 + "/messages")

    assert "invalid_target" == refused.error
    assert (await client.refresh(tokens)).ok


@pytest.mark.requirement("clients:habit:both-addresses-of-claude")
@pytest.mark.parametrize("host", ["claude.ai", "claude.com"])
async def test_claude_is_served_at_both_its_addresses(server, host):
    """Anthropic's documentation names the second one as to come."""
    callback = f"https://{host}/api/mcp/auth_callback"
    client = await Replay.registered(server, "claude", redirect_uris=[callback])
    client.app.app = replace(client.app.app, redirect_uris=(callback,))

    assert (await client.log_in()).ok


@pytest.mark.requirement("clients:habit:an-empty-list-of-addresses")
async def test_a_client_that_names_no_address_is_told_so(server):
    """MCP #3224: `redirect_uris: []` exists; it cannot log anybody in, and the answer says what is missing."""
    answer = await register_as(server, {"client_name": "Nowhere", "redirect_uris": []})

    assert (400, "invalid_redirect_uri") == (answer.status_code, answer.json()["error"])
    assert "redirect_uris" in answer.json()["error_description"]
