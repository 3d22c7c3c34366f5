"""`authserver revoke token|authorization|client|user`: end what is, and let it begin anew."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.control.open import Server, with_control
from authserver.cli.control.port import Control, Named
from authserver.cli.control.waiting import IN_FORCE_NOT_CONFIRMED, conclusion, waited
from authserver.cli.operator import AsJson, DataDir, Yes, examples, fail, show
from authserver.cli.stop import CODES, ClientId, Email, InTenant, OfTenant, Reason, Wait

app = typer.Typer(no_args_is_help=True)


@app.command(
    epilog=examples(
        'pbpaste | authserver revoke token - --reason "pasted into a ticket"',
        'authserver revoke token ./leaked.txt --reason "pasted into a ticket" --wait',
    )
    + CODES
)
def token(
    source: Annotated[
        str,
        typer.Argument(help="A file that holds the access token; `-`: one line of standard input.", metavar="FILE|-"),
    ],
    reason: Reason = "",
    wait: Wait = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """End one access token. The login it came from goes on; `revoke authorization` ends that."""
    # Never an argument: arguments are in the process list and the shell's history.
    read = _read(source)
    _end("token", Named(kind="token"), read, "that token", reason, wait, True, server, data_dir, as_json)


@app.command(epilog=examples('authserver revoke authorization az_… --reason "lost laptop" --wait --yes') + CODES)
def authorization(
    authorization_id: Annotated[
        str,
        typer.Argument(
            help="One login of an application, as `authorization list` shows it.", metavar="AUTHORIZATION_ID"
        ),
    ],
    tenant: Annotated[
        str,
        typer.Option(help="Whose it is; needed with --server by who acts for the whole deployment.", metavar="SLUG"),
    ] = "",
    reason: Reason = "",
    wait: Wait = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """End one login of an application, with its refresh and access tokens. Others of the same person go on.

    A machine's one login begins anew when its credential is rotated: `client rotate`.
    """
    named = Named(kind="authorization", tenant=tenant)
    _end("authorization", named, authorization_id, authorization_id, reason, wait, yes, server, data_dir, as_json)


@app.command(
    epilog=examples('authserver revoke client cli_… --tenant acme --reason "its key leaked" --wait --yes') + CODES
)
def client(
    client_id: ClientId,
    tenant: InTenant = "",
    reason: Reason = "",
    wait: Wait = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """End every login of an application. It may begin anew, a machine when its credential is rotated; `kill client` keeps it out."""
    named = Named(kind="client", client_id=client_id, tenant=tenant)
    _end("client", named, "", named.words, reason, wait, yes, server, data_dir, as_json)


@app.command(
    epilog=examples('authserver revoke user alice@acme.example --tenant acme --reason "lost laptop" --wait') + CODES
)
def user(
    email: Email,
    tenant: OfTenant,
    reason: Reason = "",
    wait: Wait = False,
    yes: Yes = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """End everything that acts in a person's name, and their browser sessions. They may log in anew: `kill user` keeps them out."""
    named = Named(kind="user", email=email, tenant=tenant)
    _end("user", named, "", named.words, reason, wait, yes, server, data_dir, as_json)


def _read(source: str) -> str:
    if source == "-":
        return sys.stdin.readline().strip()
    try:
        return Path(source).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        # A token that was typed here is in the shell's history now; it is not repeated.
        fail(
            "FILE: cannot be read. A token is never typed as an argument: put it into a file, or send it on standard input.",
            code=2,
        )


def _end(
    kind: str,
    named: Named,
    of: str,
    words: str,
    reason: str,
    wait: bool,
    yes: bool,
    server: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    if not reason.strip():
        fail("--reason: say why; it stays in the record.", code=2)
    if not yes:
        if not sys.stdin.isatty():
            fail(f"End what {words} holds? Say --yes to go on.", code=2)
        if not typer.confirm(f"End what {words} holds, for good?"):
            raise SystemExit(1)

    async def job(control: Control) -> dict[str, Any]:
        order = await control.revoke(kind, named, of, reason=reason)
        if not as_json:
            print(f"Ended: {words} (number {order.number})", flush=True)
        said = {"act": "revoke", "kind": kind, "target": words, "tenant": named.tenant or None}
        return said | (
            await waited(control, order, quiet=as_json)
            if wait
            else {"number": order.number, "servers": list(order.servers)}
        )

    said = with_control(data_dir, server, job)
    if as_json:
        show(said, as_json=True)
    elif wait:
        print(conclusion(said))
    if wait and not said["everyone"]:
        raise SystemExit(IN_FORCE_NOT_CONFIRMED)
