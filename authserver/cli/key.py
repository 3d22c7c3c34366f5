"""`authserver key list|show|rotate|remove|kek|rewrap`."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.operator import AsJson, DataDir, Yes, confirm, date, examples, fail, show, with_machines

app = typer.Typer(no_args_is_help=True)

IssuerPath = Annotated[str, typer.Option("--issuer-path", help="`/t/SLUG` for a tenant's own issuer. Default: ours.")]


async def _rows(machines: Any) -> list[dict[str, Any]]:
    from authserver.domain.keys import rotation

    work = machines.work()
    listed = await rotation.rows(work)
    # As the server chooses: the newest generation whose time has come.
    signing: dict[str, int] = {}
    for row in listed:
        if row["sign_from"] <= work.now:
            signing[row["issuer_path"]] = max(row["generation"], signing.get(row["issuer_path"], 0))

    def state(row: Any) -> str:
        if row["remove_at"] is not None and row["remove_at"] <= work.now:
            return "gone"
        if row["sign_from"] > work.now:
            return "published"
        return "signing" if row["generation"] == signing[row["issuer_path"]] else "retiring"

    return [
        {
            "kid": row["kid"],
            "issuer_path": row["issuer_path"],
            "algorithm": row["algorithm"],
            "state": state(row),
            "signs_from": date(row["sign_from"]),
            "removed_at": date(row["remove_at"]),
        }
        for row in listed
    ]


@app.command("list", epilog=examples("authserver key list"))
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the signing keys: published before they sign, retiring until their last token has expired, then gone."""
    show(with_machines(data_dir, _rows), as_json=as_json, empty="No key yet: `authserver serve` makes the first.")


@app.command("show", epilog=examples("authserver key show KID"))
def show_(
    kid: Annotated[str, typer.Argument(help="The key's id, as in the header of a token.", metavar="KID")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show one signing key; its private half is never shown."""

    async def job(machines: Any) -> Any:
        found = [row for row in await _rows(machines) if row["kid"] == kid]
        return found[0] if found else fail(f"kid: {kid} is unknown. `authserver key list` lists them.")

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    epilog=examples(
        "authserver key rotate", "authserver key rotate --now", "authserver key rotate --issuer-path /t/acme"
    )
)
def rotate(
    issuer_path: IssuerPath = "",
    now: Annotated[
        bool, typer.Option("--now", help="Let the new key sign at once, not after the publishing time.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Publish a new signing key; the old one stays until its last token has expired."""
    from authserver.domain.issuers.issuer import all_issuers
    from authserver.domain.keys import rotation

    async def job(machines: Any) -> Any:
        issuer = (await all_issuers(machines.work())).by_path.get(issuer_path)
        if issuer is None:
            fail(f"--issuer-path: {issuer_path!r} is unknown. `authserver issuer list` lists them.", code=2)
        ahead = 0 if now else machines.settings.key_publish_ahead_seconds
        if not await rotation.rotate_now(machines.work(), issuer, publish_ahead_s=ahead):
            fail("somebody else rotated at this moment; look with `authserver key list`.")
        return {"issuer": issuer.identifier, "signs_in_seconds": ahead}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver key rotate --now", "authserver key remove KID --yes"))
def remove(
    kid: Annotated[str, typer.Argument(metavar="KID")],
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a leaked key out of the set at once: every token it signed stops working. Rotate first."""
    from authserver.domain.keys import rotation

    confirm(f"Every token signed by {kid} stops working. Go on?", yes=yes)

    async def job(machines: Any) -> Any:
        if not await rotation.remove_now(machines.work(), kid):
            fail(f"{kid} is not in the set. `authserver key list` lists them.")
        return {"removed": kid}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    epilog=examples("authserver key kek /etc/authserver/kek", "export AUTHSERVER_KEK_FILE=/etc/authserver/kek")
)
def kek(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Write a fresh key-encryption key, readable by you alone. Keep it out of the database's backups.

    Then set AUTHSERVER_KEK_FILE to the file. To change keys, put a new line first and run `authserver key rewrap`.
    """
    from authserver.runtime.vault import LocalKeyEncryption

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"FILE: {file} exists and is not overwritten: without it nothing in the database can be opened.")
    except OSError as error:
        fail(f"FILE: {file} cannot be written: {error.strerror}.")
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(LocalKeyEncryption.generate())
    show({"written": str(file), "next": f"set AUTHSERVER_KEK_FILE={file.absolute()}"}, as_json=as_json)


@app.command(epilog=examples("authserver key rewrap"))
def rewrap(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Wrap every secret with the first key of the key-encryption file; after that the others can go."""
    from authserver.domain.keys import deployment

    async def job(machines: Any) -> Any:
        return {"rewrapped": await deployment.rewrap(machines)}

    show(with_machines(data_dir, job), as_json=as_json)
