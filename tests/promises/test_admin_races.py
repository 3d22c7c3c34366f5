"""Two servers on one database, each with a memory of its own: what many operators do at once is done once."""

import asyncio

import pytest

from authserver.domain.audit.event import Kind as Event
from authserver.domain.resources import listing
from authserver.domain.revocation import feed, tail
from tests.support.administered import Administered, administered
from tests.support.approvals import refunding, tool_server
from tests.support.world import R1


async def two(server_with):
    """Return those who administer, at one server and at another."""
    here = await administered(await server_with())
    return here, Administered(server=await server_with(), tokens=here.tokens)


async def at_once(both, who, method, path, bodies, **headers):
    """Send all of them at once, to one server and the other in turn."""
    token = await both[0].token(who)
    calls = (
        both[number % 2].call(method, path, token=token, body=body, headers=headers)
        for number, body in enumerate(bodies)
    )
    return sorted((await asyncio.gather(*calls)), key=lambda one: one.status_code)


@pytest.mark.requirement("admin:races:one-of-many")
@pytest.mark.parametrize("noun", ["resource", "rules"])
async def test_of_many_who_change_what_they_saw_at_two_servers_one_does(server_with, noun):
    """RFC 9110 §13.1.1: also where the other server still remembers what it was."""
    here, there = await two(server_with)
    place = f"/resources/{listing.id_of(R1)}"
    who, method, path, bodies = {
        "resource": ("p1", "PATCH", place, [{"name": f"Name {number}"} for number in range(8)]),
        "rules": (
            "a1", "PUT", f"{place}/tools/refund_order/rules", [{"rules": {"roles": [f"r{number}"]}} for number in range(8)],
        ),
    }[noun]  # fmt: skip
    seen = {(await each.call("GET", path, token=await here.token(who))).headers["etag"] for each in (here, there)}
    assert 1 == len(seen)

    answers = await at_once((here, there), who, method, path, bodies, **{"if-match": seen.pop()})

    assert [200] + [412] * 7 == [one.status_code for one in answers]
    won = {name: value for name, value in answers[0].json().items() if name != "changed_at"}
    for each in (here, there):
        await feed_and_memory(each)
        now = (await each.call("GET", path, token=await here.token(who))).json()
        assert won == {name: value for name, value in now.items() if name != "changed_at"}


async def feed_and_memory(admin):
    """What each process does several times a second."""
    await tail.look(admin.server.machines.work())


@pytest.mark.requirement("admin:races:one-of-many")
async def test_a_kill_sent_with_one_key_to_two_servers_is_one_event(server_with):
    """AD-09: whichever of them the repetition reaches."""
    here, there = await two(server_with)
    before = (await feed.head(here.server.machines.work()))[1]
    body = {"kind": "client", "client_id": here.server.world.clients["P"].client_id, "reason": "Misbehaves"}

    answers = await at_once((here, there), "o1", "POST", "/kills", [body] * 10, **{"idempotency-key": "incident"})

    assert {(201, answers[0].content)} == {(one.status_code, one.content) for one in answers}
    assert before + 1 == (await feed.head(here.server.machines.work()))[1]
    assert 1 == (await here.server.operator.kinds("t1")).count(Event.STOPPED.value)


@pytest.mark.requirement("admin:races:one-of-many")
async def test_of_many_who_revive_or_decide_at_two_servers_one_does(server_with):
    """A yes and a no at once are one of them, and a revival is announced once."""
    here, there = await two(server_with)
    stopped = await here.call(
        "POST", "/kills", "o1",
        body={"kind": "tool", "resource": R1, "tool": "refund_order", "reason": "Misbehaves"},
    )  # fmt: skip
    path = stopped.headers["location"].removeprefix(here.base)
    before = (await feed.head(here.server.machines.work()))[1]

    revived = await at_once((here, there), "o1", "POST", f"{path}/revive", [{"reason": "Mended"}] * 6)
    waiting = await tool_server(here.server).asked(await refunding(here.server))
    denied = await at_once((here, there), "o1", "POST", f"/approvals/{waiting}/decision", [{"decision": "deny"}] * 6)

    assert [200] + [409] * 5 == [one.status_code for one in revived]
    assert before + 1 == (await feed.head(here.server.machines.work()))[1]
    assert [200] + [409] * 5 == [one.status_code for one in denied]
