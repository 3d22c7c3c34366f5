"""
What the signals find in a month that never was: `python -m benchmarks.signals [--seeds N] [--publish]`.

Each tenant's events go through the detectors in order, as they do in a server. Whoever is there dismisses each open signal a day after
it was opened, so that what goes on is told again. `--publish` writes the table into docs/signals.md.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authserver.domain.signals.detectors.found import Found
from authserver.domain.signals.engine import concerns, look_at
from tests.support.month import DAY, Incident, Month, month

DISMISSED_AFTER_S = DAY
FIRST = 1
PAGE = Path("docs/signals.md")
BEGIN_MARK, END_MARK = "<!-- a month: begin -->", "<!-- a month: end -->"


@dataclass
class Opened:
    """One signal as an operator sees it."""

    tenant: str
    found: Found
    at: int
    many: int = 1


@dataclass
class Result:
    """What came of a month."""

    month: Month
    opened: list[Opened] = field(default_factory=list)
    seconds: float = 0.0
    baselines: int = 0
    largest: int = 0

    def finds(self, incident: Incident) -> list[Opened]:
        return [one for one in self.opened if _is_of(one, incident)]

    @property
    def false_alarms(self) -> list[Opened]:
        return [one for one in self.opened if not any(_is_of(one, incident) for incident in self.month.incidents)]


def _is_of(one: Opened, incident: Incident) -> bool:
    return (
        one.tenant == incident.tenant
        and (one.found.fact.agent == incident.key or one.found.about in {incident.key, incident.key.split(" ")[0]})
        and incident.begin <= one.at <= incident.end + 3600
    )


def run(traffic: Month) -> Result:
    """Let the signals look at a month."""
    result = Result(traffic)
    baselines: dict[str, dict[str, Any]] = defaultdict(dict)
    open_now: dict[tuple[str, str, str], Opened] = {}
    began = time.process_time()
    for tenant, fact in traffic.events:
        if not concerns(fact):
            continue

        def say(found: Found, tenant: str = tenant, at: int = fact.at) -> None:
            key = (tenant, found.kind, found.about)
            known = open_now.get(key)
            if known is not None and at - known.at < DISMISSED_AFTER_S:
                known.many += 1
                return
            open_now[key] = Opened(tenant, found, at)
            result.opened.append(open_now[key])

        look_at(fact, baselines[tenant], say)
    result.seconds = time.process_time() - began
    states = [json.dumps(state) for known in baselines.values() for state in known.values()]
    result.baselines, result.largest = len(states), max(map(len, states))
    return result


def first(result: Result, incident: Incident) -> Opened | None:
    """Return the first right signal of an incident, or None: it was missed."""
    return min(
        (one for one in result.finds(incident) if one.found.kind in incident.kinds),
        key=lambda one: one.at,
        default=None,
    )


def summary(result: Result) -> str:
    """Return what was found and what was not, in a line."""
    found = [one for one in result.month.incidents if first(result, one) is not None]
    kinds = Counter(one.found.kind.value for one in result.false_alarms)
    false = ", ".join(f"{kind} {many}" for kind, many in sorted(kinds.items())) or "none"
    return f"{len(found)} of {len(result.month.incidents)} found; false alarms: {false}"


def short() -> Result:
    """Return what comes of a month that is short enough for a test."""
    return run(month(1, days=25, tenants=2, people=7))


def _within(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def table(results: list[Result]) -> str:
    """Return the tables for docs/signals.md. The first result is told in full."""
    one = results[0]
    agents = len({(tenant, fact.agent) for tenant, fact in one.month.events if fact.phase})
    weeks = one.month.days / 7
    lines = [
        (
            f"{len(one.month.tenants)} organisations, {agents} agents, {one.month.days} days, {len(one.month.events):,} events, "
            f"twelve incidents in the last ten days. In full: seed {FIRST}; found in: of {len(results)} months with other seeds too."
        ),
        "",
        "| what was planted | found by | after its | after | found in |",
        "|---|---|---|---|---|",
    ]
    for number, incident in enumerate(one.month.incidents):
        signal = first(one, incident)
        times = sum(first(each, each.month.incidents[number]) is not None for each in results)
        if signal is None:
            lines.append(f"| {incident.name}: {incident.says} | **not found** | | | {times} of {len(results)} |")
            continue
        events = sum(1 for fact in incident.facts if fact.at <= signal.at)
        after = f"event {events} of {len(incident.facts)}" if incident.facts else "beginning"
        lines.append(
            f"| {incident.name}: {incident.says} | `{signal.found.kind}` | {after} | {_within(signal.at - incident.begin)} | {times} of {len(results)} |"
        )
    false = Counter(each.found.kind.value for result in results for each in result.false_alarms)
    per_week = [len(result.false_alarms) / weeks for result in results]
    tenants = len(one.month.tenants)
    lines += [
        "",
        (
            f"False alarms: {sum(per_week) / len(per_week):.1f} a week in all {tenants} organisations together ({min(per_week):.1f} to "
            f"{max(per_week):.1f}), {sum(per_week) / len(per_week) / tenants:.1f} a week for each."
        ),
        "",
        "| false alarm | in a month, on average |",
        "|---|---|",
        *(f"| `{kind}` | {many / len(results):.1f} |" for kind, many in false.most_common()),
        "",
        f"A shortened month, which a test runs each time: {summary(short())}.",
    ]
    return "\n".join(lines)


def publish(text: str) -> None:
    """Write the tables between their markers."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN_MARK)
    _, _, after = rest.partition(END_MARK)
    PAGE.write_text(f"{before}{BEGIN_MARK}\n{text}\n{END_MARK}{after}", encoding="utf-8")


def main() -> None:
    """Run months, and show or publish what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--publish", action="store_true")
    asked = parser.parse_args()
    results = []
    for seed in range(FIRST, FIRST + asked.seeds):
        results.append(result := run(month(seed)))
        events = len(result.month.events)
        print(
            f"seed {seed}: {summary(result)}; {events:,} events, {events / result.seconds:,.0f} a second of processor time, "
            f"{result.baselines} baselines, the largest {result.largest:,} bytes",
            flush=True,
        )
        for incident in result.month.incidents:
            if first(result, incident) is None:
                print(f"  missed: {incident.name}")
    text = table(results)
    print(text)
    if asked.publish:
        publish(text)


if __name__ == "__main__":
    main()
