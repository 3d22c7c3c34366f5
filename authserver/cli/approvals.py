"""
`authserver approvals list|show|approve|deny|stats`.

A no is anybody's who runs the server. A yes is a person's: they prove here who they are, at the price and by the rules of the page.
"""

import asyncio
import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control
from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    confirm,
    date,
    examples,
    fail,
    show,
    with_machines,
)
from authserver.cli.waiting_calls import found, homes, row, shown, who

app = typer.Typer(no_args_is_help=True)

ApprovalId = Annotated[str, typer.Argument(help="The approval's id, as `list` shows it.", metavar="APPROVAL_ID")]
InTenant = Annotated[str | None, typer.Option("--tenant", help="Of one tenant. Default: of all.", metavar="SLUG")]

_LOOK_EVERY_S = 1.0
_HERE = "command line"


def _state_named(state: str | None) -> str | None:
    from resource_lib.wire.approvals import State

    if state is not None and state not in {known.value for known in State}:
        fail(f"--state: is one of {', '.join(known.value for known in State)}.", code=2)
    return state


@app.command(
    "list",
    epilog=examples(
        "authserver approvals list",
        "authserver approvals list --tenant acme --state pending",
        "authserver approvals list --state pending --follow",
    ),
)
def list_(
    tenant: InTenant = None,
    state: Annotated[
        str | None,
        typer.Option(help="pending, approved, denied, expired, executing, done or ambiguous. Default: all."),
    ] = None,
    most: Annotated[int, typer.Option(help="How many at most, the newest first.", min=1, max=1000)] = 50,
    follow: Annotated[bool, typer.Option("--follow", help="Go on, one line for each change, until Ctrl-C.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List calls that wait for a yes, or have had one; no argument of a call is shown."""
    from authserver.domain.approvals import approval as approvals

    wanted = _state_named(state)
    if not follow:

        async def job(control: Control) -> Any:
            return await control.approvals(tenant or "", wanted or "", most=most)

        rows = [
            {**row, "asked": date(row["asked"]), "until": date(row["until"])}
            for row in with_control(data_dir, server, job)
        ]
        show(rows, as_json=as_json, empty="Nothing waits.")
        return
    if server is not None:
        fail("--follow: at the deployment here alone; leave --server out, or list again.", code=2)

    async def watch(machines: Any) -> None:
        told: dict[str, str] = {}
        print("Following; Ctrl-C ends it.", file=sys.stderr)
        while True:
            for home in await homes(machines, tenant):
                work = machines.work(tenant=home.id)
                # Among all of them: what is no longer pending has left `pending`, and that is news too.
                for one in reversed(await approvals.list_(work, most=1000)):
                    was, now = told.get(one.id), one.state.value
                    if was != now:
                        told[one.id] = now
                        if wanted in (None, now, was):
                            _say(_dated(await row(work, home.slug, one)), as_json=as_json)
            await asyncio.sleep(_LOOK_EVERY_S)

    with_machines(data_dir, watch)


def _say(row: dict[str, Any], *, as_json: bool) -> None:
    from authserver.runtime.words import plain

    if as_json:
        print(json.dumps(row), flush=True)
    else:
        words = (plain(row[name], 200) for name in ("state", "tenant", "tool", "for", "application", "approval_id"))
        print("  ".join(words), flush=True)


def _print(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show(said, as_json=True)
        return
    arguments, decisions = said.pop("arguments"), said.pop("decisions", [])
    show(said, as_json=False)
    print("\nArguments, all of them:")
    show(arguments or [], as_json=False, empty="(none)")
    if decisions:
        print("\nDecisions:")
        show(decisions, as_json=False)


@app.command("show", epilog=examples("authserver approvals show ap_…"))
def show_(approval_id: ApprovalId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one call as its approver sees it; what its author hides stays hidden."""

    async def job(control: Control) -> Any:
        return await control.approval(approval_id)

    _print(_dated(with_control(data_dir, server, job)), as_json=as_json)


def _dated(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "asked": date(said["asked"]), "until": date(said["until"])}


@app.command(
    epilog=examples(
        "authserver approvals approve ap_… --as ada@acme.example",
        "pass show ada | authserver approvals approve ap_… --as ada@acme.example --password-file -",
    )
)
def approve(
    approval_id: ApprovalId,
    email: Annotated[
        str | None, typer.Option("--as", help="The person who says yes; their password is asked for.", metavar="EMAIL")
    ] = None,
    password_file: Annotated[
        str | None,
        typer.Option("--password-file", help="Read it from a file; `-`: one line of standard input.", metavar="FILE"),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say yes as a person who may, by the same rules as on the page; running the server is not enough."""
    if email is None:
        fail(
            f"a yes is a person's: say whose with --as EMAIL, and they type their password; or they open the page that "
            f"`authserver approvals show {approval_id}` names.",
            code=2,
        )
    if password_file is None and not sys.stdin.isatty():
        fail(
            f"{email} has to type their password: there is no terminal here. Scripts say --password-file FILE.", code=2
        )

    async def job(machines: Any) -> Any:
        work, approval = await found(machines, approval_id)
        said = _dated(await shown(work, approval))
        if password_file is None:
            _print(dict(said), as_json=False)
            print(f"\nBy typing your password you allow exactly this, once, as {email}. Ctrl-C allows nothing.")
        password = _password(password_file)
        return await _decided(machines, approval, email, password, said)

    show(with_machines(data_dir, job), as_json=as_json)


def _password(source: str | None) -> str:
    # Never an argument: arguments are in the process list and the shell's history.
    if source is None:
        return getpass.getpass("Password: ")
    if source == "-":
        return sys.stdin.readline().rstrip("\r\n")
    try:
        return Path(source).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError:
        fail(f"--password-file: {source} cannot be read.", code=2)


async def _decided(machines: Any, approval: Any, email: str, password: str, said: dict[str, Any]) -> dict[str, Any]:
    from authserver.domain.approvals import approval as approvals
    from authserver.domain.approvals import deciding
    from authserver.domain.login import login, session
    from authserver.domain.users import user as users

    # Time has passed while somebody typed: their login is of now.
    work = machines.work(tenant=approval.tenant)
    proven_at = await session.proven_at(work)
    person = await login.for_one_act(work, email=email, password=password, via=_HERE)
    if isinstance(person, login.Refused):
        await work.commit()
        if person.retry_after_s is not None:
            fail(f"too many attempts for {email}. Try again in {person.retry_after_s} seconds; nothing was decided.")
        fail(f"{email} and this password do not go together; nothing was decided.")
    member = await users.member_by_person(work, person.id) if person.opens(approval.tenant) else None
    now = await approvals.find(work, approval.id)
    decider = deciding.Decider(
        sub=member.sub if member else "",
        roles=member.roles if member else (),
        acr=login.PASSWORD_ACR,
        amr=login.PASSWORD_AMR,
        auth_time=work.now,
        via=_HERE,
        ctl=proven_at,
    )
    try:
        # What is said yes to is what was shown above, not what may stand there now.
        decided = await deciding.decide(work, now or approval, decider, True, said.get("display_hash", ""))
    except deciding.RefusedDecisionError as error:
        await work.commit()
        fail(f"{_why(error.reason, approval.id, email, (now or approval).state.value, said)} Nothing was decided.")
    if not await work.commit():
        fail("it was decided, or its time ran out, at this very moment. `authserver approvals show` tells which.")
    said = {"approval_id": approval.id, "state": decided.state.value, "by": email, "until": date(decided.expires_at)}
    if decided.state.value == "pending":
        said["note"] = f"{approval.rule.approvers} people have to say yes; this is one of them"
    return said


def _why(reason: Any, approval_id: str, email: str, state: str, said: dict[str, Any]) -> str:
    words: dict[str, str] = {
        "not_for_you": f"{email} may not decide about it: it needs {said.get('needs', 'somebody else')}.",
        "requester_excluded": f"it runs for {email}, so somebody else has to say yes (four eyes).",
        "login_too_old": "the clock of this machine was set back; see `authserver check`.",
        "login_too_weak": f"it asks for a stronger login than a password: decide at {said.get('url', 'its page')}.",
        "already_decided": f"{email} has decided about it already.",
        "not_pending": f"it is {state}; `authserver approvals show {approval_id}` tells more.",
        "not_as_shown": "what it is for cannot be shown, so nobody can say yes to it.",
    }
    return words[str(reason.value)]


@app.command(epilog=examples('authserver approvals deny ap_… --reason "not during the freeze" --yes'))
def deny(
    approval_id: ApprovalId,
    reason: Annotated[str, typer.Option(help="Why, in your words; kept sealed in the record.")] = "",
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say no as an operator: to what waits, or to a yes that was not used yet."""
    if len(reason) > 500:
        fail("--reason: at most 500 characters.", code=2)
    confirm(f"Deny {approval_id}?", yes=yes)

    async def job(control: Control) -> Any:
        return await control.deny(approval_id, reason=reason)

    show(with_control(data_dir, server, job), as_json=as_json)


@app.command(epilog=examples("authserver approvals stats", "authserver approvals stats --tenant acme --json"))
def stats(tenant: InTenant = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how people decide, per approver and tool: who says yes to everything in a second does not read."""
    from authserver.domain.approvals import habits

    async def job(machines: Any) -> Any:
        rows = []
        for home in await homes(machines, tenant):
            work = machines.work(tenant=home.id)
            rows += [
                {
                    "tenant": home.slug,
                    "approver": await who(work, habit.sub),
                    "tool": habit.tool,
                    "mcp_server": habit.resource,
                    "decisions": habit.count,
                    "share_of_yes": round(habit.share_of_yes, 3),
                    "median_seconds": round(habit.median_seconds, 1),
                    "flagged": habit.is_rubber_stamp,
                }
                for habit in await habits.habits(work)
            ]
        return sorted(rows, key=lambda row: not row["flagged"])

    rows = with_machines(data_dir, job)
    show(rows, as_json=as_json, empty="Nobody has decided anything in the last 90 days.")
    if not as_json:
        for row in rows:
            if row["flagged"]:
                print(
                    f"\nwarning: {row['approver']} said yes to {row['share_of_yes']:.0%} of {row['decisions']} calls of "
                    f"{row['tool']}, half of them within {row['median_seconds']} seconds: do they read what they allow?"
                )
