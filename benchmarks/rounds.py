"""One flow at one running server for a few seconds: the figures, and what the machine did meanwhile."""

import gc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks import machine
from benchmarks.flows import Kind, Scene
from benchmarks.load import Connections, Flow

NOISE = 10.0
"""Percent of a core that other programs may use in a round that counts."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement. Shares are in percent of one core."""

    flow: str
    server: str
    store: str
    round: int
    per_second: float
    p50_ms: float
    p99_ms: float
    server_us: float
    """Processor time of the server per unit."""
    database_us: float
    server_share: float
    load_share: float
    stolen: float
    other: float
    resident_mb: float

    @property
    def is_quiet(self) -> bool:
        """Whether the machine was ours: a figure taken while others used it says little."""
        return self.stolen <= machine.QUIET_STEAL and self.other <= NOISE


async def measure(
    scene: Scene,
    kind: Kind,
    *,
    number: int,
    connections: int,
    warm_s: float,
    seconds: float,
    beside: Sequence[Flow] = (),
) -> Row:
    """Prepare a flow on each connection, warm up, and measure one window; `beside` runs meanwhile and is not counted."""
    target = scene.target
    flows = [await kind.prepare(scene, place) for place in range(connections)]
    measured, others = Connections(), Connections()
    # Flows and histories live as long as the window: the collector would only walk them.
    gc.collect()
    gc.disable()
    try:
        await others.open(target.port, beside)
        await measured.open(target.port, flows)
        await measured.window(warm_s)
        before = machine.clocks(server=target.pid, database=target.database_pid)
        load = await measured.window(seconds)
        after = machine.clocks(server=target.pid, database=target.database_pid)
        others.check()
    finally:
        measured.close()
        others.close()
        gc.enable()
    used = machine.shares(before, after, load.seconds)
    units = max(1, len(load.latencies))
    return Row(
        flow=kind.name,
        server=target.name,
        store=target.store,
        round=number,
        per_second=load.per_second,
        p50_ms=load.quantile_ms(0.50),
        p99_ms=load.quantile_ms(0.99),
        server_us=1e6 * used.server_s / units,
        database_us=1e6 * used.database_s / units,
        server_share=used.server,
        load_share=used.load,
        stolen=used.stolen,
        other=used.other,
        resident_mb=machine.resident_mb(target.pid),
    )


def best(rows: Iterable[Row]) -> Row | None:
    """Return the fastest quiet row, else the fastest of all, else None."""
    return max(rows, key=lambda row: (row.is_quiet, row.per_second), default=None)
