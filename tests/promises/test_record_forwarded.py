"""A tenant's record is told to whoever it names: signed, in the log's order, at least once, and nothing that names people."""

import asyncio
import itertools
import json

import pytest

from authserver.domain.audit import event, sealing
from authserver.domain.notices import delivery, forwarding, webhook
from authserver.domain.notices.webhook import InvalidWebhookError
from tests.support.calls_told import tell, told, written
from tests.support.internet import Answer, Internet
from tests.support.receiver import Receiver, hooked, verify


@pytest.fixture
async def receiver():
    async with Internet().running() as internet:
        made = Receiver(internet)
        await made.open()
        yield made


@pytest.fixture
async def server(server_with, receiver, tmp_path):
    made = await server_with(outbound=receiver.outbound(tmp_path))
    receiver.clock = made.clock
    return made


async def rounds(server, count=1):
    """Seal, forward and deliver, as the jobs do."""
    for _ in range(count):
        await sealing.seal_round(server.machines)
        await forwarding.forward_round(server.machines)
        await delivery.deliver_due(server.machines)


def bodies(receiver, secret, now):
    """Return what was told and signed as it should be, each once."""
    seen: set[str] = set()
    return [verify(secret, one.headers, one.body, now=now, seen=seen) for one in receiver.posted]


@pytest.mark.requirement("questions:webhook:in-the-logs-order-without-names")
async def test_the_kinds_that_a_webhook_names_come_in_the_logs_order_and_name_nobody(server, receiver):
    """Ours: header only; what happened before it was added, and what other tenants do, is not told."""
    await tell(server, told(server, tool="before"))
    await sealing.seal_round(server.machines)
    made = await hooked(server, events=("call:*", "operator:webhook:changed"))
    await tell(server, *written(server), told(server, tool="get_order"))
    await tell(server, told(server, "u9", "t2", tool="theirs"), letter="RS5t2")

    await rounds(server, 3)

    [said] = bodies(receiver, made.secret, server.now)
    events = said["data"]["events"]
    assert "record.events" == said["type"]
    assert server.world.tenants["t1"] == said["data"]["tenant_id"]
    assert {"update_order": 2, "get_order": 1} == {
        name: [one["about"].get("tool") for one in events].count(name) for name in ("update_order", "get_order")
    }
    assert ["operator:webhook:changed"] == [one["kind"] for one in events if not one["kind"].startswith("call:")]
    rows = [one["row"] for one in events]
    assert rows == sorted(rows) and said["data"]["from"] <= rows[0] and rows[-1] < said["data"]["to"]
    text = json.dumps(said)
    assert not any(word in text for word in ("before", "theirs", "customer-8812", server.world.people["u1"].subs["t1"]))


@pytest.mark.requirement("questions:webhook:none-overtakes-another")
async def test_what_failed_is_told_again_before_anything_later_and_then_given_up_loudly(server, receiver):
    """R-01: at least once, in order; the next batch waits until the one before was told or, after a day, given up and recorded."""
    made = await hooked(server, events=("call:tool:outcome",))
    receiver.answer = Answer(status=500)
    await tell(server, told(server, tool="first"))
    for _ in range(7):
        await rounds(server)
        server.clock.advance(240)
    await rounds(server)
    # The next try of the first is minutes away, and nobody rests any more.
    server.clock.advance(40)
    await tell(server, told(server, tool="second"))
    receiver.answer = Answer(status=204)
    await rounds(server)
    for _ in range(6):
        server.clock.advance(120)
        await rounds(server)

    def of(posted):
        return [one["about"]["tool"] for one in json.loads(posted.body)["data"]["events"]]

    tools = [of(one) for one in receiver.posted]
    assert [["first"], ["second"]] == [one for place, one in enumerate(tools) if one not in tools[:place]]
    assert ["first"] == tools[1] and tools[-1] == ["second"]
    assert receiver.posted[0].headers["webhook-id"] == receiver.posted[1].headers["webhook-id"]

    receiver.answer = Answer(status=500)
    await tell(server, told(server, tool="lost"))
    for _ in range(40):
        await rounds(server)
        server.clock.advance(3600)
    kinds = await server.operator.kinds("t1")
    assert event.Kind.NOTICE_GIVEN_UP.value in kinds
    assert made.secret


@pytest.mark.requirement("questions:webhook:none-overtakes-another")
async def test_many_processes_make_each_batch_once_and_large_ones_in_parts(server, receiver, monkeypatch):
    """R-01: the place in the log goes on in the commit that makes the notice; a batch is bounded in bytes."""
    monkeypatch.setattr(forwarding, "MOST_BYTES", 2500)
    made = await hooked(server, events=("call:*",))
    await tell(server, *(told(server, tool=f"tool_{n:02}") for n in range(20)))
    await sealing.seal_round(server.machines)

    for _ in range(20):
        await asyncio.gather(*(forwarding.forward_round(server.machines) for _ in range(3)))
        await delivery.deliver_due(server.machines)

    said = bodies(receiver, made.secret, server.now)
    events = [one["row"] for body in said for one in body["data"]["events"]]
    assert len(said) > 3
    assert events == sorted(set(events)) and 20 == len(events)
    assert all(one["data"]["to"] <= later["data"]["from"] for one, later in itertools.pairwise(said))


async def reads(server, made):
    """Whether a webhook has a place in the log: whoever has one holds back what is past its time."""
    from authserver.domain.audit import store

    place = await server.operator.work("t1").one(store.READER, reader=forwarding.reader_of(made.webhook.id))
    return place is not None


@pytest.mark.requirement("questions:webhook:begins-anew-when-enabled")
async def test_disabled_it_hears_nothing_and_enabled_again_what_happens_from_then_on(server, receiver):
    """As of notices; and a word that no kind begins with is refused by name."""
    made = await hooked(server, events=("call:*",))
    for act, tool in ((webhook.disable, "unheard"), (webhook.enable, "heard")):
        work = server.operator.work("t1")
        done = act(work, made.webhook)
        if done is not None:
            await done
        assert await work.commit()
        assert [tool == "heard"] == [await reads(server, made)]
        await tell(server, told(server, tool=tool))
        await rounds(server, 2)

    assert ["heard"] == [one["about"]["tool"] for one in bodies(receiver, made.secret, server.now)[0]["data"]["events"]]
    for bad in ("calls:*", "call:tool:nothing", "*", "call:*:*", ":*", "operator:kil*", "call"):
        with pytest.raises(InvalidWebhookError, match="event: "):
            await webhook.add(server.operator.work("t1"), url="https://hooks.customer.example/x", events=(bad,))
