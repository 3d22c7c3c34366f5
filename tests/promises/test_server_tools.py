"""A server says what tools it has; that it says something else than before is recorded, and shown until somebody accepts it."""

import httpx2
import pytest

from authserver import jobs
from authserver.domain.audit.event import Kind, open_payload
from authserver.domain.audit.header import about
from authserver.domain.health import servers
from authserver.domain.resources import resource as resources
from resource_lib import read, write
from resource_lib.backchannel.channel import Channel, IssuerUnavailableError
from resource_lib.backchannel.credential import Credential
from resource_lib.backchannel.tool_report import ToolReport
from resource_lib.definition import definition_of
from resource_lib.policy import layers_of
from resource_lib.policy.policies import Policies
from tests.support.world import R1, R5

HASH, OTHER_HASH = "a" * 64, "b" * 64
FORM, OTHER_FORM = (
    definition_of({"name": "search_orders", "description": text}) for text in ("One thing.", "Another.")
)
SEARCH = {"name": "search_orders", "class": "read", "scopes": ["orders:read"]}
UPDATE = {"name": "update_order", "class": "write", "scopes": ["orders:write", "tool:update_order"]}
WIPE = {"name": "wipe_everything", "class": "destructive", "scopes": ["orders:write"]}


async def say(server, letter, *tools, **changed):
    """Say which tools there are, as the server of a credential."""
    app = server.client(letter).app
    return await server.http.put(
        "/rs/tools",
        json={"instance": "i1", "tools": list(tools), **changed},
        auth=httpx2.BasicAuth(app.client_id, app.secret),
    )


async def seen(server, uri, tenant="t1"):
    """Return a server as the operators of a tenant see it; None: the platform's."""
    return await servers.find(server.operator.work(), uri, server.world.tenants[tenant] if tenant else None)


@pytest.mark.requirement("health:tools:a-change-is-shown-until-accepted")
async def test_a_changed_list_is_shown_and_recorded_until_an_operator_accepts_it(server):
    """C54: the first word is what the next is compared with; a start that says the same is no news."""
    answers = [await say(server, "RS1", SEARCH, UPDATE) for _ in range(2)]
    first = await seen(server, R1)
    server.clock.advance(60)
    await say(server, "RS1", SEARCH, {**UPDATE, "class": "read", "scopes": ["orders:write"]}, WIPE)
    changed = await seen(server, R1)
    found = changed.reports[0]
    await accept(server, R1, found, "t1")
    after = await seen(server, R1)

    assert [204, 204] == [answer.status_code for answer in answers]
    assert (False, True, False) == tuple(one.tools_have_changed for one in (first, changed, after))
    assert (("wipe_everything",), (), ("update_order",)) == (found.added, found.removed, found.changed)
    assert (server.now, server.now - 60) == (found.changed_at, first.reports[0].changed_at)
    told = [row for row in await server.operator.events(None) if row["kind"] == Kind.SERVER_TOOLS_CHANGED]
    assert 1 == len(told)
    assert ["wipe_everything"] == open_payload(server.operator.work(), told[0])["added"]


async def accept(server, uri, found, tenant):
    work = server.operator.work()
    place = server.world.tenants[tenant] if tenant else None
    await servers.accept_tools(work, uri, found.client_id, tools_hash=found.tools_hash, tenant=place)
    assert await work.commit()


@pytest.mark.requirement("health:tools:a-change-is-shown-until-accepted")
async def test_a_definition_that_is_another_after_a_start_is_a_change(server):
    """C54: what a tool says of itself is what people were shown; that nobody has listed it yet is no news."""
    for hashed in ({}, {"definition_hash": HASH}, {}):
        await say(server, "RS1", {**SEARCH, **hashed})
    quiet = await seen(server, R1)
    await say(server, "RS1", {**SEARCH, "definition_hash": OTHER_HASH})
    changed = await seen(server, R1)

    assert not quiet.tools_have_changed
    # Compared with the first word, in which nobody had listed it.
    told = [row for row in await server.operator.events(None) if row["kind"] == Kind.SERVER_TOOLS_CHANGED]
    assert 1 == len(told)
    assert (("search_orders",), True) == (changed.reports[0].changed, changed.tools_have_changed)


@pytest.mark.requirement("health:tools:a-change-is-shown-until-accepted")
@pytest.mark.one_database
async def test_a_list_that_has_changed_since_it_was_looked_at_is_not_accepted(server):
    """Ours: what counts is what the operator saw."""
    await say(server, "RS1", SEARCH)
    looked_at = (await seen(server, R1)).reports[0]
    await say(server, "RS1", SEARCH, WIPE)

    with pytest.raises(servers.NotSeenError):
        await accept(server, R1, looked_at, "t1")

    assert (await seen(server, R1)).tools_have_changed


@pytest.mark.requirement("health:tools:are-compared-with-what-is-registered")
async def test_what_a_server_has_is_compared_with_what_is_registered_for_it(server):
    """C56: what nobody can be granted, what is not there, and what is graver than people were told."""
    before = await seen(server, R1)
    await say(server, "RS1", {**SEARCH, "class": "write"}, UPDATE, WIPE)
    after = await seen(server, R1)

    assert ((), (), ()) == (before.missing_here, before.unknown_there, before.other_class)
    assert ("wipe_everything",) == after.missing_here
    assert ("purge_orders", "refund_order") == after.unknown_there
    assert ("search_orders",) == after.other_class


@pytest.mark.requirement("attack:health:one-credentials-word")
async def test_a_tenants_own_server_says_nothing_to_another_tenant(server):
    """Decision 22: at a shared resource each hears its own server and the shared one, and accepts for itself."""
    await say(server, "RS5t1", SEARCH)
    await say(server, "RS5t1", SEARCH, WIPE)
    await say(server, "RS5", SEARCH)
    await say(server, "RS5", SEARCH, UPDATE)
    t1, t2, platform = await seen(server, R5), await seen(server, R5, "t2"), await seen(server, R5, None)
    shared = server.client("RS5").app.client_id
    own = server.client("RS5t1").app.client_id
    await accept(server, R5, next(one for one in t2.reports if one.client_id == shared), "t2")

    assert {shared, own} == {one.client_id for one in t1.reports}
    assert {shared} == {one.client_id for one in t2.reports}
    assert {shared, own} == {one.client_id for one in platform.reports}
    assert "wipe_everything" not in repr(t2)
    with pytest.raises(servers.NotSeenError):
        await accept(server, R5, next(one for one in t1.reports if one.client_id == own), "t2")
    after = [await seen(server, R5, who) for who in ("t1", "t2", None)]
    assert [True, False, True] == [
        next(one for one in view.reports if one.client_id == shared).has_changed for view in after
    ]


@pytest.mark.requirement("attack:health:one-credentials-word")
@pytest.mark.one_database
async def test_nobody_but_a_server_says_what_tools_there_are(server):
    """Design §4: another client's credential, a wrong one, none, and a resource that is gone."""
    app, machine = server.client("RS1").app, server.client("M").app
    body = {"instance": "i1", "tools": [SEARCH]}

    wrong = await server.http.put("/rs/tools", json=body, auth=httpx2.BasicAuth(app.client_id, "cs_wrong"))
    none = await server.http.put("/rs/tools", json=body)
    other = await server.http.put("/rs/tools", json=body, auth=httpx2.BasicAuth(machine.client_id, machine.secret))
    await server.operator.set_resource(R1, is_active=False)
    gone = await say(server, "RS1", SEARCH)

    assert [401, 401, 401, 400] == [answer.status_code for answer in (wrong, none, other, gone)]
    assert () == (await seen(server, R1)).reports


MALFORMED = {
    "no tools": {"instance": "i1"},
    "tools that are no list": {"instance": "i1", "tools": {}},
    "a tool that is no object": {"instance": "i1", "tools": ["x"]},
    "no name": {"instance": "i1", "tools": [{"class": "read"}]},
    "a name with a line break": {"instance": "i1", "tools": [{"name": "a\nb", "class": "read"}]},
    "a long name": {"instance": "i1", "tools": [{"name": "x" * 129, "class": "read"}]},
    "no class": {"instance": "i1", "tools": [{"name": "x"}]},
    "another class": {"instance": "i1", "tools": [{"name": "x", "class": ["read"]}]},
    "scopes that are no list": {"instance": "i1", "tools": [{"name": "x", "class": "read", "scopes": "a b"}]},
    "a scope with a space": {"instance": "i1", "tools": [{"name": "x", "class": "read", "scopes": ["a b"]}]},
    "many scopes": {"instance": "i1", "tools": [{"name": "x", "class": "read", "scopes": ["a"] * 51}]},
    "a hash that is none": {"instance": "i1", "tools": [{"name": "x", "class": "read", "definition_hash": "x"}]},
    "one twice": {"instance": "i1", "tools": [SEARCH, SEARCH]},
    "too many": {"instance": "i1", "tools": [{"name": f"t{n}", "class": "read"} for n in range(1001)]},
    "no instance": {"tools": [SEARCH]},
    "an instance that is none": {"instance": "a b", "tools": [SEARCH]},
    "no object": [SEARCH],
}


@pytest.mark.requirement("attack:health:one-credentials-word")
@pytest.mark.one_database
@pytest.mark.parametrize("how", MALFORMED)
async def test_a_word_of_another_form_is_refused_and_nothing_is_kept(server, how):
    """Ours: read strictly, with the member named."""
    app = server.client("RS1").app

    answer = await server.http.put(
        "/rs/tools", json=MALFORMED[how], auth=httpx2.BasicAuth(app.client_id, app.secret)
    )  # fmt: skip

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert () == (await seen(server, R1)).reports


@pytest.mark.requirement("health:credential:refused-is-said-with-the-cure")
@pytest.mark.one_database
async def test_a_guard_whose_secret_is_not_taken_says_so_with_the_cure_and_without_the_secret(server, caplog):
    """What a night operator reads in the MCP server's own log: what is wrong, and the commands that show and mend it."""
    app = server.client("RS1").app
    channel = Channel(
        issuer=server.issuer,
        credential=Credential(client_id=app.client_id, secret="cs_of_last_year"),
        transport=server.transport(),
    )

    for _ in range(2):  # asked again all the time, it is said once a minute
        with pytest.raises(IssuerUnavailableError):
            await channel.ask("GET", "/rs/policy")
    await channel.aclose()

    [said] = [record.getMessage() for record in caplog.records if record.name == "resource_lib.backchannel"]
    assert "does not take this server's credential" in said
    assert {"authserver client rotate", "authserver server list"} <= {*said.split("`")}
    assert "cs_of_last_year" not in said


@pytest.mark.requirement("health:tools:a-guard-says-them")
@pytest.mark.one_database
async def test_a_guard_says_its_tools_after_its_start_and_when_one_is_another(server):
    """Design §4: what the library sends is what the server understands; names, classes and scopes as they are in force."""
    app = server.client("RS1").app
    now = 0.0
    channel = Channel(
        issuer=server.issuer,
        credential=Credential(client_id=app.client_id, secret=app.secret),
        transport=server.transport(),
    )
    policies = Policies(
        layers_of({"search_orders": read("orders:read"), "update_order": write("orders:write")}, None), preset=None
    )
    report = ToolReport(channel, policies.base.values(), clock=lambda: now, pause=lambda most: most)

    await report.tell()
    early = (await seen(server, R1)).reports
    now = 5.0
    await report.tell()
    first = (await seen(server, R1)).reports[0]
    report.learn("search_orders", FORM, "t1")
    now = 65.0
    await report.tell()
    listed = (await seen(server, R1)).reports[0]
    report.learn("search_orders", OTHER_FORM, "t1")
    now = 125.0
    await report.tell()
    changed = (await seen(server, R1)).reports[0]
    await channel.aclose()

    assert () == early
    assert [("search_orders", "read", ("orders:read",), ""), ("update_order", "write", ("orders:write", "tool:update_order"), "")] == [
        (tool.name, tool.tool_class, tool.scopes, tool.definition_hash) for tool in first.tools
    ]  # fmt: skip
    assert (FORM.hash, OTHER_FORM.hash) == (listed.tools[0].definition_hash, changed.tools[0].definition_hash)
    told = [about(row) for row in await server.operator.events(None) if row["kind"] == Kind.SERVER_TOOLS_CHANGED]
    assert [1] == [said["changed"] for said in told]


@pytest.mark.requirement("health:tools:a-change-is-shown-until-accepted")
async def test_what_was_said_of_a_server_goes_with_it(server):
    """Ours: one that is registered anew at the same place begins anew."""
    await say(server, "RS1", SEARCH)
    await say(server, "RS1", SEARCH, WIPE)
    await accept(server, R1, (await seen(server, R1)).reports[0], "t1")
    removing = server.operator.work()
    resources.remove(removing, R1)
    assert await removing.commit()

    await jobs.expire(server.machines)
    await server.operator.add_resource(R1, "t1")
    after = await seen(server, R1)

    assert ((), None) == (after.reports, after.check)
