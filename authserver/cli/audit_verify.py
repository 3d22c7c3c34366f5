"""`authserver audit verify`: is the record in this database as it was sealed, and what beside it is not?"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from authserver.cli.operator import AsJson, DataDir, examples, fail, progress_of, tenant_named, with_machines

WHOLE: Final = 0
TAMPERED: Final = 1
UNDECIDED: Final = 2

EXAMPLES: Final = examples(
    "authserver audit verify --all",
    "authserver audit verify --all --checkpoint /mnt/elsewhere/checkpoints.ndjson",
    "authserver audit verify --tenant acme --json",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What the verifier said of the logs, and what was seen beside them."""

    exit_code: int
    reports: list[dict[str, Any]]
    seen: list[dict[str, Any]]


def verify(
    tenant: Annotated[
        str, typer.Option("--tenant", help="One tenant's log, and what the platform's says of it.", metavar="SLUG")
    ] = "",
    platform: Annotated[bool, typer.Option("--platform", help="The platform's own log.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Every log, and whether one is missing that the platform's log knows of.")
    ] = False,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            help="Checkpoints that were kept where nobody who writes this database writes: a note, or a file of copies. Repeat it for more.",
            metavar="FILE",
        ),
    ] = None,
    payloads: Annotated[
        bool, typer.Option("--payloads/--no-payloads", help="Whether each payload is what its row commits to.")
    ] = True,
    progress: Annotated[
        bool, typer.Option("--progress", help="Show how far it is, also where standard error is no terminal.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Verify the record in the database, and name the first row that is not as it was sealed.

    Ends with 0: whole; 1: tampered with; 2: it could not be looked at, or not be decided. It reads alone, a page at a time, also while a server
    runs, and is recorded. The judge is `python -m resource_lib.verify`, which gets the rows by a pipe: nothing is written to a disk.
    """
    if sum((bool(tenant), platform, every)) != 1:
        fail("Say --tenant SLUG, --platform or --all.", code=UNDECIDED)
    notes = [note for path in checkpoint or () for note in _notes(path)]

    async def job(machines: Any) -> Verified:
        from authserver.domain.audit import sealing, verifying
        from authserver.runtime.schema import SHARED

        home = (await tenant_named(machines, tenant)).id if tenant else SHARED
        logs = await verifying.logs(machines)
        wanted = [one for one in logs if every or one.tenant in {SHARED, home}]
        if not any(one.tenant == SHARED for one in wanted):
            if not wanted:
                fail("nothing was sealed yet.")
            return _without_platform(wanted)
        asked = _asked(machines, checkpoint or (), home=None if every else home, progress=progress)
        code, reports = await _judged(machines, wanted, asked, notes, payloads=payloads)
        if any(finding["kind"] == "erasure_forged" for one in reports for finding in one["findings"]):
            # Or somebody was erased just now, and the receipt stands behind what was judged: then it is looked at with it.
            await sealing.seal_round(machines)
            known = {one.tenant for one in wanted}
            wanted = [one for one in await verifying.logs(machines) if one.tenant in known]
            code, reports = await _judged(machines, wanted, asked, notes, payloads=payloads)
        seen = []
        with progress_of(sum(one.size - one.pruned for one in wanted)) as told:
            for one in wanted:
                seen += await verifying.look(machines.work(tenant=one.tenant), one, told=told)
        if any(one.is_tampering for one in seen):
            code = TAMPERED
        await verifying.note(machines, logs=len(wanted), exit_code=code, only="" if every else home)
        return Verified(exit_code=code, reports=reports, seen=[one.as_object() | {"line": str(one)} for one in seen])

    from authserver.cli import said_of
    from authserver.runtime.database_url import DatabaseURLError
    from authserver.runtime.unit_of_work import DatabaseUnavailableError
    from authserver.runtime.vault import VaultError

    try:
        done = with_machines(data_dir, job)
    except SystemExit:
        # Why was said. Nobody who reads the exit code alone may take it for a verdict.
        raise SystemExit(UNDECIDED) from None
    except (DatabaseUnavailableError, DatabaseURLError, VaultError) as error:
        fail(said_of(error), code=UNDECIDED)
    _say(done, as_json=as_json)
    raise SystemExit(done.exit_code)


def _without_platform(wanted: Sequence[Any]) -> Verified:
    said = f"there are logs ({len(wanted)}), and the platform's own, which pins them, is gone"
    return Verified(exit_code=TAMPERED, reports=[], seen=[{"kind": "log_missing", "is_tampering": True, "line": said}])


def _notes(path: Path) -> list[bytes]:
    from resource_lib.wire.signed_note import NoteError, saved_notes

    try:
        return [note for _, note in saved_notes(path.read_bytes())]
    except (OSError, NoteError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        fail(f"--checkpoint {path}: {why}", code=UNDECIDED)


def _asked(machines: Any, checkpoints: Sequence[Path], *, home: str | None, progress: bool) -> list[str]:
    """Return how the verifier is asked; `home` is the one log that may not be missing, None: no one may."""
    from authserver.domain.audit import sealing

    words = ["--json", "--key", str(sealing.verifier(machines))]
    words += ["--every-log"] if home is None else ["--expect", sealing.origin_of(machines, home)]
    words += [word for path in checkpoints for word in ("--checkpoint", str(path.absolute()))]
    return words + (["--progress"] if progress else [])


async def _judged(
    machines: Any, wanted: Sequence[Any], words: Sequence[str], notes: Sequence[bytes], *, payloads: bool
) -> tuple[int, list[dict[str, Any]]]:
    """Give the logs to the verifier, a process of its own that knows nothing of this one, and return what it says."""
    from authserver.domain.audit import verifying
    from resource_lib.wire import signed_note

    # The library that stands beside this server, and none that happens to lie where the command was typed.
    beside = str(Path(signed_note.__file__).parents[2])
    judge = subprocess.Popen(  # noqa: S603, ASYNC220 - our own module with our own arguments; nothing else runs in this process
        [sys.executable, "-P", "-m", "resource_lib.verify", "-", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("AUTHSERVER_")}
        | {"PYTHONPATH": beside},
    )
    assert judge.stdin is not None
    assert judge.stdout is not None
    answered = asyncio.create_task(asyncio.to_thread(judge.stdout.read))
    try:
        # It may have said all that it has to say before it has read everything.
        with suppress(BrokenPipeError):
            await verifying.write_logs(machines, wanted, judge.stdin.write, saved=notes, with_payloads=payloads)
            judge.stdin.flush()
    finally:
        with suppress(BrokenPipeError):
            judge.stdin.close()
        said = await answered
        judge.stdout.close()
        code = await asyncio.to_thread(judge.wait)
    if not said:
        # It has said why on standard error.
        raise SystemExit(UNDECIDED)
    return code, json.loads(said)


def _say(done: Verified, *, as_json: bool) -> None:
    verdict = {WHOLE: "whole", TAMPERED: "tampered", UNDECIDED: "undecided"}[done.exit_code]
    if as_json:
        print(json.dumps({"verdict": verdict, "logs": done.reports, "beside": done.seen}, indent=2))
        return
    for one in done.reports:
        print(f"{one['origin']}: {one['verdict']}, rows {one['first']} to {one['size'] - 1}, root {one['root']}")
        print(
            f"  {one['rows']} rows read, {one['pruned']} pruned with a receipt; {one['checkpoints']} checkpoints fit, {one['saved']} of them saved elsewhere"
        )
        told = one["payloads"]
        if told["are_given"]:
            print(
                f"  payloads: {told['verified']} verified, {told['erased']} erased with a receipt, {told['missing']} missing without one, {told['wrong']} wrong"
            )
        for finding in one["findings"]:
            print(f"  {_plain(finding['line'])}")
        for name in one["uncompared"]:
            print(f"  not compared: {name}")
    for seen in done.seen:
        print(("" if seen["is_tampering"] else "warning: ") + _plain(seen["line"]))
    if not any(one["saved"] for one in done.reports):
        print(
            "note: no checkpoint that was saved elsewhere was given (--checkpoint): that the whole database was put back to an older state, or signed "
            "anew by whoever holds its key, could not be seen"
        )
    print(f"the record is {verdict}")


def _plain(said: str) -> str:
    # What a row says is a stranger's; a terminal obeys some of it.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in said)
