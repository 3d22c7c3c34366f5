"""`authserver audit prove`: a proof in a file of its own, for whoever has a key and gets no export."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from authserver.cli.operator import AsJson, DataDir, demand_writable, examples, fail, show, tenant_named, with_machines

EXAMPLES: Final = examples(
    "authserver audit prove --tenant acme --event 065bff0a1b2c3d4e5f6071829a --out event.proof",
    "authserver audit prove --from 1200 --out since.proof",
)


def prove(
    out: Annotated[Path, typer.Option("--out", help="The file to write.", metavar="FILE")],
    tenant: Annotated[str, typer.Option("--tenant", help="Whose log. Default: the platform's.", metavar="SLUG")] = "",
    event: Annotated[
        str,
        typer.Option(
            "--event", help="That this event stands in the log; `audit search --json` shows its id.", metavar="ID"
        ),
    ] = "",
    begin: Annotated[
        int,
        typer.Option(
            "--from",
            help="That the log begins with what it was at this size, of a saved checkpoint.",
            min=0,
            metavar="SIZE",
        ),
    ] = 0,
    to: Annotated[int | None, typer.Option("--to", help="At which size. Default: now.", min=1, metavar="SIZE")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a proof that `python -m resource_lib.verify --proof FILE` checks with a key alone: a few hundred bytes, however long the log is."""
    if bool(event) == bool(begin):
        fail("Say --event ID or --from SIZE.", code=2)
    demand_writable(out)

    async def job(machines: Any) -> dict[str, Any]:
        from authserver.domain.audit import proving, sealing
        from authserver.runtime.schema import SHARED

        home = (await tenant_named(machines, tenant)).id if tenant else SHARED
        await sealing.seal_round(machines)  # where no server runs, nobody else has
        work = machines.work(tenant=home)
        try:
            return await (proving.inclusion(work, event, to) if event else proving.consistency(work, begin, to))
        except proving.CannotBeProvedError as error:
            fail(str(error))

    made = with_machines(data_dir, job)
    out.write_text(json.dumps(made) + "\n", encoding="utf-8")
    told: dict[str, Any] = {
        "file": str(out),
        **{name: made[name] for name in ("origin", "row", "from", "to") if name in made},
    }
    show(told, as_json=as_json)
