"""
What is recorded of calls, where it waits, and what happens when it cannot be kept.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

from resource_lib.settings import MEBIBYTE, SettingsError

SPOOL: Final = "RESOURCE_GUARD_SPOOL"
Reads = Literal["open", "closed"]
Durable = Literal["spool", "issuer"]
Content = Literal["full", "header"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """How the calls of one guard are recorded. Raises SettingsError."""

    spool: str | Path | None = None
    """The folder in which, in one of this server's own, events wait for the issuer, and stay where there is none. None: RESOURCE_GUARD_SPOOL, else a folder of this
    server's own below $XDG_STATE_HOME or ~/.local/state."""
    durable: Durable = "spool"
    """Where the intent of a write is before the tool runs: on this machine's disk, or accepted by the issuer (a round trip for each
    write, for machines without a disk of their own)."""
    reads: Reads = "open"
    """What becomes of reads when events can be kept no more: `open`, they go on and the oldest reads that wait are given up, counted and
    loudly; `closed`, they are refused as writes are."""
    content: Content = "full"
    """`header`: of no tool are arguments and result kept; a tool says so for itself by `record="header"`."""
    most_bytes: int = 256 * MEBIBYTE
    """Of events that wait on disk."""
    keep_days: int = 90
    """How long events stay where there is no issuer to tell."""
    recent: int = 20
    """How many calls of each login `guard.recent()` remembers; 0: none."""
    telemetry: bool = False
    """Whether each call becomes an OpenTelemetry span and counts in its metrics (extra `otel`); never with content."""

    def __post_init__(self) -> None:
        """Refuse what could not be kept."""
        if self.durable not in get_args(Durable):
            raise SettingsError("record.durable", f"{self.durable!r} is unknown", "write 'spool' or 'issuer'")
        if self.reads not in get_args(Reads):
            raise SettingsError("record.reads", f"{self.reads!r} is unknown", "write 'open' or 'closed'")
        if self.content not in get_args(Content):
            raise SettingsError("record.content", f"{self.content!r} is unknown", "write 'full' or 'header'")
        if not MEBIBYTE <= self.most_bytes <= 2**40:
            raise SettingsError("record.most_bytes", "is below 1 MiB or above 1 TiB", "leave it out, for 256 MiB")
        if not 1 <= self.keep_days <= 3660:
            raise SettingsError("record.keep_days", "is not 1 to 3660 days", "leave it out, for 90")
        if not 0 <= self.recent <= 1000:
            raise SettingsError("record.recent", "is not 0 to 1000 calls", "leave it out, for 20")

    def folder(self, *, resource: str, environment: Mapping[str, str] | None = None) -> Path:
        """Return where events wait: each server that shares a machine has a folder of its own."""
        named = os.environ if environment is None else environment
        # A folder of its own also below one that was named: what a dead process left is told by its own server, in its own name.
        own = sha256(resource.encode("utf-8")).hexdigest()[:16]
        given = self.spool or named.get(SPOOL)
        if given:
            return Path(given) / own
        home = named.get("XDG_STATE_HOME")
        state = Path(home) if home else Path(named.get("HOME") or "~").expanduser() / ".local" / "state"
        return state / "mcp-guard" / own
