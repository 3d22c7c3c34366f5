"""An operator sees who has what: person, application, MCP server, since when, last used, until when, and what has ended."""

import sqlite3

import pytest

from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.tokens import search, store
from authserver.domain.tokens.search import State, Wanted
from resource_lib.wire.control import Kind
from tests.support.world import R1, R5


async def ids(server, tenant="t1", most=2, **wanted):
    """Return the ids that are found, newest first, over as many pages as there are."""
    work, found, after = server.operator.work(tenant), [], None
    while True:
        page = await search.search(work, Wanted(**wanted), after=after, most=most)
        found += [one.authorization.id for one in page.found]
        if page.after is None:
            return found
        after = page.after


async def logins(server, *who):
    """Return the authorizations of several logins, a second apart, oldest first."""
    found = []
    for letter, person in who:
        tokens = await server.client(letter).sign_in(person)
        found.append(tokens.claims["authorization_id"])
        server.clock.advance(1)
    return found


@pytest.mark.requirement("admin:authorizations:who-has-what")
async def test_each_question_finds_what_it_asks_for_newest_first(server):
    """C51: which agents of this person, which people of this application, what has ended."""
    first, second, third, fourth = await logins(server, ("P", "u1"), ("P", "u2"), ("B", "u1"), ("P", "u1"))
    await server.operator.end_authorization("t1", second)
    person = server.world.people["u1"].subs["t1"]

    assert [fourth, third, second, first] == await ids(server)
    assert [fourth, third, first] == await ids(server, sub=person)
    assert [fourth, second, first] == await ids(server, client_id=server.client("P").app.client_id)
    assert [fourth, first] == await ids(server, client_id=server.client("P").app.client_id, sub=person)
    assert [second] == await ids(server, state=State.ENDED)
    assert [fourth, first] == await ids(server, client_id=server.client("P").app.client_id, state=State.LIVE)
    assert [] == await ids(server, resource=R5)
    assert [fourth, third, second, first] == await ids(server, resource=R1)
    assert [] == await ids(server, "t2")


@pytest.mark.requirement("admin:authorizations:who-has-what")
async def test_its_last_use_and_its_end_are_told(server):
    """Ours: an operator looks for what nobody uses any more."""
    began = server.now
    app = server.client("P")
    tokens = await app.sign_in("u1")
    server.clock.advance(3600)
    tokens = await app.refresh(tokens)
    work = server.operator.work("t1")

    (found,) = (await search.search(work, Wanted())).found

    settings = server.settings
    assert (began, server.now) == (found.started_at, found.last_used_at)
    assert server.now + settings.interactive_idle_seconds == found.ends_at
    assert (State.LIVE, "") == (found.state, found.ended_by)
    server.clock.advance(settings.interactive_idle_seconds)
    over = await search.find(server.operator.work("t1"), found.authorization.id)
    assert (State.ENDED, "expired") == (over.state, over.ended_by)
    assert [found.authorization.id] == await ids(server, state=State.ENDED)
    assert [] == await ids(server, state=State.LIVE)


@pytest.mark.requirement("admin:authorizations:what-a-kill-ended-is-ended")
@pytest.mark.parametrize("kind", [Kind.USER, Kind.CLIENT, Kind.TENANT, Kind.EVERYTHING])
async def test_what_a_kill_has_counted_out_is_ended_at_once(server, kind):
    """Decision 14: no row of it was touched."""
    (known,) = await logins(server, ("P", "u1"))
    tenant = server.world.tenants["t1"]
    target = {
        Kind.USER: Target(kind=kind, tenant=tenant, sub=server.world.people["u1"].subs["t1"]),
        Kind.CLIENT: Target(kind=kind, tenant=tenant, client_id=server.client("P").app.client_id),
        Kind.TENANT: Target(kind=kind, tenant=tenant),
        Kind.EVERYTHING: Target(kind=kind),
    }[kind]
    work = server.operator.work("t1")

    kill_switch.kill(work, target, reason="a laptop was stolen", by=By(tenant="*", label="the suite"))
    assert await work.commit()

    (found,) = (await search.search(server.operator.work("t1"), Wanted())).found
    assert (State.ENDED, "ended_by_number") == (found.state, found.ended_by)
    assert ([], [known]) == (await ids(server, state=State.LIVE), await ids(server, state=State.ENDED))


@pytest.mark.requirement("admin:authorizations:who-has-what")
async def test_the_few_that_live_are_found_page_by_page_each_of_which_reads_few_rows(server):
    """Ours: after a mass revocation nearly all have ended."""
    known = await logins(server, ("P", "u1"), ("B", "u2"), ("B", "u1"), ("B", "u2"), ("B", "u1"))
    for one in known[1:]:
        await server.operator.end_authorization("t1", one)
    work, wanted = server.operator.work("t1"), Wanted(state=State.LIVE)

    pages, after = [], None
    while after is not None or not pages:
        pages.append(await search.search(work, wanted, after=after, window=1, examined=2))
        after = pages[-1].after

    assert [known[0]] == [one.authorization.id for page in pages for one in page.found]
    assert len(pages) > 2


@pytest.mark.requirement("admin:authorizations:who-has-what")
@pytest.mark.one_database
def test_they_are_read_along_an_index(server):
    """Ours: a million of them are one page's price."""
    connection = sqlite3.connect(server.place.url.removeprefix("sqlite:///"))
    plan = {
        name: " ".join(
            row[3]
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", dict.fromkeys(statement.parameters))
        )
        for name, statement in vars(store).items()
        if name.startswith("SEARCH")
    }
    connection.close()

    for name, index in {"": "created_at", "_OF_CLIENT": "client_id_created_at", "_OF_SUB": "sub_created_at"}.items():
        for begin in ("SEARCH", "SEARCH_END"):
            assert f"ix_authorizations_tenant_id_{index} " in plan[begin + name], (name, plan[begin + name])
