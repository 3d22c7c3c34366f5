"""What an operator sees of each MCP server: is it active, does its credential count, how far has each process followed the list."""

import pytest

from authserver.domain.health import servers
from authserver.domain.revocation import feed, kill_switch
from authserver.domain.revocation.kill_switch import By, Target
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import Kind
from tests.support.following import follower, noted
from tests.support.world import R1, R2, R5, R7, R9


async def overview(server, tenant=None):
    """Return what operators of a tenant see, by resource; None: the platform's."""
    place = server.world.tenants[tenant] if tenant else None
    return {one.uri: one for one in await servers.overview(server.operator.work(), place)}


async def acting(server, act, *, tenant=None, **what):
    """Commit one thing of the kill switch."""
    work: UnitOfWork = server.operator.work(tenant)
    act(
        work,
        Target(tenant=server.world.tenants[tenant] if tenant else "*", **what),
        reason="because",
        by=By(tenant="*", label="the suite"),
    )
    assert await work.commit()


async def ended(server, tenant):
    """Let something end in a tenant that its servers are told of."""
    work = server.operator.work(tenant)
    feed.announce(work, Kind.USER, {"sub": "sub_x"})
    assert await work.commit()


async def running(server, letter, instance="i1"):
    """Return somebody who follows as a server, and has said that they did."""
    one = follower(server, letter, instance=instance)
    await one.ask()
    assert 204 == (await one.acknowledge(max_staleness_ms=5000)).status_code
    return one


@pytest.mark.requirement("health:overview:state-of-each-server")
async def test_a_server_is_active_paused_stopped_or_disabled(server):
    """C52: switched inactive it keeps its registration, and says until when callers wait."""
    states = [(await overview(server, "t1"))[R1].state]
    for act in (kill_switch.pause, kill_switch.revive, kill_switch.kill, kill_switch.revive):
        await acting(server, act, tenant="t1", kind=Kind.RESOURCE, resource=R1)
        states.append((await overview(server, "t1"))[R1].state)
    await acting(server, kill_switch.kill, kind=Kind.TOOL, resource=R1, tool="refund_order")
    stopped_tool = (await overview(server, "t1"))[R1]
    await acting(server, kill_switch.pause, kind=Kind.RESOURCE, resource=R1)
    paused = (await overview(server))[R1]
    await server.operator.set_resource(R1, is_active=False)
    disabled = (await overview(server))[R1].state

    assert ["active", "paused", "active", "stopped", "active"] == states
    assert (("refund_order",), "active") == (stopped_tool.stopped_tools, stopped_tool.state)
    assert ("paused", kill_switch.RETRY_AFTER_S, "disabled") == (paused.state, paused.retry_after_s, disabled)
    assert 4 == len((await server.operator.resource(R1)).tools)


@pytest.mark.requirement("health:overview:state-of-each-server")
@pytest.mark.one_database
@pytest.mark.parametrize(("kind", "tenant"), [(Kind.EVERYTHING, None), (Kind.TENANT, "t1")])
async def test_where_all_is_stopped_so_is_each_server(server, kind, tenant):
    """C51: for whom it is stopped, and nobody else."""
    await acting(server, kill_switch.kill, tenant=tenant, kind=kind)

    seen = {name: (await overview(server, name))[R5].state for name in ("t1", "t2")}

    assert {"t1": "stopped", "t2": "stopped" if tenant is None else "active"} == seen


@pytest.mark.requirement("health:overview:credentials")
async def test_a_credential_is_valid_silent_ending_ended_stopped_or_disabled(server):
    """C56: stored credentials still authenticate, told by when one last did."""
    app = server.client("RS1").app

    async def state():
        return next(
            one.state for one in (await overview(server, "t1"))[R1].credentials if one.client_id == app.client_id
        )

    never = await state()
    await running(server, "RS1")
    valid = await state()
    last = (await overview(server, "t1"))[R1].credentials[0].last_seen_at
    server.clock.advance(61)
    silent = await state()
    await acting(server, kill_switch.kill, kind=Kind.CLIENT, client_id=app.client_id)
    stopped = await state()
    await server.operator.set_client(app, is_active=False)
    disabled = await state()

    assert ("silent", "valid", "silent", "stopped", "disabled") == (never, valid, silent, stopped, disabled)
    assert server.now - 61 == last


@pytest.mark.requirement("health:overview:feed-age")
async def test_each_process_is_seen_with_its_age_and_with_what_it_has_not_applied(server):
    """Decision 14: how long ago it was heard of, how long something waits for it, and whether it has stopped by itself."""
    one = await running(server, "RS1")
    fresh = (await overview(server, "t1"))[R1].instances
    await ended(server, "t1")
    server.clock.advance(3)
    behind = (await overview(server, "t1"))[R1].instances[0]
    await one.ask()
    assert 204 == (await one.acknowledge()).status_code
    caught_up = (await overview(server, "t1"))[R1].instances[0]
    server.clock.advance(16)
    lapsed = (await overview(server, "t1"))[R1].instances[0]

    assert [("i1", 0, 0, False)] == [
        (seen.instance, seen.feed_age_ms, seen.behind_ms, seen.has_lapsed) for seen in fresh
    ]
    assert (3000, 3000, False) == (behind.feed_age_ms, behind.behind_ms, behind.has_lapsed)
    assert (0, 0) == (caught_up.feed_age_ms, caught_up.behind_ms)
    assert (16000, True) == (lapsed.feed_age_ms, lapsed.has_lapsed)


@pytest.mark.requirement("health:overview:who-follows-has-not-lapsed")
async def test_a_process_that_asks_every_two_seconds_never_looks_as_if_it_had_stopped(server):
    """That it asked is written every ten seconds, twice its bound: an operator must not be told that it fell silent."""
    one = await running(server, "RS1")
    looked = []
    for _ in range(12):
        server.clock.advance(2)
        await one.ask()
        await noted(server)
        looked.append((await overview(server, "t1"))[R1].instances[0])

    assert [False] * 12 == [seen.has_lapsed for seen in looked]
    assert max(seen.feed_age_ms for seen in looked) > looked[0].max_staleness_ms


@pytest.mark.requirement("attack:health:no-tenant-learns-of-another")
async def test_a_tenant_sees_its_own_servers_and_nothing_that_tells_of_others(server):
    """Decision 22: the other tenant's servers, credentials, processes and events leave no trace, not even as a number."""
    await running(server, "RS5")
    await running(server, "RS5t1", "mine")
    await acting(server, kill_switch.pause, tenant="t1", kind=Kind.RESOURCE, resource=R5)
    await running(server, "RS5")
    before = await overview(server, "t1")

    await running(server, "RS5t2", "theirs")
    await acting(server, kill_switch.kill, tenant="t2", kind=Kind.TOOL, resource=R5, tool="update_order")
    await ended(server, "t2")
    after = await overview(server, "t1")
    everything = (await overview(server))[R5]

    assert before == after
    assert {R1, R2, R5} == set(after)
    assert {R5, R9} == set(await overview(server, "t2"))
    assert {R1, R2, R5, R7, R9} == set(await overview(server))
    own = {server.client(letter).app.client_id for letter in ("RS5", "RS5t1")}
    assert own == {one.client_id for one in after[R5].credentials} == {one.client_id for one in after[R5].instances}
    assert 3 == len(everything.credentials) == len(everything.instances)
    assert any(one.behind_ms for one in everything.instances)


@pytest.mark.requirement("attack:health:no-tenant-learns-of-another")
@pytest.mark.one_database
async def test_a_server_that_a_tenant_does_not_let_in_is_none_of_its_credentials(server):
    """Decision 22: a shared credential that the tenant blocked speaks for it no more."""
    await running(server, "RS5")
    await server.operator.block("t1", server.client("RS5").app.client_id)

    seen = {name: len((await overview(server, name))[R5].instances) for name in ("t1", "t2")}

    assert {"t1": 0, "t2": 1} == seen
