"""Somebody at the console, in a browser without script, on top of the people of `administered.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authserver.domain.users import user
from tests.support.administered import administered
from tests.support.browser import Browser, Page
from tests.support.forms import Form
from tests.support.server import Server


@dataclass(kw_only=True)
class AtConsole:
    """One person's browser at the console."""

    server: Server
    who: str
    browser: Browser

    async def open(self, name: str = "", **words: str) -> Page:
        """Open a page of the console by its name and the words of its address."""
        query = f"?{urlencode(words)}" if words else ""
        return await self.browser.open(f"/console{'/' + name if name else ''}{query}")

    async def sign_in(self, name: str = "", **words: str) -> Page:
        """Open a page, signing in where it asks for that."""
        page = await self.open(name, **words)
        assert page.is_login, (page.status, page.text[:200])
        someone = self.server.world.people[self.who]
        return await self.browser.log_in(page, someone.email, someone.password)

    async def decide(self, page: Page, decision: str = "", **given: Any) -> Page:
        """Press the button of the page's form that decides."""
        form = deciding(page)
        return await self.browser.submit(form, decision=decision or form.buttons[-1][1], **given)

    async def stop(self, **words: str) -> Page:
        """Stop something, as a person would."""
        return await self.decide(await self.open("stop", **words))

    async def revive(self, reason: str = "it is over", **words: str) -> Page:
        """Let it go on, as a person would."""
        return await self.decide(await self.open("revive", **words), reason=reason)


def deciding(page: Page) -> Form:
    """Return the form of a page that decides something."""
    return page.form("decision")


async def at_console(server: Server, who: str) -> AtConsole:
    """Return somebody who has signed in at the console; the people of `administered.py` are made where they are not."""
    known = server.world.people.get(who)
    if known is None or await user.person_by_id(server.machines.work(), known.person_id) is None:
        await administered(server)
    visitor = AtConsole(server=server, who=who, browser=server.browser())
    page = await visitor.sign_in()
    assert 200 == page.status, page.text[:300]
    return visitor


def client(app: Any, **more: str) -> dict[str, str]:
    """Return the words by which an address names an application."""
    return {"tenant": "t1", "kind": "client", "client": app.app.client_id, **more}
