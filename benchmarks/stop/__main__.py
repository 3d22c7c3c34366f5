"""
`python -m benchmarks stop`: how soon and how surely a stop reaches every guard.

    python -m benchmarks stop                          everything: twenty guards, both databases, about half an hour
    python -m benchmarks stop --publish                the same, and its figures go into docs/performance.md
    python -m benchmarks stop --quick                  three guards and a few trials, to see that nothing broke
    python -m benchmarks stop --part feed-up --part faults --store sqlite

Real processes on this machine: one server, one process for each guard, and one for the wire between them, which can be cut, go
silent, be late, reorder and lose. Somebody is called for at every guard twenty times a second until they are refused. The run fails
when a write began later after a stop than a guard may be out of date, or when somebody who was refused as stopped was served again.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks import machine
from benchmarks.stop import at_once, busy, herd, publish, trials
from benchmarks.stop.cable import Fault
from benchmarks.stop.deployment import KINDS, Deployment, deployed
from benchmarks.stop.trials import Result
from tests.support.postgres import PostgresServer, postgres_server

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "benchmarks"
STORES = ("sqlite", "postgresql")
PARTS = ("feed-up", "faults", "at-once", "busy", "herd")


def main(arguments: list[str]) -> int:
    """Run what was asked for. Returns 1 when something happened that must not."""
    asked = _filled(_parser().parse_args(arguments))
    machine.pass_on_priority(os.getpid())
    said = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine.description(),
        "guards": asked.guards,
        "max_staleness_s": asked.max_staleness,
        "stores": {},
    }
    broken: list[str] = []
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server(durable=True)) if "postgresql" in asked.store else None
        if postgres is not None and postgres.pid is not None:
            machine.pass_on_priority(postgres.pid)
        for store in asked.store:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stop-", ignore_cleanup_errors=True)))
            found = asyncio.run(_measured(folder, asked, postgres if store == "postgresql" else None, broken))
            said["stores"][store] = found
    # Its own processes count in it: about five; what is more was somebody else's.
    said["load_average"] = os.getloadavg()[2]
    BUILD.mkdir(parents=True, exist_ok=True)
    path = asked.json or BUILD / "stop.json"
    path.write_text(json.dumps(said, indent=1))
    print("\n" + publish.text(said))
    print(f"everything: {path}")
    if asked.publish:
        publish.into(ROOT / "docs" / "performance.md", said)
    for each in broken:
        print(f"BROKEN: {each}")
    return int(bool(broken))


async def _measured(
    folder: Path, asked: argparse.Namespace, postgres: PostgresServer | None, broken: list[str]
) -> dict:
    store = "postgresql" if postgres else "sqlite"
    faults = list(trials.faults(asked.max_staleness)) if postgres is None else []
    windows = asked.windows if "faults" in asked.part else 0
    rest = ["server killed", *(["database restarted"] if postgres else [])]
    faults = [name for name in (*faults, *rest) if not asked.fault or any(word in name for word in asked.fault)]
    customers = asked.rounds + windows * len(faults) + 5
    found: dict = {"faults": {}}
    async with deployed(
        folder,
        database=postgres.empty_database() if postgres else None,
        customers=customers,
        guards=asked.guards,
        max_staleness=asked.max_staleness,
        probes_per_s=asked.probes,
    ) as deployment:
        _say(store, f"{asked.guards} guards follow")
        if "feed-up" in asked.part:
            result = await trials.with_the_feed_up(deployment, asked.rounds)
            found["feed_up"] = _kept(result)
            _judged(store, result, asked.max_staleness, broken)
        if "faults" in asked.part:
            for number, name in enumerate(faults):
                result = await _under(name, deployment, postgres, windows, asked.rounds + number * windows)
                found["faults"][name] = _kept(result)
                _judged(store, result, asked.max_staleness, broken)
        if "at-once" in asked.part:
            found["at_once"] = await at_once.measured(deployment, postgres, many=asked.many)
            _say(store, f"{asked.many:,} at once: {found['at_once']}")
        if "busy" in asked.part:
            found["busy"] = await busy.measured(deployment, connections=64, times=asked.busy_times)
            _say(store, f"busy: {found['busy']}")
        if "herd" in asked.part:
            found["herd"] = await herd.measured(deployment, followers=50)
            _say(store, f"herd: {found['herd']}")
    return found


async def _under(
    name: str, deployment: Deployment, postgres: PostgresServer | None, windows: int, first_round: int
) -> Result:
    async def begin() -> None:
        if name == "server killed":
            await asyncio.to_thread(deployment.kill_server)
        elif name == "database restarted":
            assert postgres is not None
            await asyncio.to_thread(postgres.crash)
        else:
            await trials.fail(deployment, trials.faults(deployment.setup.max_staleness)[name])

    async def end() -> None:
        if name == "server killed":
            deployment.start_server()
            await asyncio.to_thread(deployment.wait_for_server)
        elif name == "database restarted":
            assert postgres is not None
            await asyncio.to_thread(postgres.start_again)
        else:
            await deployment.fault(Fault())

    return await trials.under(
        name, deployment, windows, begin=begin, end=end, seed=first_round, first_round=first_round
    )


def _judged(store: str, result: Result, bound: float, broken: list[str]) -> None:
    curve = publish.curve(result.after())
    latest = result.latest_write_s
    _say(store, f"{result.name:<28} stops {len(result.seen):>6}  {curve}  latest write {latest:+.2f} s after")
    if latest > bound:
        broken.append(
            f"{store}, {result.name}: a write began {latest:.2f} s after its stop, and {bound} s is the bound"
        )
    if result.rose_again:
        broken.append(f"{store}, {result.name}: {result.rose_again} calls began after a refusal as stopped")


def _kept(result: Result) -> dict:
    return {
        "seen": len(result.seen),
        "curve": publish.quantiles(result.after()),
        "by_kind": {kind: publish.quantiles(result.after(kind)) for kind in KINDS},
        "latest_write_s": result.latest_write_s,
        "rose_again": result.rose_again,
        "stale": sum(one.stale for one in result.seen),
        "revived": publish.quantiles(sorted(result.revived_after_s)),
        "recovered": publish.quantiles(sorted(result.recovered_after_s)),
        "all": [asdict(one) for one in result.seen],
    }


def _say(store: str, words: str) -> None:
    print(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {store:<11} {words}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks stop", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="three guards, a few trials, a shorter bound")
    parser.add_argument("--guards", type=int, default=20, help="guard processes (default 20)")
    parser.add_argument("--rounds", type=int, default=100, help="trials of each kind with the feed up (default 100)")
    parser.add_argument("--windows", type=int, default=5, help="of each fault; seven stops in each (default 5)")
    parser.add_argument("--probes", type=float, default=20, help="calls a second for each subject (default 20)")
    parser.add_argument(
        "--many", type=int, default=1_000_000, help="authorizations that end at once (default a million)"
    )
    parser.add_argument("--busy-times", type=int, default=10, help="stops while the server is busy (default 10)")
    parser.add_argument("--max-staleness", type=float, default=5.0, help="the guards' bound in seconds (default 5)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; repeat for several")
    parser.add_argument("--fault", action="append", help="only faults with this word in their name; repeat for several")
    parser.add_argument("--store", action="append", choices=STORES, help="only on this database; repeat for both")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--json", type=Path, help="where everything goes (default build/benchmarks/stop.json)")
    return parser


def _filled(asked: argparse.Namespace) -> argparse.Namespace:
    """Fill in what depends on other arguments."""
    asked.part, asked.store = asked.part or PARTS, asked.store or STORES
    if asked.quick:
        asked.guards, asked.rounds, asked.windows, asked.many = 3, 3, 1, 20_000
        asked.max_staleness, asked.busy_times = min(asked.max_staleness, 2.0), 2
    return asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
