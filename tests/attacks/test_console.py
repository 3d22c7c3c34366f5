"""
Somebody wants the console to stop what is not theirs, to tell them of other tenants, or to make an operator press unseen.
"""

import asyncio
from dataclasses import replace

import pytest

from authserver.domain.audit import event
from tests.support.administered import administered
from tests.support.console import at_console, client, deciding
from tests.support.following import follower, noted
from tests.support.world import R1, R5, R9


def named(app, **more):
    """Return the words of an address for another tenant's application."""
    return {"kind": "client", "client": app.app.client_id, **more}


async def stopped(server, slug="t1"):
    """Return how often something was stopped in a tenant."""
    return (await server.operator.kinds(slug)).count(event.Kind.STOPPED.value)


@pytest.mark.requirement("console:attack:a-form-counts-from-this-browser-for-this-target")
@pytest.mark.parametrize(
    "forged", ["no token", "other session", "other page", "other target", "other site", "cross site"]
)
@pytest.mark.parametrize("name", ["stop", "revive", "end", "server"])
async def test_a_form_from_elsewhere_or_for_something_else_changes_nothing(server, name, forged):
    """AD-08, RFC 9700 §4.7: bound to this browser's session, and to exactly what its address names."""
    app, other = server.client("P"), server.client("B")
    tokens, kept = await app.sign_in("u1"), await other.sign_in("u2")
    visitor, stranger = await at_console(server, "o1"), await at_console(server, "a1")
    if name == "revive":
        await visitor.stop(**client(app))
        await visitor.stop(**client(other))
    words = {"tenant": "t1", "kind": "resource", "server": R1} if name == "server" else client(app)
    elsewhere = words | {"server": R5} if name == "server" else client(other)
    form = deciding(await visitor.open(name, **words))
    before, headers = await server.operator.events(), {}
    given = {"decision": form.buttons[-1][1], "reason": "because"}
    if forged == "no token":
        given["csrf"] = None
    elif forged == "other session":
        given["csrf"] = deciding(await stranger.open(name, **words)).value("csrf")
    elif forged == "other page":
        given["csrf"] = deciding(await visitor.open("stop", kind="tenant")).value("csrf")
    elif forged == "other target":
        form = replace(form, action=deciding(await visitor.open(name, **elsewhere)).action)
    else:
        headers = {"origin": "https://evil.example"} if forged == "other site" else {"sec-fetch-site": "cross-site"}

    answer = await visitor.browser.post(form.action, form.filled(**given), headers=headers)

    assert 403 == answer.status
    assert "Nothing was changed" in answer.text
    assert [] == await server.operator.events(besides=before)
    if name != "revive":
        assert (await app.refresh(tokens)).ok
        assert (await other.refresh(kept)).ok


@pytest.mark.requirement("console:attack:power-that-is-gone-counts-no-more")
@pytest.mark.parametrize("how", ["role", "to auditor", "membership", "person", "stopped", "tenant"])
async def test_power_that_was_taken_away_between_the_page_and_the_press_is_gone(server, how):
    """AZ-51, AD-02: the rows say at each request who may; a page that is open gives nobody power."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    visitor, admin = await at_console(server, "o1"), await at_console(server, "a1")
    page = await visitor.open("stop", **client(app))

    if how in {"role", "to auditor"}:
        await server.operator.set_member("o1", "t1", roles=("member",) if how == "role" else ("auditor",))
    elif how == "membership":
        await server.operator.set_member("o1", "t1", is_active=False)
    elif how == "person":
        await server.operator.set_person("o1", is_active=False)
    elif how == "tenant":
        await server.operator.set_tenant("t1", is_active=False)
    else:
        sub = server.world.people["o1"].subs["t1"]
        await admin.stop(tenant="t1", kind="user", sub=sub)
    before = await stopped(server)
    answer = await visitor.decide(page)
    seen = await visitor.open()

    assert before == await stopped(server)
    if how == "to auditor":
        assert 403 == answer.status
        assert event.Kind.ADMIN_REFUSED.value in await server.operator.kinds()
        assert 200 == seen.status
    else:
        assert answer.is_login or 404 == answer.status
        assert seen.is_login or 404 == seen.status
    if how != "tenant":
        assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("console:attack:an-auditor-only-looks")
async def test_an_auditor_who_makes_a_form_themselves_is_refused_and_noted(server):
    """AD-02, CVE-2026-25227: whoever may look has a valid session, and no form of theirs counts."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    auditor, operator = await at_console(server, "d1"), await at_console(server, "o1")
    form = deciding(await operator.open("stop", **client(app)))
    # The check of a server is the one form whose token an auditor's own pages hold.
    looked = await auditor.open("server", tenant="t1", kind="resource", server=R1)

    answer = await auditor.browser.post(form.action, form.filled(decision="stop"))
    shown = await auditor.open("stop", **client(app))

    assert [] == [form for form in looked.forms if form.method == "POST"]
    assert 403 == answer.status
    assert "/console" == shown.path
    assert 0 == await stopped(server)
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("console:attack:another-tenant-is-not-there")
async def test_another_tenants_things_read_as_what_never_was(server):
    """TN-15, decision 22: ids of another tenant and random ones, at every page: the same bytes."""
    app, foreign = server.client("P"), server.client("X")
    await app.sign_in("u1")
    theirs = await foreign.sign_in("u9")
    visitor = await at_console(server, "a1")
    sub, never = server.world.people["u9"].subs["t2"], "usr_0123456789abcdefghijkl"
    pairs = [
        (named(foreign), {"kind": "client", "client": "cli_0123456789abcdef"}),
        ({"kind": "user", "sub": sub}, {"kind": "user", "sub": never}),
        ({"kind": "resource", "server": R9}, {"kind": "resource", "server": "https://never.example/mcp"}),
        (
            {"kind": "tool", "server": R9, "tool": "refund_order"},
            {"kind": "tool", "server": "https://never.example/mcp", "tool": "x"},
        ),
        ({"authorization": theirs.claims["authorization_id"]}, {"authorization": "az_0123456789abcdef"}),
        ({"kind": "tenant", "tenant": "t2"}, {"kind": "tenant", "tenant": "never-was"}),
        ({"kind": "everything"}, {"kind": "nothing"}),
    ]

    for name in ("stop", "revive", "heard", "end", "holder", "server"):
        for real, random in pairs:
            one, other = await visitor.open(name, **real), await visitor.open(name, **random)
            assert 404 == one.status == other.status, (name, real)
            assert one.response.content == other.response.content, (name, real)
    for name in ("", "search", "approvals"):
        one = await visitor.open(name, tenant="t2", q="u9")
        other = await visitor.open(name, tenant="never-was", q="u9")
        assert (404, one.response.content) == (one.status, other.response.content)


@pytest.mark.requirement("console:attack:another-tenant-is-not-there")
async def test_whatever_happens_in_another_tenant_changes_no_byte_of_ones_own_pages(server):
    """TN-15: shared applications and servers too; no name, id, count, time or number of another tenant leaks in."""
    shared, own, foreign = server.client("G"), server.client("P"), server.client("X")
    await shared.sign_in("u5", tenant="t1")
    await own.sign_in("u1")
    await follower(server, "RS5", instance="shared-copy").ask()
    await noted(server)
    t1, platform = await at_console(server, "a1"), await at_console(server, "p1")
    sub = server.world.people["u1"].subs["t1"]
    await t1.stop(tenant="t1", kind="user", sub=sub)

    async def pages():
        seen = {}
        for name, words in (
            ("", {}),
            ("search", {"q": "person"}),
            ("search", {"q": "app"}),
            ("stop", named(shared)),
            ("holder", named(shared)),
            ("stop", {"kind": "resource", "server": R5}),
            ("server", {"kind": "resource", "server": R5}),
            ("heard", {"kind": "user", "sub": sub}),
            ("stop", {"kind": "tenant"}),
            ("approvals", {}),
        ):
            page = await t1.open(name, **words)
            assert 200 == page.status, (name, words)
            seen[name, str(words)] = page.response.text
        return seen

    before = await pages()
    await foreign.sign_in("u9")
    await shared.sign_in("u5", tenant="t2", prompt="login")
    await follower(server, "RS5t2", instance="their-copy").ask()
    await noted(server)
    await platform.stop(tenant="t2", kind="resource", server=R5)
    await platform.stop(tenant="t2", kind="user", sub=server.world.people["u9"].subs["t2"])
    await platform.decide(await platform.open("stop", tenant="t2", kind="tenant"), typed="t2")
    after = await pages()

    assert before == after
    words = "\n".join(after.values())
    for theirs in (
        "Second Customer",
        server.world.tenants["t2"],
        server.world.people["u9"].subs["t2"],
        "their-copy",
        R9,
    ):
        assert theirs not in words


@pytest.mark.requirement("console:attack:another-tenant-is-not-there")
async def test_an_application_that_only_others_have_used_has_no_name_here(server):
    """TN-15: one that registered itself with nobody, used in t2 alone: its id, once known, tells t1 nothing."""
    made = (
        await server.http.post(
            "/register", json={"redirect_uris": ["https://self.example/cb"], "client_name": "Secret Name"}
        )
    ).json()
    visitor = await at_console(server, "a1")

    real = await visitor.open("stop", kind="client", client=made["client_id"])
    random = await visitor.open("stop", kind="client", client="cli_0123456789abcdef")
    found = await visitor.open("search", q=made["client_id"])

    assert (404, random.response.content) == (real.status, real.response.content)
    assert "Secret Name" not in found.text


@pytest.mark.requirement("console:attack:what-the-platform-stopped-stays-stopped")
async def test_what_the_platform_stopped_a_tenants_operator_cannot_let_go_on(server):
    """Decision 22: nor do they learn who of the platform's people did, or read their words, which may be about others."""
    app = server.client("P")
    await app.sign_in("u1")
    platform, admin = await at_console(server, "p1"), await at_console(server, "a1")
    await platform.decide(await platform.open("stop", **client(app)), reason="it robbed Globex")

    overview, page = await admin.open(), await admin.open("revive", **client(app))
    heard = await admin.open("heard", **client(app))

    assert "it robbed Globex" in (await platform.open("revive", **client(app))).text
    assert "Globex" not in overview.text + page.text + heard.text
    assert "the people who run this server" in overview.text
    assert "Only they can let it go on" in page.text
    (form,) = [form for form in page.forms if form.method == "POST"]
    forced = await admin.browser.submit(form, decision="revive", reason="mine")
    assert [] == form.buttons
    assert 404 == forced.status
    assert "Public Web App" in (await admin.open()).text
    assert not any("/revive?" in link for link in [*overview.links, *heard.links])
    assert "p1@admins.example" not in overview.text + page.text + heard.text
    assert (await platform.revive(**client(app))).path == "/console/heard"


@pytest.mark.requirement("console:overview:what-is-stopped-everywhere-is-said-where-it-reaches")
async def test_what_the_platform_stopped_everywhere_stands_where_it_reaches_and_nowhere_else(server):
    """Decision 22, TN-15: a tool and a server of all tenants; without the platform's words, and with no way to let it go on."""
    platform, ours, theirs = [await at_console(server, who) for who in ("p1", "a1", "a2")]
    for target in ({"kind": "tool", "server": R1, "tool": "refund_order"}, {"kind": "resource", "server": R1}):
        await platform.decide(await platform.open("stop", **target), reason="it robbed Globex")

    here, there = (await ours.open()).text, (await theirs.open()).text

    assert 2 == here.count("by the people who run this server")
    assert "Globex" not in here
    assert "Nothing is stopped" not in here
    assert "the people who run this server" not in there
    assert "Nothing is stopped" in there


@pytest.mark.requirement("console:attack:nothing-strange-draws")
async def test_names_written_to_deceive_stay_names(server):
    """ASVS 1.2: an application's, a person's and a search's own words are escaped on every page."""
    hostile = '"><script>alert(1)</script>\u202e'
    app = server.client("P")
    await server.operator.set_client(app.app, name=hostile.replace("\u202e", ""))
    await app.sign_in("u1")
    visitor = await at_console(server, "a1")

    for name, words in (
        ("", {}),
        ("search", {"q": hostile}),
        ("search", {"q": "script"}),
        ("stop", client(app)),
        ("holder", client(app)),
        ("end", client(app)),
    ):
        page = await visitor.open(name, **words)
        assert 200 == page.status, (name, words)
        assert "<script" not in page.response.text, (name, words)
        assert "\u202e" not in page.response.text, (name, words)


@pytest.mark.one_database
@pytest.mark.requirement("console:attack:cannot-be-framed-or-kept")
async def test_no_page_can_be_framed_kept_or_read_from_elsewhere(server):
    """ASVS 3.4, 14.3.2, AD-12: no frame, no cache, no cross-origin reading, no script."""
    app = server.client("P")
    await app.sign_in("u1")
    visitor = await at_console(server, "a1")

    for name, words in (
        ("", {}),
        ("places", {}),
        ("search", {"q": "u"}),
        ("stop", client(app)),
        ("approvals", {}),
        ("holder", client(app)),
        ("revive", {"kind": "nothing"}),
    ):
        page = await visitor.open(name, **words)
        headers = page.response.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], name
        assert "default-src 'none'" in headers["content-security-policy"], name
        assert ("DENY", "no-store") == (headers["x-frame-options"], headers["cache-control"]), name
        assert "access-control-allow-origin" not in headers, name


@pytest.mark.requirement("console:attack:the-way-back-leads-nowhere-else")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "at",
    [
        "Ly9ldmlsLmV4YW1wbGU",
        "aHR0cHM6Ly9ldmlsLmV4YW1wbGU",
        "Oi8vZXZpbA",
        "L3N0b3A_YT0xDQpTZXQtQ29va2llOiB4PTE",
        "Ly4uL2FjY291bnQ",
        "!!!",
    ],
)
async def test_the_word_that_leads_back_can_name_nothing_but_a_page_of_the_console(server, at):
    """AZ-04: //evil, https://evil, a header, a way upwards: what is no link of ours leads to the overview."""
    await administered(server)
    browser, someone = server.browser(), server.world.people["a1"]

    page = await browser.request("GET", f"/login?to=console&at={at}")
    if page.status == 400:
        return
    answer = await browser.submit_once(page.form("password"), email=someone.email, password=someone.password)

    assert f"{server.issuer}/console" == answer.location


@pytest.mark.requirement("console:attack:two-at-once-are-one")
async def test_two_operators_who_let_go_at_once_do_it_once_and_are_told_kindly(server):
    """Decision 14: of two who revive in the same moment one is told that it was done."""
    app = server.client("P")
    await app.sign_in("u1")
    one, other = await at_console(server, "o1"), await at_console(server, "a1")
    await one.stop(**client(app))
    pages = [await who.open("revive", **client(app)) for who in (one, other)]

    answers = await asyncio.gather(
        one.decide(pages[0], reason="mine"),
        other.decide(pages[1], reason="mine too"),
        one.decide(pages[0], reason="again"),
    )

    assert [200, 200, 200] == [answer.status for answer in answers]
    assert all("May go on" in answer.text for answer in answers)
    assert 1 == (await server.operator.kinds()).count(event.Kind.REVIVED.value)
