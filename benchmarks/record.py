"""
What the record costs: taking events in, appending to a Merkle log, verifying an export of it, searching.

    python -m benchmarks.record ingest [--seconds 5] [--publish]       benchmarks/ingest.py
    python -m benchmarks.record search [--rows 10000000] [--publish]   benchmarks/searching.py
    python -m benchmarks.record append [--rows 300000] [--rounds 5] [--json]
    python -m benchmarks.record verify [--rows 300000] [--rounds 5] [--json]

Each beside a peer in the same run and rounds, interleaved: one plain SHA-256 over the same bytes, which nobody who checks anything can
do without. In this thread's processor time, the best of the rounds; the wall time stands beside it.

- `append`: leaf hashes into the range of a log, in bulk and in rounds of 1,000; the peer hashes the leaves once.
- `verify`: an export without payloads, from a file in the page cache, with a checkpoint every 4096 rows, every signature verified; the
  peer reads the same lines and hashes each. Also with payloads, each checked against its commitment.

It fails below 350,000 leaves/s or 200,000 rows/s (without payloads) on a quiet machine; `--floor 0.5` halves both for a busy one.
"""

import argparse
import hmac
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from benchmarks import ingest, machine, searching
from benchmarks.published import put
from resource_lib.verify import lines_of, verify
from resource_lib.wire.export import ClearPayload, ExportWriter
from resource_lib.wire.merkle import Range, leaf_hash
from resource_lib.wire.signed_note import Checkpoint, SignerKey, make_checkpoint

LEAVES_PER_S = 350_000
ROWS_PER_S = 200_000
KEY = SignerKey("auth.example.com/audit/acme", bytes(range(32)))
EVERY = 4096
PERFORMANCE = Path(__file__).parent.parent / "docs" / "performance.md"

Costs = dict[str, tuple[float, float]]


def header(index: int, commit: str = "") -> bytes:
    """Return a header as a tool call leaves it: about 600 bytes."""
    rules = '[["role","allow"],["scope","allow"],["input_schema","allow"],["limit","allow"]]'
    committed = f'"commit":"{commit}",' if commit else ""
    return (
        f'{{"about":{{"call":"{index:026x}","decision":"allowed","latency_us":{index % 9000},"phase":"outcome","policy_version":"2026-11-01.1",'
        f'"rules":{rules},"status":"ok","told_by":"srv_shop","token":"{index:064x}","tool":"orders_search","tool_class":"read"}},'
        f'"at":{1_790_000_000_000_000 + index},"authorization":"az_{index % 997:022x}","client":"https://agent.example.com/client.json",{committed}'
        f'"id":"{index:026x}","kind":"client:call:outcome","outcome":"done","resource":"https://shop.example.com/mcp","sub":"{index % 499:032x}","tenant":"acme","v":1}}'
    ).encode()


def best(rounds: int, **measured: Callable[[], None]) -> Costs:
    """Return the best processor and wall time of each, in seconds; one after the other in each round."""
    found: Costs = {}
    for _ in range(rounds):
        for name, run in measured.items():
            wall, begin = time.perf_counter(), time.thread_time()
            run()
            spent = (time.thread_time() - begin, time.perf_counter() - wall)
            found[name] = min(found.get(name, spent), spent)
    return found


def append(rows: int, rounds: int) -> tuple[Costs, float]:
    """Measure appending; returns what it cost, and the slower of the two rates."""
    headers = [header(index) for index in range(rows)]
    leaves = [leaf_hash(one) for one in headers]

    def bulk() -> None:
        Range().extend(leaves)

    def in_rounds() -> None:
        tree = Range()
        for at in range(0, rows, 1000):
            tree.extend(leaves[at : at + 1000])

    def plain() -> None:
        for one in headers:
            sha256(one).digest()

    costs = best(rounds, **{"append, in bulk": bulk, "append, 1,000 a round": in_rounds, "plain sha256": plain})
    return costs, min(rows / costs["append, in bulk"][0], rows / costs["append, 1,000 a round"][0])


def export(path: Path, rows: int, *, with_payloads: bool) -> None:
    """Write an honest export of so many rows."""
    tree = Range()
    with path.open("wb") as file:
        writer = ExportWriter(
            file.write, origin=KEY.name, size=rows, keys=[str(KEY.verifier)], with_payloads=with_payloads
        )
        for index in range(rows):
            payload = None
            if with_payloads:
                key = index.to_bytes(32)
                clear = json.dumps({"arguments": {"order": f"A-{index}"}, "result": "x" * 400, "sub": "u_1"}).encode()
                payload = ClearPayload(key=key, clear=clear)
            row = header(index, hmac.digest(payload.key, payload.clear, "sha256").hex() if payload else "")
            kept = leaf_hash(row)
            tree.extend([kept])
            writer.row(row, kept, payload)
            if (index + 1) % EVERY == 0 or index + 1 == rows:
                checkpoint = Checkpoint(origin=KEY.name, size=index + 1, root=tree.root())
                writer.checkpoint(make_checkpoint(checkpoint, [KEY]))
        writer.end()


def verification(rows: int, rounds: int, folder: Path) -> tuple[Costs, float]:
    """Measure verifying; returns what it cost, and the rate without payloads."""
    bare, whole, fewer = folder / "bare.ndjson", folder / "whole.ndjson", rows // 4
    export(bare, rows, with_payloads=False)
    export(whole, fewer, with_payloads=True)

    def verified(path: Path) -> Callable[[], None]:
        def run() -> None:
            with path.open("rb") as file:
                report = verify(lines_of(file), keys=[KEY.verifier])
            assert report.is_verified, report.first_finding

        return run

    def plain(path: Path) -> Callable[[], None]:
        def run() -> None:
            with path.open("rb") as file:
                for line in lines_of(file):
                    sha256(line).digest()

        return run

    costs = best(rounds, **{"verify": verified(bare), "plain sha256": plain(bare)})
    with_payloads = best(rounds, **{"verify with payloads": verified(whole), "plain sha256 of those": plain(whole)})
    costs |= {name: (cpu * rows / fewer, wall * rows / fewer) for name, (cpu, wall) in with_payloads.items()}
    return costs, rows / costs["verify"][0]


def _ingest(asked: argparse.Namespace) -> int:
    stores = [name for name in ("sqlite FULL", "postgresql") if name.startswith(asked.store or "")]
    found = []
    for row in ingest.rows(stores, asked.seconds):
        found.append(row)
        if not asked.json:
            print(ingest.table([row]).splitlines()[-1], flush=True)
    if asked.json:
        print(json.dumps(ingest.as_objects(found)))
    if asked.publish:
        said = machine.description()
        page = f"{said['processor']}, {said['cores']} cores, {said['system']}, Python {said['python']}.\n\n{ingest.table(found)}"
        put(PERFORMANCE, "ingest", page)
    return 0 if ingest.is_kept(found, asked.floor) else 1


def _search(asked: argparse.Namespace) -> int:
    count = asked.rows or 10_000_000
    filled_s, found = searching.rows(count, asked.rounds)
    said = machine.description()
    page = (
        f"{said['processor']}, {said['cores']} cores, {said['system']}, Python {said['python']}; {count:,} rows, put there in {filled_s:,.0f} s."
        f"\n\n{searching.table(found)}"
    )
    print(json.dumps([asdict(row) for row in found]) if asked.json else page)
    if asked.publish:
        put(PERFORMANCE, "search", page)
    return 0 if all(row.worst_ms * asked.floor <= searching.MOST_MS for row in found) else 1


def main(words: list[str]) -> int:
    """Measure one part and print it. Returns 1 below the floor."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record")
    parser.add_argument("part", choices=("append", "verify", "ingest", "search"))
    parser.add_argument("--rows", type=int, help="300,000; search: 10,000,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--floor", type=float, default=1.0, help="share of the promised rate below which it fails")
    parser.add_argument("--seconds", type=float, default=5.0, help="ingest: about how long each measurement lasts")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="ingest: one database alone")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    if asked.part == "ingest":
        return _ingest(asked)
    if asked.part == "search":
        return _search(asked)
    asked.rows = asked.rows or 300_000
    if asked.part == "append":
        costs, rate = append(asked.rows, asked.rounds)
        promised = LEAVES_PER_S
    else:
        with tempfile.TemporaryDirectory() as folder:
            costs, rate = verification(asked.rows, asked.rounds, Path(folder))
        promised = ROWS_PER_S
    peer = costs["plain sha256"][0]
    told = {
        name: {"per_s": asked.rows / cpu, "per_s_wall": asked.rows / wall, "us": cpu / asked.rows * 1e6, "share_of_peer": peer / cpu}
        for name, (cpu, wall) in costs.items()
    }  # fmt: skip
    if asked.json:
        print(
            json.dumps(
                {
                    "rows": asked.rows,
                    "parts": told,
                    "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            )
        )
    else:
        for name, one in told.items():
            print(
                f"{name:24} {one['per_s']:>12,.0f}/s  {one['us']:6.2f} µs  {one['share_of_peer']:6.2f} of plain sha256  ({one['per_s_wall']:,.0f}/s by the wall)"
            )
    return 0 if rate >= promised * asked.floor else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
