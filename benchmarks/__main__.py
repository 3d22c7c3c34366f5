"""
`make bench`: start each server in turn on one core, load it from another, print figures and ratios.

    python -m benchmarks                      three rounds of every flow, then what has no peer: about a quarter of an hour
    python -m benchmarks --quick              one short round: two minutes, to see that nothing broke
    python -m benchmarks --flow refresh --store postgresql --rounds 5
    python -m benchmarks stop                 how soon a stop reaches every guard, see benchmarks/stop/

Everything stays on loopback and in build/. A wrong answer of any server ends the run.
"""

import argparse
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from benchmarks import extras, flows, machine, ours, peer, report
from benchmarks.goals import FULL, GOALS, MEMORY, NORMAL, POSTGRESQL
from benchmarks.rounds import Row, measure
from benchmarks.stop.__main__ import main as stop
from benchmarks.targets import Target
from tests.support.postgres import PostgresServer, postgres_server

BUILD = ours.ROOT / "build" / "benchmarks"
ORDER = (
    ("oidc-provider", MEMORY),
    ("oidc-provider", NORMAL),
    ("oidc-provider", FULL),
    ("ours", FULL),
    ("oidc-provider", POSTGRESQL),
    ("ours", POSTGRESQL),
)
"""What is compared stands next to each other, so that it meets the same weather."""
STORES = (MEMORY, NORMAL, FULL, POSTGRESQL)
FLOWS = tuple(kind.name for kind in flows.KINDS)


def main(arguments: list[str]) -> int:
    """Run what was asked for. Returns 1 when a floor was broken by a quiet measurement."""
    if arguments[:1] == ["stop"]:
        return stop(arguments[1:])
    asked = _parser().parse_args(arguments)
    machine.pass_on_priority(os.getpid())
    # Defaults of a repeatable option would be added to, not replaced.
    asked.flow, asked.store = asked.flow or FLOWS, asked.store or STORES
    rounds, seconds, warm_s = (1, 1.5, 0.7) if asked.quick else (asked.rounds, asked.seconds, 1.5)
    about = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine.description(),
        "connections": asked.connections,
        "seconds": seconds,
        "rounds": rounds,
    }
    folder = None
    if not asked.skip_peer:
        folder = peer.install(BUILD)
        about["peer"] = peer.versions(folder)
    for name, value in about.items():
        print(f"{name:<12} {value}")
    print(f"\n{report.HEAD}", flush=True)
    rows: list[Row] = []
    said: dict[str, dict] = {}
    with ExitStack() as stack:
        postgres = None
        if POSTGRESQL in asked.store:
            postgres = stack.enter_context(postgres_server(durable=True))
            if postgres.pid is not None:
                machine.pass_on_priority(postgres.pid)
        for number in range(1, rounds + 1):
            for server, store in ORDER:
                names = [name for name in _flows_of(server, store) if name in asked.flow]
                if not names or store not in asked.store or (server != "ours" and folder is None):
                    continue
                with _running(server, store, folder=folder, postgres=postgres, people=asked.connections) as target:
                    rows += _measured(target, names, number=number, asked=asked, warm_s=warm_s, seconds=seconds)
        if not asked.skip_extras:
            said = _extras(postgres, seconds=seconds, connections=asked.connections)

    print(f"\nbest of {rounds} rounds (~: other programs used the machine)\n{report.HEAD}")
    for row in report.best_rows(rows):
        print(report.line(row))
    found = report.comparisons(rows)
    print("\n" + "\n".join(report.ratio_lines(found)))
    for title, figures in said.items():
        print(f"\n{title}")
        for name, value in figures.items():
            print(f"  {name:<58} {value:,.2f}" if isinstance(value, float) else f"  {name:<58} {value}")
    path = asked.json or BUILD / "latest.json"
    report.write_json(path, about=about, rows=rows, extras=said)
    print(f"\nevery round: {path}")
    return int(any("BROKEN" in each.verdict and "noisy" not in each.verdict for each in found))


def _flows_of(server: str, store: str) -> list[str]:
    wanted = {goal.flow for goal in GOALS if (goal.ours if server == "ours" else goal.peer) == store}
    return [kind.name for kind in flows.KINDS if kind.name in wanted]


@contextmanager
def _running(
    server: str, store: str, *, folder: Path | None, postgres: PostgresServer | None, people: int
) -> Iterator[Target]:
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch, ExitStack() as stack:
        core = machine.cores().server
        if server == "ours":
            started = ours.running(Path(scratch), store=store, core=core, postgres=postgres, people=people)
        else:
            assert folder is not None
            started = peer.running(folder, Path(scratch), store=store, core=core, postgres=postgres, people=people)
        yield stack.enter_context(started)


def _measured(
    target: Target, names: list[str], *, number: int, asked: argparse.Namespace, warm_s: float, seconds: float
) -> list[Row]:
    async def run() -> list[Row]:
        scene = await flows.open_scene(target)
        found = []
        for kind in flows.KINDS:
            if kind.name in names:
                row = await measure(
                    scene, kind, number=number, connections=asked.connections, warm_s=warm_s, seconds=seconds
                )
                print(report.line(row), flush=True)
                found.append(row)
        return found

    with machine.pinned(machine.cores().load):
        return uvloop.run(run())


def _extras(postgres: PostgresServer | None, *, seconds: float, connections: int) -> dict[str, dict]:
    core = machine.cores().server
    said: dict[str, dict] = {"token validation": extras.validation(core=core, rounds=20)}
    with _running("ours", FULL, folder=None, postgres=None, people=connections) as target:
        idle_mb = machine.resident_mb(target.pid)
        argon2_per_s = extras.argon2_alone(core=core, seconds=seconds)
        with machine.pinned(machine.cores().load):
            figures = uvloop.run(extras.logins(target, argon2_per_s=argon2_per_s, seconds=seconds))
        said["password logins"] = figures
        said["start and memory"] = {
            "first answer, seconds": target.first_answer_s,
            "resident MB, idle": idle_mb,
            "resident MB, after the load above": machine.resident_mb(target.pid),
        }
    if postgres is not None:
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch:
            said["two processes on one PostgreSQL"] = extras.two_processes(
                Path(scratch), postgres, run=uvloop.run, connections=connections, seconds=seconds
            )
    return said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=3, help="best of how many (default 3)")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement, after its warm-up (default 4)")
    parser.add_argument("--connections", type=int, default=16, help="keep-alive connections (default 16)")
    parser.add_argument("--flow", action="append", choices=FLOWS, help="only this flow; repeat for several")
    parser.add_argument("--store", action="append", choices=STORES, help="only this store; repeat for several")
    parser.add_argument("--skip-peer", action="store_true", help="measure ours alone; needs no Node")
    parser.add_argument("--skip-extras", action="store_true", help="only the flows")
    parser.add_argument("--json", type=Path, help="where every round goes (default build/benchmarks/latest.json)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
