"""Whoever makes something of the record reads it in the order of its logs, each sealed event once, however many read."""

import asyncio

import pytest

from authserver.domain.audit import following, sealing
from tests.promises.test_sealing import leaves, many
from tests.support.tampering import tamper

NO_EVENTS = (
    '{"at":', "[]", "null", '{"at":"x","kind":"y"}', '{"at":-1}', '{"at":true}', '{"at":1,"about":[]}', '{"at":1,"kind":3}',
)  # fmt: skip


def collector():
    """Return what a reader has seen, and the reader: it keeps in memory what a real one writes."""
    seen = []

    async def take(work, batch):
        seen.extend((work.tenant, one.index, one.id) for one in batch.events)

    return seen, take


async def of_t1(server, seen):
    tenant = server.operator.work("t1").tenant
    return [(index, event_id) for where, index, event_id in seen if where == tenant]


@pytest.mark.requirement("following:order:each-event-once")
async def test_a_reader_gets_each_sealed_event_once_and_in_the_order_of_the_log(server):
    """Batches of seven, rounds that seal between them; what waits to be sealed is not shown yet."""
    machines, (seen, take) = server.operator.machines, collector()
    for count in (40, 3, 90):
        await many(server, count)
        await sealing.seal_round(machines)
        await following.follow_round(machines, "test", take, most=7)
    await many(server, 5)
    await following.follow_round(machines, "test", take, most=7)

    expected = [(index, event_id) for index, event_id, _ in await leaves(server, "t1")]
    assert expected == await of_t1(server, seen)
    assert 0 == await following.follow_round(machines, "test", take), "nothing is new"


@pytest.mark.requirement("following:order:from-the-beginning-again")
async def test_after_a_reset_everything_comes_again_in_the_same_order(server):
    machines, (seen, take) = server.operator.machines, collector()
    await many(server, 50)
    await sealing.seal_round(machines)
    await following.follow_round(machines, "test", take, most=20)
    first = await of_t1(server, seen)
    seen.clear()

    work = server.operator.work("t1")
    following.reset(work, "test")
    assert await work.commit()
    await following.follow_round(machines, "test", take, most=11)

    assert first == await of_t1(server, seen)


@pytest.mark.requirement("following:claim:of-several-one-writes")
async def test_of_several_that_read_the_same_rows_one_commits(server):
    """The step to the next place is a claim; whoever loses it has written nothing."""
    machines = server.operator.machines
    await many(server, 30)
    await sealing.seal_round(machines)
    works = [server.operator.work("t1") for _ in range(8)]
    for again in range(2):
        batches = [await following.read(work, "test", most=10) for work in works]
        for work, batch in zip(works, batches, strict=True):
            following.advance(work, batch)

        won = await asyncio.gather(*(work.commit() for work in works))

        assert 1 == sum(won), f"round {again}"
        works = [server.operator.work("t1") for _ in works]
    assert 20 == (await following.read(works[0], "test")).seen


@pytest.mark.requirement("following:claim:of-several-one-writes")
async def test_what_was_in_hand_while_a_reader_went_back_is_lost(server):
    """Also at the very first row, where the place is the same before and after."""
    await many(server, 30)
    await sealing.seal_round(server.operator.machines)
    for begun in (0, 10):
        slow, back = server.operator.work("t1"), server.operator.work("t1")
        if begun:
            first = await following.read(slow, "test", most=begun)
            following.advance(slow, first)
            assert await slow.commit()
        batch = await following.read(slow, "test", most=10)
        following.advance(slow, batch)
        following.reset(back, "test")

        assert await back.commit()
        assert not await slow.commit()

        assert 0 == (await following.read(server.operator.work("t1"), "test")).seen


@pytest.mark.requirement("following:gone:passed-over-and-counted")
async def test_rows_that_are_gone_or_no_events_any_more_are_passed_over_and_counted(server, templates):
    """AU-01, AU-02: what somebody edited, deleted or pruned neither stops a reader nor reaches it."""
    machines, (seen, take) = server.operator.machines, collector()
    await many(server, 40)
    await sealing.seal_round(machines)
    rows, tenant = await leaves(server, "t1"), server.operator.work("t1").tenant
    wrong = [f"UPDATE audit_events SET header = '{one}' WHERE event_id = '{rows[20 + place][1]}'" for place, one in enumerate(NO_EVENTS)]  # fmt: skip
    pruned = f"DELETE FROM audit_leaves WHERE tenant_id = '{tenant}' AND leaf_index < 15"
    deleted = f"DELETE FROM audit_events WHERE event_id = '{rows[-1][1]}'"
    tamper(server, templates, pruned, *wrong, deleted)

    await following.follow_round(machines, "test", take, most=4)

    expected = [(place, name) for place, name, _ in rows[15:-1] if not 20 <= place < 20 + len(NO_EVENTS)]
    assert expected == await of_t1(server, seen)
    assert 15 + len(NO_EVENTS) + 1 == await following.passed_over(server.operator.work("t1"), "test")
    assert await following.read(server.operator.work("t1"), "test") is None


@pytest.mark.requirement("following:turns:no-log-stops-another")
async def test_a_log_that_a_reader_fails_at_does_not_keep_it_from_the_others(server):
    machines, (seen, take) = server.operator.machines, collector()
    t1 = server.operator.work("t1").tenant
    await many(server, 10)
    await sealing.seal_round(machines)

    async def fails_at_t1(work, batch):
        if work.tenant == t1:
            raise ZeroDivisionError
        await take(work, batch)

    await following.follow_round(machines, "test", fails_at_t1, with_platform=True)
    assert "*" in {where for where, _, _ in seen}
    assert [] == await of_t1(server, seen)
    await following.follow_round(machines, "test", take)
    assert len(await leaves(server, "t1")) == len(await of_t1(server, seen))
