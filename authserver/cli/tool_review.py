"""`authserver tool review`: what the tools of an MCP server have become, field by field, and letting it in or keeping it out."""

from typing import Annotated, Any

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control
from authserver.cli.operator import AsJson, DataDir, Yes, confirm, date, examples, fail, show

_URI = "https://mcp.example.com/mcp"


EXAMPLES = examples(
    f"authserver tool review {_URI}",
    f"authserver tool review {_URI} refund_order --approve",
    f"authserver tool review {_URI} --all --approve --tenant acme --yes",
    f"authserver tool review {_URI} refund_order --version 3f2a --reject",
)


def review(
    resource: Annotated[str, typer.Argument(help="The MCP server whose tools they are.", metavar="RESOURCE")],
    tool: Annotated[str, typer.Argument(help="One tool. Default: all of them.", metavar="[TOOL]")] = "",
    approve: Annotated[bool, typer.Option("--approve", help="Let it in: from now on it counts.")] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="Keep it out: it stays as if there were no such tool.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="With a decision: all that waits. Else: show what counts and is gone, too.")
    ] = False,
    version: Annotated[
        str,
        typer.Option(
            "--version",
            help="Which definition, by its hash or the beginning of it, where there are several.",
            metavar="HASH",
        ),
    ] = "",
    tenant: Annotated[
        str, typer.Option("--tenant", help="For this tenant alone. Default: for all of them.", metavar="SLUG")
    ] = "",
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show which tools are new, changed, renamed or gone since somebody looked at them, and decide whether they count.

    Until then a new or changed tool is for everybody as if there were no such tool. What one keeps out for all tenants nobody lets in.
    """
    if approve and reject:
        fail("Say --approve or --reject.", code=2)
    if (approve or reject) and not (tool or every):
        fail("Say which TOOL, or --all for all that waits.", code=2)
    if tool and every and (approve or reject):
        fail("Say TOOL or --all.", code=2)

    async def look(control: Control) -> list[dict[str, Any]]:
        return await control.tools(resource, tenant)

    found = with_control(data_dir, server, look)
    if tool and tool not in {row["tool"] for row in found}:
        fail(f"TOOL: {resource} has told of no tool {tool!r}. It has told of: {_names(found)}.")
    rows = [row for row in found if tool in {"", row["tool"]} and row["definition_hash"].startswith(version)]
    if not (approve or reject):
        rows = rows if tool or every else [row for row in rows if row["state"] != "counts" and row["how"] != "known"]
        _shown(rows, as_json=as_json)
        return
    chosen = _chosen(rows, tool=tool, version=version, approve=approve)
    if not as_json:
        _shown(chosen, as_json=False)
    doing, decision = ("Let", "approved") if approve else ("Keep", "rejected")
    where = f"in {tenant}" if tenant else "in every tenant"
    confirm(f"{doing} {_names(chosen)} {'in' if approve else 'out'}, {where}, as shown?", yes=yes)

    async def decide(control: Control) -> list[dict[str, Any]]:
        for row in chosen:
            await control.review(resource, row["tool"], row["definition_hash"], decision=decision, tenant=tenant)
        after = await control.tools(resource, tenant)
        decided = {(row["tool"], row["definition_hash"]) for row in chosen}
        return [row for row in after if (row["tool"], row["definition_hash"]) in decided]

    done = with_control(data_dir, server, decide)
    if as_json:
        show(done, as_json=True)
        return
    for row in done:
        print(f"{row['tool']}  {row['state']}  {row['definition_hash'][:12]}")


def _chosen(rows: list[dict[str, Any]], *, tool: str, version: str, approve: bool) -> list[dict[str, Any]]:
    """Return what is decided about; ends with the cure where that is nothing, or could be several things."""
    described = [row for row in rows if row["definition_hash"]]
    if not tool:
        chosen = [row for row in described if row["state"] == "waits"]
        if not chosen:
            fail("Nothing waits.")
        return chosen
    if not version:
        waiting = [row for row in described if row["state"] == "waits"]
        other = [row for row in described if row["state"] == ("rejected" if approve else "counts")]
        described = waiting or other
    if not described:
        fail(
            f"TOOL: there is nothing of {tool} to decide about. `authserver tool review RESOURCE {tool}` shows what is known."
        )
    if len(described) > 1:
        hashes = ", ".join(row["definition_hash"][:12] for row in described)
        fail(f"TOOL: {tool} has several definitions: {hashes}. Say which with --version HASH.")
    return described


def _names(rows: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({row["tool"] for row in rows})) or "none"


def _shown(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show(
            [{**row, "since": date(row["since"]), "reviewed_at": date(row["reviewed_at"])} for row in rows],
            as_json=True,
        )
        return
    if not rows:
        print("Nothing waits: what its tools are is what somebody has looked at, or what was there first.")
        return
    for row in rows:
        print("\n".join(_lines(row)))
        print()


def _lines(row: dict[str, Any]) -> list[str]:
    """Return one definition in words. What a server wrote comes with everything in it made visible."""
    how = f"renamed, was {row['was']}" if row["was"] else row["how"]
    scopes = ", ".join(row["scopes"]) or "none"
    head = f"{row['tool']}: {row['state']} ({how}), {row['class']}, scopes {scopes}, since {date(row['since'])}"
    if not row["definition_hash"]:
        return [head, "  Nobody has listed it yet, so nobody knows what it is."]
    if row["sunset"]:
        head += f", last day {row['sunset']}"
    said = [head, f"  definition {row['definition_hash']}" + (f", against {row['against']}" if row["against"] else "")]
    for one in row["differences"]:
        if one["before"] is not None:
            said.append(f"  - {one['field']}: {one['before']}")
        if one["after"] is not None:
            said.append(f"  + {one['field']}: {one['after']}")
    if row["definition"] is None:
        said.append("  It is too long to be shown here; look at it at its server.")
    return said
