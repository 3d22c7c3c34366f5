"""An MCP server that lies to the record: to have an innocent application stopped, to blind the signals, to write into others' stories."""

import pytest

from authserver.domain.audit import calls, following, story
from authserver.domain.revocation import kill_switch
from authserver.domain.signals import acting, signal, watching
from authserver.domain.signals.kinds import Kind
from authserver.domain.tool_policies import step_up
from authserver.runtime.schema import statement
from resource_lib.wire.record import checked
from tests.support.call_streams import call, keep
from tests.support.signalling import configure, happen, look, raised, refusals, signals
from tests.support.world import R1, R2

EVERY_BASELINE = statement("SELECT about, state FROM signal_baselines WHERE tenant_id = :tenant ORDER BY about")
DAY_US = 86_400 * 1_000_000
MOST = 2**53 - 1
AGENT = {"client_id": "cli_a", "sub": "usr_a"}


@pytest.mark.requirement("signals:poisoned:nobody-is-framed")
@pytest.mark.parametrize("action", ["step_up", "stop"])
@pytest.mark.parametrize("login", ["", "auz_of_nobody", "of somebody else"])
async def test_a_server_that_makes_an_agent_up_has_nobody_stopped_or_asked_for_more(server, action, login):
    """C55: an authorization that is none, or another's, vouches for nobody: a person looks at the signal, and it says so."""
    await configure(server, Kind.DENIALS, actions=[action])
    victim = await server.client("P").sign_in("u1", scope="orders:read")
    other = await server.client("P").sign_in("u2", scope="orders:read")
    login = other.claims["authorization_id"] if login == "of somebody else" else login

    await raised(server, client_id=victim.claims["client_id"], sub=victim.claims["sub"], authorization_id=login or None)
    await acting.act_due(server.operator.machines)

    assert [] == await step_up.in_force(server.operator.work("t1"))
    assert [] == await kill_switch.every(server.operator.work(), only_stopped=True)
    assert [(f"{action}_refused",)] == [one.done for one in await signals(server)]


@pytest.mark.requirement("signals:poisoned:nothing-wedges-them")
async def test_numbers_as_large_as_can_be_told_stop_no_watching(server):
    """AU: a day's sizes that no integer of a database or of JSON holds any more."""
    work, now = server.operator.work("t1"), server.clock()
    usual = [call(work.tenant, now - (30 - day) * DAY_US, **AGENT | {"result_bytes": 10}) for day in range(30)]
    huge = [
        call(
            work.tenant,
            now - 9000 + number,
            tool=f"t{number % 900}",
            **(AGENT | {"result_bytes": MOST, "latency_us": MOST, "cost": MOST}),
        )
        for number in range(2100)
    ]
    await happen(server, usual + huge)
    await look(server)

    assert None is await following.read(server.operator.work("t1"), watching.READER), "it has gone on"
    assert Kind.SIZE in {one.kind for one in await signals(server)}


@pytest.mark.requirement("record:told:no-server-writes-into-anothers-call")
async def test_a_server_cannot_write_the_end_of_another_servers_call(server):
    """C46: whoever learns a call's id tells an end of it: what is told of the call stays the word of the server that ran it."""
    work, now = server.operator.work("t1"), server.clock()
    refused = call(work.tenant, now, phase="refused", error="policy_denied", tool="wipe")
    forged = call(work.tenant, now + 1000, tool="see") | {"call": refused["id"]}
    before = call(work.tenant, now - 1000, tool="see") | {"call": refused["id"]}
    await keep(work, R2, [before])
    await keep(work, R1, [refused])
    taken = await calls.take(work, calls.Teller(client_id="cli_server", resource=R2), [checked(forged)])

    told = await story.tell(server.operator.work("t1"), refused["id"])

    assert ((forged["id"],), 0) == (taken.foreign, taken.accepted)

    assert (R1, "wipe", "refused") == (told.first.resource, told.said["tool"], told.said["decision"])
    assert [refused["id"]] == [one.id for one in told.events]


@pytest.mark.requirement("signals:poisoned:one-server-fills-its-share")
async def test_one_server_that_opens_all_that_may_be_open_hides_no_other(server, monkeypatch):
    monkeypatch.setattr(signal, "MOST_OPEN_OF_A_SERVER", 6)
    for number in range(12):
        await happen(server, refusals(server, 6, every_s=1, client_id=f"cli_{number}"))
    await look(server)
    work = server.operator.work("t1")
    await keep(work, R2, refusals(server, 6, every_s=1, client_id="cli_real"))
    await look(server)

    found = await signals(server)
    assert "cli_real" in {one.client_id for one in found}
    assert 7 == len(found)


@pytest.mark.requirement("signals:poisoned:what-is-known-stays-known")
async def test_a_server_that_makes_thousands_of_agents_up_has_nobody_else_forgotten(server, monkeypatch):
    """C55: whoever is forgotten is new, and quiet for days: what was learned over days goes last."""
    monkeypatch.setattr(watching, "MOST_BASELINES", 40)
    work, now = server.operator.work("t1"), server.clock()
    known = [
        call(work.tenant, now - (30 - day) * DAY_US + number * 60_000_000, tool=f"tool_{number}", **AGENT)
        for day in range(10)
        for number in range(8)
    ]
    await happen(server, known)
    await look(server)
    for round_ in range(5):
        server.clock.advance(1)
        made_up = [
            call(
                work.tenant,
                server.clock() + number,
                tool=f"x{number}",
                client_id=f"cli_{round_}_{number}",
                sub=f"u{number}",
            )
            for number in range(30)
        ]
        await happen(server, made_up)
        await look(server)

    rows = {row["about"]: bytes(row["state"]) for row in await server.operator.work("t1").all(EVERY_BASELINE)}
    assert "app cli_a" in rows
    assert any(name.startswith("agent ") and name.endswith(" cli_a") for name in rows)
    assert [one for one in rows if "cli_4_" in one], "and there is room for whoever is new"
    assert len(rows) <= 40
