"""A tenant decides which applications that nobody of ours registered may be connected by its people."""

import pytest

from authserver.domain.clients import trust
from authserver.domain.clients.client import InvalidClientDataError
from authserver.domain.revocation import feed, tail
from tests.support.oauth_client import OAuthClient
from tests.support.publisher import HOST, URL, Publisher, app
from tests.support.registering import registered
from tests.support.server import Server
from tests.support.world import R5

OTHER = "https://client.example.net/oauth/other.json"


@pytest.mark.requirement("trust:policy:decides-for-each-tenant")
@pytest.mark.parametrize("policy", ["approve", "listed"])
async def test_a_policy_is_one_tenants_and_nobody_elses(reading_server: Server, publisher: Publisher, policy: str):
    """MCP A20: the default lets any in; what one tenant says, no other hears."""
    publisher.publish()
    await reading_server.operator.set_trust("t1", policy)

    refused = await app(reading_server).consent_page("u1")
    both = await app(reading_server).consent_page("u5")
    tokens = await app(reading_server).sign_in("u5")

    assert (403, "text/html; charset=utf-8") == (refused.status, refused.response.headers["content-type"])
    assert "location" not in refused.response.headers
    assert both.is_consent
    assert reading_server.world.tenants["t2"] == tokens.claims["tenant_id"]


@pytest.mark.requirement("trust:approve:waits-on-a-list")
async def test_an_application_that_waits_stands_on_the_administrators_list(
    reading_server: Server, publisher: Publisher
):
    """what-users-want.md 7: the person is told, the operator sees it once, and a yes is all it takes."""
    publisher.publish()
    await reading_server.operator.set_trust("t1", "approve")
    client = app(reading_server)

    page = await client.consent_page("u1")
    await client.consent_page("u1")
    await client.consent_page("u2")

    assert "administrator" in page.text
    assert [URL] == await reading_server.operator.asked_for("t1")
    assert [] == await reading_server.operator.asked_for("t2")
    assert 1 == (await reading_server.operator.kinds("t1")).count("person:client:asked_for")
    await reading_server.operator.let_in("t1", URL)
    assert (await client.sign_in("u1")).ok
    assert [] == await reading_server.operator.asked_for("t1")
    assert "operator:client_trust:changed" in await reading_server.operator.kinds("t1")


@pytest.mark.one_database
@pytest.mark.requirement("trust:approve:waits-on-a-list")
async def test_the_list_of_one_tenant_says_nothing_of_what_its_people_do_elsewhere(
    reading_server: Server, publisher: Publisher
):
    """TN: a person of two tenants who can connect an application in one asks for nothing in the other."""
    publisher.publish()
    await reading_server.operator.set_trust("t1", "approve")

    assert (await app(reading_server).sign_in("u5")).ok

    assert [] == await reading_server.operator.asked_for("t1")


@pytest.mark.one_database
@pytest.mark.requirement("trust:approve:waits-on-a-list")
async def test_a_list_of_questions_is_bounded_and_the_newest_stand_on_it(reading_server: Server):
    """Ours: the oldest give way, so that somebody who asks without end shuts nobody else out."""
    client = (await reading_server.operator.clients("*"))[0]
    tenant = reading_server.world.tenants["t1"]
    for number in range(505):
        reading_server.clock.advance(1)
        asked = type(client)(**{name: getattr(client, name) for name in client.__slots__} | {"id": f"cli_{number}"})
        await trust.ask(reading_server.machines.work(), tenant, asked)

    waiting = await reading_server.operator.asked_for("t1")

    assert 500 <= len(waiting) <= 501
    assert "cli_504" in waiting
    assert "cli_0" not in waiting


@pytest.mark.requirement("trust:verdict:a-client-before-its-host")
async def test_a_verdict_on_a_client_goes_before_one_on_its_host(reading_server: Server, publisher: Publisher):
    """A host vouches for every document it publishes; one of them can still be another matter."""
    publisher.publish()
    publisher.publish(OTHER)
    await reading_server.operator.set_trust("t1", "listed")
    await reading_server.operator.let_in("t1", HOST)

    assert (await app(reading_server, OTHER).sign_in("u1")).ok
    assert (await app(reading_server).sign_in("u1")).ok
    await reading_server.operator.block("t1", OTHER)
    assert 403 == (await app(reading_server, OTHER).consent_page("u1")).status
    assert (await app(reading_server).sign_in("u1")).ok
    await reading_server.operator.block("t1", HOST)
    await reading_server.operator.let_in("t1", URL)
    assert (await app(reading_server).sign_in("u1")).ok
    await reading_server.operator.forget_verdict("t1", URL)
    assert 403 == (await app(reading_server).consent_page("u1")).status


@pytest.mark.requirement("trust:policy:acts-on-what-lives")
@pytest.mark.parametrize("policy", ["approve", "listed"])
async def test_a_stricter_policy_stops_refreshes_at_once_and_a_yes_lets_them_go_on(
    reading_server: Server, publisher: Publisher, policy: str
):
    """Ours: it is asked at every token, not only at consent; nothing is ended by it."""
    publisher.publish()
    client = app(reading_server)
    tokens = await client.sign_in("u1")
    answer = await client.authorize("u1")
    await reading_server.operator.set_trust("t1", policy)

    assert "invalid_grant" == (await client.redeem(answer)).error
    assert "invalid_grant" == (await client.refresh(tokens)).error
    await reading_server.operator.let_in("t1", HOST)

    assert (await client.refresh(tokens)).ok
    assert (await client.redeem(answer)).ok


@pytest.mark.requirement("trust:policy:acts-on-what-lives")
async def test_a_resource_server_hears_at_once_that_an_application_is_let_in_no_more(
    reading_server: Server, publisher: Publisher
):
    """RFC 7662 §2.2: inactive under a stricter policy, active after a yes, and dead for good after a block."""
    publisher.publish()
    access = (await app(reading_server).sign_in("u1")).access_token
    asking = OAuthClient(server=reading_server, app=await reading_server.operator.credential_of(R5))

    async def is_active() -> bool:
        return (await asking.introspect(access)).body["active"]

    assert await is_active()
    await reading_server.operator.set_trust("t1", "listed")
    assert not await is_active()
    await reading_server.operator.let_in("t1", URL)
    assert await is_active()
    await reading_server.operator.block("t1", URL)
    assert not await is_active()
    await reading_server.operator.let_in("t1", URL)
    assert not await is_active()


@pytest.mark.requirement("trust:policy:acts-on-what-lives")
async def test_another_process_hears_of_a_block(server_with, publisher: Publisher):
    """Decision 20: policy comes from memory, and memory follows the directory."""
    publisher.publish()
    first = await server_with(outbound=publisher.outbound())
    second = await server_with(outbound=publisher.outbound())
    tokens = await app(second).sign_in("u1")

    await first.operator.set_trust("t1", "listed")
    await tail.look(second.machines.work())

    assert "invalid_grant" == (await app(second).refresh(tokens)).error


@pytest.mark.requirement("trust:block:ends-what-lives")
@pytest.mark.parametrize("subject", [URL, HOST])
async def test_a_block_ends_what_the_application_holds_in_that_tenant_alone(
    reading_server: Server, publisher: Publisher, subject: str
):
    """Issue: a block also kills live tokens; the numbered list says so; forgetting it brings nothing back."""
    publisher.publish()
    client = app(reading_server)
    here = await client.sign_in("u1")
    second = await client.sign_in("u2")
    waiting = await client.authorize("u1")
    elsewhere = await client.sign_in("u9")
    before = len(await feed.since(reading_server.operator.work(), after=0))

    await reading_server.operator.block("t1", subject)

    assert before + 1 == len(await feed.since(reading_server.operator.work(), after=0))
    for tokens in (here, second):
        assert "invalid_grant" == (await client.refresh(tokens)).error
    assert "invalid_grant" == (await client.redeem(waiting)).error
    assert 403 == (await client.consent_page("u1")).status
    assert (await client.refresh(elsewhere)).ok
    await reading_server.operator.forget_verdict("t1", subject)
    assert "invalid_grant" == (await client.refresh(here)).error
    assert "invalid_grant" == (await client.redeem(waiting)).error
    assert (await client.sign_in("u1")).ok


@pytest.mark.one_database
@pytest.mark.requirement("trust:scope:whom-it-is-about")
async def test_the_policy_is_about_strangers_and_a_block_about_every_shared_client(server: Server):
    """Ours: what an operator added is let in unless it is blocked by name; a tenant's own is disabled instead."""
    stranger = await registered(server, redirect_uris=["http://127.0.0.1/callback"])
    shared, own = server.client("G"), server.client("P")
    await server.operator.set_trust("t1", "listed")

    assert 403 == (await stranger.consent_page("u1")).status
    assert (await shared.sign_in("u1")).ok
    assert (await own.sign_in("u1")).ok
    await server.operator.let_in("t1", stranger.app.client_id)
    assert (await stranger.consent_page("u1")).is_consent
    await server.operator.block("t1", shared.app.client_id)
    assert 403 == (await shared.consent_page("u1")).status
    assert (await shared.sign_in("u9")).ok


@pytest.mark.requirement("trust:verdict:a-client-before-its-host")
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("claude.ai", "host:claude.ai"),
        ("Claude.AI", "host:claude.ai"),
        ("host:claude.ai", "host:claude.ai"),
        ("https://claude.ai/x", "https://claude.ai/x"),
        ("cli_abcdefgh", "cli_abcdefgh"),
        ("", None),
        ("claude", None),
        ("host:", None),
        ("host:a b", None),
        ("x" * 501, None),
        ("claude.ai\n", "host:claude.ai"),
        ("bücher.example", None),
    ],
)
def test_a_verdict_is_about_a_client_or_a_host(text: str, meant: str | None):
    """Ours."""
    if meant is None:
        with pytest.raises(InvalidClientDataError):
            trust.subject(text)
    else:
        assert meant == trust.subject(text)
