"""Somebody who decides about a call: by the same plain forms that a browser posts, or with a real Chromium."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx2
from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import ARGUMENTS
from tests.support.browser import Browser


@dataclass(kw_only=True)
class Approver(ABC):
    """Who they are, and what they have seen."""

    email: str
    password: str
    opened: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """The words of each page, in order."""
    links: list[str] = field(default_factory=list)
    """Where the last page leads."""
    buttons: list[str] = field(default_factory=list)
    """What the last page lets them say."""

    async def look(self, url: str) -> tuple[int, str]:
        """Open a page without a browser; returns its status and its words."""
        async with self._signed_in(url) as browser:
            shown = await browser.open(url)
            return shown.status, shown.text.replace(urlsplit(url).path, "")

    @asynccontextmanager
    async def _signed_in(self, url: str) -> AsyncIterator[Browser]:
        parts = urlsplit(url)
        browser = Browser(httpx2.AsyncHTTPTransport(), f"{parts.scheme}://{parts.netloc}")
        try:
            await browser.log_in(await browser.open("/account"), self.email, self.password)
            yield browser
        finally:
            await browser.close()

    @abstractmethod
    async def read_page(self, url: str) -> str:
        """Open a page and read it."""

    @abstractmethod
    async def decide(self, url: str, decision: str) -> None:
        """Open a page, read it, and press a button."""


class FormApprover(Approver):
    """Posts forms."""

    async def read_page(self, url: str) -> str:
        async with self._signed_in(url) as browser:
            shown = await browser.open(url)
            assert 200 == shown.status, shown.text
            self.links = [urljoin(url, link) for link in shown.links]
            self.buttons = [value for form in shown.forms for name, value in form.buttons if name == "decision"]
            self.read.append(shown.text)
            return shown.text

    async def decide(self, url: str, decision: str) -> None:
        async with self._signed_in(url) as browser:
            shown = await browser.open(url)
            self.opened.append(url)
            self.read.append(shown.text)
            done = await browser.submit(shown.form("decision"), decision=decision)
            assert 200 == done.status, done.text


@dataclass(kw_only=True)
class BrowserApprover(Approver):
    """Drives Chromium."""

    executable: str

    async def read_page(self, url: str) -> str:
        async with self._page(url) as page:
            places = page.locator("a[href]")
            self.links = [
                urljoin(url, str(await places.nth(number).get_attribute("href")))
                for number in range(await places.count())
            ]
            buttons = page.locator("button[name=decision]")
            self.buttons = [
                str(await buttons.nth(number).get_attribute("value")) for number in range(await buttons.count())
            ]
            return self.read[-1]

    async def decide(self, url: str, decision: str) -> None:
        async with self._page(url) as page:
            self.opened.append(url)
            await page.click(f"button[name=decision][value={decision}]")
            await expect(page.locator(f"button[name=decision][value={decision}]")).to_have_count(0)

    @asynccontextmanager
    async def _page(self, url: str) -> AsyncIterator[Page]:
        """Open a page as somebody does who was sent there: the login comes first, and leads back."""
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=self.executable, args=ARGUMENTS)
            try:
                page = await browser.new_page()
                await page.goto(url)
                await page.fill("input[name=email]", self.email)
                await page.fill("input[name=password]", self.password)
                await page.click("button[type=submit]")
                await page.wait_for_url(url + "*")
                self.read.append(" ".join((await page.inner_text("body")).split()))
                yield page
            finally:
                await browser.close()
