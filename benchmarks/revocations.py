"""
What it costs to know what is dead: one look at everything a call stands on, with ten thousand ended or stopped things of each kind.

    python -m benchmarks.revocations [--keys 10000] [--rounds 15] [--json]

In this process, on one core: `dead` asks about a token alone, `standing` about token, tool, server and freshness, as each decision
does; `acted` is that of an exchanged token with two who act in its chain. Beside them the same with nothing heard at all (`nothing`). µs each: p50, p99, and
`quiet`, the mean of the best tenth of the rounds in processor time; `bytes` is what one remembered thing takes.
"""

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable

from resource_lib.identity.principal import Principal
from resource_lib.revocation.lease import Lease
from resource_lib.revocation.standing import Standings
from resource_lib.revocation.state import State
from resource_lib.wire.control import Act, Event, Kind

RESOURCE = "https://mcp.example.com/mcp"
TENANT = "ten_a"


def caller(*, is_exchanged: bool = False) -> Principal:
    """Return a caller of whom nothing has ended."""
    return Principal(
        tenant=TENANT,
        subject="usr_a",
        client_id="https://apps.example.com/client.json",
        scopes=frozenset({"orders:read"}),
        authorization_id="aut_a",
        token_id="jti_a",
        issued_at=0,
        expires_at=600,
        control_number=10**9,
        key_id="kid_a",
        actor={"sub": "client:b", "act": {"sub": "client:c"}} if is_exchanged else None,
        authorized=("cli_up", "https://up.example.com/mcp") if is_exchanged else None,
    )


def heard(keys: int) -> State:
    """Return what is known once `keys` things of each kind were heard of."""
    state = State(resource=RESOURCE, max_life=3600)
    subjects: dict[Kind, tuple[Act, Callable[[int], dict[str, str | int]]]] = {
        Kind.TOKEN: (Act.END, lambda n: {"jti": f"jti_{n}", "exp": 3600}),
        Kind.AUTHORIZATION: (Act.END, lambda n: {"authorization_id": f"aut_{n}"}),
        Kind.USER: (Act.END, lambda n: {"sub": f"usr_{n}"}),
        Kind.CLIENT: (Act.KILL, lambda n: {"client_id": f"cli_{n}"}),
        Kind.CLIENT_HOST: (Act.KILL, lambda n: {"host": f"h{n}.example.com"}),
        Kind.KEY: (Act.END, lambda n: {"kid": f"kid_{n}"}),
        Kind.TOOL: (Act.KILL, lambda n: {"resource": RESOURCE, "tool": f"tool_{n}"}),
        Kind.TOOL_VERSION: (Act.KILL, lambda n: {"resource": RESOURCE, "tool": f"v_{n}", "definition_hash": "f" * 64}),
        Kind.RESOURCE: (Act.END, lambda n: {"resource": f"https://r{n}.example.com/mcp"}),
    }
    for kind, (act, subject) in subjects.items():
        state.take(Event(n=n, kind=kind, act=act, tenant=TENANT, subject=subject(n)) for n in range(1, keys + 1))
    state.take(Event(n=n, kind=Kind.TENANT, act=Act.END, tenant=f"ten_{n}", subject={}) for n in range(1, keys + 1))
    return state


def measured(*, keys: int, rounds: int, calls: int = 2000) -> dict[str, dict[str, float]]:
    """Return µs of each look, and the bytes of one remembered thing."""
    tracemalloc.start()
    state = heard(keys)
    size = tracemalloc.get_traced_memory()[0] / max(1, len(state))
    tracemalloc.stop()
    lease = Lease(max_staleness=1e9, read_staleness=1e9)
    lease.renew(lease.clock())
    standings = Standings(state=state, lease=lease, stop_file=None)
    empty = State(resource=RESOURCE, max_life=3600)
    state.tenants = empty.tenants = frozenset({TENANT})
    nothing = Standings(state=empty, lease=lease, stop_file=None)
    plain, exchanged = caller(), caller(is_exchanged=True)
    assert not state.dead(plain)
    assert not state.dead(exchanged)
    found = {
        "dead": _timed(lambda: state.dead(plain), rounds=rounds, calls=calls),
        "standing": _timed(lambda: standings.of(plain, "get_order"), rounds=rounds, calls=calls),
        "acted": _timed(lambda: standings.of(exchanged, "get_order"), rounds=rounds, calls=calls),
        "nothing": _timed(lambda: nothing.of(plain, "get_order"), rounds=rounds, calls=calls),
    }
    return {**found, "memory": {"things": len(state), "bytes": size}}


def _timed(work: Callable[[], object], *, rounds: int, calls: int) -> dict[str, float]:
    singles: list[int] = []
    means: list[float] = []
    clock = time.perf_counter_ns
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(calls):
            work()
        means.append((time.process_time() - began) / calls * 1e6)
        for _ in range(calls):
            start = clock()
            work()
            singles.append(clock() - start)
    singles.sort()
    return {
        "p50_us": singles[len(singles) // 2] / 1e3,
        "p99_us": singles[int(len(singles) * 0.99)] / 1e3,
        "quiet_us": statistics.mean(sorted(means)[: max(1, rounds // 10)]),
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.revocations")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = measured(keys=chosen.keys, rounds=chosen.rounds)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(f"{name:10}", "  ".join(f"{what} {value:.2f}" for what, value in figures.items()))


if __name__ == "__main__":
    main()
