"""What is unusual in the record opens one signal, whoever reads the record, and nothing is done about it that nobody asked for."""

import asyncio

import orjson
import pytest
import structlog

from authserver.domain.audit import event, following, sealing
from authserver.domain.audit.header import about
from authserver.domain.revocation import kill_switch
from authserver.domain.signals import acting, replaying, settings, signal, store, watching
from authserver.domain.signals.detectors import refusals as refusal_detectors
from authserver.domain.signals.engine import OF_ALL
from authserver.domain.signals.kinds import Kind
from authserver.domain.tool_policies import step_up
from authserver.runtime.schema import statement
from tests.support.call_streams import call
from tests.support.signalling import AGENT, PERSON, configure, happen, look, operator, raised, refusals, signals

EVERY_BASELINE = statement("SELECT about, state FROM signal_baselines WHERE tenant_id = :tenant ORDER BY about")


async def told(server, kind, tenant="t1"):
    return [row for row in await server.operator.events(tenant) if row["kind"] == kind]


@pytest.mark.requirement("signals:one:opened-once-and-counted")
async def test_a_burst_of_refusals_is_one_signal_with_its_numbers_and_the_calls_behind_it(server):
    """C55: six refusals within half a minute, then four more: the fifth opens it, and it is counted from there on."""
    first = refusals(server)
    await happen(server, first)
    await look(server)
    [found] = await signals(server)
    await happen(server, more := refusals(server, 4, every_s=1))
    await look(server)
    [again] = await signals(server)

    assert (Kind.DENIALS, AGENT, 2, "warning") == (found.kind, found.client_id, found.many, found.gravity)
    assert event.reference(server.operator.work("t1"), PERSON) == found.sub_ref
    assert {"burst": 6, "reason": "policy_denied"}.items() <= found.numbers.items()
    assert (found.id, 6, 10) == (again.id, again.many, again.numbers["burst"])
    assert {one["id"] for one in first[4:] + more} == set(again.event_ids)


@pytest.mark.requirement("signals:record:each-is-an-event")
async def test_each_signal_is_an_event_of_the_record_that_names_nobody_and_causes_no_other(server):
    found = await raised(server)
    await look(server)

    [row] = await told(server, "signal:record:raised")

    said = about(row)
    assert {"signal": "denials", "signal_id": found.id, "gravity": "warning"}.items() <= said.items()
    assert list(found.event_ids) == said["events"]
    assert PERSON not in row["header"]
    assert 1 == len(await signals(server))


@pytest.mark.requirement("signals:log:a-line-for-each")
async def test_each_signal_is_one_line_of_the_log_whichever_process_opened_it(server):
    """A process whose commit was lost tells of nothing that does not stand."""
    await happen(server, refusals(server))
    await sealing.seal_round(server.operator.machines)

    with structlog.testing.capture_logs() as logged:
        await asyncio.gather(*(watching.watch_round(server.operator.machines) for _ in range(6)))
        await happen(server, refusals(server, 4, every_s=1))
        await look(server)

    [found] = await signals(server)
    [line] = [one for one in logged if one["event"] == "signal_raised"]
    assert ("denials", "warning", AGENT, found.id) == (
        line["kind"],
        line["gravity"],
        line["client_id"],
        line["signal_id"],
    )
    assert PERSON not in str(line)


@pytest.mark.requirement("signals:one:several-processes-open-one")
async def test_of_several_processes_that_look_at_once_one_opens_it(server):
    await happen(server, refusals(server))
    await sealing.seal_round(server.operator.machines)

    await asyncio.gather(*(watching.watch_round(server.operator.machines) for _ in range(6)))
    await watching.watch_round(server.operator.machines)

    [found] = await signals(server)
    assert 2 == found.many
    assert 1 == len(await told(server, "signal:record:raised"))


@pytest.mark.requirement("signals:wall:a-tenant-learns-of-its-own-alone")
async def test_another_tenants_calls_are_nothing_to_this_one(server):
    """TN-14: the same agent, three refusals in each of two tenants, is no burst in either; six in one are none in the other."""
    for tenant in ("t1", "t2"):
        await happen(server, refusals(server, 3, tenant=tenant), tenant=tenant)
    await look(server)
    assert [] == await signals(server) + await signals(server, "t2")

    found = await raised(server)

    assert [] == await signals(server, "t2")
    assert None is await signal.find(server.operator.work("t2"), found.id)


@pytest.mark.requirement("signals:dismiss:closed-with-a-reason")
async def test_one_that_was_dismissed_stays_so_and_the_next_time_opens_another(server):
    """Who dismissed it and why is kept; the reason is sealed where it stands and in the record."""
    found = await raised(server)
    work = server.operator.work("t1")
    signal.dismiss(work, found, reason="Ms Canary tried her new role.", by=operator(server))
    assert await work.commit()
    with pytest.raises(signal.DismissedError):
        signal.dismiss(work, await signal.find(work, found.id), reason="again", by=operator(server))
    with pytest.raises(signal.DismissedError):
        signal.dismiss(work, found, reason=" ", by=operator(server))

    server.clock.advance(3600)
    again = await raised(server)

    closed = await signal.find(work, found.id)
    assert (False, "usr_operator") == (closed.is_open, closed.dismissed_by)
    assert "Ms Canary tried her new role." == signal.why(work, closed)
    assert "Canary" not in closed.row["why"]
    assert again.id != found.id
    [row] = await told(server, "operator:signal:dismissed")
    assert "Canary" not in row["header"]


@pytest.mark.requirement("signals:dismiss:what-is-usual-is-learned-anew")
async def test_what_an_operator_calls_usual_is_learned_anew(server):
    found = await raised(server)
    work = server.operator.work("t1")
    [name] = signal.baselines_of(found)
    assert name in {row["about"] for row in await work.all(EVERY_BASELINE)}

    signal.dismiss(work, found, reason="It is usual.", by=operator(server), is_usual=True)
    assert await work.commit()

    assert name not in {row["about"] for row in await work.all(EVERY_BASELINE)}


@pytest.mark.requirement("signals:settings:what-is-wanted")
async def test_what_is_switched_off_is_not_told_and_other_numbers_hold(server):
    await configure(server, Kind.DENIALS, is_on=False)
    await happen(server, refusals(server))
    await look(server)
    assert [] == await signals(server)

    await configure(server, Kind.DENIALS, is_on=True, numbers={"burst": 20})
    await happen(server, refusals(server, 10, every_s=1))
    await look(server)
    assert [] == await signals(server), "16 within a minute"
    await happen(server, refusals(server, 5, every_s=1))
    await look(server)

    assert [Kind.DENIALS] == [one.kind for one in await signals(server)]
    assert 2 == len(await told(server, "operator:signal:configured"))


@pytest.mark.requirement("signals:settings:what-is-wanted")
@pytest.mark.parametrize(
    ("kind", "changed", "says"),
    [
        (Kind.DENIALS, {"actions": ["explode"]}, "explode is unknown"),
        (Kind.LATENCY, {"actions": ["stop"]}, "names no agent"),
        (Kind.DENIALS, {"numbers": {"burst": 1}}, "2 to 1000"),
        (Kind.DENIALS, {"numbers": {"zeal": 1}}, "no such number"),
        (Kind.DENIALS, {"numbers": {"burst": float("nan")}}, "2 to 1000"),
        (Kind.DENIALS, {"step_up_minutes": 0}, "1 to"),
    ],
)
def test_a_setting_that_cannot_be_says_what_can(kind, changed, says):
    with pytest.raises(settings.InvalidSettingError, match=says):
        settings.changed(settings.Wanted(kind=kind), **changed)


@pytest.mark.requirement("signals:act:nothing-unless-asked-for")
async def test_by_default_nothing_is_stopped_and_nobody_is_asked_for_more(server):
    await raised(server)

    assert 0 == await acting.act_due(server.operator.machines)
    assert [] == await step_up.in_force(server.operator.work("t1"))
    assert [] == await kill_switch.every(server.operator.work(), only_stopped=True)


@pytest.mark.requirement("signals:act:step-up")
async def test_where_an_operator_said_so_a_signal_steps_its_agent_up_and_it_ends_by_itself(server):
    tokens = await server.client("P").sign_in("u1", scope="orders:read")
    work = server.operator.work("t1")
    login = tokens.claims["authorization_id"]
    await configure(server, Kind.DENIALS, actions=["step_up"], step_up_minutes=30)

    await raised(server, authorization_id=login, client_id=tokens.claims["client_id"], sub=tokens.claims["sub"])
    assert (1, 0) == (await acting.act_due(server.operator.machines), await acting.act_due(server.operator.machines))

    [found] = await step_up.in_force(work)
    assert (tokens.claims["client_id"], tokens.claims["sub"]) == (found.client_id, found.sub)
    assert ("step_up",) == (await signals(server))[0].done
    server.clock.advance(30 * 60)
    assert 1 == await step_up.end_over(server.operator.machines)
    assert 1 == len(await told(server, "operator:step_up:begun"))
    assert 1 == len(await told(server, "operator:step_up:ended"))


@pytest.mark.requirement("signals:act:stop")
async def test_where_an_operator_said_so_a_signal_stops_the_application_in_its_tenant_alone(server):
    await configure(server, Kind.DENIALS, actions=["stop", "webhook"])
    claims = (await server.client("P").sign_in("u1", scope="orders:read")).claims
    app, login = claims["client_id"], claims["authorization_id"]

    found = await raised(server, client_id=app, authorization_id=login, sub=claims["sub"])
    await acting.act_due(server.operator.machines)

    [stopped] = await kill_switch.every(server.operator.work(), only_stopped=True)
    assert (app, server.world.tenants["t1"]) == (stopped.target.client_id, stopped.target.tenant)
    assert ("stop",) == (await signals(server))[0].done
    [row] = await told(server, "operator:kill:stopped")
    said = event.open_payload(server.operator.work("t1"), row)
    assert found.id in said["reason"]
    assert "6 refusals within 60 seconds" in said["reason"]


@pytest.mark.requirement("signals:act:what-is-over-stops-nobody")
async def test_a_record_that_comes_hours_late_tells_and_stops_nobody(server):
    """A guard that could not tell for hours: what it tells then is over."""
    await configure(server, Kind.DENIALS, actions=["stop"])
    await happen(server, refusals(server))
    server.clock.advance(3600)
    await look(server)

    assert [()] == [one.todo for one in await signals(server)]
    assert 0 == await acting.act_due(server.operator.machines)


@pytest.mark.requirement("signals:kinds:each-is-found")
async def test_a_ticket_that_reads_like_orders_and_an_email_after_it_as_guards_tell_them(server):
    """C31, C55: by the signs that screening noted; a call's outcome after its intent is no second write."""
    work, now = server.operator.work("t1"), server.clock()
    said = {"client_id": AGENT, "sub": PERSON, "tool_class": "read", "tool": "read_ticket"}
    write = call(work.tenant, now - 1_000_000, **(said | {"phase": "intent", "tool": "send", "tool_class": "write"}))
    done = call(work.tenant, now, **(said | {"call": write["id"], "tool": "send", "tool_class": "write"}))
    signs = {"screened:ignore_instructions": 1, "labelled:outside": 1}
    await happen(server, [call(work.tenant, now - 9_000_000, signs=signs, **said), write, done])
    await look(server)

    [found] = await signals(server)

    assert (Kind.INJECTION, 1, "critical") == (found.kind, found.many, found.gravity)
    assert {"after_s": 8, "read_by": "read_ticket", "approved": False} == found.numbers


@pytest.mark.requirement("signals:safe:a-detector-holds-up-nothing")
async def test_a_detector_that_fails_keeps_neither_the_others_nor_the_record_from_going_on(server, monkeypatch):
    def broken(look):
        raise ZeroDivisionError

    monkeypatch.setattr("authserver.domain.signals.engine.OF_ALL", (broken, *OF_ALL))
    found = await raised(server)

    assert Kind.DENIALS is found.kind
    assert None is await following.read(server.operator.work("t1"), watching.READER), "it has gone on"
    assert refusal_detectors.denials in OF_ALL


@pytest.mark.requirement("signals:safe:baselines-are-bounded")
async def test_a_tenant_has_so_many_baselines_and_the_least_recently_used_goes(server, monkeypatch):
    monkeypatch.setattr(watching, "MOST_BASELINES", 20)
    for number in range(30):
        server.clock.advance(1)
        await happen(server, refusals(server, 1, client_id=f"cli_{number}", sub=f"usr_{number}"))
        await look(server)

    names = [row["about"] for row in await server.operator.work("t1").all(EVERY_BASELINE)]
    assert len(names) <= 22
    assert "app cli_29" in names
    assert "app cli_0" not in names


@pytest.mark.requirement("signals:safe:open-signals-are-bounded")
async def test_a_tenant_has_so_many_open_signals(server, monkeypatch):
    monkeypatch.setattr(signal, "MOST_OPEN", 3)
    for number in range(5):
        await happen(server, refusals(server, 6, every_s=1, client_id=f"cli_{number}"))
    await look(server)

    assert 3 == len(await signals(server)) == await signal.count_open(server.operator.work("t1"))


@pytest.mark.requirement("signals:wall:a-tenant-learns-of-its-own-alone")
@pytest.mark.one_database
async def test_of_a_tenant_that_goes_nothing_is_left_and_anothers_stays(server):
    for tenant in ("t1", "t2"):
        await raised(server, tenant=tenant)
        await configure(server, Kind.VOLUME, tenant=tenant, is_on=False)
    work = server.operator.work("t1")

    signal.forget_all(work)
    assert await work.commit()

    left = [
        [await server.operator.work(tenant).all(one) for one in (EVERY_BASELINE, store.SETTINGS)]
        for tenant in ("t1", "t2")
    ]
    assert ([], [[], []]) == (await signals(server), left[0])
    assert all(left[1])
    assert 1 == len(await signals(server, "t2"))


@pytest.mark.requirement("signals:replay:the-same-and-nothing-written")
async def test_a_replay_says_what_was_said_and_writes_nothing(server):
    found = await raised(server)
    work = server.operator.work("t1")
    before = await work.all(EVERY_BASELINE), await work.all(store.SETTINGS), len(await server.operator.events("t1"))

    again = await replaying.replay(work)
    later = await replaying.replay(work, since_us=server.clock() + 1)

    [would] = again.would
    assert (found.kind, found.about, found.many) == (would.found.kind, would.found.about, would.many)
    assert orjson.dumps(found.numbers) == orjson.dumps(would.found.numbers)
    assert ([], True) == (later.would, later.learned_from == again.looked_at)
    assert before == (
        await work.all(EVERY_BASELINE),
        await work.all(store.SETTINGS),
        len(await server.operator.events("t1")),
    )
    assert not work.has_writes
