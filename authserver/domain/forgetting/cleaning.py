"""
What was erased leaves the files of the database too, and the record says when, and until when a backup may still hold it.

Deleted bytes stay in freed pages, dead rows and the write-ahead log. What opens anything of theirs stands in small tables, which are
written anew whole (`runtime.cleaning`); what is left in other tables is ciphertext whose key is nowhere any more (ADR 51).
"""

from dataclasses import dataclass
from typing import Final

from authserver.domain.audit import erasing, event
from authserver.domain.audit.event import Kind
from authserver.runtime import cleaning
from authserver.runtime.cleaning import Cleaned
from authserver.runtime.database_url import is_sqlite
from authserver.runtime.machines import Machines

HOLD_KEYS: Final = ("audit_key_pages", "persons", "approvals", "call_grants", "device_codes", "idempotency_keys")
"""The tables in which what was deleted could still be opened by the deployment's keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """When something was last erased, and up to which erasure the files are clean; microseconds since the epoch, 0: never."""

    erased_us: int
    cleaned_us: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing waits to be cleaned."""
        return self.cleaned_us >= self.erased_us


async def state(machines: Machines) -> State:
    """Return whether something waits to be cleaned."""
    erased_us, cleaned_us = await erasing.last_erased(machines.work())
    return State(erased_us=erased_us, cleaned_us=cleaned_us)


def backups_until(machines: Machines, at_us: int) -> int:
    """Return the moment (seconds) after which no backup and no archived log from before `at_us` is kept, as the settings promise."""
    return at_us // 1_000_000 + machines.settings.backup_retention_days * 86_400


async def clean(machines: Machines, *, whole: bool = False) -> Cleaned:
    """Clean the files of the database of what was erased until now. Raises DatabaseUnavailableError."""
    before = await state(machines)
    settings = machines.settings
    owner = settings.database_owner_url
    url = settings.database_url if owner is None else owner.get_secret_value()
    cleaned = await cleaning.clean(url, HOLD_KEYS, whole=whole)
    if not cleaned.left:
        work = machines.work()
        erasing.cleaned(work, seen_us=before.erased_us)
        until = backups_until(machines, work.at_us)
        event.record(work, Kind.ERASED_CLEANED, erased=before.erased_us, whole=whole, backups_until=until)
        await work.commit()
    return cleaned


async def clean_if_due(machines: Machines) -> bool:
    """Clean what this very process may: a file, after somebody was erased. False: nothing waits, or somebody else has to."""
    if not is_sqlite(machines.settings.database_url) or (await state(machines)).is_clean:
        return False
    return not (await clean(machines)).left
