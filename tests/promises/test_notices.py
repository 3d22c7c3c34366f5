"""Who makes people wait says so: webhooks are told at least once, by one process at a time, for a day, and then it is given up."""

import asyncio
import json

import pytest

from authserver.domain.audit import event
from authserver.domain.audit.header import about
from authserver.domain.notices import delivery, notice, webhook
from authserver.domain.notices.notice import Event, tell
from tests.support.approvals import REFUND, WITH_REFUND, Approver, tool_server
from tests.support.internet import Answer, Internet
from tests.support.receiver import Receiver, call, hooked, told, verify

HALF = 0.5
"""By chance, exactly as long as said."""


@pytest.fixture
async def receiver(tmp_path):
    async with Internet().running() as internet:
        made = Receiver(internet)
        await made.open()
        yield made


@pytest.fixture
async def server(server_with, receiver, tmp_path):
    made = await server_with(outbound=receiver.outbound(tmp_path))
    receiver.clock = made.clock
    return made


async def deliver(server):
    return await delivery.deliver_due(server.machines, chance=lambda: HALF)


async def attempts(server, made):
    return await webhook.attempts(server.operator.work("t1"), made.webhook)


async def events_of(server, kind):
    return [row for row in await event.recent(server.operator.work("t1")) if row["kind"] == kind.value]


@pytest.mark.requirement("notices:webhook:told-of-what-waits")
async def test_a_webhook_is_told_of_what_waits_and_what_was_decided(server, receiver):
    """Standard Webhooks 1.0: `type`, `timestamp`, `data`, and the page to open."""
    made = await hooked(server)
    await told(server)
    server.clock.advance(20)
    await told(server, Event.APPROVAL_DECIDED, call(server, state="approved", decided_at=server.now))

    await deliver(server)

    said = [verify(made.secret, one.headers, one.body, now=server.now, seen=set()) for one in receiver.posted]
    assert ["approval.requested", "approval.decided"] == [each["type"] for each in said]
    assert ["pending", "approved"] == [each["data"]["state"] for each in said]
    assert "http://127.0.0.1:9000/approvals/ap_1" == said[0]["data"]["approval_url"]
    assert server.world.tenants["t1"] == said[0]["data"]["tenant_id"]
    assert {"/in?token=of-theirs"} == {one.path for one in receiver.posted}
    assert ["", ""] == [each.failure for each in await attempts(server, made)]
    assert 0 == await deliver(server)


@pytest.mark.requirement("notices:webhook:told-of-what-waits")
async def test_a_real_call_that_waits_is_told_of_once_and_its_yes_too(server, receiver):
    """From the MCP server's question to the person's yes; asking again for the same call is no news."""
    made = await hooked(server)
    rs = tool_server(server)
    token = await server.client("N").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    approval_id = await rs.asked(token)
    await rs.ask(token)
    await Approver(server=server, who="u1").decide(approval_id)

    await deliver(server)

    said = [verify(made.secret, one.headers, one.body, now=server.now, seen=set()) for one in receiver.posted]
    assert {("approval.requested", "pending"), ("approval.decided", "approved")} == {
        (each["type"], each["data"]["state"]) for each in said
    }
    assert 2 == len(said)
    assert {f"{server.issuer}/approvals/{approval_id}"} == {each["data"]["approval_url"] for each in said}
    assert {"sub": server.world.people["u1"].subs["t1"], "role": None} == said[0]["data"]["waits_for"]


@pytest.mark.requirement("notices:webhook:says-no-more-than-needed")
async def test_what_is_told_holds_ids_states_and_times_and_nobodys_name(server, receiver):
    """A receiver's log is nobody's vault: no argument, no name, no address of a person."""
    await hooked(server)
    await told(server)

    await deliver(server)

    body = receiver.posted[0].body.decode()
    person, app = server.world.people["u1"], server.world.clients["B"]
    assert {
        "tenant_id", "approval_id", "approval_url", "state", "tool", "tool_class", "resource", "client_id", "sub",
        "waits_for", "requested_at", "expires_at", "decided_at",
    } == set(json.loads(body)["data"])  # fmt: skip
    for name in (person.email, person.email.casefold(), person.name, app.name):
        assert name not in body


@pytest.mark.requirement("notices:notice:in-the-callers-commit")
async def test_what_did_not_happen_is_not_told(server, receiver):
    """A notice is a row of the caller's own commit: a lost claim takes it along."""
    made = await hooked(server)
    work = server.operator.work("t1")
    await tell(work, Event.APPROVAL_REQUESTED, call(server))
    await webhook.enable(work, made.webhook)

    assert not await work.commit()
    assert 0 == await deliver(server)
    assert [] == receiver.posted
    assert ["added"] == [about(row)["action"] for row in await events_of(server, event.Kind.WEBHOOK_CHANGED)]


@pytest.mark.requirement("notices:webhook:told-of-what-waits")
async def test_only_what_listens_is_told_and_only_in_its_own_tenant(server, receiver):
    """By event, and by tenant."""
    decided = await hooked(server, "https://hooks.customer.example/decided", events=("approval.decided",))
    await hooked(server, "https://hooks.customer.example/t2", tenant="t2")
    await told(server)

    await deliver(server)
    assert [] == receiver.posted

    await told(server, Event.APPROVAL_DECIDED)
    await deliver(server)
    assert ["/decided"] == [one.path for one in receiver.posted]
    assert ("approval.decided",) == decided.webhook.events


@pytest.mark.requirement("notices:delivery:tries-again-for-a-day")
async def test_a_failure_is_tried_again_under_the_same_id_until_it_is_taken(server, receiver):
    """Standard Webhooks 1.0: the id stays, the timestamp is the try's."""
    made = await hooked(server)
    await told(server)
    receiver.answer = Answer(status=503)
    await deliver(server)
    assert 0 == await deliver(server)
    server.clock.advance(delivery.wait_s(1, HALF) + 30)
    receiver.answer = Answer(status=200, body=b"x" * 200_000)

    await deliver(server)

    first, second = receiver.posted
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(first.headers["webhook-timestamp"]) < int(second.headers["webhook-timestamp"])
    assert verify(made.secret, second.headers, second.body, now=server.now, seen=set())
    found = await webhook.find(server.operator.work("t1"), made.webhook.id)
    assert found.failing_since is None


@pytest.mark.requirement("notices:delivery:tries-again-for-a-day")
async def test_after_a_day_it_is_given_up_recorded_and_shown(server, receiver):
    """And not tried ever after; the webhook stays, since a day of silence is no reason."""
    made = await hooked(server)
    await told(server)
    receiver.answer = Answer(status=500)
    began, tries = server.now, 0
    while (await attempts(server, made))[0].done_at is None:
        tries += await deliver(server)
        server.clock.advance(60)

    shown = (await attempts(server, made))[0]
    assert "status_500" == shown.failure
    assert 12 < shown.tries == tries < 40
    assert 20 * 3600 < server.now - began <= 24 * 3600 + 60
    assert 1 == len(await events_of(server, event.Kind.NOTICE_GIVEN_UP))
    lost = await notice.given_up(server.operator.work("t1"), after=server.now - 3600)
    assert [("webhook", 1, "status_500")] == [(each.channel.value, each.many, each.failure) for each in lost]
    assert (await webhook.find(server.operator.work("t1"), made.webhook.id)).is_active
    server.clock.advance(3600)
    assert 0 == await deliver(server)


@pytest.mark.requirement("notices:delivery:tries-again-for-a-day")
@pytest.mark.one_database
async def test_waits_grow_from_seconds_to_two_hours_each_a_little_by_chance():
    """So that what failed together does not come back together."""
    assert [5, 10, 20, 40] == [delivery.wait_s(tries, HALF) for tries in (1, 2, 3, 4)]
    assert 7200 == delivery.wait_s(40, HALF)
    assert (5400, 9000) == (delivery.wait_s(40, 0), delivery.wait_s(40, 1))


@pytest.mark.requirement("notices:webhook:disabled-after-days")
async def test_a_webhook_that_fails_for_days_is_disabled_and_the_others_are_told(server, receiver):
    """A dead address is not asked for ever, and nobody has to look to learn of it."""
    dead = await hooked(server, "https://hooks.customer.example/dead")
    await hooked(server, "https://other.customer.example/alive", events=("webhook.disabled",))
    other = Receiver(receiver.internet)
    await other.open(name="other.customer.example", address="93.184.216.35")
    receiver.answer = Answer(status=500)
    for _ in range(4):
        await told(server)
        for _ in range(14):
            await deliver(server)
            server.clock.advance(2 * 3600)

    found = await webhook.find(server.operator.work("t1"), dead.webhook.id)
    assert not found.is_active
    await deliver(server)
    said = [json.loads(one.body) for one in other.posted]
    assert [("webhook.disabled", dead.webhook.id)] == [(each["type"], each["data"]["webhook_id"]) for each in said]
    assert 1 == len(await events_of(server, event.Kind.WEBHOOK_DISABLED))
    before = len(receiver.posted)
    await told(server)
    await deliver(server)
    assert before == len(receiver.posted)


@pytest.mark.requirement("notices:webhook:disabled-after-days")
async def test_a_webhook_that_says_it_is_gone_is_disabled_at_once(server, receiver):
    """Standard Webhooks 1.0: 410 Gone."""
    made = await hooked(server)
    await told(server)
    receiver.answer = Answer(status=410)

    await deliver(server)

    assert not (await webhook.find(server.operator.work("t1"), made.webhook.id)).is_active


@pytest.mark.requirement("notices:webhook:secrets-overlap")
async def test_while_a_secret_rotates_both_sign_and_then_the_new_one_alone(server, receiver):
    """Standard Webhooks 1.0: several signatures, so that a receiver misses nothing."""
    first = await hooked(server)
    work = server.operator.work("t1")
    second = await webhook.rotate(work, first.webhook, overlap_s=3600)
    assert await work.commit()
    await told(server)
    await deliver(server)
    server.clock.advance(3601)
    await told(server, Event.APPROVAL_REQUESTED, call(server, 2))
    await deliver(server)

    during, after = receiver.posted
    assert 2 == len(during.headers["webhook-signature"].split(" "))
    at = int(during.headers["webhook-timestamp"])
    for secret in (first.secret, second.secret):
        assert verify(secret, during.headers, during.body, now=at, seen=set())
    assert 1 == len(after.headers["webhook-signature"].split(" "))
    assert verify(second.secret, after.headers, after.body, now=server.now, seen=set())


@pytest.mark.requirement("notices:delivery:one-claim-one-try")
async def test_many_deliverers_at_once_tell_each_notice_once(server, receiver):
    """One UPDATE claims; who lost it tells nothing."""
    await hooked(server)
    await told(server, Event.APPROVAL_REQUESTED, *(call(server, number) for number in range(12)))

    await asyncio.gather(*(deliver(server) for _ in range(8)))
    while await deliver(server):
        pass

    ids = [one.headers["webhook-id"] for one in receiver.posted]
    assert 12 == len(ids) == len(set(ids))


@pytest.mark.requirement("notices:delivery:survives-a-restart")
async def test_what_a_dead_process_was_telling_is_told_by_another_when_its_claim_ends(server, receiver):
    """At least once: the process dies between the claim and the answer."""
    await hooked(server)
    await told(server)
    receiver.answer = Answer(raw=[], hangs=True)
    dying = asyncio.create_task(deliver(server))
    while not receiver.posted:
        await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await server.restart()
    receiver.answer = Answer(status=200)

    assert 0 == await deliver(server)
    server.clock.advance(delivery.CLAIMED_S)
    await deliver(server)

    assert 2 == len(receiver.posted)
    assert 1 == len({one.headers["webhook-id"] for one in receiver.posted})
    server.clock.advance(24 * 3600)
    assert 0 == await deliver(server)


@pytest.mark.requirement("notices:delivery:slow-delays-nobody")
async def test_a_receiver_that_never_answers_delays_no_other(server, receiver):
    """A line for each receiver, one at a time; after a failure it rests."""
    await hooked(server, "https://slow.customer.example/")
    await hooked(server)
    slow = Receiver(receiver.internet)
    await slow.open(name="slow.customer.example", address="93.184.216.36")
    slow.answer = Answer(raw=[], hangs=True)
    await told(server, Event.APPROVAL_REQUESTED, *(call(server, number) for number in range(5)))

    stuck = asyncio.create_task(deliver(server))
    while not slow.posted or len(receiver.posted) < 5:
        await asyncio.sleep(0.01)

    assert 0 == await deliver(server)
    assert 1 == len(slow.posted)
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)


@pytest.mark.requirement("notices:delivery:slow-delays-nobody")
async def test_a_failing_receivers_line_rests_however_much_waits_for_it(server, receiver):
    """One try tells that it is down; a hundred notices are no reason for a hundred."""
    await hooked(server)
    receiver.answer = Answer(status=500)
    await told(server, Event.APPROVAL_REQUESTED, *(call(server, number) for number in range(10)))

    for second in range(31):
        await deliver(server)
        assert (1 if second < 30 else 2) >= len(receiver.posted)
        server.clock.advance(1)
    assert 2 == len(receiver.posted)


@pytest.mark.requirement("notices:delivery:ends-with-its-receiver")
async def test_what_waits_for_a_removed_or_disabled_webhook_or_a_suspended_tenant_is_told_to_nobody(server, receiver):
    """Whoever stops it stops what is under way too."""
    removed, disabled = await hooked(server, "https://hooks.customer.example/1"), await hooked(server)
    await told(server)
    for change, made in ((webhook.remove, removed), (webhook.disable, disabled)):
        work = server.operator.work("t1")
        change(work, made.webhook)
        assert await work.commit()
    assert 0 == await deliver(server)

    await hooked(server)
    await told(server)
    await server.operator.set_tenant("t1", is_active=False)
    await deliver(server)

    assert [] == receiver.posted


@pytest.mark.requirement("notices:notice:forgotten-after-a-week")
async def test_a_notice_is_forgotten_a_week_after_it_was_told(server, receiver):
    """What waits is not."""
    made = await hooked(server)
    await told(server)
    await deliver(server)
    for days, left in ((6, 1), (2, 0)):
        server.clock.advance(days * 24 * 3600)
        work = event.platform_work(server.machines, "test")
        notice.expire(work)
        assert await work.commit()
        assert left == len(await attempts(server, made))
