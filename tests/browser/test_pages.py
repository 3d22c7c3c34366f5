"""
The pages by themselves: looked at, measured, and attacked through the words of strangers.
"""

from typing import Literal

import pytest
from playwright.async_api import Browser, Page

from tests.browser.camera import picture
from tests.browser.preview import SCREENS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WIDTHS = (1280, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Every run of text, its colour and the first painted ground behind it, with the size that decides which ratio holds.
TEXTS = """
() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    let ground = [0, 0, 0, 0];
    for (let e = element; e && ground[3] === 0; e = e.parentElement) ground = parse(getComputedStyle(e).backgroundColor);
    found.push({text: node.textContent.trim().slice(0, 60), ink: parse(style.color), ground,
      large: parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && parseInt(style.fontWeight) >= 700)});
  }
  return found;
}
"""


def luminance(colour: list[float]) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [c / 255 for c in colour[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


async def opened(browser: Browser, url: str, *, width: int = 1280) -> Page:
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        java_script_enabled=True,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    response = await page.goto(url)
    assert response is not None
    assert 200 == response.status
    return page


@pytest.mark.requirement("pages:screens:readable-in-both-schemes-and-widths")
@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_is_readable_and_fits(browser: Browser, preview_url: str, width: int):
    """WCAG 2.2 1.4.3 (contrast 4.5:1, large 3:1) and 1.4.10 (no sideways scrolling), in the light and in the dark."""
    faults: list[str] = []
    complaints: list[str] = []
    strangers: list[str] = []
    page = await opened(browser, f"{preview_url}/login", width=width)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: strangers.append(request.url) if preview_url not in request.url else None)
    for name in SCREENS:
        complaints.clear()
        await page.goto(f"{preview_url}/{name}")
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            await picture(page, f"{name}-{scheme}-{width}")
            faults += [f"{name}: {text}" for text in complaints]
            if await page.evaluate("document.documentElement.scrollWidth") > width:
                faults.append(f"{name}, {scheme}: scrolls sideways")
            texts = await page.evaluate(TEXTS)
            assert texts
            faults += [
                f"{name}, {scheme}: {ratio:.2f} for {found['text']!r}"
                for found in texts
                if (ratio := contrast(found["ink"], found["ground"])) < (3 if found["large"] else 4.5)
            ]
    await page.context.close()

    assert [] == faults
    # DR-05: a third-party logo would tell its owner who is deciding.
    assert [] == strangers


@pytest.mark.requirement("pages:keyboard:focus-is-visible")
@pytest.mark.parametrize(
    "name",
    [
        "login",
        "consent-local",
        "consent-tools",
        "signed-in",
        "device-wrong",
        "device-ask-far",
        "device-connected",
        "account",
        "account-disconnect",
        "account-more",
        "account-password",
        "approval",
        "approval-old-login",
        "approval-hostile",
        "approval-unclear",
        "approvals",
        "console",
        "console-stop",
        "console-stop-tenant",
        "console-heard",
        "console-revive",
        "console-end",
        "console-search",
        "console-server",
        "console-places",
        "console-record",
        "console-record-call",
        "console-record-call-opened",
    ],
)
async def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Browser, preview_url: str, name: str):
    """WCAG 2.2 2.1.1 and 2.4.7."""
    page = await opened(browser, f"{preview_url}/{name}")
    wanted = await page.evaluate(
        "new Set([...document.querySelectorAll('a[href],button,summary,select,[tabindex],input:not([type=hidden],[hidden])')]"
        ".filter(e => e.checkVisibility()).map(e => e.type === 'radio' ? e.name : e)).size"
    )

    reached, invisible, first = set(), [], None
    # At most two rounds, because a page may start with the focus in its middle and the browser's own bar takes one turn.
    for _ in range(2 * wanted + 2):
        await page.keyboard.press("Tab")
        found = await page.evaluate(
            "() => { const e = document.activeElement; const row = e.closest('.choice, .pill') ?? e;"
            " const s = getComputedStyle(row);"
            " const all = [...document.querySelectorAll('*')];"
            " return [e.tagName, e.type === 'radio' ? e.name : all.indexOf(e),"
            " s.outlineStyle, parseFloat(s.outlineWidth)] }"
        )
        if found[0] in {"BODY", "HTML"}:
            continue
        if (found[0], found[1]) == first and len(reached) > 1:
            break
        first = first or (found[0], found[1])
        reached.add((found[0], found[1]))
        if found[2] == "none" or found[3] < 2:
            invisible.append(found)

    assert wanted == len(reached)
    assert [] == invisible


@pytest.mark.requirement("pages:consent:strangers-words-cannot-draw")
async def test_a_hostile_application_name_stays_a_name(browser: Browser, preview_url: str):
    """MCP consent page (A19), ASVS 1.2: escaped, bounded, isolated; the host stays whole and left to right."""
    page = await opened(browser, f"{preview_url}/consent-hostile", width=390)

    assert 0 == await page.locator("script").count()
    body = await page.inner_text("body")
    assert "\u202e" not in body
    assert "\u2066" not in body
    heading = await page.locator("h1").bounding_box()
    assert heading is not None
    assert 220 > heading["height"]
    host = page.locator(".weighty .address")
    assert "ltr" == await host.get_attribute("dir")
    assert (await host.inner_text()).endswith("xn--ypal-43d9g.example")
    assert "good" not in await page.locator(".facts > div").first.inner_html()
    where = await page.locator(".weighty").bounding_box()
    assert where is not None
    assert 900 > where["y"] + where["height"], "the redirect host is on the first screen"


@pytest.mark.requirement("pages:consent:enter-is-not-a-yes")
async def test_enter_in_a_consent_field_refuses(browser: Browser, preview_url: str):
    """Ours: the button the browser takes by itself is the safe one."""
    page = await opened(browser, f"{preview_url}/consent-local")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)

    await page.locator("input[name=tenant]").first.focus()
    async with page.expect_navigation():
        await page.keyboard.press("Enter")

    assert "decision=deny" in sent[0]
    assert "decision=allow" not in sent[0]
