"""Photographs of pages as the server sends them; each fits its window and is a page that was not photographed before."""

from playwright.async_api import Page

from tests.browser.conftest import SCREENS

NEW_AND_WHOLE = "document.readyState === 'complete' && document.body !== null && !window.photographed"
MEASURED = "window.photographed = true, document.documentElement.scrollWidth"


class Camera:
    """Takes `build/screens/real-NAME-SCHEME-WIDTH.png` of `page`."""

    def __init__(self, page: Page, prefix: str, scheme: str, width: int) -> None:
        self.page, self.width = page, width
        self.names = f"real-{prefix}{{}}-{scheme}-{width}.png"

    async def __call__(self, name: str) -> None:
        # A click returns before the next document is there: without the wait this would be the last page, or none yet.
        await self.page.wait_for_function(NEW_AND_WHOLE)
        assert await self.page.evaluate(MEASURED) <= self.width, name
        SCREENS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENS / self.names.format(name), full_page=True)
