"""
The record handed on while it is read: as the export that can be verified, or as a line for each event that answers to a question.

A page of rows is in memory, and the next is read when the reader has taken the one before; whoever stops taking stops the reading.
Each line says which row of the log it is, so whoever was cut off goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import orjson

from authserver.domain.audit import event, exporting, sealing, store
from authserver.domain.audit.event import Kind
from authserver.domain.audit.header import facts_of
from authserver.domain.audit.search import Wanted
from authserver.runtime.unit_of_work import UnitOfWork

_PAGE: Final = 500

Permitted = Callable[[], Awaitable[None]]
"""Asked after each page; it raises where whoever reads may not go on."""


async def export(work: UnitOfWork, *, first: int, with_payloads: bool, permitted: Permitted) -> AsyncIterator[bytes]:
    """Yield the log of the bound tenant from row `first` on as `mcp-audit-export/1`. Raises NothingSealedError."""
    pages: asyncio.Queue[bytes | None] = asyncio.Queue(1)
    lines: list[bytes] = []

    async def paced() -> None:
        page, lines[:] = b"".join(lines), []
        await pages.put(page)
        await permitted()

    async def written() -> None:
        try:
            await exporting.export(work, lines.append, first=first, with_payloads=with_payloads, paced=paced)
            await pages.put(b"".join(lines))
        finally:
            # Whoever waits for a page learns that there is none; where the line is full, they have one to take first.
            await pages.put(None)

    writing = asyncio.create_task(written())
    try:
        while (page := await pages.get()) is not None:
            yield page
        await writing
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def events(work: UnitOfWork, wanted: Wanted, *, first: int, permitted: Permitted) -> AsyncIterator[bytes]:
    """Yield a line for each event of the bound tenant's log, in its order, that answers to `wanted`, from row `first` on.

    The last line says from which row the next reading goes on. Of `wanted`, who is named in a payload is not asked about.
    """
    log = await sealing.log_of(work)
    size = log.size if log is not None else 0
    if first > size:
        raise exporting.NothingSealedError
    event.record(work, Kind.RECORD_EXPORTED, first=first, size=size, with_payloads=False)
    await work.commit()
    at = first
    while at < size:
        rows = await work.all(store.LEAVES, begin=at, most=min(_PAGE, size - at))
        if not rows:
            break
        at = rows[-1]["leaf_index"] + 1
        page = b"".join(
            b'{"i":%d,"event":%b}\n' % (row["leaf_index"], row["header"].encode())
            for row in rows
            if row["header"] is not None and _answers(work, wanted, row["header"])
        )
        if page:
            yield page
        await permitted()
    yield orjson.dumps({"end": {"next": max(at, first)}}) + b"\n"


def _answers(work: UnitOfWork, wanted: Wanted, header: str) -> bool:
    try:
        said = facts_of(header)
    except ValueError:
        return False  # somebody changed it: the export that can be verified names it
    about = said.get("about", {})
    asked = (
        (wanted.outcome.value if wanted.outcome else "", said.get("outcome")),
        (wanted.decision.value if wanted.decision else "", about.get("decision")),
        (wanted.client_id, said.get("client")),
        (event.reference(work, wanted.sub), said.get("sub")),
        (wanted.authorization_id, said.get("authorization")),
        (wanted.resource, said.get("resource")),
        (wanted.tool, about.get("tool")),
        (wanted.approval_id, about.get("approval_id")),
    )
    is_in_time = wanted.since_us <= said.get("at", 0) < wanted.until_us
    return (
        is_in_time and said.get("kind", "").startswith(wanted.kind) and all(one in ("", value) for one, value in asked)
    )
