"""Tables for people, JSON for machines. A noisy figure is marked, and a missed goal says by how much."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.goals import GOALS, Goal
from benchmarks.rounds import Row, best


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A goal and what was reached in this run, best round against best round."""

    goal: Goal
    ours: Row
    peer: Row

    @property
    def ratio(self) -> float:
        """Our throughput over the peer's."""
        return self.ours.per_second / self.peer.per_second

    @property
    def processor_ratio(self) -> float:
        """The peer's processor time per unit over ours: the same question, less disturbed by a busy machine."""
        return self.peer.server_us / self.ours.server_us if self.ours.server_us else float("nan")

    @property
    def verdict(self) -> str:
        """What to say of it."""
        goal = self.goal
        if goal.ratio is None:
            return ""
        if self.ratio >= goal.ratio:
            said = "met"
        else:
            said = f"{100 * (1 - self.ratio / goal.ratio):.0f}% short"
            if goal.floor is not None:
                said += f", floor {goal.floor}x " + ("kept" if self.ratio >= goal.floor else "BROKEN")
        return said if self.ours.is_quiet and self.peer.is_quiet else f"{said} (noisy)"


def comparisons(rows: Sequence[Row]) -> list[Comparison]:
    """Return what can be compared, in the order of the goals."""
    found = []
    for goal in GOALS:
        ours = best(row for row in rows if (row.flow, row.server, row.store) == (goal.flow, "ours", goal.ours))
        peer = best(row for row in rows if (row.flow, row.server, row.store) == (goal.flow, "oidc-provider", goal.peer))
        if ours is not None and peer is not None:
            found.append(Comparison(goal=goal, ours=ours, peer=peer))
    return found


HEAD = (
    f"{'flow':<19} {'server':<14} {'store':<14} {'/s':>8} {'p50 ms':>7} {'p99 ms':>7} {'cpu µs':>7} {'db µs':>6} "
    f"{'cpu%':>5} {'load%':>5} {'steal%':>6} {'other%':>6} {'MB':>5}"
)


def line(row: Row) -> str:
    """Return one row as text; `~` marks one that was taken on a busy machine."""
    return (
        f"{row.flow:<19} {row.server:<14} {row.store:<14} {row.per_second:>8,.0f} {row.p50_ms:>7.2f} {row.p99_ms:>7.2f} "
        f"{row.server_us:>7,.0f} {row.database_us:>6,.0f} {row.server_share:>5.0f} {row.load_share:>5.0f} "
        f"{row.stolen:>6.1f} {row.other:>6.1f} {row.resident_mb:>5.0f}{'' if row.is_quiet else ' ~'}"
    )


def best_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the best round of each flow, server and store, in the order they were first measured."""
    kinds = dict.fromkeys((row.flow, row.server, row.store) for row in rows)
    found = [best(row for row in rows if (row.flow, row.server, row.store) == kind) for kind in kinds]
    return sorted(
        (row for row in found if row is not None),
        key=lambda row: [*dict.fromkeys(r.flow for r in rows)].index(row.flow),
    )


def ratio_lines(found: Sequence[Comparison]) -> list[str]:
    """Return the table of ratios."""
    lines = [f"{'flow':<19} {'ours on':<14} {'peer on':<14} {'ratio':>7} {'cpu ratio':>9} {'p99 ratio':>9} {'goal':>6}"]
    for each in found:
        goal = "" if each.goal.ratio is None else f"{each.goal.ratio:.1f}x"
        lines.append(
            f"{each.goal.flow:<19} {each.goal.ours:<14} {each.goal.peer:<14} {each.ratio:>6.2f}x {each.processor_ratio:>8.2f}x "
            f"{each.ours.p99_ms / each.peer.p99_ms:>8.2f}x {goal:>6} {each.verdict}"
        )
    return lines


def write_json(path: Path, *, about: dict, rows: Sequence[Row], extras: dict) -> None:
    """Write everything that was measured, every round of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ratios = [
        {**asdict(each.goal), "reached": each.ratio, "processor": each.processor_ratio, "verdict": each.verdict}
        for each in comparisons(rows)
    ]
    content = {
        "about": about,
        "ratios": ratios,
        "rows": [{**asdict(row), "quiet": row.is_quiet} for row in rows],
        "extras": extras,
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
