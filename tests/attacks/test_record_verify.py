"""Whoever can write every row of the database is named by `authserver audit verify`: what it gives to the judge, and what it sees beside."""

import asyncio
import io
from contextlib import nullcontext

import pytest

from authserver.domain.audit import sealing, verifying
from authserver.domain.audit.event import Kind, record
from resource_lib.verify import SavedCheckpoint, lines_of
from resource_lib.verify.stream import verify_stream
from tests.attacks.test_record_database import PLANS, ROW, day, last_note, one
from tests.support.intruder import RECORD, Intruder


async def verified(server, *, saved: bytes | None = None, with_payloads: bool = True):
    """Do what the command does, in this process; return the verdicts by origin, and what was seen beside."""
    machines = server.operator.machines
    wanted, written = await verifying.logs(machines), io.BytesIO()
    notes = [saved] if saved else []
    await verifying.write_logs(machines, wanted, written.write, saved=notes, with_payloads=with_payloads)
    written.seek(0)
    reports = verify_stream(
        lines_of(written),
        keys=[sealing.verifier(machines)],
        checkpoints=[SavedCheckpoint(name="saved", note=one) for one in notes],
        every_log=True,
        progress=lambda _: nullcontext(),
    )
    seen = [line for log in wanted for line in await verifying.look(machines.work(tenant=log.tenant), log)]
    return dict(reports), seen


def first_named(reports, seen) -> tuple[str, int | None]:
    found = [one for report in reports.values() for one in report.findings]
    if found:
        return found[0].kind, found[0].index
    return (seen[0].kind, seen[0].row) if seen else ("whole", None)


def upper_hash(intruder: Intruder, tenant: str) -> None:
    """The one hash of level 1 stands behind those of the last, partial tile of level 0."""
    ((partial, size),) = intruder.run(("SELECT partial, size FROM audit_logs WHERE tenant_id = ?", tenant))
    at = size % 256 * 32
    forged = bytes(partial)[:at] + bytes(32) + bytes(partial)[at + 32 :]
    intruder.run(("UPDATE audit_logs SET partial = ? WHERE tenant_id = ?", forged, tenant))


def resealed(intruder: Intruder, tenant: str) -> None:
    """Everything anew up to the log's own row: whatever is sealed next is signed on top of it."""
    PLANS["rewrite everything"][0](intruder, tenant)
    intruder.run(("DELETE FROM audit_checkpoints WHERE tenant_id = ?", tenant))


BESIDE = {
    "a column for questions": (one("UPDATE audit_events SET client_id = 'somebody-else' WHERE TENANT AND THE_ROW", ROW), "column_altered", ROW),
    "a time for questions": (one("UPDATE audit_events SET at_us = 1 WHERE TENANT AND THE_ROW", ROW), "column_altered", ROW),
    "a row beside the log": (
        one("INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, header)"
            " SELECT tenant_id, 'forged', 1, 'k', 'done', '', '', '', '', '', '', '{\"id\":\"forged\"}' FROM audit_logs WHERE TENANT"), "never_sealed", None),
    "a leaf behind the end": (one("INSERT INTO audit_leaves SELECT tenant_id, size + 5, 'forged' FROM audit_logs WHERE TENANT"), "outside_of_log", None),
    "a hash above": (upper_hash, "tile_altered", 0),
    "the root beside a note": (one("UPDATE audit_checkpoints SET root = ? WHERE TENANT", bytes(32)), "tile_altered", None),
    "the newest checkpoint": (one("DELETE FROM audit_checkpoints WHERE TENANT AND size = (SELECT MAX(size) FROM audit_checkpoints WHERE TENANT)"), "checkpoint_missing", None),
    "the log's own row put back": (one("UPDATE audit_logs SET size = 0, partial = ? WHERE TENANT", b""), "truncated", None),
    "the log's own row": (one("DELETE FROM audit_logs WHERE TENANT"), "log_missing", None),
    "rows said to be pruned": (one("UPDATE audit_logs SET pruned = 256, prunable = 256 WHERE TENANT"), "pruned_without_receipt", 0),
    "everything, signed anew by the server": (resealed, "rewritten", 0),
}  # fmt: skip


@pytest.mark.requirement("proof:verify:tampering-is-named")
async def test_what_is_done_to_the_living_database_is_named(server, templates):
    """AU-01, AU-02, AU-03: the thirteen that an export shows and as many that it does not; the database is put back between."""
    await day(server)
    intruder, tenant = Intruder(server, templates), server.world.tenants["t1"]
    saved = await last_note(server)
    kept = await asyncio.to_thread(intruder.snapshot)
    honest, beside = await verified(server, saved=saved)
    found, expected = {}, {}

    for name, (plan, kind, index) in {**PLANS, **BESIDE}.items():
        await asyncio.to_thread(plan, intruder, tenant)
        if plan is resealed:
            work = server.operator.work("t1")
            record(work, Kind.ADMIN_REFUSED)
            await work.commit()
            await sealing.seal_round(server.operator.machines)
        # Without what somebody saved, where the pins of the platform's log are enough.
        named = first_named(*await verified(server))
        found[name] = (named[0], None if index is None else named[1])
        expected[name] = (kind, index)
        await asyncio.to_thread(intruder.restore, kept)

    assert [] == beside
    assert {"verified"} == {one.verdict for one in honest.values()}
    assert expected == found


@pytest.mark.requirement("proof:verify:tampering-is-named")
async def test_what_was_deleted_or_hidden_before_it_was_sealed_is_named(server, templates):
    """An event that waits is in no tree yet: the queue knows of it, and the table of events knows of the queue."""
    await day(server)
    intruder, tenant = Intruder(server, templates), server.world.tenants["t1"]
    for number in range(2):
        work = server.operator.work("t1")
        record(work, Kind.ADMIN_REFUSED, number=number)
        await work.commit()
    waiting = ("SELECT event_id FROM audit_unsealed WHERE tenant_id = ?", tenant)
    (gone,), (hidden,) = await asyncio.to_thread(intruder.run, waiting)
    server.clock.advance(120)
    _, late = await verified(server)
    await asyncio.to_thread(
        intruder.run,
        (f"DELETE FROM audit_events WHERE tenant_id = '{tenant}' AND event_id = ?", gone),
        (f"DELETE FROM audit_unsealed WHERE tenant_id = '{tenant}' AND event_id = ?", hidden),
    )

    _, seen = await verified(server)

    assert "not_sealed" in {one.kind for one in late if one.origin.endswith(tenant)}
    assert not any(one.is_tampering for one in late)
    told = {one.kind: one.event_id for one in seen if one.is_tampering}
    assert {"never_sealed": hidden, "deleted_unsealed": gone} == told


@pytest.mark.requirement("proof:verify:tampering-is-named")
async def test_two_organisations_logs_that_change_places_are_named(server, templates):
    """TN-14: each is whole and signed, and each is shown to the others' auditors: without payloads no key misses either."""
    for tenant in ("t1", "t2"):
        work = server.operator.work(tenant)
        record(work, Kind.ADMIN_REFUSED)
        await work.commit()
    await sealing.seal_round(server.operator.machines)
    intruder, first, second = (
        Intruder(server, templates),
        server.world.tenants["t1"],
        server.world.tenants["t2"],
    )
    steps = [
        (f"UPDATE {table} SET tenant_id = ? WHERE tenant_id = ?", to, at)
        for table in (*RECORD, "audit_unsealed")
        for at, to in ((first, "between"), (second, first), ("between", second))
    ]
    await asyncio.to_thread(intruder.run, *steps)

    reports, seen = await verified(server, with_payloads=False)

    assert {"verified"} == {one.verdict for one in reports.values()}, "they are whole"
    assert {"log_misplaced"} == {one.kind for one in seen if one.is_tampering}
    assert all(one.is_tampering for one in seen)
