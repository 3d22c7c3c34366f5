"""
A page shows what a stranger wrote without letting the stranger draw on it.

Applications name themselves (RFC 7591 §2, client id metadata documents), so every word that did not come from us is
escaped, cut to a length, freed of characters that turn or hide text, and set in a `<bdi>`. A host is never cut: the
part that tells who owns it stands at its end (MCP authorization, "Localhost Redirect URI Risks"). No page has a
script, an inline style or anything from another origin, so the strictest Content-Security-Policy fits them all.
"""

import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape

from authserver.runtime.words import NAME_LENGTH, plain
from authserver.web.pages import values

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"

SENTENCE_LENGTH = 280
ADDRESS_LENGTH = 512


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


def needs(*words: object) -> str:
    """Write nothing; raises jinja2.UndefinedError where one of these words is missing, also in a state that shows none of them."""
    for word in words:
        if isinstance(word, Undefined):
            str(word)
    return ""


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
    environment.filters.update(
        author=values.author,
        whole=values.value,
        first_of=values.first,
        brief=values.brief,
        is_long=values.is_long,
        is_brief=values.is_brief,
        counted=values.counted,
        fingerprint=values.fingerprint,
    )
    environment.globals |= {"stylesheet": _stylesheet(), "needs": needs}
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
        "approval_nothing.html",
        "approval.html",
        "approval_state.html",
        "approvals.html",
        "security.html",
        "console.html",
        "console_analytics.html",
        "console_approvals.html",
        "console_end.html",
        "console_heard.html",
        "console_holder.html",
        "console_nothing.html",
        "console_places.html",
        "console_record.html",
        "console_record_call.html",
        "console_signal.html",
        "console_signals.html",
        "console_revive.html",
        "console_search.html",
        "console_server.html",
        "console_stop.html",
    )
}


def render(template: str, **context: object) -> str:
    """
    The page as HTML.

    Raises `KeyError` for a page that does not exist and `jinja2.UndefinedError` for a word the context lacks: a page
    that silently leaves something out is worse than none.
    """
    return PAGES[template].render(context)
