"""
Whether each row's payload is the one it commits to, was erased by a receipt that covers it, or is gone without one.

What the receipts in the log say is known only when they are read, long after the rows they cover: until then each receipt that a
row names costs one entry, however many rows name it.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from resource_lib.verify.reading import MalformedLineError, hex_hash
from resource_lib.verify.report import FindingKind, Payloads
from resource_lib.verify.witnesses import about, header_of
from resource_lib.wire.export import ERASED, ErasedPayload
from resource_lib.wire.merkle import leaf_hash, verify_inclusion

_MOST_RECEIPTS: Final = 200_000
"""Named by rows and not seen yet; each is a few hundred bytes. A log with more is checked in parts."""

Find = Callable[[FindingKind, int, bytes | None, str, str], None]
"""Takes kind, row, header, what to say, and what shows it."""


@dataclass(slots=True)
class _Named:
    first: int
    header: bytes
    rows: int


class PayloadCheck:
    """Follows the rows of one export, and what stands below each."""

    def __init__(self, find: Find, *, are_given: bool) -> None:
        self._find = find
        self._are_given = are_given
        self._row: int | None = None
        self._header = b""
        self._commit: str | None = None
        self._is_answered = False
        self._named: dict[tuple[str, bytes, int], _Named] = {}
        self._receipts: set[tuple[str, bytes, int]] = set()
        self._verified = self._erased = self._wrong = self._missing = 0

    def row(self, index: int, header: bytes) -> None:
        """A row begins; the one before it has got all it gets."""
        self.close()
        self._row, self._header, self._is_answered = index, header, False
        commit = header_of(header).get("commit") if b'"commit"' in header else None
        self._commit = commit if isinstance(commit, str) else None

    def close(self) -> None:
        """The last row has got all it gets."""
        if self._row is not None and self._commit is not None and not self._is_answered:
            self._missing += 1
            self._find("payload_missing", self._row, self._header, "its payload is gone, and no receipt says why", "")
        self._row = None

    def clear(self, index: int, key: bytes, clear: bytes) -> None:
        """A payload is given. Raises MalformedLineError where it stands below another row."""
        self._answer(index)
        made = hmac.digest(key, clear, hashlib.sha256).hex()
        if self._commit is not None and hmac.compare_digest(made.encode(), self._commit.encode()):
            self._verified += 1
        else:
            self._wrong += 1
            self._find(
                "payload_wrong", index, self._header, "its payload is not the one it commits to", "its commitment"
            )

    def erased(self, index: int, said: ErasedPayload) -> None:
        """A payload is said to be erased. Raises MalformedLineError where that stands below another row, or there are too many receipts."""
        self._answer(index)
        event_id = header_of(self._header).get("id")
        leaf = leaf_hash(event_id.encode(errors="replace")) if isinstance(event_id, str) else b""
        if self._commit is None or not verify_inclusion(said.index, said.count, leaf, said.proof, said.root):
            self._forged(index, self._header, said.receipt)
            return
        self._erased += 1
        key = (said.receipt, said.root, said.count)
        if named := self._named.get(key):
            named.rows += 1
        elif len(self._named) < _MOST_RECEIPTS:
            self._named[key] = _Named(index, self._header, 1)
        else:
            raise MalformedLineError("more receipts than one verification can hold")

    def receipt(self, header: bytes) -> None:
        """A row may be a receipt. Raises MalformedLineError where there are too many."""
        if not self._are_given:
            return
        said: dict[str, Any] = header_of(header)
        of = about(said)
        receipt, count = of.get("receipt"), of.get("count")
        if said.get("kind") == ERASED and isinstance(receipt, str) and type(count) is int:
            self._receipts.add((receipt, hex_hash(of.get("events")), count))
            if len(self._receipts) > _MOST_RECEIPTS:
                raise MalformedLineError("more receipts than one verification can hold")

    def finish(self) -> Payloads:
        """Every row was read: a receipt that no row of the log is counts for nothing."""
        self.close()
        for key, named in self._named.items():
            if key not in self._receipts:
                self._erased -= named.rows
                self._forged(named.first, named.header, key[0], named.rows)
        return Payloads(
            are_given=self._are_given,
            verified=self._verified,
            erased=self._erased,
            wrong=self._wrong,
            missing=self._missing,
        )

    def _answer(self, index: int) -> None:
        if index != self._row or self._is_answered or not self._are_given:
            raise MalformedLineError("a payload that is not below its row")
        self._is_answered = True

    def _forged(self, index: int, header: bytes, receipt: str, rows: int = 1) -> None:
        self._missing += rows
        more = f" (and of {rows - 1} rows after it)" if rows > 1 else ""
        self._find(
            "erasure_forged",
            index,
            header,
            f"its payload{more} is said to be erased by receipt {receipt!r}, and no such receipt in this log covers it",
            "",
        )
