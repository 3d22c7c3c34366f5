"""Whoever makes a tool return a megabyte of hostile text keeps nobody else waiting, and gets nothing past the guard by it."""

import asyncio
import json

import pytest

from resource_lib import Output
from tests.attacks.test_output_padding import ORDER
from tests.promises.test_output_screen import Judge
from tests.support.answering import CANARIES, CUSTOMERS, JANE, Shown, listed, mirrored, text_of

LONG = " " * 100_000
SECRET = {"error": {"code": -32603, "message": "connect postgres://app:hunter2hunter@db/x"}}
SAID = {
    "a person": {"result": mirrored({"customers": [JANE]})},
    "orders": {"result": {"content": [{"type": "text", "text": ORDER}]}},
    "an error": SECRET,
    "not of its form": {"result": {"content": [], "structuredContent": {"customers": [{"id": 7}]}}},
    "how far a task is": {
        "result": {"taskId": "t", "status": "working", "statusMessage": "asking jane@canary.example"}
    },
}


@pytest.mark.requirement("output:long:looked-through-beside-the-loop")
async def test_others_are_served_while_a_long_answer_is_looked_through():
    """LG-04: a megabyte of `password=` takes a second to look through."""
    it = Shown(listed("see"))
    served = 0

    async def serve():
        nonlocal served
        while True:
            await asyncio.sleep(0)
            served += 1

    await it.see({"content": []})
    others = asyncio.create_task(serve())
    answer = await it.see({"content": [{"type": "text", "text": "password=" * 60_000}]})
    others.cancel()

    assert 200 == answer.status
    assert len(answer.body) < 12_000
    assert served > 100


@pytest.mark.requirement("output:long:looked-through-beside-the-loop")
@pytest.mark.parametrize("screening", ["annotate", "block"])
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
async def test_a_long_answer_leaves_as_the_short_one_does(said, screening):
    """C32, C34: spaces around it change how it is looked through, and nothing else."""
    answers = []
    for around in ("", LONG):
        for screen in (None, Judge()):
            it = Shown(listed("see", CUSTOMERS), output=Output(screening=screening, screen=screen, taint=None))
            it.server.raw = (around + json.dumps({"jsonrpc": "2.0", "id": 1, **said})).encode()
            answers.append(await it.see({}))

    assert 1 == len({answer.body.strip() for answer in answers})
    assert not [one for one in (*CANARIES, "hunter2") if one in text_of(answers[0])]


@pytest.mark.requirement("output:long:looked-through-beside-the-loop")
async def test_every_event_of_a_stream_and_every_part_of_a_batch_is_looked_through_beside_it_too():
    """C34: what the server says meanwhile, and the second answer of two, take the same way."""
    told = {"method": "notifications/message", "params": {"level": "info", "data": f"{LONG} jane@canary.example"}}
    person = {"result": {"content": [{"type": "text", "text": f"{LONG} {json.dumps(JANE)}"}]}}
    it = Shown(listed("see", CUSTOMERS))
    it.server.stream = True
    streamed = await it.see({"jsonrpc": "2.0", **told}, person)

    asked = [{"jsonrpc": "2.0", "id": at, "method": "tools/call", "params": {"name": "see"}} for at in (1, 2)]
    it.server.raw = json.dumps([{"jsonrpc": "2.0", "id": at, **person} for at in (1, 2)]).encode()
    batch = await it.send(json.dumps(asked).encode(), headers=(("mcp-protocol-version", "2025-03-26"),))

    assert 2 == streamed.body.count(b"data: ")
    for answer in (streamed, batch):
        assert not [one for one in CANARIES if one in text_of(answer)]


@pytest.mark.requirement("output:long:looked-through-beside-the-loop")
async def test_a_method_as_long_as_a_book_is_none():
    """LG-04: a word that must stay as it is, and is looked at on the spot."""
    it = Shown(listed("see"))
    it.server.stream = True
    answer = await it.see(
        {"jsonrpc": "2.0", "method": "notifications/" + "password=" * 500}, {"result": {"content": []}}
    )

    assert b"password=" not in answer.body
