"""The nouns `resources`, `tools`, `issuers` and `keys` of the admin API."""

import asyncio

import pytest

from authserver.domain.audit.event import Kind as Event
from authserver.domain.audit.event import reference
from authserver.domain.audit.header import about
from authserver.domain.resources import listing
from authserver.domain.users import user
from tests.support.administered import administered
from tests.support.oracle import header
from tests.support.world import R1, R5, R9, Application, Someone

NEW = {
    "uri": "https://mcp-new.example/mcp",
    "name": "New Orders",
    "scopes": [{"name": "orders:read", "description": "See orders"}],
    "tools": [
        {"name": "search_orders", "tool_class": "read", "scopes": ["orders:read"], "title": "Search orders"},
        {"name": "purge_orders"},
    ],
    "tenants": ["t1"],
}


def told(answer):
    return {name: value for name, value in answer.json().items() if name != "instance"}


def fields(answer):
    return {one["field"] for one in answer.json()["errors"]}


async def rules_of(admin, who, uri=R1, tool="refund_order"):
    return (await admin.call("GET", f"/resources/{listing.id_of(uri)}/tools/{tool}/rules", who)).json()["rules"]


@pytest.mark.requirement("admin:resources:made-by-the-platform")
async def test_an_mcp_server_is_registered_changed_and_removed_over_the_api(server):
    """The credential that is shown once is one; what is taken away ends, and so does the whole with its credential."""
    admin = await administered(server)
    made = await admin.call("POST", "/resources", "p1", body=NEW)
    said, path = made.json(), made.headers["location"].removeprefix(admin.base)
    speaks = Application(
        name="new",
        tenant=None,
        auth_method="client_secret_basic",
        client_id=said["client_id"],
        secret=said["client_secret"],
    )
    server.world.clients["NEW"] = speaks
    tokens = await server.client("P", resource=NEW["uri"]).sign_in("u1", scope="orders:read")
    asks = server.client("NEW")
    alive = (await asks.introspect(tokens.access_token)).body["active"]

    seen = await admin.call("GET", path, "a1")
    changed = await admin.change("PATCH", path, "p1", body={"name": "Renamed", "tenants": ["t2"]})
    gone = await admin.call("GET", path, "a1")
    removed = await admin.change("DELETE", path, "p1")

    assert (201, True) == (made.status_code, alive)
    assert ["destructive"] == [tool["tool_class"] for tool in said["tools"] if tool["name"] == "purge_orders"]
    assert (200, None, None) == (seen.status_code, seen.json()["tenants"], seen.json()["credentials"])
    assert "client_secret" not in seen.json()
    assert (200, "Renamed", [admin.tenant("t2")]) == (
        changed.status_code, changed.json()["name"], changed.json()["tenants"],
    )  # fmt: skip
    assert [404, 204, 404] == [one.status_code for one in (gone, removed, await admin.call("GET", path, "p1"))]
    assert 401 == (await asks.introspect(tokens.access_token)).status


@pytest.mark.requirement("admin:resources:own-tenant-alone")
async def test_a_tenants_people_see_what_is_linked_to_it_and_not_to_whom_else(server):
    """TN-01, TN-02, TN-15: not in a list, not by an id, not by a filter, not by a name; and they change none of it."""
    admin = await administered(server)

    listed = (await admin.call("GET", "/resources?limit=200", "a1")).json()
    theirs, nobodys = [
        await admin.call("GET", f"/resources/{one}", "a1") for one in (listing.id_of(R9), "res_" + "a" * 26)
    ]
    shared = await admin.call("GET", f"/resources/{listing.id_of(R5)}", "a1")
    change = await admin.call(
        "PATCH", f"/resources/{listing.id_of(R1)}", "a1", body={"name": "Mine"}, headers={"if-match": "*"}
    )

    assert {R1, R5} <= {one["uri"] for one in listed["items"]}
    assert R9 not in {one["uri"] for one in listed["items"]}
    assert admin.tenant("t2") not in str(listed)
    assert ([404, 404], told(theirs)) == ([theirs.status_code, nobodys.status_code], told(nobodys))
    assert (200, None) == (shared.status_code, shared.json()["tenants"])
    assert 403 == change.status_code
    for query in ("?tenant=t2", "?tenant=*", "?tenant_id=t2", "?uri=%25", "?tenant=t1&tenant=t2"):
        assert (await admin.call("GET", f"/resources{query}", "a1")).status_code in {404, 422}, query


@pytest.mark.requirement("admin:resources:strict-bodies")
@pytest.mark.one_database
async def test_what_cannot_be_registered_is_refused_by_the_name_of_its_field(server):
    """AD-04: and nothing is set that the body has no name for."""
    admin = await administered(server)
    wrong = {
        "uri": {"uri": "http://mcp.example/mcp"},
        "name": {"name": ""},
        "scopes": {"scopes": [{"name": "tool:x"}]},
        "tools": {"tools": [{"name": "a b"}]},
        "tenants": {"tenants": ["nobody"]},
        "is_active": {"is_active": False},
        "created_at": {"created_at": 1},
        "client_id": {"client_id": "cli_aaaaaaaaaaaaaaaa"},
        "scopes.0.admin": {"scopes": [{"name": "x", "admin": True}]},
    }

    answers = {name: await admin.call("POST", "/resources", "p1", body={**NEW, **body}) for name, body in wrong.items()}
    twice = [await admin.call("POST", "/resources", "p1", body=NEW) for _ in range(2)]
    own = await admin.call("POST", "/resources", "p1", body={**NEW, "uri": admin.base})

    assert {name: (422, {name}) for name in wrong} == {
        name: (one.status_code, fields(one)) for name, one in answers.items()
    }
    assert [201, 409] == [one.status_code for one in twice]
    assert 422 == own.status_code


@pytest.mark.requirement("admin:resources:one-of-many-changes")
async def test_of_many_who_change_a_server_they_saw_at_once_one_does(server):
    """Concurrent change: nobody's list of tools is lost under another's."""
    admin = await administered(server)
    path = f"/resources/{listing.id_of(R1)}"
    seen = (await admin.call("GET", path, "p1")).headers["etag"]

    answers = await asyncio.gather(
        *(
            admin.call("PATCH", path, "p1", body={"name": f"Name {number}"}, headers={"if-match": seen})
            for number in range(10)
        )
    )

    assert [200] + [412] * 9 == sorted(one.status_code for one in answers)


@pytest.mark.requirement("admin:tools:a-tenants-own-rules")
async def test_a_tenants_rules_for_a_tool_of_a_shared_server_act_in_that_tenant_alone(server):
    """Decision 11: written by its administrator, at once, and invisible to the others."""
    admin = await administered(server)
    path = f"/resources/{listing.id_of(R5)}/tools/refund_order/rules"
    everything = f"/resources/{listing.id_of(R5)}/tools/~all/rules"

    denied = await admin.change("PUT", path, "a1", body={"rules": {"mode": "deny"}})
    lower = await admin.change("PUT", everything, "a1", body={"rules": {"most": "write"}})
    tools = {
        one["name"]: one for one in (await admin.call("GET", f"{path.partition('/refund')[0]}", "a1")).json()["items"]
    }
    theirs = {
        one["name"]: one for one in (await admin.call("GET", f"{path.partition('/refund')[0]}", "a2")).json()["items"]
    }

    assert [200, 200] == [denied.status_code, lower.status_code], denied.text + lower.text
    assert ({"mode": "deny"}, "~all") == (denied.json()["rules"], lower.json()["tool"])
    assert [False, False, True] == [
        tools[name]["is_offered"] for name in ("refund_order", "purge_orders", "search_orders")
    ]
    assert {True} == {one["is_offered"] for one in theirs.values()}
    assert {} == await rules_of(admin, "a2", R5)
    changed = [row for row in await server.operator.events("t1") if row["kind"] == Event.TOOL_POLICY_CHANGED.value]
    assert 2 == len(changed)
    assert 204 == (await admin.change("DELETE", path, "a1")).status_code
    assert {} == await rules_of(admin, "a1", R5)
    assert 404 == (await admin.change("DELETE", path, "a1")).status_code


@pytest.mark.requirement("admin:tools:a-tenants-own-rules")
async def test_of_many_who_change_the_rules_they_saw_at_once_one_does(server):
    """What an operator saw is what they change, and rules that nobody could keep are refused by their member."""
    admin = await administered(server)
    path = f"/resources/{listing.id_of(R1)}/tools/refund_order/rules"
    seen = (await admin.call("GET", path, "a1")).headers["etag"]

    answers = await asyncio.gather(
        *(
            admin.call("PUT", path, "a1", body={"rules": {"roles": [f"role{number}"]}}, headers={"if-match": seen})
            for number in range(8)
        )
    )
    wrong = [
        await admin.change("PUT", path, "a1", body={"rules": rules})
        for rules in (
            {"mode": "maybe"},
            {"unheard_of": 1},
            {"scopes": ["nowhere:read"]},
            {"approval": {"approvers": 99}},
        )
    ]
    unknown = await admin.call("GET", path.replace("refund_order", "unheard_of"), "a1")

    assert [200] + [412] * 7 == sorted(one.status_code for one in answers)
    assert [422] * 4 == [one.status_code for one in wrong], [one.text for one in wrong]
    assert 404 == unknown.status_code
    assert 1 == len((await rules_of(admin, "a1"))["roles"])


@pytest.mark.requirement("admin:keys:own-alone")
async def test_the_keys_that_sign_for_everybody_are_the_platforms_to_change(server):
    """Decision 22: a tenant's people see which keys sign for them, and another issuer's are not there."""
    admin = await administered(server)
    mine = (await admin.call("GET", "/keys", "a1")).json()["items"]
    all_of_them = (await admin.call("GET", "/keys", "p1")).json()["items"]
    [other] = [one for one in all_of_them if one["issuer_id"] != mine[0]["issuer_id"]]

    theirs, nobodys = [await admin.call("GET", f"/keys/{kid}", "a1") for kid in (other["kid"], "a" * 43)]
    taken, tried = [
        await admin.call("DELETE", f"/keys/{kid}", "a1", headers={"if-match": "*"})
        for kid in (mine[0]["kid"], other["kid"])
    ]
    rotated = await admin.call("POST", "/keys", "a1", body={})
    named = await admin.call("POST", "/keys", "a1", body={"issuer_id": other["issuer_id"]})
    issuer = await admin.call("GET", f"/issuers/{other['issuer_id']}", "a1")

    assert 1 == len(mine)
    assert ([404, 404], told(theirs)) == ([theirs.status_code, nobodys.status_code], told(nobodys))
    assert [403, 404, 403, 404, 404] == [one.status_code for one in (taken, tried, rotated, named, issuer)]
    assert "private" not in str(all_of_them)
    assert '"d"' not in str(all_of_them)


@pytest.mark.requirement("admin:keys:rotated-and-removed")
async def test_a_key_that_leaked_is_taken_out_and_the_next_one_signs_at_once(server):
    """Decision 16: every token it signed ends, that of whoever took it out too; and nothing stops being issued."""
    admin = await administered(server)
    token = await admin.token("p1")
    leaked = header(token)["kid"]
    ours = (await server.client("P").sign_in("u1")).access_token

    planned = await admin.call("POST", "/keys", "p1", body={})
    removed = await admin.change("DELETE", f"/keys/{leaked}", "p1")
    after = await admin.call("GET", "/keys", "p1")
    signs = header((await server.client("P").sign_in("u1")).access_token)["kid"]

    assert [(201, "published"), 204] == [(planned.status_code, planned.json()["state"]), removed.status_code]
    assert 401 == after.status_code
    assert signs not in {leaked, planned.json()["kid"]}
    assert not (await server.client("RS1").introspect(ours)).body["active"]
    fresh = await admin.call("GET", f"/keys/{leaked}", token=await admin.sign_in("p1"))
    assert "removed" == fresh.json()["state"]
    assert Event.KEY_REMOVED.value in await server.operator.kinds(None)


@pytest.mark.requirement("admin:audit:says-who-acted")
async def test_every_change_says_by_whom_it_came_about(server):
    """Ours: whatever it is about, and in whosever record it stands; a person by their keyed reference alone."""
    admin = await administered(server)
    path = f"/resources/{listing.id_of(R1)}"

    await admin.change("PATCH", path, "p1", body={"name": "Renamed"})
    await admin.change("PUT", f"{path}/tools/refund_order/rules", "a1", body={"rules": {"roles": ["support"]}})

    for who, slug, tenant, kind in (
        ("p1", "platform", None, Event.RESOURCE_CHANGED),
        ("a1", "t1", "t1", Event.TOOL_POLICY_CHANGED),
    ):
        work = server.operator.work()
        said = [about(row) for row in await server.operator.events(tenant) if row["kind"] == kind.value]
        by = reference(work, server.world.people[who].subs[slug])
        assert (by, server.world.clients["ops"].client_id) in {(one.get("by"), one.get("by_client")) for one in said}


@pytest.mark.requirement("admin:issuers:given-and-taken")
async def test_a_tenant_gets_a_name_of_its_own_with_a_key_of_its_own_and_loses_both(server):
    """Decision 22: by the platform's operators alone; it signs from the first moment."""
    admin = await administered(server)
    given = await admin.call("POST", "/issuers", "p1", body={"owner": "t2"})
    path = given.headers["location"].removeprefix(admin.base)
    metadata = await server.http.get(f"{given.json()['jwks_uri']}")

    again = await admin.call("POST", "/issuers", "p1", body={"owner": "t2"})
    platform = await admin.call("POST", "/issuers", "p1", body={"owner": "platform"})
    removed = await admin.change("DELETE", path, "p1")
    shared = (await admin.call("GET", "/issuers", "p1")).json()["items"][0]
    kept = await admin.change("DELETE", f"/issuers/{shared['id']}", "p1")

    assert (201, admin.tenant("t2")) == (given.status_code, given.json()["tenant"])
    assert 1 == len(metadata.json()["keys"])
    assert [409, 409, 204, 409] == [one.status_code for one in (again, platform, removed, kept)]
    assert 404 == (await server.http.get(given.json()["jwks_uri"])).status_code


@pytest.mark.requirement("admin:keys:own-alone")
async def test_a_tenant_with_a_name_of_its_own_rotates_its_own_keys(server):
    """Its administrators ask at their own issuer, and what they hold reaches no other's keys."""
    admin = await administered(server)
    someone = Someone(email="a3@admins.example", name="Admin a3", password="correct horse a3 battery")
    work = server.operator.work("t3")
    person = user.add_person(
        work,
        email=someone.email,
        name=someone.name,
        password_hash=await server.machines.passwords.hash(someone.password),
    )
    user.add_member(work, person_id=person, roles=("admin",))
    assert await work.commit()
    server.world.people["a3"] = someone
    app = server.client("ops", issuer_path="/t/t3")
    page = await app.authorize("a3", scope="keys:read keys:write", prompt="login")
    token = (await app.redeem(page)).access_token
    own = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    base = f"{server.issuer}/t/t3/admin/api/v1"

    [mine] = (await server.http.get(f"{base}/keys", headers=own)).json()["items"]
    rotated = await server.http.post(f"{base}/keys", headers=own, content=b"{}")
    elsewhere = await server.http.get(f"{admin.base}/keys", headers=own)

    assert header(token)["kid"] == mine["kid"]
    assert (201, mine["issuer_id"]) == (rotated.status_code, rotated.json()["issuer_id"])
    assert 401 == elsewhere.status_code


@pytest.mark.one_database
@pytest.mark.requirement("admin:secrets:not-at-rest")
async def test_neither_a_secret_nor_an_operators_words_stand_readable_in_the_database(server):
    """Decision 8, 15: not in the kept answer of an idempotency key, not in the row of a kill, not in the record."""
    admin = await administered(server)
    made = await admin.call(
        "POST", "/resources", "p1", body=NEW, headers={"idempotency-key": "key-canary-of-the-suite"}
    )
    body = {"kind": "client", "client_id": server.world.clients["P"].client_id, "reason": "Reason-Canary of Mrs Smith"}

    killed = await admin.call("POST", "/kills", "a1", body=body, headers={"idempotency-key": "another-canary"})

    rest = server.bytes_at_rest()
    assert [201, 201] == [made.status_code, killed.status_code]
    for secret in (made.json()["client_secret"], "Reason-Canary", "key-canary-of-the-suite", "another-canary"):
        assert secret.encode() not in rest
