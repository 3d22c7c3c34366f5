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
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note every input and button."""
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "text")
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
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as browser:
            response = await browser.get(url)
            for _ in range(12):
                if response.is_redirect:
                    target = urljoin(str(response.url), response.headers["location"])
                    if target.startswith(CALLBACK):
                        return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
                    response = await browser.get(target)
                    continue
                page = Page(response.text)
                if "password" in page.inputs:
                    response = await self._log_in(browser, response, page)
                elif "decision" in page.inputs and response.status_code == 200:
                    response = await self._allow(browser, response, page)
                else:
                    raise NotHeldError(f"the browser was stopped with {response.status_code}: {page.text[:200]}")
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
