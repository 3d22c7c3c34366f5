"""Somebody wants to read what the record says of people without being in it: every way there is, walked one after the other."""

import json

import pytest

from authserver.cli.control.local import LocalControl
from authserver.cli.control.port import WhatHappened
from authserver.domain.audit import exporting, sealing
from authserver.domain.audit.event import Kind
from authserver.domain.audit.header import about
from tests.support.administered import Administered, administered
from tests.support.calls_told import tell, told
from tests.support.console import at_console

SECRET = "the-words-of-customer-8812"
READINGS = {Kind.RECORD_SEARCHED.value, Kind.RECORD_OPENED.value, Kind.RECORD_EXPORTED.value}


async def by_console(server, call):
    visitor = await at_console(server, "d1")
    page = await visitor.open(f"record/{call['id']}", tenant="t1")
    return (await visitor.browser.submit([form for form in page.forms if form.value("csrf")][-1])).text


async def by_api(server, call):
    admin = await administered(server)
    return (await admin.call("GET", f"/audit/{call['id']}", "d1")).text


async def by_api_export(server, call):
    del call
    admin = await administered(server)
    return (await admin.call("GET", "/audit/export?payloads=true", "d1")).text


async def by_the_platform(server, call):
    admin = await administered(server)
    return (await admin.call("GET", f"/audit/{call['id']}?tenant=t1", "p2")).text


async def by_command(server, call):
    control = LocalControl(server.machines)
    return json.dumps(await control.events("t1", WhatHappened(call=call["id"], opened=True), most=5))


async def by_command_of_everything(server, call):
    del call
    control = LocalControl(server.machines)
    return json.dumps([rows async for rows in control.every_event("t1", WhatHappened(kind="call:", opened=True))])


async def by_exported_file(server, call):
    del call
    lines: list[bytes] = []
    await exporting.export(server.operator.work("t1"), lines.append, with_payloads=True)
    return b"".join(lines).decode()


WAYS = {
    each.__name__: each
    for each in (
        by_console,
        by_api,
        by_api_export,
        by_the_platform,
        by_command,
        by_command_of_everything,
        by_exported_file,
    )
}


@pytest.mark.requirement("questions:readers:every-opening-is-known")
@pytest.mark.parametrize("way", WAYS)
async def test_whoever_reads_what_was_said_stands_in_the_record_that_they_read(server, way):
    """C45: what comes out says it, and so does the record of that organisation, whoever read it and however."""
    call = told(server, arguments={"note": SECRET})
    await tell(server, call)
    await sealing.seal_round(server.machines)

    said = await WAYS[way](server, call)

    opened = [
        about(row)
        for row in await server.operator.events("t1")
        if row["kind"] in READINGS - {Kind.RECORD_SEARCHED.value}
    ]
    assert SECRET in said, said[:500]
    assert 1 == len(opened)
    assert call["id"] in opened[0].get("events", ()) or opened[0]["with_payloads"]


@pytest.mark.requirement("questions:readers:every-opening-is-known")
@pytest.mark.one_database
async def test_what_cannot_be_recorded_is_not_shown(server):
    """AU-05: a record that takes no more shows no more, on any way."""
    import sqlite3

    call = told(server, arguments={"note": SECRET})
    await tell(server, call)
    await sealing.seal_round(server.machines)
    visitor, admin = await at_console(server, "d1"), Administered(server=server)
    await admin.token("d1")
    page = await visitor.open(f"record/{call['id']}", tenant="t1")
    with sqlite3.connect(server.place.url.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_events WHEN NEW.kind LIKE 'operator:record:%' "
            "BEGIN SELECT RAISE(ABORT, 'no more'); END"
        )

    shown = await visitor.browser.submit([form for form in page.forms if form.value("csrf")][-1])
    answers = [
        await admin.call("GET", path, "d1")
        for path in (f"/audit/{call['id']}", "/audit", "/audit/export?payloads=true")
    ]

    assert shown.status >= 500 or SECRET not in shown.text
    assert all(SECRET not in one.text for one in answers)
    assert SECRET not in shown.text


@pytest.mark.requirement("questions:readers:every-look-is-known")
async def test_whoever_looks_at_one_call_alone_stands_in_the_record_too(server):
    """C45: by an address that somebody gave them, without a search before; an operator who may open nothing, too."""
    call = told(server, arguments={"note": SECRET})
    await tell(server, call)
    visitor, admin = await at_console(server, "o1"), Administered(server=server)

    await visitor.open(f"record/{call['id']}", tenant="t1")
    header = await admin.call("GET", f"/audit/{call['id']}", "o1")

    rows = [about(row) for row in await server.operator.events("t1") if row["kind"] == Kind.RECORD_SEARCHED.value]
    assert 200 == header.status_code and SECRET not in header.text
    assert [("api", ["call"], 1), ("console", ["call"], 1)] == sorted(
        (row["via"], row["filters"], row["rows"]) for row in rows
    )
