"""
What of the living database no export shows: rows beside the logs, columns that say otherwise than what is proved, hashes and checkpoints
that nobody has asked yet.

The judge of rows is `resource_lib.verify`, which shares nothing with what writes them; `write_logs` gives it the logs as they stand, and
`look` says the rest. Nothing of what is looked at is changed.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from authserver.domain.audit import exporting, sealing, store
from authserver.domain.audit.event import Kind, record
from authserver.domain.audit.header import facts_of
from authserver.domain.audit.kept_hashes import KeptHashes
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.export import Write
from resource_lib.wire.merkle import root_of
from resource_lib.wire.signed_note import Checkpoint, NoteError, unverified_text
from resource_lib.wire.tiles import WIDTH, split

MOST: Final = 100
"""How much of one log is told at most; the first of each kind come first."""
_AT_ONCE: Final = 1000
_LATE_US: Final = 60 * 1_000_000

_SAME: Final = {
    "at_us": "at",
    "kind": "kind",
    "outcome": "outcome",
    "reason": "reason",
    "request_id": "request",
    "client_id": "client",
    "sub_ref": "sub",
    "authorization_id": "authorization",
    "resource": "resource",
}
"""By which member of the header each column stands for questions."""

Told = Callable[[int], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A log that there is."""

    tenant: str
    origin: str
    size: int
    pruned: int
    announced: int
    """So many of its rows go within a day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One thing that is not as it should be. `is_tampering`: no honest run leaves it so; otherwise somebody has to look at the server."""

    kind: str
    origin: str
    event_id: str
    row: int | None
    said: str
    is_tampering: bool = True

    def as_object(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        """Return it as a line for people."""
        where = "" if self.row is None else f" row {self.row}"
        which = f" (event {self.event_id})" if self.event_id else ""
        return f"{self.kind}: {self.origin}{where}{which}: {self.said}"


async def logs(machines: Machines) -> list[Kept]:
    """Return every log that there is, the platform's first: of tenants that are gone, too."""
    rows = await machines.crossing_tenants().all(store.EVERY_LOG)
    found = [
        Kept(
            tenant=row["tenant_id"],
            origin=row["origin"],
            size=row["size"],
            pruned=row["pruned"],
            announced=max(0, row["prunable"] - row["pruned"]),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.tenant != SHARED, one.tenant))


async def write_logs(
    machines: Machines, wanted: Sequence[Kept], write: Write, *, saved: Iterable[bytes] = (), with_payloads: bool = True
) -> None:
    """Write each log as a whole, one after the other, as `resource_lib.verify -` reads them; the platform's first.

    `saved`: checkpoints that somebody kept. Of those that are older than what retention has left, the proof is written that leads from there
    to here.
    """
    notes = [one for one in map(_unverified, saved) if one is not None]
    for one in wanted:
        work = machines.work(tenant=one.tenant)
        now = await sealing.log_of(work)
        if now is None:
            continue
        for note in notes:
            if note.origin == one.origin and note.size < now.pruned:
                write(await _leading_here(work, now, note.size))
        await exporting.export(
            work, write, with_payloads=with_payloads, with_every_checkpoint=True, is_reading=False, log=now
        )


async def note(machines: Machines, *, logs: int, exit_code: int, only: str) -> None:
    """Record that somebody verified the record, and what came of it. `only`: of whom, empty for all."""
    work = machines.work(tenant=SHARED)
    record(work, Kind.RECORD_VERIFIED, logs=logs, exit_code=exit_code, of=only)
    await work.commit()


async def _leading_here(work: UnitOfWork, log: sealing.Log, size: int) -> bytes:
    proof = await KeptHashes(work, log).consistency(size, log.size)
    said = {
        "format": "mcp-audit-consistency/1",
        "origin": log.origin,
        "from": size,
        "to": log.size,
        "proof": [one.hex() for one in proof],
    }
    return orjson.dumps(said) + b"\n"


async def look(work: UnitOfWork, log: Kept, *, told: Told | None = None) -> list[Seen]:
    """Return what is wrong with the bound tenant's rows that its log does not show; `told` hears how many rows were looked at."""
    found: list[Seen] = []
    for part in (_misplaced, _beside, _waiting, _columns, _hashes, _checkpoints):
        async for one in part(work, log, told):
            found.append(one)
            if len(found) >= MOST:
                return found
    return found


async def _misplaced(work: UnitOfWork, log: Kept, told: Told | None) -> AsyncIterator[Seen]:  # noqa: ARG001 - one form for all
    """A whole log, as it was signed, that stands where another organisation's is due: its auditors would read it."""
    due = sealing.origin_of(work.machines, log.tenant).rpartition("/")[2]
    # Where the server was reached at when it was begun may have changed since.
    if log.origin.rpartition("/")[2] != due:
        said = f"it stands where the log of {due} is due: that one's auditors read it, and its own do not"
        yield Seen(kind="log_misplaced", origin=log.origin, event_id="", row=None, said=said)


async def _beside(work: UnitOfWork, log: Kept, told: Told | None) -> AsyncIterator[Seen]:  # noqa: ARG001 - one form for all
    """Events that are in no log and wait for none, and leaves outside of the log."""
    for row in await work.all(store.IN_NO_LOG, most=MOST):
        yield _seen(
            "never_sealed",
            log,
            row,
            "it stands beside the log and does not wait to be sealed: it was put there, or taken out of what waits",
        )
    for row in await work.all(store.OUTSIDE_OF_LOG, most=MOST):
        said = "rows up to there were pruned" if row["leaf_index"] < log.pruned else "the log ends before it"
        yield _seen("outside_of_log", log, row, f"it says that it is a row of the log, and {said}")


async def _waiting(work: UnitOfWork, log: Kept, told: Told | None) -> AsyncIterator[Seen]:  # noqa: ARG001 - one form for all
    """What waits to be sealed: its event may be gone, or nobody seals."""
    for row in await work.all(store.WAITS_WITHOUT_EVENT, most=MOST):
        yield _seen("deleted_unsealed", log, row, "it was to be sealed, and is gone")
    before_us = work.at_us - _LATE_US
    late = await work.one(store.WAITS_LONG, before_us=before_us)
    if late is not None and late["many"]:
        yield Seen(
            kind="not_sealed",
            origin=log.origin,
            event_id=late["event_id"],
            row=None,
            said=f"{late['many']} events wait for more than a minute to be sealed: does a server run? Until then nobody proves them",
            is_tampering=False,
        )
    unpinned = await work.one(store.UNPINNED_SINCE, before_us=before_us)
    if unpinned is not None and log.tenant != SHARED:
        yield Seen(
            kind="not_pinned",
            origin=log.origin,
            event_id="",
            row=unpinned["pinned"],
            said=f"the platform's log knows of {unpinned['pinned']} of {unpinned['size']} rows for more than a minute",
            is_tampering=False,
        )


async def _columns(work: UnitOfWork, log: Kept, told: Told | None) -> AsyncIterator[Seen]:
    """A column that says otherwise than the header: what is searched is not what is proved."""
    begin = log.pruned
    while rows := await work.all(store.LEAVES_WITH_COLUMNS, begin=begin, most=_AT_ONCE):
        for row in rows:
            if wrong := _differs(row):
                said = f"its column {wrong} is not what its header says: a search would show or hide it wrongly"
                yield _seen("column_altered", log, row, said)
        begin = rows[-1]["leaf_index"] + 1
        if told:
            told(len(rows))


def _differs(row: Row) -> str:
    """Return the first column that is not as the header says; empty: none, or there is no header that says anything."""
    try:
        said = facts_of(row["header"])
        about = said.get("about", {})
        if said.get("id") != row["event_id"]:
            return "event_id"
        for column, member in _SAME.items():
            if said.get(member, "") != row[column]:
                return column
        for column, expected in _of_a_call(about).items():
            # What was written before calls were recorded has none of these columns filled.
            if row[column] != expected and (row[column] or row["kind"].startswith("call:")):
                return column
    except (AttributeError, TypeError, ValueError):
        pass  # an edited header: the log itself says so
    return ""


def _of_a_call(about: Mapping[str, Any]) -> dict[str, str]:
    trace = str(about.get("traceparent", "")).split("-")
    return {
        "tool": str(about.get("tool", "")),
        "call_id": str(about.get("call", "")),
        "approval_id": str(about.get("approval_id", "")),
        "trace_id": trace[1] if len(trace) > 1 else "",
    }


async def _hashes(work: UnitOfWork, log: Kept, told: Told | None) -> AsyncIterator[Seen]:  # noqa: ARG001 - one form for all
    """Hashes above the rows' own: whoever alters one spoils what is proved from then on, and no row."""
    now = await sealing.log_of(work)
    if now is None:
        return
    kept = KeptHashes(work, now)
    width, level = now.size // WIDTH, 1
    while width:
        for tile in range((width + WIDTH - 1) // WIDTH):
            many = min(WIDTH, width - tile * WIDTH)
            above = split(await kept.hashes(level, tile, many))
            for place in range(many):
                below = await kept.hashes(level - 1, tile * WIDTH + place, WIDTH)
                if root_of(split(below)) != above[place]:
                    first = (tile * WIDTH + place) << (8 * level)
                    said = f"the hash of level {level} over it and what follows is not that of the hashes below"
                    yield Seen(kind="tile_altered", origin=log.origin, event_id="", row=first, said=said)
        width, level = width // WIDTH, level + 1
    rows = await work.all(store.CHECKPOINTS, since=now.size, most=1)
    if not rows or rows[0]["size"] != now.size:
        yield _of_checkpoint(log, now.size, "checkpoint_missing", "of the newest state there is no checkpoint")
    elif bytes(rows[0]["root"]) != now.root:
        said = (
            "the root that is signed is not that of the hashes from which the log goes on: the next one would be wrong"
        )
        yield _of_checkpoint(log, now.size, "tile_altered", said)


async def _checkpoints(work: UnitOfWork, log: Kept, told: Told | None) -> AsyncIterator[Seen]:  # noqa: ARG001 - one form for all
    """Rows of checkpoints that do not say what their notes say, or that are of a log that was longer."""
    since = 0
    while rows := await work.all(store.CHECKPOINTS, since=since, most=_AT_ONCE):
        for row in rows:
            note = _unverified(row["note"].encode())
            if note is None or (note.origin, note.size, note.root) != (log.origin, row["size"], bytes(row["root"])):
                yield _of_checkpoint(log, row["size"], "checkpoint_replaced", "the row does not say what its note says")
        since = rows[-1]["size"] + 1
    last, now = await work.one(store.LAST_CHECKPOINT), await sealing.log_of(work)
    if last and now and last["size"] > now.size:
        said = f"there is a checkpoint of size {last['size']}: the log was longer than it is"
        yield _of_checkpoint(log, now.size, "truncated", said)


def _unverified(note: bytes) -> Checkpoint | None:
    try:
        return Checkpoint.parse(unverified_text(note))
    except NoteError:
        return None


def _of_checkpoint(log: Kept, size: int, kind: str, said: str) -> Seen:
    return Seen(kind=kind, origin=log.origin, event_id="", row=size, said=said)


def _seen(kind: str, log: Kept, row: Row, said: str) -> Seen:
    return Seen(kind=kind, origin=log.origin, event_id=row["event_id"], row=row.get("leaf_index"), said=said)
