"""
/approvals: everything that waits for a person, what ends first first; it looks again by itself, and can be told not to.

AP-11, AP-12, WCAG 2.2.2.
"""

import re

import pytest

from tests.support.approvals import REFUND, WITH_REFUND, tool_server
from tests.support.approvers import approve, deny, opened
from tests.support.world import R1


async def waiting(server, order, *, letter="N", who="u1", rs="RS1", **rule):
    """Let an application ask for the refund of an order; returns its address."""
    token = await server.client(letter).sign_in(who, scope=WITH_REFUND, tools=[REFUND])
    answer = await tool_server(server, rs, **rule).ask(token, {"order_id": order, "amount_cents": 100})
    return answer.json()["approval_url"]


async def inbox(server, who, browser=None, query=""):
    """Return what a person finds under /approvals."""
    return await opened(browser or server.browser(), f"/approvals{query}", who=server.world.people[who])


def calls_on(page):
    """Return the calls that a page leads to, in its order."""
    return [link for link in page.links if "/approvals/ap_" in link]


def urls(*addresses):
    return [re.sub(r"^https?://[^/]+", "", address) for address in addresses]


@pytest.mark.requirement("approvals:inbox:shows-what-waits-for-me")
async def test_what_ends_first_stands_first_and_each_is_a_link_to_its_page(server):
    """Issue: an inbox of pending approvals; the count in the title."""
    slow = await waiting(server, "o-slow", expires_in=1800)
    soon = await waiting(server, "o-soon", letter="P", expires_in=100)
    late = await waiting(server, "o-late", letter="P", expires_in=3600)
    browser = server.browser()

    page = await inbox(server, "u1", browser)
    await approve(browser, soon)
    after = await inbox(server, "u1", browser)

    assert urls(soon, late, slow) == calls_on(page)
    assert "<title>(3) What waits for you</title>" in page.response.text
    assert "3 calls wait for you" in page.text
    assert re.search(r"Public Web App : Refund an order Cannot be undone .*First Customer · 2 calls", page.text)
    assert "1 minute left" in page.text
    assert "2 calls wait for you" in after.text
    assert urls(slow, late, soon) == calls_on(after)
    assert re.search(r"Lately .* you said yes Allowed", after.text)


@pytest.mark.requirement("approvals:inbox:shows-what-waits-for-me")
async def test_nobody_finds_what_is_not_for_them_and_a_call_is_in_its_own_organisation(server):
    """AP-11: a colleague, another tenant, under four eyes the person it runs for; u5 is in two."""
    own = await waiting(server, "o-1")
    eyes = await waiting(server, "o-2", letter="P", four_eyes=True)
    both = [await waiting_of_u5(server, tenant) for tenant in ("t1", "t2")]

    found = {who: calls_on(await inbox(server, who)) for who in ("u1", "v1", "u2", "u9", "u5")}

    assert {"u1": urls(own, eyes), "v1": urls(eyes), "u2": [], "u9": [], "u5": urls(*both)} == {
        who: sorted(links, key=lambda link: link not in urls(own, both[0])) for who, links in found.items()
    }
    assert "1 call waits for you" in (await inbox(server, "u1")).text
    assert "Second Customer" in (await inbox(server, "u5")).text


async def waiting_of_u5(server, tenant):
    token = await server.client("G").sign_in("u5", tenant=tenant, scope=WITH_REFUND, tools=[REFUND])
    answer = await tool_server(server, "RS5").ask(token, {"order_id": tenant, "amount_cents": 1})
    server.clock.advance(1)
    return answer.json()["approval_url"]


@pytest.mark.requirement("approvals:inbox:shows-what-waits-for-me")
async def test_what_nobody_knows_the_end_of_stands_there_until_it_is_cleared(server):
    """AP-15: a person who may clear it finds it without being told."""
    token = await server.client("N").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    rs, browser = tool_server(server), server.browser()
    asked = (await rs.ask(token)).json()
    await approve(browser, asked["approval_url"], who=server.world.people["u1"])
    await rs.consume(asked["approval_id"], token)
    server.clock.advance(31)

    page = await inbox(server, "u1", browser)
    other = await inbox(server, "u2")
    cleared = await browser.open(asked["approval_url"])
    await browser.submit(cleared.form("decision"), decision="not_ran")
    after = await inbox(server, "u1", browser)

    assert "Nobody knows how these ended" in page.text
    assert urls(asked["approval_url"]) == calls_on(page)
    assert [] == calls_on(other)
    assert "Nobody knows how these ended" not in after.text


@pytest.mark.requirement("approvals:inbox:many-look-like-many")
async def test_many_calls_of_one_application_stand_together_and_are_counted(server):
    """AP-12: nobody scrolls through what an application floods; the count says it, and how to stop it."""
    token = await server.client("N").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    rs = tool_server(server, by="role")
    await server.client("P").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    for number in range(20):
        await rs.ask(token, {"order_id": str(number), "amount_cents": 1})
    more = await server.client("N").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    for number in range(5):
        await rs.ask(more, {"order_id": f"more-{number}", "amount_cents": 1})

    page = await inbox(server, "v1")

    assert "25 calls wait for you" in page.text
    assert "· 25 calls" in page.text
    assert "And 5 more, which have longer." in page.text
    assert 20 == len(calls_on(page))
    assert 1 == page.text.count("Native App : Refund an order")


@pytest.mark.requirement("approvals:inbox:many-look-like-many")
async def test_a_flood_for_other_people_hides_nothing_that_is_mine(server):
    """AP-12: more calls than a page reads wait for another role, and end sooner."""
    rs = tool_server(server, by="role", role="auditor", expires_in=600)
    for number in range(11):
        token = await server.client("N").sign_in("u2", scope=WITH_REFUND, tools=[REFUND])
        for order in range(20):
            assert 201 == (await rs.ask(token, {"order_id": f"{number}-{order}"})).status_code
    mine, theirs = await waiting(server, "o-1"), await waiting(server, "o-2", letter="P", by="role")

    pages = {who: await inbox(server, who) for who in ("u1", "v1")}

    assert {"u1": urls(mine), "v1": urls(theirs)} == {who: calls_on(page)[:1] for who, page in pages.items()}


@pytest.mark.one_database
@pytest.mark.requirement("approvals:inbox:empty-says-so")
async def test_an_empty_inbox_says_what_would_stand_there(server):
    """Ours: and what was decided lately is for whoever decided it and for whom it ran."""
    empty = await inbox(server, "u1")
    url = await waiting(server, "o-1", four_eyes=True)
    approver = server.browser()
    await deny(approver, url, who=server.world.people["v1"])

    mine, theirs, other = await inbox(server, "u1"), await inbox(server, "v1", approver), await inbox(server, "u2")

    assert "Nothing waits for you" in empty.text
    assert "<title>What waits for you</title>" in empty.response.text
    assert "No application waits for your yes" in empty.text
    assert re.search(r"Lately .* asked less than a minute ago Not allowed", mine.text)
    assert re.search(r"Lately .* you said no Not allowed", theirs.text)
    assert "Lately" not in other.text


@pytest.mark.one_database
@pytest.mark.requirement("approvals:page:looks-again-by-itself")
async def test_the_inbox_looks_again_for_half_an_hour_and_can_be_told_not_to(server):
    """WCAG 2.2.2; a tab that somebody forgot keeps nobody signed in: the number of turns stands in its address."""
    browser = server.browser()

    first = await inbox(server, "u1", browser)
    next_one = await inbox(server, "u1", browser, "?turn=1")
    stopped = await inbox(server, "u1", browser, "?still=1")
    ended = [
        await inbox(server, "u1", browser, f"?turn={turn}") for turn in ("180", "9999", "-1", "x", "1&turn=2", "%3Curl")
    ]

    assert "10; url=?turn=1" == first.response.headers["refresh"]
    assert "10; url=?turn=2" == next_one.response.headers["refresh"]
    assert "Looks again every 10 seconds. Stop that" in first.text
    assert "?still=1" == first.links[0], "the way to stop it is the first thing a keyboard reaches"
    assert "refresh" not in stopped.response.headers
    assert "Does not look again by itself. Let it" in stopped.text
    for page in ended:
        assert "refresh" not in page.response.headers or page.response.headers["refresh"] == "10; url=?turn=1"
    assert "Has stopped looking again. Go on" in ended[0].text


@pytest.mark.requirement("approvals:inbox:account-says-how-many-wait")
async def test_the_account_page_says_how_many_calls_wait_and_leads_there(server):
    """Issue: people learn of them where they are."""
    browser = server.browser()
    none = await opened(browser, "/account", who=server.world.people["u1"])
    await waiting(server, "o-1")
    one = await browser.open("/account")
    await waiting(server, "o-2", letter="P")
    two = await browser.open("/account")
    led = await browser.open(next(link for link in two.links if link.endswith("/approvals")))

    assert "for you. An application wants" not in none.text
    assert "1 call waits for you." in one.text
    assert "2 calls wait for you." in two.text
    assert "2 calls wait for you" in led.text
    assert any(link.endswith("/approvals") for link in none.links)


@pytest.mark.requirement("approvals:page:a-yes-on-the-page-runs-once")
async def test_the_login_knows_the_inbox_and_the_call_by_name_and_nothing_else(server):
    """Login pages: nothing in a query is ever an address to go to."""
    someone = server.world.people["u1"]
    led = await opened(server.browser(), "/approvals", who=someone)

    elsewhere = [
        await server.browser().open(f"/login?to=approvals{more}")
        for more in ("&id=..%2Faccount", "&id=a/b", "&id=//evil.example", "&next=x")
    ]

    assert led.url.endswith("/approvals")
    assert all("password" not in [name for form in page.forms for name, _ in form.fields] for page in elsewhere)
    assert R1 not in led.text
