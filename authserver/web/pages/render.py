"""
A page shows what a stranger wrote without letting the stranger draw on it.

Applications name themselves (RFC 7591 §2, client id metadata documents), so every word that did not come from us is
escaped, cut to a length, freed of characters that turn or hide text, and set in a `<bdi>`. A host is never cut: the
part that tells who owns it stands at its end (MCP authorization, "Localhost Redirect URI Risks"). No page has a
script, an inline style or anything from another origin, so the strictest Content-Security-Policy fits them all.
"""

import hashlib
import unicodedata
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"

# Long enough for an honest name, short enough that it cannot push the redirect host off the first screen.
NAME_LENGTH = 64
SENTENCE_LENGTH = 280
ADDRESS_LENGTH = 512

# Zalgo text climbs over its neighbours with piles of combining marks; no living language needs more than a few.
MARKS_PER_LETTER = 3

# Categories that draw nothing of their own: controls, format (bidi overrides, zero width), surrogates, private use,
# unassigned, line and paragraph separators.
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Letters that Unicode calls letters and that every font draws as nothing: a name of these alone would look empty.
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")


def plain(text: object, limit: int = NAME_LENGTH) -> str:
    """
    `text` as one bounded line of visible characters; ends in `…` when it was cut.

    Takes anything printable; gives `(no name)` when nothing visible is left, so that a page never shows a hole.
    """
    # Four times the limit is read at most: a megabyte of name costs no more than a line of it.
    source = str(text)[: limit * 4 + 1]
    simple = source.isascii() and source.isprintable() and "  " not in source
    line = (source if simple else _visible(source)).strip()
    if len(line) > limit or len(str(text)) > len(source):
        line = line[: limit - 1].rstrip() + "…"
    return line or "(no name)"


def _visible(source: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in source:
        category = unicodedata.category(character)
        if category.startswith("M"):
            marks += 1
            if marks > MARKS_PER_LETTER or not kept or character in BLANK_LETTERS:
                continue
        else:
            marks = 0
        if character.isspace() or category.startswith("Z"):
            if kept and kept[-1] != " ":
                kept.append(" ")
        elif category not in INVISIBLE and character not in BLANK_LETTERS:
            kept.append(character)
    return "".join(kept)


def name(text: object, limit: int = NAME_LENGTH) -> Markup:
    """`text` as a name set apart: escaped, bounded, and unable to turn the direction of the text around it."""
    return Markup("<bdi>{}</bdi>").format(escape(plain(text, limit)))


def sentence(text: object) -> Markup:
    """`text` as a sentence somebody else wrote."""
    return name(text, SENTENCE_LENGTH)


def address(text: object, limit: int = ADDRESS_LENGTH) -> Markup:
    """
    A host, URI or other word for machines: left to right, whole, in ASCII.

    A name in another script is shown as punycode (RFC 3492), because one letter of it can look like another.
    Only what no host can be (longer than `limit`) is cut, and then in the middle: both ends tell the owner.
    """
    shown = _punycode(str(text))
    if not shown.isascii() or not shown.isprintable() or " " in shown:
        shown = "".join(character if "!" <= character <= "~" else _escaped(character) for character in shown)
    if len(shown) > limit:
        half = limit // 2
        shown = f"{shown[:half]}…{shown[-half:]}"
    return Markup('<bdi dir="ltr" class="address">{}</bdi>').format(escape(shown))


def _punycode(text: str) -> str:
    if text.isascii() or "/" in text:
        return text
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return text


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _stylesheet() -> str:
    # The digest makes a new style a new address, so the old one may be cached for as long as the server likes.
    digest = hashlib.sha256((STATIC / "style.css").read_bytes()).hexdigest()[:12]
    return f"/static/style.css?v={digest}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=plain, name=name, sentence=sentence, address=address)
    environment.globals["stylesheet"] = _stylesheet()
    return environment


# Compiled once, when the server starts: a template with a fault stops the start, never a login.
_ENVIRONMENT = _environment()
PAGES = {
    page: _ENVIRONMENT.get_template(page)
    for page in (
        "login.html",
        "consent.html",
        "organisation.html",
        "device.html",
        "device_ask.html",
        "device_done.html",
        "error.html",
        "signed_in.html",
        "signed_out.html",
        "account.html",
        "account_disconnect.html",
        "account_change.html",
        "account_key.html",
        "account_more.html",
        "account_password.html",
    )
}


def render(template: str, **context: object) -> str:
    """
    The page as HTML.

    Raises `KeyError` for a page that does not exist and `jinja2.UndefinedError` for a word the context lacks: a page
    that silently leaves something out is worse than none.
    """
    return PAGES[template].render(context)
