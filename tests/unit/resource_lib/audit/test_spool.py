"""Where events wait on disk: what was written is there after anything, what was deleted is nowhere, and no room is a clear answer."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib.audit.spool import Disk, Spool, SpoolFullError, read_folder

MOST = 1024 * 1024
CANARY = b"canary-jane.roe@example.com"


def spool(place, **words):
    return Spool(place, **({"most_bytes": MOST} | words))


def drained(it):
    found = []
    while (batch := it.batch(100, MOST)) is not None:
        found += batch.events
        it.told(batch)
    return found


def die(it):
    """Let go of the folder as a process does that is killed: nothing is closed, nothing is synced."""
    it.forsake()


def files(place):
    return sorted(path for path in place.rglob("*") if path.is_file())


@pytest.mark.requirement("record:spool:survives")
def test_what_one_process_wrote_the_next_one_reads_in_its_order_and_then_it_is_gone(tmp_path):
    """R-01: a process that was killed leaves everything; who takes it over tells it once and cleans up."""
    one = spool(tmp_path)
    for number in range(300):
        one.append("kept", [b"%d" % number])
        one.append("open", [b"read %d" % number])
    one.sync("kept")
    die(one)

    other = spool(tmp_path)
    found = drained(other)

    assert [b"%d" % number for number in range(300)] == [event for event in found if not event.startswith(b"read")]
    assert [b"read %d" % number for number in range(300)] == [event for event in found if event.startswith(b"read")]
    other.close()
    assert [] == files(tmp_path)


@pytest.mark.requirement("record:spool:survives")
def test_two_living_processes_have_a_folder_each_and_take_nothing_from_each_other(tmp_path):
    one, other = spool(tmp_path), spool(tmp_path)
    one.append("kept", [b"one"])
    one.sync("kept")
    other.append("kept", [b"other"])
    other.sync("kept")

    assert (0, 0) == (one.adopt(), other.adopt())
    assert {b"one", b"other"} == set(read_folder(tmp_path))
    assert ([b"one"], [b"other"]) == (drained(one), drained(other))


@pytest.mark.requirement("record:spool:survives")
def test_what_a_fork_inherits_stays_its_parents(tmp_path):
    """A server that forks its workers after the guard was made: the lock and the files are inherited, and not shared."""
    one = spool(tmp_path)
    one.append("kept", [b"parent"])
    if (child := os.fork()) == 0:
        one.forsake()
        os._exit(0 if spool(tmp_path).adopt() == 0 else 1)
    assert 0 == os.waitpid(child, 0)[1]
    one.append("kept", [b"still"])
    one.sync("kept")
    assert [b"parent", b"still"] == drained(one)


@pytest.mark.requirement("record:spool:torn")
@settings(max_examples=5, deadline=None)
@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4), junk=st.binary(max_size=40))
def test_wherever_a_tail_is_torn_all_before_it_is_read_and_nothing_else(tmp_path_factory, sizes, junk):
    """R-01: the segment is cut at every byte, and followed by what a disk may leave there."""
    place = tmp_path_factory.mktemp("spool")
    one = spool(place)
    events = [os.urandom(size) for size in sizes]
    ends = []
    for event in events:
        one.append("kept", [event])
        ends.append(one.bytes)
    one.sync("kept")
    die(one)
    [segment] = place.rglob("*.seg")
    whole = segment.read_bytes()
    assert ends[-1] == len(whole)
    for cut in range(len(whole)):
        for tail in (b"", junk, bytes(len(junk))):
            left = whole[:cut] + tail
            segment.write_bytes(left)
            same = next(
                (at for at, (one, other) in enumerate(zip(left, whole, strict=False)) if one != other),
                min(len(left), len(whole)),
            )
            assert [event for event, end in zip(events, ends, strict=True) if end <= same] == list(read_folder(place))
    segment.write_bytes(whole[:-1])
    other = spool(place)
    assert events[:-1] == drained(other), "and what takes it over goes on"
    other.append("kept", [b"next"])
    other.sync("kept")
    assert [b"next"] == drained(other)
    other.close()


@pytest.mark.requirement("record:spool:torn")
def test_a_record_that_was_changed_on_disk_is_left_out_and_named(tmp_path, caplog):
    one = spool(tmp_path)
    one.append("kept", [b"first" * 20, b"second" * 20, b"third" * 20])
    one.sync("kept")
    die(one)
    [segment] = tmp_path.rglob("*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(bytes(data))

    assert [b"first" * 20, b"third" * 20] == drained(spool(tmp_path))
    assert "damaged" in caplog.text


@pytest.mark.requirement("record:spool:unreadable")
def test_nothing_of_an_event_can_be_read_in_the_files_and_nothing_at_all_once_it_is_told(tmp_path):
    """A canary search, over the bytes of every file; the key is overwritten before its file goes."""
    one = spool(tmp_path)
    one.append("kept", [CANARY * 50])
    one.append("open", [CANARY * 50])
    one.sync("kept")
    assert all(path.stat().st_mode & 0o077 == 0 for path in [tmp_path / one.folder, *files(tmp_path)])
    assert all(CANARY[:8] not in path.read_bytes() for path in files(tmp_path))
    kept = {path: os.open(path, os.O_RDONLY) for path in tmp_path.rglob("*.key")}
    assert len(kept) == 2

    drained(one)
    one.close()

    assert [] == files(tmp_path)
    for path, file in kept.items():
        assert bytes(32) == os.pread(file, 64, 0), f"{path.name} was deleted as it was"
        os.close(file)


class Faulty(Disk):
    """A disk that has no room, or fails, when it is told to."""

    def __init__(self):
        self.room = None
        self.sync_fails = False

    def write(self, file, data):
        if self.room is not None:
            super().write(file, data[: self.room])
            part, self.room = data[: self.room], max(0, self.room - len(data))
            if len(part) < len(data):
                raise OSError(28, "No space left on device")
            return
        super().write(file, data)

    def sync(self, file):
        if self.sync_fails:
            raise OSError(5, "Input/output error")
        super().sync(file)


@pytest.mark.requirement("record:disk:full")
@pytest.mark.parametrize("room", [0, 1, 10, 60, 100, 150])
def test_a_full_disk_takes_nothing_by_halves_and_goes_on_when_there_is_room(tmp_path, room):
    """R-07: whatever part of a write fits, what was kept before is kept, and what failed is not there twice."""
    disk = Faulty()
    one = spool(tmp_path, disk=disk)
    one.append("kept", [b"before"])
    one.sync("kept")
    disk.room = room
    with pytest.raises(OSError, match="No space"):
        one.append("kept", [b"a" * 100, b"b" * 100])
    disk.room = None
    one.append("kept", [b"a" * 100, b"b" * 100])
    one.sync("kept")
    die(one)
    assert [b"before", b"a" * 100, b"b" * 100] == drained(spool(tmp_path))


@pytest.mark.requirement("record:disk:full")
def test_a_sync_that_fails_is_not_believed_the_second_time(tmp_path):
    """R-07, fsyncgate: what a failed sync may have lost is written again elsewhere, by whoever still has it."""
    disk = Faulty()
    one = spool(tmp_path, disk=disk)
    one.append("kept", [b"before"])
    one.sync("kept")
    one.append("kept", [b"lost"])
    disk.sync_fails = True
    with pytest.raises(OSError, match="Input/output"):
        one.sync("kept")
    disk.sync_fails = False
    one.sync("kept")
    one.append("kept", [b"again"])
    one.sync("kept")
    assert [b"before", b"again"] == drained(one)


@pytest.mark.requirement("record:disk:full")
def test_a_real_limit_of_the_system_is_met_in_the_same_way(tmp_path):
    """RLIMIT_FSIZE in a process of its own: the system itself refuses the write, EFBIG, in the middle of a record."""
    code = """
import resource, signal, sys
from pathlib import Path
from resource_lib.audit.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
it = Spool(Path(sys.argv[1]), most_bytes=2**20)
it.append("kept", [b"before"]); it.sync("kept")
resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
try:
    it.append("kept", [b"x" * 1000]); sys.exit(1)
except OSError: pass
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
it.append("kept", [b"x" * 1000]); it.sync("kept")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
    assert [b"before", b"x" * 1000] == drained(spool(tmp_path))


@pytest.mark.requirement("record:bounded")
def test_when_there_is_no_room_the_oldest_reads_give_way_and_nothing_of_a_write_does(tmp_path):
    """Bounded in bytes: reads are counted as lost; an intent is refused only once no read is left to give up."""
    lost = []
    one = spool(tmp_path, most_bytes=MOST, lost=lost.append)
    block = os.urandom(10_000)
    one.append("kept", [b"intent 0"])
    for number in range(200):
        one.append("open", [b"%03d" % number + block])
    assert one.bytes <= MOST
    assert sum(lost) > 90
    with pytest.raises(SpoolFullError):
        for number in range(200):
            one.append("kept", [b"intent %d" % number + block])
    one.append("kept", [b"outcome"], must=True)
    one.sync("kept")
    assert one.bytes <= MOST * 17 // 16
    found = drained(one)
    assert [b"intent 0"] == found[:1]
    assert b"outcome" in found
    one.append("kept", [b"there is room again"])


def test_where_nobody_is_told_events_stay_for_as_long_as_they_may(tmp_path):
    now = [1_000_000_000.0]
    one = spool(tmp_path, keep_s=90 * 86_400, clock=lambda: now[0])
    one.append("kept", [b"old"])
    now[0] += 80 * 86_400
    one.expire()
    one.append("kept", [b"young"])
    one.sync("kept")
    assert [b"old", b"young"] == list(one.all())
    now[0] += 12 * 86_400
    one.expire()
    assert [b"young"] == list(one.all())
