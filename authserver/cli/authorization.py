"""`authserver authorization list`: who has allowed what to which application."""

from typing import Annotated, Any

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control, WhoHasWhat
from authserver.cli.operator import AsJson, DataDir, date, examples, fail, show

app = typer.Typer(no_args_is_help=True)


@app.callback()
def authorization() -> None:
    """Logins of applications: who has allowed what to which."""


@app.command(
    "list",
    epilog=examples(
        "authserver authorization list --tenant acme --live",
        "authserver authorization list --tenant acme --user alice@acme.example",
        "authserver authorization list --client cli_… --json",
        "authserver authorization list --unused --days 14",
    ),
)
def list_(
    tenant: Annotated[str, typer.Option("--tenant", help="Of one tenant. Default: of all.", metavar="SLUG")] = "",
    user: Annotated[str, typer.Option("--user", help="Of this person.", metavar="EMAIL")] = "",
    client: Annotated[str, typer.Option("--client", help="Of this application.", metavar="CLIENT_ID")] = "",
    resource: Annotated[str, typer.Option(help="At this MCP server.", metavar="URI")] = "",
    live: Annotated[bool | None, typer.Option("--live/--ended", help="Only those that live, or that ended.")] = None,
    unused: Annotated[
        bool,
        typer.Option(
            "--unused", help="Only live ones that nobody used for as long as the server is set to, or --days."
        ),
    ] = False,
    days: Annotated[
        int | None, typer.Option("--days", help="With --unused: for how many days nobody used them.", min=1, max=365)
    ] = None,
    most: Annotated[int, typer.Option(help="How many at most, the newest first.", min=1, max=1000)] = 50,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List logins of applications, live and ended, with what each may do; `revoke authorization` ends one."""
    if days is not None and not unused:
        fail("--days: says for how long nobody used them; say --unused with it.", code=2)
    if unused and live is False:
        fail("--unused: shows what lives; leave out --ended.", code=2)
    state = "live" if unused else {True: "live", False: "ended", None: ""}[live]
    wanted = WhoHasWhat(email=user, client_id=client, resource=resource, state=state, is_unused=unused, days=days)

    async def job(control: Control) -> Any:
        return await control.authorizations(tenant, wanted, most=most)

    rows = with_control(data_dir, server, job)
    dated = [{**row, **{name: date(row[name]) for name in ("started_at", "last_used_at", "ends_at")}} for row in rows]
    if as_json:
        show(dated, as_json=True)
        return
    names = ("authorization_id", "tenant", "who", "application", "resource", "state", "started_at", "last_used_at")
    show(
        [{name: row[name] for name in names} for row in dated],
        as_json=False,
        empty="Nobody has anything." if not unused else "Everything that lives was used.",
    )
