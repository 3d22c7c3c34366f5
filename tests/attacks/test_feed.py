"""The feed under attack: another server's credential, other tenants' events, forged cursors, floods, other people's acknowledgements."""

import asyncio
import dataclasses
import itertools

import pytest

from authserver.domain.instances import instance as instances
from authserver.domain.keys import rotation
from authserver.domain.resources import resource as resources
from authserver.domain.revocation import feed, kill_switch
from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.tool_policies import tool_policy
from resource_lib.wire.control import Act, Kind
from tests.promises.test_feed import announce_many, stop
from tests.support.following import follower, noted, told
from tests.support.streams import Stream, looking, stream
from tests.support.world import R1, R2, R5, R7, SCOPES

LISTENERS = {
    # By letter: which tenants it is heard for, and of which resource.
    "RS1": ({"t1"}, R1),
    "RS2": ({"t1"}, R2),
    "RS5": ({"t1", "t2"}, R5),
    "RS5t1": ({"t1"}, R5),
    "RS5t2": ({"t2"}, R5),
}
SUBJECTS = {
    Kind.TOKEN: {"jti": "tok_1", "exp": 2_000_000_000},
    Kind.AUTHORIZATION: {"authorization_id": "aut_1"},
    Kind.USER: {"sub": "usr_1"},
    Kind.CLIENT: {"client_id": "cli_1"},
    Kind.CLIENT_HOST: {"host": "agent.example"},
    Kind.TENANT: {},
    Kind.RESOURCE: {"resource": R5},
    Kind.TOOL: {"resource": R5, "tool": "delete_order"},
    Kind.TOOL_VERSION: {"resource": R5, "tool": "delete_order", "definition_hash": "h" * 43},
    Kind.KEY: {"kid": "k", feed.AT_ISSUER: ""},
    Kind.EVERYTHING: {},
    Kind.POLICY: {"resource": R5},
}


@pytest.mark.one_database
@pytest.mark.requirement("feed:wall:own-tenants-and-own-resource-alone")
@pytest.mark.parametrize("letter", LISTENERS)
async def test_a_server_hears_of_its_tenants_and_of_its_resource_and_of_nothing_else(server, letter):
    """Each kind in each tenant about each resource; TN-01. Not a byte of another tenant's id is in any answer."""
    inside, own = LISTENERS[letter]
    here = follower(server, letter)
    await here.ask()
    ids = server.world.tenants
    expected = []
    for kind, tenant, resource in itertools.product(SUBJECTS, ("t1", "t2", "t3", "*"), ("", R1, R5, R7)):
        work = server.machines.work()
        feed.announce(work, kind, SUBJECTS[kind], tenant=ids.get(tenant, "*"), resource=resource)
        assert await work.commit()
        if (tenant == "*" or tenant in inside) and resource in {"", own}:
            expected.append((kind.value, "end", ids.get(tenant, "*")))
    batch = await here.ask()
    assert expected == told(batch)
    others = [ids[slug] for slug in ids if slug not in inside]
    said = repr(batch) + repr(await follower(server, letter).ask())
    assert not [each for each in (*others, "issuer_path") if each in said]


@pytest.mark.one_database
@pytest.mark.requirement("feed:wall:own-tenants-and-own-resource-alone")
@pytest.mark.parametrize("letter", LISTENERS)
async def test_the_state_that_a_newcomer_gets_is_walled_alike(server, letter):
    inside, own = LISTENERS[letter]
    ids, expected = server.world.tenants, set()
    for kind, tenant, resource in itertools.product(
        (Kind.USER, Kind.CLIENT, Kind.TENANT, Kind.TOOL, Kind.RESOURCE), ("t1", "t2", "t3"), (R1, R5, R7)
    ):
        named = {
            Kind.USER: {"sub": "u"}, Kind.CLIENT: {"client_id": "c"}, Kind.TENANT: {},
            Kind.TOOL: {"resource": resource, "tool": "t"}, Kind.RESOURCE: {"resource": resource},
        }[kind]  # fmt: skip
        await stop(server, Target(kind=kind, tenant=ids[tenant], **named))
        if tenant in inside and named.get("resource", own) == own:
            expected.add((kind.value, ids[tenant]))
    found = {(event.kind.value, event.tenant) for event in (await follower(server, letter).ask()).kills}
    assert expected == found


@pytest.mark.one_database
@pytest.mark.requirement("feed:wall:upstream-of-an-exchange")
async def test_a_server_hears_of_those_whose_tokens_may_come_to_it_and_not_of_their_tools(server):
    """R1 → R5 → R2: whoever is ended at R1 may hold a token at R2. The other way nothing comes."""
    t1 = server.world.tenants["t1"]
    for actor, target in ((R1, R5), (R5, R2)):
        await server.operator.allow_exchange(actor, target, {next(iter(SCOPES)): ()})
    last, first = follower(server, "RS2"), follower(server, "RS1")
    for each in (last, first):
        await each.ask()
    for kind, resource in itertools.product((Kind.AUTHORIZATION, Kind.RESOURCE, Kind.TOOL, Kind.POLICY), (R1, R5, R2)):
        work = server.machines.work()
        subject = SUBJECTS[kind] if kind is Kind.AUTHORIZATION else {**SUBJECTS[kind], "resource": resource}
        feed.announce(work, kind, subject, tenant=t1, resource=resource)
        assert await work.commit()
    assert 3 * ["authorization"] + 3 * ["resource"] + ["tool", "policy"] == [
        event.kind.value for event in (await last.ask()).events
    ]
    assert ["authorization", "resource", "tool", "policy"] == [e.kind.value for e in (await first.ask()).events]


@pytest.mark.one_database
@pytest.mark.requirement("feed:told:exchange-withdrawn")
@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_what_was_exchanged_under_a_permission_ends_with_it(server, how):
    scope = next(iter(SCOPES))
    await server.operator.allow_exchange(R5, R2, {scope: ()})
    last, actor = follower(server, "RS2"), follower(server, "RS5")
    await last.ask()
    await actor.ask()
    if how == "removed":
        await server.operator.forbid_exchange(R5, R2)
        batch = await last.ask()
        assert batch.kills is not None  # it hears of fewer now
    else:
        await server.operator.allow_exchange(R5, R2, {scope: (scope,)})
        batch = await last.ask()
    ended = {event.subject["client_id"] for event in batch.events[-3:] if event.kind is Kind.CLIENT}
    assert {server.world.clients[letter].client_id for letter in ("RS5", "RS5t1", "RS5t2")} == ended
    # At the server that acted itself its own credential goes on.
    assert () == (await actor.ask()).events


@pytest.mark.one_database
@pytest.mark.requirement("feed:told:key-of-its-issuer")
async def test_a_key_is_told_to_those_who_follow_its_issuer_alone(server):
    other = follower(server, "RS7", issuer=f"{server.issuer}/t/t3")
    here = follower(server, "RS1")
    for each in (other, here):
        await each.ask()
    for path, hears, does_not in (("", here, other), ("/t/t3", other, here)):
        keys = await rotation.rows(server.machines.work())
        kid = next(row["kid"] for row in keys if row["issuer_path"] == path)
        await server.operator.rotate_keys(path=path)
        assert await rotation.remove_now(server.machines.work(), kid)
        assert [{"kid": kid}] == [event.subject for event in (await hears.ask()).events]
        assert () == (await does_not.ask()).events


@pytest.mark.one_database
@pytest.mark.requirement("feed:told:a-changed-demand")
async def test_a_changed_demand_is_told_to_the_server_of_the_tool_in_its_tenant(server):
    here, other = follower(server, "RS5t1"), follower(server, "RS5t2")
    for each in (here, other):
        await each.ask()
    work = server.machines.work(tenant=server.world.tenants["t1"])
    found = await resources.by_uri(work, R5)
    await tool_policy.change(work, found, "*", tool_policy.NO_RULES, {"most": "read"})
    assert await work.commit()
    [event] = (await here.ask()).events
    assert (Kind.POLICY, Act.CHANGED, {"resource": R5}) == (event.kind, event.act, event.subject)
    assert () == (await other.ask()).events


@pytest.mark.one_database
@pytest.mark.requirement("feed:cursor:of-another-list-begins-anew")
async def test_when_what_a_server_is_heard_for_changes_it_begins_anew(server):
    """TN-01: linked, unlinked, a tenant suspended. What was told under the wider view is not told again."""
    here, ids = follower(server, "RS5"), server.world.tenants
    assert {ids["t1"], ids["t2"]} == (await here.ask()).tenants
    await stop(server, Target(kind=Kind.USER, tenant=ids["t2"], sub="u"))
    await server.operator.unlink(R5, "t2")
    batch = await here.ask()
    assert ({ids["t1"]}, (), ()) == (batch.tenants, batch.kills, batch.events)
    narrow = here.cursor
    await server.operator.link(R5, "t2")
    batch = await here.ask()
    assert ({ids["t1"], ids["t2"]}, ["user", "resource"]) == (
        batch.tenants,
        [event.kind.value for event in batch.kills],
    )
    async with looking(server), stream(server, here, after=here.cursor) as opened:
        await opened.next()
        await server.operator.set_tenant("t2", is_active=False)
        assert {ids["t1"]} == (await opened.news()).tenants
    assert (await follower(server, "RS5", cursor=narrow).request(after=narrow)).status_code == 200


@pytest.mark.one_database
@pytest.mark.requirement("feed:door:a-servers-own-credential-alone")
@pytest.mark.parametrize("how", ["GET", "stream", "ack"])
async def test_only_the_credential_of_a_server_opens_the_feed(server, how):
    """RV, AD: nobody, a wrong secret, an application's credential, an access token, another issuer's server."""
    await follower(server, "RS1").ask()
    machine, rs1 = server.world.clients["M"], server.world.clients["RS1"]
    token = (await server.client("M").client_credentials()).access_token
    attempts = [
        {},
        {"auth": (rs1.client_id, "wrong")},
        {"auth": (machine.client_id, machine.secret)},
        {"headers": {"authorization": f"Bearer {token}"}},
        {"auth": (rs1.client_id, rs1.secret), "at": f"{server.issuer}/t/nobody"},
        {
            "auth": (server.world.clients["RS5t1"].client_id, server.world.clients["RS5t1"].secret),
            "at": f"{server.issuer}/t/t3",
        },
    ]
    for attempt in attempts:
        at = attempt.pop("at", server.issuer)
        headers = attempt.pop("headers", {}) | ({"accept": "text/event-stream"} if how == "stream" else {})
        if how == "ack":
            answer = await server.http.post(
                f"{at}/rs/feed/ack", json={"instance": "i", "cursor": "c"}, headers=headers, **attempt
            )
        else:
            answer = await server.http.get(f"{at}/rs/feed", headers=headers, **attempt)
        assert answer.status_code in {401, 404}, (attempt, answer.status_code)
    assert 0 == server.machines.feed_seats.taken


@pytest.mark.one_database
@pytest.mark.requirement("feed:cursor:forged-ones-are-refused")
@pytest.mark.parametrize("how", ["after", "last_event_id"])
@pytest.mark.parametrize(
    "forged",
    ["x", "-1", "{name}.-1", "{name}.01", "{name}.1e3", "{name}.", ".1", "{name}.9999999999999999999", "{name}.1\r\nid: 5",
     "{name}.1 ", "{NAME}.1", "{name}.\u0661", "'; DROP TABLE control_events; --", "a" * 5000],
)  # fmt: skip
async def test_a_cursor_that_nobody_gave_is_refused(server, how, forged):
    """Negative, huge, not canonical, in another script, with a header in it: 400, and nothing of it is said back."""
    here = follower(server, "RS1")
    name = (await here.ask()).cursor.partition(".")[0]
    text = forged.replace("{name}", name).replace("{NAME}", name.upper())
    if how == "after":
        answer = await here.request(after=text)
        assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
        assert text not in answer.text
    else:
        opened = Stream(server, here, last_event_id=text.encode().decode("latin-1"))
        await opened.open()
        assert 400 == opened.status
        assert b"id:" not in await opened.chunk()
    assert 0 == server.machines.feed_seats.taken


@pytest.mark.one_database
@pytest.mark.requirement("feed:cursor:forged-ones-are-refused")
async def test_another_servers_cursor_tells_nothing_it_begins_anew(server):
    one, other = follower(server, "RS1"), follower(server, "RS2")
    await one.ask()
    await other.ask()
    await announce_many(server, 5, tenant=server.world.tenants["t1"])
    other.cursor = one.cursor
    batch = await other.ask()
    assert batch.kills is not None
    assert batch.cursor.partition(".")[0] != one.cursor.partition(".")[0]


@pytest.mark.one_database
@pytest.mark.requirement("feed:door:parameters-are-bounded")
@pytest.mark.parametrize(
    "query",
    ["wait=26", "wait=-1", "wait=1.5", "wait=99999999999", "wait=\u0661", "wait=1&wait=2", "nonce=a&nonce=b", "nonce=",
     "nonce=" + 65 * "n", "nonce=a%0d%0aid:%201", "instance=%00", "instance=", "instance=" + 65 * "i", "instance=../x",
     "after=a&after=b"],
)  # fmt: skip
async def test_a_parameter_that_is_not_of_its_form_is_refused(server, query):
    here = follower(server, "RS1")
    answer = await server.http.get(f"{server.issuer}/rs/feed?{query}", auth=here.auth)
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


@pytest.mark.one_database
@pytest.mark.requirement("feed:door:parameters-are-bounded")
async def test_an_acknowledgement_is_strict_and_small(server):
    here = follower(server, "RS1", instance="one")
    await here.ask()
    name, _, number = here.cursor.partition(".")
    for changed, status in (
        ({"cursor": f"{name}.{int(number) + 1}"}, 409), ({"cursor": f"{name}.{10**17}"}, 409), ({"cursor": "f" * 32 + ".1"}, 409),
        ({"cursor": ""}, 409), ({"cursor": 5}, 400), ({"cursor": f"{name}.-1"}, 400), ({"instance": ""}, 400),
        ({"instance": 1}, 400), ({"instance": "a b"}, 400), ({"max_staleness_ms": -1}, 400), ({"max_staleness_ms": True}, 400),
        ({"max_staleness_ms": 600_001}, 400), ({"max_staleness_ms": 1.5}, 400), ({"about": []}, 400), ({"about": {"a": {}}}, 400),
        ({"about": {"a": "x" * 201}}, 400), ({"about": {f"a{i}": 1 for i in range(17)}}, 400), ({"about": {"a b": 1}}, 400),
        ({"about": {"a": "line\nbreak"}}, 400), ({"about": {"a": 2**60}}, 400), ({"client_id": "another"}, 400),
    ):  # fmt: skip
        assert status == (await here.acknowledge(**changed)).status_code, changed
    long = await here.acknowledge(about={"a": "x" * 9000})
    assert 413 == long.status_code
    twice = await server.http.post(
        f"{server.issuer}/rs/feed/ack", content=b'{"instance": "a", "instance": "b", "cursor": "c"}', auth=here.auth,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert 400 == twice.status_code
    await noted(server)
    [one] = await instances.of(server.machines.work(), [R1])
    assert (0, {}) == (one.applied, one.about)


@pytest.mark.one_database
@pytest.mark.requirement("feed:ack:for-oneself-alone")
async def test_nobody_acknowledges_for_another_servers_instance(server):
    """AD: a server that is to be stopped cannot say for its neighbour, nor its neighbour for it, that all is well."""
    victim, attacker = follower(server, "RS1", instance="one"), follower(server, "RS5", instance="one")
    await victim.ask()
    await attacker.ask()
    await stop(server, Target(kind=Kind.EVERYTHING))
    await attacker.ask()
    assert 204 == (await attacker.acknowledge()).status_code
    # With the victim's own cursor, and with one of the other list.
    assert 409 == (await attacker.acknowledge(cursor=victim.cursor)).status_code
    await noted(server)
    assert [("one", 0)] == [(one.id, one.applied) for one in await instances.of(server.machines.work(), [R1])]


@pytest.mark.one_database
@pytest.mark.requirement("feed:door:a-flood-has-an-end")
async def test_a_server_that_asks_without_end_is_slowed_and_its_neighbour_is_not(server):
    from authserver.runtime.buckets import Bucket

    server.app.machines = dataclasses.replace(server.machines, feed_requests=Bucket(per_minute=60, burst=20))
    here, neighbour = follower(server, "RS1"), follower(server, "RS5")
    answers = await asyncio.gather(*(here.request() for _ in range(40)))
    assert [20, 20] == [sum(answer.status_code == status for answer in answers) for status in (200, 429)]
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)
    assert 200 == (await neighbour.request()).status_code


@pytest.mark.one_database
@pytest.mark.requirement("feed:door:a-flood-has-an-end")
async def test_thousands_of_connections_wait_without_a_task_or_a_row_each(server):
    """Three thousand ask to wait: those with a seat do, the others are answered, and all of them leave nothing behind."""
    here = follower(server, "RS1")
    await here.ask()
    seats = server.machines.feed_seats
    asked = [asyncio.create_task(here.request(after=here.cursor, wait=25)) for _ in range(1000)]
    while len([task for task in asked if task.done()]) < 1000 - seats._each:
        await asyncio.sleep(0.01)
    assert seats._each == seats.taken
    server.app.drain()
    assert {200} == {answer.status_code for answer in await asyncio.gather(*asked)}
    assert (0, set()) == (seats.taken, server.machines.tail._waiting)


@pytest.mark.one_database
@pytest.mark.requirement("feed:reset:every-floor-and-every-stop")
async def test_a_kill_that_was_revived_and_killed_again_is_told_as_it_is_now(server):
    target = Target(kind=Kind.TENANT, tenant=server.world.tenants["t1"])
    here = follower(server, "RS1")
    for how in (kill_switch.kill, kill_switch.revive, kill_switch.kill):
        work = server.machines.work()
        how(work, target, reason="r", by=By(tenant="*"))
        assert await work.commit()
        state = (await here.ask()).kills if not here.cursor else (await follower(server, "RS1").ask()).kills
        stopped = [event for event in state if event.act is Act.KILL]
        assert (how is kill_switch.kill) == bool(stopped)
