"""
Proofs in a file of their own: that a log begins with what it was, and that an event stands in it (RFC 9162 §2.1.3, §2.1.4).

`python -m resource_lib.verify --proof FILE` checks them with a key alone (docs/record-format.md).
"""

from typing import Any, Final

from authserver.domain.audit import sealing, store
from authserver.domain.audit.kept_hashes import KeptHashes
from authserver.runtime.unit_of_work import UnitOfWork

FORMAT: Final = "mcp-audit-proof/1"


class CannotBeProvedError(Exception):
    """There is no such row, or no checkpoint of that size. The message says which, and the cure."""


async def consistency(work: UnitOfWork, old: int, new: int | None) -> dict[str, Any]:
    """Return the proof that the bound tenant's log of `new` rows (None: of now) begins with that of `old`. Raises CannotBeProvedError."""
    log, size, note = await _at(work, new)
    if not 0 < old <= size:
        raise CannotBeProvedError(f"a log of {size} rows does not begin with {old}")
    earlier = await _note(work, old)
    return {
        "format": FORMAT,
        "origin": log.origin,
        "from": old,
        "to": size,
        "proof": [one.hex() for one in await KeptHashes(work, log).consistency(old, size)],
        # Whoever saved the earlier one brings it themselves, and believes that alone.
        "checkpoints": sorted({note, earlier} - {""}),
    }


async def inclusion(work: UnitOfWork, event_id: str, size: int | None) -> dict[str, Any]:
    """Return the proof that an event stands in the bound tenant's log of `size` rows (None: of now). Raises CannotBeProvedError."""
    log, size, note = await _at(work, size)
    row = await work.one(store.ROW_OF, event_id=event_id)
    if row is None or row["leaf_index"] >= size:
        raise CannotBeProvedError("that event is not sealed, not of this tenant, or was pruned")
    return {
        "format": FORMAT,
        "origin": log.origin,
        "row": row["leaf_index"],
        "to": size,
        "header": row["header"],
        "proof": [one.hex() for one in await KeptHashes(work, log).inclusion(row["leaf_index"], size)],
        "checkpoints": [note],
    }


async def _at(work: UnitOfWork, size: int | None) -> tuple[sealing.Log, int, str]:
    log = await sealing.log_of(work)
    if log is None:
        raise CannotBeProvedError("nothing is sealed yet")
    size = log.size if size is None else size
    note = await _note(work, size) if size <= log.size else ""
    if not note:
        raise CannotBeProvedError(
            f"there is no checkpoint of size {size}: of what is older than a week, one an hour is kept"
        )
    return log, size, note


async def _note(work: UnitOfWork, size: int) -> str:
    rows = await work.all(store.CHECKPOINTS, since=size, most=1)
    return str(rows[0]["note"]) if rows and rows[0]["size"] == size else ""
