"""
What strangers may write on our pages: names, hosts and descriptions that came from an application.
"""

import jinja2
import pytest

from authserver.web.pages.render import ADDRESS_LENGTH, NAME_LENGTH, address, name, plain, render
from tests.browser.preview import CONSENT, HOSTILE, SCREENS


@pytest.mark.requirement("pages:consent:strangers-words-cannot-draw")
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Claude", "Claude"),
        ("  Claude\n\tDesktop  ", "Claude Desktop"),
        ("evil\u202eelgoog", "evilelgoog"),
        ("a\u2066b\u2069c\u200bd\ufeffe", "abcde"),
        ("nul\x00bell\x07esc\x1b[31m", "nulbellesc[31m"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("\u2028\u2029\u202e", "(no name)"),
        ("\u3164\u3164", "(no name)"),
        ("", "(no name)"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("مرحبا", "مرحبا"),
        ("日本語クライアント", "日本語クライアント"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 63 + "…"),
        ("\u200b" * 10_000_000 + "x", "…"),
    ],
)
def test_a_name_is_one_bounded_line_of_visible_characters(written: str, shown: str):
    """MCP A19: what an application calls itself cannot turn, hide or push away what stands beside it."""
    assert shown == plain(written)
    assert NAME_LENGTH >= len(plain(written))


@pytest.mark.requirement("pages:consent:strangers-words-cannot-draw")
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("claude.ai", "claude.ai"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("\u0440\u0430ypal.example", "xn--ypal-43d9g.example"),
        ("a\u202eb.example", "%E2%80%AE"),
        ("https://x.example/\u202e", "https://x.example/%E2%80%AE"),
        ('"><script>', "&#34;&gt;&lt;script&gt;"),
        ("good.example." + "a." * 400 + "evil.example", ".evil.example"),
    ],
)
def test_a_host_is_shown_whole_and_in_ascii(written: str, shown: str):
    """MCP A19, SEC "Localhost Redirect URI Risks": the owner of a host stands at its end, so the end is never cut."""
    found = str(address(written))

    assert shown in found
    assert 'dir="ltr"' in found
    assert found.replace("…", "").isascii()
    assert ADDRESS_LENGTH + 80 > len(found)


@pytest.mark.requirement("pages:consent:strangers-words-cannot-draw")
def test_markup_in_a_name_is_text():
    """AZ-25: escaping happens after bounding, so a cut cannot split an escape."""
    assert "<bdi>&lt;b&gt;&#34;&amp;&#39;</bdi>" == str(name("<b>\"&'"))
    page = render("consent.html", **(CONSENT | {"client_name": HOSTILE, "redirect_host": '"><img src=x>'}))

    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page


@pytest.mark.requirement("pages:consent:local-program-is-warned-of")
def test_a_local_program_is_warned_of_and_a_website_is_not():
    """MCP A17: any program on the machine can listen on a loopback port."""
    local = render("consent.html", **(CONSENT | {"redirect_host": "127.0.0.1", "redirect_is_local": True}))
    remote = render("consent.html", **CONSENT)

    assert "The access goes to a program on this computer" in local
    assert "The access goes to a program on this computer" not in remote


@pytest.mark.requirement("pages:all:a-missing-word-is-a-fault")
@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_a_page_without_one_of_its_words_is_not_shown(screen: str):
    """Ours: a consent page that forgot the redirect host must not exist."""
    page, context = SCREENS[screen]
    render(page, **context)

    for missing in context:
        incomplete = {word: value for word, value in context.items() if word != missing}
        with pytest.raises(jinja2.UndefinedError):
            render(page, **incomplete)


@pytest.mark.requirement("pages:all:nothing-from-elsewhere")
@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_a_page_has_no_script_and_no_inline_style(screen: str):
    """ASVS 3.4.3: the Content-Security-Policy allows neither, so neither may be needed."""
    page, context = SCREENS[screen]
    html = render(page, **context).lower()

    assert "<script" not in html
    assert "<style" not in html
    assert " style=" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
