"""MCP authorization, 2025-11-25 and 2026-07-28: what its clients rely on, by row of `mcp-authorization.md` §1a."""

import pytest

from tests.support.world import R1, WRITE

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("mcp:discovery:in-the-clients-order")
@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("", ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]),
        (
            "/t/t3",
            [
                "/.well-known/oauth-authorization-server/t/t3",
                "/.well-known/openid-configuration/t/t3",
                "/t/t3/.well-known/openid-configuration",
            ],
        ),
    ],
)
async def test_every_url_of_the_clients_discovery_order_gives_the_issuer_it_was_built_from(server, path, places):
    """MCP A3 to A6: clients refuse metadata whose issuer differs, or which hides PKCE."""
    for place in places:
        found = (await server.http.get(place)).json()

        assert server.issuer + path == found["issuer"]
        assert ["S256"] == found["code_challenge_methods_supported"]


@pytest.mark.requirement("mcp:consent:shows-where-the-answer-goes")
@pytest.mark.parametrize(("letter", "host"), [("P", "p.example"), ("N", "127.0.0.1"), ("B", "b.example")])
async def test_the_consent_page_shows_the_redirect_host_the_client_and_the_scopes_in_words(server, letter, host):
    """MCP A19 (MUST), A17: a name proves nothing, so the host stands there too."""
    page = await server.client(letter).consent_page("u1", scope=WRITE)

    for words in (host, server.client(letter).app.name, "Orders at mcp1.example", "See orders", "Change an order"):
        assert words in page.text, words
    assert server.world.people["u1"].email in page.text


@pytest.mark.requirement("mcp:consent:warns-about-local-programs")
async def test_the_consent_page_warns_when_the_answer_goes_to_a_program_on_the_computer(server):
    """MCP A17: any program there can listen; the page differs from that of a web application."""
    local = (await server.client("N").consent_page("u1")).text
    web = (await server.client("P").consent_page("u2")).text

    assert "this computer" in local.lower() or "your computer" in local.lower()
    assert "this computer" not in web.lower()
    assert "your computer" not in web.lower()


@pytest.mark.requirement("mcp:pages:cannot-be-framed-or-scripted")
@pytest.mark.parametrize("page", ["login", "consent", "error"])
async def test_no_page_can_be_framed_or_run_a_script(server, page):
    """MCP A38, OAuth 2.1 §7.11: frame-ancestors none, X-Frame-Options, nothing inline, nothing stored."""
    app = server.client("P")
    if page == "consent":
        shown = await app.consent_page("u1")
    else:
        shown = await app.ask("u1", **({"redirect_uri": "https://evil.example/"} if page == "error" else {}))
    policy = shown.response.headers["content-security-policy"]

    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "DENY" == shown.response.headers["x-frame-options"]
    assert "nosniff" == shown.response.headers["x-content-type-options"]
    assert "no-store" in shown.response.headers["cache-control"]
    assert shown.response.headers["referrer-policy"] in {"same-origin", "no-referrer"}
    assert "<script" not in shown.response.text
    assert "style=" not in shown.response.text


@pytest.mark.requirement("mcp:pages:cannot-be-framed-or-scripted")
async def test_the_consent_forms_policy_lets_the_answer_reach_the_client_and_nobody_else(server):
    """`clients.md`, seen 2: Chromium applies form-action to the redirect."""
    policy = (await server.client("P").consent_page("u1")).response.headers["content-security-policy"]
    [targets] = [part.strip() for part in policy.split(";") if part.strip().startswith("form-action")]

    assert "form-action 'self' https://p.example" == targets


@pytest.mark.requirement("mcp:refresh-tokens:public-clients-rotate")
@pytest.mark.parametrize("letter", ["P", "N", "G"])
async def test_a_public_clients_refresh_token_rotates(server, letter):
    """MCP A33 (MUST)."""
    app = server.client(letter)
    tokens = await app.sign_in()

    assert tokens.refresh_token != (await app.refresh(tokens)).refresh_token


@pytest.mark.requirement("mcp:refresh-tokens:offline-access-permits-nothing")
@pytest.mark.parametrize("scope", ["orders:read offline_access", "orders:read", "offline_access"])
async def test_offline_access_may_be_asked_for_and_permits_nothing(server, scope):
    """MCP A34, `clients.md` rule 7: a refresh token comes with or without it, and it opens no door."""
    tokens = await server.client("P").sign_in(scope=scope)

    assert {"orders:read"} == tokens.scope - {"offline_access"}
    assert tokens.refresh_token


@pytest.mark.requirement("mcp:scopes:subset-is-told")
async def test_scopes_that_are_not_known_here_are_left_out_and_the_answer_says_so(server):
    """MCP A35, `clients.md` rule 7: Codex asks `openid profile email offline_access` besides; nobody ticked the two."""
    tokens = await server.client("P").sign_in(scope="orders:read openid profile email mcp:tools")

    assert {"orders:read", "openid"} == tokens.scope
    assert "orders:read openid" == tokens.claims["scope"]


@pytest.mark.requirement("mcp:step-up:union-keeps-what-was-granted")
async def test_asking_again_for_the_union_gives_the_union(server):
    """MCP §7a.10: the second login shows the new tool, keeps the old, and the first authorization stays as it was."""
    app = server.client("P")
    first = await app.sign_in(scope="orders:read")
    page = await app.ask("u1", scope=WRITE)

    second = await app.sign_in(scope=WRITE, tools=["update_order"])

    assert "Change an order" in page.text
    assert {"orders:read"} == first.scope
    assert set(WRITE.split()) == second.scope
    assert {"orders:read"} == (await app.refresh(first)).scope


@pytest.mark.requirement("mcp:resource:accepted-in-both-requests")
async def test_the_resource_is_accepted_in_the_authorization_and_the_token_request(server):
    """MCP A30: clients MUST send it in both."""
    app = server.client("P")

    tokens = await app.redeem(await app.authorize(resource=R1), resource=R1)

    assert R1 == tokens.claims["aud"]


@pytest.mark.requirement("mcp:interop:authlib-walks-the-whole-flow")
async def test_somebody_elses_client_walks_the_whole_flow(server):
    """MCP A1: authlib's OAuth2 client, PKCE, code and refresh, without a line of ours in between."""
    tokens, refreshed = await server.authlib_flow("B", "u1")

    assert R1 == tokens["claims"]["aud"]
    assert tokens["refresh_token"] != refreshed["refresh_token"]
    assert tokens["claims"]["sub"] == refreshed["claims"]["sub"]
