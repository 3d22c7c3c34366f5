"""
Plan: learn which tools a server has from how it refuses them, use one that a tenant took away, or act while it knows nothing.

Every tool that is not there for a caller is not there in the same bytes, and is in no list of theirs.
"""

import asyncio

import pytest

from resource_lib.testing.issuer import CLIENT, TENANT
from tests.support.guarded import LEGACY, MODERN, READER, Guarded
from tests.support.overlaid import Overlaid

EVERYTHING = (*READER, "notes:write", "tool:add", "tool:wipe")
OTHER = "ten_other0000000000"
HIDING = {
    "denied by name": {TENANT: {"wipe": {"mode": "deny"}}},
    "denied for all": {TENANT: {"*": {"mode": "deny"}}},
    "not on the list": {TENANT: {"wipe": {"clients": ["cli_another"]}}},
    "an empty list": {TENANT: {"wipe": {"clients": []}}},
    "on one list of two": {TENANT: {"*": {"clients": ["cli_another"]}, "wipe": {"clients": [CLIENT]}}},
    "above the ceiling": {TENANT: {"*": {"most": "write"}}},
    "a tenant that is not named": {OTHER: {}},
}


@pytest.fixture
async def behind():
    """Make guards that follow an issuer, and end what they began."""
    made = []

    def make(demanded=None, **settings):
        made.append(Overlaid(demanded, **settings))
        return made[-1]

    yield make
    for one in made:
        await one.guard.aclose()


@pytest.mark.requirement("opt-in:guard:hidden-tools-answer-as-unknown-ones")
@pytest.mark.parametrize("version", [MODERN, LEGACY], ids=["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize("how", HIDING)
@pytest.mark.parametrize("scopes", [EVERYTHING, READER, ()], ids=["all scopes", "reads", "none"])
async def test_a_tool_that_is_not_there_for_the_caller_answers_as_one_that_never_was(behind, version, how, scopes):
    """Decision 11: HTTP 200, the same bytes but for the name, whatever the caller holds; nothing reaches the server."""
    guarded = behind(HIDING[how])

    hidden = await guarded.tool("wipe", *scopes, headers=[version])
    unknown = await guarded.tool("wupe", *scopes, headers=[version])

    assert (200, "tool_unknown") == (hidden.status, hidden.error["error"])
    assert unknown.body.replace(b"wupe", b"wipe") == hidden.body
    assert unknown.headers == hidden.headers
    assert 0 == guarded.reached


@pytest.mark.requirement("opt-in:guard:hidden-tools-answer-as-unknown-ones")
async def test_a_listing_that_showed_the_tool_once_changes_nothing(behind):
    """An older client holds errors against an output schema, so those differ; a tool that is hidden now has none."""
    guarded = behind()
    await guarded.listed()
    await guarded.told({TENANT: {"wipe": {"mode": "deny"}}})

    hidden = await guarded.tool("wipe", *EVERYTHING, headers=[LEGACY])
    unknown = await guarded.tool("wupe", *EVERYTHING, headers=[LEGACY])

    assert unknown.body.replace(b"wupe", b"wipe") == hidden.body


@pytest.mark.requirement("opt-in:guard:hidden-tools-answer-as-unknown-ones")
async def test_what_one_tenant_demands_is_not_demanded_of_another(behind):
    """Decision 22: an overlay is a tenant's own, and so is what is hidden by it."""
    guarded = behind({TENANT: {"add": {"mode": "deny"}}, OTHER: {}})

    hidden = await guarded.tool("add", *EVERYTHING)
    there = await guarded.tool("add", *EVERYTHING, tenant=OTHER)

    assert "tool_unknown" == hidden.error["error"]
    assert (200, 1) == (there.status, guarded.reached)


@pytest.mark.requirement("opt-in:guard:three-states-of-a-tool")
async def test_outside_the_list_inside_it_and_chosen(behind):
    """K13, K14: unknown; a 403 that names every scope of the operation; allowed."""
    guarded = behind({TENANT: {"add": {"clients": [CLIENT]}}})

    outside = await guarded.tool("add", *READER, client_id="cli_another")
    inside = await guarded.tool("add", *READER)
    chosen = await guarded.tool("add", *READER, "notes:write", "tool:add")

    assert "tool_unknown" == outside.error["error"]
    assert (403, ["notes:write", "tool:add"]) == (inside.status, inside.error["required_scopes"])
    assert "notes:write" in inside.header("www-authenticate")
    assert "tool:add" in inside.header("www-authenticate")
    assert (200, 1) == (chosen.status, guarded.reached)


@pytest.mark.requirement("opt-in:guard:three-states-of-a-tool")
async def test_a_read_that_a_tenant_made_a_write_demands_its_own_scope(behind):
    """Decision 11: the graver class counts, and with it the tool's own scope."""
    guarded = behind({TENANT: {"see": {"class": "write"}}})

    before = await guarded.tool("see", "notes:read")
    after = await guarded.tool("see", "notes:read", "tool:see")

    assert (403, ["notes:read", "tool:see"]) == (before.status, before.error["required_scopes"])
    assert 200 == after.status


@pytest.mark.requirement("opt-in:guard:lists-are-the-callers-own")
async def test_a_list_holds_what_is_there_for_this_caller_and_may_not_be_shared(behind):
    """Decision 11, MCP 2026-07-28: two applications and two tenants see three lists; offered and not granted stays listed.

    What is for a role that the caller has not is never theirs.
    """
    guarded = behind({TENANT: {"wipe": {"mode": "deny"}, "add": {"clients": [CLIENT]}}, OTHER: {}})

    mine = await guarded.listed(headers=[MODERN])
    another = await guarded.listed(headers=[MODERN], client_id="cli_another")
    elsewhere = await guarded.listed(headers=[MODERN], tenant=OTHER)
    stranger = await guarded.listed(headers=[MODERN], tenant="ten_unlinked000000")

    names = [[tool["name"] for tool in seen.json["result"]["tools"]] for seen in (mine, another, elsewhere, stranger)]
    assert [
        ["add", "pay", "peek", "see"],
        ["pay", "peek", "see"],
        ["add", "pay", "peek", "see", "wipe"],
        [],
    ] == names
    assert {"private"} == {seen.json["result"]["cacheScope"] for seen in (mine, another, elsewhere, stranger)}
    assert 5000 == mine.json["result"]["ttlMs"]


@pytest.mark.requirement("opt-in:guard:never-told-decides-nothing")
@pytest.mark.parametrize("version", [MODERN, LEGACY], ids=["2026-07-28", "2025-11-25"])
async def test_a_guard_that_was_never_told_runs_and_shows_nothing_and_says_when_to_come_back(behind, version):
    """Decision 19: the tool may be one that a tenant took away; reading counts too, and the list as well."""
    guarded = behind()
    guarded.is_silent = True

    read, write = [await guarded.tool(name, *EVERYTHING, headers=[version]) for name in ("see", "add")]
    unknown = await guarded.tool("nothing", *EVERYTHING, headers=[version])
    listed = await guarded.listed(headers=[version])
    protocol = await guarded.rpc("ping", auth=guarded.bearer(*READER), headers=[version])

    assert {("control_plane_stale", 3)} == {
        (seen.error["error"], seen.error["retry_after_s"]) for seen in (read, write, unknown, listed)
    }
    assert {200} == {seen.status for seen in (read, write, unknown, listed)}
    assert "tools" not in listed.json.get("result", {})
    assert (200, 1) == (protocol.status, guarded.reached)
    assert guarded.guard.doctor().overlay_age_s is None


@pytest.mark.requirement("opt-in:guard:known-but-old-counts")
async def test_what_was_told_holds_while_the_issuer_is_silent(behind):
    """Decision 18: neither does an outage open what was closed, nor the other way round; the report says how old it is."""
    guarded = behind({TENANT: {"add": {"mode": "deny"}}})
    await guarded.tool("see", *READER)
    guarded.is_silent = True
    await guarded.guard.overlay._asked()

    denied = await guarded.tool("add", *EVERYTHING)
    read = await guarded.tool("see", *READER)

    assert "tool_unknown" == denied.error["error"]
    assert (200, 2) == (read.status, guarded.reached)
    assert 0 <= guarded.guard.doctor().overlay_age_s < 60


@pytest.mark.requirement("opt-in:guard:follows-what-operators-demand")
async def test_it_follows_from_the_servers_start_to_its_end(behind):
    """Ours: the first caller need not wait, and nothing runs on after the server."""
    guarded = behind()
    events = asyncio.Queue()
    said = []

    async def send(message):
        said.append(message["type"])

    running = asyncio.create_task(guarded.app({"type": "lifespan"}, events.get, send))
    await events.put({"type": "lifespan.startup"})
    while guarded.guard.overlay.age is None:
        await asyncio.sleep(0)
    await events.put({"type": "lifespan.shutdown"})
    await running

    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == said
    assert [] == [task for task in asyncio.all_tasks() if task.get_name().startswith("overlay")]


@pytest.mark.requirement("opt-in:guard:follows-what-operators-demand")
async def test_a_guard_without_a_credential_follows_nobody_and_says_so():
    """Decision 18: it is token-only; its author's policy is all there is."""
    guarded = Guarded()

    assert 200 == (await guarded.tool("see", "notes:read")).status
    assert guarded.guard.overlay is None
    assert guarded.guard.doctor().overlay_age_s is None
