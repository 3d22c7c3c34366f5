"""
What a verification found, for people and programs: which row is the first that is not as it was sealed, and what shows it.
"""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

FindingKind = Literal[
    "edited",
    "deleted",
    "inserted",
    "reordered",
    "truncated",
    "rewritten",
    "kept_hashes_altered",
    "checkpoint_replaced",
    "unsigned",
    "payload_wrong",
    "payload_missing",
    "erasure_forged",
    "pruned_without_receipt",
    "pins_contradict",
    "log_missing",
    "malformed",
]
"""What happened to a row, or to what stands around the rows. `docs/record-format.md` says each in a sentence."""
Verdict = Literal["verified", "tampered", "undecided"]
MOST_FINDINGS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """
    One thing that is not as it was sealed.

    `index` is the first row it is about. `until` is the row behind the last it may be about: `index + 1` where the row is
    named exactly; a longer span where only the checkpoints around it are left as witnesses.
    """

    kind: FindingKind
    index: int
    until: int
    id: str | None = None
    """The event's id as the row says it now; for a row that is gone, none."""
    at: int | None = None
    """The event's time, likewise, in microseconds since the epoch."""
    shown_by: str = ""
    """The checkpoint, or what else shows it."""
    said: str

    def __str__(self) -> str:
        """Return it as a line for people."""
        rows = f"row {self.index}" if self.until <= self.index + 1 else f"rows {self.index} to {self.until - 1}"
        which = f" (event {self.id}, {time_of(self.at)})" if self.id else ""
        shown = f"; shown by {self.shown_by}" if self.shown_by else ""
        return f"{self.kind}: {rows}{which}: {self.said}{shown}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payloads:
    """What became of the payloads that the rows commit to. All 0 where the export gives none."""

    are_given: bool
    verified: int = 0
    erased: int = 0
    wrong: int = 0
    missing: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedLog:
    """Another log, as this one last pinned it."""

    origin: str
    size: int
    root: str
    row: int
    """The row that says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one export turned out to be."""

    origin: str
    verdict: Verdict
    first: int
    """The first row of the export."""
    size: int
    """The size of the log that it reaches to."""
    rows: int
    """How many rows were read."""
    pruned: int
    root: str
    """The root over what was read, in hex."""
    findings: tuple[Finding, ...]
    """In the order of the rows: the first one is the first that is not as it was sealed. At most `MOST_FINDINGS`."""
    findings_left_out: int
    payloads: Payloads
    checkpoints: int
    """How many checkpoints of known keys the rows fit: those of the export, those that were saved, and pins."""
    saved: int
    """How many of those had been saved outside of the export."""
    uncompared: tuple[str, ...]
    """Saved checkpoints that the export alone cannot be compared with."""
    unknown_signers: tuple[str, ...]
    """Keys that signed checkpoints of the export and were not given."""
    pinned: tuple[PinnedLog, ...]
    notes: tuple[str, ...]
    """What this verification could not show."""

    @property
    def is_verified(self) -> bool:
        """Whether everything is as it was sealed, as far as there was a witness."""
        return self.verdict == "verified"

    @property
    def first_finding(self) -> Finding | None:
        """The first row that is not as it was sealed."""
        return self.findings[0] if self.findings else None

    def as_object(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        findings = [asdict(one) | {"line": str(one)} for one in self.findings]
        return asdict(self) | {"findings": findings}


def time_of(at_us: int | None) -> str:
    """Return a time for people."""
    if at_us is None:
        return "no time"
    try:
        return (
            (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us))
            .isoformat()
            .replace("+00:00", "Z")
        )
    except OverflowError:
        return "no time"
