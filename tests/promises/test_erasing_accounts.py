"""A person is erased with their account, wherever their rows lie, and out of what others were shown; a tenant's record as a whole."""

import asyncio
from functools import partial

import pytest

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals.showing import NotReadableError, shown
from authserver.domain.audit import erasing, event, sealing, store
from authserver.domain.audit.event import Kind, open_payload
from authserver.domain.audit.header import about
from authserver.domain.forgetting import cleaning
from authserver.domain.forgetting.account import NobodyError, erase_account
from authserver.domain.forgetting.forgetting import forget, forget_tenant
from authserver.domain.forgetting.naming import named_by
from authserver.runtime.migration import every_table
from authserver.runtime.of_person import OF_MEMBER, OF_PERSON
from authserver.runtime.vault import VaultError
from resource_lib.wire.record import new_id
from tests.promises.test_call_reports import CUSTOMER, calls, tell, told
from tests.support.approvals import refunding, tool_server
from tests.support.intruder import Intruder
from tests.support.world import READ

STAYS = {
    # What ended stays ended, by an id that leads nowhere any more.
    ("control_events", "subject"),
    ("kills", "subject"),
    ("kills", "target"),
    # About other people's calls, for as long as these are kept.
    ("approval_decisions", "sub"),
    # Keyed references, or an id that names nobody: of the audit log, of an application.
    ("audit_events", "sub_ref"),
    ("audit_subjects", "subject_ref"),
    ("audit_erased_subjects", "subject_ref"),
    ("signals", "sub_ref"),
    ("client_verdicts", "subject"),
}


def everything(intruder):
    """Return every row of every table as a text, by table."""
    tables = every_table().tables
    return {name: "\n".join(map(str, intruder.run((f'SELECT * FROM "{name}"',)))) for name in tables}


@pytest.mark.requirement("forget:account:every-row")
async def test_no_row_is_left_that_leads_to_somebody_who_was_erased(server, templates):
    """C50: consents, logins, memberships, sessions, keys, calls that waited: only what keeps their tokens dead holds an opaque id."""
    who = server.world.people["u1"]
    token = await server.client("P").sign_in("u1", scope=READ)
    await tool_server(server).asked(await refunding(server, "u1"))
    names = {who.person_id, *who.subs.values()}
    intruder = Intruder(server, templates)
    before = everything(intruder)
    assert {"persons", "memberships", "consents", "authorizations", "browser_sessions", "approvals"} <= {
        table for table, rows in before.items() if any(name in rows for name in names)
    }

    done = await erase_account(server.operator.machines, who.email.upper())

    left = {table for table, rows in everything(intruder).items() if any(name in rows for name in names)}
    assert set(who.subs) == {slug for slug, found in server.world.tenants.items() if found in done.tenants}
    assert left <= {table for table, _ in STAYS}
    assert not (await server.client("P").refresh(token)).ok
    assert not (await cleaning.state(server.operator.machines)).is_clean
    with pytest.raises(NobodyError):
        await erase_account(server.operator.machines, who.email)


@pytest.mark.requirement("forget:account:every-row")
def test_every_column_that_names_a_person_is_known_to_whoever_erases():
    """C50: a table that is added and forgotten would keep a person."""
    known = {table for table, _ in (*OF_MEMBER, *OF_PERSON)} | {table for table, _ in STAYS}
    named = {
        (table.name, column.name)
        for table in every_table().tables.values()
        for column in table.columns
        if column.name in {"sub", "person_id", "given_by", "subject", "sub_ref", "subject_ref"}
    }

    assert set() == {(table, column) for table, column in named if table not in known}


@pytest.mark.requirement("forget:others-approvals")
async def test_what_others_were_shown_of_somebody_goes_and_a_call_that_runs_ends_as_it_would(server):
    """C50: a customer stands in the arguments of a call that waits for somebody else's yes; a like one with another customer stays."""
    tools, token = tool_server(server), await refunding(server, "u2")
    about_them = await tools.asked(token, {"order_id": f"of {CUSTOMER}", "amount_cents": 1})
    other = await tools.asked(token, {"order_id": f"of jo{CUSTOMER}", "amount_cents": 1})

    [would] = await forget(server.operator.machines, CUSTOMER, only=server.world.tenants["t1"], is_rehearsal=True)
    await forget(server.operator.machines, CUSTOMER)

    work = server.operator.work("t1")
    assert 1 == would.shown
    with pytest.raises(NotReadableError):
        shown(work, await approvals.find(work, about_them))
    assert "jo" + CUSTOMER in str(shown(work, await approvals.find(work, other)))


@pytest.mark.requirement("forget:others-approvals")
@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ('{"to":"grace.canary@customer.example"}', True),
        ('{"to":"\\u0067race.canary@customer.example"}', True),
        ('{"said":"write to Grace.Canary@Customer.example, please"}', True),
        ('{"result":{"content":[{"text":"{\\"mail\\":\\"GRACE.CANARY@customer.example\\"}"}]}}', True),
        ('{"phone":"0049 170 123-4567"}', True),
        ('{"id":88123456}', True),
        ('{"to":"jograce.canary@customer.example"}', False),
        ('{"to":"grace.canary@customer.example.org"}', True),
        ('{"id":881234567}', False),
    ],
)
def test_somebody_is_found_in_a_text_however_they_are_written(text, is_named):
    """C50; what only begins like them counts as well where a sentence may end, what only ends like them does not."""
    assert is_named == named_by([CUSTOMER, "+49 170 1234567", "88123456"])(text)


@pytest.mark.requirement("forget:tenant-whole")
async def test_a_whole_tenants_record_is_erased_by_receipts_and_nobody_elses(server):
    """C50: all that is said in it, what comes late too; headers stay, and the platform's log says that it happened."""
    late = told(server)
    await tell(server, told(server), told(server, subjects=[]), told(server, tenant="t2"))
    machines, t1 = server.operator.machines, server.world.tenants["t1"]

    would = await forget_tenant(machines, t1, is_rehearsal=True)
    done = await forget_tenant(machines, t1, by="contract 12 ended")
    again = await forget_tenant(machines, t1, is_rehearsal=True)
    await tell(server, late)
    server.clock.advance(1)
    await tell(server, told(server))

    work = server.operator.work("t1")
    rows = await calls(server)
    readable = [row for row in rows if row["payload"] is not None]
    assert would.count == done.count >= 2 and again.count == 0
    assert (4, 1) == (len(rows), len(readable))
    with pytest.raises(VaultError, match="erased"):
        open_payload(work, next(row for row in rows if row["event_id"] == late["id"]))
    assert [None] != [row["payload"] for row in await calls(server, "t2")]
    said = [
        row for row in await event.recent(machines.work(tenant="*"), most=1000) if row["kind"] == Kind.TENANT_ERASED
    ]
    assert [(t1, done.count)] == [(about(row)["of"], about(row)["count"]) for row in said]


@pytest.mark.requirement("forget:overtaken")
async def test_what_was_written_while_somebody_was_erased_is_erased_before_it_is_sealed(server):
    """C50: an event of ours that was under way when they were erased, and that no erasure has seen."""
    machines, sub = server.operator.machines, server.world.people["u1"].subs["t1"]
    under_way = server.operator.work("t1")
    event.record(under_way, Kind.CONSENT_ALLOWED, sub=sub, payload={"said": "by u1"})
    event.record(under_way, Kind.CONSENT_ALLOWED, sub="usr_else", payload={"said": "by another"})
    await forget(machines, sub)
    assert await under_way.commit()

    await sealing.seal_round(machines)

    work = server.operator.work("t1")
    rows = [row for row in await server.operator.events("t1") if row["kind"] == Kind.CONSENT_ALLOWED]
    assert [False, True] == sorted(row["payload"] is not None for row in rows)
    [gone] = [row for row in rows if row["payload"] is None]
    assert event.reference(work, sub) == gone["sub_ref"]
    [covered] = await work.all(store.RECEIPT_OF, event_id=gone["event_id"])
    assert covered["receipt"].startswith("era_")


@pytest.mark.requirement("forget:keys:one-by-one")
async def test_those_who_erase_two_people_at_once_destroy_the_keys_of_both_and_no_others(server):
    """C50: their payloads' keys are of one page, which both write anew: of two one begins again, and nobody's key comes back."""
    events = [told(server, id=new_id(server.clock()), subjects=[["customer", f"customer-{n}"]]) for n in range(8)]
    assert 8 == (await tell(server, *events))["accepted"]
    work = server.operator.work("t1")
    rows = [erasing.references(work, [f"customer-{n}"], []) for n in range(6)]
    erase = [
        server.operator.machines.written(partial(erasing.erase_some, refs=refs), tenant=server.world.tenants["t1"])
        for refs in rows
    ]

    receipts = await asyncio.gather(*erase)

    assert [1] * 6 == [receipt.count for receipt in receipts]
    found = await calls(server)
    assert 2 == sum(row["payload"] is not None for row in found)
    for row in found:
        if row["payload"] is not None:
            assert {"customer": CUSTOMER} == open_payload(work, row)["arguments"]
