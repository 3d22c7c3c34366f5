"""
A tenant's log, written out for whoever verifies it elsewhere: `mcp-audit-export/1` (`resource_lib.wire.export`).

It writes what is in the tables and judges nothing: a row that is gone is passed over, one that was changed is written as it stands,
and the leaf hashes come from the tiles and never from the rows. What is wrong, the verifier names (docs/record-format.md).
A page of rows in memory at a time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from authserver.domain.audit import event, payload, sealing, store
from authserver.domain.audit.event import Kind
from authserver.domain.audit.kept_hashes import KeptHashes
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.runtime.vault import VaultError
from resource_lib.wire.export import ClearPayload, ErasedEvents, ErasedPayload, ExportFormError, ExportWriter, Write
from resource_lib.wire.merkle import Range, subtrees
from resource_lib.wire.tiles import WIDTH, split

_CHECKPOINTS_AT_ONCE: Final = 1000
_MOST_RECEIPTS: Final = 16
"""Of which what they cover is kept in memory at once; each covers 5000 events at most."""
_UNREADABLE: Final = b'{"unreadable":true}'
"""Instead of a header that is not one line of JSON any more: it hashes to nothing that was sealed, so its row is named."""


class NothingSealedError(Exception):
    """The log has no such row: nothing was sealed yet, or not so much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What was written: rows `first` to `size - 1` of a log. `missing`: rows of which only a hash is left."""

    origin: str
    first: int
    size: int
    missing: int


async def export(
    work: UnitOfWork,
    write: Write,
    *,
    first: int = 0,
    with_payloads: bool = False,
    with_every_checkpoint: bool = False,
    is_reading: bool = True,
    log: sealing.Log | None = None,
    paced: Callable[[], Awaitable[None]] | None = None,
) -> Exported:
    """
    Write the log of the bound tenant as it is sealed now, from row `first` on, and record that it was read.

    Otherwise than `is_reading` nobody gets to read it, and nothing is recorded. `log`: as it was read a moment ago. `paced` is waited
    for after each page, by whoever hands on what was written. Raises NothingSealedError where there is no such row.
    """
    log = log or await sealing.log_of(work)
    if log is None or not 0 <= first <= log.size:
        raise NothingSealedError
    if is_reading:
        event.record(work, Kind.RECORD_EXPORTED, first=first, size=log.size, with_payloads=with_payloads)
        await work.commit()
    source = _Source(work, log, with_payloads=with_payloads)
    writer = ExportWriter(
        write,
        origin=log.origin,
        size=log.size,
        before=await source.before(first),
        keys=[str(sealing.verifier(work.machines))],
        with_payloads=with_payloads,
    )
    missing = 0
    checkpoints = source.checkpoints(max(first + 1, log.pruned), is_every=with_every_checkpoint)
    coming = await anext(checkpoints, None)
    if first < log.pruned:
        await source.pruned(writer, min(log.pruned, log.size))
    while (at := writer.next_index) < log.size or (coming and coming[0] == at):
        while coming and coming[0] <= at:
            if coming[0] == at:
                writer.checkpoint(coming[1].encode())
            coming = await anext(checkpoints, None)
        if at == log.size:
            break
        end = min(at - at % WIDTH + WIDTH, log.size)
        rows = await source.rows(at, end)
        if len(rows) < end - at and await source.is_pruned(end):
            await source.pruned(writer, end)
            continue
        kept = split(await source.tiles.hashes(0, at // WIDTH, end - at + at % WIDTH))
        for index in range(at, end):
            missing += not await source.put(writer, rows.get(index), kept[index % WIDTH])
            while coming and coming[0] <= index + 1:
                if coming[0] == index + 1:
                    writer.checkpoint(coming[1].encode())
                coming = await anext(checkpoints, None)
        if paced is not None:
            await paced()
    writer.end()
    return Exported(origin=log.origin, first=first, size=log.size, missing=missing)


class _Source:
    """The tables, as they stood when the log had this size: what is sealed meanwhile comes after."""

    def __init__(self, work: UnitOfWork, log: sealing.Log, *, with_payloads: bool) -> None:
        self._work, self._log, self._with_payloads = work, log, with_payloads
        self._receipts: dict[str, ErasedEvents] = {}
        self.tiles = KeptHashes(work, log)

    async def pruned(self, writer: ExportWriter, to: int) -> None:
        """Write that the rows up to there are gone."""
        writer.pruned(to, [await self.tiles.node(*one) for one in subtrees(writer.next_index, to)])

    async def is_pruned(self, to: int) -> bool:
        """Whether rows that are not there went in the meantime, with a receipt that was sealed long before."""
        now = await sealing.log_of(self._work)
        return now is not None and to <= now.pruned

    async def rows(self, begin: int, end: int) -> dict[int, Row]:
        """Return what is there of a page, by number."""
        wanted = store.LEAVES_WITH_PAYLOAD if self._with_payloads else store.LEAVES
        rows = await self._work.all(wanted, begin=begin, most=end - begin)
        return {row["leaf_index"]: row for row in rows}

    async def put(self, writer: ExportWriter, row: Row | None, kept: bytes) -> bool:
        """Write one row as it is. False: it is gone."""
        if row is None or row["header"] is None:
            writer.missing(kept)
            return False
        given = await self._payload(row) if self._with_payloads else None
        try:
            writer.row(row["header"].encode(), kept, given)
        except ExportFormError:
            writer.row(_UNREADABLE, kept)
        return True

    async def _payload(self, row: Row) -> ClearPayload | ErasedPayload | None:
        if row["payload"] is None:
            return await self._erased(row) if row["receipt"] is not None else None
        try:
            key, clear = payload.revealed(self._work, row)
        except VaultError:
            return None  # nobody can read it any more, and no receipt says why
        return ClearPayload(key=key, clear=clear)

    async def _erased(self, row: Row) -> ErasedPayload:
        receipt = row["receipt"]
        covered = self._receipts.get(receipt)
        if covered is None:
            ids = [one["event_id"] for one in await self._work.all(store.COVERED_BY, receipt=receipt)]
            covered = self._receipts[receipt] = ErasedEvents(receipt, ids)
            if len(self._receipts) > _MOST_RECEIPTS:
                self._receipts.pop(next(iter(self._receipts)))
        return covered.covers(row["event_id"])

    async def before(self, first: int) -> Range | None:
        """Return the range in front of row `first`, from the tiles."""
        if not first:
            return None
        tree = Range()
        for level, index in subtrees(0, first):
            tree.extend([await self.tiles.node(level, index)], level=level)
        return tree

    async def checkpoints(self, since: int, *, is_every: bool) -> AsyncIterator[tuple[int, str]]:
        """Yield the checkpoints from that size on: every one, or one for each 256 rows at most, and the last."""
        written = since - 1
        while rows := await self._work.all(store.CHECKPOINTS, since=since, most=_CHECKPOINTS_AT_ONCE):
            for row in rows:
                since = row["size"] + 1
                if row["size"] > self._log.size:
                    return
                if is_every or row["size"] - written >= WIDTH or row["size"] == self._log.size:
                    written = row["size"]
                    yield row["size"], row["note"]
