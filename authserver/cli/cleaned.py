"""What the commands that erase say of the database's files."""

from pathlib import Path
from typing import Any

from authserver.cli.operator import date, fail, with_machines


def cleaned_now(data_dir: Path | None, *, whole: bool = False) -> dict[str, Any]:
    """Clean the files of the database and return what became of it."""
    from authserver.domain.audit import sealing
    from authserver.domain.forgetting import cleaning
    from authserver.runtime.unit_of_work import DatabaseUnavailableError

    async def job(machines: Any) -> dict[str, Any]:
        await sealing.seal_round(machines)  # the receipts; where no server runs, nobody else does
        try:
            found = await cleaning.clean(machines, whole=whole)
        except DatabaseUnavailableError as error:
            fail(f"the files are not clean: {error}. `authserver audit clean` tries again.", code=3)
        return {
            "cleaned": found.done,
            "left": found.left,
            "elsewhere": found.elsewhere,
            "backups_until": date(cleaning.backups_until(machines, machines.clock())),
        }

    return with_machines(data_dir, job)


def tell_cleaned(cleaned: dict[str, Any]) -> None:
    """Print it for a person."""
    for done in cleaned["cleaned"]:
        print(f"cleaned: {done}.")
    for left in cleaned["left"]:
        print(f"NOT clean yet: {left}.")
    for copy in cleaned["elsewhere"]:
        print(f"elsewhere: {copy} holds what it got before.")
    print(
        f"Backups and archived logs from before hold it, and the deployment's keys open it, until they are gone:"
        f" by {cleaned['backups_until']} (AUTHSERVER_BACKUP_RETENTION_DAYS)."
    )
