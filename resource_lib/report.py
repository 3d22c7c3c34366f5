"""
What a guard does and does not do, for `doctor()` and for the line it logs at start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one guard keeps, and what an operator should know of it."""

    mode: str
    """`token-only`: tokens count until they expire, and nobody can be asked. `full`: it speaks to its issuer, and asks there."""
    lease: str | None
    """How old the knowledge of revocations may be; None: no lease is applied."""
    feed_age_s: float | None
    """How many seconds ago, at most, that knowledge was the whole truth; None: nothing was heard, or nobody is followed."""
    stop_file: str | None
    """The file that stops everything while it is there; None: there is none to be."""
    is_stopped: bool
    """Whether it is there."""
    issuer: str
    resource: str
    metadata_url: str
    tools: Mapping[str, tuple[str, ...]]
    """Tool names by class."""
    initial_scopes: tuple[str, ...]
    """What a first login is asked for."""
    has_credential: bool
    """Whether it can speak to its issuer, and so act for its callers upstream."""
    api_keys: bool
    """Whether API keys are accepted beside tokens."""
    approvals: Mapping[str, str]
    """Whose yes each call of a tool waits for, by tool: the tools that wait for nobody are not in it."""
    overlay_age_s: float | None
    """How many seconds ago, at most, what is known of operators' demands was true; None: never told, or nobody to ask."""
    warnings: tuple[str, ...]
    controls: Mapping[str, tuple[str, str]]
    """Of each of the 66 controls, by its id, whether it is `on`, `off`, an `option` that nobody has taken, kept `elsewhere` or
    `not applicable`, and why (docs/controls.md)."""
    refusals: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Of each forbidden request that was made in this process, whether it was `refused`, `not refused` or `not asked`, and what was
    answered: those without a token right now, the others when `probe()` was last awaited."""
    limits: Mapping[str, tuple[str, ...]] | None = None
    """How often each tool may be called, and, by `*`, how often anything is asked; None: nothing is limited."""
    limit_store: str | None = None
    """Where that is counted, and how it is there now; None: nothing is limited."""
    record: Mapping[str, Any] | None = None
    """Where events of calls wait, how many, and what became of them; None: calls are not recorded."""
    downstream: Mapping[str, str] = field(default_factory=dict)
    """How often each API below may be asked, of those that have a budget."""

    def __str__(self) -> str:
        """Say it in one line."""
        counted = ", ".join(f"{len(names)} {name}" for name, names in self.tools.items() if names)
        waiting = f"; {len(self.approvals)} wait for a yes" if self.approvals else ""
        lease = "no lease applied, nothing is followed" if self.lease is None else f"lease {self.lease}"
        stop = "" if self.stop_file is None else f"; stop file {self.stop_file}{', which is there' * self.is_stopped}"
        off = sum(state == "off" for state, _ in self.controls.values())
        limited = "; nothing is limited" if self.limits is None else ""
        open_to = sum(state == "not refused" for state, _ in self.refusals.values())
        tried = f"; {open_to} FORBIDDEN REQUESTS NOT REFUSED" if open_to else ""
        return f"resource guard for {self.resource}: {self.mode}, {lease}{stop}; tools: {counted}{waiting}{limited}; {off} of 66 controls off{tried}"
