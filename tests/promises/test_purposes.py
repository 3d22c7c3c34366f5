"""What an authorization is for: offered by an MCP server, chosen by its person, carried by every token of that login."""

import pytest

from tests.support.exchange import SCOPES
from tests.support.oracle import unverified_claims
from tests.support.world import R1, R2, R5

PURPOSES = {"support": "Answering a customer", "audit": "An audit"}


async def asks_for_purposes(server, uri=R1):
    await server.operator.set_resource(uri, purposes=PURPOSES)


@pytest.mark.requirement("opt-in:purpose:is-chosen-where-it-is-offered")
async def test_nothing_is_allowed_until_the_person_says_what_it_is_for(server):
    """C24: in the server's words; nothing is chosen for them, and nothing but what is offered counts."""
    await asks_for_purposes(server)
    app = server.client("P")
    page = await app.consent_page("u1")

    unsaid = await app.authorize("u1")
    made_up = await app.authorize("u1", purpose="everything")
    said = await app.authorize("u1", purpose="audit")

    assert "What is it for?" in page.text
    assert "Answering a customer" in page.text
    assert list(PURPOSES) == page.form("decision").offered("purpose")
    assert page.form("decision").value("purpose") is None
    assert {(400, False)} == {(answer.page.status, answer.has_code) for answer in (unsaid, made_up)}
    assert said.has_code


@pytest.mark.requirement("opt-in:purpose:is-chosen-where-it-is-offered")
@pytest.mark.one_database
async def test_a_server_that_offers_none_asks_nothing_and_takes_nothing(server):
    """What a form says that the page did not ask goes nowhere."""
    app = server.client("P")

    page = await app.consent_page("u1")
    tokens = await app.sign_in(purpose="audit")

    assert "What is it for?" not in page.text
    assert "purpose" not in tokens.claims


@pytest.mark.requirement("opt-in:purpose:is-chosen-where-it-is-offered")
@pytest.mark.one_database
async def test_an_earlier_answer_is_not_given_again_for_the_person(server):
    """A confidential client may skip a page that says nothing new; what a connection is for is new each time."""
    await asks_for_purposes(server)
    app = server.client("B")
    await app.sign_in(purpose="support")

    again = await app.ask("u1")
    silently = await app.ask("u1", prompt="none")

    assert again.is_consent
    assert "error=consent_required" in (silently.location or "")


@pytest.mark.requirement("opt-in:purpose:is-chosen-where-it-is-offered")
@pytest.mark.one_database
async def test_a_page_with_other_purposes_allows_nothing(server):
    """Decision 7: the yes means what the page said."""
    await asks_for_purposes(server)
    app = server.client("P")
    page = await app.consent_page("u1")
    await server.operator.set_resource(R1, purposes={"support": "Reading everything"})

    again = await app.browser_of("u1").submit(page.form("decision"), decision="allow", purpose="support")

    assert again.is_consent
    assert "Nothing was allowed" in again.text
    assert "Reading everything" in again.text


@pytest.mark.requirement("opt-in:purpose:is-chosen-where-it-is-offered")
async def test_a_device_page_asks_for_it_too(server):
    """RFC 8628: the same words, the same rule."""
    await asks_for_purposes(server)
    app = server.client("D")
    unsaid, started = await app.start_device(), await app.start_device()

    refused = await app.connect("u1", unsaid)
    await app.connect("u1", started, purpose="support")
    tokens = await app.poll(started)

    assert 400 == refused.status
    assert "authorization_pending" == (await app.poll(unsaid)).error
    assert "support" == tokens.claims["purpose"] == (await app.refresh(tokens)).claims["purpose"]


@pytest.mark.requirement("opt-in:purpose:goes-with-the-authorization")
async def test_it_goes_with_every_token_of_that_login_and_no_other(server):
    """C24: minted, refreshed, introspected and shown; a second laptop and a second person have their own."""
    await asks_for_purposes(server)
    app, rs = server.client("P"), server.client("RS1")
    first = await app.sign_in("u1", purpose="support")
    second = await app.sign_in("u1", purpose="audit")
    other = await app.sign_in("u2", purpose="audit")

    refreshed = await app.refresh(first)
    page = await app.browser_of("u1").open("/account")

    said = [tokens.claims["purpose"] for tokens in (first, refreshed, second, other)]
    assert ["support", "support", "audit", "audit"] == said
    assert "support" == (await rs.introspect(refreshed.access_token)).body["purpose"]
    assert "Answering a customer" in page.text
    assert "An audit" in page.text
    assert "An audit" in (await app.browser_of("u2").open("/account")).text
    assert "Answering a customer" not in (await app.browser_of("u2").open("/account")).text


@pytest.mark.requirement("opt-in:purpose:means-nothing-elsewhere")
@pytest.mark.one_database
async def test_a_traded_token_says_nothing_of_it(server):
    """A name of one server's list would satisfy a condition about another's."""
    await asks_for_purposes(server)
    await server.operator.allow_exchange(R1, R2, SCOPES)
    tokens = await server.client("P").sign_in("u1", purpose="audit")
    trade = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": tokens.access_token}
    kind = {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token", "resource": R2}

    traded = await server.client("RS1").token(**trade, **kind, scope="orders:read")

    assert traded.ok, traded.body
    assert R2 == unverified_claims(traded.access_token)["aud"]
    assert "purpose" not in unverified_claims(traded.access_token)


@pytest.mark.requirement("opt-in:purpose:goes-with-the-authorization")
@pytest.mark.one_database
async def test_another_server_of_the_same_person_knows_nothing_of_it(server):
    """It is of one resource: R5 offers none."""
    await asks_for_purposes(server)
    await server.client("P").sign_in("u5", purpose="audit", resource=R1)

    tokens = await server.client("G").sign_in("u5", tenant="t1", resource=R5)

    assert "purpose" not in tokens.claims
