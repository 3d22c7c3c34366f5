"""
The console: who may come in, what they see, and that what they press happens, once, and is seen to be obeyed.
"""

import pytest

from authserver.domain.audit import event
from tests.support.administered import administered
from tests.support.console import at_console, client
from tests.support.following import follower
from tests.support.world import R1, WRITE


@pytest.mark.requirement("console:door:whoever-operates-comes-in")
@pytest.mark.parametrize(("who", "may_act"), [("a1", True), ("o1", True), ("d1", False), ("p1", True), ("p2", False)])
async def test_admins_and_operators_act_and_auditors_look(server, who, may_act):
    """Roles of the tenant they are in; the platform's people choose any."""
    app = server.client("P")
    await app.sign_in("u1")
    visitor = await at_console(server, who)

    page = await visitor.open(tenant="t1")

    assert 200 == page.status
    assert "Public Web App" in page.text
    assert may_act == any("/console/stop?" in link for link in page.links)
    assert may_act == ("change nothing" not in page.text)


@pytest.mark.requirement("console:door:others-find-nothing")
@pytest.mark.parametrize("who", ["m1", "u1", "v1"])
async def test_for_whoever_operates_nothing_there_is_no_console(server, who):
    """Ours: the same bytes as for an address that does not exist, on every page and for every method."""
    await administered(server)
    browser, someone = server.browser(), server.world.people[who]
    await browser.log_in(await browser.open("/account"), someone.email, someone.password)
    nothing = await browser.request("GET", "/no-such-page")

    for path in (
        "/console",
        "/console/places",
        "/console/stop?kind=everything",
        "/console/search?q=u",
        "/console/approvals",
    ):
        page = await browser.request("GET", path)
        assert (nothing.status, nothing.response.content) == (page.status, page.response.content), path
        assert dict(nothing.response.headers) == dict(page.response.headers), path
    posted = await browser.post("/console/stop?kind=everything", [("decision", "stop")])
    assert nothing.response.content == posted.response.content


@pytest.mark.requirement("console:door:needs-a-login-and-comes-back")
async def test_whoever_is_not_signed_in_is_led_to_the_login_and_back_to_the_very_page(server):
    """Ours, AZ-04: back to a page of the console, and to nowhere else."""
    app = server.client("P")
    await app.sign_in("u1")
    visitor = await at_console(server, "o1")
    fresh = type(visitor)(server=server, who="o1", browser=server.browser())

    page = await fresh.sign_in("stop", **client(app))

    assert "/console/stop" == page.path
    assert "Stop Public Web App" in page.text


@pytest.mark.requirement("console:stop:recorded-with-who-acted")
async def test_whatever_is_done_is_recorded_with_who_did_it(server):
    """Decision 15: a stop and a revival name the operator, in the payload; the header holds ids alone."""
    app = server.client("P")
    await app.sign_in("u1")
    visitor = await at_console(server, "o1")

    await visitor.stop(**client(app))
    await visitor.revive("found the fault", **client(app))

    events = await server.operator.events("t1")
    stopped, revived = (
        [row for row in events if row["kind"] == kind.value] for kind in (event.Kind.STOPPED, event.Kind.REVIVED)
    )
    work = server.operator.work("t1")
    assert ["Admin o1 (o1@admins.example)"] == [event.open_payload(work, row)["by"] for row in stopped]
    assert ["found the fault"] == [event.open_payload(work, row)["reason"] for row in revived]
    assert all("Admin" not in row["header"] for row in [*stopped, *revived])


@pytest.mark.requirement("console:stop:twice-or-late-is-harmless")
async def test_pressing_twice_and_pressing_late_do_nothing_twice_and_nothing_unseen(server):
    """Ours: a double submit lands on the same page; a form from before somebody else's act asks again."""
    app = server.client("P")
    await app.sign_in("u1")
    one, other = await at_console(server, "o1"), await at_console(server, "a1")
    early = await one.open("stop", **client(app))

    first = await one.decide(early)
    second = await one.decide(early)
    revive_page = await other.open("revive", **client(app))
    await other.decide(revive_page, reason="it is over")
    late = await one.decide(early)
    again = await other.decide(revive_page, reason="it is over")

    assert "have obeyed" in first.text or "No server is running" in first.text
    assert "done already" in second.text
    assert "something has changed since this page was made" in late.text
    assert "done already" in again.text
    kinds = await server.operator.kinds("t1")
    assert (1, 1) == (kinds.count(event.Kind.STOPPED.value), kinds.count(event.Kind.REVIVED.value))
    assert (await app.sign_in("u1")).ok


@pytest.mark.requirement("console:end:one-or-all-without-stopping")
async def test_one_sign_in_or_all_of_a_person_end_and_may_begin_anew(server):
    """RFC 7009 as an operator does it: one authorization, or every one of a person or an application."""
    app, other = server.client("P"), server.client("B")
    tokens, kept = await app.sign_in("u1"), await other.sign_in("u1")
    visitor = await at_console(server, "o1")
    holder = await visitor.open("holder", tenant="t1", kind="user", sub=server.world.people["u1"].subs["t1"])
    own = tokens.claims["authorization_id"]

    one = await visitor.browser.open(next(link for link in holder.links if own in link))
    ended = await visitor.decide(one)
    still = await other.refresh(kept)
    every = await visitor.browser.open(next(link for link in holder.links if "/end?" in link and "kind=user" in link))
    all_ended = await visitor.decide(every)

    assert "U1 Findable-Name" in holder.text
    assert "Public Web App" in one.text
    assert ("/console/heard", "/console/heard") == (ended.path, all_ended.path)
    assert "invalid_grant" == (await app.refresh(tokens)).error
    assert still.ok
    assert "invalid_grant" == (await other.refresh(still)).error
    assert (await app.sign_in("u1", prompt="login")).ok


@pytest.mark.requirement("console:server:paused-and-let-go-on")
async def test_a_server_is_paused_stopped_and_let_go_on(server):
    """C52: nothing ends, and its state is on the overview and on its own page."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    visitor = await at_console(server, "o1")
    named = {"tenant": "t1", "kind": "resource", "server": R1}

    paused = await visitor.stop(**named, act="pause")
    overview, own = await visitor.open(), await visitor.open("server", **named)
    harder = await visitor.stop(**named)
    await visitor.revive(**named)
    after = await visitor.open("server", **named)

    assert "Paused:" in paused.text
    assert "Paused" in overview.text
    assert "by Admin o1" in own.text
    assert "Stopped:" in harder.text
    assert "by Admin o1" not in after.text
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("console:search:finds-what-is-theirs")
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("u1.person@example.com", "U1 Findable-Name"),
        ("Findable", "U2 Findable-Name"),
        ("public web", "Public Web App"),
        ("refund", "Refund an order"),
        ("mcp1.example", R1),
    ],
)
async def test_one_box_finds_people_applications_tools_and_servers(server, asked, found):
    """Ours: and what was found can be stopped from there."""
    visitor = await at_console(server, "o1")

    page = await visitor.open("search", tenant="t1", q=asked)

    assert found in page.text
    assert any("/console/stop?" in link for link in page.links)


@pytest.mark.requirement("console:search:finds-what-is-theirs")
async def test_a_sign_in_is_found_by_its_id_and_a_word_that_nothing_answers_to_says_so(server):
    """Ours: the id that stands in a log."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    visitor = await at_console(server, "o1")

    page = await visitor.open("search", q=tokens.claims["authorization_id"])
    nothing = await visitor.open("search", q="zzzz<script>")

    assert "U1 Findable-Name" in page.text
    assert any("/console/end?" in link for link in page.links)
    assert "Nothing found for" in nothing.text
    assert "<script" not in nothing.response.text


@pytest.mark.requirement("console:page:get-changes-nothing")
async def test_looking_at_every_page_changes_nothing(server):
    """Ours, RFC 9110 §9.2.1: no GET ends, stops or revives anything, whatever stands in its address."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    visitor = await at_console(server, "a1")
    sub = server.world.people["u1"].subs["t1"]
    before = await server.operator.events("t1")

    for name in ("stop", "end", "revive", "holder", "heard"):
        for words in (client(app), {"kind": "user", "sub": sub}, {"kind": "tenant"}):
            await visitor.open(name, **words, decision="stop", typed="t1", reason="x")
    await visitor.open("end", authorization=tokens.claims["authorization_id"], decision="end")
    await visitor.open("server", kind="resource", server=R1, decision="check")

    assert [] == await server.operator.events("t1", besides=before)
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("console:stop:radius-first-then-one-button")
async def test_an_agent_is_stopped_from_the_overview_in_two_presses_and_its_servers_are_seen_to_obey(server):
    """C51, C59: what it reaches comes first; then nothing of it lives, in the same moment, and each copy says so."""
    app, others = server.client("P"), server.client("B")
    tokens, kept = await app.sign_in("u1", scope=WRITE), await others.sign_in("u2")
    copy = follower(server, "RS1", instance="copy-one")
    await copy.ask()
    await copy.acknowledge(max_staleness_ms=5000)
    visitor = await at_console(server, "o1")
    overview = await visitor.open()
    stop_url = next(link for link in overview.links if "/stop?" in link and app.app.client_id in link)

    shown = await visitor.browser.open(stop_url)
    waiting = await visitor.decide(shown, why="misbehaves", reason="it refunds twice")
    server.clock.advance(1)
    await copy.ask()
    await copy.acknowledge(max_staleness_ms=5000)
    obeyed = await visitor.browser.open(waiting.url)

    assert "1 Person" in shown.text or "Person 1" in shown.text
    assert "/console/heard" == waiting.path
    assert "0 of 1 have obeyed" in waiting.text
    assert "2; url=?" in waiting.response.headers["refresh"]
    assert "It has obeyed" in obeyed.text
    assert "1.0 s after the stop" in obeyed.text
    assert "refresh" not in obeyed.response.headers
    assert "invalid_grant" == (await app.refresh(tokens)).error
    assert (await others.refresh(kept)).ok
    overview = await visitor.open()
    assert "1 thing is stopped" in overview.text
    assert "An agent misbehaves: it refunds twice" in overview.text
    assert "Admin o1" in overview.text


@pytest.mark.requirement("console:revive:deliberate-and-brings-nothing-back")
async def test_reviving_needs_a_reason_and_brings_nothing_back(server):
    """Decision 14: new things begin again; what ended stays ended."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    visitor = await at_console(server, "o1")
    await visitor.stop(**client(app))

    without = await visitor.decide(await visitor.open("revive", **client(app)), reason="")
    still = (await app.refresh(tokens)).error
    done = await visitor.revive("found the fault", **client(app))

    assert "say in a few words why" in without.text
    assert "May go on" in done.text
    assert "stays ended" in done.text
    assert "invalid_grant" == still == (await app.refresh(tokens)).error
    assert (await app.sign_in("u1")).ok


@pytest.mark.requirement("console:stop:the-large-ones-need-a-fresh-login-and-the-name")
@pytest.mark.parametrize(("who", "words", "name"), [
    ("a1", {"tenant": "t1", "kind": "tenant"}, "t1"),
    ("p1", {"kind": "everything"}, "everything"),
])  # fmt: skip
async def test_what_is_dangerous_needs_a_fresh_login_and_its_name(server, who, words, name):
    """AD-12, RFC 9470: a login of the last five minutes, and the name typed; that it was asked for stands in the record."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    visitor = await at_console(server, who)
    form_of_before = await visitor.open("stop", **words)
    server.clock.advance(301)
    someone = server.world.people[who]

    late = await visitor.decide(form_of_before, typed=name)
    shown = await visitor.open("stop", **words)
    login = await visitor.browser.open(next(link for link in shown.links if "/login?" in link))
    back = await visitor.browser.log_in(login, someone.email, someone.password)
    mistyped = await visitor.decide(back, typed="t2")
    untouched = await app.refresh(tokens)
    await visitor.decide(await visitor.open("stop", **words), typed=name)

    assert "more than five minutes ago" in late.text
    assert "Sign in again" in shown.text
    assert "/console/stop" == back.path
    assert "not the name" in mistyped.text
    assert untouched.ok
    assert not (await app.refresh(untouched)).ok
    home = "t1" if who == "a1" else "platform"
    kinds = await server.operator.kinds(home)
    assert 1 == kinds.count(event.Kind.ADMIN_ASKED.value)
    assert 1 == kinds.count(event.Kind.ADMIN_REFUSED.value)


@pytest.mark.requirement("console:revive:those-who-may-find-the-way-back-in")
async def test_whoever_stopped_everything_signs_in_again_and_lets_it_go_on(server):
    """Ours: a stop of all ends the operator's own sign-in too, and a new one lets them see who obeyed, and revive."""
    app = server.client("P")
    await app.sign_in("u1")
    visitor, someone = await at_console(server, "p1"), server.world.people["p1"]

    login = await visitor.decide(await visitor.open("stop", kind="everything"), typed="everything")
    heard = await visitor.browser.log_in(login, someone.email, someone.password)
    tenants = await visitor.open(tenant="t1")
    form = await visitor.open("revive", kind="everything")
    mistyped = await visitor.decide(form, reason="a drill", typed="nothing")
    revived = await visitor.decide(form, reason="a drill", typed="everything")

    assert login.is_login
    assert "/console/heard" == heard.path
    assert "Stopped: Everything on this server" in heard.text
    assert "<title>Stopped: Everything on this server</title>" in heard.response.text
    assert "Everything on this server" in tenants.text
    assert "not the name" in mistyped.text
    assert "May go on" in revived.text
    assert (await app.sign_in("u1", prompt="login")).ok


@pytest.mark.requirement("console:revive:those-who-may-find-the-way-back-in")
async def test_an_organisation_that_stopped_itself_lets_itself_go_on_and_one_that_was_stopped_may_only_look(server):
    """Decision 22: by its own operators with a new login; after the platform's stop they see it, and have no button."""
    app = server.client("P")
    await app.sign_in("u1")
    admin, platform = await at_console(server, "a1"), await at_console(server, "p1")
    someone = server.world.people["a1"]

    login = await admin.decide(await admin.open("stop", kind="tenant"), typed="t1")
    heard = await admin.browser.log_in(login, someone.email, someone.password)
    own = await admin.decide(await admin.open("revive", kind="tenant"), reason="a drill", typed="t1")
    await platform.decide(await platform.open("stop", tenant="t1", kind="tenant"), typed="t1")
    login = await admin.open()
    locked = await admin.browser.log_in(login, someone.email, someone.password)

    assert "/console/heard" == heard.path
    assert "May go on" in own.text
    assert login.is_login
    assert "only they can let it go on" in locked.text
    assert not any("/console/stop?" in link or "/console/revive?" in link for link in locked.links)


@pytest.mark.requirement("console:end:one-or-all-without-stopping")
async def test_who_obeyed_an_end_is_seen_too_and_a_forged_number_counts_for_nothing(server):
    """TN-15: the number in the address is sealed for this sign-in: it tells nothing, and nobody makes another."""
    app = server.client("P")
    await app.sign_in("u1")
    copy = follower(server, "RS1", instance="copy-one")
    await copy.ask()
    await copy.acknowledge(max_staleness_ms=5000)
    visitor = await at_console(server, "o1")

    waiting = await visitor.decide(await visitor.open("end", **client(app)))
    await copy.ask()
    await copy.acknowledge(max_staleness_ms=5000)
    obeyed = await visitor.browser.open(waiting.url)
    forged = await visitor.open("heard", **client(app), ended="all", n="AAAAAAAA")

    assert "0 of 1 have obeyed" in waiting.text
    assert "It has obeyed" in obeyed.text
    assert 200 == forged.status
    assert "n=AAAAAAAA" not in forged.url
