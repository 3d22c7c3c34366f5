"""`authserver exchange add|list|remove`."""

from typing import Annotated, Any

import typer

from authserver.cli.operator import AsJson, DataDir, Yes, committed, confirm, examples, fail, show, with_machines

app = typer.Typer(no_args_is_help=True)

Actor = Annotated[str, typer.Argument(help="The MCP server that acts for its callers.", metavar="URI")]
Target = Annotated[str, typer.Option("--to", help="The upstream resource at which it acts.", metavar="URI")]


def _row(exchange: Any) -> dict[str, Any]:
    return {
        "resource": exchange.actor,
        "to": exchange.target,
        "scopes": [f"{scope}={' '.join(needed) or '*'}" for scope, needed in exchange.scopes.items()],
    }


def _scopes(given: list[str]) -> dict[str, tuple[str, ...]]:
    scopes: dict[str, tuple[str, ...]] = {}
    for entry in given:
        scope, separator, needed = entry.partition("=")
        if separator and not needed.strip():
            fail(f"--scope: {entry!r} needs what callers must carry, or {scope}=* for any caller.", code=2)
        if needed.strip() == "*":
            scopes[scope] = ()
        else:
            # Without a word the narrow reading: who may it there must have been allowed it here, by the same name.
            scopes[scope] = tuple(needed.split()) if separator else (scope,)
    return scopes


@app.command(
    epilog=examples(
        "authserver exchange add https://mcp.example.com/mcp --to https://api.example.com"
        ' --scope orders:read --scope "invoices:read=orders:read orders:write" --yes',
        "authserver exchange add https://mcp.example.com/mcp --to https://api.example.com --scope status:read=* --yes",
    )
)
def add(
    uri: Actor,
    to: Target,
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            help="A scope of the target, and what a caller must carry: `THERE=HERE HERE`; `THERE` alone means the same"
            " name here, `THERE=*` any caller. Repeat.",
            metavar="THERE[=HERE]",
        ),
    ],
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let an MCP server trade its callers' tokens for narrower ones of an upstream resource; replaces what was allowed."""
    from authserver.domain.exchange import policy
    from authserver.domain.exchange.policy import InvalidExchangeError
    from authserver.domain.resources import resource as resources

    scopes = _scopes(scope)
    confirm(f"Let {uri} act for whoever calls it at {to}, with {', '.join(scopes)}?", yes=yes)

    async def job(machines: Any) -> Any:
        found = []
        for name, wanted in (("uri", uri), ("to", to)):
            resource = await resources.by_uri(machines.work(), wanted)
            if resource is None:
                fail(f"{name}: {wanted} is unknown. `authserver resource list` lists them.")
            found.append(resource)
        work = machines.work()
        try:
            made = await policy.allow(work, found[0], found[1], scopes)
        except InvalidExchangeError as error:
            fail(f"--{error}", code=2)
        await committed(work, otherwise="one of them was removed meanwhile.")
        said = _row(made)
        if not found[0].tenants & found[1].tenants:
            said["note"] = "no tenant is linked to both yet, so nobody can use it"
        return said

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("list", epilog=examples("authserver exchange list", "authserver exchange list --json"))
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List who may act where, and with what."""
    from authserver.domain.exchange import policy

    async def job(machines: Any) -> Any:
        return [_row(exchange) for exchange in await policy.every(machines.work())]

    show(
        with_machines(data_dir, job),
        as_json=as_json,
        empty="No MCP server may act anywhere else. `authserver exchange add URI --to URI --scope NAME` allows it.",
    )


@app.command(
    epilog=examples("authserver exchange remove https://mcp.example.com/mcp --to https://api.example.com --yes")
)
def remove(uri: Actor, to: Target, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let it act there no more; what it traded already ends with it."""
    from authserver.domain.exchange import policy

    confirm(f"Let {uri} act at {to} no more?", yes=yes)

    async def job(machines: Any) -> Any:
        work = machines.work()
        await policy.forbid(work, uri, to)
        await committed(work, otherwise=f"{uri} may not act at {to}. `authserver exchange list` lists who may where.")
        return {"removed": uri, "to": to}

    show(with_machines(data_dir, job), as_json=as_json)
