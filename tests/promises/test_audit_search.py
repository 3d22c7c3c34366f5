"""An operator finds in the record what they look for, at a price that does not grow with the record."""

import sqlite3

import pytest

from authserver.domain.audit import event, search, store
from authserver.domain.audit.event import Outcome
from authserver.domain.audit.search import Wanted
from tests.support.world import R1


async def found(server, **wanted):
    """Return the kinds that are found in t1, newest first, over as many pages as there are."""
    work, kinds, after = server.operator.work("t1"), [], None
    while True:
        page = await search.search(work, Wanted(**wanted), after=after, most=2)
        kinds += [one.kind for one in page.events]
        if page.after is None:
            return kinds
        after = page.after


@pytest.mark.requirement("admin:audit:what-is-looked-for-is-found")
async def test_each_question_finds_what_it_asks_for_and_nothing_else(server):
    """Ours: what did this application do, what happened to this person, what was refused, what did operators change."""
    app, other = server.client("P"), server.client("B")
    tokens = await app.sign_in("u1")
    server.clock.advance(10)
    between_us = server.clock.now * 1_000_000
    await app.refresh("rt_nonsense")
    await other.sign_in("u2")
    await server.operator.set_member("v1", "t1", roles=("approver", "member"))
    person = server.world.people["u1"].subs["t1"]
    owner = tokens.claims["authorization_id"]

    assert ["client:authorization:started"] == await found(
        server, kind="client:authorization:s", client_id=app.app.client_id
    )
    assert {"client:token:refused"} == set(await found(server, outcome=Outcome.REFUSED, client_id=app.app.client_id))
    of_person = await found(server, sub=person)
    assert "person:consent:allowed" in of_person
    assert set(await found(server, sub=server.world.people["u2"].subs["t1"], client_id=app.app.client_id)) == set()
    assert {"client:authorization:started", "client:token:issued"} <= set(await found(server, authorization_id=owner))
    assert "client:token:issued" in await found(server, resource=R1)
    assert [] == await found(server, resource=R1, until_us=1)
    assert "client:token:refused" not in await found(server, until_us=between_us)
    assert "client:code:issued" not in await found(server, since_us=between_us, client_id=app.app.client_id)
    assert ["operator:user:changed"] == await found(server, kind="operator:", since_us=between_us)
    assert [] == await found(server, kind="%")


@pytest.mark.requirement("admin:audit:what-is-looked-for-is-found")
async def test_pages_hold_every_event_once_newest_first(server):
    """Ours: many events carry one moment, and a page may end between them."""
    await server.client("P").sign_in("u1")
    server.clock.advance(1)
    await server.client("B").sign_in("u2")
    rows = await event.recent(server.operator.work("t1"), most=1000)

    work, seen, after = server.operator.work("t1"), [], None
    while True:
        page = await search.search(work, Wanted(), after=after, most=3)
        assert len(page.events) <= 3
        seen += [one.id for one in page.events]
        if page.after is None:
            break
        after = page.after

    assert [row["event_id"] for row in rows] == seen
    assert len(seen) > 9


@pytest.mark.requirement("admin:audit:a-page-costs-the-same")
async def test_a_rare_event_is_found_page_by_page_each_of_which_reads_few_rows(server):
    """Ours: an operator who looks for one event among a million may not stop the server meanwhile."""
    await server.client("P").sign_in("u1")
    for _ in range(3):
        server.clock.advance(1)
        await server.client("B").sign_in("u2")
    work = server.operator.work("t1")
    wanted = Wanted(client_id=server.client("P").app.client_id, kind="client:authorization:started")

    pages, after = [], None
    while after is not None or not pages:
        pages.append(await search.search(work, wanted, after=after, window=3, examined=6))
        after = pages[-1].after

    assert ["client:authorization:started"] == [one.kind for page in pages for one in page.events]
    assert len(pages) > 2
    assert () == pages[0].events


@pytest.mark.requirement("admin:audit:a-page-costs-the-same")
async def test_another_tenants_events_are_never_found(server):
    """TN-15: nor how many there are."""
    await server.client("X").sign_in("u9")
    work = server.operator.work("t1")
    theirs = await event.recent(server.operator.work("t2"))

    assert [] == await found(server, client_id=server.client("X").app.client_id)
    assert None is await search.find(work, theirs[0]["event_id"])
    assert theirs[0]["event_id"] == (await search.find(server.operator.work("t2"), theirs[0]["event_id"])).id


@pytest.mark.requirement("admin:audit:a-page-costs-the-same")
@pytest.mark.one_database
def test_the_record_is_read_along_its_index(server):
    """Ours: in the order in which the index has it, from the place where the page begins."""
    connection = sqlite3.connect(server.place.url.removeprefix("sqlite:///"))
    plans = {
        name: " ".join(
            row[3]
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", dict.fromkeys(statement.parameters))
        )
        for name, statement in {
            "search": store.SEARCH, "end": store.WINDOW_END, "narrowed": store.NARROWED[("client_id", "tool")], "trace": store.SEARCH_OF_TRACE,
            "call": store.SEARCH_OF_CALL, "approval": store.SEARCH_OF_APPROVAL,
        }.items()
    }  # fmt: skip
    connection.close()

    assert (
        "USING INDEX ix_audit_events_looked_through (tenant_id=? AND at_us>? AND (at_us,event_id)<(?,?))"
        in plans["search"]
    )
    for name in ("end", "narrowed"):
        assert (
            "USING COVERING INDEX ix_audit_events_looked_through (tenant_id=? AND at_us>? AND (at_us,event_id)<(?,?))"
            in plans[name]
        )
    for name in ("trace", "call", "approval"):
        assert (
            f"USING INDEX ix_audit_events_tenant_id_{name}_id (tenant_id=? AND {name}_id=? AND at_us>? AND (at_us,event_id)<(?,?))"
            in plans[name]
        )
