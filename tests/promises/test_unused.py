"""What nobody uses is seen: tools by the day on which a call of them was let through, authorizations by the day of their last token. C54."""

from datetime import UTC, datetime

import pytest

from authserver import jobs
from authserver.domain.inventory import store
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import connection, search, uses
from authserver.domain.tokens.search import Wanted
from authserver.domain.tool_policies import tool_policy
from authserver.runtime.schema import metadata
from authserver.web.pages import words
from tests.support.console import at_console
from tests.support.guarding import POLICY, Guarding
from tests.support.tooled import Tooled, named, report, tool
from tests.support.world import R1, R5

DAY = 86_400


def day(server, days=0):
    """Return a day as a guard says it, so many days from today."""
    return datetime.fromtimestamp(server.now + days * DAY, UTC).date().isoformat()


def used(name, **days):
    return named(name) | {"used": days}


async def unused(server, tenant="t1", uri=R1, days=30):
    """Return which tools of a server nobody used in a tenant (None: in any)."""
    place = server.world.tenants[tenant] if tenant else None
    found = await tool_policy.unused(server.operator.work(), uri, place, days=days)
    return [one.tool for one in found.unused]


@pytest.mark.requirement("inventory:unused:tools-after-thirty-days")
async def test_a_tool_is_unused_after_thirty_days_and_not_after_twenty_nine(server):
    """C54: used 31 days ago, used 29 days ago, never used since it was named 31 and 29 days ago."""
    t1 = server.world.tenants["t1"]
    await report(server, "RS1", used("long_ago", **{t1: day(server)}), used("lately"), used("never"))
    server.clock.advance(2 * DAY)
    at_29 = [used("long_ago"), used("lately", **{t1: day(server)}), used("never"), used("new_and_never")]
    await report(server, "RS1", *at_29)

    server.clock.advance(28 * DAY)
    after_30 = await unused(server)
    server.clock.advance(DAY)
    after_31 = await unused(server)
    server.clock.advance(DAY)
    after_32 = await unused(server)

    assert [["never"], ["long_ago", "never"], ["long_ago", "never", "new_and_never"]] == [
        sorted(found) for found in (after_30, after_31, after_32)
    ]
    assert [] == await unused(server, days=60)


@pytest.mark.requirement("attack:unused:a-tenant-learns-of-no-other")
async def test_what_another_tenant_uses_says_nothing_to_this_one(server):
    """TN: a shared server; each tenant sees its own uses, the platform whether anybody used it. Nobody is believed about others."""
    t1, t2, t3 = (server.world.tenants[slug] for slug in ("t1", "t2", "t3"))
    await report(server, "RS5", used("export", **{t1: day(server)}), used("search"))
    server.clock.advance(31 * DAY)
    await report(server, "RS5t2", used("export", **{t1: day(server), t2: day(server)}))
    await report(server, "RS5", used("export", **{t3: day(server)}), used("search", **{t1: day(server, 400)}))
    seen = [await unused(server, place, R5) for place in ("t1", "t2", None)]
    server.clock.advance(32 * DAY)

    assert [["export"], ["search"], []] == seen, "t2's own server speaks of t2 alone"
    assert ["export", "search"] == sorted(await unused(server, "t1", R5)), "no day of tomorrow is believed"


@pytest.mark.requirement("inventory:unused:nobody-is-told-too-early")
async def test_nothing_is_unused_of_which_nobody_would_hear(server):
    """Ours: an older guard says nothing of uses; from the day on which a newer one does, thirty days begin."""
    await report(server, "RS1", named("search_orders"))
    server.clock.advance(60 * DAY)
    untold = await tool_policy.unused(server.operator.work(), R1, None, days=30)
    await report(server, "RS1", used("search_orders"))
    server.clock.advance(29 * DAY)
    too_early = await tool_policy.unused(server.operator.work(), R1, None, days=30)
    server.clock.advance(2 * DAY)

    assert ((), False) == (untold.unused, untold.is_told)
    assert ((), True) == (too_early.unused, too_early.is_told)
    assert ["search_orders"] == await unused(server, None)


@pytest.mark.requirement("inventory:unused:tools-after-thirty-days")
async def test_a_tool_that_was_taken_away_or_is_gone_is_not_asked_about_again(server):
    """C54: the list is what is left to do."""
    await report(server, "RS1", used("search_orders"), used("update_order"))
    server.clock.advance(31 * DAY)
    before = await unused(server)
    await server.operator.demand("t1", R1, "update_order", mode="deny")
    after = await unused(server)
    elsewhere = await unused(server, None)
    await report(server, "RS1", used("update_order"))

    assert [["search_orders", "update_order"], ["search_orders"]] == [before, after]
    assert ["search_orders", "update_order"] == elsewhere
    assert [] == await unused(server)


@pytest.mark.requirement("inventory:unused:a-guard-tells-days-and-nobody")
async def test_a_guard_tells_its_issuer_the_day_of_a_call_that_was_let_through_and_nothing_of_who_called(server):
    """C54: a listing and a refused call are no use; a hundred calls are one word; the next day is another one."""
    tokens = await server.client("P").sign_in("u1")
    guard = Guarding(server, behind=Tooled(*(tool(name) for name in POLICY)))
    try:
        await guard.listed(tokens.access_token)
        refused = await guard.call("purge_orders", tokens.access_token)
        for _ in range(100):
            await guard.call("search_orders", tokens.access_token)
        told = guard.guard.tool_report.uses.untold()
        await guard.tell()
        await guard.call("search_orders", tokens.access_token)
        again = guard.guard.tool_report.uses.untold()
    finally:
        await guard.guard.aclose()
    server.clock.advance(31 * DAY)

    assert 403 == refused.status
    assert {"search_orders": {server.world.tenants["t1"]: day(server, -31)}} == told
    assert {} == again, "what the issuer knows is not told twice"
    assert ["audit_orders", "purge_orders", "update_order"] == sorted(await unused(server, days=31))
    assert ["resource", "tool", "used_in", "used_on"] == metadata.tables["tool_uses"].columns.keys()


@pytest.mark.requirement("inventory:unused:read-strictly")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "said",
    [
        {"used": ["t1"]}, {"used": {"t1": 20_000}}, {"used": {"t1": "2026-1-1"}}, {"used": {"t1": "2026-02-30"}},
        {"used": {"x" * 65: "2026-01-01"}}, {"used": {f"t{n}": "2026-01-01" for n in range(2001)}},
        {"sunset": "soon"}, {"sunset": 20270331}, {"sunset": "2027-02-29"}, {"sunset": ""},
    ],
    ids=str,
)  # fmt: skip
async def test_a_report_that_says_days_otherwise_is_refused_whole(server, said):
    """Ours: nothing is guessed."""
    answer = await report(server, "RS1", named("search_orders") | said, status=400)

    assert "search_orders" in answer.text or "2000" in answer.text


async def idle(server, days=30):
    """Return the authorizations of t1 that nobody used for so many days."""
    await uses.keep(server.machines)
    work = server.operator.work("t1")
    page = await search.search(
        work, Wanted(state=search.State.LIVE, unused_since=search.unused_since(work, days)), most=50
    )
    return {one.authorization.id for one in page.found}


@pytest.mark.requirement("inventory:unused:authorizations")
async def test_an_authorization_is_used_when_a_token_of_it_is_made_or_comes_back(server_with):
    """C54: refreshed, introspected, given to a machine; each counts for its own authorization alone, to the day."""
    server = await server_with(
        interactive_idle_seconds=90 * DAY, interactive_absolute_seconds=90 * DAY, access_token_seconds=3600
    )
    web, machine = server.client("P"), server.client("M")
    forgotten, refreshed, shown = [await web.sign_in("u1") for _ in range(3)]
    standing = (await machine.client_credentials()).claims["authorization_id"]
    everything = {one.claims["authorization_id"] for one in (forgotten, refreshed, shown)} | {standing}
    server.clock.advance(12 * DAY - server.now % DAY - 900)
    await web.refresh(refreshed)
    token = (await machine.client_credentials()).access_token
    later = await web.refresh(shown)
    await uses.keep(server.machines)
    server.clock.advance(1800)
    assert (await server.client("RS1").introspect(later.access_token)).body["active"]
    server.clock.advance(17 * DAY)
    at_29 = await idle(server)
    server.clock.advance(2 * DAY)
    at_31 = await idle(server)
    server.clock.advance(11 * DAY)
    of_people = await idle(server)
    found = await search.find(server.operator.work("t1"), standing)

    assert token
    assert [set(), {forgotten.claims["authorization_id"]}] == [at_29, at_31]
    assert {forgotten.claims["authorization_id"], refreshed.claims["authorization_id"]} == of_people & everything
    assert 0 == found.last_used_at % DAY


@pytest.mark.requirement("inventory:unused:shown-and-ended")
async def test_the_console_lists_what_nobody_uses_and_one_press_leads_to_its_end(server_with):
    """C54: a server's tools with when each was last used, in words for when there is nothing and for when nobody knows."""
    server = await server_with(interactive_idle_seconds=90 * DAY, interactive_absolute_seconds=90 * DAY)
    t1, tokens = server.world.tenants["t1"], await server.client("P").sign_in("u1")
    visitor = await at_console(server, "o1")
    at = {"tenant": "t1", "kind": "resource", "server": R1}
    unknown = await visitor.open("server", **at)
    await report(server, "RS1", used("search_orders", **{t1: day(server)}), used("update_order"))
    empty, quiet = await visitor.open("server", **at), await visitor.open(tenant="t1")
    last_used = words.day(server.now)
    server.clock.advance(32 * DAY)
    await uses.keep(server.machines)
    shown = await visitor.sign_in("server", **at)
    overview = await visitor.open(tenant="t1")

    assert "guard does not say which tools are used" in unknown.text
    assert "Every tool was used within 30 days" in empty.text
    assert [True, True] == [said in shown.text for said in (f"last used: {last_used}", "last used: never, since")]
    assert 2 <= len([link for link in shown.links if "/console/stop?" in link and "tool=" in link])
    assert [False, True] == ["Sign-ins that nobody uses" in page.text for page in (quiet, overview)]
    assert any(tokens.claims["authorization_id"] in link for link in overview.links if "/console/end?" in link)


@pytest.mark.requirement("inventory:unused:shown-and-ended")
async def test_a_person_sees_that_an_application_was_not_used_though_its_sign_ins_are_long_forgotten(server):
    """C54: a permission lasts; when it was last used is kept with it, and said beside the way to end it."""
    app, person = server.client("P"), server.world.people["u1"]
    tokens = await app.sign_in("u1")
    for _ in range(29):
        server.clock.advance(DAY - 60)
        tokens = await app.refresh(tokens)
    await uses.keep(server.machines)
    last = server.now // DAY * DAY
    server.clock.advance(20 * DAY)
    await jobs.expire(server.machines)
    member = server.operator.work("t1")
    lately = await connection.in_tenant(member, person.person_id)
    server.clock.advance(12 * DAY)
    browser = server.browser()
    page = await browser.log_in(await browser.open("/account"), person.email, person.password)

    assert [(last, ())] == [(one.last_used_at, one.logins) for one in lately]
    assert "Not used for 30 days" in page.text


@pytest.mark.requirement("inventory:unused:a-guard-tells-days-and-nobody")
async def test_what_was_used_outlives_neither_its_tenant_nor_its_server(server):
    """Ours: a row for each tool and tenant, and none more."""
    t1 = server.world.tenants["t1"]
    work = server.operator.work()
    owner = tenants.add(work, slug="gone", name="Gone")
    resources.link(work, R5, owner.id)
    assert await work.commit()
    await report(server, "RS5", used("export", **{t1: day(server), owner.id: day(server)}))

    async def rows():
        return [await server.operator.work().all(store.USES_IN, resource=R5, used_in=place) for place in (t1, owner.id)]

    before = [len(found) for found in await rows()]
    work = server.operator.work()
    tenants.remove(work, owner)
    assert await work.commit()
    await jobs.expire(server.machines)
    without_it = [len(found) for found in await rows()]
    work = server.operator.work()
    resources.remove(work, R5)
    assert await work.commit()
    await jobs.expire(server.machines)

    assert [[1, 1], [1, 0]] == [before, without_it]
    assert [[], []] == await rows()
