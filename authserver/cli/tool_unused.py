"""`authserver tool unused`: which tools nobody uses, and so need not be there."""

from typing import Annotated, Any

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control
from authserver.cli.operator import AsJson, DataDir, day, examples, fail, show

EXAMPLES = examples(
    "authserver tool unused",
    "authserver tool unused --resource https://mcp.example.com/mcp --tenant acme --days 90",
    "authserver tool deny export_orders --resource https://mcp.example.com/mcp --tenant acme",
)


def unused(
    resource: Annotated[
        str, typer.Option("--resource", help="Of one MCP server. Default: of all.", metavar="URI")
    ] = "",
    tenant: Annotated[
        str, typer.Option("--tenant", help="Used by nobody in this tenant. Default: by nobody at all.", metavar="SLUG")
    ] = "",
    days: Annotated[
        int | None,
        typer.Option("--days", help="For how many days. Default: as the server is set.", min=1, max=365),
    ] = None,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the tools that nobody has used for 30 days, the longest first. Nothing is taken away by that; `tool deny` does it.

    A tool is used when a call of it was let through. It is known from the day on which its server's guard first told of it.
    """

    async def job(control: Control) -> Any:
        return await control.unused_tools(resource, tenant, days)

    said = with_control(data_dir, server, job)
    if resource and said["untold"] and not as_json:
        fail(
            f"--resource: nobody says which tools of {resource} are used: its guard has no credential, or is older.",
            code=1,
        )
    rows = [{**row, "since": day(row["since"]), "last_used": day(row["last_used"]) or "never"} for row in said["tools"]]
    if as_json:
        show({**said, "tools": rows}, as_json=True)
        return
    show(rows, as_json=False, empty=f"Every tool whose use is known was used within {said['days']} days.")
    if said["untold"]:
        print(f"\nNot known, because no guard there says it: {', '.join(said['untold'])}")
