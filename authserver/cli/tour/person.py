"""A person of the demo at a browser, which is played by plain form posts: what they type, what they read, what they allow."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from authserver.cli.tour.held import NotHeldError

CALLBACK = "http://127.0.0.1:33418/callback"
"""Where answers go. Nobody listens there: the person's browser stops at the redirect and hands it over."""


class Page(HTMLParser):
    """Reads what a form would send, and what a person reads."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.inputs: set[str] = set()
        self.choices: dict[str, list[str]] = {}
        self.ticked: dict[str, list[str]] = {}
        self.links: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note every link, input and button."""
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag not in {"input", "button"} or not name:
            return
        self.inputs.add(name)
        if kind in {"checkbox", "radio"}:
            self.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                self.ticked.setdefault(name, []).append(given.get("value", "on"))
        elif kind == "hidden":
            self.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        """Note the words."""
        self._words.append(data)


@dataclass(kw_only=True)
class Person:
    """Somebody at a browser: logs in, reads the consent page, ticks the tools they want, and allows."""

    email: str
    password: str
    tools: frozenset[str] = frozenset()
    mistypes_first: bool = False
    saw: list[Page] = field(default_factory=list)
    """The consent pages, in order."""
    was_refused_once: bool = False

    async def answer(self, url: str) -> dict[str, str]:
        """Walk from the authorization URL to the redirect back to the application; returns what it carries."""
        async with _browser() as browser:
            response = await self._past_login(browser, await browser.get(url))
            for _ in range(4):
                if target := _callback_of(response):
                    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
                page = Page(response.text)
                if "decision" not in page.inputs or response.status_code != 200:
                    raise _stopped(response)
                response = await self._past_login(browser, await self._allow(browser, response, page))
        raise NotHeldError("the login went round in circles")

    async def connect_device(self, url: str, user_code: str) -> str:
        """Type the code of a device on our page, read who asks, and allow; returns what the last page said."""
        async with _browser() as browser:
            form = await self._past_login(browser, await browser.get(url))
            page = Page(form.text)
            if "user_code" not in page.inputs:
                raise _stopped(form)
            asks = await browser.post(str(form.url), data=page.fields | {"user_code": user_code})
            page = Page(asks.text)
            if "decision" not in page.inputs or asks.status_code != 200:
                raise _stopped(asks)
            return Page((await self._allow(browser, asks, page)).text).text

    async def look(self, url: str) -> tuple[int, str]:
        """Open a page of ours; returns its status and what somebody reads there, their own name left out."""
        async with _browser() as browser:
            shown = await self._past_login(browser, await browser.get(url))
            return shown.status_code, Page(shown.text).text.replace(self.email, "")

    async def read(self, url: str) -> Page:
        """Open a page of ours and read it."""
        async with _browser() as browser:
            shown = await self._past_login(browser, await browser.get(url))
            if shown.status_code != 200:
                raise _stopped(shown)
            return Page(shown.text)

    async def decide(self, url: str, decision: str) -> Page:
        """Open the page of a call that waits and press a button; returns the page that is shown then."""
        async with _browser() as browser:
            shown = await self._past_login(browser, await browser.get(url))
            page = Page(shown.text)
            if "decision" not in page.inputs or shown.status_code != 200:
                raise _stopped(shown)
            done = await browser.post(str(shown.url), data=page.fields | {"decision": decision})
            return Page((await self._past_login(browser, done)).text)

    async def end_on_account_page(self, account: str, named: str) -> tuple[Page, str]:
        """Follow the link to one ending whose address holds `named`, and confirm; returns the account page before, and the words after."""
        async with _browser() as browser:
            before = await self._past_login(browser, await browser.get(account))
            page = Page(before.text)
            links = [link for link in page.links if named in link and "login=" not in link]
            if before.status_code != 200 or len(links) != 1:
                raise _stopped(before)
            asks = await browser.get(urljoin(str(before.url), links[0]))
            question = Page(asks.text)
            if "decision" not in question.inputs or asks.status_code != 200:
                raise _stopped(asks)
            done = await browser.post(str(asks.url), data=question.fields)
            return page, Page((await self._past_login(browser, done)).text).text

    async def _past_login(self, browser: httpx2.AsyncClient, response: httpx2.Response) -> httpx2.Response:
        """Follow redirects and log in where asked, up to a page to decide on or the redirect to the application."""
        for _ in range(12):
            if response.is_redirect:
                if _callback_of(response):
                    return response
                response = await browser.get(urljoin(str(response.url), response.headers["location"]))
                continue
            page = Page(response.text)
            if "password" not in page.inputs:
                return response
            response = await self._log_in(browser, response, page)
        raise NotHeldError("the login went round in circles")

    async def _log_in(self, browser: httpx2.AsyncClient, shown: httpx2.Response, page: Page) -> httpx2.Response:
        password = self.password
        if self.mistypes_first:
            self.mistypes_first, password = False, "not-my-password"
        elif "error" in page.text.lower() or shown.status_code != 200:
            self.was_refused_once = True
        return await browser.post(str(shown.url), data=page.fields | {"email": self.email, "password": password})

    async def _allow(self, browser: httpx2.AsyncClient, shown: httpx2.Response, page: Page) -> httpx2.Response:
        self.saw.append(page)
        tools = [tool for tool in page.choices.get("tool", []) if tool in self.tools]
        return await browser.post(str(shown.url), data=page.fields | {"decision": "allow", "tool": tools})


def _browser() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(trust_env=False, timeout=20)


def _callback_of(response: httpx2.Response) -> str | None:
    if not response.is_redirect:
        return None
    target = urljoin(str(response.url), response.headers["location"])
    return target if target.startswith(CALLBACK) else None


def _stopped(response: httpx2.Response) -> NotHeldError:
    return NotHeldError(f"the browser was stopped with {response.status_code}: {Page(response.text).text[:200]}")
