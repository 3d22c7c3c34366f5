"""
An operator with a phone in their hand: an agent misbehaves, three taps, and who obeyed; in a real Chromium.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.acme import acme
from tests.browser.application import Application, listening
from tests.browser.camera import Camera
from tests.browser.test_flow import EVERYTHING, MCP, complaints_of, sign_in
from tests.support.deployment import Deployment, logs_kept

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LEAST_TARGET = 44
"""CSS pixels that a thumb needs (WCAG 2.2 §2.5.5)."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder: Path = tmp_path_factory.mktemp("console")
    with logs_kept():
        made = acme(folder, grace="operator")
    with made.served():
        yield made


@pytest.fixture(scope="module")
def applications(server: Deployment) -> Iterator[list[Application]]:
    with logs_kept():
        words = ("--redirect-uri", "http://127.0.0.1/callback", "--tenant", "acme")
        made = [
            server.told("client", "add", "--name", name, *words)
            for name in ("Desk Assistant", "Order Robot", "Night Watch")
        ]
    first = Application(made[0]["client_id"], server.issuer, MCP)
    with listening(first):
        others = [Application(one["client_id"], server.issuer, MCP) for one in made[1:]]
        for one in others:
            one.port, one.answers = first.port, first.answers
        yield [first, *others]


class Copy:
    """A running copy of the MCP server, as its guard follows the list."""

    def __init__(self, server: Deployment, instance: str) -> None:
        self._base = f"{server.issuer}/rs/feed"
        self._credential = (server.credential["client_id"], server.credential["client_secret"])
        self._instance = instance

    def obey(self) -> None:
        """Hear everything there is, and say so."""
        asked = httpx2.get(self._base, params={"instance": self._instance}, auth=self._credential)
        assert 200 == asked.status_code, asked.text
        payload = asked.text.split(".")[1]
        cursor = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["cursor"]
        said = {"instance": self._instance, "cursor": cursor, "max_staleness_ms": 60_000}
        told = httpx2.post(self._base + "/ack", json=said, auth=self._credential)
        assert 204 == told.status_code, told.text


class Thumb:
    """Taps, and counts how often; what it taps has to be large enough, and to be seen without scrolling."""

    def __init__(self) -> None:
        self.taps = 0

    async def tap(self, what: Locator) -> None:
        await expect(what).to_be_in_viewport()
        box = await what.bounding_box()
        assert box is not None
        assert LEAST_TARGET <= box["height"], box
        self.taps += 1
        await what.tap()


async def connect(browser: Browser, application: Application, who: str) -> dict[str, Any]:
    """Let a person connect an application, and return its tokens."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(application.authorize_url(EVERYTHING + " offline_access"))
    await sign_in(page, who)
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    answer = application.redeem(application.answers[-1])
    await context.close()
    assert 200 == answer.status_code, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


async def at_console(page: Page, server: Deployment) -> None:
    """Bring the operator to the overview."""
    await page.goto(f"{server.issuer}/console")
    await sign_in(page, "grace@acme.example")
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()


@pytest.mark.requirement("browser:console:three-taps")
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_an_operator_on_a_phone_stops_an_agent_in_three_taps_and_sees_who_obeyed(
    browser: Browser, server: Deployment, applications: list[Application], script: bool
):
    """Issue: a page that looks again by itself, no script needed; what was stopped gets nothing any more."""
    robot = applications[1] if script else applications[2]
    name = "Order Robot" if script else "Night Watch"
    tokens = await connect(browser, robot, "ada@acme.example")
    copies = [Copy(server, "copy-one"), Copy(server, "copy-two")]
    for copy in copies:
        copy.obey()
    context = await browser.new_context(**PHONE, java_script_enabled=script)
    page = await context.new_page()
    complaints = complaints_of(page)
    await at_console(page, server)
    thumb = Thumb()

    await thumb.tap(page.get_by_role("link", name=f"Stop {name}"))
    await expect(page.get_by_role("heading", name=f"Stop {name}?")).to_be_visible()
    await expect(page.locator(".radius")).to_contain_text("Live sign-in")
    await thumb.tap(page.get_by_role("button", name="Stop now"))
    await expect(page.get_by_role("heading", name="0 of 2 have obeyed")).to_be_visible()
    copies[0].obey()
    # Nobody touches it: it looks again within two seconds.
    await expect(page.get_by_role("heading", name="1 of 2 have obeyed")).to_be_visible(timeout=30_000)
    copies[1].obey()
    await expect(page.get_by_role("heading", name="All 2 have obeyed")).to_be_visible(timeout=30_000)
    await expect(page.locator(".obeyed").first).to_contain_text("after the stop")
    await context.close()

    assert 3 >= thumb.taps
    assert 400 == robot.refresh(tokens["refresh_token"]).status_code
    assert [] == complaints


@pytest.mark.requirement("browser:console:whole-flow")
async def test_the_keyboard_alone_finds_stops_and_lets_go_on_and_enter_lets_nothing_go_on(
    browser: Browser, server: Deployment, applications: list[Application]
):
    """WCAG 2.2 2.1.1: search, stop and revive without a mouse; pressing Enter in the reason leaves it stopped."""
    await connect(browser, applications[0], "edsger@acme.example")
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await at_console(page, server)

    await page.get_by_role("searchbox").focus()
    await page.keyboard.type("edsger")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="1 found for edsger")).to_be_visible()
    await page.get_by_role("link", name="Stop Edsger Dijkstra").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Stop now").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Stopped: Edsger Dijkstra")).to_be_visible()
    await page.get_by_role("link", name="Let it go on").click()
    await page.get_by_label("Why may it go on?").fill("found the laptop")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    await expect(page.locator(".alarm")).to_contain_text("Edsger Dijkstra")
    row = page.locator(".alarm .row", has_text="Edsger Dijkstra")
    await row.get_by_role("link", name="Let it go on").click()
    await page.get_by_label("Why may it go on?").fill("found the laptop")
    await page.get_by_role("button", name="Let it go on").click()

    await expect(page.get_by_role("heading", name="May go on: Edsger Dijkstra")).to_be_visible()
    await context.close()


@pytest.mark.requirement("browser:console:whole-flow")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_real_console_is_photographed(
    browser: Browser, server: Deployment, applications: list[Application], width: int, scheme: str
):
    """Contract: a page is looked at; these are the pages as the server sends them, and none scrolls sideways."""
    await connect(browser, applications[0], "ada@acme.example")
    Copy(server, "copy-one").obey()
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = await context.new_page()
    await at_console(page, server)

    photograph = Camera(page, "console-", scheme, width)

    await photograph("overview")
    await page.get_by_role("link", name="Desk Assistant", exact=True).first.click()
    await photograph("holder")
    await page.get_by_role("link", name="Stop", exact=True).click()
    await photograph("stop")
    await page.get_by_role("searchbox").fill("order")
    await page.get_by_role("button", name="Search").click()
    await photograph("search")
    await page.get_by_role("link", name="Orders", exact=True).click()
    await expect(page.get_by_role("heading", name="Running copies")).to_be_visible()
    await photograph("server")
    await context.close()
