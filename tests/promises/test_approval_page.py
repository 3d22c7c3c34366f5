"""
/approvals/{id}: a person sees one call, whole, and decides; and what has become of it is said in words anybody understands.

Decision 13, RFC 9470, AP-05, AP-07, AP-09, AP-10.
"""

import re

import pytest

from resource_lib.wire.tool_call import args_hash
from tests.support.approvals import ARGUMENTS, REFUND, WITH_REFUND, tool_server
from tests.support.approvers import approve, arguments_on, buttons, decide, deny, opened, press, rows_of


async def refunding(server, who="u1", letter="N"):
    """Return the token of an application that may refund for somebody."""
    return await server.client(letter).sign_in(who, scope=WITH_REFUND, tools=[REFUND])


async def waiting(server, arguments=None, *, token=None, **rule):
    """Return the MCP server, the token, the id and the address of a call that waits."""
    rs, token = tool_server(server, **rule), token or await refunding(server)
    answer = (await rs.ask(token, arguments)).json()
    return rs, token, answer["approval_id"], answer["approval_url"]


def person(server, who):
    return server.world.people[who]


def read(page):
    """Return what a person reads, without the gaps where an element ends."""
    return re.sub(r"“\s+", "“", re.sub(r"\s+([,.:;”])", r"\1", page.text))


@pytest.mark.requirement("approvals:page:a-yes-on-the-page-runs-once")
async def test_a_link_leads_through_the_login_to_the_call_and_a_yes_lets_it_run_once(server):
    """Issue's heart: nobody is signed in; the id goes on through the login; then Allow once."""
    rs, token, approval_id, url = await waiting(server)
    browser = server.browser()

    login = await browser.open(url)
    page = await browser.log_in(login, person(server, "u1").email, person(server, "u1").password)
    before = await rs.state(approval_id)
    after = await press(browser, page, "allow")
    approved = await rs.state(approval_id)
    await rs.run(approval_id, token)
    again = await rs.consume(approval_id, token)
    done = await browser.open(url)

    assert f"/login?to=approvals&id={approval_id}" in login.url
    assert "An application asks for a yes" in read(login)
    assert (url, "pending", "approved") == (page.url, before, approved)
    assert (url, 200) == (after.url, after.status)
    assert "You allowed it, once" in read(after)
    assert "Go back to Native App: it calls again by itself, or when you tell it to go on." in read(after)
    assert 409 == again.status_code
    assert "It was done" in read(done)
    assert [] == buttons(done)


@pytest.mark.one_database
@pytest.mark.requirement("approvals:page:says-all-of-it")
async def test_the_page_says_what_would_happen_who_asks_and_until_when(server):
    """C21: tool, parameters, plain words; who asks through which application for which organisation."""
    _, _, _, url = await waiting(
        server, {"order_id": "o-7", "amount_cents": 990, "card": {"number": "4" * 16}}, redact=("card.number",)
    )

    page = await opened(server.browser(), url, who=person(server, "u1"))

    for words in (
        "Native App wants to do this", "Refund 990 cents of order o-7", "Cannot be undone", "Refund an order", REFUND, "version 1.2",
        "Pays money back.", "hidden: 16 characters", "Added by an administrator", "U1 Findable-Name", "You", "First Customer",
        "Orders at mcp1.example", "https://mcp1.example/mcp", "This is the first time", "15 minutes left", "1 January 2026, 12:15 UTC",
        "does exactly this, one time, with the values on this page. It cannot be undone.", "or a second time, Native App has to ask again",
        "cut off from Orders at mcp1.example",
    ):  # fmt: skip
        assert words in read(page), words
    assert "4444" not in page.response.text
    assert ["deny", "allow", "deny_and_stop"] == buttons(page)
    assert not re.search(r"\b(token|scope|authoriz|authoris)", page.text, re.IGNORECASE)


@pytest.mark.one_database
@pytest.mark.requirement("approvals:page:says-all-of-it")
async def test_a_tool_without_a_title_has_the_one_it_was_registered_with(server):
    """What a person read at consent is what they read here."""
    rs, token = tool_server(server), await refunding(server)
    asked = (await rs.ask(token, display={})).json()

    page = await opened(server.browser(), asked["approval_url"], who=person(server, "u1"))

    assert "Tool Refund an order Cannot be undone refund_order" in read(page)


@pytest.mark.requirement("approvals:page:shows-exactly-what-is-hashed")
async def test_what_stands_on_the_page_has_the_hash_that_runs(server):
    """AP-10: read back from the page, the arguments have the hash for which alone the yes counts."""
    arguments = ARGUMENTS | {
        "note": "a\u202eb\u200b\n<b>",
        "a.b": {"": [1.5, None, [], {}, "5", True]},
        "Application": "x" * 9000,
    }
    rs, token, approval_id, url = await waiting(server, arguments)

    browser = server.browser()
    page = await opened(browser, url, who=person(server, "u1"))
    await press(browser, page, "allow")
    back = arguments_on(page.response.text)
    other = await rs.consume(approval_id, token, back | {"note": "a"})
    spent = await rs.consume(approval_id, token, back)

    assert args_hash(arguments) == args_hash(back)
    assert (409, "approval_mismatch") == (other.status_code, other.json()["error"])
    assert 200 == spent.status_code


@pytest.mark.requirement("approvals:page:says-what-differs")
async def test_what_differs_from_the_last_call_is_shown_old_and_new(server):
    """Issue: first time; the same as last time; old → new."""
    rs, token, approval_id, url = await waiting(server, {"order_id": "o-1", "amount_cents": 100, "why": "broken"})
    browser = server.browser()
    first = await opened(browser, url, who=person(server, "u1"))
    await press(browser, first, "allow")
    await rs.run(approval_id, token, arguments={"order_id": "o-1", "amount_cents": 100, "why": "broken"})
    server.clock.advance(3600)
    token = await refunding(server)

    same = await opened(
        browser, (await waiting(server, {"order_id": "o-1", "amount_cents": 100, "why": "broken"}, token=token))[3]
    )
    other = await opened(
        browser, (await waiting(server, {"order_id": "o-1", "amount_cents": 90000, "now": 1}, token=token))[3]
    )

    assert "This is the first time" in read(first)
    assert "The same as last time, value for value. It last ran 1 hour ago." in read(same)
    assert "It last ran 1 hour ago. Since then, 3 values are different, and 1 is the same." in read(other)
    assert re.search(r"amount_cents\s+then\s+100\s+now\s+90000", read(other))
    assert re.search(r"why\s+then\s+broken\s+now\s+not there", read(other))
    assert re.search(r"now\s+then\s+not there\s+now\s+1", read(other))


@pytest.mark.requirement("approvals:page:a-fresh-login-where-the-rule-says-so")
async def test_an_old_login_is_asked_again_before_a_yes_and_not_before_a_no(server):
    """RFC 9470 max_age: signed in six minutes ago, five allowed."""
    rs, token, approval_id, url = await waiting(server, max_age=300)
    _, _, other_id, other_url = await waiting(server, {"order_id": "o-2"}, token=token, max_age=300)
    browser, someone = server.browser(), person(server, "u1")
    early = await opened(browser, url, who=someone)
    server.clock.advance(360)

    late = await press(browser, early, "allow")
    still = await rs.state(approval_id)
    login = await browser.open(next(link for link in late.links if "/login?" in link))
    fresh = await browser.submit(login.form("password"), password=someone.password)
    server.clock.advance(299)
    allowed = await press(browser, fresh, "allow")
    server.clock.advance(10)
    refused = await deny(browser, other_url)

    assert ["deny", "allow", "deny_and_stop"] == buttons(early)
    assert (409, "pending") == (late.status, still)
    assert "You signed in 6 minutes ago. A yes to this needs a sign-in that is newer than 5 minutes." in read(late)
    assert ["deny", "deny_and_stop"] == buttons(late)
    assert someone.email.lower() == login.form("password").value("email").lower()
    assert (url, "You allowed it, once" in read(allowed)) == (fresh.url, True)
    assert "approved" == await rs.state(approval_id)
    assert "You did not allow it" in read(refused)
    assert "denied" == await rs.state(other_id)


@pytest.mark.one_database
@pytest.mark.requirement("approvals:page:a-fresh-login-where-the-rule-says-so")
async def test_a_weak_login_sees_why_it_is_not_enough_and_can_say_no(server):
    """RFC 9470 acr: a password where a security key is wanted; a post says the same."""
    rs, _, approval_id, url = await waiting(server, acr=("urn:example:hardware",))
    browser = server.browser()

    page = await opened(browser, url, who=person(server, "u1"))
    forced = await browser.submit(page.form("decision"), decision="allow")
    state = await rs.state(approval_id)
    refused = await deny(browser, url)

    assert ["deny", "deny_and_stop"] == buttons(page)
    assert "needs a stronger sign-in" in read(page)
    assert (409, "pending") == (forced.status, state)
    assert "You did not allow it" in read(refused)


@pytest.mark.requirement("approvals:page:four-eyes")
async def test_under_four_eyes_the_person_it_runs_for_sees_it_and_may_only_say_no(server):
    """AP-05: by the button that is not there, too; then an approver says yes."""
    rs, token, approval_id, url = await waiting(server, four_eyes=True)
    own, approver = server.browser(), server.browser()

    page = await opened(own, url, who=person(server, "u1"))
    forced = await own.submit(page.form("decision"), decision="allow")
    state = await rs.state(approval_id)
    theirs = await opened(approver, url, who=person(server, "v1"))
    await press(approver, theirs, "allow")
    told = await own.open(url)

    assert ["deny", "deny_and_stop"] == buttons(page)
    assert "It runs in your name, so somebody else has to allow it. You can still say no." in read(page)
    assert (
        "Somebody with the role “approver” has to agree. U1 Findable-Name, in whose name it runs, cannot be one of them."
        in read(page)
    )
    assert (409, "pending") == (forced.status, state)
    assert "wants to do this for U1 Findable-Name" in read(theirs)
    assert "It was allowed, once" in read(told)
    assert "V1 Findable-Name agreed" in read(told)
    assert 200 == (await rs.consume(approval_id, token)).status_code


@pytest.mark.requirement("approvals:page:four-eyes")
async def test_the_person_it_runs_for_stops_their_own_call_though_an_approver_decides(server):
    """Decision 13: a no of theirs always counts."""
    rs, _, approval_id, url = await waiting(server, by="role")
    browser = server.browser()

    page = await opened(browser, url, who=person(server, "u1"))
    after = await press(browser, page, "deny")

    assert ["deny", "deny_and_stop"] == buttons(page)
    assert "Only somebody with the role “approver” can allow it." in read(page)
    assert "You did not allow it" in read(after)
    assert "denied" == await rs.state(approval_id)


@pytest.mark.requirement("approvals:page:two-people")
async def test_two_people_agree_and_a_page_from_before_the_first_yes_is_looked_at_again(server):
    """Decision 13, approvers=2: distinct people; a stale page decides nothing and shows how things are now."""
    await server.operator.set_member("u2", "t1", roles=("approver",))
    rs, token, approval_id, url = await waiting(server, four_eyes=True, approvers=2)
    one, two = server.browser(), server.browser()
    early = await opened(two, url, who=person(server, "u2"))

    first = await approve(one, url, who=person(server, "v1"))
    twice = await one.open(url)
    between = await rs.state(approval_id)
    stale = await press(two, early, "allow")
    still = await rs.state(approval_id)
    last = await press(two, stale, "allow")

    assert "Nothing happens before 2 more people have agreed" not in read(first)
    assert "Your yes is noted" in read(first)
    assert "Nothing happens before 1 more person has agreed." in read(first)
    assert ([], "pending") == (buttons(twice), between)
    assert "Your yes is noted. Nothing happens before 1 more person has agreed." in read(early)
    assert (409, "pending") == (stale.status, still)
    assert "somebody else has agreed since this page was made" in read(stale)
    assert "V1 Findable-Name agreed" in read(stale)
    assert "does exactly this, one time" in read(stale)
    assert "You allowed it, once" in read(last)
    assert 200 == (await rs.consume(approval_id, token)).status_code


@pytest.mark.requirement("approvals:page:two-people")
async def test_one_no_is_enough_also_from_a_page_that_is_out_of_date(server):
    """Decision 13: deny wins at once; whoever would have agreed is told."""
    await server.operator.set_member("u2", "t1", roles=("approver",))
    rs, _, approval_id, url = await waiting(server, by="role", approvers=2)
    one, two = server.browser(), server.browser()
    early = await opened(two, url, who=person(server, "u2"))
    await approve(one, url, who=person(server, "v1"))

    refused = await press(two, early, "deny")
    told = await one.open(url)

    assert "You did not allow it" in read(refused)
    assert "U2 Findable-Name did not allow it" in read(told)
    assert "denied" == await rs.state(approval_id)


@pytest.mark.requirement("approvals:page:deny-and-stop-ends-the-application")
async def test_deny_and_stop_ends_the_application_and_all_that_waits_of_it(server):
    """Issue: a refresh after it is refused, another call of it cannot be allowed any more; another person's goes on."""
    token = await refunding(server)
    bystander = await server.client("N").sign_in("u2", scope="orders:read")
    rs, _, approval_id, url = await waiting(server, token=token)
    _, _, other_id, other_url = await waiting(server, {"order_id": "o-2"}, token=token)
    browser = server.browser()
    other = await opened(browser, other_url, who=person(server, "u1"))

    after = await deny(browser, url, stop=True)
    refreshed = await server.client("N").refresh(token)
    late = await press(browser, other, "allow")

    assert "You did not allow it" in read(after)
    assert "Native App is cut off from Orders at mcp1.example" in read(after)
    assert (400, "invalid_grant") == (refreshed.status, refreshed.error)
    assert (409, "expired") == (late.status, await rs.state(other_id))
    assert "was disconnected, so this cannot be done any more" in read(late)
    assert "denied" == await rs.state(approval_id)
    assert (await server.client("N").refresh(bystander)).ok


@pytest.mark.requirement("approvals:page:a-person-clears-what-nobody-knows")
@pytest.mark.parametrize(
    ("found", "state", "words"), [("ran", "done", "noted as done"), ("not_ran", "expired", "noted as not done")]
)
async def test_a_person_says_what_became_of_a_call_whose_server_vanished(server, found, state, words):
    """AP-15: never run again until somebody looked; then it may be asked for anew."""
    rs, token, approval_id, url = await waiting(server)
    browser = server.browser()
    await approve(browser, url, who=person(server, "u1"))
    assert 200 == (await rs.consume(approval_id, token)).status_code
    server.clock.advance(31)

    page = await browser.open(url)
    again = (await rs.ask(token)).json()["state"]
    after = await press(browser, page, found)
    twice = await browser.submit(page.form("decision"), decision=found)
    anew = await rs.ask(token)

    assert "Nobody knows whether it was done" in read(page)
    assert "If you cannot find out, leave this page." in read(page)
    assert (["ran", "not_ran"], "ambiguous") == (buttons(page), again)
    assert words in read(after)
    assert (after.url, read(after)) == (twice.url, read(twice))
    assert state == await rs.state(approval_id)
    assert (201, "pending") == (anew.status_code, anew.json()["state"])


@pytest.mark.requirement("approvals:page:is-never-a-dead-end")
async def test_a_yes_that_comes_too_late_changes_nothing_and_the_page_says_so(server):
    """AP-07: its time ran out while the page was open."""
    rs, _, approval_id, url = await waiting(server)
    browser = server.browser()
    page = await opened(browser, url, who=person(server, "u1"))
    server.clock.advance(900)

    late = await press(browser, page, "allow")
    later = await browser.open(url)

    assert (409, "expired") == (late.status, await rs.state(approval_id))
    assert "Your answer came too late, so it changed nothing." in read(late)
    assert "Nobody decided in time, so nothing was done." in read(late)
    assert "tell Native App to try again" in read(later)
    assert [] == buttons(late) == buttons(later)
    assert any(link.endswith("/approvals") for link in late.links)


@pytest.mark.requirement("approvals:page:is-never-a-dead-end")
@pytest.mark.parametrize(("decision", "state"), [("allow", "approved"), ("deny", "denied")])
async def test_a_form_that_is_sent_twice_is_answered_twice_the_same(server, decision, state):
    """Ours: a double click is one decision."""
    rs, _, approval_id, url = await waiting(server)
    browser = server.browser()
    page = await opened(browser, url, who=person(server, "u1"))

    answers = [await press(browser, page, decision) for _ in range(2)]

    assert [200, 200] == [answer.status for answer in answers]
    assert answers[0].text == answers[1].text
    assert state == await rs.state(approval_id)


@pytest.mark.requirement("approvals:page:is-never-a-dead-end")
async def test_a_yes_that_is_not_used_in_time_is_over(server):
    """Decision 13: five minutes to begin."""
    _, _, _, url = await waiting(server)
    browser = server.browser()
    await approve(browser, url, who=person(server, "u1"))
    server.clock.advance(300)

    page = await browser.open(url)

    assert "It was not used in time" in read(page)
    assert "so nothing was done" in read(page)


@pytest.mark.one_database
@pytest.mark.requirement("approvals:page:looks-again-by-itself")
async def test_a_page_looks_again_only_while_something_may_change_and_not_while_somebody_decides(server):
    """WCAG 2.2.2: it can be stopped; a page with buttons never moves under its reader's hand."""
    _, token, approval_id, url = await waiting(server)
    rs, browser = tool_server(server), server.browser()
    deciding = await opened(browser, url, who=person(server, "u1"))

    allowed = await press(browser, deciding, "allow")
    stopped = await browser.open(f"{url}?still=1")
    paused = await browser.open(f"{url}?turn=180")
    await rs.run(approval_id, token)
    done = await browser.open(url)

    assert "10; url=?turn=1" == allowed.response.headers["refresh"]
    assert "every 10 seconds" in read(allowed)
    for page in (deciding, stopped, paused, done):
        assert "refresh" not in page.response.headers
        assert "every 10 seconds" not in read(page)


@pytest.mark.requirement("approvals:page:the-first-look-is-noted")
async def test_the_first_look_of_whoever_decides_is_noted_once(server):
    """AP, rubber stamps: how long somebody looked is known; how often is not."""
    _, _, _, url = await waiting(server)
    browser = server.browser()

    for _ in range(3):
        await opened(browser, url, who=person(server, "u1"))
    shown = [kind for kind in await server.operator.kinds("t1") if kind == "person:approval:shown"]

    assert 1 == len(shown)


@pytest.mark.requirement("approvals:page:of-a-machine")
async def test_a_call_of_a_machine_waits_for_an_approver_who_sees_that_nobody_stands_behind_it(server):
    """Contract: a service principal's call needs the role."""
    scope = "orders:read orders:write tool:refund_order"
    await server.operator.set_client(server.client("M").app, scope=tuple(scope.split()))
    token = await server.client("M").client_credentials(scope=scope)
    rs, _, approval_id, url = await waiting(server, token=token)

    stranger = await opened(server.browser(), url, who=person(server, "u1"))
    browser = server.browser()
    page = await opened(browser, url, who=person(server, "v1"))
    after = await decide(browser, url, "allow")

    assert 404 == stranger.status
    assert '<a class="button" href="/login?to=approvals">Use another account</a>' in stranger.response.text
    assert "The application works by itself, without a person." in read(page)
    assert "until an administrator lets it in again" in read(page)
    assert "Machine goes on by itself." in read(after)
    assert "approved" == await rs.state(approval_id)
    assert rows_of(page.response.text)
