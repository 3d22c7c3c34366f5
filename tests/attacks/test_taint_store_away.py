"""
An attacker gets the store out of the way at the moment at which their text is handed to an agent: it is ended, or it hangs. What two processes
of one server then let through, and after it is back. C24, C25.
"""

import asyncio

import pytest

from resource_lib.limits.limits import Limits
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.valkey import ValkeyStore
from tests.support.approving_issuer import ApprovingIssuer
from tests.support.guarded import RESOURCE
from tests.support.outside import SCOPES, Outside
from tests.support.valkey import valkey_process


@pytest.fixture(scope="module")
def valkey():
    with valkey_process() as process:
        yield process


async def is_held(desk, **more):
    """Tell whether a write waits for a person."""
    answer = await desk.call("update", {"n": 1}, **more)
    if "error" not in answer.json and answer.json["result"].get("isError") is not True:
        return False
    assert answer.error["error"] == "approval_required", answer.json
    return True


@pytest.mark.requirement("taint:told-or-closed")
@pytest.mark.parametrize("trouble", ["ended", "hung"])
async def test_text_that_left_while_the_store_was_away_holds_writes_in_every_process(valkey, trouble, monkeypatch):
    """Here at once, there because nobody can be asked, and in a process that starts afterwards because it was told late."""
    monkeypatch.setattr("resource_lib.context.taints.TELL_AGAIN_S", 0.05)
    issuer = ApprovingIssuer(resource=RESOURCE)

    def process():
        limits = Limits(credential=None, read=None, write=None, store=ValkeyStore(valkey.url, timeout=0.3))
        desk = Outside(issuer=issuer, limits=limits)
        desk.token = issuer.token(scopes=SCOPES, subject=f"usr_{trouble}")
        return desk

    here, there = process(), process()
    assert [False, False] == [await is_held(here), await is_held(there)]

    {"ended": valkey.stop, "hung": valkey.freeze}[trouble]()
    read = await here.call("read_ticket", {})
    held = [await is_held(here), await is_held(there)]
    warned = here.guard.doctor().warnings
    {"ended": valkey.start, "hung": valkey.thaw}[trouble]()
    async with asyncio.timeout(10):
        while here.guard._judge.taints.untold:
            await asyncio.sleep(0.02)
    late = process()
    later = [await is_held(one) for one in (here, there, late)]
    somebody_else = await is_held(late, token=issuer.token(scopes=SCOPES, subject="usr_other"))
    for one in (here, there, late):
        await one.guard.aclose()

    assert (200, [True, True], [True] * 3, False) == (read.status, held, later, somebody_else)
    assert any("do not know yet that 1 people" in line for line in warned)


class Waiting(ProcessStore):
    """A store that answers when a test lets it."""

    def __init__(self):
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()

    async def take(self, asked, *, peek=False):
        await self.answers.wait()
        return await super().take(asked, peek=peek)


@pytest.mark.requirement("taint:told-or-closed")
@pytest.mark.parametrize("streams", [False, True])
async def test_no_word_of_it_leaves_before_the_others_were_told(streams):
    """Whoever is quick enough to write through another process has not read it yet."""
    store = Waiting()
    desk = Outside(limits=Limits(credential=None, read=None, store=store))
    desk.shop.streams = streams
    desk.shop.progress = [{"progressToken": 1, "progress": 1, "message": "A stranger's first words"}]
    await desk.call("search", {})
    desk.shop.results["read_ticket"] = {"content": [{"type": "text", "text": "a stranger's words"}]}
    store.answers.clear()

    caller = desk.begin("read_ticket", {})
    async with asyncio.timeout(5):
        while not desk.guard._handed._telling:
            await asyncio.sleep(0.001)
        for _ in range(50):
            await asyncio.sleep(0)
    before = caller.so_far
    store.answers.set()
    answer = await caller.answer()

    assert b"stranger" not in before
    assert b"stranger" in answer.body
