"""RFC 8707: a token is for the resource that the person approved, and for no other."""

import pytest

from tests.support.oauth_client import AuthorizationAnswer
from tests.support.registering import registered
from tests.support.world import R1, R2, R5, R9

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("rfc8707:resource:becomes-the-audience")
@pytest.mark.parametrize("resource", [R1, R2, R5])
async def test_the_resource_that_was_approved_is_the_one_audience(server, resource):
    """RFC 8707 §2, MCP A30, decision 7: one string, byte for byte, through refreshes too."""
    app = server.client("P")
    tokens = await app.sign_in(resource=resource)

    assert resource == tokens.claims["aud"]
    assert resource == (await app.refresh(tokens)).claims["aud"]
    assert resource == (await app.refresh(tokens, resource=resource)).claims["aud"]


@pytest.mark.requirement("rfc8707:resource:has-a-default")
async def test_a_request_without_a_resource_is_for_the_tenants_default(server):
    """Decision 7 (AZ-46): never a token without an audience; that it was defaulted is recorded."""
    tokens = await server.client("P").sign_in(resource=None)

    assert R1 == tokens.claims["aud"]
    [event] = [event for event in await server.operator.events() if event["kind"] == "client:code:issued"]
    assert '"resource_defaulted":true' in event["header"]


@pytest.mark.requirement("rfc8707:resource:has-a-default")
async def test_where_there_is_no_default_a_resource_must_be_named(server):
    """Decision 7 (AZ-46): the tenant has several and none of them is its default."""
    await server.operator.add_resource("https://mcp99.example/mcp", "t2")

    answer = await server.client("G").authorize("u9", resource=None)

    assert "invalid_target" == answer.error


@pytest.mark.requirement("rfc8707:default:is-of-the-persons-tenant")
async def test_a_shared_client_that_names_none_gets_the_default_of_its_persons_tenant(server):
    """Rule 6: Claude Code (#90497, #10572) and n8n (#30733) send no `resource`; nobody is signed in yet when they ask."""
    page = await server.client("G").ask("u1", resource=None)
    tokens = await server.client("G").sign_in("u1", resource=None)

    assert page.is_login
    assert R1 == tokens.claims["aud"]
    [event] = [event for event in await server.operator.events() if event["kind"] == "client:code:issued"]
    assert '"resource_defaulted":true' in event["header"]


@pytest.mark.requirement("rfc8707:default:is-of-the-persons-tenant")
@pytest.mark.parametrize(("slug", "tenant", "audience"), [("t1", "t1", R1), ("t2", "t2", R9)])
async def test_who_belongs_to_several_tenants_says_which_before_the_resource_is_known(server, slug, tenant, audience):
    """Decision 22: one page more, and the page that follows is about that tenant alone."""
    await server.operator.set_tenant("t2", default_resource=R9)
    app = server.client("G")
    choice = await app.consent_page("u5", resource=None)
    consent = await app.browser_of("u5").submit_get(choice.form("tenant"), tenant=slug)
    answer = await app.browser_of("u5").submit(consent.form("decision"), decision="allow")
    tokens = await app.redeem(AuthorizationAnswer(page=answer))

    assert not choice.is_consent
    assert ["t1", "t2"] == choice.form("tenant").offered("tenant")
    assert (audience, server.world.tenants[tenant]) == (tokens.claims["aud"], tokens.claims["tenant_id"])


@pytest.mark.requirement("rfc8707:default:a-wish-is-no-membership")
@pytest.mark.parametrize("slug", ["t2", "t3", "nowhere", "*"])
async def test_naming_a_tenant_of_others_gives_nothing(server, slug):
    """TN-11: the parameter is ours, and anybody can write it into an address."""
    app = server.client("G")
    page = await app.consent_page("u1", resource=None, tenant=slug)

    assert "invalid_target" == AuthorizationAnswer(page=page).error


@pytest.mark.requirement("rfc8707:default:is-of-the-persons-tenant")
async def test_where_it_is_undecided_nothing_is_shown_silently(server):
    """OpenID Connect Core §3.1.2.6: prompt=none shows no page, this one neither."""
    await server.operator.set_tenant("t2", default_resource=R9)
    app = server.client("G")
    await app.consent_page("u5", resource=None)

    assert "consent_required" == AuthorizationAnswer(page=await app.ask("u5", resource=None, prompt="none")).error


@pytest.mark.requirement("rfc8707:resource:unknown-is-invalid-target")
@pytest.mark.parametrize(
    "resource",
    [
        R9,
        "https://evil.example/mcp",
        "mcp1.example/mcp",
        "/mcp",
        f"{R1}#f",
        f"{R1}?x=1",
        f"{R1}/",
        f"{R1}/x",
        "https://mcp1.example/MCP",
        "https://mcp1.example/mcp%2f",
        "https://mcp1.example/x/../mcp",
        "https://mcp1.example:443/mcp",
        "https://mcp1.example./mcp",
        "http://mcp1.example/mcp",
        "https://user@mcp1.example/mcp",
        "urn:mcp1",
        "*",
        "https://mcp1.example/" + "a" * 3000,
        [R1, R2],
        [R1, R1],
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_resource_that_is_not_ours_is_invalid_target_at_authorize(server, resource):
    """RFC 8707 §2 (AZ-45), GHSA-p2fr-6hmx-4528: refused before anybody logs in for nothing."""
    answer = await server.client("P").authorize(resource=resource)

    assert "invalid_target" == answer.error
    assert not answer.has_code


@pytest.mark.requirement("rfc8707:resource:scheme-and-host-in-any-case")
@pytest.mark.parametrize("resource", ["HTTPS://MCP1.EXAMPLE/mcp", "https://Mcp1.Example/mcp"])
async def test_scheme_and_host_may_be_written_in_any_case(server, resource):
    """MCP A31: accepted, and the audience is the canonical form."""
    app = server.client("P")
    tokens = await app.sign_in(resource=resource)

    assert R1 == tokens.claims["aud"]
    assert (await app.refresh(tokens, resource=resource)).ok


@pytest.mark.requirement("rfc8707:resource:token-request-cannot-change-it")
@pytest.mark.parametrize("resource", [R2, R5, R9, "https://evil.example/", [R1, R2], f"{R1}/"])
async def test_a_token_request_for_another_resource_is_refused_and_uses_nothing_up(server, resource):
    """RFC 8707 §2.2 (TK-08): the audience never comes from the token request alone."""
    app = server.client("P")
    code = await app.authorize()

    refusal = await app.redeem(code, resource=resource)
    tokens = await app.redeem(code, resource=R1)
    again = await app.refresh(tokens, resource=resource)

    assert "invalid_target" == refusal.error
    assert R1 == tokens.claims["aud"]
    assert "invalid_target" == again.error
    assert R1 == (await app.refresh(tokens)).claims["aud"]


ORIGINS = ["https://mcp1.example", "https://mcp1.example/", "HTTPS://MCP1.example/"]


@pytest.mark.requirement("rfc8707:origin:means-the-one-resource-under-it")
@pytest.mark.parametrize("origin", ORIGINS)
async def test_an_origin_means_the_one_mcp_server_under_it(server, origin):
    """clients.md rule 6: Claude Code 2.1.258 (#52871) and ChatGPT (gbrain#5222) send no path; the audience has it."""
    app = server.client("P")
    code = await app.authorize(resource=origin)
    tokens = await app.redeem(code, resource=origin)

    assert R1 == tokens.claims["aud"]
    assert R1 == (await app.refresh(tokens, resource=origin)).claims["aud"]
    assert "https://mcp1.example/mcp" in (await app.consent_page("u1", resource=origin)).text
    [event, *_] = [event for event in await server.operator.events() if event["kind"] == "client:code:issued"]
    assert '"resource_by_origin":true' in event["header"]


@pytest.mark.requirement("rfc8707:origin:means-the-one-resource-under-it")
async def test_a_shared_client_may_name_an_origin_too(server):
    """The same for clients that belong to nobody, as every client that registers itself does."""
    tokens = await server.client("G").sign_in("u5", resource="https://mcp5.example/", tenant="t1")

    assert R5 == tokens.claims["aud"]


@pytest.mark.requirement("rfc8707:origin:must-be-unambiguous")
async def test_an_origin_with_two_mcp_servers_means_none(server):
    """clients.md rule 6: nobody guesses an audience."""
    await server.operator.add_resource("https://mcp1.example/other", "t1")

    assert "invalid_target" == (await server.client("P").authorize(resource="https://mcp1.example/")).error
    assert (await server.client("P").sign_in(resource=R1)).ok


@pytest.mark.requirement("rfc8707:origin:must-be-unambiguous")
@pytest.mark.parametrize(
    "resource", ["https://mcp9.example", "https://mcp9.example/", "https://evil.example/", "http://mcp1.example"]
)
async def test_an_origin_of_somebody_else_means_nothing(server, resource):
    """TN-11: the resources of another tenant are not found by their origin either."""
    app = server.client("P")
    code = await app.authorize()

    assert "invalid_target" == (await app.authorize(resource=resource)).error
    assert "invalid_target" == (await app.redeem(code, resource=resource)).error


@pytest.mark.settings(resource_by_origin=False)
@pytest.mark.requirement("rfc8707:origin:can-be-switched-off")
@pytest.mark.parametrize("origin", ORIGINS)
async def test_switched_off_an_origin_is_no_resource(server, origin):
    """RFC 8707 §2 to the letter, for who wants it."""
    app = server.client("P")
    code = await app.authorize()

    assert "invalid_target" == (await app.authorize(resource=origin)).error
    assert "invalid_target" == (await app.redeem(code, resource=origin)).error


@pytest.mark.requirement("rfc8707:default:is-of-the-persons-tenant")
async def test_a_pushed_request_without_a_resource_asks_for_the_organisation_too(server):
    """RFC 9126 §4: the reference stays as it is; which organisation it is for stands beside it."""
    await server.operator.set_tenant("t2", default_resource=R9)
    app = server.client("G")
    choice = await app.consent_page("u5", **await app.pushed(resource=None))
    consent = await app.browser_of("u5").submit_get(choice.form("tenant"), tenant="t2")
    answer = await app.browser_of("u5").submit(consent.form("decision"), decision="allow")

    tokens = await app.redeem(AuthorizationAnswer(page=answer))

    assert (R9, server.world.tenants["t2"]) == (tokens.claims["aud"], tokens.claims["tenant_id"])


@pytest.mark.requirement("rfc8707:default:is-of-the-persons-tenant")
async def test_a_device_that_names_no_resource_is_told_to(server):
    """RFC 8628 §3.1: nobody is signed in where a device asks, so nothing can decide it."""
    device = await registered(server, grant_types=["urn:ietf:params:oauth:grant-type:device_code"], redirect_uris=...)

    unsaid = await device.start_device(resource=None)
    said = await device.start_device(resource=R5)

    assert "invalid_target" == unsaid.error
    assert said.ok
