"""A browser without script: a cookie jar, redirects one at a time, forms as the page gives them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2

from tests.support.forms import Form, forms_of, links_of, text_of


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the browser shows."""

    url: str
    response: httpx2.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def text(self) -> str:
        """What a person reads."""
        return text_of(self.response.text)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def location(self) -> str | None:
        """Where a redirect points, not followed."""
        found = self.response.headers.get("location")
        return urljoin(self.url, found) if found else None

    @property
    def forms(self) -> list[Form]:
        return forms_of(self.response.text, self.url)

    def form(self, field: str) -> Form:
        """Return the form that holds a field or button of this name."""
        for form in self.forms:
            if field in {name for name, _ in [*form.fields, *form.choices, *form.buttons]}:
                return form
        raise AssertionError(f"no form with {field!r} on the page at {self.url} ({self.status}): {self.text[:400]}")

    @property
    def links(self) -> list[str]:
        """Where the page's links lead, as written."""
        return links_of(self.response.text)

    @property
    def is_login(self) -> bool:
        return self.path.endswith("/login") and self.status in {200, 400, 401, 429}

    @property
    def is_consent(self) -> bool:
        return self.path.endswith("/consent") and self.status == 200


class Browser:
    """One person's browser. It leaves our server only by stopping at the redirect that would."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, origin: str) -> None:
        self.origin = origin
        self.http = httpx2.AsyncClient(transport=transport, base_url=origin, timeout=60)

    async def open(self, url: str, **options: Any) -> Page:
        """Go to a URL of ours and follow redirects while they stay here."""
        return await self._follow(await self.request("GET", url, **options))

    async def request(self, method: str, url: str, **options: Any) -> Page:
        """Send one request and follow nothing."""
        address = urljoin(self.origin + "/", url)
        response = await self.http.request(method, address, follow_redirects=False, **options)
        return Page(url=address, response=response)

    async def submit(self, form: Form, **given: Any) -> Page:
        """Send a form as a browser would and follow redirects while they stay here."""
        return await self._follow(await self.submit_once(form, **given))

    async def submit_once(self, form: Form, **given: Any) -> Page:
        """Send a form and follow nothing."""
        return await self.post(form.action, form.filled(**given))

    async def submit_get(self, form: Form, **given: Any) -> Page:
        """Send a form whose method is GET: its fields become the query."""
        return await self.open(f"{form.action.partition('?')[0]}?{urlencode(form.filled(**given))}")

    async def post(self, url: str, pairs: list[tuple[str, str]], headers: dict[str, str] | None = None) -> Page:
        """Post pairs the way a form of this origin does."""
        sent = {"origin": self.origin, "content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self.request("POST", url, content=urlencode(pairs), headers={k: v for k, v in sent.items() if v})

    async def log_in(self, page: Page, email: str, password: str) -> Page:
        """Fill in the login page."""
        return await self.submit(page.form("password"), email=email, password=password)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar}

    async def _follow(self, page: Page) -> Page:
        for _ in range(10):
            if page.status not in {301, 302, 303, 307, 308} or page.location is None:
                return page
            if not page.location.startswith(self.origin + "/"):
                return page
            page = await self.request("GET", page.location)
        raise AssertionError(f"the server redirects in a circle at {page.url}")

    def plant(self, name: str, value: str) -> "Browser":
        """Put a cookie into this browser, as somebody who stole it would, and return the browser."""
        self.http.cookies.set(name, value, domain=urlsplit(self.origin).hostname or "", path="/")
        return self

    async def close(self) -> None:
        await self.http.aclose()


def query_of(url: str) -> dict[str, list[str]]:
    """Return the query of a URL, every value of every name."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found
