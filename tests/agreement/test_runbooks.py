"""The runbooks as they stand, against a real demo: each command is typed, each line that should be seen is, and what they promise holds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from authserver.cli.tour.walk import Walk
from tests.agreement.demo_process import ROOT, Demo, running
from tests.support.runbook import Shell, Typed, missing, steps

PAGES = ROOT / "docs" / "runbooks"
WITHIN_S = 30.0


class Story:
    """What goes on at the demo while somebody follows a page: agents that call, people who log in."""

    def __init__(self, demo: Demo, walk: Walk) -> None:
        self.demo, self.walk = demo, walk
        self.token, self.refresh = "", ""
        self.globex = ""
        self.robot_token = ""
        self.passwords: dict[str, str] = {}
        self.shell_said: Callable[[str], str] = lambda _: ""

    async def log_in(self, login: str, *, tools: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Connect the agent of the demo in somebody's name; returns its tokens, or the refusal."""
        person = self.walk.person(login, tools=tools)
        person.password = self.passwords.get(login, person.password)
        scope = " ".join(
            ("orders:read", *(("orders:write",) if tools else ()), *(f"tool:{tool}" for tool in sorted(tools)))
        )
        answer, verifier = await self.walk.authorize(person, self.walk.app, scope=scope)
        if "code" not in answer:
            return answer
        return (await self.walk.redeem(self.walk.app, answer["code"], verifier)).json()

    async def begin(self) -> None:
        """Alice's agent may refund, Gina's may read, and a robot reads."""
        alice = await self.log_in("alice", tools=frozenset({"refund_order"}))
        self.token, self.refresh = alice["access_token"], alice["refresh_token"]
        self.globex = (await self.log_in("gina"))["access_token"]
        self.robot_token = await self.robot()
        for token in filter(None, (self.token, self.globex, self.robot_token)):
            assert 200 == await self.reads(token)

    def client(self, name: str) -> dict[str, Any]:
        return next(one for one in self.demo.facts["clients"] if one["name"] == name)

    async def robot(self) -> str:
        """Return a token of Acme's robot; empty where it gets none."""
        robot = self.client("Acme robot")
        form = {"grant_type": "client_credentials", "resource": self.walk.resource, "scope": "orders:read"}
        got = await self.walk.http.post(
            f"{self.walk.issuer}/token", auth=(robot["client_id"], robot["client_secret"]), data=form
        )
        return got.json().get("access_token", "")

    async def reads(self, token: str) -> int:
        """Return the status of a read."""
        return (await self.walk.call(token, "search_orders")).status_code

    async def refused(self, token: str) -> None:
        """See a token refused within the bound; whoever acknowledged it has obeyed, so it is at once."""
        until = time.monotonic() + WITHIN_S
        while (status := await self.reads(token)) != 401:
            assert time.monotonic() < until, f"still {status} after {WITHIN_S} s"
            await asyncio.sleep(0.05)

    async def refreshed(self) -> httpx2.Response:
        """Refresh Alice's agent."""
        return await self.walk.refresh(self.walk.app, self.refresh)


async def tool_is_gone(story: Story) -> None:
    called = await story.walk.call(story.token, "refund_order", order_id="A-1004", amount_cents=100)
    unknown = await story.walk.call(story.token, "no_such_tool", order_id="A-1004", amount_cents=100)
    assert "Unknown tool: refund_order" in called.text
    assert unknown.text.replace("no_such_tool", "refund_order") == called.text
    assert 200 == await story.reads(story.token)


async def agent_is_refused(story: Story) -> None:
    await story.refused(story.token)
    assert "invalid_grant" == (await story.refreshed()).json()["error"]
    assert 200 == await story.reads(story.globex)


async def agent_comes_back(story: Story) -> None:
    assert 401 == await story.reads(story.token)
    assert "invalid_grant" == (await story.refreshed()).json()["error"]
    again = await story.log_in("alice", tools=frozenset({"refund_order"}))
    assert 200 == await story.reads(again["access_token"])
    asked = await story.walk.call(again["access_token"], "refund_order", order_id="A-1004", amount_cents=100)
    assert "approval_required" in asked.text


async def alice_is_out(story: Story) -> None:
    await story.refused(story.token)
    assert "invalid_grant" == (await story.refreshed()).json()["error"]
    assert "access_token" not in await tried(story.log_in("alice"))
    assert 200 == await story.reads(story.globex)


async def tried(logging_in: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Return what a login came to; a person who is stopped at a page gets nowhere."""
    try:
        return await logging_in
    except Exception as error:  # noqa: BLE001 - whatever stopped them
        return {"error": str(error)}


async def alice_is_back(story: Story) -> None:
    assert 401 == await story.reads(story.token)
    story.passwords["alice"] = story.shell_said("echo $NEW")
    assert 200 == await story.reads((await story.log_in("alice"))["access_token"])
    # Last: whoever types a wrong password again and again has to wait.
    del story.passwords["alice"]
    assert "access_token" not in await tried(story.log_in("alice"))


async def token_is_dead(story: Story) -> None:
    await story.refused(story.token)
    renewed = (await story.refreshed()).json()
    story.token, story.refresh = renewed["access_token"], renewed["refresh_token"]
    assert 200 == await story.reads(story.token)


async def robot_is_out(story: Story) -> None:
    await story.refused(story.robot_token)
    assert "" == await story.robot()
    assert 200 == await story.reads(story.token)


async def old_key_is_dead(story: Story) -> None:
    await story.refused(story.token)
    renewed = (await story.refreshed()).json()
    story.token, story.refresh = renewed["access_token"], renewed["refresh_token"]
    until = time.monotonic() + WITHIN_S
    while (status := await story.reads(story.token)) != 200:
        assert time.monotonic() < until, f"still {status} with the new key"
        await asyncio.sleep(0.05)


async def globex_is_out(story: Story) -> None:
    await story.refused(story.globex)
    assert "access_token" not in await tried(story.log_in("gina"))
    assert 200 == await story.reads(story.token)


async def globex_is_back(story: Story) -> None:
    assert 401 == await story.reads(story.globex)
    assert 200 == await story.reads((await story.log_in("gina"))["access_token"])


SHOWN: dict[str, Callable[[Story], Awaitable[None]]] = {
    "the tool is gone, reading goes on": tool_is_gone,
    "the agent is refused everywhere": agent_is_refused,
    "what ended stays ended, and a new login works": agent_comes_back,
    "her agent is refused, and so is her browser": alice_is_out,
    "the old agent stays refused, the old password too, and she logs in anew": alice_is_back,
    "the leaked token is refused, its login goes on": token_is_dead,
    "the robot's old secret and old token are refused": robot_is_out,
    "what the old key signed is refused, and a refresh brings a token that works": old_key_is_dead,
    "nobody of globex gets anywhere, acme goes on": globex_is_out,
    "what ended stays ended, and globex logs in anew": globex_is_back,
}
"""What each page promises between its commands, by the words that stand there."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("runbooks") / "data") as running_demo:
        yield running_demo


@pytest.mark.slow
@pytest.mark.requirement("runbooks:each:holds-as-written")
@pytest.mark.parametrize("name", ["a-key-leaked", "an-agent-misbehaves", "a-customer-leaves", "a-laptop-is-stolen"])
async def test_a_runbook_holds_as_it_is_written(demo: Demo, tmp_path: Path, name: str):
    """Issue: executed as written; what it says one sees is seen, and what it promises holds at the guard."""
    changed = {"demo-data": str(demo.folder), "http://127.0.0.1:9001/mcp": demo.facts["resource"]}
    shell = Shell(tmp_path / "shell", ROOT)
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        story = Story(demo, Walk(facts=demo.facts, folder=demo.folder, http=http, machines=None))
        story.shell_said = lambda command: shell.run(command, {})[1].strip()
        await story.begin()
        (shell.folder / "leaked-token.txt").write_text(story.token)
        try:
            for step in steps(PAGES / f"{name}.md"):
                if isinstance(step, Typed):
                    code, output = await asyncio.to_thread(shell.run, step.command, changed)
                    seen = [line.replace("http://127.0.0.1:9001/mcp", demo.facts["resource"]) for line in step.seen]
                    assert 0 == code, f"{step.command}\n{output}"
                    assert [] == missing(seen, output), f"{step.command}\n{output}"
                else:
                    await SHOWN[step](story)
        finally:
            shell.close()


@pytest.mark.requirement("runbooks:each:holds-as-written")
def test_every_page_is_executed_and_no_promise_is_left_over():
    """Ours: a page that nobody runs goes stale."""
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    promised = {step for page in pages for step in steps(PAGES / f"{page}.md") if isinstance(step, str)}

    assert {"an-agent-misbehaves", "a-key-leaked", "a-laptop-is-stolen", "a-customer-leaves"} == pages
    assert set(SHOWN) == promised
    assert all(f"({page}.md)" in (PAGES / "README.md").read_text() for page in pages)
