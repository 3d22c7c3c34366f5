"""
How long the record is kept, and how what is past its time goes: whole tiles of 256 rows, from the front of a log, with a receipt (ADR 50).

In two steps. First the log says that its rows up to some number go (`platform:audit:pruned`), which is sealed like everything; a day
later they go. So no export, search or verification that is running meets a gap for which it has no receipt. The hashes stay, all of
them: whatever checkpoint anybody ever saved can still be proven to be one of this log.

Only what is as it was sealed goes, by the time that its header says: whoever alters a row or a column makes it stay, and is named. A
reader that is behind is waited for. A row that an MCP server dates back counts from when it came. What the platform's log says of the
others' is said anew before it goes, and stays where one of them is gone: else nobody would miss it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog

from authserver.domain.audit import payload, sealing, store
from authserver.domain.audit.event import Kind, record
from authserver.domain.audit.header import facts_of
from authserver.domain.audit.kept_hashes import KeptHashes
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import RowRefusedError, UnitOfWork
from authserver.runtime.vault import VaultError
from resource_lib.wire.merkle import leaf_hashes, root_of
from resource_lib.wire.tiles import WIDTH, split

LEAST_DAYS: Final = 90
MOST_DAYS: Final = 36_500
CLASSES: Final = ("calls", "administration", "sign_ins")
"""What is kept how long: calls of tools; what operators and the platform did; logins, consents and tokens of people and applications."""

GRACE_S: Final = 24 * 3600
"""From the receipt to the deed."""
_DAY_US: Final = 24 * 3600 * 1_000_000
_MOST_TILES: Final = 1 << 16
"""Of one announcement."""
_TILES_AT_ONCE: Final = 4
"""How many go in one commit."""
_TURN_S: Final = 2.0
_CHECKPOINTS_WHOLE_US: Final = 7 * _DAY_US
_HOUR_US: Final = 3600 * 1_000_000

log = structlog.get_logger("authserver.audit")


class InvalidRetentionError(ValueError):
    """Nothing can be kept for so long, or so shortly. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Keep:
    """For how many days each class of event is kept."""

    calls: int
    administration: int
    sign_ins: int

    def until_us(self, kind: str, at_us: int) -> int:
        """Return when an event of this kind and time is past its time."""
        days: int = getattr(self, class_of(kind))
        return at_us + days * _DAY_US


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What goes of one log: rows `first` to `to` - 1; `why` nothing more does, where that is not just its time."""

    tenant: str
    origin: str
    first: int
    to: int
    why: str = ""


def class_of(kind: str) -> str:
    """Return the class of an event by its kind."""
    subject = kind.partition(":")[0]
    return "calls" if subject == "call" else "sign_ins" if subject in ("person", "client") else "administration"


async def keep_of(work: UnitOfWork) -> Keep:
    """Return how long the bound tenant keeps what: its own policy over that of the deployment."""
    settings = work.machines.settings
    kept = {name: getattr(settings, f"audit_keep_{name}_days") for name in CLASSES}
    return Keep(**kept | await own_of(work))


async def own_of(work: UnitOfWork) -> dict[str, int]:
    """Return what the bound tenant itself says, by class."""
    row = await work.one(store.RETENTION)
    return dict(orjson.loads(row["keep"])) if row else {}


async def set_own(work: UnitOfWork, changed: Mapping[str, int | None]) -> dict[str, int]:
    """Change how long the bound tenant keeps what; None: as the deployment says. Raises InvalidRetentionError."""
    for name, days in changed.items():
        if name not in CLASSES:
            raise InvalidRetentionError(f"{name}: one of {', '.join(CLASSES)}")
        if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
            raise InvalidRetentionError(
                f"{name}: {LEAST_DAYS} to {MOST_DAYS} days. What happened must be provable for {LEAST_DAYS} days at least: most "
                "incidents are found weeks after they began"
            )
    kept = {name: days for name, days in ({**await own_of(work), **changed}).items() if days is not None}
    work.write(store.SET_RETENTION, keep=orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode())
    record(work, Kind.TENANT_CHANGED, action="keeps", keeps=[f"{name} {days}" for name, days in sorted(kept.items())])
    return kept


async def prune_round(machines: Machines) -> list[Due]:
    """Announce and take away what is past its time, in every log, and thin out old checkpoints; returns what was taken away."""
    rows = await machines.crossing_tenants().all(store.EVERY_LOG)
    gone = []
    for row in rows:
        tenant = row["tenant_id"]
        try:
            gone.append(await take_away(machines, tenant))
            await announce(machines, tenant)
            await thin_checkpoints(machines, tenant)
        except Exception as error:  # noqa: BLE001 - of one log: the others are no worse for it
            log.warning("record_not_pruned", tenant=tenant, error=type(error).__name__)
        await asyncio.sleep(0)
    return [one for one in gone if one is not None and one.to > one.first]


async def due(machines: Machines, tenant: str) -> Due | None:
    """Return what of a log could be announced now; None: there is no log. Reads alone."""
    work = machines.work(tenant=tenant)
    row, now = await work.one(store.LOG), await sealing.log_of(work)
    if row is None or now is None:
        return None
    keep, tiles = await keep_of(work), KeptHashes(work, now)
    begin = at = max(row["pruned"], row["prunable"])
    every = await machines.crossing_tenants().all(store.EVERY_LOG) if tenant == SHARED else ()
    origins = {one["origin"] for one in every}
    behind = await work.one(store.FARTHEST_BEHIND)
    why, rested = "", time.monotonic()
    while at + WIDTH <= now.size and (at - begin) // WIDTH < _MOST_TILES:
        if behind is not None and behind["position"] < at + WIDTH:
            why = f"the reader {behind['reader']} has read {behind['position']} rows only, and is waited for"
            break
        verdict = await _is_past(work, tiles, keep, at, origins=origins)
        if verdict is not True:
            why = verdict or ""
            break
        at += WIDTH
        # Whoever waits for an answer comes first.
        await asyncio.sleep(time.monotonic() - rested)
        rested = time.monotonic()
    if at > begin and await tiles.root(now.size) != await _signed_root(work, now):
        at, why = (
            begin,
            "its hashes are not those that were signed last: `authserver audit verify` names what was changed",
        )
    return Due(tenant=tenant, origin=now.origin, first=begin, to=at, why=why)


async def _signed_root(work: UnitOfWork, now: sealing.Log) -> bytes | None:
    rows = await work.all(store.CHECKPOINTS, since=now.size, most=1)
    return bytes(rows[0]["root"]) if rows and rows[0]["size"] == now.size else None


async def _is_past(work: UnitOfWork, tiles: KeptHashes, keep: Keep, begin: int, *, origins: set[str]) -> bool | str:
    """Whether a tile of rows is past its time, each row by its class, and as it was sealed; else why it stays, empty: it is not time.

    `origins`: the logs that there are. What pins one that is gone stays, to say so.
    """
    end = begin + WIDTH
    rows = await work.all(store.LEAVES, begin=begin, most=WIDTH)
    kept = split(await tiles.hashes(0, begin // WIDTH, WIDTH))
    if len(rows) < WIDTH or any(row["header"] is None for row in rows):
        return f"rows from {begin} on are gone without a receipt: `authserver audit verify` names them"
    if leaf_hashes(row["header"].encode() for row in rows) != kept or root_of(kept) != await tiles.node(
        8, begin // WIDTH
    ):
        return f"rows from {begin} on are not as they were sealed: `authserver audit verify` names them"
    for row in rows:
        said = facts_of(row["header"])
        about = said.get("about", {})
        if keep.until_us(said["kind"], max(said["at"], about.get("came_at", 0))) > work.at_us:
            return False
        if said["kind"] == Kind.LOG_SEALED and (missed := {one[0] for one in about["logs"]} - origins):
            return f"rows from {begin} on pin {min(missed)}, and that log is gone: `authserver audit verify --all` names it"
        # A receipt stays as long as a row that it covers: who reads that has to find it.
        if said["kind"] == Kind.AUDIT_ERASED and await work.one(
            store.COVERED_BEYOND, receipt=about["receipt"], end=end
        ):
            return False
    # Whatever the rows say of themselves: sealed they were by then.
    sealed = await work.all(store.CHECKPOINTS, since=end, most=1)
    return bool(sealed) and sealed[0]["at_us"] + LEAST_DAYS * _DAY_US <= work.at_us


async def announce(machines: Machines, tenant: str) -> Due | None:
    """Say in a log which of its rows go, if any are past their time and none are announced yet."""
    work = machines.work(tenant=tenant)
    row = await work.one(store.LOG)
    if row is None or row["prunable"] > row["pruned"]:
        return None
    found = await due(machines, tenant)
    if found is None:
        return None
    if found.why:
        log.warning("record_stays", tenant=tenant, why=found.why)
    now = await sealing.log_of(work)
    if found.to == found.first or now is None:
        return found
    if tenant == SHARED:
        await sealing.pin_anew(machines)
    root = await KeptHashes(work, now).root(found.to)
    work.claim(store.ANNOUNCE_PRUNING, seen=row["prunable"], to=found.to, now_us=work.at_us)
    # All that is gone by then, earlier prunings included: the receipts of those go one day, too.
    said: dict[str, Any] = {"from": 0, "to": found.to, "root": root.hex()}
    record(work, Kind.AUDIT_PRUNED, **said)
    return found if await work.commit() else None


async def take_away(machines: Machines, tenant: str) -> Due | None:
    """Take away what a log has announced for a day, tile for tile; None: nothing is to be taken."""
    first = to = None
    origin, begun = "", time.monotonic()
    while time.monotonic() - begun < _TURN_S:
        work = machines.crossing_tenants()
        work.bind(tenant)
        row = await work.one(store.LOG)
        if row is None or row["prunable"] <= row["pruned"] or row["prunable_at_us"] + GRACE_S * 1_000_000 > work.at_us:
            break
        if not await _is_said(work, row["prunable"]):
            log.warning("record_not_pruned", tenant=tenant, error="its log does not say that it goes")
            break
        end = min(row["pruned"] + _TILES_AT_ONCE * WIDTH, row["prunable"])
        await asyncio.sleep(0)
        if await _take(work, row["pruned"], end):
            first, to, origin = row["pruned"] if first is None else first, end, row["origin"]
    return None if first is None or to is None else Due(tenant=tenant, origin=origin, first=first, to=to)


async def _is_said(work: UnitOfWork, to: int) -> bool:
    """Whether the newest receipt of the log says so, and is sealed."""
    row = await work.one(store.LAST_PRUNING)
    return row is not None and facts_of(row["header"]).get("about", {}).get("to") == to


async def _take(work: UnitOfWork, begin: int, end: int) -> bool:
    rows = await work.all(store.LEAVES, begin=begin, most=end - begin)
    ids = _array([row["event_id"] for row in rows if begin <= row["leaf_index"] < end])
    work.claim(store.PRUNED, seen=begin, to=end)
    try:
        await payload.destroy(work, orjson.loads(ids))
    except VaultError:
        # A key that opens nothing any more needs no destroying.
        work.write(store.ERASE_PAYLOADS, event_ids=ids)
    work.write(store.ERASE_SUBJECTS, event_ids=ids)
    work.write(store.PRUNE_EVENTS, of=work.tenant, event_ids=ids)
    work.write(store.PRUNE_LEAVES, begin=begin, end=end)
    work.write(store.PRUNE_ERASURES, event_ids=ids)
    try:
        return await work.commit()
    except RowRefusedError:
        return False


async def thin_checkpoints(machines: Machines, tenant: str) -> None:
    """Keep one checkpoint of each hour, once it is a week old; the newest stays whatever its age."""
    work = machines.work(tenant=tenant)
    work.write(store.THIN_CHECKPOINTS, before_us=work.at_us - _CHECKPOINTS_WHOLE_US, hour_us=_HOUR_US)
    await work.commit()


def _array(values: Sequence[str]) -> str:
    return orjson.dumps(list(values)).decode()
