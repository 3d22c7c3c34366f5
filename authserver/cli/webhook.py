"""`authserver webhook add|list|show|test|set|rotate|disable|remove`."""

from typing import Annotated, Any

import typer

from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    committed,
    confirm,
    date,
    examples,
    fail,
    show,
    tenant_named,
    with_machines,
)

app = typer.Typer(no_args_is_help=True)

WebhookId = Annotated[str, typer.Argument(help="The webhook's id, as `list` shows it.", metavar="WEBHOOK_ID")]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant that is told.", metavar="SLUG")]


def _row(webhook: Any) -> dict[str, Any]:
    state = "active"
    if not webhook.is_active:
        state = "disabled"
    elif webhook.failing_since is not None:
        state = f"failing since {date(webhook.failing_since)}"
    return {"webhook_id": webhook.id, "host": webhook.host, "events": list(webhook.events), "state": state}


async def _found(machines: Any, tenant: Any, webhook_id: str) -> Any:
    from authserver.domain.notices import webhook

    found = await webhook.find(machines.work(tenant=tenant.id), webhook_id)
    if found is None:
        fail(
            f"webhook_id: {webhook_id} is unknown in {tenant.slug}. `authserver webhook list --tenant {tenant.slug}` "
            "lists them."
        )
    return found


@app.command(
    epilog=examples(
        "authserver webhook add https://hooks.acme.example/approvals --tenant acme",
        "authserver webhook add https://hooks.acme.example/asked --tenant acme --event approval.requested",
        "authserver webhook add https://siem.acme.example/in --tenant acme --event 'call:*' --event 'operator:*'",
    )
)
def add(
    url: Annotated[str, typer.Argument(help="A public https address; it is kept sealed.", metavar="URL")],
    tenant: Tenant,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            help="What it is told of; repeat. Default: every notice. A kind of the record, as `call:*` or `operator:kill:stopped`: "
            "each such event, as its header says it.",
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Tell an address of a tenant's what waits for a yes, what is unusual, and what is recorded; the secret that signs is shown once."""
    from authserver.domain.notices import webhook
    from authserver.domain.notices.webhook import InvalidWebhookError

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        work = machines.work(tenant=home.id)
        try:
            made = await webhook.add(work, url=url, events=tuple(event or ()))
        except InvalidWebhookError as error:
            fail(str(error), code=2)
        await committed(work, otherwise="it could not be made; try again.")
        return {**_row(made.webhook), "secret": made.secret}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("list", epilog=examples("authserver webhook list --tenant acme"))
def list_(tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the webhooks of a tenant; of their addresses the host alone."""
    from authserver.domain.notices import webhook

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        return [_row(found) for found in await webhook.of_tenant(machines.work(tenant=home.id))]

    show(with_machines(data_dir, job), as_json=as_json, empty="No webhook: nobody is told.")


@app.command("show", epilog=examples("authserver webhook show whk_abc --tenant acme"))
def show_(webhook_id: WebhookId, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one webhook, its address without a query, and what it was told lately or will be; the secret is never shown."""
    from authserver.domain.notices import webhook

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        found = await _found(machines, home, webhook_id)
        work = machines.work(tenant=home.id)
        told = [
            {
                "notice_id": each.notice_id,
                "event": each.event,
                "state": _state(each),
                "tries": each.tries,
                "at": date(each.done_at if each.done_at is not None else each.next_try_at),
                "failure": each.failure or None,
            }
            for each in await webhook.attempts(work, found)
        ]
        return {**_row(found), "url": await webhook.address(work, found), "told": told}

    said = with_machines(data_dir, job)
    if as_json:
        show(said, as_json=True)
        return
    told = said.pop("told")
    show(said, as_json=False)
    print()
    show(told, as_json=False, empty="It was told nothing lately.")


def _state(attempt: Any) -> str:
    if attempt.done_at is None:
        return "waits"
    return "given up" if attempt.failure else "told"


@app.command("test", epilog=examples("authserver webhook test whk_abc --tenant acme"))
def try_(webhook_id: WebhookId, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make one signed call now, and say what became of it. Exit 1 when it was not taken."""
    import orjson

    from authserver.domain.notices import delivery, webhook
    from authserver.domain.notices.notice import Event, timestamp
    from authserver.runtime.identifiers import new_id

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        found = await _found(machines, home, webhook_id)
        work = machines.work(tenant=home.id)
        data = {"tenant_id": home.id, "webhook_id": found.id}
        body = orjson.dumps({"type": Event.WEBHOOK_TEST.value, "timestamp": timestamp(work.now), "data": data})
        call = await webhook.prepared(work, found.id, message_id=new_id("ntc"), body=body)
        if call is None:
            fail(f"{webhook_id} is disabled. `authserver webhook set {webhook_id} --tenant {tenant} --active` first.")
        failed = await delivery.post(machines, call, body)
        return {"webhook_id": found.id, "taken": failed is None, "failure": failed.reason if failed else None}

    said = with_machines(data_dir, job)
    show(said, as_json=as_json)
    if not said["taken"]:
        raise SystemExit(1)


@app.command("set", epilog=examples("authserver webhook set whk_abc --tenant acme --active"))
def set_(
    webhook_id: WebhookId,
    tenant: Tenant,
    active: Annotated[bool, typer.Option("--active/--disabled", help="Whether it is told.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a webhook be told again from now on, or no more; what waits for it is then dropped."""
    from authserver.domain.notices import webhook

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        found = await _found(machines, home, webhook_id)
        if found.is_active != active:
            work = machines.work(tenant=home.id)
            if active:
                await webhook.enable(work, found)
            else:
                webhook.disable(work, found)
            await committed(work, otherwise=f"{webhook_id} was changed meanwhile.")
        return _row(await _found(machines, home, webhook_id))

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver webhook disable whk_abc --tenant acme --yes"))
def disable(
    webhook_id: WebhookId, tenant: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Tell it nothing more. `webhook set WEBHOOK_ID --active` lets it be told again."""
    confirm(f"Disable {webhook_id}? What waits for it is dropped.", yes=yes)
    set_(webhook_id, tenant, active=False, data_dir=data_dir, as_json=as_json)


@app.command(
    epilog=examples(
        "authserver webhook rotate whk_abc --tenant acme --yes",
        "authserver webhook rotate whk_abc --tenant acme --overlap-hours 24 --yes",
    )
)
def rotate(
    webhook_id: WebhookId,
    tenant: Tenant,
    overlap_hours: Annotated[
        int, typer.Option(help="How long the old secret signs besides; 0: no more at once.", min=0, max=168)
    ] = 24,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a webhook a new secret, shown once; both sign until the overlap ends, so that nothing is missed."""
    from authserver.domain.notices import webhook
    from authserver.domain.notices.webhook import InvalidWebhookError

    until = f"in {overlap_hours} hours" if overlap_hours else "at once"
    confirm(f"The old secret of {webhook_id} stops signing {until}. Go on?", yes=yes)

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        found = await _found(machines, home, webhook_id)
        work = machines.work(tenant=home.id)
        try:
            made = await webhook.rotate(work, found, overlap_s=overlap_hours * 3600)
        except InvalidWebhookError as error:
            fail(str(error), code=2)
        await committed(work, otherwise=f"{webhook_id} was changed meanwhile.")
        return {**_row(found), "secret": made.secret}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver webhook remove whk_abc --tenant acme --yes"))
def remove(
    webhook_id: WebhookId, tenant: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Forget a webhook, its address and its secret; what waits for it is dropped."""
    from authserver.domain.notices import webhook

    confirm(f"Remove {webhook_id} for good?", yes=yes)

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        found = await _found(machines, home, webhook_id)
        work = machines.work(tenant=home.id)
        webhook.remove(work, found)
        await committed(work, otherwise=f"{webhook_id} is gone already.")
        return {"removed": webhook_id}

    show(with_machines(data_dir, job), as_json=as_json)
