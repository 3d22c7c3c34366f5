"""
`authserver kill` and `authserver revive`: end a class of things with one command, see who has obeyed, let it begin again.

Exit codes: 0 done, and with --wait every running MCP server has said that it applied it; 1 refused or unknown, and nothing was
changed; 2 wrong usage; 3 in force, and not everybody has confirmed it; 130 Ctrl-C while waiting: what was stopped stays stopped.
"""

import asyncio
import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control, Named, Radius
from authserver.cli.control.waiting import IN_FORCE_NOT_CONFIRMED, conclusion, waited
from authserver.cli.operator import AsJson, DataDir, Yes, date, examples, fail, show

CODES = (
    "\n\nExit codes: 0 done (with --wait: everybody has applied it); 1 refused, nothing changed; 2 wrong usage; 3 in force, and "
    "not everybody has confirmed it; 130 Ctrl-C while waiting, it stays in force."
)

kill_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
revive_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

InTenant = Annotated[
    str, typer.Option("--tenant", help="In this tenant alone. Default: everywhere it is used.", metavar="SLUG")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in your words; it stays sealed in the record.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Show each running MCP server as it says that it obeys, and end when all have.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would end, and change nothing.")]
ClientId = Annotated[str, typer.Argument(help="The application's client_id.", metavar="CLIENT_ID")]
Email = Annotated[str, typer.Argument(help="The person's e-mail address.", metavar="EMAIL")]
OfTenant = Annotated[str, typer.Option("--tenant", help="The tenant they are a member of.", metavar="SLUG")]
Uri = Annotated[str, typer.Argument(help="The MCP server's URL.", metavar="URI")]


def tool(
    name: Annotated[str, typer.Argument(help="The tool's name.", metavar="NAME")],
    resource: Annotated[str, typer.Option("--resource", help="The MCP server's URL.", metavar="URI")],
    version: Annotated[
        str,
        typer.Option(
            "--version", help="Only this version of it: its definition_hash, from `server list --json`.", metavar="HASH"
        ),
    ] = "",
    tenant: InTenant = "",
) -> Named:
    """One tool of an MCP server: it answers as a tool that does not exist. No login ends."""
    kind = "tool_version" if version else "tool"
    return Named(kind=kind, resource=resource, tool=name, definition_hash=version, tenant=tenant)


def client(client_id: ClientId, tenant: InTenant = "") -> Named:
    """An application: all its logins end, and it gets no new ones."""
    return Named(kind="client", client_id=client_id, tenant=tenant)


def host(
    name: Annotated[
        str, typer.Argument(help="Where applications publish who they are, such as claude.ai.", metavar="HOST")
    ],
    tenant: InTenant = "",
) -> Named:
    """Every application that is described by a document at a host."""
    return Named(kind="client_host", host=name, tenant=tenant)


def user(email: Email, tenant: OfTenant) -> Named:
    """A person in a tenant: everything that acts in their name ends, and they cannot log in."""
    return Named(kind="user", email=email, tenant=tenant)


def of_tenant(slug: Annotated[str, typer.Argument(help="The tenant's short name.", metavar="SLUG")]) -> Named:
    """A customer: all logins of all its people and machines end, and no new ones begin."""
    return Named(kind="tenant", tenant=slug)


def resource(uri: Uri, tenant: InTenant = "") -> Named:
    """An MCP server: every call is refused and told when to come back. No login ends."""
    return Named(kind="resource", resource=uri, tenant=tenant)


def everything() -> Named:
    """All of it: every login of everybody ends, and none begins."""
    return Named(kind="everything")


_MCP = "https://mcp.example.com/mcp"
KINDS: dict[str, tuple[Callable[..., Named], str, tuple[str, ...]]] = {
    "tool": (
        tool,
        "Let the calls of a tool go on.",
        (
            f"refund_order --resource {_MCP}",
            f"refund_order --resource {_MCP} --tenant acme",
            f"refund_order --resource {_MCP} --version HASH",
        ),
    ),
    "client": (
        client,
        "Let an application log in anew.",
        ("cli_…", "https://claude.ai/oauth/claude-code-client-metadata --tenant acme"),
    ),
    "host": (host, "Let the applications of a host log in anew.", ("claude.ai",)),
    "user": (user, "Let a person log in anew.", ("alice@acme.example --tenant acme",)),
    "tenant": (of_tenant, "Let a customer's people and machines log in anew.", ("acme",)),
    "resource": (resource, "Let the calls of an MCP server go on.", (_MCP, f"{_MCP} --tenant acme")),
    "everything": (everything, "Let everybody log in anew.", ("",)),
}
"""What can be stopped: how it is named, what reviving it does, and what to type."""


def run_kill(
    named: Named,
    reason: Reason = "",
    wait: Wait = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Stop it."""
    act(named, "kill", reason=reason, wait=wait, dry_run=dry_run, yes=yes, server=server, data_dir=data_dir, as_json=as_json)  # fmt: skip


def run_revive(
    named: Named,
    reason: Reason = "",
    wait: Wait = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let it begin again."""
    act(named, "revive", reason=reason, wait=wait, dry_run=False, yes=yes, server=server, data_dir=data_dir, as_json=as_json)  # fmt: skip


def act(
    named: Named,
    what: str,
    *,
    reason: str,
    wait: bool,
    dry_run: bool,
    yes: bool,
    server: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Ask, do it, say it, and wait where wanted."""
    if not reason.strip() and not dry_run:
        fail("--reason: say why; it stays in the record, and whoever revives it reads it.", code=2)
    if not yes and not dry_run and not sys.stdin.isatty():
        fail(f"{_QUESTIONS[what].format(named.words)} Say --yes to go on; --dry-run shows what it would end.", code=2)

    async def job(control: Control) -> dict[str, Any]:
        said = {"act": what, "kind": named.kind, "target": named.words, "tenant": named.tenant or None}
        if dry_run:
            return {**said, "dry_run": True, **(await control.radius(named)).row()}
        if not yes:
            await _asked(control, named, what)
        try:
            order = await control.stop(named, act=what, reason=reason)
        except asyncio.CancelledError:
            print("\nInterrupted: `authserver kill list` tells whether it is in force.", file=sys.stderr)
            raise
        if not as_json:
            print(f"{_DONE[what].format(named.words)} (number {order.number})", flush=True)
        return said | (
            await waited(control, order, quiet=as_json)
            if wait
            else {"number": order.number, "servers": list(order.servers)}
        )

    said = with_control(data_dir, server, job)
    if as_json:
        show(said, as_json=True)
    elif dry_run:
        print("\n".join(_radius(named, _of_row(said), what)))
        print("Nothing was changed.")
    elif wait:
        print(conclusion(said))
    if wait and not said.get("everyone", True):
        raise SystemExit(IN_FORCE_NOT_CONFIRMED)


_QUESTIONS = {"kill": "Stop {}?", "pause": "Pause {}?", "revive": "Let {} begin again?"}
_DONE = {"kill": "Stopped: {}", "pause": "Paused: {}", "revive": "Revived: {}"}


async def _asked(control: Control, named: Named, what: str) -> None:
    lines = _comes_back(named) if what == "revive" else _radius(named, await control.radius(named), what)
    print("\n".join(lines), file=sys.stderr)
    # A question blocks; nothing else of this process waits for it.
    if not await asyncio.to_thread(typer.confirm, "Go on?", err=True):
        raise SystemExit(1)


def _of_row(row: dict[str, Any]) -> Radius:
    names = ("users", "clients", "live_authorizations", "instances", "ends")
    return Radius(servers=tuple(row["servers"]), **{name: row[name] for name in names})


def _radius(named: Named, found: Radius, what: str) -> list[str]:
    counted = ", ".join(
        (
            _many(found.users, "person", "people"),
            _many(found.clients, "application", "applications"),
            _many(found.live_authorizations, "live login", "live logins"),
        )
    )
    told = f"  {_many(len(found.servers), 'MCP server', 'MCP servers')} with {_many(found.instances, 'running instance', 'running instances')} {'is' if len(found.servers) == 1 else 'are'} told."
    verb = "pauses" if what == "pause" else "stops"
    if found.ends and not found.live_authorizations:
        return [
            f"This {verb} {named.words}: nothing of theirs lives now, and nothing begins until it is revived.",
            told,
        ]
    if found.ends:
        return [
            f"This {verb} {named.words}: {counted} end for good, and no new one begins until it is revived.",
            told,
        ]
    held = "its calls are told to come back later" if what == "pause" else "its calls are refused until it is revived"
    return [f"This {verb} {named.words}: {held}.", f"  At that server: {counted}. Nothing of them ends.", told]


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


_HELD = frozenset({"tool", "tool_version", "resource"})


def _comes_back(named: Named) -> list[str]:
    if named.kind in _HELD:
        return [
            f"This revives {named.words}: its calls go on, for every login that still lives.",
            "  What was ended meanwhile by another command stays ended.",
        ]
    return [
        f"This revives {named.words}: new logins are let in from now on.",
        "  Nothing that ended comes back: people log in anew, programs get new tokens, what was approved is asked for again.",
    ]


def _command(named_by: Callable[..., Named], run: Callable[..., None]) -> Callable[..., None]:
    """Return one command: the parameters of what it stops, and then those that every such command has."""
    own = inspect.signature(named_by).parameters
    common = {name: given for name, given in inspect.signature(run).parameters.items() if name != "named"}

    def command(**given: Any) -> None:
        run(named_by(**{name: given.pop(name) for name in own}), **given)

    required = [one for one in own.values() if one.default is inspect.Parameter.empty]
    rest = [one for one in (*own.values(), *common.values()) if one not in required]
    as_keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*required, *rest)]
    hints = get_type_hints(named_by, include_extras=True) | get_type_hints(run, include_extras=True)
    command.__signature__ = inspect.Signature(as_keywords)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: hints[one.name] for one in as_keywords}
    command.__doc__ = named_by.__doc__
    return command


def _typed(*words: str) -> str:
    return " ".join(word for word in words if word)


for _kind, (_named_by, _revives, _shown) in KINDS.items():
    kill_app.command(
        _kind,
        epilog=examples(
            _typed("authserver kill", _kind, _shown[0], "--dry-run"),
            *(_typed("authserver kill", _kind, one, '--reason "it misbehaves" --wait') for one in _shown),
        )
        + CODES,
    )(_command(_named_by, run_kill))
    revive_app.command(
        _kind,
        help=f"{_revives} Nothing that ended comes back.",
        epilog=examples(*(_typed("authserver revive", _kind, one, '--reason "mended"') for one in _shown)),
    )(_command(_named_by, run_revive))


@kill_app.command(
    "list",
    epilog=examples("authserver kill list", "authserver kill list --tenant acme", "authserver kill list --past --json"),
)
def list_(
    tenant: Annotated[str, typer.Option("--tenant", help="Of one tenant. Default: of all.", metavar="SLUG")] = "",
    past: Annotated[bool, typer.Option("--past", help="What was stopped and is revived, too.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what is stopped now, since when and why, and how to revive each."""

    async def job(control: Control) -> Any:
        return await control.stops(tenant, past=past)

    here = ("--server", server) if server is not None else ("--data-dir", str(data_dir)) if data_dir is not None else ()
    end = " ".join(shlex.quote(word) for word in here)
    rows = [
        {
            "state": one.state,
            "target": one.named.words,
            "since": date(one.at),
            "reason": one.reason,
            "by": one.by,
            "number": one.number,
            "revive": _typed("authserver revive", one.named.command, '--reason "…"', end)
            if one.state != "revived"
            else None,
        }
        for one in with_control(data_dir, server, job)
    ]
    show(rows, as_json=as_json, empty="Nothing is stopped.")
