"""The admin API says what nobody uses, tool by tool and authorization by authorization, to whom it concerns. C54."""

from datetime import date

import pytest

from authserver.domain.resources import listing
from authserver.domain.tokens import uses
from tests.promises.test_unused import DAY, day, used
from tests.support.administered import administered
from tests.support.tooled import named, report
from tests.support.world import R1, R5


@pytest.mark.requirement("inventory:unused:shown-and-ended")
async def test_each_operator_is_told_which_tools_are_unused_where_they_act(server):
    """Decision 22: a tenant's own; the platform's whether anybody used them, or in a tenant that they name; page by page."""
    admin, (t1, t2) = await administered(server), (server.world.tenants[slug] for slug in ("t1", "t2"))
    await report(server, "RS5", used("export"), used("search", **{t1: day(server)}))
    await report(server, "RS1", named("search_orders"))
    server.clock.advance(31 * DAY)
    await report(server, "RS5", used("export", **{t2: day(server)}), used("search"))
    admin.tokens.clear()

    async def asked(who, query=""):
        answer = await admin.call("GET", "/unused-tools" + query, who)
        return answer.json() if answer.status_code == 200 else answer.status_code

    mine, theirs, all_of_them = [await asked(who) for who in ("d1", "a2", "p1")]
    first = await asked("d1", "?limit=1")
    second = await asked("d1", f"?limit=1&cursor={first['next']}")
    narrow = await asked("p1", f"?tenant=t2&resource={R5}&days=40")

    assert [("export", None), ("search", 0)] == [
        (one["tool"], one["last_used_on"] and one["last_used_on"] % DAY) for one in mine["items"]
    ]
    assert (30, [R1]) == (mine["days"], [uri for uri in mine["untold"] if uri == R1])
    assert ([["search"], ["search"]]) == [[one["tool"] for one in said["items"]] for said in (theirs, all_of_them)]
    assert (["export"], ["search"], None) == (
        [one["tool"] for one in first["items"]], [one["tool"] for one in second["items"]], second["next"],
    )  # fmt: skip
    assert [] == narrow["items"]
    assert [404, 422, 400] == [
        await asked("d1", query) for query in ("?resource=https://nobody.example/mcp", "?days=0", "?cursor=forged")
    ]


@pytest.mark.requirement("inventory:unused:shown-and-ended")
async def test_unused_authorizations_are_found_and_one_is_ended(server_with):
    """C54: what nobody used for so long, and the verb that there is."""
    server = await server_with(
        interactive_idle_seconds=90 * DAY, interactive_absolute_seconds=90 * DAY, unused_after_days=31
    )
    admin, web = await administered(server), server.client("P")
    idle, active = [await web.sign_in("u1") for _ in range(2)]
    server.clock.advance(20 * DAY)
    await web.refresh(active)
    await uses.keep(server.machines)
    server.clock.advance(12 * DAY)

    async def found(query):
        answer = await admin.call("GET", f"/authorizations?{query}", "a1")
        return [one["id"] for one in answer.json()["items"]] if answer.status_code == 200 else answer.status_code

    unused = await found("unused=true")
    sooner = await found("unused=true&days=11")
    ended = await admin.change("DELETE", f"/authorizations/{unused[0]}", "a1")

    assert [idle.claims["authorization_id"]] == unused
    assert {idle.claims["authorization_id"], active.claims["authorization_id"]} == set(sooner)
    assert (204, []) == (ended.status_code, await found("unused=true"))
    assert 422 == await found("days=11")


@pytest.mark.requirement("inventory:sunset:then-it-is-gone")
async def test_the_admin_api_says_the_last_day_of_a_tool_and_that_nobody_is_offered_it_after_that(server):
    """C53: the server's own word and the tenant's, the earlier one."""
    admin = await administered(server)
    await report(server, "RS1", named("search_orders") | {"sunset": day(server, 9)}, named("update_order"))
    await server.operator.demand("t1", R1, "search_orders", sunset=date.fromisoformat(day(server, 1)))

    async def listed():
        said = (await admin.call("GET", f"/resources/{listing.id_of(R1)}/tools", "a1")).json()["items"]
        found = {one["name"]: (one["sunset"], one["is_offered"]) for one in said}
        return found["search_orders"], found["update_order"]

    before, last = await listed(), day(server, 1)
    server.clock.advance(2 * DAY)
    admin.tokens.clear()

    assert ((last, True), (None, True)) == before
    assert ((last, False), (None, True)) == await listed()
