"""`authserver key list|show|rotate|remove|kek|rewrap`."""

import os
import stat
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
            "removed_at": "at once" if row["remove_at"] == 0 else date(row["remove_at"]),
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


@app.command(epilog=examples("authserver key list", "authserver key remove KID --yes"))
def remove(
    kid: Annotated[str, typer.Argument(metavar="KID")],
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a leaked key out of the set at once: every token it signed stops working, and a new key signs."""
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

    Then set AUTHSERVER_KEK_FILE to the file. To change keys, run `authserver key rewrap --new-key`.
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


@app.command(epilog=examples("authserver key rewrap", "authserver key rewrap --new-key --yes"))
def rewrap(
    new_key: Annotated[
        bool, typer.Option("--new-key", help="First put a fresh key in front of the others in AUTHSERVER_KEK_FILE.")
    ] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Wrap every secret with the first key of the key-encryption file; after that the others can go.

    Servers that run read the file again when they meet a key that they do not know. Where several machines each have a copy of
    the file, give every one the new line first, and then run this without --new-key.
    """
    from authserver.domain.keys import deployment

    if new_key:
        confirm("Every machine of this deployment must see the changed AUTHSERVER_KEK_FILE. Go on?", yes=yes)

    async def job(machines: Any) -> Any:
        said: dict[str, Any] = {}
        if new_key:
            file = machines.settings.kek_file
            if file is None or machines.settings.kek is not None:
                fail(
                    "--new-key: the keys come from AUTHSERVER_KEK; put a new line first there, and run this without it."
                )
            said["first_key"] = _put_new_key_first(file)
            machines.key_encryption.take_again()
        return said | {"rewrapped": await deployment.rewrap(machines)}

    show(with_machines(data_dir, job), as_json=as_json)


def _put_new_key_first(file: Path) -> str:
    from authserver.runtime.vault import LocalKeyEncryption

    old = file.read_text(encoding="ascii")
    names = {line.partition(":")[0].strip() for line in old.splitlines()}
    name = next(f"kek{number}" for number in range(len(names) + 1, 10_000) if f"kek{number}" not in names)
    beside = file.with_name(f"{file.name}.new")
    try:
        # A new file in its place: whoever reads meanwhile reads all of one or all of the other.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
            stream.write(LocalKeyEncryption.generate(name) + old)
            stream.flush()
            was, is_now = file.stat(), os.fstat(stream.fileno())
            if (was.st_uid, was.st_gid) != (is_now.st_uid, is_now.st_gid):
                # Else the server that runs as its owner could not read it any more.
                os.fchown(stream.fileno(), was.st_uid, was.st_gid)
            os.fchmod(stream.fileno(), stat.S_IMODE(was.st_mode))
            os.fsync(stream.fileno())
        beside.replace(file)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            beside.unlink(missing_ok=True)
        fail(f"AUTHSERVER_KEK_FILE: {beside} cannot be put in its place: {error.strerror}.")
    return name
