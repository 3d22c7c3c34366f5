"""A server that may tell of calls brings nobody back who was erased, fills no memory, and keeps no other tenant's log from being sealed."""

import asyncio

import pytest

from authserver.domain.audit import calls as told_calls
from authserver.domain.audit import sealing, store
from authserver.domain.audit.calls import Teller
from authserver.domain.audit.event import Kind, Outcome, open_payload, record
from authserver.domain.forgetting.forgetting import forget
from authserver.runtime.vault import VaultError
from resource_lib.wire import tiles
from resource_lib.wire.merkle import leaf_hash
from resource_lib.wire.record import MOST_BATCH_BYTES, MOST_RULE_CHARACTERS, checked, new_id
from tests.promises.test_call_reports import CUSTOMER, calls, tell, told
from tests.support.intruder import Intruder
from tests.support.world import R1


async def overtaken(server, event):
    """Write what a server tells as it is written when somebody is erased after the reading and before the commit."""
    work = server.operator.work("t1")
    await told_calls.take(work, Teller(client_id="cli_teller", resource=R1), [checked(event)])
    await forget(server.operator.machines, CUSTOMER)
    assert await work.commit()


async def first_and_last(server):
    """Return the names of two tenants in the order in which their logs are sealed."""
    return sorted(("t1", "t2"), key=lambda name: server.world.tenants[name])


async def waiting(server, tenant, count):
    """Record as many events of a tenant as are asked for, in one commit."""
    work = server.operator.work(tenant)
    for number in range(count):
        record(work, Kind.ADMIN_REFUSED, Outcome.REFUSED, number=number)
    assert await work.commit()


async def leaf_at(work, log, place):
    """Return the hash that stands in a log at a place."""
    full = await work.one(store.TILE, level=0, tile_index=place // 256)
    return tiles.split(full["hashes"] if full else log.partial[0])[place % 256]


@pytest.mark.requirement("record:erase:overtaken")
async def test_what_was_being_written_while_somebody_was_erased_is_erased_by_the_time_its_server_is_answered(server):
    """C50: also where the process that wrote it died before it could look again, and the server, unanswered, tells it once more."""
    event, other = told(server), told(server, subjects=[["email", "else@customer.example"]], sub="usr_other")
    await overtaken(server, event)

    answer = await tell(server, event, other)

    rows, work = {row["event_id"]: row for row in await calls(server)}, server.operator.work("t1")
    assert (1, 1) == (answer["accepted"], answer["duplicate"])
    with pytest.raises(VaultError, match="erased"):
        open_payload(work, rows[event["id"]])
    assert {"customer": CUSTOMER} == open_payload(work, rows[other["id"]])["arguments"]


@pytest.mark.requirement("record:erase:overtaken")
async def test_a_server_erases_no_event_by_telling_it_again_with_a_name_that_was_erased(server):
    """C50: what it said first is evidence; whom an event names is what it named when it was taken."""
    event = told(server, sub="usr_other", subjects=[["email", "else@customer.example"]])
    await tell(server, event)
    await forget(server.operator.machines, CUSTOMER)

    await tell(server, event | {"subjects": [["email", CUSTOMER]]})
    await tell(server, event | {"subjects": [["email", CUSTOMER]]}, letter="RS5")

    [row] = await calls(server)
    assert {"customer": CUSTOMER} == open_payload(server.operator.work("t1"), row)["arguments"]


@pytest.mark.requirement("record:calls:headers-are-short")
@pytest.mark.one_database
async def test_the_rules_of_an_event_are_no_longer_than_the_memory_of_whoever_reads_them(server):
    """They stand in a header, which is never erased, and are kept by the process that has read them."""
    fits = [["n" * 100, "allow", "\U0001f600" * 156]] * (MOST_RULE_CHARACTERS // 261)
    far = [["n" * 300, "allow", "\U0001f600" * 200]] * 64

    answer = await tell(server, told(server, rules=fits), told(server, rules=far))

    assert 1 == answer["accepted"]
    assert [f"rules: are at most {MOST_RULE_CHARACTERS} characters together; leave the last ones out"] == [
        one["why"] for one in answer["rejected"]
    ]


@pytest.mark.requirement("record:calls:the-disk-is-everybodys")
@pytest.mark.one_database
@pytest.mark.settings(record_mib_per_minute=8)
async def test_a_stolen_credential_fills_the_disk_no_faster_than_was_allowed(server):
    """EX-04: what is refused counts too; who tells too much is told when to come back, and no other server waits for that."""
    app = server.world.clients["RS1"]
    body = b'{"events":' + b" " * (MOST_BATCH_BYTES - 30) + b"[1]}"

    async def flood():
        return await server.http.post(
            "/rs/audit", content=body, headers={"content-type": "application/json"}, auth=(app.client_id, app.secret)
        )

    taken = [await flood() for _ in range(5)]
    answer = await flood()
    other = await tell(server, told(server), letter="RS5")
    server.clock.advance(int(answer.headers["retry-after"]))
    later = await tell(server, told(server))

    assert [200] * 4 == [one.status_code for one in taken[:4]]
    assert 429 == answer.status_code
    assert (1, 1) == (other["accepted"], later["accepted"])


@pytest.mark.requirement("record:log:tenants-take-turns")
async def test_a_log_in_which_much_happens_keeps_no_other_from_being_sealed(server):
    """Decision 15: each log has a turn before any has its second, so that a flood in one tenant is that tenant's own delay."""
    await sealing.seal_round(server.operator.machines)
    busy, quiet = await first_and_last(server)
    await waiting(server, busy, 5 * sealing.AT_ONCE)
    await waiting(server, quiet, 1)
    before = await sealing.log_of(server.operator.work(quiet))
    of_busy = await sealing.log_of(server.operator.work(busy))

    sealing_all = asyncio.create_task(sealing.seal_round(server.operator.machines))
    while await sealing.log_of(server.operator.work(quiet)) == before:
        await asyncio.sleep(0)
    meanwhile = await sealing.log_of(server.operator.work(busy))
    await sealing_all
    after = await sealing.log_of(server.operator.work(busy))

    begun = of_busy.size if of_busy else 0
    assert meanwhile.size < after.size
    assert begun + 5 * sealing.AT_ONCE == after.size


@pytest.mark.requirement("record:log:sealed-as-it-was-written")
async def test_what_waits_is_sealed_as_it_was_written_whatever_becomes_of_its_row(server, templates):
    """AU-01: half a second is enough to change a row, or to take it away before anything is proved; its leaf says that it was there."""
    await sealing.seal_round(server.operator.machines)
    events = [told(server, id=new_id(server.clock() + place)) for place in range(3)]
    await tell(server, *events)
    written = {row["event_id"]: leaf_hash(row["header"].encode()) for row in await calls(server)}
    tenant = server.world.tenants["t1"]
    Intruder(server, templates).run(
        ("UPDATE audit_events SET header = REPLACE(header, 'search_orders', 'nothing') WHERE tenant_id = ? AND event_id = ?", tenant, events[0]["id"]),
        ("DELETE FROM audit_events WHERE tenant_id = ? AND event_id = ?", tenant, events[1]["id"]),
    )  # fmt: skip

    await sealing.seal_round(server.operator.machines)

    work = server.operator.work("t1")
    log = await sealing.log_of(work)
    sealed = list(await work.all(store.LEAVES, begin=log.size - 3, most=10))
    changed, gone, kept = sealed
    assert [one["id"] for one in events] == [row["event_id"] for row in sealed]
    assert leaf_hash(changed["header"].encode()) != written[events[0]["id"]]
    assert gone["header"] is None
    assert leaf_hash(kept["header"].encode()) == written[events[2]["id"]]
    assert [written[one["id"]] for one in events] == [await leaf_at(work, log, log.size - 3 + at) for at in range(3)]


@pytest.mark.requirement("record:log:tenants-take-turns")
async def test_a_log_that_somebody_broke_keeps_no_other_from_being_sealed(server, templates):
    """Decision 15: what cannot be sealed waits, and is said; every other log and the platform's own go on."""
    await sealing.seal_round(server.operator.machines)
    broken, whole = await first_and_last(server)
    await waiting(server, broken, 1)
    await waiting(server, whole, 1)
    log = await sealing.log_of(server.operator.work(broken))
    before = await sealing.log_of(server.operator.work(whole))
    Intruder(server, templates).run(
        ("INSERT INTO audit_leaves (tenant_id, leaf_index, event_id) VALUES (?, ?, ?)", server.world.tenants[broken], log.size if log else 0, "x")
    )  # fmt: skip

    await sealing.seal_round(server.operator.machines)

    assert 1 + (before.size if before else 0) == (await sealing.log_of(server.operator.work(whole))).size
    assert log == await sealing.log_of(server.operator.work(broken))
