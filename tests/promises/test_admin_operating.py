"""The nouns `authorizations`, `approvals`, `servers`, `audit`, and the search, of the admin API."""

import pytest

from authserver.cli.control.local import LocalControl
from authserver.domain.audit.event import Kind as Event
from authserver.domain.audit.event import reference
from authserver.domain.clients import registry
from authserver.domain.health import report
from authserver.domain.health.report import ReportedTool
from authserver.domain.resources import listing
from tests.support.administered import administered
from tests.support.approvals import refunding, tool_server
from tests.support.following import follower, noted
from tests.support.world import R1, R5


def told(answer):
    return {name: value for name, value in answer.json().items() if name != "instance"}


async def pages(admin, path, who, *, limit=2):
    """Return every item of a list, over as many pages as there are."""
    found, cursor = [], ""
    while True:
        page = (await admin.call("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}", who)).json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def decide(admin, who, approval_id, decision="approve", **more):
    token = more.pop("token", None)
    return await admin.call(
        "POST",
        f"/approvals/{approval_id}/decision",
        None if token else who,
        token=token,
        body={"decision": decision, **more},
    )


@pytest.mark.requirement("admin:authorizations:searched-and-ended")
async def test_who_has_what_is_searched_page_by_page_and_one_is_ended(server):
    """C51: and the one that was ended ends alone."""
    admin, person = await administered(server), server.world.people["u1"].subs["t1"]
    logins = []
    for letter in ("P", "B", "P", "B", "P"):
        logins.append(await server.client(letter).sign_in("u1"))
        server.clock.advance(1)
    wanted = [one.claims["authorization_id"] for one in logins]

    listed = await pages(admin, f"/authorizations?sub={person}&state=live", "d1")
    of_p = await pages(admin, f"/authorizations?client_id={server.world.clients['P'].client_id}", "d1")
    ended = await admin.change("DELETE", f"/authorizations/{wanted[0]}", "o1")
    again = await admin.change("DELETE", f"/authorizations/{wanted[0]}", "o1")

    assert wanted[::-1] == [one["id"] for one in listed]
    assert [wanted[4], wanted[2], wanted[0]] == [one["id"] for one in of_p]
    assert ("Public Web App", R1, ["orders:read"]) == tuple(
        of_p[0][one] for one in ("client_name", "resource", "scopes")
    )
    assert [204, 204] == [ended.status_code, again.status_code]
    assert ["invalid_grant", None] == [(await server.client("P").refresh(logins[one])).error for one in (0, 2)]
    assert wanted[0] in {one["id"] for one in await pages(admin, "/authorizations?state=ended", "d1")}
    assert [] == await pages(admin, f"/authorizations?sub={person}", "a2")
    assert [] == await pages(admin, "/authorizations?sub=%25&state=live", "d1")


@pytest.mark.requirement("admin:authorizations:searched-and-ended")
async def test_a_cursor_of_another_tenant_list_or_filter_is_none(server):
    """TN-02: it is bound to what it was made for."""
    admin = await administered(server)
    for _ in range(3):
        await server.client("P").sign_in("u1")
    lists = ("/authorizations", "/audit", "/kills", "/resources", "/servers", "/approvals", "/keys")
    cursor = (await admin.call("GET", "/authorizations?limit=1", "a1")).json()["next"]

    statuses = {path: (await admin.call("GET", f"{path}?cursor={cursor}", "a1")).status_code for path in lists}
    elsewhere = [
        (await admin.call("GET", f"/authorizations?{query}cursor={cursor}", who)).status_code
        for query, who in (("", "a2"), ("state=live&", "a1"), ("tenant=t1&", "p1"), ("tenant=t2&", "p1"))
    ]

    assert {path: 200 if path == "/authorizations" else 400 for path in lists} == statuses
    # The same list of the same tenant is the same list, whoever reads it.
    assert [400, 400, 200, 400] == elsewhere


@pytest.mark.requirement("admin:approvals:a-yes-is-a-persons")
async def test_a_yes_is_given_by_a_person_to_what_they_were_shown_with_a_fresh_login(server):
    """Decision 13, RFC 9470: by the rules of the page; never by a machine, or through the application that asks."""
    admin, desk = await administered(server), tool_server(server, by="role", role="operator")
    token = await refunding(server)
    waiting = await desk.asked(token)
    path = f"/approvals/{waiting}"
    await admin.token("o1"), await admin.token("botp")

    seen = (await admin.call("GET", path, "o1")).json()
    hidden = (await admin.call("GET", path, "a1")).json()
    shown = seen["call"]["display_hash"]
    refusals = [
        await decide(admin, "a1", waiting, display_hash=shown),
        await decide(admin, "o1", waiting),
        await decide(admin, "o1", waiting, display_hash="0" * 64),
        await admin.call(
            "POST", f"{path}/decision?tenant=t1", "botp", body={"decision": "approve", "display_hash": shown}
        ),
    ]
    server.clock.advance(301)
    stale = await decide(admin, "o1", waiting, display_hash=shown)
    fresh = await decide(admin, "o1", waiting, display_hash=shown, token=await admin.sign_in("o1"))
    late = await decide(admin, "o1", waiting, display_hash=shown, token=await admin.sign_in("o1"))

    assert "Refund 1250 cents of order o-1001" == seen["call"]["sentence"]
    assert ["order_id", "amount_cents"] == [one["path"] for one in seen["call"]["arguments"]]
    assert None is hidden["call"]
    assert "o-1001" not in str(hidden)
    assert [403, 422, 409, 403] == [one.status_code for one in refusals], [one.text for one in refusals]
    assert [401, 200, 409] == [one.status_code for one in (stale, fresh, late)]
    assert "approved" == fresh.json()["state"]
    assert {Event.APPROVAL_SHOWN.value, Event.APPROVAL_APPROVED.value} <= set(await server.operator.kinds("t1"))
    assert 200 == (await desk.consume(waiting, token)).status_code


@pytest.mark.requirement("admin:approvals:a-yes-is-a-persons")
async def test_an_application_that_holds_an_operators_token_says_yes_to_no_call_of_its_own(server):
    """Ours: a person's application is trusted with what it asks, never with the answer."""
    admin, desk = await administered(server), tool_server(server, by="role", role="operator")
    waiting = await desk.asked(await refunding(server, letter="N"))
    held = await server.client("N", resource=admin.base).sign_in("o1", scope="approvals:read approvals:write")
    seen = (await admin.call("GET", f"/approvals/{waiting}", token=held.access_token)).json()
    yes = {"display_hash": seen["call"]["display_hash"]}

    through_itself = await decide(admin, None, waiting, token=held.access_token, **yes)
    through_another = await decide(admin, "o1", waiting, **yes)

    assert server.world.clients["N"].client_id == seen["client_id"]
    assert [403, 200] == [through_itself.status_code, through_another.status_code]


@pytest.mark.requirement("admin:approvals:any-operator-says-no")
async def test_any_operator_says_no_and_another_tenants_call_is_not_there(server):
    """Decision 13: whoever runs it may stop anything; and an auditor reads without a word of what it is about."""
    admin, desk = await administered(server), tool_server(server)
    token = await refunding(server)
    waiting = await desk.asked(token)

    listed = await pages(admin, "/approvals?state=pending", "d1")
    theirs, nobodys = [await decide(admin, "a2", one, "deny") for one in (waiting, "ap_aaaaaaaaaaaaaaaa_" + "a" * 43)]
    auditor = await decide(admin, "d1", waiting, "deny")
    denied = await decide(admin, "o1", waiting, "deny", reason="Not today")

    assert [waiting] == [one["id"] for one in listed]
    assert "o-1001" not in str(listed)
    assert ([404, 404], told(theirs)) == ([theirs.status_code, nobodys.status_code], told(nobodys))
    assert [403, 200] == [auditor.status_code, denied.status_code]
    assert ("denied", "denied") == (denied.json()["state"], await desk.state(waiting))
    assert 409 == (await decide(admin, "o1", waiting, "deny")).status_code
    assert [] == await pages(admin, "/approvals?state=pending", "d1")
    assert [] == await pages(admin, "/approvals", "a2")


@pytest.mark.requirement("admin:servers:paused-and-resumed")
async def test_a_server_is_switched_off_and_on_without_losing_its_registration(server):
    """C52: in the operator's tenant alone; nothing ends."""
    admin = await administered(server)
    path = f"/servers/{listing.id_of(R5)}"
    tokens = await server.client("G", resource=R5).sign_in("u1", tenant="t1")

    paused = await admin.call("POST", f"{path}/pause", "o1", body={"reason": "Maintenance", "retry_after_s": 120})
    here, there = [(await admin.call("GET", path, who)).json() for who in ("d1", "a2")]
    resumed = await admin.call("POST", f"{path}/resume", "o1", body={"reason": "Done"})
    again = await admin.call("POST", f"{path}/resume", "o1", body={"reason": "Done"})

    assert [200, 200, 409] == [one.status_code for one in (paused, resumed, again)]
    assert (("paused", 120), ("active", 0)) == tuple((one["state"], one["retry_after_s"]) for one in (here, there))
    assert "active" == (await admin.call("GET", path, "d1")).json()["state"]
    assert (await server.client("G", resource=R5).refresh(tokens)).ok


@pytest.mark.requirement("admin:servers:seen-by-their-own")
async def test_a_list_of_tools_that_has_changed_is_accepted_as_it_was_seen(server):
    """C56: for the operators of that tenant alone, and not another list than the one they looked at."""
    admin = await administered(server)
    path = f"/servers/{listing.id_of(R1)}"
    speaker = await registry.find(server.operator.work(), server.world.clients["RS1"].client_id)

    async def says(*names):
        work = server.operator.work()
        tools = [ReportedTool(name=name, tool_class="read", scopes=()) for name in names]
        await report.take(work, speaker, instance="one", tools=tools)
        assert await work.commit()
        server.clock.advance(1)

    await says("search_orders")
    await says("search_orders", "steal_orders")
    [first] = (await admin.call("GET", path, "d1")).json()["reports"]
    await says("search_orders", "steal_orders", "hide_traces")
    late = await admin.call(
        "POST", f"{path}/accept", "o1", body={"client_id": speaker.id, "tools_hash": first["tools_hash"]}
    )
    seen = (await admin.call("GET", path, "d1")).json()
    accepted = await admin.call(
        "POST", f"{path}/accept", "o1", body={"client_id": speaker.id, "tools_hash": seen["reports"][0]["tools_hash"]}
    )
    after = (await admin.call("GET", path, "d1")).json()

    assert ["steal_orders"] == first["added_tools"]
    assert [409, 200] == [late.status_code, accepted.status_code]
    assert [True, False] == [one["tools_changed"] for one in (seen, after)]
    assert {"steal_orders", "hide_traces"} <= set(after["missing_here"])
    assert 404 == (await admin.call("GET", path, "a2")).status_code


@pytest.mark.requirement("admin:servers:a-version-is-seen-and-stopped")
async def test_the_version_of_a_tool_that_is_seen_is_what_it_is_stopped_by(server):
    """Issue: kill a tool version; a hash that nobody can read stops nothing."""
    admin = await administered(server)
    speaker = await registry.find(server.operator.work(), server.world.clients["RS1"].client_id)
    work = server.operator.work()
    tools = [
        ReportedTool(name="search_orders", tool_class="read", scopes=(), definition_hash="h" * 43),
        ReportedTool(name="update_order", tool_class="write", scopes=()),
    ]
    await report.take(work, speaker, instance="one", tools=tools)
    assert await work.commit()

    [seen] = (await admin.call("GET", f"/servers/{listing.id_of(R1)}", "d1")).json()["reports"]
    (row,) = [one for one in await LocalControl(server.machines).servers("t1") if one["uri"] == R1]
    body = {"kind": "tool_version", "resource": R1, "tool": "search_orders", "reason": "It lies"}
    stopped = await admin.call(
        "POST", "/kills", "a1", body=body | {"definition_hash": seen["definitions"]["search_orders"]}
    )

    assert {"search_orders": "h" * 43} == seen["definitions"] == row["definitions"]
    assert (201, "h" * 43) == (stopped.status_code, stopped.json()["subject"]["definition_hash"]), stopped.text


@pytest.mark.requirement("admin:audit:opened-one-by-one")
async def test_what_names_people_is_opened_one_by_one_by_whom_it_may_be_and_that_is_recorded(server):
    """Decision 15: a list tells nobody's name, and whoever looks is looked at."""
    admin = await administered(server)
    await admin.call(
        "POST",
        "/kills",
        "a1",
        body={"kind": "client", "client_id": server.world.clients["P"].client_id, "reason": "Misbehaves"},
    )

    [event] = await pages(admin, "/audit?kind=operator:kill", "o1")
    opened = {
        who: (await admin.call("GET", f"/audit/{event['id']}", who)).json()["payload"] for who in ("a1", "d1", "o1")
    }
    elsewhere = await admin.call("GET", f"/audit/{event['id']}", "a2")

    assert ("operator:kill:stopped", True) == (event["kind"], event["has_sealed_part"])
    assert "Misbehaves" not in str(event)
    assert "Misbehaves" == opened["a1"]["reason"]
    assert (opened["a1"], None) == (opened["d1"], opened["o1"])
    assert 404 == elsewhere.status_code
    openings = await pages(admin, f"/audit?kind={Event.RECORD_OPENED.value}", "a1")
    by = {reference(server.operator.work(), server.world.people[who].subs["t1"]) for who in ("a1", "d1")}
    assert by == {one["sub_ref"] for one in openings}


@pytest.mark.requirement("admin:audit:opened-one-by-one")
async def test_the_record_is_searched_in_the_operators_own_tenant(server):
    """TN-15: what belongs to nobody is the platform's to read, by its name."""
    admin = await administered(server)
    await server.client("X").sign_in("u9")
    person = server.world.people["u9"].subs["t2"]

    theirs = await pages(admin, f"/audit?sub={person}", "a1", limit=50)
    own = await pages(admin, f"/audit?sub={person}", "a2", limit=50)
    by_name = await pages(admin, f"/audit?sub={person}&tenant=t2", "p1", limit=50)
    everywhere = [(await admin.call("GET", "/audit?tenant=*", who)).status_code for who in ("p1", "a1")]
    odd = [
        (await admin.call("GET", f"/audit?{query}", "a1")).status_code
        for query in (
            "outcome=maybe",
            "since=-1",
            "since=x",
            "until=99999999999999",
            "limit=0",
            "limit=201",
            "kind=",
            "sub=a&sub=b",
        )
    ]

    assert ([], True) == (theirs, len(own) > 3)
    assert own == by_name
    assert [200, 404] == everywhere
    assert {422} == set(odd)


@pytest.mark.requirement("admin:search:among-what-may-be-read")
async def test_the_search_finds_what_the_token_lets_its_holder_read(server):
    """AD-02: a token for one noun is no token for another; and a search tells no other tenant's."""
    admin, person = await administered(server), server.world.people["u1"]
    narrow = await admin.sign_in("a1", scope="clients:read tools:read")

    found = [
        [one["kind"] for one in (await admin.call("GET", f"/search?q={words}", token=token)).json()["items"]]
        for words, token in (
            (person.email, await admin.token("a1")),
            (person.email, narrow),
            ("refund", narrow),
            ("Orders", narrow),
            (person.email, await admin.token("a2")),
        )
    ]

    assert [["user"], [], ["tool"], []] == [sorted(set(one)) for one in (found[0], found[1], found[2], found[4])]
    assert "resource" not in found[3]


@pytest.mark.requirement("admin:kills:waited-for")
async def test_whoever_stopped_something_sees_who_has_obeyed(server):
    """Decision 14: "5/5 applied in 0.8 s"; what has not been heard of for longer than it trusts its knowledge is not waited for."""
    admin, one, two = await administered(server), *(follower(server, "RS1", instance=name) for name in ("one", "two"))
    wanted = {"kind": "client", "client_id": server.world.clients["P"].client_id, "reason": "Misbehaves"}

    async def seen(wait=0):
        await noted(server)
        said = (await admin.call("GET", f"{path}?wait={wait}", "d1")).json()
        return {each["instance"]: each["state"] for each in said["instances"]}, said["is_settled"]

    for each in (one, two):
        await each.ask()
        await each.acknowledge(max_staleness_ms=5000)
    killed = await admin.call("POST", "/kills", "o1", body=wanted)
    path = killed.headers["location"].removeprefix(admin.base)
    at_first = await seen()
    for each in (one, two):
        await each.ask()
    await one.acknowledge()
    then = await seen()
    server.clock.advance(7)
    await one.acknowledge()
    at_last = await seen(wait=25)

    assert ({"one": "waiting", "two": "waiting"}, False) == at_first
    assert ({"one": "applied", "two": "waiting"}, False) == then
    assert ({"one": "applied", "two": "lapsed"}, True) == at_last
