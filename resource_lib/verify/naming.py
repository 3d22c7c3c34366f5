"""
Which row it was: what can be named when the rows and the leaf hashes that were kept of them part ways.

Both are lists of hashes that were equal up to here. Hashes of different rows are different, so the first place where they differ,
and where the other's hash turns up again, says what was done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from resource_lib.verify.report import FindingKind

ENOUGH: Final = 512
"""So many hashes from the first difference on are compared; a row that was moved farther is named as deleted where it stood."""


@dataclass(slots=True)
class Parting:
    """Where rows and kept hashes part, and how both go on."""

    index: int
    before: bytes | None
    """The header of the row in front of it."""
    rows: list[bytes] = field(default_factory=list)
    """Leaf hashes of the rows that are there, from `index` on."""
    headers: list[bytes] = field(default_factory=list)
    """The first few headers, likewise."""
    kept: list[bytes] = field(default_factory=list)

    def goes_on(self, rows: Sequence[bytes], headers: Sequence[bytes], kept: Sequence[bytes]) -> None:
        """Take what follows, as much of it as is needed."""
        self.rows.extend(rows[: ENOUGH - len(self.rows)])
        self.headers.extend(headers[: 2 - len(self.headers)] if len(self.headers) < 2 else ())
        self.kept.extend(kept[: ENOUGH - len(self.kept)])

    @property
    def has_enough(self) -> bool:
        """Whether more would not say more."""
        return min(len(self.rows), len(self.kept)) >= ENOUGH


def name(parting: Parting) -> tuple[FindingKind, int, str]:
    """Return what was done at the first difference, up to which row, and a sentence; the kept hashes are known to be the true ones."""
    index, rows, kept = parting.index, parting.rows, parting.kept
    if not rows:
        return "truncated", index + len(kept), "the rows from here on are gone"
    if not kept:
        return "inserted", index + len(rows), "it was never sealed"
    ours, theirs = rows[0], kept[0]
    if ours in kept and theirs in rows:
        other = kept.index(ours)
        return (
            "reordered",
            index + 1,
            f"here stands row {index + other}, and this one stands in row {index + rows.index(theirs)}",
        )
    if ours in kept:
        gone = kept.index(ours)
        which = "it is gone" if gone == 1 else f"it and the {gone - 1} rows after it are gone"
        return "deleted", index + gone, f"{which}; what stands here now was sealed as row {index + gone}"
    if theirs in rows:
        new = rows.index(theirs)
        which = "it was never sealed" if new == 1 else f"it and the {new - 1} rows after it were never sealed"
        return "inserted", index + new, f"{which}; the row that was sealed here comes after"
    return "edited", index + 1, "it does not say what it said when it was sealed"
