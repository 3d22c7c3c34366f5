"""
Stopping through the one pair of calls that command line, console and admin API share: who may, what it would end, who obeyed.
"""

import pytest

from authserver.domain.audit import event
from authserver.domain.revocation import kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Target
from resource_lib.wire.control import Kind
from tests.support.following import follower, noted
from tests.support.world import R1, R5, R9

PLATFORM = By(tenant="*", label="the command line")


def of_tenant(server, slug):
    return By(tenant=server.world.tenants[slug], label=f"an operator of {slug}")


async def stop(server, target, by=PLATFORM):
    work = server.machines.work()
    await stopping.kill(work, target, reason="it misbehaves", by=by)
    assert await work.commit()


async def resolved(server, kind, by=PLATFORM, **named):
    return await stopping.resolve(server.machines.work(), kind, by=by, **named)


@pytest.mark.requirement("kill:radius:what-a-stop-would-end-is-counted-first")
async def test_what_a_stop_would_end_is_counted_before_it_is_confirmed(server):
    """People, applications and logins that live, without what ended before by a row or by a number."""
    app, other = server.client("P"), server.client("N")
    await app.sign_in("u1")
    await app.sign_in("u1")
    await other.sign_in("u2")
    ended = await other.sign_in("u2", prompt="login")
    await other.revoke(ended.refresh_token)
    await server.client("X").sign_in("u9")
    t1 = server.world.tenants["t1"]
    u1 = server.world.people["u1"].subs["t1"]

    async def counted(target):
        found = await stopping.radius(server.machines.work(), target)
        return found.users, found.clients, found.live_authorizations

    assert (2, 2, 3) == await counted(Target(kind=Kind.TENANT, tenant=t1))
    assert (3, 3, 4) == await counted(Target(kind=Kind.EVERYTHING))
    assert (1, 1, 2) == await counted(Target(kind=Kind.USER, tenant=t1, sub=u1))
    assert (1, 1, 2) == await counted(Target(kind=Kind.CLIENT, tenant=t1, client_id=app.app.client_id))
    assert (2, 2, 3) == await counted(Target(kind=Kind.RESOURCE, tenant=t1, resource=R1))

    await stop(server, Target(kind=Kind.USER, tenant=t1, sub=u1))
    assert (0, 0, 0) == await counted(Target(kind=Kind.USER, tenant=t1, sub=u1))
    assert (1, 1, 1) == await counted(Target(kind=Kind.TENANT, tenant=t1))
    assert (2, 2, 2) == await counted(Target(kind=Kind.EVERYTHING))


@pytest.mark.requirement("kill:who:a-tenants-operator-acts-in-their-tenant-alone")
async def test_a_tenants_operator_stops_nothing_outside_of_it(server):
    """Decision 22: everywhere is the platform's; another tenant's things are as unknown as what never was."""
    t1, own = server.world.tenants["t1"], of_tenant(server, "t1")
    for target in (
        Target(kind=Kind.EVERYTHING),
        Target(kind=Kind.TENANT, tenant=server.world.tenants["t2"]),
        Target(kind=Kind.RESOURCE, resource=R5),
    ):
        with pytest.raises(stopping.NotAllowedError):
            await stopping.kill(server.machines.work(), target, reason="no", by=own)
        with pytest.raises(stopping.NotAllowedError):
            await stopping.revive(server.machines.work(), target, reason="no", by=own)
    for kind, named in (
        (Kind.TENANT, {"tenant": "t2"}),
        (Kind.RESOURCE, {"resource": R9}),
        (Kind.CLIENT, {"client_id": server.client("X").app.client_id}),
        (Kind.USER, {"email": server.world.people["u9"].email}),
    ):
        with pytest.raises(stopping.UnknownTargetError) as said:
            await resolved(server, kind, own, **named)
        with pytest.raises(stopping.UnknownTargetError) as of_nothing:
            await resolved(server, kind, own, **dict.fromkeys(named, "never-was"))
        (known,) = named.values()
        assert str(said.value).replace(known, "never-was") == str(of_nothing.value)
    assert Target(kind=Kind.RESOURCE, tenant=t1, resource=R5) == await resolved(server, Kind.RESOURCE, own, resource=R5)


@pytest.mark.requirement("kill:who:what-the-platform-stopped-only-the-platform-revives")
async def test_what_the_platform_stopped_is_not_revived_by_the_tenant(server):
    """Not by reviving, not by stopping it once more, and not by switching it to a pause."""
    own = of_tenant(server, "t1")
    target = Target(kind=Kind.RESOURCE, tenant=own.tenant, resource=R1)
    await stop(server, target)
    await stop(server, target, own)
    with pytest.raises(stopping.StopRefusedError, match="revive it first"):
        await stopping.pause(server.machines.work(), target, reason="only a little", by=own)

    (found,) = await stopping.kills(server.machines.work(), own.tenant, only_stopped=True)
    assert ("kill", "*") == (found.stopped, found.stopped_by)
    with pytest.raises(stopping.NotAllowedError):
        await stopping.revive(server.machines.work(), target, reason="please", by=own)
    work = server.machines.work()
    await stopping.revive(work, target, reason="mended", by=PLATFORM)
    assert await work.commit()
    assert [] == await stopping.kills(server.machines.work(), only_stopped=True)


@pytest.mark.requirement("kill:who:a-tenant-fills-no-servers-state")
async def test_a_tenants_operator_does_not_fill_what_every_server_is_told(server):
    """Made-up addresses would outgrow what a follower reads, also at a server that serves others; what is known is stopped."""
    own = of_tenant(server, "t1")
    work = server.machines.work(tenant=own.tenant)
    made_up = [
        Target(kind=Kind.CLIENT_HOST, tenant=own.tenant, host=f"h{number}.example")
        for number in range(stopping.MOST_NAMED)
    ]
    for target in made_up:
        kill_switch.kill(work, target, reason="made up", by=own)
    assert await work.commit()
    one_more = Target(kind=Kind.CLIENT_HOST, tenant=own.tenant, host="one-more.example")

    with pytest.raises(stopping.StopRefusedError, match="revive some"):
        await stopping.kill(server.machines.work(), one_more, reason="made up", by=own)

    await stop(server, one_more)
    await stop(server, made_up[0], own)
    await stop(server, Target(kind=Kind.RESOURCE, tenant=own.tenant, resource=R1), own)
    assert stopping.MOST_NAMED + 2 == len(await stopping.kills(server.machines.work(), own.tenant, only_stopped=True))


@pytest.mark.requirement("kill:recorded:who-and-why")
async def test_who_stopped_it_and_why_is_in_the_record(server):
    """The words are sealed in the payload; the header holds ids alone."""
    t1 = server.world.tenants["t1"]
    target = await resolved(server, Kind.USER, tenant="t1", email="  U1.person@example.COM ")
    await stop(server, target)
    work = server.machines.work()
    await stopping.revive(work, target, reason="it was mended", by=PLATFORM)
    assert await work.commit()

    inside = server.machines.work(tenant=t1)
    rows = {row["kind"]: event.open_payload(inside, row) for row in await event.recent(inside)}
    key = f"user/{t1}/{target.sub}"
    assert {"target": key, "reason": "it misbehaves", "by": "the command line"} == rows["operator:kill:stopped"]
    assert {"target": key, "reason": "it was mended", "by": "the command line"} == rows["operator:kill:revived"]


@pytest.mark.requirement("kill:one-thing:an-operator-ends-one-authorization-or-one-token")
async def test_an_operator_ends_one_authorization_or_one_token_and_nothing_else(server):
    """And a tenant's operator those of their tenant alone, not learning whether another exists."""
    app, rs = server.client("P"), server.client("RS1")
    first, second = await app.sign_in("u1"), await app.sign_in("u1")

    async def ends(act, what, by):
        work = server.machines.work()
        told = await act(work, what, by=by, reason="lost")
        assert await work.commit()
        return told

    stranger = of_tenant(server, "t2")
    for act, what in (
        (stopping.revoke_authorization, first.claims["authorization_id"]),
        (stopping.revoke_token, first.access_token),
    ):
        with pytest.raises(stopping.UnknownTargetError):
            await ends(act, what, stranger)
    assert (R1,) == await ends(stopping.revoke_token, first.access_token, of_tenant(server, "t1"))
    assert not (await rs.introspect(first.access_token)).body["active"]
    first = await app.refresh(first)
    assert (await rs.introspect(first.access_token)).body["active"]
    assert (R1,) == await ends(stopping.revoke_authorization, first.claims["authorization_id"], PLATFORM)
    assert not (await rs.introspect(first.access_token)).body["active"]
    assert (await rs.introspect(second.access_token)).body["active"]


@pytest.mark.requirement("console:overview:says-who-stopped-what-and-why")
async def test_whatever_is_stopped_says_by_whom_and_why(server):
    """Ours: whoever finds something stopped learns from whom, without a search of the record."""
    target = Target(kind=Kind.RESOURCE, resource=R1)
    await stop(server, target)

    (found,) = await stopping.kills(server.machines.work())
    assert ("it misbehaves", "the command line") == kill_switch.said_of(server.machines.work(), found)


@pytest.mark.requirement("console:isolation:another-tenants-copies-are-not-counted")
async def test_what_runs_with_another_tenants_credential_is_not_counted_or_waited_for(server):
    """TN-15: a server of two tenants, each with a credential of its own; neither learns how many the other runs."""
    for letter in ("RS5", "RS5t1", "RS5t2"):
        await follower(server, letter, instance=f"copy-of-{letter}").ask()
    await noted(server)

    async def seen(tenant):
        target = Target(kind=Kind.RESOURCE, tenant=tenant, resource=R5)
        work = server.machines.work()
        size, heard = await stopping.radius(work, target), await stopping.heard(work, target, 1)
        assert size.instances == len(heard)
        return {one.instance for one in heard}

    tenants = server.world.tenants
    assert {"copy-of-RS5", "copy-of-RS5t1"} == await seen(tenants["t1"])
    assert {"copy-of-RS5", "copy-of-RS5t2"} == await seen(tenants["t2"])
    assert {"copy-of-RS5", "copy-of-RS5t1", "copy-of-RS5t2"} == await seen("*")
