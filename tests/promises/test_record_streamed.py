"""The record over the admin API while it is read: verified by whoever gets it, no faster than it is taken, and only for whom it is."""

import json

import pytest

from authserver.domain.audit import sealing
from authserver.domain.audit.event import Kind
from authserver.domain.audit.header import about
from authserver.runtime.schema import SHARED
from authserver.web.admin import audit_export
from resource_lib.verify import verify
from tests.support.administered import administered
from tests.support.calls_told import tell, told, unrun

EXPORT = "/audit/export"


async def made(server, calls=3):
    """Return who may ask, with some calls sealed."""
    admin = await administered(server)
    await tell(server, *(told(server) for _ in range(calls)), unrun(server, "refused"))
    await sealing.seal_round(server.machines)
    return admin


async def read(admin, query="", who="d1", **headers):
    """Return an export's lines."""
    answer = await admin.call("GET", EXPORT + query, who, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content.removesuffix(b"\n").split(b"\n")


@pytest.mark.requirement("questions:export:verified-by-whoever-gets-it")
async def test_what_comes_over_the_wire_is_verified_also_packed_and_from_any_row_on(server):
    """C49: the same format as the command's, so the same verifier reads it; and that it was read is in it."""
    admin = await made(server)
    key = sealing.verifier(server.machines)

    whole = verify(await read(admin), keys=[key])
    packed = await admin.call("GET", EXPORT, "d1", headers={"accept-encoding": "gzip"})
    part = verify(await read(admin, "?from=2"), keys=[key])

    assert ((), ()) == (whole.findings, part.findings)
    assert "gzip" == packed.headers["content-encoding"]
    assert whole.rows - 2 == part.rows > 4
    exported = [about(row) for row in await server.operator.events("t1") if row["kind"] == Kind.RECORD_EXPORTED.value]
    assert [False] * 3 == [one["with_payloads"] for one in exported]
    assert all("by" in one for one in exported)


@pytest.mark.requirement("questions:export:lines-that-answer")
async def test_events_come_line_by_line_by_their_kind_and_go_on_where_they_ended(server):
    """Ours: for whoever keeps the record elsewhere; a second reading has only what is new."""
    admin = await made(server)

    *calls, end = [json.loads(line) for line in await read(admin, "?form=events&kind=call:")]
    *refused, _ = [json.loads(line) for line in await read(admin, "?form=events&decision=refused")]
    await tell(server, told(server, tool="later"))
    await sealing.seal_round(server.machines)
    *later, _ = [json.loads(line) for line in await read(admin, f"?form=events&kind=call:&from={end['end']['next']}")]

    assert 4 == len(calls)
    assert sorted(one["i"] for one in calls) == [one["i"] for one in calls]
    assert ["call:tool:refused"] == [one["event"]["kind"] for one in refused]
    assert ["later"] == [one["event"]["about"]["tool"] for one in later]
    assert "customer-8812" not in str(calls)


@pytest.mark.requirement("questions:export:payloads-need-a-fresh-login")
async def test_what_names_people_leaves_after_a_fresh_login_and_for_whom_it_may_alone(server):
    """AD-12, decision 15: in the clear only for administrators and auditors who have just proven who they are, and recorded before."""
    admin = await made(server)

    clear = await read(admin, "?payloads=true", "d1")
    operator = await admin.call("GET", EXPORT + "?payloads=true", "o1")
    filtered = await admin.call("GET", EXPORT + "?kind=call:", "d1")
    far = await admin.call("GET", EXPORT + "?from=99999", "d1")
    server.clock.advance(400)
    stale = await admin.call("GET", EXPORT + "?payloads=true", "d1")
    without = await admin.call("GET", EXPORT, "d1")

    assert b"customer-8812" in b"".join(clear)
    assert (403, 422, 422, 401, 200) == tuple(one.status_code for one in (operator, filtered, far, stale, without))
    asked = [about(row)["what"] for row in await server.operator.events("t1") if row["kind"] == Kind.ADMIN_ASKED.value]
    assert ["audit:export"] == asked


@pytest.mark.requirement("questions:export:bounded")
async def test_exports_are_bounded_in_number_and_each_gives_its_seat_back(server, monkeypatch):
    """Ours: two at a time in a process and some in an hour, for each tenant; and whoever was refused took nothing."""
    admin = await made(server)
    seats, own = server.machines.exports, server.world.tenants["t1"]
    with seats.take(own), seats.take(own):
        full = await admin.call("GET", EXPORT, "d1")
    monkeypatch.setattr(audit_export, "_AN_HOUR", 2)

    with seats.take("another"), seats.take("another"):
        statuses = [(await admin.call("GET", EXPORT, "d1")).status_code for _ in range(3)]

    assert (429, "30") == (full.status_code, full.headers["retry-after"])
    assert [200, 200, 429] == statuses
    assert 0 == seats.taken


@pytest.mark.requirement("questions:export:bounded")
@pytest.mark.one_database
async def test_no_more_is_read_than_is_taken_and_power_that_is_gone_ends_it(server, monkeypatch):
    """Ours: a reader who stops holds a page or two, not the log; one who lost their role gets no last line."""
    from authserver.domain.audit import exporting, streaming

    admin = await made(server)
    await tell(server, *(told(server) for _ in range(400)))
    await tell(server, *(told(server) for _ in range(400)))
    await sealing.seal_round(server.machines)
    read_rows, rows = [], exporting._Source.rows

    async def counted(self, begin, end):
        read_rows.append(begin)
        return await rows(self, begin, end)

    monkeypatch.setattr(exporting._Source, "rows", counted)

    async def permitted():
        pass

    work = server.machines.work(tenant=server.world.tenants["t1"])
    pages = streaming.export(work, first=0, with_payloads=False, permitted=permitted)
    first = await anext(pages)
    for _ in range(20):
        await server.machines.work(tenant=SHARED).all(streaming.store.LOG)
    assert len(read_rows) <= 3
    await pages.aclose()
    assert b'"format"' in first

    monkeypatch.setattr(audit_export, "_ASKED_AGAIN_S", -1.0)
    await admin.token("d1")
    await server.operator.set_member("d1", "t1", roles=("member",))
    gone = await admin.call("GET", EXPORT, "d1")
    assert gone.status_code in {401, 403}


@pytest.mark.requirement("questions:export:payloads-need-a-fresh-login")
@pytest.mark.one_database
async def test_an_auditor_who_is_made_an_operator_meanwhile_reads_of_nobody_any_more(server, monkeypatch):
    """AD-12: the log may still be read; what names people may not, and the export that began with it ends there."""
    from authserver.domain.audit import exporting

    admin = await made(server)
    await tell(server, *(told(server) for _ in range(300)))
    await tell(server, *(told(server) for _ in range(300)))
    await sealing.seal_round(server.machines)
    rows, begun = exporting._Source.rows, []

    async def demoted(self, begin, end):
        if not begun:
            begun.append(begin)
            await server.operator.set_member("d1", "t1", roles=("operator",))
        return await rows(self, begin, end)

    monkeypatch.setattr(audit_export, "_ASKED_AGAIN_S", -1.0)
    monkeypatch.setattr(exporting._Source, "rows", demoted)

    cut = (await admin.call("GET", EXPORT + "?payloads=true", "d1")).content
    without = await admin.call("GET", EXPORT, "d1")

    assert b'{"end":' not in cut
    assert cut.count(b'"customer-8812"') <= 512
    assert 200 == without.status_code
    assert b'{"end":' in without.content
