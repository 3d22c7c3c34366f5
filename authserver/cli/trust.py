"""`authserver client trust policy|list|allow|block|forget`: which applications of strangers a tenant lets in."""

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

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant that decides.", metavar="SLUG")]
Subject = Annotated[
    str,
    typer.Argument(
        help="A client_id, or a host such as claude.ai for every application described there.", metavar="CLIENT_ID|HOST"
    ),
]
Note = Annotated[str, typer.Option(help="Why, for whoever reads the list.", metavar="TEXT")]


@app.command(
    epilog=examples(
        "authserver client trust policy --tenant acme",
        "authserver client trust policy approve --tenant acme",
    )
)
def policy(
    tenant: Tenant,
    wanted: Annotated[
        str | None,
        typer.Argument(
            help="any: let in unless blocked; approve: wait for `allow`; listed: refused unless allowed.",
            metavar="[POLICY]",
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show or set what happens to an application that registered itself or has a document, and of which nothing was said."""
    from authserver.domain.clients import trust

    if wanted is not None and wanted not in set(trust.Policy):
        fail(f"policy: one of {', '.join(trust.Policy)}.", code=2)

    async def job(machines: Any) -> Any:
        owner = await tenant_named(machines, tenant)
        work = machines.work(tenant=owner.id)
        if wanted is not None:
            trust.set_policy(work, trust.Policy(wanted))
            await committed(work, otherwise="the policy changed meanwhile; try again.")
        now = await trust.of_tenant(machines.work(), owner.id)
        return {
            "tenant": tenant,
            "policy": now.policy.value,
            "allowed": now.count("allowed"),
            "blocked": now.count("blocked"),
        }

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    "list",
    epilog=examples(
        "authserver client trust list --tenant acme", "authserver client trust list --tenant acme --pending --json"
    ),
)
def list_(
    tenant: Tenant,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only those that somebody asked for and that wait.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was said of applications, and which ones members asked for, newest first."""
    from authserver.domain.clients import trust

    async def job(machines: Any) -> Any:
        owner = await tenant_named(machines, tenant)
        return [
            {"subject": entry.subject, "verdict": entry.verdict.value, "note": entry.note, "at": date(entry.at)}
            for entry in await trust.entries(machines.work(tenant=owner.id))
            if not pending or entry.verdict is trust.Verdict.PENDING
        ]

    show(
        with_machines(data_dir, job),
        as_json=as_json,
        empty="Nobody waits." if pending else "Nothing was said of any application yet.",
    )


@app.command(
    epilog=examples(
        "authserver client trust allow claude.ai --tenant acme",
        "authserver client trust allow https://vscode.dev/oauth/client-metadata.json --tenant acme",
    )
)
def allow(subject: Subject, tenant: Tenant, note: Note = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let an application in, or all that are described at a host; each person still decides at consent."""
    from authserver.domain.clients import trust

    async def job(machines: Any) -> Any:
        owner, meant = await tenant_named(machines, tenant), trust.subject(subject)
        work = machines.work(tenant=owner.id)
        trust.let_in(work, meant, note=note)
        await committed(work, otherwise="the list changed meanwhile; try again.")
        return {"tenant": tenant, "subject": meant, "verdict": "allowed"}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver client trust block https://evil.example/client.json --tenant acme --yes"))
def block(
    subject: Subject,
    tenant: Tenant,
    note: Note = "",
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let an application in no more and end what it holds in this tenant, at once and for good. `forget` lets people begin anew."""
    from authserver.domain.clients import trust

    confirm(f"Everything that {subject} was allowed in {tenant} ends at once. Go on?", yes=yes)

    async def job(machines: Any) -> Any:
        owner, meant = await tenant_named(machines, tenant), trust.subject(subject)
        work = machines.work(tenant=owner.id)
        trust.block(work, meant, note=note)
        await committed(work, otherwise="the list changed meanwhile; try again.")
        return {"tenant": tenant, "subject": meant, "verdict": "blocked"}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver client trust forget claude.ai --tenant acme"))
def forget(subject: Subject, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take back what was said of an application; the policy decides again. What a block ended stays ended."""
    from authserver.domain.clients import trust

    async def job(machines: Any) -> Any:
        owner, meant = await tenant_named(machines, tenant), trust.subject(subject)
        work = machines.work(tenant=owner.id)
        trust.forget(work, meant)
        await committed(
            work, otherwise=f"nothing was said of {meant}. `authserver client trust list --tenant {tenant}`."
        )
        return {"tenant": tenant, "forgotten": meant}

    show(with_machines(data_dir, job), as_json=as_json)
