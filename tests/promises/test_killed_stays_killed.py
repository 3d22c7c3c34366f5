"""
What a kill means, everywhere: each target against everything that could go on, at once, without memory, after a restart, with
the clock set back, and after it was revived. Decision 14: nothing that died comes back, and what is beside it lives.
"""

from dataclasses import dataclass

import pytest

from authserver.domain.keys import rotation
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import Target
from resource_lib.wire.control import Kind
from tests.support import publisher as publishers
from tests.support.approvals import DEFINITION, REFUND, Approver, refunding, tool_server
from tests.support.killing import ONCE, PLATFORM, TRIES, everything_held, revive, stop
from tests.support.oracle import header
from tests.support.world import R1, R2

HOUR = 3600
AT_A_GUARD = {"guard", "guard: goes on", "guard: one tool"}
OF_A_TOKEN = AT_A_GUARD | {"introspection", "userinfo", "exchange", "admin API", "approvals: ask", "approvals: consume"}
EXCHANGED = {"introspection of an exchanged token", "guard: an exchanged token"}
OF_A_LOGIN = OF_A_TOKEN | EXCHANGED | {"refresh", "approvals: decide"}
A_MACHINES = {"introspection of a machine's token", "guard: a machine's token"}
OF_A_MACHINE = A_MACHINES | {"machine's API key"}
OF_A_TOOL = {"approvals: ask", "approvals: consume", "approvals: decide", "guard: one tool"}
BEGINNING = {"client_credentials", "new login", "new device"}


@dataclass(frozen=True)
class Killed:
    """What goes on no more. `held_up`: only until it is revived."""

    dead: frozenset[str]
    held_up: frozenset[str] = frozenset()


def killed(dead, held_up=()):
    return Killed(frozenset(dead), frozenset(held_up))


TARGETS = {
    "token": killed(OF_A_TOKEN),
    "authorization": killed(OF_A_LOGIN),
    "user": killed(OF_A_LOGIN | {"code", "device", "person's API key", "authorize", "account page"}, {"new login"}),
    "client": killed(OF_A_LOGIN | OF_A_MACHINE | {"code", "device"}, BEGINNING | {"authorize"}),
    "client host": killed(OF_A_LOGIN - {"admin API"} | {"code"}, {"authorize", "new login"}),
    "tenant": killed(set(TRIES) - BEGINNING, BEGINNING),
    "everything": killed(set(TRIES) - BEGINNING, BEGINNING),
    "resource": killed((), set(TRIES) - {"refresh", "userinfo", "admin API", "account page"}),
    "tool": killed((), OF_A_TOOL),
    "tool version": killed((), OF_A_TOOL),
    "key": killed(OF_A_TOKEN | EXCHANGED | A_MACHINES),
}


def target_of(server, it, name):
    t1 = server.world.tenants["t1"]
    return {
        "user": Target(kind=Kind.USER, tenant=t1, sub=server.world.people["u1"].subs["t1"]),
        "client": Target(kind=Kind.CLIENT, tenant=t1, client_id=it.app.app.client_id),
        "client host": Target(kind=Kind.CLIENT_HOST, tenant=t1, host=publishers.HOST),
        "tenant": Target(kind=Kind.TENANT, tenant=t1),
        "everything": Target(kind=Kind.EVERYTHING),
        "resource": Target(kind=Kind.RESOURCE, tenant=t1, resource=R1),
        "tool": Target(kind=Kind.TOOL, tenant=t1, resource=R1, tool=REFUND),
        "tool version": Target(kind=Kind.TOOL_VERSION, tenant=t1, resource=R1, tool=REFUND, definition_hash=DEFINITION),
    }.get(name)


async def strike(server, it, name):
    """End or stop it; return the target that can be revived."""
    target = target_of(server, it, name)
    if target is not None:
        await stop(server, target)
    elif name == "token":
        for token in (it.tokens, it.admin):
            work = server.machines.work()
            await stopping.revoke_token(work, token.access_token, by=PLATFORM, reason="lost")
            assert await work.commit()
    elif name == "authorization":
        for token in (it.tokens, it.admin):
            work = server.machines.work()
            await stopping.revoke_authorization(work, token.claims["authorization_id"], by=PLATFORM, reason="lost")
            assert await work.commit()
    else:
        assert await rotation.remove_now(server.machines.work(), header(it.tokens.access_token)["kid"])
    return target


async def made(server, name, publisher):
    if name != "client host":
        return await everything_held(server)
    publisher.publish()
    return await everything_held(server, publishers.app(server, resource=R1))


@pytest.mark.requirement("kill:everywhere:nothing-that-died-comes-back")
@pytest.mark.requirement("kill:refresh:ends-at-once")
@pytest.mark.parametrize("name", TARGETS)
async def test_what_was_killed_stays_killed_in_every_consumer(server_with, publisher, name):
    """RV-01, RV-02, RV-04, RV-10, TK-40: from the same commit on, in every process, by whatever clock."""
    # Budgets that do not refill while the clock runs backwards.
    many = {"introspections_per_minute": 100_000, "token_requests_per_minute": 100_000}
    server, of = await server_with(outbound=publisher.outbound(), **many), TARGETS[name]
    server.clock.advance(2 * HOUR)  # so that our keys are older than the clock is set back
    it = await made(server, name, publisher)
    beside, elsewhere = server.client("N"), server.client("X")
    kept, far = await beside.sign_in("u2", resource=R2), await elsewhere.sign_in("u9")
    tried = set(TRIES) - (ONCE - of.dead - of.held_up)
    goes_on = tried - of.dead - of.held_up
    wrong = {}

    async def look(when, expected, *names):
        found = await it.works(*names)
        wrong[when] = {"goes on": sorted(found - expected), "does not": sorted(expected - found)}

    target = await strike(server, it, name)
    await look("at once", goes_on, *tried)
    server.machines.memory.forget()
    await look("without memory", goes_on, *tried)
    await it.restart()
    await look("after a restart", goes_on, *tried)
    server.clock.advance(-HOUR)
    await look("an hour back", set(), *of.dead, *of.held_up)
    await it.restart()
    await look("an hour back, restarted", set(), *of.dead, *of.held_up)
    server.clock.advance(HOUR)
    await it.restart()
    lives = {"tenant": (False, True), "everything": (False, False)}.get(name, (True, True))
    assert lives == ((await beside.refresh(kept)).ok, (await elsewhere.refresh(far)).ok)
    if target is not None:
        await revive(server, target)
    await look("revived", set(TRIES) - of.dead, *TRIES)
    await it.restart()
    server.clock.advance(-HOUR)
    await look("revived, an hour back, restarted", set(), *of.dead)
    await it.aclose()

    assert {} == {when: found for when, found in wrong.items() if any(found.values())}


@pytest.mark.requirement("kill:approver:takes-back-what-they-said")
async def test_what_a_stopped_approver_said_yes_to_may_not_run_any_more(server):
    """RV-13, decision 13: an unspent yes ends with whoever gave it; revived, they may be asked again."""
    rule = {"by": "role", "role": "approver", "four_eyes": True}
    tools, tokens = tool_server(server, **rule), await refunding(server)
    approved = await tools.asked(tokens)
    await Approver(server=server, who="v1").decide(approved)
    v1 = Target(kind=Kind.USER, tenant=server.world.tenants["t1"], sub=server.world.people["v1"].subs["t1"])

    await stop(server, v1)
    await revive(server, v1)
    spent = await tools.consume(approved, tokens)

    assert (409, "approval_ended") == (spent.status_code, spent.json()["error"])
    anew = await tools.asked(tokens)
    await Approver(server=server, who="v1").decide(anew)
    assert 200 == (await tools.consume(anew, tokens)).status_code
