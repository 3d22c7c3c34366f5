"""`authserver api-key add|list|show|set|disable|rotate|remove`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    committed,
    confirm,
    examples,
    fail,
    show,
    tenant_named,
    with_machines,
)

app = typer.Typer(no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The key's id, as `list` shows it; never the key.", metavar="KEY_ID")]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant it belongs to.", metavar="SLUG")]


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _row(machines: Any, tenant: Any, key: Any) -> dict[str, Any]:
    from authserver.domain.tokens import authorization

    work = machines.work(tenant=tenant.id)
    found = await authorization.find(work, key.authorization_id)
    state = "active"
    if work.now >= key.expires_at:
        state = "over"
    elif key.is_disabled:
        state = "disabled"
    elif found is None or not found.is_live(work.now):
        state = "ended"
    return {
        "key_id": key.id,
        "name": key.name,
        "owner": key.sub,
        "resource": key.resource,
        "scope": list(key.scope),
        "state": state,
        "expires_at": _time(key.expires_at),
        "last_used_at": _time(key.last_used_at),
    }


async def _found(machines: Any, tenant: Any, key_id: str) -> Any:
    from authserver.domain.api_keys import api_key

    found = await api_key.find(machines.work(tenant=tenant.id), key_id)
    if found is None:
        fail(
            f"key_id: {key_id} is unknown in {tenant.slug}. `authserver api-key list --tenant {tenant.slug}` lists them."
        )
    return found


async def _issuer_path(machines: Any, tenant: Any) -> str:
    from authserver.domain.issuers.issuer import all_issuers

    issuers = await all_issuers(machines.work())
    return str(issuers.of_tenant(tenant.id).path)


async def _owner(machines: Any, tenant: Any, user: str | None, client: str | None) -> Any:
    from authserver.domain.clients import registry
    from authserver.domain.users import user as users

    if (user is None) == (client is None):
        fail("--user or --client: a key has one owner.", code=2)
    if client is not None:
        found = await registry.find(machines.work(), client)
        if found is None or found.tenant != tenant.id:
            fail(f"--client: {client} is no client of {tenant.slug}. `authserver client list --tenant {tenant.slug}`.")
        return found
    person = await users.person_by_email(machines.work(), user or "")
    member = await users.member_by_person(machines.work(tenant=tenant.id), person.id) if person else None
    if member is None:
        fail(f"--user: {user} is no member of {tenant.slug}. `authserver user list --tenant {tenant.slug}`.")
    return member


@app.command(
    epilog=examples(
        "authserver api-key add --tenant acme --user ada@acme.example --name nightly --days 90"
        ' --resource https://mcp.example.com/mcp --scope "orders:read"',
        "authserver api-key add --tenant acme --client cli_abc --name robot --days 30"
        ' --resource https://mcp.example.com/mcp --scope "orders:read orders:write"',
    )
)
def add(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="What it is for, in the words of whoever will look for it.")],
    resource: Annotated[str, typer.Option("--resource", help="The one MCP server it is for.", metavar="URI")],
    scope: Annotated[
        str, typer.Option(help='What it may do, "a b c"; never more than its owner may.', metavar="SCOPES")
    ],
    days: Annotated[int, typer.Option(help="When it ends; 1 to 365.", min=1, max=365)],
    user: Annotated[str | None, typer.Option(help="The member who owns it, by e-mail.", metavar="EMAIL")] = None,
    client: Annotated[str | None, typer.Option(help="The machine client that owns it.", metavar="CLIENT_ID")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key, shown once; it opens nothing until it is exchanged for a token of a few minutes."""
    from authserver.domain.api_keys import api_key
    from authserver.domain.api_keys.api_key import InvalidApiKeyError
    from authserver.domain.resources import resource as resources

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        owner = await _owner(machines, home, user, client)
        target = await resources.by_uri(machines.work(), resource)
        if target is None:
            fail(f"--resource: {resource} is unknown. `authserver resource list` lists them.")
        work = machines.work(tenant=home.id)
        path = await _issuer_path(machines, home)
        try:
            made = api_key.add(
                work, owner=owner, name=name, resource=target, scope=tuple(scope.split()), days=days, issuer_path=path
            )
        except InvalidApiKeyError as error:
            fail(f"--{error}", code=2)
        await committed(work, otherwise="it could not be made; try again.")
        return {**await _row(machines, home, made.key), "api_key": made.secret}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("list", epilog=examples("authserver api-key list --tenant acme"))
def list_(tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List a tenant's API keys: whose, for what, until when, and when they were last used (to the hour)."""
    from authserver.domain.api_keys import api_key

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        return [await _row(machines, home, key) for key in await api_key.of_tenant(machines.work(tenant=home.id))]

    show(with_machines(data_dir, job), as_json=as_json, empty="No API key. `authserver api-key add` makes one.")


@app.command("show", epilog=examples("authserver api-key show key_abc --tenant acme"))
def show_(key_id: KeyId, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one API key; never the secret."""

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        return await _row(machines, home, await _found(machines, home, key_id))

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("set", epilog=examples("authserver api-key set key_abc --tenant acme --active"))
def set_(
    key_id: KeyId,
    tenant: Tenant,
    active: Annotated[bool, typer.Option("--active/--disabled", help="Whether it may be exchanged.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a key be used, or no more; what ended stays ended, so an active key begins anew."""
    from authserver.domain.api_keys import api_key

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        key = await _found(machines, home, key_id)
        work = machines.work(tenant=home.id)
        if active:
            await api_key.enable(work, key, issuer_path=await _issuer_path(machines, home))
            await committed(work, otherwise=f"{key_id} is over or was changed meanwhile.")
        elif not key.is_disabled:
            await api_key.disable(work, key)
            await committed(work, otherwise=f"{key_id} was changed meanwhile.")
        return await _row(machines, home, await _found(machines, home, key_id))

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver api-key disable key_abc --tenant acme --yes"))
def disable(key_id: KeyId, tenant: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """End what hangs on a key, now. `api-key set KEY_ID --active` lets it be used again."""
    confirm(f"Disable {key_id}?", yes=yes)
    set_(key_id, tenant, active=False, data_dir=data_dir, as_json=as_json)


@app.command(
    epilog=examples(
        "authserver api-key rotate key_abc --tenant acme --yes",
        "authserver api-key rotate key_abc --tenant acme --overlap-hours 24 --days 90 --yes",
    )
)
def rotate(
    key_id: KeyId,
    tenant: Tenant,
    overlap_hours: Annotated[
        int, typer.Option(help="How long the old secret still works; 0: it is dead at once.", min=0, max=168)
    ] = 0,
    days: Annotated[int | None, typer.Option(help="A new end from now; left out: the old one.", min=1, max=365)] = None,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret, shown once."""
    from authserver.domain.api_keys import api_key
    from authserver.domain.api_keys.api_key import InvalidApiKeyError

    confirm(
        f"The old secret of {key_id} stops working {f'in {overlap_hours} hours' if overlap_hours else 'at once'}. Go on?",
        yes=yes,
    )

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        key = await _found(machines, home, key_id)
        work = machines.work(tenant=home.id)
        path = await _issuer_path(machines, home)
        try:
            made = await api_key.rotate(work, key, issuer_path=path, overlap_s=overlap_hours * 3600, days=days)
        except InvalidApiKeyError as error:
            fail(str(error), code=2)
        await committed(work, otherwise=f"{key_id} has ended or was changed meanwhile.")
        return {**await _row(machines, home, made.key), "api_key": made.secret}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver api-key remove key_abc --tenant acme --yes"))
def remove(key_id: KeyId, tenant: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Forget a key for good and end what hangs on it, now."""
    from authserver.domain.api_keys import api_key

    confirm(f"Remove {key_id} for good?", yes=yes)

    async def job(machines: Any) -> Any:
        home = await tenant_named(machines, tenant)
        key = await _found(machines, home, key_id)
        work = machines.work(tenant=home.id)
        await api_key.remove(work, key)
        await committed(work, otherwise=f"{key_id} is gone already.")
        return {"removed": key_id}

    show(with_machines(data_dir, job), as_json=as_json)
