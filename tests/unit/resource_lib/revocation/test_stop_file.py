"""The break-glass: whatever cannot be told counts as there."""

import asyncio
import os
import stat

import pytest

from resource_lib.revocation.revocations import Revocations
from resource_lib.revocation.stop_file import StopFile, find
from resource_lib.settings import SettingsError

pytestmark = pytest.mark.requirement("follow:stop-file:what-cannot-be-told-counts")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "run"
    made.mkdir()
    return made


def looked(path):
    return StopFile(path).is_there


def test_it_is_there_or_not(folder, caplog):
    """The plain case, announced in the log both times."""
    caplog.set_level("CRITICAL", "resource_lib.revocation")
    now = [0.0]
    stop = StopFile(folder / "STOP", clock=lambda: now[0])
    before = stop.is_there
    (folder / "STOP").touch()
    too_soon = stop.is_there
    now[0] += 0.5
    after = stop.is_there
    (folder / "STOP").unlink()
    now[0] += 0.5

    assert [False, False, True, False] == [before, too_soon, after, stop.is_there]
    assert ["stop_file.present", "stop_file.gone"] == [record.event for record in caplog.records]


def test_a_link_that_leads_nowhere_and_a_folder_of_that_name_count(folder):
    """The name counts, not where it leads: whoever can change the target must not be able to revive."""
    (folder / "link").symlink_to(folder / "nothing")
    (folder / "folder").mkdir()

    assert looked(folder / "link")
    assert looked(folder / "folder")


def test_a_folder_that_goes_counts(folder):
    """A volume that is no longer mounted says nothing about the file on it."""
    now = [0.0]
    stop = StopFile(folder / "STOP", clock=lambda: now[0])
    folder.rmdir()
    now[0] += 0.5

    assert stop.is_there


@pytest.mark.parametrize("error", [PermissionError, NotADirectoryError, OSError])
def test_whatever_else_goes_wrong_counts(folder, monkeypatch, error):
    """A test runs as root, who may read everything: so the system's answer is given by hand."""
    stop = StopFile(folder / "STOP")

    def refused(_):
        raise error

    monkeypatch.setattr(os, "lstat", refused)

    assert stop.look()


def test_a_folder_that_never_was_stops_the_start(tmp_path):
    """A misspelt path would be a glass that nobody can break."""
    with pytest.raises(SettingsError, match=r"stop_file: .* is no folder"):
        StopFile(tmp_path / "missing" / "STOP")


def test_it_is_given_or_found_in_the_environment(folder):
    """The contract: RESOURCE_GUARD_STOP_FILE."""
    environment = {"RESOURCE_GUARD_STOP_FILE": str(folder / "B")}

    assert folder / "A" == find(folder / "A", environment).path
    assert folder / "B" == find(None, environment).path
    assert find(None, {}) is None


def test_a_relative_path_means_where_the_server_was_started(folder, monkeypatch):
    """Else a change of folder would revive."""
    monkeypatch.chdir(folder)
    stop = StopFile("STOP")
    monkeypatch.chdir("/")

    assert folder / "STOP" == stop.path


def test_an_operator_is_told_when_it_is_there_and_when_everybody_could_remove_it(folder):
    """`doctor()`."""
    quiet = StopFile(folder / "STOP").warnings
    folder.chmod(folder.stat().st_mode | stat.S_IWOTH)
    (folder / "STOP").touch()

    assert [] == quiet
    assert ["is there, so everything is stopped", "everybody on this machine"] == [
        next(part for part in ("is there, so everything is stopped", "everybody on this machine") if part in said)
        for said in StopFile(folder / "STOP").warnings
    ]


@pytest.mark.requirement("follow:stop-file:stops-everything")
async def test_whoever_looks_for_it_goes_on_looking_when_something_could_not_be_stopped(folder):
    """One call that cannot be cancelled keeps no other from being cancelled the next time."""
    stop, told = StopFile(folder / "STOP"), []
    heard = asyncio.Event()

    def changed(_):
        told.append(stop.is_there)
        if len(told) == 1:
            raise RuntimeError
        heard.set()

    found = Revocations(
        channel=None,
        keys=None,
        resource="",
        max_life=1,
        max_staleness=1,
        read_staleness=1,
        stop_file=stop,
        changed=changed,
    )
    found.follow()
    stop.path.touch()
    await asyncio.wait_for(heard.wait(), 5)
    await found.aclose()

    assert [True, True] == told[:2]
