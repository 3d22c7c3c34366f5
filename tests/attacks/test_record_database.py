"""Whoever can write every row of the database, and has no key, is found and named by an export and what somebody saved."""

import asyncio
import json

import pytest

from authserver.domain.audit import erasing, exporting, sealing, store
from authserver.domain.audit.event import Kind, Outcome, record
from authserver.runtime.schema import SHARED
from resource_lib.verify import pins_of, verify
from resource_lib.wire import merkle, tiles
from tests.support.intruder import Intruder

ROW = 200


async def day(server) -> None:
    """Three hundred events of t1, each with a payload, in five rounds."""
    for round_ in range(5):
        work = server.operator.work("t1")
        for number in range(60):
            record(
                work,
                Kind.ADMIN_REFUSED,
                Outcome.REFUSED,
                payload={"who": f"somebody {number}"},
                number=round_ * 60 + number,
            )
        assert await work.commit()
        await sealing.seal_round(server.operator.machines)


async def exported(server, tenant: str | None = "t1", **more) -> list[bytes]:
    """Return what the server exports now."""
    written: list[bytes] = []
    work = server.operator.work(tenant) if tenant else server.operator.machines.work(tenant=SHARED)
    await exporting.export(work, written.append, **more)
    return b"".join(written).removesuffix(b"\n").split(b"\n")


async def last_note(server, tenant: str | None = "t1") -> bytes:
    work = server.operator.work(tenant) if tenant else server.operator.machines.work(tenant=SHARED)
    return (await work.one(store.LAST_CHECKPOINT))["note"].encode()


def of_row(tenant: str, column: str = "event_id") -> str:
    return f"{column} IN (SELECT event_id FROM audit_leaves WHERE tenant_id = '{tenant}' AND leaf_index = ?)"


def rewritten(intruder: Intruder, tenant: str) -> None:
    """Everything anew but signatures: headers, tiles, the log's own row, the roots beside the notes."""
    rows = intruder.run(
        (("SELECT e.event_id, e.header FROM audit_leaves l JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.event_id = l.event_id"
         " WHERE l.tenant_id = ? ORDER BY l.leaf_index"), tenant),
    )  # fmt: skip
    headers = [(event_id, header.replace('"v":1', '"v":2')) for event_id, header in rows]
    changed, partial = tiles.grown(0, [], merkle.leaf_hashes(header.encode() for _, header in headers))
    intruder.run(
        *(("UPDATE audit_events SET header = ? WHERE tenant_id = ? AND event_id = ?", header, tenant, event_id) for event_id, header in headers),
        *(("UPDATE audit_tiles SET hashes = ? WHERE tenant_id = ? AND level = ? AND tile_index = ?", one.hashes, tenant, one.level, one.index) for one in changed),
        ("UPDATE audit_logs SET partial = ? WHERE tenant_id = ?", b"".join(partial), tenant),
    )  # fmt: skip


def inserted(intruder: Intruder, tenant: str) -> None:
    intruder.run(
        ("UPDATE audit_leaves SET leaf_index = -leaf_index - 1 WHERE tenant_id = ? AND leaf_index >= ?", tenant, ROW),
        ("UPDATE audit_leaves SET leaf_index = -leaf_index WHERE tenant_id = ? AND leaf_index < 0", tenant),
        (("INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, header)"
         " VALUES (?, 'forged', 1, 'k', 'done', '', '', '', '', '', '', '{\"id\":\"forged\"}')"), tenant),
        ("INSERT INTO audit_leaves (tenant_id, leaf_index, event_id) VALUES (?, ?, 'forged')", tenant, ROW),
    )  # fmt: skip


def swapped(intruder: Intruder, tenant: str) -> None:
    intruder.run(
        *(("UPDATE audit_leaves SET leaf_index = ? WHERE tenant_id = ? AND leaf_index = ?", to, tenant, at) for at, to in ((ROW, -1), (ROW + 7, ROW), (-1, ROW + 7))),
    )  # fmt: skip


def forged_receipt(intruder: Intruder, tenant: str) -> None:
    """A payload goes, and a row that says it was erased is hung onto the log: nobody has signed it."""
    ((size, partial),) = intruder.run(("SELECT size, partial FROM audit_logs WHERE tenant_id = ?", tenant))
    header = (
        '{"about":{"count":1,"events":"' + "00" * 32 + '","receipt":"r1"},"id":"forged","kind":"operator:audit:erased"}'
    )
    parts, at = [], 0
    for width in tiles.partial_widths(size):
        parts.append(bytes(partial)[at : at + width * 32])
        at += width * 32
    _, grown = tiles.grown(size, parts, [merkle.leaf_hash(header.encode())])
    intruder.run(
        (f"DELETE FROM audit_payloads WHERE tenant_id = '{tenant}' AND {of_row(tenant)}", ROW),
        (("INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, header)"
         " VALUES (?, 'forged', 1, 'operator:audit:erased', 'done', '', '', '', '', '', '', ?)"), tenant, header),
        ("INSERT INTO audit_leaves (tenant_id, leaf_index, event_id) VALUES (?, ?, 'forged')", tenant, size),
        ("UPDATE audit_logs SET size = ?, partial = ? WHERE tenant_id = ?", size + 1, b"".join(grown), tenant),
    )  # fmt: skip


def one(text: str, *values):
    """A plan of one statement; TENANT and THE_ROW stand for what they are."""

    def act(intruder: Intruder, tenant: str) -> None:
        intruder.run((text.replace("TENANT", f"tenant_id = '{tenant}'").replace("THE_ROW", of_row(tenant)), *values))

    return act


PLANS = {
    "edit": (one("UPDATE audit_events SET header = REPLACE(header, 'refused', 'allowed') WHERE TENANT AND THE_ROW", ROW), "edited", ROW),
    "edit into something else": (one("UPDATE audit_events SET header = 'x' WHERE TENANT AND THE_ROW", ROW), "edited", ROW),
    "edit a payload": (one("UPDATE audit_payloads SET payload = payload_key WHERE TENANT AND THE_ROW", ROW), "payload_missing", ROW),
    "delete": (one("DELETE FROM audit_events WHERE TENANT AND THE_ROW", ROW), "deleted", ROW),
    "delete the leaf": (one("DELETE FROM audit_leaves WHERE TENANT AND leaf_index = ?", ROW), "deleted", ROW),
    "insert": (inserted, "inserted", ROW),
    "swap": (swapped, "reordered", ROW),
    "truncate the tail": (one("DELETE FROM audit_leaves WHERE TENANT AND leaf_index >= ?", ROW), "truncated", ROW),
    "rewrite everything": (rewritten, "rewritten", 0),
    "replace a checkpoint": (
        one("UPDATE audit_checkpoints SET note = (SELECT o.note FROM audit_checkpoints o WHERE o.TENANT ORDER BY o.size LIMIT 1) WHERE TENANT AND size > ?", ROW),
        "checkpoint_replaced", None,
    ),
    "erase without a receipt": (one("DELETE FROM audit_payloads WHERE TENANT AND THE_ROW", ROW), "payload_missing", ROW),
    "forge an erasure": (forged_receipt, "payload_missing", ROW),
    "take a tile away": (one("DELETE FROM audit_tiles WHERE TENANT AND level = 0"), "kept_hashes_altered", 0),
}  # fmt: skip


@pytest.mark.requirement("record:database:tampering-is-named")
async def test_whatever_is_done_to_the_rows_is_named(server, templates):
    """AU-02, the ten of the issue and more, in one database after the other; what was there is put back between."""
    await day(server)
    intruder, tenant = Intruder(server, templates), server.world.tenants["t1"]
    keys, saved = [sealing.verifier(server.operator.machines)], await last_note(server)
    kept = await asyncio.to_thread(intruder.snapshot)
    honest = verify(iter(await exported(server, with_payloads=True)), keys=keys, checkpoints=[saved])
    found, expected = {}, {}

    for name, (plan, kind, index) in PLANS.items():
        await asyncio.to_thread(plan, intruder, tenant)
        report = verify(iter(await exported(server, with_payloads=True)), keys=keys, checkpoints=[saved])
        first = report.first_finding
        found[name] = (first.kind, None if index is None else first.index) if first else report.verdict
        expected[name] = (kind, index)
        await asyncio.to_thread(intruder.restore, kept)

    assert ("verified", ()) == (honest.verdict, honest.findings)
    assert honest.rows == honest.size > 300 <= honest.payloads.verified
    assert expected == found
    assert verify(iter(await exported(server)), keys=keys, checkpoints=[saved]).is_verified


@pytest.mark.requirement("record:database:rolled-back-is-seen")
async def test_a_database_that_was_put_back_and_a_log_that_is_gone_are_seen_by_what_was_saved(server, templates):
    """AU-03, and the rollback: true rows, all signed; only what was kept elsewhere knows of more."""
    await day(server)
    intruder, tenant = Intruder(server, templates), server.world.tenants["t1"]
    older, size = await asyncio.to_thread(intruder.snapshot), (await sealing.log_of(server.operator.work("t1"))).size
    await day(server)
    keys, saved, platform = (
        [sealing.verifier(server.operator.machines)],
        await last_note(server),
        await exported(server, None),
    )
    origin = sealing.origin_of(server.operator.machines, tenant)
    await asyncio.to_thread(intruder.restore, older)

    rolled = await exported(server)
    alone, with_saved = verify(iter(rolled), keys=keys), verify(iter(rolled), keys=keys, checkpoints=[saved])
    with_pins = verify(iter(rolled), keys=keys, pins=pins_of(platform, origin))
    await asyncio.to_thread(intruder.run, *((f"DELETE FROM {table} WHERE tenant_id = ?", tenant) for table in older))

    assert alone.is_verified
    assert "could not be seen" in alone.notes[0]
    assert ("truncated", size) == (with_saved.first_finding.kind, with_saved.first_finding.index)
    assert ("truncated", size) == (with_pins.first_finding.kind, with_pins.first_finding.index)
    with pytest.raises(exporting.NothingSealedError):
        await exported(server)
    over = verify(iter(platform), keys=keys)
    assert over.is_verified
    assert origin in {one.origin for one in over.pinned}


@pytest.mark.requirement("record:database:tampering-is-named")
async def test_what_was_erased_is_said_to_be_so_and_a_forged_erasure_is_not(server, templates):
    """AU-04: each old proof stands; a row hung under a true receipt, or under none, is named."""
    await day(server)
    machines, tenant = server.operator.machines, server.world.tenants["t1"]
    intruder, keys, saved = Intruder(server, templates), [sealing.verifier(machines)], await last_note(server)
    ids = [row["event_id"] for row in await server.operator.work("t1").all(store.LEAVES, begin=ROW, most=40)]
    work = server.operator.work("t1")
    work.write(store.ERASE_PAYLOADS, event_ids=json.dumps(ids[10:20]))
    receipt = erasing.write_receipt(work, ids[10:20])
    assert await work.commit()
    await sealing.seal_round(machines)
    true = verify(iter(await exported(server, with_payloads=True)), keys=keys, checkpoints=[saved])
    await asyncio.to_thread(
        intruder.run,
        (f"DELETE FROM audit_payloads WHERE tenant_id = '{tenant}' AND event_id IN (?, ?)", ids[0], ids[1]),
        ("INSERT INTO audit_erasures (tenant_id, event_id, receipt) VALUES (?, ?, ?)", tenant, ids[0], receipt.id),
        ("INSERT INTO audit_erasures (tenant_id, event_id, receipt) VALUES (?, ?, 'era_none')", tenant, ids[1]),
    )

    forged = verify(iter(await exported(server, with_payloads=True)), keys=keys, checkpoints=[saved])

    assert ("verified", 10, 0) == (true.verdict, true.payloads.erased, true.payloads.missing)
    # What hangs under a true receipt makes all of it another: none of these is what the log says was erased.
    assert {("erasure_forged", ROW), ("erasure_forged", ROW + 1)} == {(one.kind, one.index) for one in forged.findings}
    assert (0, 12) == (forged.payloads.erased, forged.payloads.missing)


@pytest.mark.requirement("record:export:any-part-of-a-log")
async def test_an_export_from_any_row_on_is_verified_and_is_recorded(server):
    """R-15: it begins where it is asked to, on what stands before; and who read the record stands in it."""
    await day(server)
    keys, saved = [sealing.verifier(server.operator.machines)], await last_note(server)

    reports = [
        verify(iter(await exported(server, first=first)), keys=keys, checkpoints=[saved])
        for first in (0, 1, 255, 256, 257, 290)
    ]

    assert {"verified"} == {one.verdict for one in reports}, [one.findings for one in reports]
    assert {1} == {one.saved for one in reports}
    kinds = await server.operator.kinds("t1")
    assert len(reports) == kinds.count(Kind.RECORD_EXPORTED)
