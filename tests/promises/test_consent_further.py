"""A person sees where a server may act in their name before they allow anything at it."""

import pytest

from tests.support.exchange import SCOPES
from tests.support.world import R1, R2, R9


@pytest.mark.requirement("ours:consent:shows-where-a-server-may-act")
@pytest.mark.one_database
async def test_consent_names_the_servers_further_on_and_what_may_be_done_there(server):
    """RFC 8693 §5: in words, within what is asked for and what this person may have, and only of their own organisation."""
    before = await server.client("P").consent_page("u1")
    await server.operator.allow_exchange(R1, R2, SCOPES)
    await server.operator.allow_exchange(R1, R9, SCOPES)

    member = await server.client("P").consent_page("u1")
    admin = await server.client("P").consent_page("u2")

    assert "may act for you at" not in before.text
    assert "may act for you at" in member.text
    assert R2 in member.text
    assert R9 not in member.text
    assert "See orders" in member.text.partition("may act for you at")[2]
    assert "Administer orders" not in member.text
    assert "Change orders" not in member.text.partition("may act for you at")[2]
    assert "Administer orders" in admin.text.partition("may act for you at")[2]


@pytest.mark.requirement("ours:consent:shows-where-a-server-may-act")
@pytest.mark.one_database
async def test_a_page_that_did_not_show_it_allows_nothing(server):
    """Decision 7: what the yes means is what the page said; an exchange allowed meanwhile is shown first."""
    app = server.client("P")
    page = await app.consent_page("u1")
    await server.operator.allow_exchange(R1, R2, SCOPES)

    again = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert again.is_consent
    assert "may act for you at" in again.text
    assert "Nothing was allowed" in again.text
