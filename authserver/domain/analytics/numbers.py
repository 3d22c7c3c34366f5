"""
What is counted, and what one event of the record adds to it.

Whatever a server tells may be a lie: a count of ours never overflows by it, and the words of one server fill only its own rows.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from authserver.domain.analytics import people as sketches
from authserver.domain.analytics import spread
from authserver.domain.audit.event import Kind
from authserver.domain.audit.following import Sealed

OTHER: Final = "*"
"""Of the tools, clients and reasons that are too many to be told apart."""
MOST_REASONS: Final = 32
_MOST: Final = 2**53 - 1
_LONGEST_CLIENT: Final = 300
_LONGEST_METHOD: Final = 100


@dataclass(kw_only=True, slots=True)
class Numbers:
    """What many events amount to. Bytes and microseconds where a name says nothing else."""

    ok: int = 0
    tool_errors: int = 0
    """The tool itself said that it failed."""
    withheld: int = 0
    """It ran, and its answer did not leave."""
    failed: int = 0
    """There was no answer, it was cancelled, or nobody saw the end."""
    refused: int = 0
    limited: int = 0
    """Of the refused: for coming too often."""
    held: int = 0
    """They wait for a person; the call that comes back with the yes counts anew."""
    observed: int = 0
    """A rule that is only observed objected."""
    result_bytes: int = 0
    latency_us: int = 0
    """Of all that ran, together."""
    cost: int = 0
    """In the units in which tools declare it."""
    asked: int = 0
    """Approvals that were asked for."""
    approved: int = 0
    denied: int = 0
    expired: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """By the word that the caller was told."""
    latencies: spread.Counts = field(default_factory=dict)
    decisions: spread.Counts = field(default_factory=dict)
    """How long people took to decide."""
    people: sketches.Sketch = field(default_factory=dict)

    @property
    def ran(self) -> int:
        """How many were let through to the tool."""
        return self.ok + self.tool_errors + self.withheld + self.failed

    @property
    def calls(self) -> int:
        """How many there were."""
        return self.ran + self.refused + self.held

    def add(self, more: "Numbers") -> None:
        """Add others."""
        for name in COUNTS:
            setattr(self, name, min(getattr(self, name) + getattr(more, name), _MOST))
        for reason, count in more.refusals.items():
            known = reason if reason in self.refusals or len(self.refusals) < MOST_REASONS else OTHER
            self.refusals[known] = self.refusals.get(known, 0) + count
        spread.add(self.latencies, more.latencies)
        spread.add(self.decisions, more.decisions)
        sketches.add(self.people, more.people)


COUNTS: Final = tuple(one.name for one in fields(Numbers) if one.type is int)
_STATUS: Final = {
    "ok": "ok", "tool_error": "tool_errors", "withheld": "withheld", "cancelled": "failed", "failed": "failed", "unknown": "failed",
}  # fmt: skip
_CALLS: Final = frozenset({Kind.CALL_OUTCOME.value, Kind.CALL_REFUSED.value, Kind.CALL_HELD.value})
_COUNTED: Final = _CALLS | {
    Kind.CALL_OBSERVED.value, Kind.APPROVAL_REQUESTED.value, Kind.APPROVAL_APPROVED.value, Kind.APPROVAL_DENIED.value,
    Kind.APPROVAL_EXPIRED.value,
}  # fmt: skip


def counts(event: Sealed) -> bool:
    """Tell whether an event adds to anything."""
    return event.kind in _COUNTED and bool(event.resource)


def tool_of(event: Sealed) -> str:
    """Return what was called: a tool, or a method in brackets, which no tool can be called."""
    tool = event.about.get("tool")
    if type(tool) is str and tool:
        return tool
    method = event.about.get("method")
    if type(method) is not str or not method:
        return "(unknown)"
    return f"({method})" if len(method) <= _LONGEST_METHOD else f"({_short(method)})"


def client_of(client_id: str) -> str:
    """Return by which name a client is counted: its id, or where that is very long, a hash of it."""
    return client_id if len(client_id) <= _LONGEST_CLIENT else _short(client_id)


def count(numbers: Numbers, event: Sealed) -> None:
    """Add one event, of which `counts` says that it does."""
    about = event.about
    if event.kind == Kind.CALL_OUTCOME:
        name = _STATUS.get(_word(about, "status"), "failed")
        setattr(numbers, name, getattr(numbers, name) + 1)
        took = _number(about, "latency_us")
        if took is not None:
            numbers.latency_us += took
            bucket = spread.bucket_of(took)
            numbers.latencies[bucket] = numbers.latencies.get(bucket, 0) + 1
        numbers.result_bytes += _number(about, "result_bytes") or 0
        numbers.cost += _number(about, "cost") or 0
    elif event.kind == Kind.CALL_REFUSED:
        numbers.refused += 1
        numbers.limited += event.reason == "rate_limited"
        reason = event.reason[:64]
        numbers.refusals[reason] = numbers.refusals.get(reason, 0) + 1
    elif event.kind == Kind.CALL_HELD:
        numbers.held += 1
    elif event.kind == Kind.APPROVAL_REQUESTED:
        # One that was covered beforehand asks nobody.
        numbers.asked += "grant_id" not in about
    elif event.kind == Kind.APPROVAL_EXPIRED:
        numbers.expired += 1
    elif event.kind != Kind.CALL_OBSERVED:
        _decide(numbers, event)
    if event.kind in {Kind.CALL_OUTCOME, Kind.CALL_OBSERVED}:
        numbers.observed += _word(about, "decision") == "observed"
    if event.kind in _CALLS and event.sub_ref:
        sketches.see(numbers.people, event.sub_ref)


def _decide(numbers: Numbers, event: Sealed) -> None:
    about = event.about
    if event.kind == Kind.APPROVAL_DENIED:
        numbers.denied += 1
    elif (_number(about, "given") or 0) >= (_number(about, "of") or 0):
        # The yes that was still missing.
        numbers.approved += 1
    else:
        return
    took_s = _number(about, "took_s")
    if took_s is not None:
        bucket = spread.bucket_of(took_s * 1_000_000)
        numbers.decisions[bucket] = numbers.decisions.get(bucket, 0) + 1


def _number(about: Mapping[str, Any], name: str) -> int | None:
    value = about.get(name)
    return value if type(value) is int and 0 <= value <= _MOST else None


def _word(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return value if type(value) is str else ""


def _short(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"
