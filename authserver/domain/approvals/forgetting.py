"""Whoever is erased may be named in calls that somebody else was asked about: what was shown of these, and came back, goes too."""

from collections.abc import Callable

from authserver.domain.approvals import store
from authserver.domain.approvals.showing import row_key
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.runtime.vault import unseal

_AT_ONCE = 200


async def erase_naming(work: UnitOfWork, is_named_in: Callable[[str], bool], *, is_rehearsal: bool = False) -> int:
    """Erase with the unit's commits what approvals of the bound tenant show of somebody; returns of how many. They stay, unreadable.

    They are sealed, so each is opened: `is_named_in` is asked of what stands in it.
    """
    count, after = 0, ""
    while rows := await work.all(store.READABLE, after=after, most=_AT_ONCE):
        after = rows[-1]["approval_id"]
        found = [row["approval_id"] for row in rows if is_named_in(_said(work, row))]
        count += len(found)
        if found and not is_rehearsal:
            for approval_id in found:
                work.write(store.ERASE_SHOWN, approval_id=approval_id)
            await work.commit()
    return count


def _said(work: UnitOfWork, row: Row) -> str:
    key = row_key(work, row["approval_id"], row["payload_key"])
    return "\n".join(
        unseal(key, row[name], context=f"approvals/{name}/{row['approval_id']}").decode("utf-8", "replace")
        for name in ("payload", "outcome")
        if row[name] is not None
    )
