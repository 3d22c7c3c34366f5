"""
Reads the numbered list into this process' memory: one reading for the directory, for the feed and for every connection.

The numbers are read before the directory's version, and events only up to the number read: whoever hears of an event has
forgotten what it made wrong.
"""

from authserver.domain.revocation import feed, store
from authserver.runtime import memory
from authserver.runtime.tail import MOST_KEPT
from authserver.runtime.unit_of_work import Row, UnitOfWork

PAGE = 1000


async def look(work: UnitOfWork) -> None:
    """Return when this process has read all that was committed before this call. Raises DatabaseUnavailableError."""
    await work.machines.tail.look(lambda: _read(work))


async def _read(work: UnitOfWork) -> None:
    machines = work.machines
    tail = machines.tail
    feed_id, head = await feed.head(work)
    # Another list, or an older copy of ours: nothing of what was remembered is so.
    is_anew = feed_id != tail.feed_id or head < tail.head
    behind = max(0, head - MOST_KEPT) if is_anew else tail.head
    fresh: list[Row] = []
    while (reached := fresh[-1]["seq"] if fresh else behind) < head:
        rows = [row for row in await feed.since(work, after=reached, most=PAGE) if row["seq"] <= head]
        if not rows:
            break
        fresh += rows
    if is_anew:
        # What is forgotten there is no hole: it is where the list begins.
        behind = fresh[0]["seq"] - 1 if fresh else head
    version = await work.one(memory.VERSION)
    known = machines.memory.version
    machines.memory.observed(version=version["version"] if version else 0, control_seq=head)
    if is_anew:
        tail.begin(feed_id=feed_id, after=behind)
    tail.extend(fresh)
    if machines.memory.version != known:
        tail.changed()


async def window(work: UnitOfWork, *, seconds: int) -> int:
    """Return the number after which everything was announced within the last `seconds`."""
    row = await work.one(store.FIRST_SINCE, at_us=work.at_us - seconds * 1_000_000)
    return row["first"] - 1 if row and row["first"] is not None else work.machines.tail.head
