"""
Programs whose arguments are programs: shells, interpreters, launchers, and whatever has a command of its own that runs another.

Known by name, whatever version stands behind it (`python3.13`, `gawk-5.1`, `bash-static`), where the links lead, and by what else the same
file is called. CWE-78, C26. A name is a guess: a copy of a shell under another name is not seen, and no list is whole.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SHELLS: Final = """sh bash dash ash zsh ksh ksh93 mksh pdksh oksh yash posh fish csh tcsh rc es elvish nu xonsh rbash rzsh rksh sash git-shell
    cmd powershell pwsh""".split()  # noqa: SIM905
_INTERPRETERS: Final = """awk gawk mawk nawk original-awk perl python pythonw pypy micropython ipython jython ruby jruby irb erb node nodejs deno
    bun tsx ts-node php php-cgi php-fpm hhvm lua luajit texlua tclsh wish expect guile racket sbcl clisp ecl csi clojure clj bb julia r rscript
    octave matlab gnuplot java jshell kotlin scala groovy dotnet mono swift ghci runghc runhaskell erl escript elixir iex ocaml gjs qjs osascript
    cscript wscript mshta m4 dc sed make gmake bmake ninja just rake gs ghostscript lldb gdb""".split()  # noqa: SIM905
_LAUNCHERS: Final = """env xargs sudo sudoedit doas su runuser gosu su-exec pkexec setpriv capsh runcon sg newgrp chroot unshare nsenter setsid
    setarch linux32 linux64 nohup nice ionice chrt taskset numactl timeout time stdbuf unbuffer watch script scriptreplay parallel sem flock
    find fd fdfind entr inotifywait-run start-stop-daemon systemd-run at batch crontab run-parts ld.so ld-linux strace ltrace
    valgrind perf catchsegv proot fakeroot fakechroot firejail bwrap cgexec prlimit softlimit chpst tini dumb-init s6-setuidgid envdir ssh slogin
    mosh rsh rlogin telnet sshpass autossh scp sftp ftp rsync socat nc ncat netcat busctl dbus-launch xvfb-run screen tmux rlwrap docker podman
    nerdctl kubectl oc crictl ctr lxc lxc-attach lxc-execute machinectl flatpak snap npx npm pnpm yarn uv uvx pipx poetry rustup cargo go wine
    wmic rundll32 regsvr32 forfiles msbuild installutil""".split()  # noqa: SIM905
_WITH_COMMANDS_OF_THEIR_OWN: Final = """vi vim nvim view ex ed red rvim vimdiff emacs emacsclient less more most man mail mailx mutt sqlite
    sqlite3 psql mysql mariadb mongo mongosh""".split()  # noqa: SIM905
_MANY_IN_ONE: Final = frozenset({"busybox", "toybox", "coreutils"})
"""One file that is what it is called by: its `ls` is no shell, and it is one itself."""

LAUNCHERS: Final = frozenset({*_SHELLS, *_INTERPRETERS, *_LAUNCHERS, *_WITH_COMMANDS_OF_THEIR_OWN, *_MANY_IN_ONE})

_UNMISTAKABLE: Final = frozenset(
    {
        "sh",
        "bash",
        "zsh",
        "powershell",
        "pwsh",
        "awk",
        "gawk",
        "perl",
        "python",
        "ruby",
        "nodejs",
        "deno",
        "php",
        "lua",
        "rscript",
        "tclsh",
    }
)
"""Those whose name means nothing else when it is the value of an argument."""

_SPLIT: Final = re.compile(r"([a-z][a-z_+-]*?)(?:[-_.]?v?[0-9].*|[-_.](?:static|dbg|debug|nightly|stable|lts|musl))")
_PLACES: Final = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin")


def is_launcher(name: str) -> bool:
    """Whether a program of this name runs what its arguments say."""
    return any(one in LAUNCHERS or one.startswith("ld-linux") for one in _plain(name))


def is_interpreter(name: str) -> bool:
    """Whether this can be nothing but the name of a shell or an interpreter."""
    return any(one in _UNMISTAKABLE for one in _plain(name))


def _plain(name: str) -> tuple[str, ...]:
    """Return a name in lower case, and without its version."""
    name = name.lower()
    for ending in (".exe", ".com"):
        name = name.removesuffix(ending)
    without_version = _SPLIT.fullmatch(name)
    return (name,) if without_version is None else (name, without_version[1])


def called(path: Path) -> str | None:
    """Return the name under which a program runs what its arguments say; None: it does not."""
    real = Path(os.path.realpath(path))
    if is_launcher(path.name):
        return path.name
    if real.name in _MANY_IN_ONE:
        return None
    twins = [real.name, *_other_names(real)]
    if any(name in _MANY_IN_ONE for name in twins):
        return None
    return next((name for name in twins if is_launcher(name)), None)


def _other_names(path: Path) -> Iterator[str]:
    """Yield what else the same file is called, where programs are kept."""
    try:
        its = path.stat()
    except OSError:
        return
    if its.st_nlink < 2:
        return
    for place in dict.fromkeys((*_PLACES, str(path.parent))):
        try:
            with os.scandir(place) as entries:
                yield from (entry.name for entry in entries if entry.inode() == its.st_ino and _is(entry, its))
        except OSError:
            continue


def _is(entry: os.DirEntry[str], its: os.stat_result) -> bool:
    try:
        return os.path.samestat(entry.stat(follow_symlinks=False), its)
    except OSError:
        return False
