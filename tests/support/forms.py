"""Reads the forms of a page as a browser without script would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass(slots=True)
class Form:
    """One form: where it goes, what it would send if nobody touched it, and what could be ticked besides."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def value(self, name: str) -> str | None:
        """Return what the field would send."""
        return next((value for known, value in self.fields if known == name), None)

    def offered(self, name: str) -> list[str]:
        """Return every value of a checkbox, radio or option, ticked or not."""
        return [value for known, value in self.choices if known == name]

    def filled(self, **given: str | list[str] | None) -> list[tuple[str, str]]:
        """Return the pairs to send; `None` leaves a field out, a list ticks exactly those."""
        pairs = [(name, value) for name, value in self.fields if name not in given]
        for name, value in given.items():
            pairs.extend((name, one) for one in ([value] if isinstance(value, str) else value or []))
        return pairs


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = base
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._text: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self._mute = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value if value is not None else "" for name, value in attrs}
        if tag in {"script", "style"}:
            self._mute += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            action = urljoin(self.base, given.get("action") or self.base)
            self._form = Form(method=given.get("method", "get").upper(), action=action)
            self.forms.append(self._form)
        if self._form is None or "disabled" in given:
            return
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "input" and name:
            kind = given.get("type", "text").lower()
            if kind in {"checkbox", "radio"}:
                self._form.choices.append((name, value or "on"))
                if "checked" in given:
                    self._form.fields.append((name, value or "on"))
            elif kind == "submit":
                self._form.buttons.append((name, value))
            else:
                self._form.fields.append((name, value))
        elif tag == "button" and name:
            self._form.buttons.append((name, value))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._form.choices.append((self._select, value))
            if "selected" in given:
                self._form.fields.append((self._select, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag in {"script", "style"}:
            self._mute -= 1

    def handle_data(self, data: str) -> None:
        if not self._mute:
            self.words.append(data)


def forms_of(html: str, url: str) -> list[Form]:
    """Return the forms of a page that was fetched from `url`."""
    reader = _Reader(url)
    reader.feed(html)
    return reader.forms


def links_of(html: str) -> list[str]:
    """Return where the links of a page lead, as written."""
    reader = _Reader("")
    reader.feed(html)
    return reader.links


def text_of(html: str) -> str:
    """Return what a person reads on a page, white space joined."""
    reader = _Reader("")
    reader.feed(html)
    return " ".join(" ".join(reader.words).split())
