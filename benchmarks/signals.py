"""
What the signals find in a month that never was: `python -m benchmarks.signals [--seed N] [--seeds N] [--publish]`.

Each tenant's events go through the detectors in order, as they do in a server. Whoever is there dismisses each open signal a day after
it was opened, so that what goes on is told again. `--publish` writes the table into docs/signals.md.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from authserver.domain.signals.detectors.found import Found
from authserver.domain.signals.engine import concerns, look_at
from tests.support.month import BEGIN, DAY, Incident, Month, month

DISMISSED_AFTER_S = DAY


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--days", type=int, default=30)
    asked = parser.parse_args()
    for seed in range(asked.seed, asked.seed + asked.seeds):
        traffic = month(seed, days=asked.days)
        result = run(traffic)
        print(
            f"seed {seed}: {len(traffic.events)} events, {len(traffic.events) / result.seconds:,.0f}/s, {result.baselines} baselines, largest {result.largest} bytes"
        )
        for incident in traffic.incidents:
            finds = result.finds(incident)
            right = [one for one in finds if one.found.kind in incident.kinds]
            print(
                f"  {'found' if right else 'MISSED':7} {incident.name:32}",
                [(str(one.found.kind), (one.at - incident.begin) // 60) for one in finds][:4],
            )
        false = result.false_alarms
        print(
            "  false alarms:",
            Counter(str(one.found.kind) for one in false),
            f"{len(false) / (asked.days / 7):.1f} a week",
        )
        late = [one for one in false if one.at >= BEGIN + 10 * DAY]
        if asked.seeds == 1:
            for one in late[:60]:
                print("   ", one.found.kind, one.found.about, (one.at - BEGIN) // DAY, one.found.numbers)


if __name__ == "__main__":
    main()
