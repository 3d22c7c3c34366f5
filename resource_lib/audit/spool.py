"""
Where events wait, on this machine's disk: appended, and synced before anybody is told that they are kept.

One folder for each process, locked while it lives; what a dead one left is taken over. In it segments of two lanes: `kept` for what must never
be given up (intents and outcomes of writes), `open` for the rest, whose oldest segments give way when there is no room. A record is its
length, a CRC-32 of all that follows, a number, and the event under AES-256-GCM. The key of a segment stands in a file beside it, which
is overwritten before the segment is deleted: what a disk keeps of a deleted one, nobody reads.

A tail that was torn when the machine went down ends the segment there, and nothing after a failed write or sync is believed: the segment is
cut to what is known to be on disk, and the next write begins a new one. No repair by hand.

Whoever may write the folder may tell what never happened in this server's name, so it is its own user's alone (`is_open_to_others`); links and
what is no file are not followed.
"""

import contextlib
import logging
import os
import shutil
import stat
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

fcntl: Any = None
with contextlib.suppress(ImportError):  # there is none on Windows, where folders are not locked
    import fcntl

Lane = Literal["kept", "open"]
LANES: Final[tuple[Lane, ...]] = ("kept", "open")

MAGIC: Final = b"MCPSPOOL1\n"
_FRAME: Final = struct.Struct("<IIQ")
"""Bytes of the sealed event, CRC-32 of what follows, number."""
_TAG_BYTES: Final = 16
_MOST_RECORD: Final = 1024 * 1024
_SEGMENT_BYTES: Final = 4 * 1024 * 1024
_RESERVE: Final = 16
"""The outcome of a write that has begun is kept beyond the bound, by one part in so many."""
_LOCK: Final = "lock"

log = logging.getLogger("resource_lib.audit")


class SpoolFullError(OSError):
    """There is no room for what must not be given up."""


_NO_OTHER: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link leads to what somebody else chose, and a pipe waits for ever."""


def is_open_to_others(folder: Path) -> bool:
    """Whether somebody but this process's user, its group and root may write into a folder. Raises OSError.

    A group may: an orchestrator gives a volume to a group, and that group is this server.
    """
    found = folder.lstat()
    if fcntl is None:
        return False
    return (
        not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), 0} or bool(found.st_mode & stat.S_IWOTH)
    )


def _opened(place: str | Path, flags: int) -> int:
    """Open a file that is there, and nothing else. Raises OSError."""
    file = os.open(place, flags | _NO_OTHER)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(22, "is no file")
    return file


class Disk:
    """How bytes get to the disk. Tests give it faults."""

    def write(self, file: int, data: bytes) -> None:
        """Write all of it. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]

    def sync(self, file: int) -> None:
        """Return once it is on the disk. Raises OSError."""
        os.fsync(file)


class Segment:
    """One file of one lane, and its key."""

    __slots__ = ("count", "is_open", "key", "name", "place", "read_at", "read_count", "since", "size", "synced")

    def __init__(self, place: Path, *, key: bytes, since: float) -> None:
        self.place = place
        self.name = place.name.encode("ascii")
        self.key = AESGCM(key)
        self.since = since
        self.size = 0
        """Bytes that were written, and may be read."""
        self.synced = 0
        """Bytes that are on the disk."""
        self.count = 0
        self.read_at = len(MAGIC)
        self.read_count = 0
        self.is_open = False

    @property
    def key_place(self) -> Path:
        """The file of its key."""
        return self.place.with_suffix(".key")

    @property
    def is_read(self) -> bool:
        """Whether all of it was told."""
        return self.read_at >= self.size

    def sealed(self, number: int, event: bytes) -> bytes:
        """Return the record of an event."""
        body = number.to_bytes(8, "little") + self.key.encrypt(number.to_bytes(12, "little"), event, self.name)
        return _FRAME.pack(len(body) - 8, zlib.crc32(body), number) + body[8:]

    def delete(self) -> None:
        """Make it unreadable, then delete it. Raises nothing."""
        with contextlib.suppress(OSError):
            file = _opened(self.key_place, os.O_WRONLY)
            try:
                os.write(file, bytes(32))
                os.fsync(file)
            finally:
                os.close(file)
        for place in (self.key_place, self.place):
            with contextlib.suppress(OSError):
                place.unlink()


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it was read, and where the next one begins."""

    event: bytes
    ends_at: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events of one segment, to be told."""

    segment: Segment
    events: tuple[bytes, ...]
    ends_at: int


def records(segment: Segment, begin: int, end: int) -> Iterator[Record]:
    """Yield what is readable between two places of a segment. A record that does not fit its CRC is left out, and said; a length that
    cannot be ends it. Raises OSError.
    """
    with open(segment.place, "rb", opener=_opened) as file:
        file.seek(begin)
        at = begin
        while at + _FRAME.size <= end:
            head = file.read(_FRAME.size)
            if len(head) < _FRAME.size:
                return
            length, crc, number = _FRAME.unpack(head)
            after = at + _FRAME.size + length
            if not _TAG_BYTES <= length <= _MOST_RECORD or after > end:
                return
            body = file.read(length)
            if len(body) < length:
                return
            at = after
            if zlib.crc32(body, zlib.crc32(head[8:])) != crc:
                log.error("a record of the spool is damaged and left out", extra={"event": "record.damaged"})
                continue
            try:
                event = segment.key.decrypt(number.to_bytes(12, "little"), body, segment.name)
            except InvalidTag:
                log.error("a record of the spool was changed and is left out", extra={"event": "record.damaged"})
                continue
            yield Record(event, after)


class Spool:
    """
    The folder of this process below `root`, and what dead ones left there. Safe between threads.

    `most_bytes` bounds what waits. `keep_s`: where nobody is told, how long a segment stays; None: until it was told. `clock` gives
    seconds since the epoch. Raises OSError where it cannot be had.
    """

    def __init__(
        self,
        root: Path,
        *,
        most_bytes: int,
        keep_s: float | None = None,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
        lost: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.root = root
        self.most_bytes = most_bytes
        self._keep_s = keep_s
        self._disk = disk or Disk()
        self._clock = clock
        self._lost = lost
        self._lock = threading.RLock()
        self._segment_bytes = max(4096, min(_SEGMENT_BYTES, most_bytes // 16))
        self._files: dict[Lane, tuple[int, Segment]] = {}
        self._segments: list[Segment] = []
        """Of this process and of those that it took over, the oldest first."""
        self._numbers = 0
        self._names = 0
        self._adopted: dict[Path, int] = {}
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_open_to_others(root):
            raise PermissionError(13, "somebody else may write there")
        self.folder = root / f"p-{uuid4().hex[:16]}"
        # Locked before it has its name: whoever looks for orphans meanwhile finds none.
        making = root / f".{self.folder.name}"
        making.mkdir(mode=0o700)
        held = _locked(making)
        assert held is not None
        self._held = held
        making.rename(self.folder)
        self.adopt()

    # -- to the disk

    def append(self, lane: Lane, events: Sequence[bytes], *, must: bool = False) -> None:
        """Write events, so that they survive this process. `must`: they belong to what has begun, and get the reserve.

        Raises OSError: then none of them counts, and whoever has them tries again later.
        """
        if not events:
            return
        with self._lock:
            size = sum(map(len, events)) + len(events) * (_FRAME.size + _TAG_BYTES)
            self._make_room(size, must=must)
            file, segment = self._file(lane, size)
            numbers = range(self._numbers, self._numbers + len(events))
            self._numbers += len(events)
            data = b"".join(segment.sealed(number, event) for number, event in zip(numbers, events, strict=True))
            try:
                self._disk.write(file, data)
            except OSError:
                self._give_up(lane, segment.size)
                raise
            segment.size += len(data)
            segment.count += len(events)

    def sync(self, lane: Lane) -> None:
        """Return once all that was appended is on the disk. Raises OSError: then what was not before does not count."""
        with self._lock:
            held = self._files.get(lane)
            if held is None or held[1].synced == held[1].size:
                return
            file, segment = held
            try:
                self._disk.sync(file)
            except OSError:
                # What a failed sync leaves behind nobody knows: a second one may say "yes" to what is lost.
                self._give_up(lane, segment.synced)
                raise
            segment.synced = segment.size

    def _make_room(self, size: int, *, must: bool) -> None:
        most = self.most_bytes + (self.most_bytes // _RESERVE if must else 0)
        while self.bytes + size > most:
            oldest = next((one for one in self._segments if b"open" in one.name and not one.is_open), None)
            if oldest is None and "open" in self._files and not self._files["open"][1].is_read:
                self._close("open")
                continue
            if oldest is None:
                raise SpoolFullError(28, "the spool is full")
            lost = oldest.count - oldest.read_count
            self._remove(oldest)
            if lost:
                self._lost(lost)

    def _file(self, lane: Lane, size: int) -> tuple[int, Segment]:
        held = self._files.get(lane)
        if held is not None and held[1].size + size > self._segment_bytes and held[1].count:
            self._close(lane)
            held = None
        if held is None:
            held = self._files[lane] = self._begun(lane)
            self._segments.append(held[1])
        return held

    def _begun(self, lane: Lane) -> tuple[int, Segment]:
        self._names += 1
        place = self.folder / f"{self._names:08d}-{lane}.seg"
        key = os.urandom(32)
        segment = Segment(place, key=key, since=self._clock())
        file = -1
        try:
            self._made(segment.key_place, key)
            file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            self._disk.write(file, MAGIC)
            self._disk.sync(file)
            _sync_folder(self.folder)
        except OSError:
            if file >= 0:
                os.close(file)
            segment.delete()
            raise
        segment.size = segment.synced = len(MAGIC)
        segment.is_open = True
        return file, segment

    def _made(self, place: Path, data: bytes) -> None:
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._disk.write(file, data)
            self._disk.sync(file)
        finally:
            os.close(file)

    def _give_up(self, lane: Lane, size: int) -> None:
        """Close a segment that could not be written, cut to what counts of it."""
        held = self._files.pop(lane, None)
        if held is None:
            return
        file, segment = held
        with contextlib.suppress(OSError):
            os.ftruncate(file, size)
        with contextlib.suppress(OSError):
            os.close(file)
        segment.is_open = False
        segment.count = sum(1 for _ in _quietly(segment, size))
        segment.size = size
        if segment.is_read:
            self._remove(segment)

    def _close(self, lane: Lane) -> None:
        held = self._files.pop(lane, None)
        if held is None:
            return
        file, segment = held
        try:
            self._disk.sync(file)
            segment.synced = segment.size
        except OSError:
            self._files[lane] = held
            self._give_up(lane, segment.synced)
            raise
        os.close(file)
        segment.is_open = False

    # -- from the disk

    def batch(self, most_events: int, most_bytes: int) -> Batch | None:
        """Return the oldest events that were not told, of one segment; None: there are none. Raises OSError."""
        with self._lock:
            # What has begun first: a write whose intent nobody knows is worse than a read that comes late.
            for segment in sorted(self._segments, key=lambda one: b"open" in one.name):
                begin, end = segment.read_at, segment.synced if b"kept" in segment.name else segment.size
                if begin < end:
                    break
            else:
                return None
        found: list[bytes] = []
        ends_at, size = begin, 0
        for record in records(segment, begin, end):
            if found and (len(found) >= most_events or size + len(record.event) > most_bytes):
                break
            found.append(record.event)
            ends_at, size = record.ends_at, size + len(record.event) + 1
        else:
            # Up to a torn tail: nothing readable follows.
            ends_at = end if not segment.is_open or ends_at == begin else ends_at
        return Batch(segment, tuple(found), ends_at) if found or ends_at > begin else None

    def told(self, batch: Batch) -> None:
        """Take note that the issuer has these."""
        with self._lock:
            segment = batch.segment
            segment.read_at = max(segment.read_at, batch.ends_at)
            segment.read_count += len(batch.events)
            if not segment.is_read:
                return
            if segment.is_open and (segment.size >= 65_536 or self._clock() - segment.since > 10):
                with contextlib.suppress(OSError):
                    self._close("kept" if b"kept" in segment.name else "open")
            if not segment.is_open:
                self._remove(segment)

    def all(self) -> Iterator[bytes]:
        """Yield every event that waits here, whoever wrote it, segment by segment. Raises OSError."""
        with self._lock:
            segments = list(self._segments)
        for segment in segments:
            for record in records(segment, len(MAGIC), segment.size):
                yield record.event

    def _remove(self, segment: Segment) -> None:
        segment.delete()
        if segment in self._segments:
            self._segments.remove(segment)
        folder = segment.place.parent
        if folder in self._adopted and not any(one.place.parent == folder for one in self._segments):
            _release(self._adopted.pop(folder))
            shutil.rmtree(folder, ignore_errors=True)

    # -- whose it is

    def adopt(self) -> int:
        """Take over what dead processes left; return how many events that are. Raises nothing."""
        found = 0
        with self._lock, contextlib.suppress(OSError):
            for making in self.root.glob(".p-*"):
                # Whoever made it died before it had its name.
                if (held := _locked(making)) is not None:
                    shutil.rmtree(making, ignore_errors=True)
                    _release(held)
            for folder in sorted(self.root.glob("p-*")):
                if folder == self.folder or folder in self._adopted:
                    continue
                held = _locked(folder)
                if held is None:
                    continue
                segments = list(_left(folder))
                self._adopted[folder] = held
                self._segments[:0] = segments
                found += sum(one.count for one in segments)
                if not segments:
                    _release(self._adopted.pop(folder))
                    shutil.rmtree(folder, ignore_errors=True)
        return found

    def expire(self) -> None:
        """Give up what has stayed here for as long as it may, where nobody is told."""
        if self._keep_s is None:
            return
        with self._lock:
            for lane in LANES:
                held = self._files.get(lane)
                if held is not None and held[1].count and self._clock() - held[1].since > 86_400:
                    with contextlib.suppress(OSError):
                        self._close(lane)
            for segment in [one for one in self._segments if not one.is_open]:
                if self._clock() - segment.since > self._keep_s + 86_400:
                    self._remove(segment)

    @property
    def bytes(self) -> int:
        """How many bytes wait here."""
        return sum(one.size for one in tuple(self._segments))

    @property
    def waiting(self) -> int:
        """How many events were not told."""
        return sum(one.count - one.read_count for one in tuple(self._segments))

    @property
    def oldest(self) -> float | None:
        """Since when, in seconds since the epoch, the oldest of them may wait; None: none does."""
        return min((one.since for one in tuple(self._segments) if not one.is_read), default=None)

    def close(self) -> None:
        """Sync and close; what waits is taken over by whoever comes next. Raises nothing."""
        with self._lock:
            for lane in LANES:
                with contextlib.suppress(OSError):
                    self._close(lane)
            for segment in [one for one in self._segments if one.is_read]:
                self._remove(segment)
            for held in self._adopted.values():
                _release(held)
            self._adopted.clear()
            if not any(one.place.parent == self.folder for one in self._segments):
                shutil.rmtree(self.folder, ignore_errors=True)
            _release(self._held)
            self._segments.clear()

    def forsake(self) -> None:
        """Let go of everything in a process that was forked off: it all belongs to the other one. Raises nothing."""
        for file in [*(file for file, _ in self._files.values()), self._held, *self._adopted.values()]:
            with contextlib.suppress(OSError):
                os.close(file)
        self._files.clear()
        self._adopted.clear()
        self._segments.clear()


def read_folder(root: Path) -> Iterator[bytes]:
    """Yield every event that waits below `root`, of living processes too, and change nothing. Raises OSError."""
    for folder in sorted(root.rglob("p-*")):
        for segment in _left(folder):
            for record in records(segment, len(MAGIC), segment.size):
                yield record.event


def _left(folder: Path) -> Iterator[Segment]:
    """Yield the segments of a folder, each up to where it is readable."""
    for place in sorted(folder.glob("*.seg")):
        try:
            with open(place.with_suffix(".key"), "rb", opener=_opened) as file:
                key = file.read(33)
            since = place.lstat().st_mtime
            if len(key) != 32 or not any(key):
                continue
            segment = Segment(place, key=key, since=since)
            with open(place, "rb", opener=_opened) as file:
                if file.read(len(MAGIC)) != MAGIC:
                    continue
            whole = place.stat().st_size
            segment.size = len(MAGIC)
            for record in records(segment, len(MAGIC), whole):
                segment.size = record.ends_at
                segment.count += 1
            segment.synced = segment.size
        except OSError:
            continue
        yield segment


def _quietly(segment: Segment, end: int) -> Iterator[Record]:
    with contextlib.suppress(OSError):
        yield from records(segment, len(MAGIC), end)


def _locked(folder: Path) -> int | None:
    """Lock a folder for as long as this process lives; None: somebody else has it."""
    try:
        if folder.is_symlink():
            return None
        file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | _NO_OTHER, 0o600)
    except OSError:
        return None
    if fcntl is None:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def _release(file: int) -> None:
    with contextlib.suppress(OSError):
        os.close(file)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
