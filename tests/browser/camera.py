"""
Photographs of pages as the server sends them; each fits its window and is a page that was not photographed before.

Every run measures; only `make browser` (PHOTOGRAPHS=1) keeps the pictures, because making them takes longer than all the rest.
"""

import os
from pathlib import Path

from playwright.async_api import Page

SCREENS = Path(__file__).parents[2] / "build" / "screens"

NEW_AND_WHOLE = "document.readyState === 'complete' && document.body !== null && !window.photographed"
MEASURED = "window.photographed = true, document.documentElement.scrollWidth"


async def picture(page: Page, name: str) -> None:
    """Keep `build/screens/NAME.png` of a page, where pictures are wanted."""
    if os.environ.get("PHOTOGRAPHS"):
        SCREENS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


class Camera:
    """Takes `build/screens/real-NAME-SCHEME-WIDTH.png` of `page`."""

    def __init__(self, page: Page, prefix: str, scheme: str, width: int) -> None:
        self.page, self.width = page, width
        self.names = f"real-{prefix}{{}}-{scheme}-{width}"

    async def __call__(self, name: str) -> None:
        # A click returns before the next document is there: without the wait this would be the last page, or none yet.
        await self.page.wait_for_function(NEW_AND_WHOLE)
        assert await self.page.evaluate(MEASURED) <= self.width, name
        await picture(self.page, self.names.format(name))
