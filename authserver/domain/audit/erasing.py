"""
Somebody is to be forgotten: the keys of every payload that tells of them are destroyed, and a receipt in the log says how many.

Decision 15, K7, C50. What is proved stays: headers hold references and commitments, and the receipt commits to the ids of the events it
covers, so that a payload that is gone without one is missed. What a server tells later of what happened before is erased as it comes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from authserver.domain.audit import payload, store
from authserver.domain.audit.event import Kind, record, reference, subject_reference
from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.export import ErasedEvents

AT_ONCE: Final = 5000
"""How many events one receipt covers at most."""

EVERYBODY: Final = "*"
"""The reference of a tenant's people all together."""
_FEW: Final = 16
"""So many people are looked up without asking first whether anybody was erased."""
_RECEIPTS: Final = (Kind.AUDIT_ERASED.value,)
"""What says that something was erased, and who asked for it."""

_TOLD_LATE_US: Final = 30 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What one commit erased: how many payloads, and when, in microseconds since the epoch."""

    id: str
    count: int
    at_us: int


def references(work: UnitOfWork, identifiers: Iterable[str], subs: Iterable[str]) -> tuple[str, ...]:
    """Return by which references the record finds somebody, by what they are called and by what they are here."""
    named = {subject_reference(work, one) for one in identifiers} | {reference(work, sub) for sub in subs}
    return tuple(sorted(named - {""}))


async def count(work: UnitOfWork, refs: Sequence[str]) -> int:
    """Return how many payloads of the bound tenant tell of somebody."""
    row = await work.one(store.COUNT_NAMING, refs=_array(refs))
    return row["found"] if row else 0


async def erase_some(work: UnitOfWork, refs: Sequence[str], *, by: str = "") -> Receipt | None:
    """Destroy the keys of at most `AT_ONCE` payloads with the unit's commit, and what finds them; None: there is no more.

    Who they are is kept as references, so that what is told late is erased too; see `told_late`. `by`: who asked for it, in words.
    """
    rows = await work.all(store.NAMING, refs=_array(refs), most=AT_ONCE)
    ids = [row["event_id"] for row in rows]
    if not ids:
        return None
    receipt = await _erase(work, ids, by=by)
    remember(work, refs, receipt.id)
    return receipt


async def count_all(work: UnitOfWork, *, until_us: int) -> int:
    """Return how many payloads of the bound tenant are readable that are from before."""
    row = await work.one(store.COUNT_READABLE, but=_array(_RECEIPTS), until_us=until_us)
    return row["found"] if row else 0


async def erase_some_of_all(work: UnitOfWork, *, until_us: int, by: str = "") -> Receipt | None:
    """Do as `erase_some` with whatever the bound tenant's record says of anybody until then."""
    rows = await work.all(store.READABLE, but=_array(_RECEIPTS), until_us=until_us, most=AT_ONCE)
    ids = [row["event_id"] for row in rows]
    return await _erase(work, ids, by=by) if ids else None


async def erase_overtaken(work: UnitOfWork, event_ids: Sequence[str], refs: Iterable[str]) -> Receipt | None:
    """Erase with the unit's commit what was written while somebody whom it names was being erased; None: nothing was.

    Ask after these events are durable. Whoever erases says first who, and looks for what there is then: what neither of both readings
    saw does not exist. A commit that raises RowRefusedError was overtaken by somebody who erases the same: ask again.
    """
    erased = await told_late(work, refs)
    if not erased:
        return None
    rows = await work.all(store.ERASED_MEANWHILE, refs=_array(list(erased)), event_ids=_array(event_ids))
    ids = [row["event_id"] for row in rows]
    return await _erase(work, ids) if ids else None


async def _erase(work: UnitOfWork, event_ids: Sequence[str], *, by: str = "") -> Receipt:
    await payload.destroy(work, event_ids)
    erased(work)
    work.write(store.ERASE_SUBJECTS, event_ids=_array(event_ids))
    return write_receipt(work, event_ids, by=by)


def remember(work: UnitOfWork, refs: Iterable[str], receipt: str) -> None:
    """Keep for a while who was erased, by reference, also where nothing tells of them yet."""
    for ref in refs:
        work.write(store.REMEMBER_ERASED, subject_ref=ref, receipt=receipt, now_us=work.at_us)


def write_receipt(work: UnitOfWork, event_ids: Sequence[str], *, by: str = "") -> Receipt:
    """Say in the log, with the unit's commit, that the payloads of these events are gone."""
    receipt = new_id("era")
    covered = ErasedEvents(receipt, event_ids)
    work.write_many(store.COVERED, [(event_id, receipt) for event_id in event_ids])
    root = covered.root.hex()
    until = work.now + work.machines.settings.backup_retention_days * 86_400
    record(
        work,
        Kind.AUDIT_ERASED,
        payload={"by": by} if by else None,
        receipt=receipt,
        count=covered.count,
        events=root,
        backups_until=until,
    )
    return Receipt(id=receipt, count=covered.count, at_us=work.at_us)


async def told_late(work: UnitOfWork, refs: Iterable[str]) -> dict[str, int]:
    """Return which of these people were erased in the bound tenant, and when: what happened to them until then is not kept."""
    asked = set(refs)
    # Mostly nobody was erased lately, which is known without a look for each of them.
    if len(asked) > _FEW and await work.one(store.ANY_ERASED) is None:
        return {}
    rows = await work.all(store.ERASED_AMONG, refs=_array(sorted({*asked, EVERYBODY})))
    found = {row["subject_ref"]: row["erased_at_us"] for row in rows}
    everybody = found.pop(EVERYBODY, None)
    return found if everybody is None else {ref: max(found.get(ref, 0), everybody) for ref in asked}


async def erase_unseen(work: UnitOfWork, event_ids: Sequence[str], since_us: int) -> Receipt | None:
    """Erase with the unit's commit which of these was written by somebody who could not know yet that whom it names is erased.

    For whoever comes by every event once it is durable, before it is sealed: whatever an erasure did not see, this does.
    `since_us`: when the earliest of them happened.
    """
    refs = [row["subject_ref"] for row in await work.all(store.ERASED_SINCE, since_us=since_us)]
    if not refs:
        return None
    ids = _array(event_ids)
    rows = list(await work.all(store.ERASED_MEANWHILE, refs=_array(refs), event_ids=ids))
    if EVERYBODY in refs:
        rows += await work.all(store.ERASED_WITH_ALL, event_ids=ids, but=_array(_RECEIPTS))
    found = sorted({row["event_id"] for row in rows})
    return await _erase(work, found) if found else None


async def last_erased(work: UnitOfWork) -> tuple[int, int]:
    """Return when something was last erased anywhere, and up to which erasure the files are clean; 0: never."""
    row = await work.one(store.STATE)
    return (row["erased_us"], row["cleaned_us"]) if row else (0, 0)


def erased(work: UnitOfWork) -> None:
    """Say with the unit's commit that something was erased that has to leave the files too."""
    work.write(store.ERASED, now_us=work.at_us)


def cleaned(work: UnitOfWork, *, seen_us: int) -> None:
    """Say that the files are clean of whatever was erased up to then."""
    work.write(store.CLEANED, seen_us=seen_us)


def expire(work: UnitOfWork) -> None:
    """Forget who was erased, in every tenant, once nothing is told any more of what happened before."""
    work.write(store.FORGET_ERASED, before_us=work.at_us - _TOLD_LATE_US)


def _array(values: Sequence[str]) -> str:
    return orjson.dumps(list(values)).decode()
