"""`authserver issuer add|list|show|remove`."""

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

Tenant = Annotated[str, typer.Argument(help="The tenant's short name.", metavar="SLUG")]


@app.command(epilog=examples("authserver issuer add acme"))
def add(slug: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Give a tenant an issuer of its own, ISSUER/t/SLUG, with its own keys. From then on it is served only there."""
    from authserver.domain.issuers import issuer as issuers
    from authserver.domain.keys import rotation

    async def job(machines: Any) -> Any:
        tenant = await tenant_named(machines, slug)
        work = machines.work()
        made = issuers.add(work, slug=slug, tenant=tenant.id)
        await committed(work, otherwise=f"{slug} has an issuer of its own already.")
        await rotation.rotate_if_due(machines.work(), made)
        return {"issuer": made.identifier, "tenant": slug}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("list", epilog=examples("authserver issuer list"))
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the issuers of this deployment."""
    from authserver.domain.issuers.issuer import all_issuers
    from authserver.domain.tenants import tenant as tenants

    async def job(machines: Any) -> Any:
        listed = []
        for issuer in (await all_issuers(machines.work())).by_path.values():
            owner = None if issuer.is_shared else await tenants.by_id(machines.work(), issuer.tenant)
            listed.append(
                {"issuer": issuer.identifier, "tenant": owner.slug if owner else "every tenant without its own"}
            )
        return listed

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("show", epilog=examples("authserver issuer show acme"))
def show_(slug: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show the issuer that speaks for a tenant, and where clients find its metadata and keys."""
    from authserver.domain.issuers.issuer import all_issuers

    async def job(machines: Any) -> Any:
        tenant = await tenant_named(machines, slug)
        issuer = (await all_issuers(machines.work())).of_tenant(tenant.id)
        return {
            "issuer": issuer.identifier,
            "of_its_own": not issuer.is_shared,
            # RFC 8414 §3.1: the well-known part goes between host and path.
            "metadata": machines.settings.issuer + "/.well-known/oauth-authorization-server" + issuer.path,
            "jwks_uri": issuer.url("/jwks.json"),
        }

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver issuer remove acme --yes"))
def remove(slug: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take a tenant's own issuer away: its tokens end with it, and the tenant is served at the deployment's issuer again."""
    from authserver.domain.issuers import issuer as issuers
    from authserver.domain.keys import rotation

    confirm(f"Every token of {slug} stops working. Go on?", yes=yes)

    async def job(machines: Any) -> Any:
        tenant = await tenant_named(machines, slug)
        own = (await issuers.all_issuers(machines.work())).of_tenant(tenant.id)
        if own.is_shared:
            fail(f"{slug} has no issuer of its own.")
        work = machines.work()
        issuers.remove(work, path=own.path)
        await rotation.remove_all(work, own.path)
        await committed(work, otherwise=f"{slug} has none any more.")
        return {"removed": own.identifier}

    show(with_machines(data_dir, job), as_json=as_json)
