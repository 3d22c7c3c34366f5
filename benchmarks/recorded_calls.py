"""
What the record costs a call on its own way: the same guard with a record on this machine's disk and without one, call by call in turn.

    python -m benchmarks.recorded_calls

In processor time of the thread that serves, so without what other programs take; of a write the wall time as well, because it waits for the disk.
The thread that makes events is another one, and is left out of both.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks import pipeline
from benchmarks.guard import MODERN, Driven, driven, headers
from resource_lib import Limits, Record, ResourceGuard, read, write
from resource_lib.testing import TestIssuer

GOALS_US: Final = {"read": 10, "write": 50}
_TOOL: Final = "get_typed"
_SLICES, _CALLS, _REST_S = 60, 20, 0.03


def _guard(issuer: TestIssuer, policy: Callable[..., Any], record: Record | None) -> ResourceGuard:
    most = pipeline.NO_END
    return ResourceGuard(
        issuer=pipeline.ISSUER,
        resource=pipeline.RESOURCE,
        keys=issuer.keys(),
        tools={_TOOL: policy("order:read", limit=most)},
        limits=Limits(credential=most, read=most, write=most, destructive=most),
        record=record,
    )


async def measured(policy: Callable[..., Any], folder: str) -> tuple[float, float]:
    """Return what a record adds to a call at the median: µs of processor time, and of the clock."""
    issuer = TestIssuer(pipeline.ISSUER, resource=pipeline.RESOURCE)
    recording = _guard(issuer, policy, Record(spool=folder))
    apps: list[Driven] = [guard.wrap(pipeline.server("typed")) for guard in (_guard(issuer, policy, None), recording)]
    body = pipeline.call_body("typed")
    sent = headers(MODERN, body, issuer.token(scopes=["order:read", f"tool:{_TOOL}"]), tool=_TOOL)
    busy: tuple[list[int], list[int]] = [], []
    took: tuple[list[int], list[int]] = [], []
    for _ in range(_SLICES):
        for place, app in enumerate(apps):
            for _ in range(_CALLS):
                began, at = time.perf_counter_ns(), time.thread_time_ns()
                await driven(app, body, sent)
                busy[place].append(time.thread_time_ns() - at)
                took[place].append(time.perf_counter_ns() - began)
            # Whoever makes events works meanwhile, and not in the middle of the next slice.
            await asyncio.sleep(_REST_S)
    await recording.aclose()
    without, with_it = map(statistics.median, busy)
    short, long = map(statistics.median, took)
    return (with_it - without) / 1e3, (long - short) / 1e3


def main() -> None:
    """Measure and print."""
    for name, policy in (("read", read), ("write", write)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            busy, took = asyncio.run(measured(policy, folder))
        print(
            f"record of a {name:5}  p50 {busy:7.1f} µs of the processor, {took:8.1f} µs by the clock   goal {GOALS_US[name]} µs"
        )


if __name__ == "__main__":
    main()
