"""`authserver analytics`: what many calls amount to: how many, how they ended, how long they took, what they cost."""

import csv
import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from authserver.cli.audit import moment
from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control, Counted
from authserver.cli.operator import AsJson, DataDir, date, examples, fail, show

EXAMPLES = examples(
    "authserver analytics --since 24h",
    "authserver analytics --tenant acme --by client --since 30d",
    "authserver analytics --resource https://mcp.example.com/mcp --tool refund_order --by day --since 90d --csv",
)
_BY: Final = ("tool", "server", "client", "tenant", "hour", "day")


def analytics(
    tenant: Annotated[str, typer.Option("--tenant", help="Of one tenant. Default: of all.", metavar="SLUG")] = "",
    by: Annotated[
        str, typer.Option("--by", help="tool, server, client, tenant, hour or day.", metavar="WHAT")
    ] = "tool",
    resource: Annotated[str, typer.Option("--resource", help="Of this MCP server.", metavar="URI")] = "",
    tool: Annotated[str, typer.Option("--tool", help="Of this tool.", metavar="NAME")] = "",
    client: Annotated[str, typer.Option("--client", help="Of this application.", metavar="CLIENT_ID")] = "",
    since: Annotated[
        str, typer.Option("--since", help="From then on: 2h, 7d, or 2026-11-21T09:00:00Z.", metavar="WHEN")
    ] = "7d",
    until: Annotated[str, typer.Option("--until", help="Before then, likewise. Default: now.", metavar="WHEN")] = "",
    most: Annotated[int, typer.Option("--most", help="How many at most.", min=1, max=10_000)] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every figure.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Count calls: how many, how they ended, how long they took, what they cost. Counted from the record, within some seconds.

    By the hour for 15 days, by the day for 400. Percentiles are at most 5 % off. No count names anybody.
    """
    if by not in _BY:
        fail(f"--by: one of {', '.join(_BY)}.", code=2)
    if as_csv and as_json:
        fail("Say --json or --csv.", code=2)
    asked = Counted(
        by=by, resource=resource, tool=tool, client_id=client, since=moment(since, "--since"), until=moment(until, "--until")
    )  # fmt: skip

    async def job(control: Control) -> Any:
        return await control.analytics(tenant, asked, most=most)

    said = with_control(data_dir, server, job)
    if as_json:
        show(said, as_json=True)
    elif as_csv:
        _print_csv(said["items"])
    else:
        _print(said, by, narrowed=bool(tool or resource or client))


def _print_csv(items: list[dict[str, Any]]) -> None:
    rows = [{**one, "refusals": json.dumps(one["refusals"])} for one in items]
    if rows:
        table = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({name: _unbegun(value) for name, value in row.items()} for row in rows)


def _unbegun(value: Any) -> Any:
    # A spreadsheet takes a text that begins like that for a formula.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _print(said: Mapping[str, Any], by: str, *, narrowed: bool) -> None:
    total, items = said["total"], said["items"]
    print(f"{date(said['since'])} to {date(said['until'])}")
    if not total["calls"] and not total["asked"]:
        hint = " Look at the spelling of what you asked for." if narrowed else ""
        print(f"Nobody called anything in this time. What a guard tells is counted within some seconds.{hint}")
        return
    show([{**_named(one, by), **_line(one)} for one in [*items, {**total, "name": "together"}]], as_json=False)
    left = said["count"] - len(items)
    if left > 0:
        print(f"\nAnd {left} more: --most {said['count']} shows them.")
    if total["refusals"]:
        print("\nRefused: " + ", ".join(f"{count} {reason}" for reason, count in total["refusals"].items()))
    if total["asked"]:
        median = (
            ""
            if total["median_decision_s"] is None
            else f", half of them decided within {total['median_decision_s']} s"
        )
        print(
            f"Approvals: {total['asked']} asked, {total['approved']} approved, {total['denied']} denied, "
            f"{total['expired']} expired{median}"
        )


def _named(one: Mapping[str, Any], by: str) -> dict[str, Any]:
    if "name" in one:
        return {by: one["name"]} | ({"of": ""} if by == "tool" else {})
    match by:
        case "tool":
            return {"tool": one["tool"], "of": one["resource"]}
        case "server":
            return {"server": one["resource"]}
        case "client":
            return {"client": one["client_id"]}
        case "tenant":
            return {"tenant": one["tenant"]}
        case _:
            return {by: date(one["at"])}


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    success = one["success_percent"]
    return {
        "calls": one["calls"],
        "ok": "" if success is None else f"{success:.1f}%",
        "errors": one["tool_errors"] + one["failed"] + one["withheld"],
        "refused": one["refused"],
        "held": one["held"],
        "p50_ms": _ms(one["p50_us"]),
        "p95_ms": _ms(one["p95_us"]),
        "p99_ms": _ms(one["p99_us"]),
        "kib": round(one["result_bytes"] / 1024),
        "cost": one["cost"],
        "people": one["people"],
    }


def _ms(took_us: int | None) -> str:
    if took_us is None:
        return ""
    return f"{took_us / 1000:.1f}" if took_us < 100_000 else f"{took_us / 1000:.0f}"
