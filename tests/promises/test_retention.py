"""What is past its time goes in whole tiles, with a receipt; what stays is proved as before."""

import asyncio
import io
import json

import pytest

from authserver.domain.audit import erasing, following, retention, sealing, store, verifying
from authserver.domain.audit.event import Kind, record
from authserver.domain.audit.kept_hashes import KeptHashes
from authserver.runtime.schema import SHARED
from authserver.settings import SettingsError, load_settings
from resource_lib.verify import verify
from resource_lib.wire.merkle import verify_consistency
from tests.attacks.test_record_database import day, exported, last_note
from tests.attacks.test_record_verify import verified
from tests.support.intruder import RECORD, Intruder

DAY = 24 * 3600
TABLES = ("audit_events", "audit_payloads", "audit_leaves")


async def an_old_log(server, *, days: int = 401) -> bytes:
    """Six hundred events of t1, older than anything is kept, and one of today; returns a checkpoint from the middle of them."""
    await day(server)
    saved = await last_note(server)
    await day(server)
    server.clock.advance(days * DAY)
    await something(server)
    return saved


async def a_log_at_rest(server) -> None:
    """One event of t2, which the platform's log tells of, and more than a tile of the platform's own."""
    machines = server.operator.machines
    work = server.operator.work("t2")
    record(work, Kind.ADMIN_REFUSED)
    await work.commit()
    await sealing.seal_round(machines)
    work = machines.work(tenant=SHARED)
    for number in range(300):
        record(work, Kind.ADMIN_REFUSED, number=number)
    await work.commit()
    await sealing.seal_round(machines)


async def something(server) -> None:
    work = server.operator.work("t1")
    record(work, Kind.ADMIN_REFUSED)
    await work.commit()
    await sealing.seal_round(server.operator.machines)


async def pruned(server) -> None:
    """Announce, seal, wait for a day, take away, until nothing more is."""
    machines = server.operator.machines
    await retention.prune_round(machines)
    await sealing.seal_round(machines)
    server.clock.advance(retention.GRACE_S)
    while await retention.prune_round(machines):
        pass
    await sealing.seal_round(machines)


async def log_row(server):
    return await server.operator.work("t1").one(store.LOG)


@pytest.mark.requirement("proof:retention:whole-tiles-with-a-receipt")
async def test_what_is_past_its_time_goes_and_every_proof_stands(server, templates):
    """C50, C49: two tiles of 256 go and the rest stays; export, saved checkpoints, from before and after, and the living database are whole."""
    saved = await an_old_log(server)
    intruder, machines = Intruder(server, templates), server.operator.machines
    await retention.prune_round(machines)
    await sealing.seal_round(machines)
    announced, before = await log_row(server), len(await exported(server))
    server.clock.advance(retention.GRACE_S - 1)
    await retention.prune_round(machines)
    early = await log_row(server)

    await pruned(server)

    row, keys = await log_row(server), [sealing.verifier(machines)]
    assert (0, 512) == (announced["pruned"], announced["prunable"])
    assert 0 == early["pruned"]
    assert 512 == row["pruned"] < row["size"]
    tenant = server.world.tenants["t1"]
    for table in TABLES:
        left = intruder.run((f"SELECT COUNT(*) FROM {table} WHERE tenant_id = ?", tenant))[0][0]
        assert left < 120, table
    lines = await exported(server, with_payloads=True)
    report = verify(iter(lines), keys=keys, checkpoints=[await last_note(server)])
    assert ("verified", 512, ()) == (report.verdict, report.pruned, report.findings)
    assert len(lines) < before
    for first in (100, 256, 512, 600):
        part = verify(iter(await exported(server, first=first)), keys=keys)
        assert part.is_verified, (first, part.findings)
    reports, seen = await verified(server, saved=saved)
    assert {"verified"} == {one.verdict for one in reports.values()}, [one.findings for one in reports.values()]
    assert 1 == reports[row["origin"]].saved, "a checkpoint from a row that is gone is one of this log"
    assert [] == [one for one in seen if one.is_tampering]
    log = await sealing.log_of(server.operator.work("t1"))
    hashes = KeptHashes(server.operator.work("t1"), log)
    for old in (1, 255, 300, 512, 601):
        proof = await hashes.consistency(old, log.size)
        assert verify_consistency(old, log.size, await hashes.root(old), log.root, proof)


@pytest.mark.requirement("proof:retention:nothing-launders")
async def test_nothing_that_was_changed_goes_and_no_gap_is_without_a_receipt(server, templates):
    """AU-01, AU-02: a row with another time, a column with one, a row that is gone, and a log that is told to be shorter."""
    await an_old_log(server, days=1)
    intruder, tenant = Intruder(server, templates), server.world.tenants["t1"]
    kept = await asyncio.to_thread(intruder.snapshot)
    of_log = "event_id IN (SELECT event_id FROM audit_leaves WHERE tenant_id = ? AND leaf_index < 300)"
    plans = {
        "columns say that it is old": f"UPDATE audit_events SET at_us = 1 WHERE {of_log}",
        "headers do": f"UPDATE audit_events SET header = REPLACE(header, '\"at\":1', '\"at\":') WHERE {of_log}",
        "checkpoints do": "UPDATE audit_checkpoints SET at_us = 1 WHERE tenant_id = ?",
        "the log says that it went": "UPDATE audit_logs SET prunable = 256, prunable_at_us = 1 WHERE tenant_id = ?",
    }
    for name, plan in plans.items():
        await asyncio.to_thread(intruder.run, (plan, tenant))
        await pruned(server)
        assert 0 == (await log_row(server))["pruned"], name
        await asyncio.to_thread(intruder.restore, kept)

    server.clock.advance(500 * DAY)
    await something(server)
    await asyncio.to_thread(
        intruder.run, (f"DELETE FROM audit_events WHERE {of_log.replace('< 300', '= 300')}", tenant)
    )
    await pruned(server)
    assert 256 == (await log_row(server))["pruned"], "up to the tile with the gap, and no farther"
    report = verify(iter(await exported(server)), keys=[sealing.verifier(server.operator.machines)])
    assert ("deleted", 300) == (report.first_finding.kind, report.first_finding.index)
    await asyncio.to_thread(intruder.run, ("DELETE FROM audit_leaves WHERE tenant_id = ? AND leaf_index < 512", tenant))
    await asyncio.to_thread(intruder.run, ("UPDATE audit_logs SET pruned = 512 WHERE tenant_id = ?", tenant))
    gap = verify(iter(await exported(server)), keys=[sealing.verifier(server.operator.machines)])
    assert "pruned_without_receipt" in {one.kind for one in gap.findings}


@pytest.mark.requirement("proof:retention:nobody-is-overtaken")
async def test_a_reader_that_is_behind_is_waited_for_and_one_that_begins_anew_misses_nothing(server):
    await an_old_log(server)
    work = server.operator.work("t1")
    batch = await following.read(work, "test", most=300)
    following.advance(work, batch)
    assert await work.commit()

    await pruned(server)
    behind = await retention.due(server.operator.machines, server.world.tenants["t1"])

    assert 256 == (await log_row(server))["pruned"]
    assert "the reader test has read 300 rows only" in behind.why
    work = server.operator.work("t1")
    following.reset(work, "test")
    await work.commit()
    again = await following.read(server.operator.work("t1"), "test", most=300)
    assert (0, 256) == (again.passed_over, again.events[0].index)


@pytest.mark.requirement("proof:retention:by-class-and-tenant")
async def test_each_tenant_keeps_each_class_as_long_as_it_says(server):
    """C45, C50: the longest-lived row of a tile decides; 90 days are the least, and it is said why."""
    await an_old_log(server, days=200)
    work = server.operator.work("t1")
    with pytest.raises(retention.InvalidRetentionError, match="90 to 36500 days"):
        await retention.set_own(work, {"calls": 89})
    await pruned(server)
    as_the_deployment_says = (await log_row(server))["pruned"]
    work = server.operator.work("t1")
    await retention.set_own(work, {"administration": 100, "calls": 400})
    assert await work.commit()
    await pruned(server)

    assert 0 == as_the_deployment_says
    assert 512 == (await log_row(server))["pruned"]
    assert {"calls": 400, "administration": 100} == await retention.own_of(server.operator.work("t1"))
    assert ["calls", "administration", "sign_ins", "administration"] == [
        retention.class_of(kind) for kind in ("call:tool:intent", "operator:kill:stopped", "person:login:refused", "new:thing:done")
    ]  # fmt: skip
    kinds = await server.operator.kinds("t1")
    assert Kind.AUDIT_PRUNED in kinds


@pytest.mark.requirement("proof:retention:nobody-is-overtaken")
async def test_several_processes_take_each_tile_once_and_whoever_reads_meanwhile_sees_a_whole_log(server):
    """R-15: three prune, one exports, one verifies, at once; a writer seals on."""
    await an_old_log(server)
    machines = server.operator.machines
    await asyncio.gather(*(retention.prune_round(machines) for _ in range(3)))
    await sealing.seal_round(machines)
    server.clock.advance(retention.GRACE_S)
    keys = [sealing.verifier(machines)]

    async def judged():
        return verify(iter(await exported(server, with_payloads=True)), keys=keys)

    results = await asyncio.gather(
        judged(), *(retention.prune_round(machines) for _ in range(3)), judged(), something(server), judged()
    )

    assert {"verified"} == {one.verdict for one in (results[0], results[4], results[6])}
    assert 512 == (await log_row(server))["pruned"]
    receipts = (await server.operator.kinds("t1")).count(Kind.AUDIT_PRUNED)
    assert 1 == receipts


@pytest.mark.requirement("proof:retention:receipts-stay")
async def test_what_was_erased_is_still_accounted_for_when_its_neighbours_go(server, templates):
    """K7: a receipt covers rows of two tiles; with the first of them gone, those of the second are still said to be erased."""
    await an_old_log(server)
    intruder, tenant = Intruder(server, templates), server.world.tenants["t1"]
    ids = [row["event_id"] for row in await server.operator.work("t1").all(store.LEAVES, begin=500, most=20)]
    work = server.operator.work("t1")
    work.write(store.ERASE_PAYLOADS, event_ids=json.dumps(ids))
    erasing.write_receipt(work, ids)
    assert await work.commit()
    await sealing.seal_round(server.operator.machines)

    await pruned(server)

    report = verify(iter(await exported(server, with_payloads=True)), keys=[sealing.verifier(server.operator.machines)])
    assert ("verified", 8) == (report.verdict, report.payloads.erased), report.findings
    assert 20 == intruder.run(("SELECT COUNT(*) FROM audit_erasures WHERE tenant_id = ?", tenant))[0][0]


@pytest.mark.requirement("proof:retention:whole-tiles-with-a-receipt")
async def test_old_checkpoints_are_thinned_to_one_an_hour_and_the_newest_stays(server):
    await day(server)
    server.clock.advance(3600)
    await day(server)
    server.clock.advance(8 * DAY)

    await retention.prune_round(server.operator.machines)

    left = await server.operator.work("t1").all(store.CHECKPOINTS, since=0, most=100)
    log = await sealing.log_of(server.operator.work("t1"))
    assert 2 == len(left)
    assert log.size == left[-1]["size"]
    written = io.BytesIO()
    await verifying.write_logs(server.operator.machines, await verifying.logs(server.operator.machines), written.write)
    reports, seen = await verified(server)
    assert {"verified"} == {one.verdict for one in reports.values()}
    assert [] == [one for one in seen if one.is_tampering]


@pytest.mark.requirement("proof:retention:by-class-and-tenant")
async def test_the_deployment_says_how_long_and_never_less_than_ninety_days(server_with):
    made = await server_with(audit_keep_calls_days=90, audit_keep_administration_days=100, audit_keep_sign_ins_days=110)

    keep = await retention.keep_of(made.operator.work("t1"))

    assert retention.Keep(calls=90, administration=100, sign_ins=110) == keep
    for name in retention.CLASSES:
        with pytest.raises(SettingsError, match=f"AUTHSERVER_AUDIT_KEEP_{name.upper()}_DAYS"):
            load_settings(None, **{f"audit_keep_{name}_days": 89})


@pytest.mark.requirement("proof:retention:whole-tiles-with-a-receipt")
async def test_a_log_that_only_rows_that_are_gone_told_of_is_missed_all_the_same(server, templates):
    """AU-03: a log at rest for a year, kept longer than the platform's own: what pins it must not go while it is there."""
    machines, intruder, tenant = server.operator.machines, Intruder(server, templates), server.world.tenants["t2"]
    await a_log_at_rest(server)
    server.clock.advance(401 * DAY)
    await pruned(server)
    assert 256 <= (await machines.work(tenant=SHARED).one(store.LOG))["pruned"]
    before, _ = await verified(server)
    there = await retention.due(machines, SHARED)

    await asyncio.to_thread(intruder.run, *((f"DELETE FROM {table} WHERE tenant_id = ?", tenant) for table in RECORD))
    reports, _ = await verified(server)

    assert {"verified"} == {one.verdict for one in before.values()}
    assert "log_missing" in {found.kind for one in reports.values() for found in one.findings}
    assert "" == there.why


@pytest.mark.requirement("proof:retention:whole-tiles-with-a-receipt")
async def test_what_pins_a_log_that_is_gone_stays_until_somebody_has_seen_it(server, templates):
    """AU-03: whoever takes a log away and waits for a year has the platform's rows that tell of it kept as long."""
    machines, intruder, tenant = server.operator.machines, Intruder(server, templates), server.world.tenants["t2"]
    await a_log_at_rest(server)
    server.clock.advance(401 * DAY)
    await asyncio.to_thread(intruder.run, *((f"DELETE FROM {table} WHERE tenant_id = ?", tenant) for table in RECORD))

    found = await retention.due(machines, SHARED)

    assert found.first == found.to
    assert f"{tenant}, and that log is gone" in found.why
