"""
A real Chromium, or a loud skip.

Looked for in this order: `$CHROMIUM`, then `chromium`, `chromium-browser` and `google-chrome` on PATH. Nothing is downloaded.
"""

import os
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.preview import app as preview

expect.set_options(timeout=30_000)
"""How long a page is waited for: five seconds are not enough on a machine that has other things to do."""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The path of a Chromium on this machine, if there is one."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = chromium() is None
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("browser") and missing:
            item.add_marker(pytest.mark.skip(reason="NO BROWSER: install chromium or set $CHROMIUM"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    executable = chromium()
    assert executable is not None
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture(scope="session")
def preview_url() -> Iterator[str]:
    """The preview of all pages on a free loopback port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # From now on a connection waits for the server instead of being refused.
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(preview, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
