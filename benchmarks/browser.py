"""A person at a login page, as far as a benchmark needs one: cookies, redirects, and forms filled in as their inputs ask."""

import html
import re
from collections.abc import Generator
from urllib.parse import urlencode, urljoin, urlsplit

from benchmarks.load import Answer, WrongAnswerError
from benchmarks.targets import REDIRECT_URI, Account

_INPUT = re.compile(r"<(?:input|button)\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([a-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_ACTION = re.compile(r"<form\b[^>]*\baction\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_MOST_STEPS = 12


class Browser:
    """One browser with one person before it. Every cookie goes everywhere: there is only one site."""

    def __init__(self, host: str, account: Account) -> None:
        self.cookies: dict[str, str] = {}
        self.was_asked_password = False
        self._host = host
        self._account = account

    def forget(self) -> None:
        """Start anew, signed in nowhere."""
        self.cookies.clear()

    def get(self, url: str) -> bytes:
        """Return the request for a page."""
        return f"GET {url} HTTP/1.1\r\nHost: {self._host}\r\nAccept: text/html\r\n{self._cookie_line()}\r\n".encode()

    def post(self, url: str, form: list[tuple[str, str]]) -> bytes:
        """Return the request that submits a form."""
        body = urlencode(form)
        return (
            f"POST {url} HTTP/1.1\r\nHost: {self._host}\r\nOrigin: http://{self._host}\r\nAccept: text/html\r\n"
            f"{self._cookie_line()}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def authorize(self, url: str) -> Generator[bytes, Answer, str]:
        """Walk from an authorization request to the redirect that ends it, through whatever pages come; returns that URL."""
        self.was_asked_password = False
        request = self.get(url)
        for _ in range(_MOST_STEPS):
            answer = yield request
            self._keep_cookies(answer)
            if answer.status in {302, 303}:
                location = answer.header("location") or ""
                if location.startswith(REDIRECT_URI):
                    return location
                url = _local(url, location)
                request = self.get(url)
            else:
                page = answer.expect(200).body.decode()
                action = _ACTION.search(page)
                if action and action.group(1):
                    url = _local(url, html.unescape(action.group(1)))
                request = self.post(url, self._filled(page))
        raise WrongAnswerError(f"no code after {_MOST_STEPS} pages; the last was {url}")

    def _filled(self, page: str) -> list[tuple[str, str]]:
        form = []
        for tag in _INPUT.findall(page):
            said = {name.lower(): html.unescape(one or other) for name, one, other in _ATTRIBUTE.findall(tag)}
            name, kind = said.get("name"), said.get("type", "text")
            if name == "email":
                form.append((name, self._account.email))
            elif name == "password":
                self.was_asked_password = True
                form.append((name, self._account.password))
            elif name == "decision":
                if said.get("value") == "allow":
                    form.append((name, "allow"))
            elif name and (kind == "hidden" or (kind in {"radio", "checkbox"} and re.search(r"\bchecked\b", tag))):
                form.append((name, said.get("value", "on")))
        if not form:
            raise WrongAnswerError(f"a page without a form: {page[:300]!r}")
        return form

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.headers("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if not value or "max-age=0" in attributes.lower() or "01 jan 1970" in attributes.lower():
                self.cookies.pop(name.strip(), None)
            else:
                self.cookies[name.strip()] = value.strip()

    def _cookie_line(self) -> str:
        if not self.cookies:
            return ""
        return "Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()) + "\r\n"


def _local(base: str, location: str) -> str:
    parts = urlsplit(urljoin(base, location))
    return parts.path + (f"?{parts.query}" if parts.query else "")
