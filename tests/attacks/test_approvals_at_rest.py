"""
The attacker has the disk: of what calls were about, and of what came of them, nothing stands in it.

Decision 15, C09. Arguments (names of them too), the author's words filled with them, results, reasons and what a tool says of itself.
"""

import asyncio

import pytest

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, several
from tests.promises.test_personal_data_at_rest import everything_at_rest
from tests.support.approvals import Approver, new_run, refunding, tool_server

CANARY = "canary.of.the.call"
ARGUMENTS = {
    "order_id": f"{CANARY}-value",
    f"{CANARY}-name": 1,
    "deep": [{"x": f"{CANARY}-deep"}],
    "secret": f"{CANARY}-hidden",
    "amount_cents": 5,
}
DISPLAY = {name: f"{CANARY}-{name}" for name in ("title", "description", "version")}


async def a_call_in_every_way(server):
    """One runs to its end, one is refused by its person, one by an operator; more are allowed, and asked about at the page."""
    token = await refunding(server)
    rs = tool_server(
        server, redact=("secret",), more=("args.amount_cents <= 5",), sentence="Refund {order_id} {deep} {secret}"
    )
    asked = [await rs.asked(token, ARGUMENTS | {"n": n}, display=DISPLAY) for n in range(4)]
    work = server.operator.work("t1")
    found, decider = await approvals.find(work, asked[0]), await Approver(server=server, who="u1").decider()
    offered = await several.offered(work, found, decider)
    await deciding.decide(work, found, decider, True, found.display_hash)
    await several.give(work, found, decider, offered[-1].key)
    assert await work.commit()
    run = new_run()
    assert 200 == (await rs.consume(asked[0], token, ARGUMENTS | {"n": 0}, instance_id=run)).status_code
    kept = await rs.outcome(asked[0], run, {"content": [{"type": "text", "text": f"{CANARY}-outcome"}]})
    assert 200 == kept.status_code
    await Approver(server=server, who="u1").decide(asked[1], yes=False)
    work = server.operator.work("t1")
    await deciding.deny_as_operator(work, await approvals.find(work, asked[2]), why=f"{CANARY}-reason")
    assert await work.commit()
    covered = await rs.ask(token, ARGUMENTS | {"n": 9}, display=DISPLAY)
    assert "approved" == covered.json()["state"]
    browser = server.browser()
    person = server.world.people["u1"]
    await browser.log_in(await browser.open("/login"), person.email, person.password)
    return [(await browser.open(f"/approvals/{one}")).text for one in asked], await rs.look(asked[0])


@pytest.mark.requirement("attack:approvals:nothing-of-a-call-at-rest")
async def test_nothing_of_what_calls_were_about_stands_in_any_byte_of_the_database(server, templates):
    """The pages show it, the server that ran it can have the outcome back, and the disk holds neither."""
    pages, outcome = await a_call_in_every_way(server)

    rest = await asyncio.to_thread(everything_at_rest, server, templates)

    assert all(f"{CANARY}-value" in page and f"{CANARY}-hidden" not in page for page in pages)
    assert f"{CANARY}-outcome" in outcome.text
    assert CANARY.encode() not in rest
    assert b"refund_order" in rest
