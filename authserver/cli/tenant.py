"""`authserver tenant add|list|show|set|disable|remove`."""

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

Slug = Annotated[str, typer.Argument(help="The tenant's short name.", metavar="SLUG")]


def _row(tenant: Any) -> dict[str, Any]:
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "active": tenant.is_active,
        "default_resource": tenant.default_resource,
        "id": tenant.id,
    }


async def _kept(machines: Any, tenant: Any) -> dict[str, Any]:
    from authserver.domain.audit import retention

    keep = await retention.keep_of(machines.work(tenant=tenant.id))
    return {f"keeps_{name}_days": getattr(keep, name) for name in retention.CLASSES}


def _days(said: str, option: str) -> int | None:
    if said == "default":
        return None
    number = said.removesuffix("d")
    if not number.isascii() or not number.isdigit() or len(number) > 6:
        fail(f"{option}: days such as 180d, or `default` for what the settings say.", code=2)
    return int(number)


@app.command(epilog=examples('authserver tenant add acme --name "Acme GmbH"'))
def add(
    slug: Slug,
    name: Annotated[str, typer.Option(help="The name people see. Default: the slug.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create a tenant; the members and clients of the one called `platform` may run the whole deployment by the admin API."""
    from authserver.domain.tenants import tenant as tenants

    async def job(machines: Any) -> Any:
        work = machines.work()
        made = tenants.add(work, slug=slug, name=name or slug, may_be_platform=True)
        await committed(work, otherwise=f"slug: {slug!r} is taken.")
        return made

    show(_row(with_machines(data_dir, job)), as_json=as_json)


@app.command("list", epilog=examples("authserver tenant list --json"))
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every tenant."""
    from authserver.domain.tenants import tenant as tenants

    async def job(machines: Any) -> Any:
        return [_row(one) | await _kept(machines, one) for one in await tenants.all_tenants(machines.work())]

    show(with_machines(data_dir, job), as_json=as_json, empty="No tenant yet. `authserver tenant add SLUG` makes one.")


@app.command("show", epilog=examples("authserver tenant show acme"))
def show_(slug: Slug, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one tenant."""

    async def job(machines: Any) -> Any:
        tenant = await tenant_named(machines, slug)
        return _row(tenant) | await _kept(machines, tenant)

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    "set",
    epilog=examples(
        "authserver tenant set acme --default-resource https://mcp.example.com/mcp",
        "authserver tenant set acme --active",
        "authserver tenant set acme --keep-calls 180d --keep-administration 400d",
        "authserver tenant set acme --keep-calls default",
    ),
)
def set_(
    slug: Slug,
    name: Annotated[str | None, typer.Option(help="The name people see.")] = None,
    default_resource: Annotated[
        str | None, typer.Option(help="Where a token goes whose request names no resource.", metavar="URI")
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--suspended", help="A suspended tenant gets nothing.")
    ] = None,
    keep_calls: Annotated[
        str | None, typer.Option(help="How long the record keeps calls of tools: 180d, or default.", metavar="DAYS")
    ] = None,
    keep_administration: Annotated[
        str | None, typer.Option(help="How long it keeps what operators did.", metavar="DAYS")
    ] = None,
    keep_sign_ins: Annotated[
        str | None, typer.Option(help="How long it keeps logins, consents and tokens.", metavar="DAYS")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given."""
    from authserver.domain.audit import retention
    from authserver.domain.resources import resource as resources
    from authserver.domain.tenants import tenant as tenants

    keeps = {
        name: _days(said, f"--keep-{name.replace('_', '-')}")
        for name, said in (
            ("calls", keep_calls),
            ("administration", keep_administration),
            ("sign_ins", keep_sign_ins),
        )
        if said is not None
    }

    async def job(machines: Any) -> Any:
        tenant = await tenant_named(machines, slug)
        if default_resource:
            try:
                await resources.demand_default(machines.work(), default_resource, tenant=tenant.id)
            except resources.InvalidResourceError as error:
                fail(f"{error}. `authserver resource set {default_resource} --link {slug}` links one.")
        work = machines.work()
        changed = tenants.change(work, tenant, name=name, is_active=active, default_resource=default_resource)
        if keeps:
            try:
                await retention.set_own(work, keeps)
            except retention.InvalidRetentionError as error:
                fail(f"--keep-{error}", code=2)
        await committed(work, otherwise="the tenant changed meanwhile; try again.")
        return _row(changed) | await _kept(machines, tenant)

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver tenant disable acme", "authserver tenant disable acme --yes"))
def disable(slug: Slug, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Suspend a tenant: nobody of it logs in, refreshes or gets a token. `tenant set SLUG --active` undoes it."""
    confirm(f"Suspend {slug}?", yes=yes)
    set_(
        slug,
        name=None,
        default_resource=None,
        active=False,
        keep_calls=None,
        keep_administration=None,
        keep_sign_ins=None,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(epilog=examples("authserver tenant remove acme"))
def remove(slug: Slug, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Remove a tenant that has no member and no client left; a suspended one keeps its records."""
    from authserver.domain.clients import registry
    from authserver.domain.notices import webhook
    from authserver.domain.signals import signal
    from authserver.domain.tenants import tenant as tenants
    from authserver.domain.users import user as users

    confirm(f"Remove {slug} for good?", yes=yes)

    async def job(machines: Any) -> Any:
        tenant = await tenant_named(machines, slug)
        bound = machines.work(tenant=tenant.id)
        left = len(await users.members(bound)) + len(await registry.of_tenant(bound))
        if left:
            fail(
                f"{slug} still has {left} members and clients. Remove them first, or `authserver tenant disable {slug}`."
            )
        work = machines.work()
        tenants.remove(work, tenant)
        webhook.forget_all(work)
        signal.forget_all(work)
        await committed(work, otherwise=f"{slug} is gone already.")
        return {"removed": slug}

    show(with_machines(data_dir, job), as_json=as_json)
