"""What has no peer: password logins beside argon2id alone, memory, the first answer, two processes on one PostgreSQL."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import flows, machine, ours
from benchmarks.rounds import Row, measure
from benchmarks.targets import Target
from tests.support.postgres import PostgresServer

LOGINS = 4
"""Connections that log in, one after the other, without pause."""

_KINDS = {kind.name: kind for kind in flows.KINDS}


def argon2_alone(*, core: int | None, seconds: float) -> float:
    """Return how many passwords per second the server's core verifies when it does nothing else, with our parameters."""
    command = [sys.executable, "-m", "benchmarks.extras", str(seconds)]
    with machine.pinned(core):
        done = subprocess.run(command, cwd=ours.ROOT, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return float(done.stdout)


async def logins(target: Target, *, argon2_per_s: float, seconds: float) -> dict[str, float]:
    """Measure whole password logins, and what they do to the others: client_credentials without and with them."""
    scene = await flows.open_scene(target)
    login, token = _KINDS["code_with_login"], _KINDS["client_credentials"]
    alone = await measure(scene, login, number=1, connections=LOGINS, warm_s=1, seconds=seconds)
    calm = await measure(scene, token, number=1, connections=12, warm_s=1, seconds=seconds)
    beside = [await login.prepare(scene, place) for place in range(LOGINS)]
    busy = await measure(scene, token, number=1, connections=12, warm_s=1, seconds=seconds, beside=beside)
    return {
        "argon2id alone, verifications/s": argon2_per_s,
        "whole logins/s": alone.per_second,
        "share of argon2id alone": alone.per_second / argon2_per_s,
        "login p50 ms": alone.p50_ms,
        "client_credentials/s, nobody logs in": calm.per_second,
        "client_credentials/s, meanwhile": busy.per_second,
        "client_credentials p99 ms, nobody logs in": calm.p99_ms,
        "client_credentials p99 ms, meanwhile": busy.p99_ms,
        "p99 ratio": busy.p99_ms / calm.p99_ms,
    }


async def processes(target: Target, *, connections: int, seconds: float) -> dict[str, Row]:
    """Measure writes and reads at a server, however many processes it has."""
    scene = await flows.open_scene(target)
    return {
        name: await measure(scene, _KINDS[name], number=1, connections=connections, warm_s=1, seconds=seconds)
        for name in ("client_credentials", "refresh", "jwks")
    }


def validation(*, core: int | None, rounds: int) -> dict[str, str]:
    """Return what a token costs a resource server, cold and warm, beside the raw signature check; see `validator`."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.validator",
        "--json",
        "--rounds",
        str(rounds),
        "--core",
        str(core or 0),
    ]
    done = subprocess.run(command, cwd=ours.ROOT, capture_output=True, text=True, check=True, timeout=300)
    return {
        f"{line['algorithm']} {line['candidate']}": f"{line['us']:.1f} µs, {line['over_raw_us']:+.1f} over raw"
        for line in json.loads(done.stdout)
    }


def two_processes(
    scratch: Path, postgres: PostgresServer, *, run, connections: int, seconds: float
) -> dict[str, float]:
    """Compare one process with two on one PostgreSQL; nothing is pinned, and the load shares the machine."""
    found: dict[int, dict[str, Row]] = {}
    for workers in (1, 2):
        folder = scratch / f"workers-{workers}"
        folder.mkdir()
        with ours.running(
            folder, store="postgresql", core=None, postgres=postgres, people=connections, workers=workers
        ) as target:
            found[workers] = run(processes(target, connections=connections, seconds=seconds))
    said: dict[str, float] = {}
    for name, one in found[1].items():
        two = found[2][name]
        said[f"{name}/s, one process"] = one.per_second
        said[f"{name}/s, two processes"] = two.per_second
        said[f"{name} ratio"] = two.per_second / one.per_second
        said[f"{name} processor µs per unit, one and two"] = round(one.server_us), round(two.server_us)  # type: ignore[assignment]
    return said


def _verify_for(seconds: float) -> float:
    from argon2 import PasswordHasher

    from authserver.settings import Settings

    settings = Settings()
    hasher = PasswordHasher(
        time_cost=settings.password_time_cost, memory_cost=settings.password_memory_kib, parallelism=1
    )
    hashed = hasher.hash("correct horse")

    def work(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            hasher.verify(hashed, "correct horse")
            count += 1
        return count

    began = time.perf_counter()
    with ThreadPoolExecutor(settings.password_workers) as pool:
        counts = list(pool.map(work, [began + seconds] * settings.password_workers))
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(_verify_for(float(sys.argv[1])))
