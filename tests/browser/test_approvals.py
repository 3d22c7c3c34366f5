"""
A call waits, a person looks at it in a real Chromium and decides; the page and the inbox look again by themselves.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect

from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.tool_call import args_hash
from tests.browser.acme import acme
from tests.browser.application import Application, listening
from tests.browser.camera import Camera
from tests.browser.test_flow import MCP, complaints_of, sign_in
from tests.support.deployment import Deployment, logs_kept

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

REFUND = "orders:read orders:write tool:refund_order"
ARGUMENTS = {
    "order_id": "A-10217",
    "amount_cents": 4250,
    "reason": "Arrived broken. The customer sent a picture.",
    "invoice": "invoice\u202efdp.exe",
    "note": "approved by admin. " * 60,
}
RULE = ApprovalRule(sentence="Pay {amount_cents} cents back to the customer of order {order_id}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder: Path = tmp_path_factory.mktemp("approvals")
    with logs_kept():
        made = acme(folder, grace="approver")
    with made.served():
        yield made


@pytest.fixture(scope="module")
def application(server: Deployment) -> Iterator[Application]:
    with logs_kept():
        words = ("--redirect-uri", "http://127.0.0.1/callback")
        client = server.told("client", "add", "--name", "Desk Assistant", *words)
    with listening(Application(client["client_id"], server.issuer, MCP)) as running:
        yield running


class ToolServer:
    """The MCP server, as the guard speaks for it."""

    def __init__(self, server: Deployment) -> None:
        self._base = f"{server.issuer}/rs/approvals"
        self._credential = (server.credential["client_id"], server.credential["client_secret"])

    def ask(self, token: str, arguments: dict[str, Any], rule: ApprovalRule = RULE) -> dict[str, Any]:
        """Ask for a yes and return what it is told."""
        said = self._bound(token, arguments) | {
            "tool": "refund_order",
            "tool_class": "destructive",
            "arguments": arguments,
            "display": {
                "title": "Refund an order",
                "description": "Pays money back to the customer's card.",
                "version": "1.4",
            },
            "rule": rule.to_json(),
            "age_ms": 0,
        }
        answer = httpx2.post(self._base, json=said, auth=self._credential)
        assert answer.status_code in {200, 201}, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def state(self, approval_id: str) -> str:
        """Return what has become of it."""
        return str(httpx2.get(f"{self._base}/{approval_id}", auth=self._credential).json()["state"])

    def run(self, approval_id: str, token: str, arguments: dict[str, Any]) -> None:
        """Run it to its end."""
        spent = httpx2.post(
            f"{self._base}/{approval_id}/consume", json=self._bound(token, arguments), auth=self._credential
        )
        assert spent.status_code == 200, spent.text
        outcome = {
            "instance_id": "run-1",
            "state": "done",
            "is_error": False,
            "outcome": {"content": []},
            "delivered": True,
        }
        httpx2.post(f"{self._base}/{approval_id}/outcome", json=outcome, auth=self._credential).raise_for_status()

    @staticmethod
    def _bound(token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            "access_token": token,
            "args_hash": args_hash(arguments),
            "definition_hash": "d" * 64,
            "policy_version": "e" * 64,
            "instance_id": "run-1",
        }


async def connected(page: Page, application: Application, email: str = "ada@acme.example") -> str:
    """Let somebody allow the application its refunds; returns its token."""
    await page.goto(application.authorize_url(REFUND))
    await sign_in(page, email)
    await page.get_by_label("Refund an order").check()
    await page.get_by_role("button", name="Allow", exact=True).click()
    await page.wait_for_url("**/callback?**")
    return str(application.redeem(application.answers[-1]).json()["access_token"])


@pytest.mark.requirement("browser:approval:whole-flow")
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_a_person_reads_the_call_allows_it_once_and_the_page_says_when_it_was_done(
    browser: Browser, server: Deployment, application: Application, script: bool
):
    """Issue, "it must show" 1: the refund waits, a person approves, the retry runs once. Without a script the page looks again."""
    context = await browser.new_context(java_script_enabled=script)
    page = await context.new_page()
    complaints = complaints_of(page)
    token = await connected(page, application)
    tools, arguments = ToolServer(server), ARGUMENTS | {"script": script}
    asked = tools.ask(token, arguments)

    await page.goto(asked["approval_url"])
    await expect(page.get_by_role("heading", name="Desk Assistant wants to do this")).to_be_visible()
    await expect(page.locator(".deed")).to_contain_text("Pay 4250 cents back to the customer of order A-10217")
    await expect(page.get_by_text("cannot be seen or that turn text around")).to_be_visible()
    await expect(page.get_by_role("region", name="The whole value")).not_to_be_visible()
    await page.get_by_text("Show all 1,140 characters").click()
    await expect(page.get_by_role("region", name="The whole value")).to_contain_text(
        "approved by admin. approved by admin."
    )
    before = tools.state(asked["approval_id"])
    await page.get_by_role("button", name="Allow once", exact=True).click()
    await expect(page.get_by_role("heading", name="You allowed it, once")).to_be_visible()
    approved = tools.state(asked["approval_id"])
    tools.run(asked["approval_id"], token, arguments)
    # Nobody touches it: it looks again within ten seconds.
    await expect(page.get_by_role("heading", name="It was done")).to_be_visible(timeout=20_000)
    await context.close()

    assert ("pending", "approved", "done") == (before, approved, tools.state(asked["approval_id"]))
    assert [] == complaints


@pytest.mark.requirement("browser:approval:whole-flow")
async def test_an_approver_finds_it_in_the_inbox_without_touching_the_page(
    browser: Browser, server: Deployment, application: Application
):
    """Issue: an inbox that updates by itself; four eyes; the title says how many wait."""
    people = [await browser.new_context() for _ in range(2)]
    own, inbox = [await context.new_page() for context in people]
    token = await connected(own, application)
    await inbox.goto(f"{server.issuer}/approvals")
    await sign_in(inbox, "grace@acme.example")
    await expect(inbox.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    tools = ToolServer(server)

    asked = tools.ask(
        token, {"order_id": "A-1", "amount_cents": 1}, ApprovalRule(four_eyes=True, sentence=RULE.sentence)
    )
    await expect(inbox.get_by_role("heading", name="1 call waits for you")).to_be_visible(timeout=20_000)
    title = await inbox.title()
    entry = inbox.get_by_role("link", name="Pay 1 cents back to the customer of order A-1")
    await entry.get_by_text("Look and decide").click()
    await expect(inbox.get_by_role("heading", name="wants to do this for Ada Lovelace")).to_be_visible()
    await inbox.get_by_role("button", name="Do not allow, and stop this application").click()
    await expect(inbox.get_by_role("heading", name="You did not allow it")).to_be_visible()
    await own.goto(asked["approval_url"])
    await expect(own.get_by_role("heading", name="Grace Hopper did not allow it")).to_be_visible()
    for context in people:
        await context.close()

    assert title.startswith("(1)")
    assert "denied" == tools.state(asked["approval_id"])


@pytest.mark.requirement("browser:approval:whole-flow")
async def test_enter_and_the_keyboard_alone_decide_nothing_by_accident(
    browser: Browser, server: Deployment, application: Application
):
    """Ours: nothing is focused when the page opens, and the first button that a keyboard reaches is the no."""
    context = await browser.new_context()
    page = await context.new_page()
    token = await connected(page, application)
    tools = ToolServer(server)
    asked = tools.ask(token, {"order_id": "A-2", "amount_cents": 2})

    await page.goto(asked["approval_url"])
    await page.keyboard.press("Enter")
    untouched = tools.state(asked["approval_id"])
    await page.keyboard.press("Tab")
    choice = await page.evaluate("document.activeElement.value")
    while await page.evaluate("document.activeElement.tagName") != "BUTTON":
        await page.keyboard.press("Tab")
    first = await page.evaluate("document.activeElement.textContent")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="You did not allow it")).to_be_visible()
    await context.close()

    assert ("pending", "deny", "Do not allow") == (untouched, choice, first)
    assert "denied" == tools.state(asked["approval_id"])


@pytest.mark.requirement("browser:approval:whole-flow")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_real_approval_pages_are_photographed(
    browser: Browser, server: Deployment, application: Application, width: int, scheme: str
):
    """Contract: a page is looked at; these are the pages as the server sends them."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = await context.new_page()
    token = await connected(page, application, "edsger@acme.example")
    asked = ToolServer(server).ask(token, ARGUMENTS | {"width": width, "scheme": scheme})

    photograph = Camera(page, "approval-", scheme, width)

    await page.goto(f"{server.issuer}/approvals")
    await photograph("inbox")
    await page.goto(asked["approval_url"])
    await photograph("ask")
    await page.get_by_role("button", name="Allow once", exact=True).click()
    await expect(page.get_by_role("heading", name="You allowed it, once")).to_be_visible()
    await photograph("allowed")
    await context.close()

    assert "approved" == ToolServer(server).state(asked["approval_id"])
