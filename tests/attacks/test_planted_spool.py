"""Whoever can write near a spool tells nothing in its server's name, writes over nothing through it, and keeps no server from its start."""

import os
import threading

import pytest

from resource_lib import ResourceGuard
from resource_lib.audit.settings import Record
from resource_lib.audit.spool import MAGIC, Segment, Spool
from resource_lib.settings import SettingsError
from resource_lib.testing import TestIssuer
from tests.support.bare import BARE
from tests.support.guarded import RESOURCE, TOOLS

MOST = 1 << 20
KEY = b"k" * 32


def planted(root, *, event=b'{"tool":"never_called"}'):
    """Return a folder as a process that died would have left it."""
    folder = root / "p-0000000000000000"
    folder.mkdir(mode=0o700)
    segment = Segment(folder / "00000001-kept.seg", key=KEY, since=0.0)
    segment.key_place.write_bytes(KEY)
    segment.place.write_bytes(MAGIC + segment.sealed(0, event))
    return segment


@pytest.mark.requirement("record:spool:its-own")
def test_events_in_a_folder_that_strangers_may_write_are_told_by_nobody(tmp_path):
    """CWE-732: a world-writable folder is no spool; neither is a link to one, which whoever made it may turn elsewhere."""
    shared, link = tmp_path / "shared", tmp_path / "link"
    shared.mkdir()
    shared.chmod(0o777)
    planted(shared)
    link.symlink_to(tmp_path)

    for root in (shared, link):
        with pytest.raises(PermissionError):
            Spool(root, most_bytes=MOST)


@pytest.mark.requirement("record:spool:its-own")
def test_a_guard_says_at_its_start_that_its_spool_is_open_to_others(tmp_path):
    """CWE-732: before anything is served, with the cure."""
    record, issuer = Record(spool=tmp_path), TestIssuer(resource=RESOURCE)
    folder = record.folder(resource=RESOURCE)
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(SettingsError, match="somebody else may write into"):
        ResourceGuard(
            issuer=issuer.issuer, resource=RESOURCE, keys=issuer.keys(), **BARE | {"tools": TOOLS, "record": record}
        )


@pytest.mark.requirement("record:spool:its-own")
def test_a_key_that_became_a_link_is_not_written_over(tmp_path):
    """CWE-59: a key is overwritten before it is deleted; what a link leads to is somebody else's."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"v" * 64)
    root = tmp_path / "spool"
    root.mkdir(mode=0o700)
    segment = planted(root)
    spool = Spool(root, most_bytes=MOST)
    batch = spool.batch(10, MOST)
    segment.key_place.unlink()
    segment.key_place.symlink_to(victim)

    spool.told(batch)

    assert (b'{"tool":"never_called"}',) == batch.events
    assert b"v" * 64 == victim.read_bytes()
    spool.close()


@pytest.mark.requirement("record:spool:its-own")
@pytest.mark.parametrize("name", ["00000001-kept.key", "00000001-kept.seg", "lock"])
def test_a_pipe_in_the_place_of_a_file_keeps_no_server_waiting(name, tmp_path):
    """A pipe that nobody writes to would be read for ever; what else is there is read all the same."""
    root = tmp_path / "spool"
    root.mkdir(mode=0o700)
    place = planted(root).place.with_name(name)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    found = []

    def start():
        spool = Spool(root, most_bytes=MOST)
        found.append(spool)
        spool.close()

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join(20)

    assert found


@pytest.mark.requirement("record:spool:its-own")
def test_a_folder_that_is_a_link_is_nobodys_to_take_over(tmp_path):
    """CWE-59: nothing is made, locked or removed where a link leads."""
    other, root = tmp_path / "other", tmp_path / "spool"
    other.mkdir()
    (other / "kept.txt").write_text("kept", encoding="utf-8")
    root.mkdir(mode=0o700)
    (root / "p-1111111111111111").symlink_to(other)
    (root / ".p-2222222222222222").symlink_to(other)

    Spool(root, most_bytes=MOST).close()

    assert ["kept.txt"] == [one.name for one in other.iterdir()]
