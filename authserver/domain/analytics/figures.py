"""What was counted, in the figures that people read: shares, averages and percentiles; the same on the page, in the API and at a terminal."""

from dataclasses import asdict, dataclass
from typing import Any

from authserver.domain.analytics import people, spread
from authserver.domain.analytics.numbers import Numbers
from authserver.domain.analytics.questions import By, Found


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Of many calls. Durations are microseconds, where a name says nothing else; None: nothing of the kind happened."""

    calls: int
    ran: int
    ok: int
    success_percent: float | None
    """Of those that ran."""
    tool_errors: int
    withheld: int
    failed: int
    refused: int
    limited: int
    held: int
    observed: int
    p50_us: int | None
    p95_us: int | None
    p99_us: int | None
    average_us: int | None
    result_bytes: int
    cost: int
    people: int
    """About how many different ones."""
    asked: int
    approved: int
    denied: int
    expired: int
    median_decision_s: int | None
    refusals: dict[str, int]
    """By the word that the caller was told, the most frequent first."""

    def as_object(self) -> dict[str, Any]:
        """Return them as JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing and what was counted of it. `at`: when its time begins, in seconds since the epoch."""

    numbers: Numbers
    tenant: str = ""
    resource: str = ""
    tool: str = ""
    client_id: str = ""
    at: int | None = None

    @property
    def figures(self) -> Figures:
        """What was counted, as people read it."""
        return figures_of(self.numbers)


def figures_of(numbers: Numbers) -> Figures:
    """Return the figures of what was counted."""
    ran, timed = numbers.ran, sum(numbers.latencies.values())
    decided = spread.percentile(numbers.decisions, 50)
    return Figures(
        calls=numbers.calls,
        ran=ran,
        ok=numbers.ok,
        success_percent=_share(numbers.ok, ran),
        tool_errors=numbers.tool_errors,
        withheld=numbers.withheld,
        failed=numbers.failed,
        refused=numbers.refused,
        limited=numbers.limited,
        held=numbers.held,
        observed=numbers.observed,
        p50_us=spread.percentile(numbers.latencies, 50),
        p95_us=spread.percentile(numbers.latencies, 95),
        p99_us=spread.percentile(numbers.latencies, 99),
        average_us=numbers.latency_us // timed if timed else None,
        result_bytes=numbers.result_bytes,
        cost=numbers.cost,
        people=people.count(numbers.people),
        asked=numbers.asked,
        approved=numbers.approved,
        denied=numbers.denied,
        expired=numbers.expired,
        median_decision_s=None if decided is None else round(decided / 1_000_000),
        refusals=dict(sorted(numbers.refusals.items(), key=lambda each: (-each[1], each[0]))),
    )


def parts_of(found: Found, by: By) -> list[Part]:
    """Return each thing, the most called first; times in their order, those in which nothing happened too."""
    match by:
        case "hour" | "day":
            return [Part(at=at, numbers=numbers) for at, numbers in sorted(found.steps.items())]
        case "server":
            parts = [Part(resource=one, numbers=numbers) for one, numbers in found.servers.items()]
        case "client":
            parts = [Part(client_id=one, numbers=numbers) for one, numbers in found.clients.items()]
        case "tenant":
            parts = [Part(tenant=one, numbers=numbers) for one, numbers in found.tenants.items()]
        case "tool":
            parts = [Part(resource=where, tool=tool, numbers=one) for (where, tool), one in found.tools.items()]
    return sorted(parts, key=lambda one: (-one.numbers.calls, one.tenant, one.resource, one.tool, one.client_id))


def _share(some: int, of: int) -> float | None:
    """Return a share in percent with one digit, rounded down: what is not all is never said to be."""
    return some * 1000 // of / 10 if of else None
