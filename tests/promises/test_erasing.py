"""Whoever is to be forgotten is: what names them goes, every proof stays, and the log says what is gone."""

import pytest

from authserver.domain.audit import erasing, sealing, store
from authserver.domain.audit.event import Kind, open_payload
from authserver.domain.audit.header import about
from authserver.domain.forgetting.forgetting import forget
from authserver.runtime.vault import VaultError
from resource_lib.wire import merkle
from resource_lib.wire.export import ErasedEvents
from tests.promises.test_call_reports import CUSTOMER, SUB, calls, tell, told
from tests.promises.test_sealing import checkpoints, leaves


async def erased(server, *identifiers, subs=()):
    """Erase somebody from t1's record and return the receipts."""
    receipts = []
    while True:
        work = server.operator.work("t1")
        receipt = await erasing.erase_some(work, erasing.references(work, identifiers, subs))
        if receipt is None:
            return receipts
        receipts.append(receipt)
        assert await work.commit()


@pytest.mark.requirement("record:erase:whoever-is-named")
async def test_a_customer_who_was_never_a_user_is_erased_and_nobody_else(server):
    """C50: by any way of writing who they are; what others did stays readable."""
    about_them, other = told(server), told(server, subjects=[["email", "else@customer.example"]])
    await tell(server, about_them, other)
    before = {row["event_id"]: row["header"] for row in await calls(server)}

    [receipt] = await erased(server, f"  {CUSTOMER.upper()} ")

    rows = {row["event_id"]: row for row in await calls(server)}
    work = server.operator.work("t1")
    assert 1 == receipt.count
    assert before == {event_id: row["header"] for event_id, row in rows.items()}
    with pytest.raises(VaultError, match="erased"):
        open_payload(work, rows[about_them["id"]])
    assert {"customer": CUSTOMER} == open_payload(work, rows[other["id"]])["arguments"]
    assert [] == await erased(server, CUSTOMER)
    assert [] == [
        row["event_id"]
        for ref in erasing.references(work, [CUSTOMER], [SUB])
        for row in await work.all(store.OF_SUBJECT, subject_ref=ref)
        if row["event_id"] == about_them["id"]
    ]


@pytest.mark.requirement("record:erase:proofs-stay")
async def test_every_older_checkpoint_still_holds_after_an_erasure_and_the_receipt_is_a_leaf(server):
    """AU-04, K7: the log is over commitments, so that nothing of it changes; the receipt covers exactly what is gone."""
    events = [told(server) for _ in range(5)]
    await tell(server, *events)
    await sealing.seal_round(server.operator.machines)
    old = (await checkpoints(server, "t1"))[-1]

    [receipt] = await erased(server, subs=[SUB])
    await sealing.seal_round(server.operator.machines)

    found = await leaves(server, "t1")
    [said] = [row for row in await server.operator.events("t1") if row["kind"] == Kind.AUDIT_ERASED]
    covered = ErasedEvents(receipt.id, [one["id"] for one in events])
    assert old.root == merkle.root_of(leaf for _, _, leaf in found[: old.size])
    assert said["event_id"] in {event_id for _, event_id, _ in found[old.size :]}
    assert (receipt.id, 5, covered.root.hex()) == tuple(about(said)[name] for name in ("receipt", "count", "events"))
    rows = await server.operator.work("t1").all(store.COVERED_BY, receipt=receipt.id)
    assert sorted(one["id"] for one in events) == [row["event_id"] for row in rows]


@pytest.mark.requirement("record:erase:what-is-told-late-goes-too")
@pytest.mark.parametrize("beside", [0, 20], ids=["few", "among many"])
async def test_what_a_server_tells_late_of_somebody_who_was_erased_is_not_kept(server, beside):
    """C50: a spool that was away for a day brings nobody back; what happens to them after that is a new story."""
    early, waited = told(server), told(server)
    await tell(server, early)
    await erased(server, CUSTOMER)
    server.clock.advance(60)
    afterwards = told(server)
    others = [told(server, subjects=[["email", f"c{number}@customer.example"]]) for number in range(beside)]

    answer = await tell(server, waited, afterwards, *others)

    rows, work = {row["event_id"]: row for row in await calls(server)}, server.operator.work("t1")
    assert 2 + beside == answer["accepted"]
    with pytest.raises(VaultError, match="erased"):
        open_payload(work, rows[waited["id"]])
    assert {"customer": CUSTOMER} == open_payload(work, rows[afterwards["id"]])["arguments"]
    [covered] = await work.all(store.RECEIPT_OF, event_id=waited["id"])
    assert covered["receipt"].startswith("era_")


@pytest.mark.requirement("record:erase:by-command")
async def test_an_operator_erases_somebody_by_one_command_that_first_says_how_much(server):
    """C50: by address, which finds a user in each organisation and whoever is called so in others' calls."""
    sub = server.world.people["u1"].subs["t1"]
    await tell(server, told(server, sub=sub, subjects=[]), told(server, subjects=[["email", "other@x.example"]]))
    email = server.world.people["u1"].email

    would = await forget(server.operator.machines, email, is_rehearsal=True)
    done = await forget(server.operator.machines, email.upper())
    again = await forget(server.operator.machines, email, is_rehearsal=True)

    t1 = server.world.tenants["t1"]
    assert {one.tenant: one.count for one in would} == {one.tenant: one.count for one in done}
    assert [] == [one.receipts for one in would if one.receipts]
    assert all(one.receipts for one in done)
    assert 1 <= {one.tenant: one.count for one in done}[t1]
    assert [] == again
