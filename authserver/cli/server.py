"""`authserver server list|check`: how each MCP server is, and who of them follows."""

from typing import Annotated, Any, Final

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control
from authserver.cli.operator import AsJson, DataDir, date, examples, show

app = typer.Typer(no_args_is_help=True)

_MOST_LIMITED: Final = 3


@app.command(
    "list",
    epilog=examples("authserver server list", "authserver server list --tenant acme --json"),
)
def list_(
    tenant: Annotated[str, typer.Option("--tenant", help="As this tenant sees it. Default: all.", metavar="SLUG")] = "",
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List MCP servers: active, paused or stopped; how many instances follow, how far behind the slowest is, and which limits were met."""

    async def job(control: Control) -> Any:
        return await control.servers(tenant)

    rows = with_control(data_dir, server, job)
    if as_json:
        show([{**row, "check": _dated(row["check"])} for row in rows], as_json=True)
        return
    show([_line(row) for row in rows], as_json=False, empty="No MCP server yet. `authserver resource add URI`.")


@app.command(epilog=examples("authserver server check https://mcp.example.com/mcp"))
def check(
    uri: Annotated[str, typer.Argument(help="The MCP server's URL.", metavar="URI")],
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Look at an MCP server now, as a stranger would: is it there, does it refuse whoever has no token. Exit 1: it does not."""

    async def job(control: Control) -> Any:
        return await control.look(uri)

    found = with_control(data_dir, server, job)
    show({**found, "at": date(found["at"])}, as_json=as_json)
    if found["findings"] or not found["reachable"]:
        raise SystemExit(1)


def _dated(check: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if check is None else {**check, "at": date(check["at"])}


def _line(row: dict[str, Any]) -> dict[str, Any]:
    following = [one for one in row["instances"] if not one["lapsed"]]
    behind = max((one["behind_ms"] for one in following), default=0)
    look = row["check"] or {}
    return {
        "uri": row["uri"],
        "state": row["state"],
        "following": f"{len(following)} of {len(row['instances'])}",
        "behind": f"{behind / 1000:.1f} s" if following else "-",
        "stopped_tools": row["stopped_tools"],
        "credential": sorted({one["state"] for one in row["credentials"]}),
        "tools": _tools(row),
        "limited": _limited(row),
        "findings": "; ".join(look.get("findings", ())) if look else "nobody has looked yet",
    }


def _limited(row: dict[str, Any]) -> str:
    """Return which limits callers met most, and how often, in all running copies since each began."""
    times: dict[tuple[str, str], int] = {}
    for one in row["limited"]:
        key = one["tool"], one["limit"]
        times[key] = times.get(key, 0) + one["times"]
    most = sorted(times.items(), key=lambda each: (-each[1], each[0]))
    said = [f"{tool or 'requests'} {count}x ({limit})" for (tool, limit), count in most[:_MOST_LIMITED]]
    more = len(most) - len(said)
    return ", ".join([*said, *([f"{more} more"] if more else [])]) or "-"


def _tools(row: dict[str, Any]) -> str:
    said = "changed" if row["tools_changed"] else "as accepted"
    count = len(row["waiting_tools"])
    return said if not count else f"{said}; {count} {'waits' if count == 1 else 'wait'} for `authserver tool review`"
