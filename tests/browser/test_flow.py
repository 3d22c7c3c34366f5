"""
A person, a real Chromium and the real server: sign in, decide, and go back to the application.
"""

import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.application import Application, listening
from tests.browser.camera import Camera
from tests.support.deployment import Deployment, free_port, logs_kept

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MCP = "https://mcp.example.com/mcp"
PASSWORD = "correct horse battery staple"
TOOLS = [
    {
        "name": "search_orders",
        "class": "read",
        "scopes": ["orders:read"],
        "title": "Search orders",
        "description": "Finds orders by customer, date or state.",
    },
    {
        "name": "update_order",
        "class": "write",
        "scopes": ["orders:write"],
        "title": "Update an order",
        "description": "Changes the address, the items or the state of an order.",
    },
    {
        "name": "refund_order",
        "class": "destructive",
        "scopes": ["orders:write"],
        "title": "Refund an order",
        "description": "Pays money back to the customer's card.",
    },
]
READ = "orders:read"
EVERYTHING = "orders:read orders:write tool:update_order tool:refund_order"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder: Path = tmp_path_factory.mktemp("browser")
    with logs_kept():
        made = Deployment.migrated(folder, port=free_port())
        (folder / "tools.json").write_text(json.dumps(TOOLS))
        made.told("tenant", "add", "acme", "--name", "Acme Industries")
        made.told("tenant", "add", "globex", "--name", "Globex Corporation")
        scopes = ("--scope", "orders:read=See orders and what is in them", "--scope", "orders:write=Change orders")
        links = ("--link", "acme", "--link", "globex", "--tools", str(folder / "tools.json"))
        made.credential = made.told("resource", "add", MCP, "--name", "Orders", *scopes, *links)
        for email, name, tenants in (
            ("ada@acme.example", "Ada Lovelace", ["acme"]),
            ("edsger@acme.example", "Edsger Dijkstra", ["acme"]),
            ("barbara@acme.example", "Barbara Liskov", ["acme"]),
            ("frances@acme.example", "Frances Allen", ["acme"]),
            ("grace@example.com", "Grace Hopper", ["acme", "globex"]),
        ):
            for tenant in tenants:
                words = ("--tenant", tenant, "--name", name, "--password-file", "-")
                made.told("user", "add", email, *words, typed=PASSWORD + "\n")
    with made.served():
        yield made


@pytest.fixture(scope="module")
def application(server: Deployment) -> Iterator[Application]:
    with logs_kept():
        uris = ("http://127.0.0.1/callback", "http://localhost/callback", "http://[::1]/callback")
        words = [word for uri in uris for word in ("--redirect-uri", uri)]
        client = server.told("client", "add", "--name", "Desk Assistant", *words)
    with listening(Application(client["client_id"], server.issuer, MCP)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    yield context
    await context.close()


async def sign_in(page: Page, email: str = "ada@acme.example", password: str = PASSWORD) -> None:
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


def introspected(server: Deployment, token: str) -> dict[str, Any]:
    """Return what the MCP server is told of a token."""
    credential = (server.credential["client_id"], server.credential["client_secret"])
    found = httpx2.post(f"{server.issuer}/introspect", data={"token": token}, auth=credential).json()
    assert isinstance(found, dict)
    return found


def complaints_of(page: Page) -> list[str]:
    """What the browser complains of: a blocked style, script, form or redirect."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.requirement("browser:login:to-token")
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_a_person_signs_in_and_the_application_gets_a_token(
    browser: Browser, application: Application, script: bool
):
    """The main job; contract: pages work without JavaScript. The policy of the page lets the answer reach the application."""
    context = await browser.new_context(java_script_enabled=script)
    page = await context.new_page()
    complaints = complaints_of(page)

    await page.goto(application.authorize_url(READ))
    await sign_in(page)
    await expect(page.get_by_role("heading", name="Allow Desk Assistant to use Orders?")).to_be_visible()
    await expect(page.locator(".weighty")).to_contain_text("127.0.0.1")
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    answer = application.answers[-1]
    token = application.redeem(answer)
    await context.close()

    assert application.issuer == answer["iss"]
    assert 200 == token.status_code, token.text
    assert READ == token.json()["scope"]
    assert [] == complaints


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as listener:
            listener.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.requirement("browser:login:to-token")
@pytest.mark.skipif(not has_ipv6(), reason="NO IPv6 LOOPBACK on this machine")
async def test_an_answer_reaches_an_application_on_ipv6_loopback(visit: BrowserContext, application: Application):
    """RFC 8252 §7.3: `[::1]` is a redirect host; CSP has no word for it, and the form's answer must arrive all the same."""
    other = Application(application.client_id, application.issuer, application.resource)
    other.host = "[::1]"
    with listening(other):
        page = await visit.new_page()
        await page.goto(other.authorize_url(READ))
        await sign_in(page)
        await expect(page.locator(".weighty")).to_contain_text("::1")
        await page.get_by_role("button", name="Allow", exact=True).click()
        await page.wait_for_url("**/callback?**")

        assert 200 == other.redeem(other.answers[-1]).status_code


@pytest.mark.requirement("browser:keyboard:alone-is-enough")
async def test_the_keyboard_alone_is_enough(visit: BrowserContext, application: Application):
    """WCAG 2.2 2.1.1: nobody needs a mouse to sign in, tick a tool and allow."""
    page = await visit.new_page()
    await page.goto(application.authorize_url(EVERYTHING))

    await expect(page.get_by_label("Email")).to_be_focused()
    await page.keyboard.type("barbara@acme.example")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/consent?**")
    for _ in range(20):
        await page.keyboard.press("Tab")
        focused = await page.evaluate("[document.activeElement.value, document.activeElement.innerText]")
        if focused[0] == "update_order":
            await page.keyboard.press("Space")
        if focused[1] == "Allow":
            break
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/callback?**")
    token = application.redeem(application.answers[-1]).json()

    assert {"orders:read", "orders:write", "tool:update_order"} == set(token["scope"].split())


@pytest.mark.requirement("browser:consent:tools-are-opted-into")
async def test_nothing_that_writes_is_ticked_at_first_and_only_ticked_tools_are_granted(
    visit: BrowserContext, application: Application
):
    """Decision 11: a first login ticks reads only; writes are opted into tool by tool."""
    page = await visit.new_page()
    await page.goto(application.authorize_url(EVERYTHING))
    await sign_in(page, "edsger@acme.example")
    boxes = page.locator("input[name=tool]")
    await expect(boxes).to_have_count(2)
    ticked = [await boxes.nth(place).is_checked() for place in range(2)]
    dangerous = page.locator(".tools.destructive")

    await expect(dangerous).to_contain_text("Refund an order")
    await expect(dangerous).to_contain_text("Cannot be undone")
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    token = application.redeem(application.answers[-1]).json()

    assert [False, False] == ticked
    assert "orders:read" in token["scope"].split()
    assert not [scope for scope in token["scope"].split() if scope.startswith("tool:")]


@pytest.mark.requirement("browser:consent:a-no-reaches-the-application")
async def test_a_no_reaches_the_application(visit: BrowserContext, application: Application):
    """OAuth 2.1 §4.1.2.1, RFC 9207 §2: `access_denied` with `iss`, and no code."""
    page = await visit.new_page()
    await page.goto(application.authorize_url(READ))
    await sign_in(page)
    await page.get_by_role("button", name="Do not allow").click()
    await page.wait_for_url("**/callback?**")
    answer = application.answers[-1]

    assert "access_denied" == answer["error"]
    assert application.issuer == answer["iss"]
    assert "code" not in answer


@pytest.mark.requirement("browser:consent:two-tabs-both-work")
async def test_two_tabs_of_one_login_both_work(visit: BrowserContext, application: Application):
    """AZ-29: the consent page opened twice is no dead end; nothing about it is stored."""
    first, second = await visit.new_page(), await visit.new_page()
    await first.goto(application.authorize_url(READ))
    await second.goto(application.authorize_url(READ))
    # Two login forms of one browser: the one that was opened first is sent first.
    await sign_in(first)
    await first.wait_for_url("**/consent?**")
    await second.goto(first.url)

    codes = []
    for page in (first, second):
        await page.get_by_role("button", name="Allow", exact=True).click()
        await page.wait_for_url("**/callback?**")
        codes.append(application.redeem(application.answers[-1]).status_code)

    assert [200, 200] == codes


@pytest.mark.requirement("browser:consent:two-tabs-both-work")
async def test_two_tabs_at_the_login_page_are_no_dead_end(visit: BrowserContext, application: Application):
    """AZ-29: a client may open several logins at once; whichever form is stale is shown again, and then works."""
    first, second = await visit.new_page(), await visit.new_page()
    await first.goto(application.authorize_url(READ))
    await second.goto(application.authorize_url(READ))
    await sign_in(first)
    await first.wait_for_url("**/consent?**")

    await sign_in(second)
    await expect(second.get_by_role("alert")).to_contain_text("sign in here to go on")
    await sign_in(second)
    await second.wait_for_url("**/consent?**")
    # The second sign-in made a new session, so the first tab's form is stale now.
    before = len(application.answers)
    await first.get_by_role("button", name="Allow", exact=True).click()
    await expect(first.get_by_role("alert")).to_contain_text("Nothing was allowed")
    assert before == len(application.answers)
    codes = []
    for page in (first, second):
        await page.get_by_role("button", name="Allow", exact=True).click()
        await page.wait_for_url("**/callback?**")
        codes.append(application.redeem(application.answers[-1]).status_code)

    assert [200, 200] == codes


@pytest.mark.requirement("browser:consent:tenant-is-chosen")
async def test_a_person_of_two_organisations_must_choose_one(visit: BrowserContext, application: Application):
    """Decision 22: the tenant is chosen at consent, and the token is for that one alone."""
    page = await visit.new_page()
    await page.goto(application.authorize_url(READ))
    await sign_in(page, "grace@example.com")
    await page.get_by_role("button", name="Allow", exact=True).click()
    still_here = "/consent?" in page.url
    await page.get_by_label("Globex Corporation").check()
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    token = application.redeem(application.answers[-1])

    assert still_here
    assert 200 == token.status_code, token.text


@pytest.mark.requirement("browser:login:refusal-is-kind-and-silent")
async def test_a_wrong_password_says_so_and_keeps_only_the_address(visit: BrowserContext, application: Application):
    """AZ-53: the same words for an unknown address; the password is not sent back."""
    page = await visit.new_page()
    said = []
    for email in ("ada@acme.example", "nobody@acme.example"):
        await page.goto(application.authorize_url(READ))
        await sign_in(page, email, "wrong horse battery staple")
        said.append(await page.get_by_role("alert").inner_text())
        assert email == await page.get_by_label("Email").input_value()
        assert "" == await page.get_by_label("Password").input_value()
        assert "wrong horse" not in await page.content()

    assert said[0] == said[1]


@pytest.mark.requirement("browser:errors:never-leave-the-page")
async def test_a_stale_application_gets_a_page_and_no_redirect(
    visit: BrowserContext, server: Deployment, application: Application
):
    """OAuth 2.1 §4.1.2.1, §7.12.2: an unknown client or redirect URI is told to the person, who learns the cure."""
    page = await visit.new_page()
    before = len(application.answers)
    unknown = await page.goto(application.authorize_url(READ, client_id="cli_gone"))
    await expect(page.get_by_text("Remove this connection")).to_be_visible()
    moved = await page.goto(application.authorize_url(READ, redirect_uri="https://evil.example/callback"))

    assert unknown is not None
    assert moved is not None
    assert [400, 400] == [unknown.status, moved.status]
    assert page.url.startswith(server.issuer)
    assert before == len(application.answers)


@pytest.mark.requirement("browser:forms:only-from-our-pages")
async def test_another_site_cannot_send_our_forms_or_frame_our_pages(
    visit: BrowserContext, server: Deployment, application: Application
):
    """AZ-28, RFC 9700 §4.7, §4.16: a login or consent forged by another site is refused; no page stands in a frame."""
    page = await visit.new_page()
    shown = await page.goto(application.authorize_url(READ))
    assert shown is not None
    # Either alone keeps a page out of a frame; browsers old and new are told.
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert "DENY" == shown.headers["x-frame-options"]
    await sign_in(page)
    await page.wait_for_url("**/consent?**")
    csrf = await page.locator("input[name=csrf]").input_value()
    consent = page.url.replace("&", "&amp;")
    fields = f'<input name="csrf" value="{csrf}"><input name="decision" value="allow">'
    application.pages["/attack"] = (
        f'<form method="post" action="{consent}">{fields}<button>consent</button></form>'
        f'<form method="post" action="{server.issuer}/login"><input name="csrf" value="x">'
        f'<input name="email" value="ada@acme.example"><input name="password" value="{PASSWORD}">'
        f"<button>login</button></form>"
        f'<iframe src="{server.issuer}/login"></iframe>'
    )
    before = len(application.answers)
    statuses = []
    for button in ("consent", "login"):
        # localhost and 127.0.0.1 are two sites to a browser.
        await page.goto(f"http://localhost:{application.port}/attack")
        framed = await page.frames[1].evaluate("document.body ? document.body.innerText : ''")
        assert "Password" not in framed
        async with page.expect_response(lambda response: response.request.method == "POST") as caught:
            await page.get_by_role("button", name=button).click()
        statuses.append((await caught.value).status)
        await page.wait_for_load_state()

    # A SameSite=Lax cookie stays at home, so the forged consent meets nobody signed in and is sent to the login page.
    assert statuses[0] in {303, 403}
    assert 403 == statuses[1]
    assert before == len(application.answers)


@pytest.mark.requirement("browser:session:ends-at-sign-out")
async def test_signing_out_ends_the_session(visit: BrowserContext, server: Deployment):
    """AZ-40: the cookie is out of a script's reach and is dropped; the way back shows no page of the session."""
    page = await visit.new_page()
    complaints = complaints_of(page)
    await page.goto(f"{server.issuer}/login")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    cookies = [cookie for cookie in await visit.cookies() if "session" in cookie["name"]]
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    await page.go_back()
    await page.goto(f"{server.issuer}/login")

    await expect(page.get_by_label("Password")).to_be_visible()
    assert [(True, "Lax")] == [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies]
    assert [] == complaints


@pytest.mark.requirement("pages:screens:readable-in-both-schemes-and-widths")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_real_pages_are_photographed(
    browser: Browser, application: Application, server: Deployment, width: int, scheme: str
):
    """Contract: a page is looked at; these are the pages as the server sends them."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = await context.new_page()
    complaints = complaints_of(page)

    photograph = Camera(page, "", scheme, width)

    await page.goto(application.authorize_url(EVERYTHING))
    await photograph("login")
    await sign_in(page, "grace@example.com")
    await page.wait_for_url("**/consent?**")
    await photograph("consent")
    await page.goto(application.authorize_url("openid profile email"))
    await page.get_by_text("Acme Industries").click()
    await photograph("consent-knows")
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    application.redeem(application.answers[-1])
    await page.goto(f"{server.issuer}/account")
    await photograph("account")
    for link in ("Change what it may do", "Allow more", "End this one"):
        await page.goto(f"{server.issuer}/account")
        await page.get_by_role("link", name=link).first.click()
        await photograph("account-" + link.split()[0].lower())
    await page.goto(application.authorize_url(READ, client_id="cli_gone"))
    await photograph("error")
    await page.goto(f"{server.issuer}/login")
    await photograph("signed-in")
    await page.get_by_role("button", name="Sign out").click()
    await photograph("signed-out")
    await context.close()

    # The 400 of the error page is the one thing the browser mentions.
    assert [] == [said for said in complaints if "400 (Bad Request)" not in said]


@pytest.mark.requirement("browser:account:disconnect-ends-it")
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_a_person_disconnects_an_application_and_it_can_do_nothing_more(
    browser: Browser, application: Application, server: Deployment, script: bool
):
    """The page for people, by keyboard and pointer: allowed more for a while, then disconnected; the refresh is refused."""
    context = await browser.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    complaints = complaints_of(page)
    await page.goto(f"{server.issuer}/account")
    await sign_in(page, "frances@acme.example")
    await expect(page.get_by_role("heading", name="Nothing is connected")).to_be_visible()
    await page.goto(application.authorize_url(f"openid {READ}"))
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    tokens = application.redeem(application.answers[-1]).json()

    await page.goto(f"{server.issuer}/account")
    await expect(page.get_by_role("heading", name="Desk Assistant")).to_be_visible()
    await page.get_by_role("link", name="Allow more").click()
    await page.get_by_label("Update an order").check()
    await page.get_by_role("button", name="Allow for this time").click()
    await expect(page.get_by_role("status")).to_contain_text("Allowed for that time")
    await expect(page.get_by_text("For a while")).to_be_visible()
    wider = application.refresh(tokens["refresh_token"])
    active = introspected(server, wider.json()["access_token"])
    await page.get_by_role("link", name="Disconnect", exact=True).click()
    await expect(page.get_by_role("heading", name="Disconnect Desk Assistant from Orders?")).to_be_visible()
    await page.get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_role("status")).to_contain_text("Disconnected.")
    await expect(page.get_by_role("heading", name="Nothing is connected")).to_be_visible()
    refused = application.refresh(wider.json()["refresh_token"])
    asked = application.userinfo(wider.json()["access_token"])
    inactive = introspected(server, wider.json()["access_token"])
    await context.close()

    assert "tool:update_order" in wider.json()["scope"].split()
    assert (400, "invalid_grant") == (refused.status_code, refused.json()["error"])
    assert 401 == asked.status_code
    assert active["active"]
    assert "tool:update_order" in active["scope"].split()
    assert {"active": False} == inactive
    assert [] == complaints


@pytest.fixture(scope="module")
def terminal(server: Deployment) -> str:
    """The client_id of a program on a machine without a browser."""
    with logs_kept():
        words = ("--grant", "device_code", "--grant", "refresh_token", "--tenant", "acme")
        client_id: str = server.told("client", "add", "--name", "Acme Terminal", *words)["client_id"]
    return client_id


def start_device(server: Deployment, client_id: str, scope: str = EVERYTHING) -> dict[str, str]:
    asked = {"client_id": client_id, "resource": MCP, "scope": scope}
    said: dict[str, str] = httpx2.post(f"{server.issuer}/device_authorization", data=asked).json()
    return said


def poll(server: Deployment, client_id: str, started: dict[str, str]) -> dict[str, str]:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    asked = {"grant_type": grant, "client_id": client_id, "device_code": started["device_code"]}
    said: dict[str, str] = httpx2.post(f"{server.issuer}/token", data=asked).json()
    return said


@pytest.mark.requirement("browser:device:whole-flow")
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_a_person_connects_a_device(browser: Browser, server: Deployment, terminal: str, script: bool):
    """RFC 8628 §3.3: signs in, types the code, reads who asks for what, ticks one tool, and the device goes on."""
    started = start_device(server, terminal)
    context = await browser.new_context(java_script_enabled=script)
    page = await context.new_page()
    complaints = complaints_of(page)

    await page.goto(started["verification_uri"])
    await sign_in(page)
    await page.get_by_label("Code on your device").fill(started["user_code"].lower().replace("-", " "))
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("heading", name="Allow Acme Terminal to use Orders?")).to_be_visible()
    await expect(page.locator(".weighty")).to_contain_text(started["user_code"])
    await expect(page.get_by_role("note")).to_contain_text("on your own device, just now")
    waiting = poll(server, terminal, started)
    await page.get_by_label("Update an order").check()
    await page.get_by_role("button", name="Allow", exact=True).click()
    await expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    tokens = poll(server, terminal, started)
    await page.get_by_role("link", name="See what you have connected").click()
    await expect(page.get_by_role("heading", name="Acme Terminal")).to_be_visible()
    await context.close()

    assert "authorization_pending" == waiting["error"]
    assert {"orders:read", "orders:write", "tool:update_order"} == set(tokens["scope"].split())
    assert [] == complaints


@pytest.mark.requirement("browser:device:whole-flow")
async def test_a_person_refuses_a_device_that_a_link_brought(visit: BrowserContext, server: Deployment, terminal: str):
    """RFC 8628 §3.3.1, §5.4: the link fills in the code and decides nothing; Enter does not allow; a no is told to the device."""
    started = start_device(server, terminal, READ)
    page = await visit.new_page()

    await page.goto(started["verification_uri_complete"])
    await sign_in(page)
    await expect(page.get_by_label("Code on your device")).to_have_value(started["user_code"])
    await expect(page.get_by_role("note")).to_contain_text("send you the link")
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_role("button", name="Do not allow").click()
    await expect(page.get_by_text("Nothing was connected")).to_be_visible()

    assert "access_denied" == poll(server, terminal, started)["error"]


@pytest.mark.requirement("browser:device:whole-flow")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_real_device_pages_are_photographed(
    browser: Browser, server: Deployment, terminal: str, width: int, scheme: str
):
    """Contract: a page is looked at; these are the pages as the server sends them."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = await context.new_page()
    started = start_device(server, terminal)

    photograph = Camera(page, "device-", scheme, width)

    await page.goto(started["verification_uri"])
    await sign_in(page, "edsger@acme.example")
    await photograph("code")
    for name, code in (("wrong", "BCDF-GHJK"), ("ask", started["user_code"])):
        await page.get_by_label("Code on your device").fill(code)
        await page.get_by_role("button", name="Go on").click()
        await photograph(name)
    await page.get_by_role("button", name="Allow", exact=True).click()
    await expect(page.get_by_role("heading", name="You can close this page")).to_be_visible()
    await photograph("connected")
    await context.close()

    assert poll(server, terminal, started)["access_token"]
