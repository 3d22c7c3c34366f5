"""
Somebody wants to see, end or widen what is another person's, or to make a person do it without knowing.
"""

import asyncio
from dataclasses import replace

import pytest

from authserver.domain.audit.header import about
from tests.promises.test_account_page import is_disconnect, link, more, opened
from tests.support.browser import query_of
from tests.support.world import R1, R9, READ, WRITE

pytestmark = pytest.mark.requirement("attack:account:only-ones-own")

PAGES = ("/account/disconnect", "/account/change", "/account/more")


async def address_of(app, path: str, who: str = "u1") -> str:
    _, page = await opened(app, who)
    return next(
        href for href in page.links if href.startswith(path + "?") and (path != PAGES[0] or is_disconnect(href))
    )


@pytest.mark.parametrize("path", PAGES)
async def test_another_persons_connection_is_not_there(server, path):
    """Whoever knows tenant, client, resource and authorization id of somebody else finds, ends and widens nothing."""
    app = server.client("P")
    victims = await app.sign_in("u1")
    address = await address_of(app, path)
    if path == PAGES[0]:
        address += f"&login={victims.claims['authorization_id']}"
    attacker, someone = server.browser(), server.world.people["u2"]
    await attacker.log_in(await attacker.open("/account"), someone.email, someone.password)

    seen = await attacker.open(address)
    own = server.client(
        "P",
    )
    own.browsers["u2"] = attacker
    await own.sign_in("u2", scope=READ)
    form = (await attacker.open(await address_of(own, path, "u2"))).form("decision")
    tried = await attacker.submit(
        replace(form, action=server.issuer + address), decision="allow", hours="1", tool=["update_order"]
    )

    assert "/account" == seen.path
    assert "no longer connected" in seen.text
    assert "Public Web App" not in seen.text
    # Without an id in it the address is one's own as well, and the form has acted on that alone.
    assert (403 if "login=" in address else 200) == tried.status
    answer = await app.refresh(victims)
    assert {READ} == answer.scope


async def test_another_logins_id_in_ones_own_address_is_not_there(server):
    """A form that is valid for one's own application, with the authorization id of another person put into its address."""
    app, other = server.client("P"), server.client("P")
    victims, mine = await app.sign_in("u1"), await other.sign_in("u2", scope=READ)
    browser, page = await opened(other, "u2")
    address = link(page, "/account/more").replace(mine.claims["authorization_id"], victims.claims["authorization_id"])

    seen = await browser.open(address)

    assert "/account" == seen.path
    assert "no longer connected" in seen.text
    assert {READ} == (await app.refresh(victims)).scope


async def test_a_tenant_that_is_not_ones_own_is_not_there(server):
    """Decision 22: the slug of another tenant in the address finds nothing, also where client and resource are shared."""
    app, victim = server.client("G"), server.client("X")
    theirs = await victim.sign_in("u9")
    await app.sign_in("u1")
    browser, _ = await opened(app, "u1")
    foreign = f"/account/disconnect?tenant=t2&client={victim.app.client_id}&at={R9}"
    shared = (await address_of(app, PAGES[0])).replace("tenant=t1", "tenant=t2")

    pages = [await browser.open(address) for address in (foreign, shared)]

    assert ["/account", "/account"] == [page.path for page in pages]
    assert (await victim.refresh(theirs)).ok


@pytest.mark.one_database
@pytest.mark.parametrize("path", [*PAGES, "/account/password", "/account/sign-out-everywhere"])
@pytest.mark.parametrize("forged", ["no token", "other session", "other page", "other site", "cross site"])
async def test_a_form_from_elsewhere_changes_nothing(server, path, forged):
    """RFC 9700 §4.7: bound to this browser's session and to exactly what the page showed."""
    app, stranger = server.client("P"), server.client("P")
    tokens, _ = await app.sign_in(scope=READ), await stranger.sign_in("u2", scope=READ)
    browser, page = await opened(app)
    address = path if path in {"/account/password", "/account/sign-out-everywhere"} else await address_of(app, path)
    where = page if path.endswith("everywhere") else await browser.open(address)
    form = next(form for form in where.forms if form.action.endswith(address))
    headers = {}
    given = {
        "decision": "allow",
        "hours": "1",
        "tool": ["update_order"],
        "password": "x",
        "new_password": "long enough",
    }
    if forged == "no token":
        given["csrf"] = None
    elif forged == "other session":
        given["csrf"] = (await opened(stranger, "u2"))[1].forms[0].value("csrf")
    elif forged == "other page":
        given["csrf"] = page.forms[0].value("csrf")
    elif forged == "other site":
        headers = {"origin": "https://evil.example"}
    else:
        headers = {"sec-fetch-site": "cross-site", "origin": "null"}

    answer = await browser.post(form.action, form.filled(**given), headers=headers)

    assert 403 == answer.status
    assert "Nothing was changed" in answer.text
    assert {READ} == (await app.refresh(tokens)).scope
    assert "Connected applications" in (await browser.open("/account")).text


async def test_an_old_form_does_not_end_what_was_allowed_anew(server):
    """A page left open in a tab, the application disconnected elsewhere and allowed again: the old form asks once more."""
    app = server.client("P")
    await app.sign_in()
    browser = app.browser_of("u1")
    old = (await browser.open(await address_of(app, PAGES[0]))).form("decision")
    await browser.submit(old, decision="disconnect")
    server.clock.advance(1)
    anew = await app.sign_in()

    shown = await browser.submit(old, decision="disconnect")

    assert "something has changed since this page was made" in shown.text
    assert (await app.refresh(anew)).ok


async def test_an_old_form_widens_nothing_after_another_decision(server):
    """The same for more and for less: what the page did not show is not decided by it."""
    app = server.client("P")
    tokens = await app.sign_in(scope=WRITE, tools=["update_order"])
    browser = app.browser_of("u1")
    less = (await browser.open(await address_of(app, "/account/change"))).form("decision")
    extra = (await browser.open(await address_of(app, "/account/more"))).form("decision")
    await browser.submit(less, decision="save", tool=[], allowed=["orders:read"])

    again = await browser.submit(less, decision="save", tool=["update_order"], allowed=["orders:read", "orders:write"])
    wider = await browser.submit(extra, decision="allow", hours="1", tool=["refund_order"])

    assert "Nothing was changed" in again.text
    assert "Nothing was changed" in wider.text
    assert {READ} == (await app.refresh(tokens)).scope


async def test_whoever_is_disabled_in_a_tenant_sees_and_does_nothing_there(server):
    """AZ-51, decision 22: with a form from before and a new login; what they have in another tenant stays theirs."""
    app, someone = server.client("G"), server.world.people["u5"]
    await app.sign_in("u5", tenant="t1")
    await app.sign_in("u5", tenant="t2")
    browser, page = await opened(app, "u5")
    address = next(href for href in filter(is_disconnect, page.links) if "tenant=t1" in href)
    form = (await browser.open(address)).form("decision")

    await server.operator.set_member("u5", "t1", is_active=False)
    tried = await browser.submit(form, decision="disconnect")
    again = server.browser()
    seen = await again.log_in(await again.open("/account"), someone.email, someone.password)
    reached = await again.open(address)

    assert tried.is_login or "no longer connected" in tried.text
    assert "First Customer" not in seen.text
    assert "Second Customer" in seen.text
    assert "no longer connected" in reached.text


async def test_a_suspended_tenant_and_a_disabled_person_show_nothing(server):
    """AZ-51: a tenant suspended, and an account whose every membership ended, while the browser is still signed in."""
    app = server.client("P")
    await app.sign_in()
    browser, someone = server.browser(), server.world.people["u1"]
    await browser.log_in(await browser.open("/account"), someone.email, someone.password)

    await server.operator.set_tenant("t1", is_active=False)
    suspended = await browser.open("/account")
    await server.operator.remove_member("u1", "t1")
    removed = await browser.open("/account")

    for page in (suspended, removed):
        assert page.is_login or "Nothing is connected" in page.text
        assert "Public Web App" not in page.text


@pytest.mark.one_database
async def test_the_pages_cannot_be_framed_kept_or_read_from_elsewhere(server):
    """AZ-28, ASVS 3.4, 14.3.2: no frame, no cache, no cross-origin reading, no script."""
    app = server.client("P")
    await app.sign_in()
    browser = app.browser_of("u1")
    addresses = ["/account", "/account/password", *[await address_of(app, path) for path in PAGES]]

    for address in addresses:
        headers = (await browser.open(address)).response.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], address
        assert "form-action 'self';" in headers["content-security-policy"], address
        assert "DENY" == headers["x-frame-options"]
        assert "no-store" == headers["cache-control"]
        assert "access-control-allow-origin" not in headers
        assert "same-origin" == headers["referrer-policy"]


@pytest.mark.one_database
async def test_an_applications_name_stays_a_name_on_every_page(server):
    """AZ-25: a name that closes a tag, turns the text around and speaks for us."""
    app = server.client("P")
    await server.operator.set_client(app.app, name='"><script>alert(1)</script><b>\u202eVerified by us')
    await app.sign_in()
    browser = app.browser_of("u1")

    for address in ["/account", *[await address_of(app, path) for path in PAGES]]:
        html = (await browser.open(address)).response.text
        assert "<script" not in html
        assert "<b>" not in html
        assert "\u202e" not in html
        assert "&lt;script&gt;" in html


@pytest.mark.one_database
@pytest.mark.parametrize(
    "query",
    [
        "to=https://evil.example",
        "to=//evil.example",
        "to=account&to=account",
        "to=account/../../evil",
        "to=ACCOUNT",
        "next=/x",
    ],
)
async def test_no_word_in_a_login_address_leads_anywhere_else(server, query):
    """AZ-04: what is not the name of one of our pages is an application's request, and a broken one."""
    browser, someone = server.browser(), server.world.people["u1"]
    page = await browser.open(f"/login?{query}")
    form = (await browser.open("/login")).form("password")

    answer = await browser.submit_once(
        replace(form, action=f"{server.issuer}/login?{query}"), email=someone.email, password=someone.password
    )

    assert 400 == page.status
    assert (answer.location or "").startswith(f"{server.issuer}/authorize?")
    assert server.is_error_page(await browser.open(answer.location or ""))


@pytest.mark.one_database
async def test_a_link_cannot_claim_that_something_was_done(server):
    """Ours: "disconnected" is said to the browser that did it, not to whoever follows a link."""
    app, other = server.client("P"), server.client("P")
    await app.sign_in()
    await other.sign_in("u2")
    browser, _ = await opened(app)
    there, _ = await opened(other, "u2")
    gone = await there.open("/account/disconnect?tenant=t1&client=x&at=y")
    seal = query_of(gone.url)["seal"][0]

    claims = [
        await browser.open(f"/account?done={name}&seal={sealed}")
        for name, sealed in (("gone", seal), ("disconnected", ""), ("disconnected", seal), ("<script>", seal))
    ]

    assert "no longer connected" in gone.text
    for page in claims:
        assert "no longer connected" not in page.text
        assert "Disconnected" not in page.text
        assert "<script>" not in page.response.text


@pytest.mark.one_database
async def test_guessing_the_present_password_is_limited_as_at_the_login(server_with):
    """AZ-52: a stolen session is no way around the budget of the account."""
    server = await server_with(login_failures=3)
    app = server.client("P")
    await app.sign_in()
    someone = app.person("u1")
    browser = app.browser_of("u1")
    form = (await browser.open("/account/password")).form("new_password")
    new = {"new_password": "another good one", "new_password_again": "another good one"}

    statuses = [(await browser.submit(form, password=f"guess {n}", **new)).status for n in range(4)]
    right = await browser.submit(form, password=someone.password, **new)

    assert [401, 401, 401, 429] == statuses
    assert 429 == right.status


async def test_a_refresh_and_a_disconnect_at_once_leave_nothing_alive(server):
    """RV: whichever commits first, what the refresh gave is dead once the person has been told "disconnected"."""
    app = server.client("P")
    tokens = await app.sign_in()
    browser = app.browser_of("u1")
    form = (await browser.open(await address_of(app, PAGES[0]))).form("decision")

    outcomes = await asyncio.gather(
        browser.submit(form, decision="disconnect"), *(app.refresh(tokens) for _ in range(8))
    )
    given = [one for one in outcomes[1:] if one.ok]

    assert "Disconnected." in outcomes[0].text
    for one in [tokens, *given]:
        assert "invalid_grant" == (await app.refresh(one)).error


async def test_more_for_a_while_and_a_disconnect_at_once_leave_nothing_alive(server):
    """A widening never outlives what it widens, whichever commits first."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ)
    browser = app.browser_of("u1")
    end = (await browser.open(await address_of(app, PAGES[0]))).form("decision")
    wide = (await browser.open(await address_of(app, "/account/more"))).form("decision")

    await asyncio.gather(
        browser.submit(end, decision="disconnect"),
        browser.submit(wide, decision="allow", hours="1", tool=["update_order"]),
    )

    assert "invalid_grant" == (await app.refresh(tokens)).error
    again = await app.sign_in(scope=READ)
    assert {READ} == (await app.refresh(again)).scope


@pytest.mark.one_database
async def test_the_record_of_a_widening_holds_no_name(server):
    """Decision 15: codes and numbers alone stand in a header."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ)
    await more(app, tokens.claims["authorization_id"], tool=["update_order"])

    (row,) = [row for row in await server.operator.events("t1") if row["kind"] == "person:authorization:widened"]

    assert ["orders:write", "tool:update_order"] == about(row)["scope"]
    assert R1 == row["resource"]
    assert "Findable" not in str(row)
