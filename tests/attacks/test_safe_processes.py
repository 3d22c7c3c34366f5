"""Plan: a tool runs a program with what I give. I want another program, an option of it, its secrets, or its time."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from resource_lib.safe import Program, ProgramError, UnsafeError

ECHO = "import sys, json; print(json.dumps(sys.argv[1:]))"


def python(code, **options):
    # -I: nothing of the environment counts; the code is the author's, what callers give are its arguments.
    return Program(sys.executable, "-I", "-c", code, interpreter="the code is the test's own", **options)


@pytest.mark.requirement("safe:processes:arguments-stay-arguments")
@pytest.mark.parametrize(
    "value",
    [
        "; id",
        "$(id)",
        "`id`",
        "| cat /etc/passwd",
        "&& id",
        "> /tmp/x",
        "*",
        "~",
        "$HOME",
        "a b",
        "a\nb",
        "'",
        '"',
        "\\",
        "%PATH%",
        "!!",
    ],
)
async def test_what_a_shell_would_read_is_a_text(value):
    """CWE-78, C26: no shell stands in between."""
    import json

    done = await python(ECHO).run(value)

    assert (0, ["--", value]) == (done.code, json.loads(done.text))


@pytest.mark.requirement("safe:processes:arguments-stay-arguments")
@pytest.mark.parametrize("value", ["--output=/etc/passwd", "-o", "--", "-", "--upload-pack=id"])
async def test_an_option_of_the_caller_is_no_option(value):
    """CWE-88: it stands after `--`, or is refused where the program knows no `--`."""
    assert value == python(ECHO).argv(value)[-1]
    assert "--" == python(ECHO).argv(value)[-2]
    with pytest.raises(UnsafeError):
        python(ECHO, separator=None).argv(value)


@pytest.mark.requirement("safe:processes:arguments-stay-arguments")
@pytest.mark.parametrize("value", ["a\0b", 7, None, ["a"], "x" * 5000, "\udcff"], ids=lambda value: repr(value)[:20])
async def test_a_value_that_is_no_argument_runs_nothing(value):
    """Ours: refused before anything runs."""
    with pytest.raises(UnsafeError):
        await python(ECHO).run(value)
    with pytest.raises(UnsafeError):
        python(ECHO).argv(*["a"] * 101)


@pytest.mark.requirement("safe:processes:programs-are-named")
@pytest.mark.parametrize(
    "name", ["sh", "bash", "/bin/sh", "/usr/bin/env", "ls", "./ls", "/no/such/program", "/tmp", "/bin/run.bat"]
)
def test_a_shell_a_launcher_or_a_name_without_a_path_is_no_program(name):
    """C26: `PATH` decides nothing, and what runs other programs is not run."""
    with pytest.raises(ValueError):
        Program(name)


@pytest.mark.requirement("safe:processes:programs-are-named")
def test_a_link_to_a_shell_is_a_shell(tmp_path):
    """CWE-59: by whatever name it is called, a link of either kind or one over others."""
    (tmp_path / "shell").symlink_to("/bin/sh")
    (tmp_path / "report").symlink_to(tmp_path / "shell")
    program(tmp_path / "python3.99")
    (tmp_path / "count").hardlink_to(tmp_path / "python3.99")

    for name in ("report", "count"):
        with pytest.raises(ValueError, match="runs whatever"):
            Program(tmp_path / name)


def program(path):
    """A file that may be run; it is never run here."""
    path.write_text("#!/bin/false\n", encoding="ascii")
    path.chmod(0o755)
    return path


RUN_THEIR_ARGUMENTS = """awk gawk gawk-5.1.0 mawk nawk setsid stdbuf perl perl5.36.0 python python3 python3.13t pypy3.10 PYTHON.EXE ruby3.2 node nodejs
    node-18 php8.2 lua5.4 flock chroot unshare nsenter env xargs nice ionice timeout time find ssh su sudo doas runuser busybox toybox coreutils
    bash-static bash5 dash rbash zsh fish pwsh cmd.exe nohup watch script parallel strace tclsh8.6 rscript sed m4 make vim less sqlite3 psql rsync
    socat tmux docker kubectl npx uv go java systemd-run start-stop-daemon ld-linux-x86-64.so.2""".split()  # noqa: SIM905
DO_NOT = """git ls cat grep wc sort head tar gzip convert ffmpeg pdftotext pandoc jq openssl dig file md5sum sha256sum b2sum base64 7z bzip2 x264 w3m
    ssh-keygen pg_dump python-report finder timedatectl makeinfo nodeinfo perldoc envsubst luacheck rubocop shellcheck gofmt""".split()  # noqa: SIM905


@pytest.mark.requirement("safe:processes:programs-are-named")
@pytest.mark.parametrize("name", RUN_THEIR_ARGUMENTS)
def test_whatever_runs_its_arguments_is_refused_in_any_version_unless_its_author_says_why(tmp_path, name):
    """C26, CWE-78: interpreters, launchers, pagers and editors alike; a reason alone is not enough, what it runs is written too."""
    path = program(tmp_path / name)

    with pytest.raises(ValueError, match="runs whatever"):
        Program(path, "report.py")
    with pytest.raises(ValueError, match="write it down"):
        Program(path, "report.py", interpreter=" ")
    for options in ((), ("-I",), ("--", "-x")):
        with pytest.raises(ValueError, match="first value of a caller"):
            Program(path, *options, interpreter="ours")

    assert (str(path), "-I", "report.py", "--", "a") == Program(path, "-I", "report.py", interpreter="ours").argv("a")


@pytest.mark.requirement("safe:processes:programs-are-named")
@pytest.mark.parametrize("name", DO_NOT)
def test_a_program_that_only_sounds_like_one_is_let_be(tmp_path, name):
    """Ours: a list that cries wolf would be switched off."""
    assert "a" == Program(program(tmp_path / name)).argv("a")[-1]


@pytest.mark.requirement("safe:processes:programs-are-named")
def test_of_a_file_that_is_many_programs_the_name_decides(tmp_path):
    """Alpine's `ls` is busybox, by a link of either kind."""
    whole = program(tmp_path / "busybox")
    (tmp_path / "wc").symlink_to(whole)
    (tmp_path / "ls").hardlink_to(whole)
    (tmp_path / "ash").hardlink_to(whole)

    assert ["a", "a"] == [Program(tmp_path / name).argv("a")[-1] for name in ("wc", "ls")]
    for name in ("busybox", "ash"):
        with pytest.raises(ValueError):
            Program(tmp_path / name)


@pytest.mark.requirement("safe:processes:programs-are-named")
@pytest.mark.parametrize("name", ["run.bat", "run.CMD", "run.ps1"])
def test_what_windows_hands_to_a_shell_is_refused_whatever_is_said(tmp_path, name):
    """CVE-2024-24576: its arguments are read twice."""
    with pytest.raises(ValueError, match="read by a shell"):
        Program(program(tmp_path / name), "x", interpreter="ours")


@pytest.mark.requirement("safe:processes:see-little-and-end")
async def test_the_environment_is_empty_but_for_what_the_author_gives(monkeypatch):
    """CWE-526: our credentials are not the program's."""
    monkeypatch.setenv("RESOURCE_GUARD_CLIENT_SECRET_FILE", "/run/secret")

    done = await python("import os; print(sorted(os.environ))", environment={"MARK": "1"}).run()

    assert {"LANG", "MARK", "PATH"} >= set(eval(done.text)) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}


@pytest.mark.requirement("safe:processes:see-little-and-end")
async def test_one_that_does_not_end_is_ended_with_all_it_has_started(tmp_path):
    """CWE-400: its children too, which would go on holding what they have."""
    mark = tmp_path / "pid"
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(mark)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    began = time.monotonic()

    with pytest.raises(ProgramError, match="longer"):
        await python(code, seconds=3).run()

    assert time.monotonic() - began < 20
    child = int(mark.read_text())
    for _ in range(500):
        if not _runs(child):
            break
        await asyncio.sleep(0.01)
    assert not _runs(child)


def _runs(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.requirement("safe:processes:see-little-and-end")
async def test_one_that_says_too_much_is_ended():
    """CWE-400: what it says is bounded."""
    with pytest.raises(ProgramError, match="more than 1000 bytes"):
        await python("while True: print('x' * 1000)", most_output=1000).run()


@pytest.mark.requirement("safe:processes:see-little-and-end")
async def test_input_goes_in_and_the_exit_code_comes_out():
    """Ours: a program that fails is told apart from one that was stopped."""
    done = await python("import sys; print(sys.stdin.read().upper()); sys.exit(3)").run(stdin=b"hello")

    assert (3, "HELLO\n", b"") == (done.code, done.text, done.errors)
