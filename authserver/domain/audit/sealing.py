"""
What was recorded becomes proof: each tenant's events, in order, are appended to its log, and the log's new root is signed.

RFC 9162 §2.1, C2SP tlog-checkpoint, decision 15. Whatever waits is sealed, however late its writer committed: a queue says so, and no
number does. Any number of processes may seal; the size of a log at the moment of the commit lets one of them win. After the tenants'
logs their sizes and roots are pinned in the platform's own, so that a whole log that vanished is missed by one saved checkpoint.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import orjson
import structlog

from authserver.domain.audit import erasing, event, store
from authserver.domain.audit.event import Kind
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, RowRefusedError, UnitOfWork
from resource_lib.wire import merkle, tiles
from resource_lib.wire.signed_note import Checkpoint, SignerKey, VerifierKey, make_checkpoint

AT_ONCE: Final = 1000
"""How many events one commit seals."""
_MOST_LOGS: Final = 1000
_MOST_TURNS: Final = 100
"""Of one round: what waits beyond them is of the next, once it is known in the platform's log how long each log is."""
_PINS_IN_AN_EVENT: Final = 100

log = structlog.get_logger("authserver.audit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """One tenant's log as it stands: how many leaves, and the last tile of each level."""

    origin: str
    size: int
    partial: tuple[bytes, ...]
    pruned: int = 0
    """So many of its first rows retention has taken away."""

    @property
    def root(self) -> bytes:
        """The root of all its leaves."""
        return tiles.range_of(self.size, self.partial).root()


def signer(machines: Machines) -> SignerKey:
    """Return the key that signs every checkpoint of this deployment."""
    return SignerKey(f"{_place(machines)}/audit", machines.keys.checkpoints)


def verifier(machines: Machines) -> VerifierKey:
    """Return what whoever verifies a checkpoint needs, and may have."""
    return signer(machines).verifier


def origin_of(machines: Machines, tenant: str) -> str:
    """Return how the log of a tenant is called in its checkpoints."""
    return f"{_place(machines)}/audit/{'platform' if tenant == SHARED else tenant}"


async def seal_round(machines: Machines) -> int:
    """Seal what waits, in every log, and pin what grew; returns how many events were sealed."""
    work = machines.crossing_tenants()
    waiting = [row["tenant_id"] for row in await work.all(store.WAITING_LOGS, most=_MOST_LOGS)]
    sealed = await _in_turns(machines, [tenant for tenant in waiting if tenant != SHARED])
    await _pin(machines)
    return sealed + await _in_turns(machines, [SHARED])


async def _in_turns(machines: Machines, tenants: Sequence[str]) -> int:
    """Seal `AT_ONCE` events of each log in turn, so that no log waits for one in which more happens than can be sealed."""
    sealed = 0
    for _ in range(_MOST_TURNS):
        more = []
        for tenant in tenants:
            try:
                count = await _seal_some(machines, tenant)
            except RowRefusedError:
                # Of one log: the others are no worse for it, and it is tried again in the next round.
                log.warning("log_not_sealed", tenant=tenant)
                continue
            # None: what another process seals meanwhile is left to it.
            sealed += count or 0
            if count is not None and count >= AT_ONCE:
                more.append(tenant)
        if not more:
            break
        tenants = more
    return sealed


async def log_of(work: UnitOfWork) -> Log | None:
    """Return the log of the bound tenant, or None: nothing was sealed yet."""
    row = await work.one(store.LOG)
    return _log(row) if row else None


async def _seal_some(machines: Machines, tenant: str) -> int | None:
    """Seal `AT_ONCE` events, and what waits together with the last of them; None: another process was first."""
    work = machines.work(tenant=tenant)
    row = await work.one(store.LOG)
    waiting = await work.all(store.UNSEALED, most=AT_ONCE)
    if not waiting:
        return 0
    ids = [event_id for one in waiting for event_id in orjson.loads(one["event_ids"])]
    since_us = min(one["since_us"] for one in waiting)
    await machines.written(functools.partial(erasing.erase_unseen, event_ids=ids, since_us=since_us), tenant=tenant)
    seen = _log(row) if row else Log(origin=origin_of(machines, tenant), size=0, partial=())
    leaves = tiles.split(b"".join(one["leaves"] for one in waiting))
    changed, partial = tiles.grown(seen.size, seen.partial, leaves)
    grown = Log(origin=seen.origin, size=seen.size + len(leaves), partial=tuple(partial))
    kept = {"size": grown.size, "partial": b"".join(partial), "now_us": work.at_us}
    if row is None:
        work.claim(store.BEGIN_LOG, origin=seen.origin, **kept)
    else:
        work.claim(store.GROW_LOG, seen=seen.size, **kept)
    work.write_many(store.LEAVES_GROWN, list(enumerate(ids, start=seen.size)))
    for tile in changed:
        # What is not full changes with each round, and stands in the log's own row.
        if tile.width == tiles.WIDTH:
            work.write(store.KEEP_TILE, level=tile.level, tile_index=tile.index, hashes=tile.hashes)
    work.write(store.IS_SEALED, event_ids=orjson.dumps([one["event_id"] for one in waiting]).decode())
    checkpoint = Checkpoint(origin=grown.origin, size=grown.size, root=grown.root)
    note = make_checkpoint(checkpoint, [signer(machines)]).decode()
    work.write(store.KEEP_CHECKPOINT, size=grown.size, root=checkpoint.root, at_us=work.at_us, note=note)
    return len(leaves) if await work.commit() else None


async def _pin(machines: Machines) -> None:
    """Say in the platform's log how long each tenant's log is now, and what its root is."""
    await _pin_these(machines, await machines.crossing_tenants().all(store.UNPINNED, most=_MOST_LOGS))


async def pin_anew(machines: Machines) -> None:
    """Say it of every log, grown or not: where it was said before, it is said no longer in a while."""
    after = ""
    while rows := await machines.crossing_tenants().all(store.PINNED_ANEW, after=after, most=_MOST_LOGS):
        await _pin_these(machines, rows)
        after = rows[-1]["tenant_id"]


async def _pin_these(machines: Machines, rows: Sequence[Row]) -> None:
    for begin in range(0, len(rows), _PINS_IN_AN_EVENT):
        some = [(row["tenant_id"], _log(row)) for row in rows[begin : begin + _PINS_IN_AN_EVENT]]
        pins = [[one.origin, one.size, one.root.hex()] for _, one in some]
        work = event.platform_work(machines, "pin the logs", kind=Kind.LOG_SEALED, logs=pins)
        for tenant, one in some:
            work.write(store.IS_PINNED, of=tenant, size=one.size)
        await work.commit()


def _log(row: Row) -> Log:
    partial, at = [], 0
    for width in tiles.partial_widths(row["size"]):
        end = at + width * merkle.HASH_BYTES
        partial.append(row["partial"][at:end])
        at = end
    return Log(origin=row["origin"], size=row["size"], partial=tuple(partial), pruned=row["pruned"])


def _place(machines: Machines) -> str:
    parts = urlsplit(machines.settings.issuer)
    return f"{parts.netloc}{parts.path}".rstrip("/")
