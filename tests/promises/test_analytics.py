"""What many calls amount to is counted from the record, each sealed event once, and says nothing of anybody."""

import asyncio
import hashlib
from itertools import pairwise

import pytest

from authserver import jobs
from authserver.domain.analytics import people, questions, rollup, spread
from authserver.domain.analytics.figures import figures_of
from authserver.domain.analytics.numbers import COUNTS, OTHER
from authserver.domain.analytics.questions import Question
from authserver.domain.audit import following, sealing
from authserver.domain.audit.event import reference
from authserver.domain.forgetting.forgetting import forget
from authserver.runtime.schema import statement
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from tests.support.approvals import Approver, refunding, tool_server
from tests.support.call_streams import call, counted, keep, stream
from tests.support.tampering import tamper
from tests.support.world import R1, R2

HOURS_US = 3 * 3_600_000_000
EVERY_ROW = statement(
    "SELECT * FROM call_counts WHERE tenant_id = :tenant ORDER BY grain, begin, resource, tool, client_id"
)


async def count(server, *, most=500):
    """Seal what waits and count it."""
    await sealing.seal_round(server.operator.machines)
    await following.follow_round(server.operator.machines, rollup.READER, rollup.take, most=most)


async def rows(server, tenant="t1"):
    return [dict(row) for row in await server.operator.work(tenant).all(EVERY_ROW)]


def days(server, count=1):
    """Return a question about the last days, by the hour."""
    return Question(since=server.now - count * rollup.DAY, until=server.now + 1, grain=rollup.HOUR)


def place_in(grain, resource):
    def place(one):
        client, at = one["client_id"], one["at"] // 1_000_000
        if len(client) > 300:
            client = "sha256:" + hashlib.sha256(client.encode()).hexdigest()
        return grain, at - at % grain, resource, one.get("tool") or "(tools/call)", client

    return place


@pytest.mark.requirement("analytics:counts:equal-the-record")
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_rows_of_every_grain_are_what_counting_by_hand_gives(server, seed):
    """C57: for a stream of every kind of event, told by two servers and read in batches of odd sizes."""
    work, now = server.operator.work("t1"), server.clock()
    told = {
        resource: stream(work.tenant, f"{seed}{resource}", 220, since_us=now - HOURS_US, until_us=now)
        for resource in (R1, R2)
    }
    for resource, said in told.items():
        await keep(work, resource, said[:150])
        await count(server, most=17 + seed)
        await keep(work, resource, said[150:])
    await count(server, most=91)

    found = {}
    for row in await rows(server):
        found[row["grain"], row["begin"], row["resource"], row["tool"], row["client_id"]] = rollup.from_row(row)
    expected = {}
    for grain in rollup.KEPT_S:
        for resource, said in told.items():
            expected |= counted(said, place_in(grain, resource))
    expected = {place: each for place, each in expected.items() if sum(each[0].values())}
    assert expected.keys() == found.keys()
    for place, (counter, latencies, subs) in expected.items():
        numbers = found[place]
        assert {name: counter[name] for name in COUNTS} == {name: getattr(numbers, name) for name in COUNTS}
        assert numbers.refusals == {k[8:]: v for k, v in counter.items() if k.startswith("refusal ") and v}
        assert abs(len(subs) - people.count(numbers.people)) <= 1
        for percent in (50, 95, 99):
            near(latencies, percent, spread.percentile(numbers.latencies, percent))


def near(values, percent, told):
    """The value at that place, and what was told of it, differ by no more than is promised."""
    if not values:
        assert told is None
        return
    exact = sorted(values)[-(-len(values) * percent // 100) - 1]
    assert abs(told - exact) <= 0.05 * exact + 0.5, (told, exact)


@pytest.mark.requirement("analytics:counts:again-gives-the-same")
async def test_counting_everything_anew_gives_the_same_rows(server):
    """C55, decision 15: whatever the batches are."""
    work, now = server.operator.work("t1"), server.clock()
    await keep(work, R1, stream(work.tenant, 3, 250, since_us=now - HOURS_US, until_us=now))
    await count(server, most=33)
    first = await rows(server)

    rollup.start_anew(work)
    assert await work.commit()
    assert [] == await rows(server)
    await count(server, most=140)

    assert first
    assert first == await rows(server)


@pytest.mark.requirement("analytics:counts:two-processes-count-once")
async def test_several_processes_that_count_at_once_count_each_call_once(server_with):
    """Decision 5: each reads another number of rows, so that whatever one writes over the other's sums is wrong."""
    servers = [await server_with(), await server_with()]
    work, now = servers[0].operator.work("t1"), servers[0].clock()
    told = stream(work.tenant, 4, 400, since_us=now - 3_000_000_000, until_us=now)
    for begin in range(0, len(told), 200):
        await keep(work, R1, told[begin : begin + 200])
        await sealing.seal_round(servers[0].operator.machines)
        rounds = [
            following.follow_round(one.operator.machines, rollup.READER, rollup.take, most=most)
            for one, most in zip(servers * 3, (29, 17, 31, 23, 37, 19), strict=True)
        ]
        await asyncio.gather(*rounds)
    await count(servers[0])

    found = await questions.ask(servers[0].operator.work("t1"), days(servers[0]))
    [(counter, _, _)] = counted(told, lambda _: 0).values()
    assert {name: counter[name] for name in COUNTS} == {name: getattr(found.total, name) for name in COUNTS}


@pytest.mark.requirement("analytics:hostile:bounded")
async def test_a_server_that_names_tools_without_end_fills_no_more_than_its_share(server, monkeypatch):
    """TN-14: rows are bounded, nothing is lost of the sums, another server's rows are as they would have been, and no number overflows."""
    monkeypatch.setattr(rollup, "MOST_ROWS", dict.fromkeys(rollup.MOST_ROWS, 20))
    work, now = server.operator.work("t1"), server.clock()
    flood = [
        call(work.tenant, now + place, tool=f"tool_{place}", client_id=f"cli_{place}", cost=2**53 - 1)
        for place in range(300)
    ]
    clients = [call(work.tenant, now + 1000 + place, client_id=f"cli_{place}") for place in range(60)]
    await keep(work, R2, clients)
    await keep(work, R1, flood)
    await keep(work, R2, [call(work.tenant, now + 2000)])
    await count(server, most=50)

    found = await rows(server)
    by_server = {
        one: [row for row in found if row["resource"] == one and row["grain"] == rollup.DAY] for one in (R1, R2)
    }
    assert 2 * 20 + 1 == len(by_server[R1])
    assert 300 == sum(row["ok"] for row in by_server[R1])
    assert 2**53 - 1 == max(row["cost"] for row in found)
    assert (61, {"see"}, 21) == (
        sum(row["ok"] for row in by_server[R2]), {row["tool"] for row in by_server[R2]}, len(by_server[R2]),
    )  # fmt: skip
    assert (OTHER, OTHER) in {(row["tool"], row["client_id"]) for row in by_server[R1]}


@pytest.mark.requirement("analytics:hostile:nonsense-is-passed-over")
async def test_what_somebody_wrote_over_a_header_neither_counts_nor_stops_the_count(server, templates):
    """AU-01: an edited header may say anything: moments far away, numbers that are texts, names without end."""
    work, now = server.operator.work("t1"), server.clock()
    told = [call(work.tenant, now + place) for place in range(8)]
    await keep(work, R1, told)
    await sealing.seal_round(server.operator.machines)
    headers = (
        '{"at":9007199254740991,"kind":"call:tool:outcome","resource":"r"}',
        '{"at":1,"kind":"call:tool:outcome","resource":"r"}',
        f'{{"at":{now},"kind":"call:tool:outcome","resource":"r","about":{{"latency_us":"x","cost":-5,"status":[],"tool":{{}},"method":7}}}}',
        f'{{"at":{now},"kind":"call:tool:refused","resource":"r","reason":"{"y" * 5000}","client":"{"z" * 5000}"}}',
        f'{{"at":{now},"kind":"person:approval:approved","resource":"r","about":{{"given":true,"of":null,"took_s":1e300}}}}',
    )
    tamper(
        server,
        templates,
        *(f"UPDATE audit_events SET header = '{header}' WHERE event_id = '{one['id']}'" for one, header in zip(told, headers, strict=False)),
    )  # fmt: skip

    await count(server)

    found = await questions.ask(server.operator.work("t1"), days(server))
    assert (3, 1, 1) == (found.total.ok, found.total.failed, found.total.refused)


@pytest.mark.requirement("analytics:erased:counts-stay-and-name-nobody")
async def test_who_was_erased_is_in_no_count_and_the_counts_stay(server):
    """K8: neither a person nor what stands for them in the record is in any column."""
    work, now = server.operator.work("t1"), server.clock()
    told = [call(work.tenant, now + place, sub="usr_canary", arguments={"who": "usr_canary"}) for place in range(5)]
    await keep(work, R1, told)
    await count(server)
    before = await rows(server)

    [erased] = await forget(server.operator.machines, "usr_canary")
    await count(server)

    assert (5, before) == (erased.count, await rows(server))
    assert "usr_canary" not in repr(before)
    assert reference(work, "usr_canary") not in repr(before)


@pytest.mark.requirement("analytics:kept:each-grain-for-its-time")
async def test_rows_go_when_their_time_is_over_and_days_stay_for_thirteen_months(server):
    work, now = server.operator.work("t1"), server.clock()
    await keep(work, R1, [call(work.tenant, now)])
    await count(server)
    left = []
    for days_later in (1, 3, 20, 399, 402):
        server.clock.advance(now // 1_000_000 + days_later * rollup.DAY - server.now)
        over = server.operator.machines.crossing_tenants()
        rollup.expire(over)
        await over.commit()
        left.append({row["grain"] for row in await rows(server)})

    assert [{300, 3600, 86_400}, {3600, 86_400}, {86_400}, {86_400}, set()] == left
    assert all(len(later) <= len(earlier) for earlier, later in pairwise(left))


@pytest.mark.requirement("analytics:approvals:asked-and-decided")
async def test_approvals_are_counted_with_how_long_people_took(server):
    """C57: one that needs two is approved by the second; how long it took is from the asking to that."""
    token, asking, slow = (
        await refunding(server),
        tool_server(server),
        tool_server(server, approvers=2, role="approver"),
    )
    said = [await asking.asked(token, {"order_id": f"o-{one}", "amount_cents": 5}) for one in range(2)]
    both = await slow.asked(token, {"order_id": "o-9", "amount_cents": 5})
    server.clock.advance(100)
    await Approver(server=server, who="u1").decide(said[0])
    await Approver(server=server, who="u1").decide(said[1], yes=False)
    await Approver(server=server, who="v1").decide(both)
    await count(server)

    total = (await questions.ask(server.operator.work("t1"), days(server))).total

    assert (3, 1, 1, 0) == (total.asked, total.approved, total.denied, total.expired)
    assert abs(figures_of(total).median_decision_s - 100) <= 5


@pytest.mark.requirement("analytics:counts:in-the-background")
async def test_a_server_counts_by_itself(server, monkeypatch):
    """Nobody has to ask for it, and a round that fails is not the last."""
    monkeypatch.setattr(jobs, "_COUNTING_S", 0.001)
    work, rounds = server.operator.work("t1"), []
    await keep(work, R1, [call(work.tenant, server.clock())])
    await sealing.seal_round(server.machines)
    real = rollup.round_of

    async def failing_first(machines):
        rounds.append(1)
        if len(rounds) == 1:
            raise DatabaseUnavailableError
        return await real(machines)

    monkeypatch.setattr(rollup, "round_of", failing_first)
    job = asyncio.create_task(jobs.count_calls(server.machines))
    async with asyncio.timeout(60):
        while not await rows(server):
            await asyncio.sleep(0.005)
    job.cancel()

    assert len(rounds) >= 2
