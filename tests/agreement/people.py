"""
Somebody at a browser: logs in, reads the consent page, ticks tools, allows, and arrives at the application's callback.

`FormPerson` needs no browser and posts the same plain forms; `BrowserPerson` drives a real Chromium.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from playwright.async_api import Page, async_playwright

from tests.browser.conftest import ARGUMENTS
from tests.support.browser import Browser
from tests.support.forms import forms_of, text_of


@dataclass(kw_only=True)
class Person:
    """Whose e-mail, whose password, and which tools they tick when asked."""

    email: str
    password: str
    ticks: frozenset[str] = frozenset()
    tells: frozenset[str] = frozenset()
    """Which claims about themselves they tick (`profile`, `email`)."""
    asked_about: list[tuple[str, ...]] = field(default_factory=list)
    """The tools of each consent page, in order."""
    read: list[str] = field(default_factory=list)
    """The words of each consent page."""


@dataclass(kw_only=True)
class FormPerson(Person):
    """Posts forms."""

    async def visit(self, url: str) -> None:
        """Go from the authorization URL to the application's callback."""
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
            response = await client.get(url)
            for _ in range(12):
                if response.is_redirect:
                    response = await client.get(urljoin(str(response.url), response.headers["location"]))
                    continue
                here = str(response.url)
                if urlsplit(here).path.endswith("/callback"):
                    return
                found = forms_of(response.text, here)
                form = next((one for one in found if one.value("password") is not None), None)
                if form is not None:
                    sent = form.filled(email=self.email, password=self.password)
                else:
                    form = next(one for one in found if ("decision", "allow") in one.buttons)
                    offered = form.offered("tool")
                    self.asked_about.append(tuple(offered))
                    self.read.append(text_of(response.text))
                    ticked = [tool for tool in offered if tool in self.ticks]
                    told = [claim for claim in form.offered("allowed") if claim in self.tells]
                    sent = [*form.filled(tool=ticked, allowed=told), ("decision", "allow")]
                body: dict[str, list[str]] = {}
                for name, value in sent:
                    body.setdefault(name, []).append(value)
                response = await client.post(form.action, data=body)
        raise AssertionError(f"never arrived: {text_of(response.text)[:300]}")

    async def connect_device(self, place: str, code: str) -> None:
        """Type the code of a device where the device says, read who asks, and allow it."""
        browser = Browser(httpx2.AsyncHTTPTransport(), place.removesuffix(urlsplit(place).path))
        try:
            typing = await browser.log_in(await browser.open(place), self.email, self.password)
            asked = await browser.submit(typing.form("user_code"), user_code=code)
            self.read.append(asked.text)
            shown = await browser.submit(asked.form("decision"), decision="allow")
            assert "You can close this page" in shown.text, shown.text
        finally:
            await browser.close()

    async def allow_more(self, issuer: str) -> None:
        """Tick the tools on the account page, beside the one login that stands there, and allow them for a while."""
        browser = Browser(httpx2.AsyncHTTPTransport(), issuer)
        try:
            account = await browser.log_in(await browser.open("/account"), self.email, self.password)
            (more,) = [place for place in account.links if "/account/more?" in place]
            form = (await browser.open(more)).form("decision")
            shown = await browser.submit(form, tool=sorted(self.ticks), decision="allow")
            assert "Allowed for that time" in shown.text, shown.text
        finally:
            await browser.close()


@dataclass(kw_only=True)
class BrowserPerson(Person):
    """Drives Chromium."""

    executable: str

    async def visit(self, url: str) -> None:
        """Go from the authorization URL to the application's callback."""
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=self.executable, args=ARGUMENTS)
            try:
                await self._walk(await browser.new_page(), url)
            finally:
                await browser.close()

    async def _walk(self, page: Page, url: str) -> None:
        await page.goto(url)
        await page.fill("input[name=email]", self.email)
        await page.fill("input[name=password]", self.password)
        await page.click("button[type=submit]")
        await page.wait_for_selector("button[name=decision][value=allow]")
        boxes = page.locator("input[name=tool]")
        offered = [str(await boxes.nth(index).get_attribute("value")) for index in range(await boxes.count())]
        self.asked_about.append(tuple(offered))
        self.read.append(" ".join((await page.inner_text("body")).split()))
        for index, tool in enumerate(offered):
            await boxes.nth(index).set_checked(tool in self.ticks)
        await page.click("button[name=decision][value=allow]")
        await page.wait_for_url("**/callback?**")


class Callback:
    """The application's own listener on a loopback port, as native applications have it (RFC 8252 §7.3)."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.url = ""

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
            if urlsplit(target).path == "/callback":
                given = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
                await self.answers.put(given)
            words = b"You can close this page."
            head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {len(words)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + words)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Callback]:
    """Yield a callback that listens on a free port of 127.0.0.1."""
    callback = Callback()
    server = await asyncio.start_server(callback._answer, "127.0.0.1", 0)
    callback.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"
    try:
        yield callback
    finally:
        server.close()
