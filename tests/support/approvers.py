"""
People who are asked for a yes, in a browser without script: `await approve(browser, approval_url)`.

And a reader of the page as a careful person is: what stands inside a frame is a value, what stands outside is ours.
"""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tests.support.browser import Browser, Page
from tests.support.forms import Form
from tests.support.world import Someone


async def opened(browser: Browser, approval_url: str, *, who: Someone | None = None) -> Page:
    """Follow the link; `who` signs in where the browser is not."""
    page = await browser.open(approval_url)
    if page.is_login:
        assert who is not None, f"nobody is signed in at {approval_url}"
        page = await browser.log_in(page, who.email, who.password)
    return page


async def approve(browser: Browser, approval_url: str, *, who: Someone | None = None) -> Page:
    """Open the page, press Allow once, and return the page that follows."""
    return await decide(browser, approval_url, "allow", who=who)


async def deny(browser: Browser, approval_url: str, *, who: Someone | None = None, stop: bool = False) -> Page:
    """Open the page, press Do not allow (`stop`: and stop this application), and return the page that follows."""
    return await decide(browser, approval_url, "deny_and_stop" if stop else "deny", who=who)


async def decide(browser: Browser, approval_url: str, decision: str, *, who: Someone | None = None) -> Page:
    """Open the page and press the button of this decision; it has to be there."""
    page = await opened(browser, approval_url, who=who)
    return await press(browser, page, decision)


async def press(browser: Browser, page: Page, decision: str) -> Page:
    """Press a button of a page that is open already."""
    assert decision in buttons(page), f"no button for {decision!r} ({page.status}): {page.text[:600]}"
    return await browser.submit(page.form("decision"), decision=decision)


def buttons(page: Page) -> list[str]:
    """Return the decisions that a page offers, in the order in which a keyboard reaches them."""
    return [value for form in page.forms for name, value in form.buttons if name == "decision"]


def decision_form(page: Page) -> Form:
    """Return the form by which this page is decided."""
    return page.form("decision")


@dataclass(kw_only=True)
class Row:
    """One line of a page's values: where it stands, what stands in the frame, and our own word beside it."""

    steps: list[str | int] = field(default_factory=list)
    framed: str | None = None
    whole: str | None = None
    note: str = ""

    @property
    def is_hidden(self) -> bool:
        return self.note.startswith("hidden: ")

    @property
    def value(self) -> Any:
        """Return the value as the program sent it."""
        if self.note == "empty text":
            return ""
        text = self.framed if self.whole is None else self.whole
        assert text is not None, f"{self.steps}: no value"
        return text if self.note in {"", "as text"} else json.loads(text, parse_int=float)


def rows_of(html: str) -> list[Row]:
    """Return the values of an approval's page, all of them, also what opens with a press."""
    reader = _Values()
    reader.feed(html)
    return reader.rows


def arguments_on(html: str) -> Any:
    """Return the arguments as they can be read back from the page; nothing may be hidden."""
    return _built([(tuple(row.steps), row.value) for row in rows_of(html)])


def _built(rows: list[tuple[tuple[str | int, ...], Any]]) -> Any:
    if len(rows) == 1 and not rows[0][0]:
        return rows[0][1]
    below: dict[str | int, list[tuple[tuple[str | int, ...], Any]]] = {}
    for steps, value in rows:
        below.setdefault(steps[0], []).append((steps[1:], value))
    if below and all(isinstance(step, int) for step in below):
        return [_built(below[place]) for place in range(len(below))]
    return {str(step): _built(inner) for step, inner in below.items()}


class _Values(HTMLParser):
    _VOID = frozenset({"br", "input", "meta", "link", "path"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[Row] = []
        self._open: list[tuple[str, frozenset[str], dict[str, str | None]]] = []
        self._step: str | None = None
        self._frame: list[str] | None = None
        self._place: str | None = None
        self._note: str | None = None

    def _inside(self, word: str) -> bool:
        return any(word in classes for _, classes, _ in self._open)

    @property
    def _in_values(self) -> bool:
        return any(given.get("aria-labelledby") == "values" for _, _, given in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = frozenset((given.get("class") or "").split())
        if tag in self._VOID:
            return
        self._open.append((tag, classes, given))
        if not self._in_values:
            return
        if "line" in classes:
            self.rows.append(Row())
        elif "frame" in classes:
            self._frame = []
        elif "place" in classes:
            self._place = ""
        elif "kind" in classes:
            self._note = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self._VOID:
            return
        opened, classes, _ = self._open.pop()
        assert opened == tag, f"<{opened}> closed by </{tag}>"
        if "frame" in classes and self._frame is not None:
            text, self._frame = "".join(self._frame), None
            row = self.rows[-1]
            if "name" in classes:
                row.steps.append(text)
            elif "scroll" in classes:
                row.whole = text
            else:
                row.framed = text
        elif "place" in classes and self._place is not None:
            self.rows[-1].steps.append(int(self._place.removeprefix("no. ")) - 1)
            self._place = None
        elif "kind" in classes and self._note is not None:
            self.rows[-1].note = self._note.strip()
            self._note = None

    def handle_data(self, data: str) -> None:
        if self._frame is not None:
            self._frame.append(_plain(data) if self._open[-1][1] == {"odd"} else data)
        elif self._place is not None:
            self._place += data
        elif self._note is not None:
            self._note += data


def _plain(mark: str) -> str:
    """Return the character that one of our marks stands for."""
    ours = {"↵": "\n", "␣": " ", "no name": ""}
    return ours[mark] if mark in ours else chr(int(mark.removeprefix("U+"), base=16))
