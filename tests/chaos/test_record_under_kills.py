"""
The server, a worker, a guard and the database are killed in the middle of mixed load; afterwards nothing in the record is lost or doubled.

A short form runs with every suite. `make chaos` runs fifty seeds, each with four kills, one of each kind, for each database;
`CHAOS_SEEDS=50-99` runs others. Each run is a line of `build/chaos/record.jsonl`, so that runs add up.
"""

import asyncio
import json
import os
import random
import time
from pathlib import Path

import httpx2
import pytest

from tests.support.crashing import KINDS, Crashing
from tests.support.mixed_load import PATIENCE_S, MixedLoad
from tests.support.postgres import postgres_server
from tests.support.reckoning import MOST_UNSYNCED, exported, newest_checkpoint, reckon, verified
from tests.support.server import DATABASES, Templates

RESULTS = Path(__file__).resolve().parents[2] / "build" / "chaos" / "record.jsonl"
SHORT = {"sqlite": KINDS, "postgresql": ("guard", "database")}
"""Of every suite. What dies with the server or a worker is the same on both; `make chaos` kills everything on each."""


def seeds() -> range:
    """Return those of this run."""
    first, _, last = os.environ.get("CHAOS_SEEDS", "0-49" if "CHAOS" in os.environ else "0-0").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.fixture(params=DATABASES)
def database(request, templates, tmp_path_factory):
    """Yield a kind of database, templates for it, and its server: one of our own, since it is killed."""
    if request.param == "sqlite":
        yield request.param, templates, None
        return
    with postgres_server(durable=True) as running:
        yield request.param, Templates(tmp_path_factory.mktemp("worlds"), lambda: running), running


async def all_is_told(crashing: Crashing) -> None:
    """Wait until nothing waits at the guards."""
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as http, asyncio.timeout(180):
        for port in crashing.fleet.ports:
            while (await crashing.fleet.up(http, port))["record"]["waiting"]:
                await asyncio.sleep(0.05)


def kept(line: dict) -> dict:
    """Add a line to the file of results; return what all its lines for this database come to."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    lines = [json.loads(one) for one in RESULTS.read_text(encoding="utf-8").splitlines()]
    runs = {one["seeds"]: one for one in lines if one["database"] == line["database"]}
    return {"runs": len(runs), "kills": sum(sum(one["kills"].values()) for one in runs.values())}


@pytest.mark.slow
@pytest.mark.requirement("outages:kills:nothing-is-lost-or-doubled")
async def test_whatever_is_killed_nothing_acknowledged_is_lost_and_no_write_runs_unrecorded(database, tmp_path):
    """R-01, R-15: kill -9 of each process in turn, in an order and at moments that a seed decides."""
    kind, templates, postgres = database
    run, kinds = seeds(), KINDS if "CHAOS" in os.environ else SHORT[kind]
    crashing = Crashing(templates, kind, tmp_path, postgres)
    await crashing.start()
    load = MixedLoad(crashing.workers, crashing.fleet, random.Random(run[0]))
    saved: list[str] = []
    begun = time.monotonic()
    try:
        await load.begin()
        for seed in run:
            load.seed, chance = str(seed), random.Random(seed)
            for what in chance.sample(kinds, len(kinds)):
                await load.goes_on()
                await asyncio.sleep(chance.uniform(0, 0.4))
                await crashing.kill(what, chance)
            saved += filter(None, [await newest_checkpoint(crashing.workers)])
        await load.goes_on()
        await load.end()
        await all_is_told(crashing)
        await asyncio.to_thread(crashing.fleet.stop)
        found, key = await exported(crashing.workers, tmp_path / "t1.ndjson")
    except BaseException:
        print(f"\nseed {load.seed}; again: {again(kind, run)}\n{crashing.workers.log.read_text()[-4000:]}")
        raise
    finally:
        await crashing.stop()
        crashing.workers.place.discard()
    found_wrong = reckon(load.notes, crashing.fleet, found, crashing.guards_killed)
    wrong = [*found_wrong.wrong, *filter(None, [verified(tmp_path / "t1.ndjson", key, saved)])]
    slowest = max(one.answered - one.asked for one in load.notes.calls if one.answered is not None)
    line = {
        "database": kind, "seeds": f"{run[0]}-{run[-1]}", "kills": dict(crashing.kills), **found_wrong.figures,
        "checkpoints": len(set(saved)), "wrong": len(wrong), "slowest_s": round(slowest, 1), "seconds": round(time.monotonic() - begun),
    }  # fmt: skip
    if "CHAOS" in os.environ:
        line["so_far"] = kept(line)
    print(f"\n{json.dumps(line)}")
    print("\n".join(wrong[:20]))
    assert [] == wrong[:20], f"again: {again(kind, run)}"
    assert found_wrong.figures["written"] > 4 * len(run) and set(kinds) == set(crashing.kills)
    assert found_wrong.figures["unsynced"] <= MOST_UNSYNCED * crashing.kills["guard"]
    assert slowest < PATIENCE_S


def again(kind: str, run: range) -> str:
    """Return the command that does it again."""
    return f"CHAOS_SEEDS={run[0]}-{run[-1]} make chaos ARGS='-k \"unrecorded and {kind}\" -s'"
