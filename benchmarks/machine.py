"""
What makes a figure believable: which core did the work, whose time it was, and how much of it was stolen.

Linux shows these in `/proc`. Elsewhere nothing is pinned and these figures are missing, which the report says.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
QUIET_STEAL = 5.0
"""Percent of a core taken by the hypervisor above which a round does not count."""


@dataclass(frozen=True, kw_only=True)
class Cores:
    """Where the server runs, and where the load comes from. None: not pinned."""

    server: int | None
    load: int | None


def cores() -> Cores:
    """Return two cores of ours; with fewer, or where processes cannot be pinned, nothing is."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(server=None, load=None)
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        return Cores(server=None, load=None)
    return Cores(server=free[0], load=free[1])


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Run the block on one core; a process started inside stays there with all its threads."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pass_on_priority(pid: int) -> None:
    """Give a process that began a session of its own the priority that we were started with (`nice -n -15 …`).

    Linux schedules sessions as groups ("autogroup"), in which a nice value alone counts for nothing against others.
    """
    with suppress(OSError):
        (PROC / str(pid) / "autogroup").write_text(str(os.nice(0)))


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Processor time so far, in seconds: of the whole machine, and of the processes that matter here."""

    busy: float
    stolen: float
    server: float
    database: float
    load: float


def clocks(*, server: int, database: int | None) -> Clocks:
    """Read the clocks; `server` and `database` are process ids whose children count too."""
    busy = stolen = 0.0
    if (PROC / "stat").exists():
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, (PROC / "stat").read_text().splitlines()[0].split()[1:9]
        )
        busy, stolen = (user + nice + system + irq + softirq) / TICKS, steal / TICKS
    times = os.times()
    return Clocks(
        busy=busy,
        stolen=stolen,
        server=sum(map(_cpu_seconds, family(server))),
        database=sum(map(_cpu_seconds, family(database))) if database else 0.0,
        load=times.user + times.system,
    )


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How the time between two readings was used, in percent of one core; processor seconds where it says so."""

    server_s: float
    database_s: float
    server: float
    load: float
    stolen: float
    other: float
    """Whatever else ran on this machine meanwhile."""


def shares(before: Clocks, after: Clocks, seconds: float) -> Shares:
    """Compare two readings taken `seconds` apart."""
    server, database = after.server - before.server, after.database - before.database
    load = after.load - before.load
    other = max(0.0, after.busy - before.busy - server - database - load)
    return Shares(
        server_s=server,
        database_s=database,
        server=100 * server / seconds,
        load=100 * load / seconds,
        stolen=100 * (after.stolen - before.stolen) / seconds,
        other=100 * other / seconds,
    )


def family(root: int) -> list[int]:
    """Return a process and all its descendants, as far as they still run."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            for task in (PROC / str(pid) / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def resident_mb(root: int) -> float:
    """Return the resident memory of a process and its descendants, in MB; shared pages are counted for each."""
    pages = 0
    for pid in family(root):
        try:
            pages += int((PROC / str(pid) / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def description() -> dict[str, str]:
    """Return what this machine is, for the report."""
    model = platform.processor() or platform.machine()
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        # Not the whole release: it names whoever built the kernel.
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }


def _cpu_seconds(pid: int) -> float:
    try:
        # The name in parentheses may hold spaces; times are the 14th and 15th field of the whole line.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
