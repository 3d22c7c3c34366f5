"""Plan: a tool reads files of one folder by the names that I give. I want any other file, or to write over one."""

import os
import threading
from pathlib import Path

import pytest

from resource_lib.safe import Root, UnsafeError

OUT = [
    "../secret.txt", "a/../../secret.txt", "..", ".", "", "/etc/passwd", "//etc/passwd", "\\etc\\passwd", "..\\secret.txt",
    "C:\\Windows\\win.ini", "C:secret.txt", "a//b", "a/", "./a", "a/./b", "notes.md\0.png", "notes.md\n", "no\u202etes.md",
    "\uff0e\uff0e/secret.txt", "\u2025/secret.txt", "..\uff0fsecret.txt", "a\uff3cb", "~/secret.txt", "~root/x",
    ".git/config", ".env", "\uff0egit/config", "nul", "CON", "con.txt", "COM1", "lpt9.log", "COM\u00b9", "aux.h", "conin$",
    "notes.md.", "notes.md ", " notes.md", "con .txt", "COM1 .a.b", "\uff23\uff2f\uff2e.txt", "lpt\u2081",
    "notes.md\u2024", "notes.md\uff0e", "notes.md\u00a0", "\u3000notes.md", "a\u2028b", "\u200bnotes.md", "no\u00adtes.md", "..namedfork/rsrc",
    "PROGRA~1", "PROGRA\uff5e1", "\uff5eroot/x", "notes.md::$DATA", "notes.md:x", "a|b", "a*", "a?", '"a"', "<a>",
    "x" * 257, "a/" * 40 + "b", 7, None, b"notes.md", Path("notes.md"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A folder with notes, beside a secret."""
    inside = tmp_path / "root"
    (inside / "a").mkdir(parents=True)
    (inside / "notes.md").write_text("notes", encoding="utf-8")
    (inside / "a" / "deep.md").write_text("deep", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
    return inside


@pytest.mark.requirement("safe:paths:stay-inside")
@pytest.mark.parametrize("name", OUT, ids=repr)
def test_a_name_that_could_mean_something_else_is_refused_everywhere(folder, name):
    """CWE-22, C30: upwards, absolute, devices, other encodings of all that; on any system, whichever runs the test."""
    root = Root(folder)

    for attempt in (root.resolve, root.open, root.read, lambda one: root.write(one, "x", overwrite=True)):
        with pytest.raises(UnsafeError) as refused:
            attempt(name)
        assert str(folder) not in str(refused.value)
        assert not isinstance(name, str) or len(name) < 3 or name not in str(refused.value)
    assert {"a", "notes.md"} == {path.name for path in folder.iterdir()}


@pytest.mark.requirement("safe:paths:stay-inside")
@pytest.mark.parametrize("name", ["notes.md", "a/deep.md"])
def test_a_plain_name_is_read(folder, name):
    """C30: what is inside is inside."""
    assert Root(folder).read_text(name) in {"notes", "deep"}
    assert folder / name == Root(folder).resolve(name)


@pytest.mark.requirement("safe:paths:links-lead-nowhere")
@pytest.mark.parametrize("target", ["../secret.txt", "{outside}/secret.txt", "notes.md"])
def test_a_link_is_not_followed_not_even_inside(folder, target):
    """CWE-59: whoever may put a link there would choose what is read, or written over."""
    (folder / "link.md").symlink_to(target.format(outside=folder.parent))
    root = Root(folder)

    with pytest.raises(UnsafeError):
        root.read("link.md")
    with pytest.raises(UnsafeError):
        root.write("link.md", "mine", overwrite=True)

    assert "SECRET" == (folder.parent / "secret.txt").read_text(encoding="utf-8")


@pytest.mark.requirement("safe:paths:links-lead-nowhere")
def test_a_folder_that_is_a_link_is_not_entered(folder):
    """CWE-59: in the middle of a path too."""
    (folder / "out").symlink_to(folder.parent, target_is_directory=True)
    root = Root(folder)

    for attempt in (
        lambda: root.read("out/secret.txt"),
        lambda: root.write("out/new.txt", "x"),
        lambda: root.resolve("out/x"),
    ):
        with pytest.raises(UnsafeError):
            attempt()
    assert not (folder.parent / "new.txt").exists()


@pytest.mark.requirement("safe:paths:links-lead-nowhere")
def test_whoever_swaps_a_folder_for_a_link_while_it_is_opened_gains_nothing(folder):
    """CWE-367: two thousand readings while a folder becomes a link to the outside and back, a thousand times a second."""
    (folder.parent / "deep.md").write_text("SECRET", encoding="utf-8")
    root, stop = Root(folder), threading.Event()

    def swap():
        while not stop.is_set():
            (folder / "a").rename(folder / "b")
            (folder / "a").symlink_to(folder.parent)
            (folder / "a").unlink()
            (folder / "b").rename(folder / "a")

    swapping = threading.Thread(target=swap)
    swapping.start()
    said = set()
    try:
        for _ in range(2000):
            try:
                said.add(root.read_text("a/deep.md"))
            except UnsafeError:
                said.add("refused")
    finally:
        stop.set()
        swapping.join()

    assert "SECRET" not in said
    assert {"deep", "refused"} >= said


@pytest.mark.requirement("safe:paths:plain-files-alone")
def test_what_is_no_plain_file_is_not_opened_and_nobody_waits_for_a_pipe(folder):
    """Ours: a pipe would hold the caller for ever, a device would never end."""
    os.mkfifo(folder / "pipe")
    root = Root(folder)

    for name in ("pipe", "a"):
        with pytest.raises(UnsafeError):
            root.read(name)


@pytest.mark.requirement("safe:paths:plain-files-alone")
def test_files_are_bounded_and_kept_unless_somebody_says_otherwise(folder):
    """Ours: a large file is refused before it fills the memory; a file that is there stays."""
    root = Root(folder, only=[".md"])
    (folder / "large.md").write_bytes(b"x" * 1001)

    with pytest.raises(UnsafeError, match="larger"):
        root.read("large.md", most=1000)
    with pytest.raises(UnsafeError, match="already"):
        root.write("notes.md", "mine")
    with pytest.raises(UnsafeError, match="ending"):
        root.write("notes.sh", "mine")
    root.write("NEW.MD", "new")
    root.write("notes.md", "mi", overwrite=True)

    assert ("new", "mi") == (root.read_text("NEW.MD"), root.read_text("notes.md"))


@pytest.mark.requirement("safe:paths:stay-inside")
def test_where_the_system_cannot_open_step_by_step_the_real_path_is_compared(folder, monkeypatch):
    """C30: realpath, as on Windows."""
    monkeypatch.setattr("resource_lib.safe.paths._IS_RELATIVE_OPEN", False)
    (folder / "out").symlink_to(folder.parent, target_is_directory=True)
    root = Root(folder)

    assert "deep" == root.read_text("a/deep.md")
    with pytest.raises(UnsafeError):
        root.read("out/secret.txt")
