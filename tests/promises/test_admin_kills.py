"""The nouns `kills` and `revocations`: an operator stops, sees who has obeyed, and lets begin again."""

import asyncio

import pytest

from authserver.domain.audit.event import Kind as Event
from authserver.domain.revocation import feed
from authserver.web.admin.kills import id_of
from resource_lib.wire.control import Kind
from tests.support.administered import administered
from tests.support.world import R1, R2, R5, R9

WHY = "An agent misbehaves"


def client_id(admin, letter="P"):
    return admin.server.world.clients[letter].client_id


async def stop(admin, who="a1", *, query="", key=None, **body):
    headers = {"idempotency-key": key} if key else {}
    return await admin.call("POST", f"/kills{query}", who, body={"reason": WHY, **body}, headers=headers)


async def revoke(admin, who="o1", **body):
    return await admin.call("POST", "/revocations", who, body={"reason": WHY, **body})


def at(admin, made):
    """The path of what was made."""
    return made.headers["location"].removeprefix(admin.base)


def told(answer):
    return {name: value for name, value in answer.json().items() if name != "instance"}


async def announced(server):
    """Return how many events stand in the numbered list."""
    return (await feed.head(server.operator.work()))[1]


@pytest.mark.requirement("admin:kills:stopped-and-revived")
async def test_a_kill_ends_what_there_is_and_what_is_new_until_it_is_revived(server):
    """C51, C59: from one operator's laptop, without a deploy; and what ended stays ended."""
    admin, app = await administered(server), server.client("P")
    before = await app.sign_in("u1")

    killed = await stop(admin, "o1", kind="client", client_id=client_id(admin))
    ended = await admin.call("GET", f"/authorizations/{before.claims['authorization_id']}", "d1")
    seen = await admin.call("GET", at(admin, killed), "d1")
    listed = (await admin.call("GET", "/kills", "d1")).json()["items"]
    revived = await admin.call("POST", f"{at(admin, killed)}/revive", "o1", body={"reason": "It was mended"})
    again = await admin.call("POST", f"{at(admin, killed)}/revive", "o1", body={"reason": "It was mended"})

    assert 201 == killed.status_code
    assert ("client", "kill", {"client_id": client_id(admin)}) == tuple(
        killed.json()[name] for name in ("kind", "stopped", "subject")
    )
    assert ("ended", "ended_by_number") == (ended.json()["state"], ended.json()["ended_by"])
    assert (200, WHY, True) == (seen.status_code, seen.json()["reason"], seen.json()["is_settled"])
    assert seen.json()["number"] > 0
    assert [killed.json()["id"]] == [one["id"] for one in listed]
    assert (200, "") == (revived.status_code, revived.json()["stopped"])
    assert 409 == again.status_code
    assert [] == (await admin.call("GET", "/kills", "d1")).json()["items"]
    assert 1 == len((await admin.call("GET", "/kills?only_stopped=false", "d1")).json()["items"])
    assert "invalid_grant" == (await app.refresh(before)).error
    assert (await app.sign_in("u1")).ok
    assert {Event.STOPPED.value, Event.REVIVED.value} <= set(await server.operator.kinds("t1"))


@pytest.mark.requirement("admin:kills:refused-everywhere")
@pytest.mark.parametrize("kind", ["client", "user", "tenant", "everything"])
async def test_what_was_killed_is_refused_by_refresh_introspection_and_the_admin_api(server, kind):
    """C06: from the commit on, whoever asks is told."""
    admin, app = await administered(server), server.client("P")
    before = await app.sign_in("u1")
    # Everything there is.
    body = {
        "client": {"client_id": client_id(admin)},
        "user": {"email": server.world.people["u1"].email},
        "tenant": {"confirm": admin.tenant("t1")},
        "everything": {"confirm": "everything"},
    }[kind]
    who = "p1" if kind == "everything" else "a1"
    await admin.token("a1")

    killed = await stop(admin, who, kind=kind, **body)

    assert 201 == killed.status_code, killed.text
    assert not (await server.client("RS1").introspect(before.access_token)).body["active"]
    assert "invalid_grant" == (await app.refresh(before)).error
    asked = await admin.call("GET", "/me", "a1")
    assert (401 if kind in {"tenant", "everything"} else 200) == asked.status_code


@pytest.mark.requirement("admin:kills:own-tenant-alone")
async def test_what_is_shared_is_stopped_in_the_operators_tenant_alone(server):
    """Decision 22: an application, a tool and a server that others use too."""
    admin = await administered(server)
    for body in (
        {"kind": "client", "client_id": client_id(admin, "G")},
        {"kind": "resource", "resource": R5},
        {"kind": "tool", "resource": R5, "tool": "refund_order"},
        {"kind": "client_host", "host": "apps.example"},
    ):
        killed = await stop(admin, "a1", **body)
        assert (201, admin.tenant("t1")) == (killed.status_code, killed.json()["scope"]), killed.text

        elsewhere = await admin.call("GET", at(admin, killed), "a2")

        assert 404 == elsewhere.status_code
    assert [] == (await admin.call("GET", "/kills", "a2")).json()["items"]
    assert [] == (await admin.call("GET", "/kills", "p1")).json()["items"]
    assert 4 == len((await admin.call("GET", "/kills?tenant=t1", "p1")).json()["items"])


@pytest.mark.requirement("admin:kills:own-tenant-alone")
async def test_another_tenants_targets_are_as_those_that_are_not_there(server):
    """TN-01, TN-15: in the same bytes; and what is the platform's to stop is refused."""
    admin, world = await administered(server), server.world
    before = await announced(server)
    pairs = [
        ({"kind": "user", "email": world.people["u9"].email}, {"kind": "user", "email": "nobody@nowhere.example"}),
        ({"kind": "user", "sub": world.people["u9"].subs["t2"]}, {"kind": "user", "sub": "usr_aaaaaaaaaaaaaaaa"}),
        (
            {"kind": "client", "client_id": client_id(admin, "X")},
            {"kind": "client", "client_id": "cli_aaaaaaaaaaaaaaaa"},
        ),
        ({"kind": "resource", "resource": R9}, {"kind": "resource", "resource": "https://nowhere.example/mcp"}),
        (
            {"kind": "tool", "resource": R9, "tool": "refund_order"},
            {"kind": "tool", "resource": "https://nowhere.example/mcp", "tool": "refund_order"},
        ),
    ]

    for dry in ("", "?dry_run=true"):
        for theirs, nobodys in pairs:
            answers = [await stop(admin, "a1", query=dry, **body) for body in (theirs, nobodys)]
            assert [404, 404] == [one.status_code for one in answers], answers[0].text
            assert told(answers[0]) == told(answers[1])
        named = [await stop(admin, "a1", query=f"?tenant={one}", kind="tenant") for one in ("t2", "nobody", "*")]
        assert ([404] * 3, 1) == ([one.status_code for one in named], len({str(told(one)) for one in named}))
        assert 403 == (await stop(admin, "a1", query=dry, kind="everything", confirm="everything")).status_code
    assert before == await announced(server)


@pytest.mark.requirement("admin:kills:said-by-name")
async def test_what_is_dangerous_is_said_by_name_and_recorded_before_it_is_done(server):
    """AD-12: no bulk kill by a slip of the finger, by an old login, or without a trace."""
    admin = await administered(server)
    before = await announced(server)

    preview = await stop(admin, "a1", query="?dry_run=true", kind="tenant")
    unsaid = await stop(admin, "a1", kind="tenant")
    wrong = await stop(admin, "a1", kind="tenant", confirm="everything")
    untouched = await announced(server)
    done = await stop(admin, "a1", kind="tenant", confirm=preview.json()["confirm"])

    assert (200, True, admin.tenant("t1")) == (
        preview.status_code,
        *(preview.json()[one] for one in ("ends_yours", "confirm")),
    )
    assert preview.json()["radius"]["live_authorizations"] >= 1
    assert [(422, "confirm")] * 2 == [(one.status_code, one.json()["errors"][0]["field"]) for one in (unsaid, wrong)]
    assert before == untouched
    assert 201 == done.status_code
    kinds = [row["kind"] for row in await server.operator.events("t1")]
    assert {Event.ADMIN_ASKED.value, Event.STOPPED.value} <= set(kinds)
    assert 1 == kinds.count(Event.ADMIN_ASKED.value)


@pytest.mark.requirement("admin:kills:said-by-name")
async def test_what_is_dangerous_needs_a_login_of_the_last_minutes(server):
    """RFC 9470 §3: a stolen session of this morning stops no tenant; it stops an application all the same."""
    admin = await administered(server)
    await admin.token("a1"), await admin.token("p1")
    server.clock.advance(301)

    tenant = await stop(admin, "a1", kind="tenant", confirm=admin.tenant("t1"))
    everything = await stop(admin, "p1", kind="everything", confirm="everything")
    one_client = await stop(admin, "a1", kind="client", client_id=client_id(admin))

    for refused in (tenant, everything):
        assert 401 == refused.status_code
        assert 'max_age="300"' in refused.headers["www-authenticate"]
    assert 201 == one_client.status_code
    assert Event.ADMIN_REFUSED.value in await server.operator.kinds("t1")


@pytest.mark.requirement("admin:kills:said-by-name")
async def test_what_is_stopped_in_every_tenant_is_said_by_name_by_the_platform(server):
    """Decision 22: the platform's operators act everywhere, unless they name a tenant."""
    admin = await administered(server)
    shared = {"kind": "client", "client_id": client_id(admin, "G")}

    preview = await stop(admin, "p1", query="?dry_run=true", **shared)
    unsaid = await stop(admin, "p1", **shared)
    done = await stop(admin, "p1", **shared, confirm=preview.json()["confirm"])
    within = await stop(admin, "p1", query="?tenant=t1", **shared)
    owned = await stop(admin, "p1", kind="client", client_id=client_id(admin, "X"))
    person = await stop(admin, "p1", kind="user", email=server.world.people["u1"].email)

    assert ("*", client_id(admin, "G")) == (preview.json()["scope"], preview.json()["confirm"])
    assert [422, 201, 201] == [one.status_code for one in (unsaid, done, within)]
    assert ("*", admin.tenant("t1")) == (done.json()["scope"], within.json()["scope"])
    assert [(422, "tenant")] * 2 == [(one.status_code, one.json()["errors"][0]["field"]) for one in (owned, person)]


@pytest.mark.requirement("admin:kills:platforms-stop-stays")
async def test_what_the_platform_stopped_in_a_tenant_its_own_people_do_not_revive(server):
    """Decision 22: and the platform's reason, which may name others, is not for them."""
    admin = await administered(server)
    killed = await stop(admin, "p1", query="?tenant=t1", kind="client", client_id=client_id(admin))
    path = at(admin, killed)

    seen = (await admin.call("GET", path, "a1")).json()
    over = await stop(admin, "a1", kind="client", client_id=client_id(admin))
    refused = await admin.call("POST", f"{path}/revive", "a1", body={"reason": "We like it"})
    revived = await admin.call("POST", f"{path}/revive?tenant=t1", "p1", body={"reason": "Settled"})

    assert ("kill", "", False) == (seen["stopped"], seen["reason"], seen["is_yours_to_revive"])
    assert [201, 403, 200] == [one.status_code for one in (over, refused, revived)]


@pytest.mark.requirement("admin:kills:once-for-each-key")
async def test_a_kill_that_is_sent_many_times_with_one_key_is_one_event(server):
    """Issue: an agent of the operator's, or a proxy, tries again; nothing that began since ends with it."""
    admin = await administered(server)
    before = await announced(server)
    body = {"kind": "client", "client_id": client_id(admin)}

    answers = await asyncio.gather(*(stop(admin, "o1", key="once", **body) for _ in range(8)))
    other = await stop(admin, "o1", key="once", kind="client", client_id=client_id(admin, "B"))
    without = await stop(admin, "o1", **body)

    assert {(201, answers[0].content)} == {(one.status_code, one.content) for one in answers}
    assert [422, 201] == [other.status_code, without.status_code]
    assert before + 2 == await announced(server)
    assert 2 == (await server.operator.kinds("t1")).count(Event.STOPPED.value)


@pytest.mark.requirement("admin:kills:previewed")
async def test_a_dry_run_counts_what_would_end_and_changes_nothing(server):
    """Issue: N users, N clients, N live authorizations, before anybody confirms."""
    admin = await administered(server)
    before = await server.client("P").sign_in("u1")
    await server.client("P").sign_in("u2")
    numbers = await announced(server)

    preview = await stop(admin, "o1", query="?dry_run=true", kind="client", client_id=client_id(admin))

    radius = preview.json()["radius"]
    assert (2, 1, 2, True) == tuple(radius[one] for one in ("users", "clients", "live_authorizations", "ends"))
    assert (None, False) == (preview.json()["confirm"], preview.json()["ends_yours"])
    assert numbers == await announced(server)
    assert (await server.client("P").refresh(before)).ok


@pytest.mark.requirement("admin:kills:ids-name-no-tenant")
async def test_no_id_that_somebody_makes_up_leads_anywhere(server):
    """TN-02: an id says what was stopped, and is read in the operator's own tenant alone."""
    admin = await administered(server)
    killed = await stop(admin, "a1", kind="client", client_id=client_id(admin))
    good = killed.json()["id"]

    forged = [
        good + "=", good + "A", good[:-1], good.upper(), good.removeprefix("kil_"), "kil_", "kil_W10", "kil_bnVsbA",
        "kil_e30", "kil_WzFd", "kil_" + "A" * 1000, good.replace("kil_", "kil_ "),
        id_of(stop_target(Kind.EVERYTHING)), id_of(stop_target(Kind.CLIENT, client_id="\0")),
        id_of(stop_target(Kind.CLIENT, client_id=client_id(admin), sub="usr_x")),
    ]  # fmt: skip
    found = [one for one in forged if (await admin.call("GET", f"/kills/{one}", "a1")).status_code != 404]

    assert [] == found
    assert 200 == (await admin.call("GET", f"/kills/{good}", "a1")).status_code


def stop_target(kind, **of):
    from authserver.domain.revocation.kill_switch import Target

    return Target(kind=kind, **of)


@pytest.mark.requirement("admin:kills:strict-bodies")
@pytest.mark.one_database
async def test_a_body_says_what_its_kind_needs_and_nothing_else(server):
    """AD-04: mass assignment, and a target that two readers could take differently."""
    admin = await administered(server)
    good = {"kind": "client", "client_id": client_id(admin)}

    wrong = [
        {**good, "scope_tenant": "*"}, {**good, "tenant": "t2"}, {**good, "stopped": "pause"}, {**good, "floor": 0},
        {**good, "sub": "usr_aaaaaaaaaaaaaaaa"}, {**good, "resource": R1}, {"kind": "client"}, {"kind": "token"},
        {**good, "reason": ""}, {**good, "reason": "x" * 501}, {**good, "reason": "a\0b"}, {**good, "retry_after_s": 0},
        {**good, "retry_after_s": "60"}, {**good, "client_id": ["a"]}, {**good, "confirm": True}, {"kind": ["client"]},
    ]  # fmt: skip
    answers = [(body, (await stop(admin, "a1", **body)).status_code) for body in wrong]

    assert [] == [one for one in answers if one[1] not in {400, 404, 422}]
    assert {404} == {status for body, status in answers if body == {"kind": "client"}}
    assert [] == (await admin.call("GET", "/kills", "a1")).json()["items"]


@pytest.mark.requirement("admin:revocations:one-thing-ends")
@pytest.mark.parametrize("kind", ["token", "jti", "authorization", "client", "user", "email"])
async def test_one_thing_ends_at_once_and_may_begin_anew(server, kind):
    """C03, C06: independently revocable, by whatever an operator has of it."""
    admin, app, person = await administered(server), server.client("P"), server.world.people["u1"]
    tokens = await app.sign_in("u1")
    beside = await server.client("B").sign_in("u2")
    wanted = {
        "token": {"kind": "token", "token": tokens.access_token},
        "jti": {"kind": "token", "jti": tokens.claims["jti"]},
        "authorization": {"kind": "authorization", "authorization_id": tokens.claims["authorization_id"]},
        "client": {"kind": "client", "client_id": app.app.client_id},
        "user": {"kind": "user", "sub": person.subs["t1"]},
        "email": {"kind": "user", "email": person.email},
    }[kind]

    done = await revoke(admin, **wanted)

    assert (200, True) == (done.status_code, R1 in done.json()["told"]), done.text
    introspects = server.client("RS1").introspect
    assert not (await introspects(tokens.access_token)).body["active"]
    assert (await introspects(beside.access_token)).body["active"]
    assert (kind in {"token", "jti"}) == (await app.refresh(tokens)).ok
    assert (await introspects((await app.sign_in("u1")).access_token)).body["active"]


@pytest.mark.requirement("admin:revocations:own-tenant-alone")
async def test_another_tenants_token_authorization_client_and_person_are_not_there(server):
    """TN-01: the same answer as for what never was; and nothing of theirs ends."""
    admin, world = await administered(server), server.world
    theirs = await server.client("X").sign_in("u9")
    pairs = [
        ({"kind": "token", "token": theirs.access_token}, {"kind": "token", "token": "e30.e30.e30"}),
        (
            {"kind": "authorization", "authorization_id": theirs.claims["authorization_id"]},
            {"kind": "authorization", "authorization_id": "az_aaaaaaaaaaaaaaaa"},
        ),
        (
            {"kind": "client", "client_id": client_id(admin, "X")},
            {"kind": "client", "client_id": "cli_aaaaaaaaaaaaaaaa"},
        ),
        ({"kind": "user", "sub": world.people["u9"].subs["t2"]}, {"kind": "user", "sub": "usr_aaaaaaaaaaaaaaaa"}),
    ]

    for there, nowhere in pairs:
        answers = [await revoke(admin, **body) for body in (there, nowhere)]
        assert [404, 404] == [one.status_code for one in answers], answers[0].text
        assert told(answers[0]) == told(answers[1])
    # A bare id cannot be told from one that is nobody's: it ends nothing where it is not.
    assert 200 == (await revoke(admin, kind="token", jti=theirs.claims["jti"])).status_code
    assert (await server.client("X").refresh(theirs)).ok
    assert (await server.client("RS5t2").introspect(theirs.access_token)).status in {200, 401}


@pytest.mark.requirement("admin:revocations:own-tenant-alone")
async def test_servers_of_another_tenant_that_a_token_could_be_exchanged_towards_are_not_named(server):
    """TN-15: what one server may do at another of somebody else's is between the two of them and the platform."""
    admin = await administered(server)
    scopes = {"orders:read": ("orders:read",)}
    for target in (R2, R9):
        await server.operator.allow_exchange(R1, target, scopes)
    tokens = [await server.client("P").sign_in("u1") for _ in range(2)]

    answers = [
        await revoke(admin, kind="token", token=tokens[0].access_token),
        await revoke(admin, kind="authorization", authorization_id=tokens[1].claims["authorization_id"]),
    ]

    assert [{R1, R2}] * 2 == [set(one.json()["told"]) for one in answers]
