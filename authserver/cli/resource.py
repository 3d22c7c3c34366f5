"""`authserver resource add|list|show|set|pause|resume|disable|remove`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.control.open import Server
from authserver.cli.control.port import Named
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
from authserver.cli.stop import DryRun, InTenant, Reason, Wait, act

app = typer.Typer(no_args_is_help=True)

URI = Annotated[str, typer.Argument(help="The MCP server's URL, exactly as clients use it.", metavar="URI")]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help='A scope in words, "orders:read=Read your orders"; repeat.', metavar="NAME=WORDS"),
]
Tools = Annotated[
    Path | None,
    typer.Option(
        "--tools", help="A JSON file: a list of {name, class, scopes, title, description, approval}.", metavar="FILE"
    ),
]
Purposes = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose",
        help='What a person may say it is for, "support=Answering customers"; repeat. They must choose one at consent.',
        metavar="NAME=WORDS",
    ),
]
Links = Annotated[list[str] | None, typer.Option("--link", help="A tenant that may use it; repeat.", metavar="SLUG")]


async def _row(machines: Any, resource: Any) -> dict[str, Any]:
    from authserver.domain.tenants import tenant as tenants

    linked = [await tenants.by_id(machines.work(), tenant) for tenant in resource.tenants]
    return {
        "uri": resource.uri,
        "name": resource.name,
        "scopes": list(resource.scopes),
        "tools": [f"{tool.name}({tool.sensitivity})" for tool in resource.tools],
        "tenants": sorted(tenant.slug for tenant in linked if tenant is not None),
        "purposes": [f"{name}={words}" for name, words in resource.purposes.items()],
        "active": resource.is_active,
        "published": resource.is_published,
    }


def _scopes(given: list[str] | None) -> Any:
    from authserver.domain.resources.resource import ScopeInfo

    if given is None:
        return None
    scopes = {}
    for entry in given:
        name, separator, words = entry.partition("=")
        if not separator or not words.strip():
            fail(f"--scope: {entry!r} needs words for people, as in orders:read=Read your orders.", code=2)
        scopes[name] = ScopeInfo(description=words.strip())
    return scopes


def _purposes(given: list[str] | None, *, without: bool = False) -> Any:
    if without:
        if given:
            fail("--no-purposes: leave --purpose out, or this.", code=2)
        return {}
    if given is None:
        return None
    purposes = {}
    for entry in given:
        name, _, words = entry.partition("=")
        if not words.strip():
            fail(f"--purpose: {entry!r} needs words for people, as in support=Answering customers.", code=2)
        purposes[name] = words.strip()
    return purposes


def _tools(path: Path | None) -> Any:
    from authserver.domain.resources.resource import InvalidResourceError, tool_from_json

    if path is None:
        return None
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        fail(f"--tools: {path} cannot be read.", code=2)
    except ValueError as error:
        fail(f"--tools: {path} is no JSON: {error}.", code=2)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        fail("--tools: must hold a list of objects with name, class, scopes, title, description, approval.", code=2)
    try:
        return [tool_from_json(entry) for entry in listed]
    except InvalidResourceError as error:
        fail(f"--{error}", code=2)  # it begins with the member, `tools: `


async def _found(machines: Any, uri: str) -> Any:
    from authserver.domain.resources import resource as resources

    found = await resources.by_uri(machines.work(), uri)
    if found is None:
        fail(f"uri: {uri} is unknown. `authserver resource list` lists them.")
    return found


async def _linked(machines: Any, uri: str, link: list[str] | None, unlink: list[str] | None = None) -> None:
    from authserver.domain.resources import resource as resources

    for slugs, change in ((link, resources.link), (unlink, resources.unlink)):
        for slug in slugs or ():
            tenant = await tenant_named(machines, slug)
            work = machines.work()
            change(work, uri, tenant.id)
            await committed(work, otherwise="the resource changed meanwhile; try again.")


@app.command(
    epilog=examples(
        'authserver resource add https://mcp.example.com/mcp --name Orders --scope "orders:read=Read your orders" --link acme',
        "authserver resource add https://mcp.example.com/mcp --name Orders --tools tools.json --link acme --link globex",
        "",
        "tools.json:",
        '  [{"name": "refund_order", "class": "destructive", "scopes": ["orders:write"], "title": "Refund an order"}]',
    )
)
def add(
    uri: URI,
    name: Annotated[str, typer.Option(help="The name people see at consent.")],
    scope: Scopes = None,
    tools: Tools = None,
    purpose: Purposes = None,
    link: Links = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Register an MCP server and get the credential with which it will speak to us, shown once."""
    from authserver.domain.clients import registry
    from authserver.domain.resources import resource as resources

    described, listed = _scopes(scope) or {}, _tools(tools) or []
    asked_for = _purposes(purpose)

    async def job(machines: Any) -> Any:
        for slug in link or ():
            await tenant_named(machines, slug)
        work = machines.work()
        stored = resources.add(work, uri=uri, name=name, scopes=described, tools=listed, purposes=asked_for)
        made = registry.add(
            work,
            name=f"Resource server {name}"[:200],
            auth_method="client_secret_basic",
            grant_types=(),
            speaks_for=stored,
        )
        await committed(work, otherwise=f"uri: {uri} is registered already.")
        await _linked(machines, stored, link)
        said = await _row(machines, await _found(machines, stored))
        said["client_id"], said["client_secret"] = made.client.id, made.secret
        return said

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("list", epilog=examples("authserver resource list"))
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every MCP server."""
    from authserver.domain.resources import resource as resources

    async def job(machines: Any) -> Any:
        rows = [await _row(machines, found) for found in await resources.all_resources(machines.work())]
        return [{name: said for name, said in row.items() if name != "purposes"} for row in rows]

    show(with_machines(data_dir, job), as_json=as_json, empty="No MCP server yet. `authserver resource add URI`.")


@app.command("show", epilog=examples("authserver resource show https://mcp.example.com/mcp"))
def show_(uri: URI, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one MCP server, and with which client_id it speaks to us."""
    from authserver.domain.clients import registry

    async def job(machines: Any) -> Any:
        said = await _row(machines, await _found(machines, uri))
        shared = await registry.of_tenant(machines.work(tenant="*"))
        # With its name it can be rotated and blocked; its secret was shown once.
        return said | {"client_id": [client.id for client in shared if client.speaks_for == uri]}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    "set",
    epilog=examples(
        "authserver resource set https://mcp.example.com/mcp --link globex",
        "authserver resource set https://mcp.example.com/mcp --unlink globex",
        "authserver resource set https://mcp.example.com/mcp --tools tools.json",
        "authserver resource set https://mcp.example.com/mcp --published",
        'authserver resource set https://mcp.example.com/mcp --purpose "support=Answering customers" --purpose "audit=An audit"',
    ),
)
def set_(
    uri: URI,
    name: Annotated[str | None, typer.Option(help="The name people see at consent.")] = None,
    scope: Scopes = None,
    tools: Tools = None,
    purpose: Purposes = None,
    no_purposes: Annotated[bool, typer.Option("--no-purposes", help="Ask for no purpose any more.")] = False,
    link: Links = None,
    unlink: Annotated[
        list[str] | None, typer.Option("--unlink", help="A tenant that may use it no more.", metavar="SLUG")
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--disabled", help="Whether tokens for it are issued.")
    ] = None,
    published: Annotated[
        bool | None,
        typer.Option("--published/--unpublished", help="Whether anybody reads its tools and scopes at /security."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given; scopes, tools or purposes that are given replace the whole list."""
    from authserver.domain.resources import resource as resources

    described, listed = _scopes(scope), _tools(tools)
    asked_for = _purposes(purpose, without=no_purposes)

    async def job(machines: Any) -> Any:
        found = await _found(machines, uri)
        work = machines.work()
        resources.change(
            work, found, name=name, scopes=described, tools=listed, purposes=asked_for, is_active=active,
            is_published=published,
        )  # fmt: skip
        await committed(work, otherwise=f"{uri} was removed meanwhile.")
        await _linked(machines, found.uri, link, unlink)
        return await _row(machines, await _found(machines, uri))

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver resource disable https://mcp.example.com/mcp --yes"))
def disable(uri: URI, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Issue no more tokens for an MCP server. `resource set URI --active` undoes it."""
    confirm(f"Issue no more tokens for {uri}?", yes=yes)
    set_(
        uri, active=False, data_dir=data_dir, as_json=as_json, name=None, scope=None, tools=None, link=None, unlink=None
    )


@app.command(
    epilog=examples(
        'authserver resource pause https://mcp.example.com/mcp --reason "moving its database" --wait',
        'authserver resource pause https://mcp.example.com/mcp --tenant acme --reason "their wish"',
    )
)
def pause(
    uri: URI,
    tenant: InTenant = "",
    reason: Reason = "",
    wait: Wait = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Switch an MCP server inactive: its callers are told to come back, and nothing ends. `resource resume` undoes it."""
    named = Named(kind="resource", resource=uri, tenant=tenant)
    act(
        named,
        "pause",
        reason=reason,
        wait=wait,
        dry_run=dry_run,
        yes=yes,
        server=server,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(epilog=examples('authserver resource resume https://mcp.example.com/mcp --reason "it has moved" --yes'))
def resume(
    uri: URI,
    tenant: InTenant = "",
    reason: Reason = "",
    wait: Wait = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let the calls of a paused MCP server go on, and those of a killed one."""
    named = Named(kind="resource", resource=uri, tenant=tenant)
    act(
        named,
        "revive",
        reason=reason,
        wait=wait,
        dry_run=False,
        yes=yes,
        server=server,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(epilog=examples("authserver resource remove https://mcp.example.com/mcp --yes"))
def remove(uri: URI, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Forget an MCP server and its credential for good: nothing for it is issued or refreshed again."""
    from authserver.domain.clients import registry
    from authserver.domain.resources import resource as resources
    from authserver.runtime.schema import SHARED

    confirm(f"Remove {uri} for good?", yes=yes)

    async def job(machines: Any) -> Any:
        found = await _found(machines, uri)
        work = machines.work()
        resources.remove(work, found.uri)
        for client in await registry.of_tenant(machines.work(tenant=SHARED)):
            if client.speaks_for == found.uri:
                registry.remove(work, client)
        await committed(work, otherwise=f"{uri} is gone already.")
        return {"removed": uri}

    show(with_machines(data_dir, job), as_json=as_json)
