"""
Copies of checkpoints, where whoever writes this database does not: a file, the log of this process, a folder on another store, a webhook.

A saved checkpoint is what shows that a whole database was put back, or signed anew. Each place has the newest one of the platform's log
within a second of its sealing (that pins every other log), and again once in a while when nothing happens, so that silence is seen.
Of several processes one copies: a claim with an end. A place that fails is tried again, at growing intervals, and holds up nothing.
"""

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson
import structlog

from authserver.domain.audit import store
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, RowRefusedError

_BUSY_US: Final = 30 * 1_000_000
"""Longer than any place may take; a process that dies meanwhile leaves it to another."""
_LONGEST_WAIT_S: Final = 300
_AT_ONCE: Final = 100

log = structlog.get_logger("authserver.audit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """One checkpoint on its way out. `at_us`: when it is copied, which says that the log was not longer then."""

    origin: str
    size: int
    at_us: int
    note: str

    @property
    def line(self) -> bytes:
        """It as a line of JSON, as `--checkpoint` reads it."""
        at = datetime.fromtimestamp(self.at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")
        said = {"checkpoint": self.note, "origin": self.origin, "size": self.size, "at": at.replace("+00:00", "Z")}
        return orjson.dumps(said) + b"\n"


class NotCopiedError(Exception):
    """A place did not take it. The message says why, in a word."""


Put = Callable[[Machines, Copy], Awaitable[None]]
"""Puts a checkpoint into one place. Raises NotCopiedError, OSError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What is known of one place: the newest checkpoint that it has, and why it has no newer one."""

    name: str
    size: int
    at_us: int
    failures: int
    failure: str


def places(machines: Machines, post: Put) -> dict[str, Put]:
    """Return where checkpoints go in this deployment. `post` is how the webhook is told."""
    settings = machines.settings
    wanted = {
        "file": (settings.audit_checkpoint_file, _to_file),
        "folder": (settings.audit_checkpoint_folder, _to_folder),
        "log": (settings.audit_checkpoint_log, _to_log),
        "webhook": (settings.audit_checkpoint_webhook, post),
    }
    return {name: put for name, (is_wanted, put) in wanted.items() if is_wanted}


async def copy_round(machines: Machines, post: Put) -> int:
    """Give each place what it has not got, all at once; returns how many copies were made. Never raises for one of them."""
    rounds = [_copy(machines, name, put) for name, put in places(machines, post).items()]
    return sum(await asyncio.gather(*rounds))


async def state(machines: Machines) -> list[Place]:
    """Return how each place stands with the platform's log."""
    rows = await machines.work(tenant=SHARED).all(store.COPIES)
    return [
        Place(
            name=row["place"],
            size=row["size"],
            at_us=row["at_us"],
            failures=row["failures"],
            failure=row["failure"],
        )
        for row in rows
    ]


async def newest(machines: Machines, tenant: str) -> str | None:
    """Return the newest checkpoint of a tenant's log, or None: nothing was sealed yet."""
    row = await machines.work(tenant=tenant).one(store.LAST_CHECKPOINT)
    return str(row["note"]) if row else None


async def _copy(machines: Machines, place: str, put: Put) -> int:
    settings = machines.settings
    work = machines.crossing_tenants()
    rows = await work.all(
        store.COPIES_DUE,
        place=place,
        now_us=work.at_us,
        idle_us=settings.audit_checkpoint_idle_seconds * 1_000_000,
        only="" if settings.audit_checkpoint_tenants else SHARED,
        most=_AT_ONCE,
    )
    made = 0
    for row in rows:
        try:
            made += await _copy_one(machines, place, put, row)
        except RowRefusedError:
            continue  # another process is at it
    return made


async def _copy_one(machines: Machines, place: str, put: Put, row: Row) -> bool:
    tenant, seen = row["tenant_id"], row["busy_until_us"]
    work = machines.work(tenant=tenant)
    last = await work.one(store.LAST_CHECKPOINT)
    if last is None:
        return False
    if seen is None:
        work.claim(store.BEGIN_COPYING, place=place, until_us=work.at_us + _BUSY_US)
    else:
        had = {"seen": seen, "had": row["had"], "had_at_us": row["had_at_us"]}
        work.claim(store.CLAIM_COPYING, place=place, until_us=work.at_us + _BUSY_US, **had)
    if not await work.commit():
        return False
    copy = Copy(origin=row["origin"], size=last["size"], at_us=work.at_us, note=last["note"])
    why = ""
    try:
        await put(machines, copy)
    except NotCopiedError as error:
        why = str(error)
    except OSError as error:
        why = error.strerror or type(error).__name__
    done = machines.work(tenant=tenant)
    if not why:
        done.write(store.IS_COPIED, place=place, size=copy.size, at_us=copy.at_us)
    else:
        failures = (row["failures"] or 0) + 1
        wait_s = min(_LONGEST_WAIT_S, 1 << min(failures - 1, 20))
        done.write(store.IS_NOT_COPIED, place=place, failure=why, until_us=done.at_us + wait_s * 1_000_000)
        log.warning("checkpoint_not_copied", place=place, tenant=tenant, error=why, again_in_s=wait_s)
    await done.commit()
    return not why


async def _to_file(machines: Machines, copy: Copy) -> None:
    path, most = machines.settings.audit_checkpoint_file, machines.settings.audit_checkpoint_file_bytes
    assert path is not None
    await asyncio.to_thread(_append, path, copy.line, most)


def _append(path: Path, line: bytes, most: int) -> None:
    """Append durably; a file that is full is put aside under the time of that, and none is ever deleted."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            there = path.stat() if path.exists() else None
            held = os.fstat(file)
            if there is None or there.st_ino != held.st_ino:
                continue  # somebody has put it aside in between
            if held.st_size and held.st_size + len(line) > most:
                path.rename(_aside(path))
                continue
            _end_of_lines(file, held.st_size)
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)
        if not held.st_size:
            _sync_folder(path.parent)
        return


def _aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    return path.with_name(f"{path.name}.{stamp}")


def _end_of_lines(file: int, size: int) -> None:
    """Cut off what a process that was killed began to write: everything else is a line."""
    if size and os.pread(file, 1, size - 1) != b"\n":
        begin = max(0, size - (1 << 16))
        os.ftruncate(file, begin + os.pread(file, size - begin, begin).rfind(b"\n") + 1)


async def _to_folder(machines: Machines, copy: Copy) -> None:
    folder = machines.settings.audit_checkpoint_folder
    assert folder is not None
    await asyncio.to_thread(_write_once, folder, copy)


def _write_once(folder: Path, copy: Copy) -> None:
    # An origin is a host and a path; none of it leads out of the folder.
    own = folder / copy.origin.replace("/", "_").replace("..", "_")
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = own / f"{copy.size:016d}-{copy.at_us}.note"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    try:
        os.write(file, copy.note.encode())
        os.fsync(file)
    finally:
        os.close(file)
    _sync_folder(own)


def _sync_folder(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


async def _to_log(machines: Machines, copy: Copy) -> None:  # noqa: ARG001 - one form for all
    # Line by line: a log escapes the ends of lines.
    log.info("checkpoint", origin=copy.origin, size=copy.size, checkpoint=copy.note.split("\n"))
