"""What a person sees of what they have connected, and that ending it ends it: at the next refresh, at once."""

import pytest

from authserver.domain.clients import registry
from authserver.domain.stopping.stopping import Target
from authserver.domain.tokens import authorization
from resource_lib.wire.control import Kind
from tests.support.browser import Browser, Page
from tests.support.killing import revive, stop
from tests.support.publisher import HOST, Publisher
from tests.support.publisher import app as published
from tests.support.world import R1, R5, READ, WRITE

FURTHER = "orders:read orders:write tool:update_order"


async def opened(app, who: str = "u1") -> tuple[Browser, Page]:
    """Open the account page in the browser in which this person signed in with this application."""
    browser = app.browser_of(who)
    return browser, await browser.open("/account")


def link(page: Page, path: str, *, containing: str = "") -> str:
    """Return the address of the one link to `path`."""
    (found,) = [href for href in page.links if href.startswith(path + "?") and containing in href]
    return found


def is_disconnect(href: str) -> bool:
    return href.startswith("/account/disconnect?") and "login=" not in href


async def disconnected(app, who: str = "u1") -> Page:
    """Disconnect the one application that is connected, in two clicks."""
    browser, page = await opened(app, who)
    (address,) = filter(is_disconnect, page.links)
    return await browser.submit((await browser.open(address)).form("decision"), decision="disconnect")


@pytest.mark.requirement("account:page:shows-what-is-connected")
async def test_the_page_shows_what_is_connected_in_words(server):
    """Client, resource, scopes and tools in words, tenant, when, last used."""
    app = server.client("P")
    tokens = await app.sign_in(scope=WRITE, tools=["update_order"])
    server.clock.advance(7200)
    await app.refresh(tokens)
    server.clock.advance(180)

    _, page = await opened(app)

    for words in (
        "U1 Findable-Name", "Public Web App", "Added by an administrator", "Orders at mcp1.example", R1, "First Customer",
        "See orders", "Change an order", "3 minutes ago",
    ):  # fmt: skip
        assert words in page.text, words
    assert "orders:read" not in page.text
    assert "Refund an order" not in page.text


@pytest.mark.requirement("account:page:is-found-from-the-servers-own-address")
@pytest.mark.one_database
@pytest.mark.parametrize("path", ["", "/t/t3"])
async def test_the_servers_own_address_leads_people_to_their_page(server, path):
    """Ours: nobody remembers /account."""
    answer = await server.http.get(path + "/")

    assert (303, path + "/account") == (answer.status_code, answer.headers["location"])


@pytest.mark.requirement("account:page:shows-what-is-connected")
@pytest.mark.one_database
async def test_nothing_connected_is_said_and_a_consent_without_a_login_still_stands_there(server):
    """Ours: what was allowed counts until it is taken back, so it is shown although nothing is signed in."""
    app = server.client("P")
    page = await app.browser_of("u1").open("/account")
    someone = app.person("u1")
    page = await app.browser_of("u1").log_in(page, someone.email, someone.password)
    empty = page.text

    await app.sign_in()
    server.clock.advance(25 * 3600)
    _, page = await opened(app)
    assert page.is_login
    page = await app.browser_of("u1").log_in(page, someone.email, someone.password)

    assert "Nothing is connected" in empty
    assert "Public Web App" in page.text
    assert "Not signed in now" in page.text


@pytest.mark.requirement("account:page:needs-a-login-and-comes-back")
@pytest.mark.one_database
async def test_who_is_not_signed_in_signs_in_and_comes_back(server):
    """Ours; AZ-04: the way back is a name of ours, never an address."""
    browser, someone = server.browser(), server.world.people["u1"]

    asked = await browser.open("/account")
    back = await browser.log_in(asked, someone.email, someone.password)

    assert asked.is_login
    assert "/account" == back.path
    assert 200 == back.status
    assert "Connected applications" in back.text


@pytest.mark.requirement("account:page:needs-a-login-and-comes-back")
@pytest.mark.one_database
async def test_the_page_of_a_tenant_with_an_issuer_of_its_own_stays_under_it(server):
    """Decision 22: every link and form leads on under the same path, and it is the same account."""
    app, someone = server.client("W"), server.world.people["u7"]
    tokens = await app.sign_in("u7")
    browser = server.browser()

    page = await browser.log_in(await browser.open("/t/t3/account"), someone.email, someone.password)
    (address,) = [href for href in page.links if href.startswith("/t/t3/account/disconnect?") and "login=" not in href]
    after = await browser.submit((await browser.open(address)).form("decision"), decision="disconnect")

    assert "/t/t3/account" == page.path == after.path
    assert all(href.startswith("/t/t3/") for href in page.links), page.links
    assert "Disconnected." in after.text
    assert "invalid_grant" == (await app.refresh(tokens)).error


@pytest.mark.requirement("account:disconnect:acts-at-once")
async def test_disconnecting_an_application_ends_every_login_of_it(server):
    """MCP A33; clients.md rule 14: refreshing is refused from that commit on, and connecting again asks the person."""
    app = server.client("P")
    first = await app.sign_in()
    laptop = server.client("P")
    second = await laptop.sign_in()
    other = await server.client("N").sign_in()

    browser, page = await opened(app)
    (address,) = [href for href in filter(is_disconnect, page.links) if app.app.client_id in href]
    confirm = await browser.open(address)
    after = await browser.submit(confirm.form("decision"), decision="disconnect")

    assert "All 2 of its logins end now" in confirm.text
    assert "Disconnected." in after.text
    assert "Servers that listen to us refuse at once what it still holds; elsewhere that runs out within" in after.text
    assert "Public Web App" not in after.text
    assert ["invalid_grant", "invalid_grant"] == [(await app.refresh(token)).error for token in (first, second)]
    assert (await server.client("N").refresh(other)).ok
    assert (await app.ask("u1")).is_consent


@pytest.mark.requirement("account:disconnect:acts-at-once")
@pytest.mark.parametrize("what", ["all of it", "one login"])
async def test_introspection_says_inactive_from_that_commit_on(server, what):
    """RFC 7662 §2.2; issue: disconnecting acts at once on introspection, whatever the token says of its own end."""
    app, rs = server.client("P"), server.client("RS1")
    tokens, other = await app.sign_in(), await server.client("P").sign_in()
    before = await rs.introspect(tokens.access_token)

    if what == "all of it":
        await disconnected(app)
    else:
        browser, page = await opened(app)
        address = link(page, "/account/disconnect", containing=f"login={tokens.claims['authorization_id']}")
        await browser.submit((await browser.open(address)).form("decision"), decision="disconnect")

    assert before.body["active"]
    assert {"active": False} == (await rs.introspect(tokens.access_token)).body
    assert ("all of it" != what) == (await rs.introspect(other.access_token)).body["active"]


@pytest.mark.requirement("account:change:narrows-every-login")
@pytest.mark.one_database
async def test_introspection_follows_what_is_allowed_more_and_taken_away(server):
    """Decision 11; clients.md rule 14: a resource server that asks hears of it at once, by a token from before too."""
    app, rs = server.client("P"), server.client("RS1")
    tokens = await app.sign_in(scope=READ)
    await more(app, tokens.claims["authorization_id"], tool=["update_order"])
    wider = await app.refresh(tokens)
    while_allowed = await rs.introspect(wider.access_token)
    browser, page = await opened(app)
    asked = await browser.open(link(page, "/account/more"))

    await browser.submit(asked.form("decision"), decision="take-back")

    assert FURTHER.split() == sorted(while_allowed.body["scope"].split())
    assert READ == (await rs.introspect(wider.access_token)).body["scope"]


@pytest.mark.requirement("account:disconnect:one-login-alone")
async def test_ending_one_login_leaves_the_others(server):
    """Design §2: a second laptop has an authorization of its own."""
    app, laptop = server.client("P"), server.client("P")
    first, second = await app.sign_in(), await laptop.sign_in()

    browser, page = await opened(app)
    address = link(page, "/account/disconnect", containing=f"login={first.claims['authorization_id']}")
    after = await browser.submit((await browser.open(address)).form("decision"), decision="disconnect")

    assert "is ended" in after.text
    assert "invalid_grant" == (await app.refresh(first)).error
    assert (await laptop.refresh(second)).ok


@pytest.mark.requirement("account:page:all-tenants-each-inside-its-own")
async def test_a_person_of_several_tenants_sees_all_and_ends_one(server):
    """Decision 22: each tenant's rows are read inside it, and ending something in one touches nothing of the other."""
    app = server.client("G")
    ours = await app.sign_in("u5", tenant="t1")
    theirs = await app.sign_in("u5", tenant="t2")

    browser, page = await opened(app, "u5")
    address = next(href for href in filter(is_disconnect, page.links) if "tenant=t1" in href)
    await browser.submit((await browser.open(address)).form("decision"), decision="disconnect")

    assert "First Customer" in page.text
    assert "Second Customer" in page.text
    assert "invalid_grant" == (await app.refresh(ours)).error
    assert (await app.refresh(theirs)).ok


@pytest.mark.requirement("account:disconnect:is-recorded")
@pytest.mark.one_database
async def test_what_a_person_ends_is_recorded_and_announced(server):
    """Decisions 14, 15: an event in the same commit, and a line in the numbered list."""
    app = server.client("P")
    await app.sign_in()
    known = await server.operator.events("t1")

    await disconnected(app)

    kinds = await server.operator.kinds("t1", besides=known)
    assert "client:authorization:ended" in kinds
    assert "person:consent:denied" in kinds


async def more(app, login: str, *, who: str = "u1", **ticked) -> Page:
    """Allow more in one login, as the page offers it."""
    browser, page = await opened(app, who)
    asked = await browser.open(link(page, "/account/more", containing=f"login={login}"))
    return await browser.submit(asked.form("decision"), **{"decision": "allow", "hours": "1", **ticked})


@pytest.mark.requirement("account:more:the-next-refresh-carries-it")
async def test_a_refresh_without_scope_carries_what_was_allowed_on_the_page(server):
    """Decision 9; clients.md rule 13: whoever never finishes a step-up challenge gets it by its next refresh."""
    app, laptop = server.client("P"), server.client("P")
    tokens, elsewhere = await app.sign_in(scope=READ), await laptop.sign_in(scope=READ)

    shown = await more(app, tokens.claims["authorization_id"], tool=["update_order"])
    wider = await app.refresh(tokens)

    assert "Allowed for that time" in shown.text
    assert "For a while Change an order" in shown.text
    assert {"orders:read", "orders:write", "tool:update_order"} == wider.scope
    assert {READ} == (await laptop.refresh(elsewhere)).scope
    assert "person:authorization:widened" in await server.operator.kinds("t1")


@pytest.mark.requirement("account:more:not-what-is-switched-off")
@pytest.mark.parametrize("kind", [Kind.RESOURCE, Kind.TOOL])
async def test_nobody_allows_more_of_what_an_operator_has_switched_off(server, kind):
    """Decision 14: neither at a stopped server nor of a stopped tool; the person is told so, and may once it goes on."""
    app, t1 = server.client("P"), server.world.tenants["t1"]
    tokens = await app.sign_in(scope=READ)
    of = {"tool": "update_order"} if kind is Kind.TOOL else {}
    target = Target(kind=kind, tenant=t1, resource=R1, **of)

    await stop(server, target)
    refused = await more(app, tokens.claims["authorization_id"], tool=["update_order"])
    await revive(server, target)
    wider = await app.refresh(tokens)
    await more(app, tokens.claims["authorization_id"], tool=["update_order"])

    assert "Nothing was allowed: an operator has switched this off" in refused.text
    assert {READ} == wider.scope
    assert "tool:update_order" in (await app.refresh(wider)).scope


@pytest.mark.requirement("account:more:lapses-by-itself")
@pytest.mark.parametrize("seconds", [3600 - 60, 3600])
async def test_what_was_allowed_for_an_hour_is_gone_after_it(server, seconds):
    """Decision 9: time-boxed, and no token carries it beyond the end."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ)
    await more(app, tokens.claims["authorization_id"], tool=["update_order"])
    server.clock.advance(seconds)

    answer = await app.refresh(tokens)

    if seconds < 3600:
        assert "tool:update_order" in answer.scope
        assert 60 == answer.body["expires_in"] == answer.claims["exp"] - answer.claims["iat"]
    else:
        assert {READ} == answer.scope
        assert 600 == answer.body["expires_in"]


@pytest.mark.requirement("account:more:is-taken-back")
@pytest.mark.parametrize("how", ["button", "elsewhere", "less", "disconnect"])
async def test_what_was_allowed_for_a_while_is_taken_back(server, how):
    """Ours: by its button, by any newer decision that leaves something out, and with the connection."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ if how != "less" else f"{READ} openid profile", allowed=["profile"])
    login = tokens.claims["authorization_id"]
    await more(app, login, tool=["update_order"])
    wider = await app.refresh(tokens)

    if how == "less":
        browser, page = await opened(app)
        asked = await browser.open(link(page, "/account/change"))
        await browser.submit(asked.form("decision"), decision="save", tool=[], allowed=[READ])
    elif how == "button":
        browser, page = await opened(app)
        asked = await browser.open(link(page, "/account/more"))
        await browser.submit(asked.form("decision"), decision="take-back")
    elif how == "elsewhere":
        await server.client("P").sign_in(scope=WRITE, tools=[])
    else:
        await disconnected(app)
        await app.sign_in(scope=READ)

    answer = await app.refresh(wider)
    assert "tool:update_order" in wider.scope
    if how == "disconnect":
        assert "invalid_grant" == answer.error
    else:
        assert {READ} == answer.scope - {"openid"}


@pytest.mark.requirement("account:more:only-what-the-role-permits")
@pytest.mark.one_database
async def test_nobody_can_allow_what_their_role_or_the_registration_does_not_permit(server):
    """Decision 22: the page offers it to nobody, a forged box changes nothing, and a role that is lost takes it along."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ)
    browser, page = await opened(app)
    asked = await browser.open(link(page, "/account/more"))
    forged = await browser.submit(
        asked.form("decision"), decision="allow", hours="1", tool=["purge_orders"], allowed=["orders:admin", "nonsense"]
    )
    admin = server.client("N")
    admins = await admin.sign_in("u2", scope=READ)
    await more(admin, admins.claims["authorization_id"], who="u2", tool=["purge_orders"])
    while_admin = await admin.refresh(admins)

    await server.operator.set_member("u2", "t1", roles=("member",))

    assert "Purge all orders" not in asked.text
    assert "Tick at least one thing" in forged.text
    assert {READ} == (await app.refresh(tokens)).scope
    assert "tool:purge_orders" in while_admin.scope
    assert {READ} == (await admin.refresh(while_admin)).scope


@pytest.mark.requirement("account:more:never-beyond-the-login")
@pytest.mark.one_database
@pytest.mark.settings(interactive_idle_seconds=3600, interactive_absolute_seconds=7200)
async def test_what_is_allowed_for_a_while_ends_with_the_login_at_the_latest(server):
    """Decision 9: until a chosen end that is never later than the absolute one."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ)
    began = server.clock.now
    await more(app, tokens.claims["authorization_id"], tool=["update_order"], hours="168")
    found = await authorization.find(server.operator.work("t1"), tokens.claims["authorization_id"])

    assert found is not None
    assert began + 7200 == found.widened_until == found.expires_at


@pytest.mark.requirement("account:change:narrows-every-login")
async def test_what_is_unticked_is_gone_everywhere_at_the_next_refresh(server):
    """Decision 11; clients.md rule 14: narrowing acts on what is stored."""
    app, laptop = server.client("P"), server.client("P")
    first = await app.sign_in(scope=WRITE, tools=["update_order"])
    second = await laptop.sign_in(scope=WRITE, tools=["update_order"])

    browser, page = await opened(app)
    asked = await browser.open(link(page, "/account/change"))
    saved = await browser.submit(asked.form("decision"), decision="save", tool=[], allowed=["orders:read"])

    assert ["update_order"] == asked.form("decision").offered("tool")
    assert "Saved." in saved.text
    assert [{READ}, {READ}] == [(await app.refresh(first)).scope, (await laptop.refresh(second)).scope]
    assert "person:consent:narrowed" in await server.operator.kinds("t1")


@pytest.mark.requirement("account:change:narrows-every-login")
@pytest.mark.one_database
async def test_a_form_of_this_page_adds_nothing_and_taking_all_away_leads_to_disconnecting(server):
    """Ours: the page only takes away."""
    app = server.client("P")
    tokens = await app.sign_in(scope=READ)
    browser, page = await opened(app)
    form = (await browser.open(link(page, "/account/change"))).form("decision")

    nothing = await browser.submit(form, decision="save", tool=[], allowed=[])
    await browser.submit(form, decision="save", tool=["update_order"], allowed=["orders:read", "orders:write"])

    assert "/account/disconnect" == nothing.path
    assert {READ} == (await app.refresh(tokens)).scope


@pytest.mark.requirement("account:password:ends-what-hangs-on-it")
async def test_a_new_password_signs_everybody_out_and_disconnects_everything(server):
    """ASVS 7.4.3: at once, in every tenant; the browser that changed it goes on."""
    app, shared, elsewhere = server.client("P"), server.client("G"), server.browser()
    tokens = await app.sign_in("u5")
    shared.browsers["u5"] = app.browser_of("u5")
    theirs = await shared.sign_in("u5", tenant="t2")
    someone = app.person("u5")
    await elsewhere.log_in(await elsewhere.open("/account"), someone.email, someone.password)

    browser, _ = await opened(app, "u5")
    form = (await browser.open("/account/password")).form("new_password")
    wrong = await browser.submit(
        form, password="not it", new_password="another good one", new_password_again="another good one"
    )
    differs = await browser.submit(
        form, password=someone.password, new_password="another good one", new_password_again="another one"
    )
    short = await browser.submit(form, password=someone.password, new_password="short", new_password_again="short")
    still = await app.refresh(tokens)
    done = await browser.submit(
        form, password=someone.password, new_password="another good one", new_password_again="another good one"
    )

    assert [401, 400, 400] == [wrong.status, differs.status, short.status]
    assert still.ok
    assert "/account" == done.path
    assert "Your password is changed" in done.text
    assert (await elsewhere.open("/account")).is_login
    assert ["invalid_grant"] * 2 == [(await app.refresh(still)).error, (await shared.refresh(theirs)).error]
    again = server.browser()
    assert 401 == (await again.log_in(await again.open("/account"), someone.email, someone.password)).status
    assert "/account" == (await again.log_in(await again.open("/account"), someone.email, "another good one")).path


@pytest.mark.requirement("account:sign-out:everywhere")
@pytest.mark.one_database
async def test_signing_out_everywhere_ends_every_browser_and_no_application(server):
    """ASVS 7.4.3: the page says that applications go on, and they do."""
    app = server.client("P")
    tokens = await app.sign_in()
    elsewhere, someone = server.browser(), app.person("u1")
    await elsewhere.log_in(await elsewhere.open("/account"), someone.email, someone.password)

    browser, page = await opened(app)
    form = next(form for form in page.forms if form.action.endswith("/account/sign-out-everywhere"))
    said = await browser.submit(form)

    assert "You are signed out" in said.text
    assert (await browser.open("/account")).is_login
    assert (await elsewhere.open("/account")).is_login
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("account:page:shows-what-is-connected")
@pytest.mark.one_database
async def test_a_shared_applications_unverified_name_is_said_to_be_unverified(server):
    """MCP A19."""
    work = server.operator.work()
    work.bind("*")
    new = registry.add(
        work,
        name="<b>Claude</b>",
        auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
        redirect_uris=("http://127.0.0.1/cb",),
        is_verified=False,
    )
    assert await work.commit()
    app = server.client("G", client_id=new.client.id, redirect_uris=("http://127.0.0.1/cb",), resource=R5)
    await app.sign_in("u1")

    _, page = await opened(app)

    assert "Name not verified" in page.text
    assert "<b>Claude</b>" in page.text
    assert "<b>" not in page.response.text


@pytest.mark.requirement("account:page:shows-what-is-connected")
@pytest.mark.one_database
async def test_an_application_that_a_document_describes_is_shown_with_the_host_that_vouches(
    reading_server, publisher: Publisher
):
    """MCP A19: the host was checked, the name was not; its address as client id survives the way through the links."""
    publisher.publish(client_name="Claude")
    client = published(reading_server)
    tokens = await client.sign_in("u1")

    _, page = await opened(client)
    done = await disconnected(client)

    assert f"Published by {HOST}" in page.text
    assert "Added by an administrator" not in page.text
    assert "Disconnected." in done.text
    assert "invalid_grant" == (await client.refresh(tokens)).error
