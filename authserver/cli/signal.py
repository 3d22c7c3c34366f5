"""`authserver signal list|show|dismiss|step-up|step-ups|end|configure|replay`: what is unusual in the record, and what is done about it."""

from typing import Annotated, Any

import typer

from authserver.cli.audit import moment
from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    committed,
    confirm,
    date,
    examples,
    fail,
    progress_of,
    show,
    tenant_named,
    with_machines,
)

app = typer.Typer(no_args_is_help=True)

SignalId = Annotated[str, typer.Argument(help="The signal's id, as `list` shows it.", metavar="SIGNAL_ID")]
Tenant = Annotated[str, typer.Option("--tenant", help="In which tenant.", metavar="SLUG")]
Minutes = Annotated[int, typer.Option("--minutes", help="For how long.", min=1, max=7 * 24 * 60)]

_LABEL = "command line"


def _by(home: Any) -> Any:
    from authserver.domain.revocation.kill_switch import By

    return By(tenant=home.id, label=_LABEL)


async def _found(work: Any, signal_id: str, slug: str) -> Any:
    from authserver.domain.signals import signal

    found = await signal.find(work, signal_id)
    if found is None:
        fail(f"signal_id: {signal_id} is unknown in {slug}. `authserver signal list --tenant {slug}` lists them.")
    return found


async def _row(work: Any, signal: Any) -> dict[str, Any]:
    from authserver.domain.signals import telling

    told = await telling.told(work, signal)
    return {
        "signal_id": signal.id,
        "kind": signal.kind.value,
        "gravity": signal.gravity.value,
        "times": signal.many,
        "last": date(signal.last_us // 1_000_000),
        "says": told.sentence,
    }


@app.command(
    "list",
    epilog=examples(
        "authserver signal list --tenant acme", "authserver signal list --tenant acme --kind volume --all --json"
    ),
)
def list_(
    tenant: Tenant,
    kind: Annotated[str, typer.Option(help="Only this kind; `configure` lists them.", metavar="KIND")] = "",
    client: Annotated[str, typer.Option(help="Only of this application.", metavar="CLIENT_ID")] = "",
    every: Annotated[bool, typer.Option("--all", help="Dismissed ones too.")] = False,
    most: Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)] = 100,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was unusual and nobody dismissed yet, the latest first."""
    from authserver.domain.signals import signal

    _demand_kind(kind)

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        page = await signal.page(work, state="" if every else "open", kind=kind, client_id=client, most=most)
        rows = [await _row(work, one) for one in page.signals]
        return [
            {**row, "state": "open" if one.is_open else "dismissed"}
            for row, one in zip(rows, page.signals, strict=True)
        ]

    show(with_machines(data_dir, job), as_json=as_json, empty="No signal: nothing unusual, or too little was seen yet.")


def _demand_kind(kind: str) -> None:
    from authserver.domain.signals.kinds import Kind

    if kind and kind not in set(Kind):
        fail(f"kind: one of {', '.join(Kind)}.", code=2)


@app.command("show", epilog=examples("authserver signal show sgn_abc --tenant acme"))
def show_(signal_id: SignalId, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one signal: its sentence, its numbers, the events behind it, what was done, and why it was dismissed."""
    from authserver.domain.signals import signal, telling

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        found = await _found(work, signal_id, tenant)
        told = await telling.told(work, found)
        return {
            **await _row(work, found),
            "opened": date(found.opened_us // 1_000_000),
            "application": told.application,
            "client_id": found.client_id,
            "person": told.person or found.sub_ref,
            "resource": found.resource,
            "tool": found.tool,
            "numbers": dict(found.numbers),
            "events": list(found.event_ids),
            "done": list(found.done),
            "dismissed": date(found.dismissed_us // 1_000_000) if found.dismissed_us is not None else None,
            "why": signal.why(work, found) or None,
        }

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    epilog=examples(
        'authserver signal dismiss sgn_abc --tenant acme --reason "a migration"',
        'authserver signal dismiss sgn_abc --tenant acme --reason "the new night shift" --usual',
    )
)
def dismiss(
    signal_id: SignalId,
    tenant: Tenant,
    reason: Annotated[str, typer.Option(help="Why; it stays with the signal, sealed.", metavar="TEXT")],
    usual: Annotated[
        bool,
        typer.Option("--usual", help="It is usual from now on: what is usual is learned anew, and quiet meanwhile."),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Close a signal. The next time opens another."""
    from authserver.domain.signals import signal

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        found = await _found(work, signal_id, tenant)
        try:
            signal.dismiss(work, found, reason=reason, by=_by(home), is_usual=usual)
        except signal.DismissedError as error:
            fail(str(error), code=2)
        await committed(work, otherwise="somebody else dismissed it.")
        return {"signal_id": found.id, "state": "dismissed"}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("step-up", epilog=examples("authserver signal step-up sgn_abc --tenant acme --minutes 60"))
def step_up_(
    signal_id: SignalId,
    tenant: Tenant,
    minutes: Minutes = 60,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Whomever the application acts for, not this person alone.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let each write of a signal's application wait for a person's yes, at every server within seconds, for a while."""
    from authserver.domain.signals import acting, signal
    from authserver.domain.tool_policies import step_up

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        found = await _found(work, signal_id, tenant)
        if not found.is_of_agent:
            fail("signal_id: it is about no application whose writes could wait.")
        sub = "" if everybody else await acting.sub_of(work, found)
        try:
            await signal.ask_more(work, found, sub=sub, minutes=minutes, by=_by(home))
        except step_up.RefusedError as error:
            fail(str(error), code=2)
        await committed(work, otherwise="try again.")
        return {"client_id": found.client_id, "sub": sub or "everybody", "until": date(work.now + minutes * 60)}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("step-ups", epilog=examples("authserver signal step-ups --tenant acme"))
def step_ups(tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List whose writes wait for a person now."""
    from authserver.domain.tool_policies import step_up

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        return [
            {
                "client_id": one.client_id,
                "sub": one.sub or "everybody",
                "until": date(one.until),
                "signal_id": one.signal_id,
            }
            for one in await step_up.in_force(machines.work(tenant=home.id))
        ]

    show(with_machines(data_dir, job), as_json=as_json, empty="Nobody's writes wait.")


@app.command(epilog=examples("authserver signal end cli_abc --tenant acme"))
def end(
    client_id: Annotated[str, typer.Argument(help="The application.", metavar="CLIENT_ID")],
    tenant: Tenant,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """End the step-ups of an application before their time."""
    from authserver.domain.tool_policies import step_up

    confirm(f"Let the writes of {client_id} run without a person's yes again?", yes=yes)

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        found = [one for one in await step_up.in_force(work) if one.client_id == client_id]
        if not found:
            fail(f"client_id: no write of {client_id} waits in {tenant}.")
        for one in found:
            step_up.end(work, one, by=_by(home))
        await committed(work, otherwise="it has ended meanwhile.")
        return {"client_id": client_id, "ended": len(found)}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    epilog=examples(
        "authserver signal configure --tenant acme",
        "authserver signal configure volume --tenant acme --number z=5 --action webhook --action step_up",
        "authserver signal configure off_hours --tenant acme --off",
        "authserver signal configure --tenant acme --zone Europe/Berlin",
    )
)
def configure(
    tenant: Tenant,
    kind: Annotated[str, typer.Argument(help="Which kind; without one all are listed.", metavar="[KIND]")] = "",
    on: Annotated[bool | None, typer.Option("--on/--off", help="Look for it, or not.")] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(
            "--action", help="webhook, step_up or stop, besides the record; repeat. `none`: the record alone."
        ),
    ] = None,
    minutes: Annotated[int | None, typer.Option("--minutes", help="How long a step-up lasts.")] = None,
    number: Annotated[
        list[str] | None, typer.Option("--number", help="NAME=VALUE; repeat.", metavar="NAME=VALUE")
    ] = None,
    zone: Annotated[
        str, typer.Option(help="By whose clocks hours are unusual, such as Europe/Berlin.", metavar="ZONE")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show or set what is looked for, by which numbers, and what is done about it."""
    from authserver.domain.signals import settings
    from authserver.domain.signals.kinds import Kind

    _demand_kind(kind)
    numbers = dict(_number(one) for one in number or ())
    changes = (on, action, minutes, number)
    if not kind and any(one is not None for one in changes):
        fail("kind: say for which one.", code=2)

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        try:
            if zone:
                settings.set_zone(work, zone)
            if kind and any(one is not None for one in changes):
                before = (await settings.of_tenant(work)).kinds[Kind(kind)]
                wanted = None if action is None else [] if action == ["none"] else action
                settings.configure(
                    work,
                    settings.changed(before, is_on=on, actions=wanted, step_up_minutes=minutes, numbers=numbers),
                )
        except settings.InvalidSettingError as error:
            fail(str(error), code=2)
        await committed(work, otherwise="try again.")
        now = await settings.of_tenant(machines.work(tenant=home.id))
        kinds = [now.kinds[Kind(kind)]] if kind else list(now.kinds.values())
        return now.zone, [_setting(one) for one in kinds]

    zone_now, kinds_now = with_machines(data_dir, job)
    if as_json:
        show(kinds_now, as_json=True)
        return
    show(
        [one | {"numbers": [f"{name}={value}" for name, value in one["numbers"].items()]} for one in kinds_now],
        as_json=False,
    )
    print(f"Hours are told by {zone_now}.")


def _setting(wanted: Any) -> dict[str, Any]:
    return {
        "kind": wanted.kind.value,
        "on": wanted.is_on,
        "actions": ["record", *wanted.actions],
        "step_up_minutes": wanted.step_up_minutes,
        "numbers": {name: f"{value:g}" for name, value in wanted.in_force.items()},
    }


def _number(said: str) -> tuple[str, float]:
    name, _, value = said.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        fail(f"--number: {said[:40]!r} is no name and number, such as z=5.", code=2)


@app.command(
    epilog=examples(
        "authserver signal replay --tenant acme --since 30d",
        "authserver signal replay --tenant acme --since 30d --kind volume --number z=6",
    )
)
def replay(
    tenant: Tenant,
    since: Annotated[
        str, typer.Option(help="From then on: 2h, 30d, 2026-11-21; what was before is learned from.", metavar="WHEN")
    ] = "30d",
    until: Annotated[str, typer.Option(help="Before then, likewise.", metavar="WHEN")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind.", metavar="KIND")] = "",
    number: Annotated[
        list[str] | None,
        typer.Option("--number", help="Of that kind, as if it were so: NAME=VALUE; repeat.", metavar="NAME=VALUE"),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what signals would have been opened in the past; changes nothing."""
    from authserver.domain.signals import replaying, settings
    from authserver.domain.signals.kinds import Kind
    from authserver.domain.signals.telling import application_of
    from authserver.domain.signals.words import sentence

    _demand_kind(kind)
    if number and not kind:
        fail("kind: say whose number it is.", code=2)
    numbers = dict(_number(one) for one in number or ())
    since_us, until_us = (moment(since, "--since") or 0) * 1_000_000, (moment(until, "--until") or 2**40) * 1_000_000

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        wanted = await settings.of_tenant(work)
        if numbers:
            try:
                kinds = {**wanted.kinds, Kind(kind): settings.changed(wanted.kinds[Kind(kind)], numbers=numbers)}
            except settings.InvalidSettingError as error:
                fail(str(error), code=2)
            wanted = settings.Settings(zone=wanted.zone, kinds=kinds)
        with progress_of(await replaying.length(work)) as tick:
            found = await replaying.replay(work, since_us=since_us, until_us=until_us, wanted=wanted, progress=tick)
        rows = []
        for one in found.would:
            if kind and one.found.kind != kind:
                continue
            fact = one.found.fact
            application = "" if one.found.is_of_tool else await application_of(work, fact.client)
            person = "" if one.found.is_of_tool or not fact.who else "this person"
            rows.append(
                {
                    "first": date(one.first_at),
                    "kind": one.found.kind.value,
                    "gravity": one.found.gravity.value,
                    "times": one.many,
                    "says": sentence(
                        one.found.kind, one.found.numbers, tool=fact.tool, application=application, person=person
                    ),
                }
            )
        return {"looked_at": found.looked_at, "learned_from": found.learned_from, "would": rows}

    said = with_machines(data_dir, job)
    if as_json:
        show(said, as_json=True)
        return
    show(said["would"], as_json=False, empty="No signal would have been opened.")
    print(
        f"\n{len(said['would'])} signals in {said['looked_at']:,} events, after {said['learned_from']:,} that were only learned from. "
        "Nothing was changed."
    )
