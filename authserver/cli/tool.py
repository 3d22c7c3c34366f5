"""`authserver tool list|show|deny|allow|step-up|clients|when|sunset|ceiling|set|clear`: what a tenant demands of its tools."""

import getpass
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
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

_AT = "--resource https://mcp.example.com/mcp --tenant acme"

Name = Annotated[str, typer.Argument(help="The tool's name, or '*' for every tool of the MCP server.", metavar="TOOL")]
At = Annotated[str, typer.Option("--resource", help="The MCP server whose tool it is.", metavar="URI")]
Tenant = Annotated[
    str, typer.Option("--tenant", help="The tenant whose people and applications it is for.", metavar="SLUG")
]
NotListed = Annotated[
    bool, typer.Option("--not-listed", help="The tool is one that only its server knows, not `resource show`.")
]


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "an account without a name"


async def _place(machines: Any, resource: str, tenant: str) -> tuple[Any, Any]:
    from authserver.domain.resources import resource as resources

    owner = await tenant_named(machines, tenant)
    found = await resources.by_uri(machines.work(), resource)
    if found is None:
        fail(f"--resource: {resource} is unknown. `authserver resource list` lists them.")
    if owner.id not in found.tenants:
        fail(f"--resource: {tenant} does not use it. `authserver resource set {resource} --link {tenant}` lets it.")
    return owner, found


async def _rules(work: Any, uri: str) -> dict[str, Any]:
    from authserver.domain.tool_policies import tool_policy

    return {entry.tool: entry for entry in await tool_policy.entries(work, uri)}


def _changed(
    name: str,
    resource: str,
    tenant: str,
    change: Callable[[Any], Any],
    *,
    data_dir: Path | None,
    as_json: bool,
    not_listed: bool = False,
    may_be_unlisted: bool = False,
) -> None:
    """Replace the rules of one tool by `change` of those it has, and show what holds then."""
    from authserver.domain.tool_policies import tool_policy

    async def job(machines: Any) -> Any:
        owner, found = await _place(machines, resource, tenant)
        work = machines.work(tenant=owner.id)
        known = await _rules(work, found.uri)
        listed = sorted(tool.name for tool in found.tools)
        if name not in {*listed, *known, "*"} and not (not_listed or may_be_unlisted or not listed):
            fail(
                f"TOOL: {found.uri} has no tool {name!r}. It has: {', '.join(listed)}. "
                "Say --not-listed for one that only its server knows."
            )
        before = known[name].rules if name in known else tool_policy.NO_RULES
        after = change(before)
        if after == before:
            return await _one(machines, owner, found, name)
        await tool_policy.change(work, found, name, before, after, by=_me())
        await committed(
            work, otherwise=f"{name}: somebody else changed it meanwhile. Look again: `authserver tool show`."
        )
        return await _one(machines, owner, found, name)

    _told(with_machines(data_dir, job), as_json=as_json)


async def _one(machines: Any, owner: Any, found: Any, name: str) -> dict[str, Any]:
    """Return all that holds for one tool in one tenant, and who changed it."""
    from authserver.domain.audit import event

    work = machines.work(tenant=owner.id)
    known = await _rules(work, found.uri)
    overlay = await _overlay(machines, owner, found, known)
    history = []
    for row in await event.history(work, event.Kind.TOOL_POLICY_CHANGED, resource=found.uri, most=500):
        said = event.open_payload(work, row)
        if said.get("tool") in {name, "*"}:
            history.append(
                {"at": date(row["at_us"] // 1_000_000), "by": said["by"], "tool": said["tool"]}
                | {"rules": said["rules"] or {}}
            )
    return _row(overlay, found, name, known) | {
        "rules": {tool: known[tool].rules.to_json() for tool in ("*", name) if tool in known},
        "history": history[:20],
    }


async def _overlay(machines: Any, owner: Any, found: Any, known: dict[str, Any]) -> Any:
    """Return what a tenant demands at a server, with the last days that the server itself says."""
    from authserver.domain.inventory import inventory
    from authserver.domain.tool_policies.tool_policy import Overlay

    rules = {tool: entry.rules for tool, entry in known.items()}
    return Overlay(tools=rules, sunsets=await inventory.sunsets(machines.work(), owner.id, found.uri))


def _row(overlay: Any, found: Any, name: str, known: dict[str, Any]) -> dict[str, Any]:
    tool = next((tool for tool in found.tools if tool.name == name), None)
    layers = overlay.layers(name)
    lists = [layer.clients for layer in layers if layer.clients is not None]
    clients = sorted(frozenset.intersection(*lists)) if lists else None
    shown = None if tool is None else overlay.tightened(tool, found.scopes)
    denied = any(layer.mode == "deny" for layer in layers) or (
        shown is not None and not overlay.is_below_ceiling(shown)
    )
    asks = any(layer.mode == "step_up" or layer.approval not in {None, False} for layer in layers)
    latest = max((known[one].changed_at for one in ("*", name) if one in known), default=None)
    return {
        "tool": name,
        "class": "-" if shown is None else shown.sensitivity,
        "offered_to": "nobody" if denied or clients == [] else "any application" if clients is None else clients,
        "each_call": "waits for a yes" if asks else "as its author says",
        "conditions": "; ".join(
            f"{one.effect} when {one.condition.text}" if one.effect != "require" else f"require {one.condition.text}"
            for layer in layers
            for one in layer.when
        ),
        "last_day": None if (last := overlay.sunset(name)) is None else last.isoformat(),
        "changed": date(latest),
    }


@app.command("list", epilog=examples(f"authserver tool list {_AT}"))
def list_(resource: At, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every tool of an MCP server and what holds for it in a tenant."""

    async def job(machines: Any) -> Any:
        owner, found = await _place(machines, resource, tenant)
        known = await _rules(machines.work(tenant=owner.id), found.uri)
        overlay = await _overlay(machines, owner, found, known)
        names = [tool.name for tool in found.tools]
        names += [name for name in known if name not in names]
        return [_row(overlay, found, name, known) for name in names]

    show(
        with_machines(data_dir, job),
        as_json=as_json,
        empty="It has no tools yet. `authserver resource set URI --tools FILE`.",
    )


@app.command("show", epilog=examples(f"authserver tool show refund_order {_AT}"))
def show_(name: Name, resource: At, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show what holds for a tool in a tenant, the rules behind it, and who changed them when."""

    async def job(machines: Any) -> Any:
        owner, found = await _place(machines, resource, tenant)
        known = await _rules(machines.work(tenant=owner.id), found.uri)
        if name not in {*known, "*", *(tool.name for tool in found.tools)}:
            fail(f"TOOL: {found.uri} has no tool {name!r}. `authserver tool list` lists them.")
        return await _one(machines, owner, found, name)

    said = with_machines(data_dir, job)
    _told(said, as_json=as_json)
    if not as_json:
        print()
        told = [{**one, "rules": json.dumps(one["rules"]) if one["rules"] else "cleared"} for one in said["history"]]
        show(told, as_json=False, empty="Nobody has changed anything yet.")


def _told(said: dict[str, Any], *, as_json: bool) -> None:
    """Print what holds for one tool; for a person without its history, and with its rules as they stand."""
    if as_json:
        show(said, as_json=True)
        return
    rules = {f"rules for {tool}": json.dumps(one) for tool, one in said["rules"].items()}
    show({name: value for name, value in said.items() if name not in {"rules", "history"}} | rules, as_json=False)


@app.command(epilog=examples(f"authserver tool deny refund_order {_AT} --yes"))
def deny(
    name: Name,
    resource: At,
    tenant: Tenant,
    not_listed: NotListed = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a tool away from a tenant: for its people and applications there is no such tool, at once. `allow` gives it back."""
    confirm(f"Take {name} of {resource} away from everybody in {tenant}?", yes=yes)
    _changed(
        name,
        resource,
        tenant,
        lambda rules: replace(rules, mode="deny"),
        not_listed=not_listed,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(epilog=examples(f"authserver tool allow refund_order {_AT}"))
def allow(name: Name, resource: At, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Undo `deny` and `step-up`: the tool is again as its author says. What else was demanded of it stays; `clear` ends that."""
    _changed(
        name,
        resource,
        tenant,
        lambda rules: replace(rules, mode=None),
        may_be_unlisted=True,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command("step-up", epilog=examples(f"authserver tool step-up update_order {_AT}"))
def step_up(
    name: Name,
    resource: At,
    tenant: Tenant,
    not_listed: NotListed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let each call of a tool wait for a person's yes to exactly that call. `allow` undoes it."""
    _changed(
        name,
        resource,
        tenant,
        lambda rules: replace(rules, mode="step_up"),
        not_listed=not_listed,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(
    epilog=examples(
        f"authserver tool clients refund_order --only cli_abc --only https://claude.ai/oauth/claude-code-client-metadata {_AT}",
        f"authserver tool clients refund_order --add cli_def {_AT}",
        f"authserver tool clients refund_order --any {_AT}",
    )
)
def clients(
    name: Name,
    resource: At,
    tenant: Tenant,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="An application that may use it, and no other; repeat.", metavar="CLIENT_ID"),
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", help="One more that may; repeat.", metavar="CLIENT_ID")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="One that may no more; repeat.", metavar="CLIENT_ID")
    ] = None,
    every: Annotated[bool, typer.Option("--any", help="Any application may again.")] = False,
    not_listed: NotListed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say which applications may use a tool. For all others there is no such tool, at consent too; each person still decides."""
    if bool(only) + every + bool(add or remove) != 1:
        fail("Say --only CLIENT_ID, --add or --remove CLIENT_ID, or --any.", code=2)
    _all_are_clients([*(only or ()), *(add or ())], data_dir)

    def change(rules: Any) -> Any:
        if every:
            return replace(rules, clients=None)
        if only:
            return replace(rules, clients=frozenset(only))
        if rules.clients is None:
            fail(f"{name}: any application may use it. Begin its list with --only CLIENT_ID.", code=2)
        if unknown := set(remove or ()) - rules.clients:
            fail(
                f"--remove: {', '.join(sorted(unknown))} is not on the list: {', '.join(sorted(rules.clients)) or 'nobody'}."
            )
        return replace(rules, clients=(rules.clients | set(add or ())) - set(remove or ()))

    _changed(name, resource, tenant, change, not_listed=not_listed, data_dir=data_dir, as_json=as_json)


def _all_are_clients(named: list[str], data_dir: Path | None) -> None:
    """End with the cure when a name is no application of ours; one with a document need not have come yet."""
    from authserver.domain.clients import registry

    async def job(machines: Any) -> list[str]:
        return [
            one
            for one in named
            # An API key acts by its own id.
            if not one.startswith(("https://", "key_")) and await registry.find(machines.work(), one) is None
        ]

    if named and (unknown := with_machines(data_dir, job)):
        fail(f"CLIENT_ID: there is no {unknown[0]!r}. `authserver client list` shows the applications.")


@app.command(
    epilog=examples(
        f"authserver tool when refund_order --deny 'args.amount_cents > 100000' --because 'Accounting does that.' {_AT}",
        f"authserver tool when send_mail --step-up 'not endswith(args.to, \"@acme.example\")' --because 'It leaves us.' {_AT}",
        f"authserver tool when refund_order --forget {_AT}",
    )
)
def when(
    name: Name,
    resource: At,
    tenant: Tenant,
    deny: Annotated[
        str | None, typer.Option("--deny", help="Refuse a call for which this holds.", metavar="CONDITION")
    ] = None,
    step_up: Annotated[
        str | None,
        typer.Option("--step-up", help="Let a call for which this holds wait for a yes.", metavar="CONDITION"),
    ] = None,
    require: Annotated[
        str | None, typer.Option("--require", help="Refuse a call for which this does not hold.", metavar="CONDITION")
    ] = None,
    because: Annotated[
        str, typer.Option("--because", help="Why, for whoever is refused or asked.", metavar="TEXT")
    ] = "",
    forget: Annotated[bool, typer.Option("--forget", help="Forget all conditions of this tool.")] = False,
    not_listed: NotListed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a condition on a call's arguments and context to a tool. docs/policy.md has the words."""
    from resource_lib.wire.tool_policy import InvalidRulesError, parse_rules

    given = {"deny": deny, "step_up": step_up, "require": require}
    said = {effect: text for effect, text in given.items() if text is not None}
    if len(said) + forget != 1:
        fail("Say one of --deny, --step-up or --require with a CONDITION, or --forget.", code=2)
    if forget:
        added: Any = ()
    else:
        try:
            added = parse_rules({"when": [said | {"because": because}]}, name).when
        except InvalidRulesError as error:
            option = "--because" if error.member.endswith("because") else "--" + next(iter(said)).replace("_", "-")
            fail(f"{option}: {error.fault}. Cure: {error.cure}.", code=2)
    _changed(
        name,
        resource,
        tenant,
        lambda rules: replace(rules, when=() if forget else (*rules.when, *added)),
        not_listed=not_listed,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(
    epilog=examples(
        f"authserver tool sunset get_spend_v1 --on 2027-03-31 {_AT}",
        f"authserver tool sunset get_spend_v1 --never {_AT}",
    )
)
def sunset(
    name: Name,
    resource: At,
    tenant: Tenant,
    on: Annotated[
        str, typer.Option("--on", help="The last day on which it may be called, in UTC.", metavar="YYYY-MM-DD")
    ] = "",
    never: Annotated[bool, typer.Option("--never", help="This tenant says no last day any more.")] = False,
    not_listed: NotListed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say when a version of a tool ends in a tenant: it says so in lists and answers, and after that day there is no such tool."""
    from resource_lib.wire.tool_policy import day_of

    if bool(on) == never:
        fail("Say --on YYYY-MM-DD, or --never.", code=2)
    last = None if never else day_of(on)
    if last is None and not never:
        fail(f"--on: {on} is no day. Say it as 2027-03-31.", code=2)
    _changed(
        name,
        resource,
        tenant,
        lambda rules: replace(rules, sunset=last),
        not_listed=not_listed,
        data_dir=data_dir,
        as_json=as_json,
    )


@app.command(epilog=examples(f"authserver tool ceiling write {_AT}", f"authserver tool ceiling none {_AT}"))
def ceiling(
    most: Annotated[str, typer.Argument(help="read, write, destructive, or none.", metavar="CLASS")],
    resource: At,
    tenant: Tenant,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how grave the tools of an MCP server may be in a tenant: graver ones are not there, those of tomorrow too."""
    from resource_lib.wire.tool_policy import CLASSES

    if most not in {*CLASSES, "none"}:
        fail(f"CLASS: one of {', '.join(CLASSES)}, none.", code=2)
    limit: Any = None if most == "none" else most
    _changed("*", resource, tenant, lambda rules: replace(rules, most=limit), data_dir=data_dir, as_json=as_json)


@app.command(
    "set",
    epilog=examples(
        f"authserver tool set refund_order --rules refund.json {_AT}",
        "",
        "refund.json:",
        '  {"roles": ["support"], "max_age": 600, "approval": {"by": "role", "role": "approver"}}',
    ),
)
def set_(
    name: Name,
    resource: At,
    tenant: Tenant,
    rules: Annotated[
        Path,
        typer.Option(
            "--rules", help="A JSON file with all of the tool's rules; - reads them from here.", metavar="FILE"
        ),
    ],
    not_listed: NotListed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Replace all that a tenant demands of a tool by what a file says."""
    from resource_lib.wire.tool_policy import InvalidRulesError, parse_rules

    try:
        text = sys.stdin.read() if str(rules) == "-" else rules.read_text(encoding="utf-8")
        read = parse_rules(json.loads(text), "")
    except OSError as error:
        fail(f"--rules: {rules} cannot be read ({error.strerror}).", code=2)
    except InvalidRulesError as error:
        fail(f"--rules: {str(error).removeprefix(': ')}", code=2)
    except ValueError as error:
        fail(f"--rules: {rules} is no JSON: {error}.", code=2)
    _changed(name, resource, tenant, lambda _rules: read, not_listed=not_listed, data_dir=data_dir, as_json=as_json)


@app.command(epilog=examples(f"authserver tool clear refund_order {_AT} --yes"))
def clear(
    name: Name, resource: At, tenant: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Demand nothing of a tool any more beyond what its author does."""
    from authserver.domain.tool_policies.tool_policy import NO_RULES

    confirm(f"Forget all that {tenant} demands of {name} at {resource}?", yes=yes)
    _changed(name, resource, tenant, lambda _rules: NO_RULES, may_be_unlisted=True, data_dir=data_dir, as_json=as_json)
