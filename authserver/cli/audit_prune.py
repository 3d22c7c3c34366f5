"""`authserver audit prune`: take away what is past its time, now."""

from typing import Annotated, Any, Final

import typer

from authserver.cli.operator import AsJson, DataDir, examples, show, with_machines

EXAMPLES: Final = examples("authserver audit prune --dry-run", "authserver audit prune --json")


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take away what the record keeps no longer. A server does it by itself, once an hour.

    In two steps: the log says which rows go, and a day later they do. Whole tiles of 256 rows go, oldest first, when everything in them is past
    its time; proofs stand. How long is kept what: AUTHSERVER_AUDIT_KEEP_…_DAYS, and `authserver tenant set SLUG --keep-calls DAYS`.
    """

    async def job(machines: Any) -> list[dict[str, Any]]:
        from authserver.domain.audit import retention, sealing, verifying
        from authserver.domain.tenants import tenant as tenants

        slugs = {one.id: one.slug for one in await tenants.all_tenants(machines.work())}
        gone: dict[str, int] = {}
        if not dry_run:
            await sealing.seal_round(machines)  # where no server runs, nobody else has
            while taken := await retention.prune_round(machines):
                for one in taken:
                    gone[one.tenant] = gone.get(one.tenant, 0) + one.to - one.first
            await sealing.seal_round(machines)
        rows = []
        for log in await verifying.logs(machines):
            found = await retention.due(machines, log.tenant)
            if found is not None:
                rows.append(
                    {
                        "tenant": slugs.get(log.tenant, "(platform)"),
                        "rows": log.size - log.pruned,
                        "taken_away": gone.get(log.tenant, 0),
                        "go_within_a_day": log.announced,
                        "past_their_time": found.to - found.first,
                        "stays": found.why,
                    }
                )
        return rows

    show(with_machines(data_dir, job), as_json=as_json, empty="Nothing was sealed yet.")
