r"""
A log in one file that anybody can check: `mcp-audit-export/1`, lines of JSON, and the one way to write it.

| line | what it says |
|---|---|
| `{"format", "origin", "from", "size", "before", "keys", "payloads"}` | the first: which log, from which row up to which; the range before it |
| `{"i":N,"h":HEADER}` | row N; HEADER are the very bytes that were hashed, so a reader cuts them out and need not parse them |
| `{"v":N,"key":HEX,"p":PAYLOAD}` | the payload of the row above, byte for byte, and the key that the row's commitment is made with |
| `{"v":N,"erased":{…}}` | instead: it was erased, and here is the proof that a receipt in this log covers it |
| `{"k":N,"hashes":BASE64}` | the leaf hashes from row N on as the log's keeper kept them beside the rows: a witness against an edited row |
| `{"checkpoint":NOTE}` | a signed checkpoint over all rows above |
| `{"pruned":{"from","to","roots"}}` | rows that retention has removed; the roots of the subtrees they filled stand in |
| `{"end":{"size","sha256"}}` | the last: how many rows the log has, and the hash of every byte above |

Streams: whoever writes or reads it holds one block. `docs/record-format.md` says what each line proves. The standard library only.
"""

import base64
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from resource_lib.wire.merkle import HASH_BYTES, Range, inclusion_proof, leaf_hash, root_of, subtrees
from resource_lib.wire.tiles import WIDTH

FORMAT: Final = "mcp-audit-export/1"
MOST_LINE_BYTES: Final = 16 * 1024 * 1024

ERASED: Final = "operator:audit:erased"
"""The `kind` of a receipt: its header's `about` has `receipt`, `count` and `events`, the root over what was erased (`ErasedEvents`)."""
PRUNED: Final = "platform:audit:pruned"
"""The `kind` of a receipt of retention: its header's `about` has `from` and `to`, all that is gone by then, earlier prunings included."""
SEALED: Final = "platform:log:sealed"
"""The `kind` of a pin in the platform's own log: its header's `about` has `logs`, a list of `[origin, size, root in hex]`."""

Write = Callable[[bytes], object]


class ExportFormError(ValueError):
    """What was handed to the writer could not be read back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClearPayload:
    """A payload as it was committed to, and the key of the commitment (32 bytes)."""

    key: bytes
    clear: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedPayload:
    """That a payload was erased: by which receipt, and the proof that this receipt covers this event."""

    receipt: str
    count: int
    index: int
    proof: tuple[bytes, ...]
    root: bytes

    def as_object(self) -> dict[str, Any]:
        """Return it as it stands in a line."""
        return {
            "receipt": self.receipt,
            "count": self.count,
            "index": self.index,
            "proof": [_base64(one) for one in self.proof],
            "root": self.root.hex(),
        }


class ErasedEvents:
    """
    The events that one receipt covers, as a small Merkle tree over their ids, sorted.

    The receipt in the log says its root and names nobody; each erased row carries the proof that it is one of them, so a receipt
    covers what it was made for and nothing else, and a reader needs no list.
    """

    def __init__(self, receipt: str, event_ids: Iterable[str]) -> None:
        self.receipt = receipt
        self._ids = sorted(set(event_ids))
        self._hashes = [leaf_hash(one.encode()) for one in self._ids]
        self._root = root_of(self._hashes)
        self._tree = [self._hashes]
        while len(self._tree[-1]) > 1:
            below = self._tree[-1]
            pairs = zip(below[::2], below[1::2], strict=False)
            self._tree.append([sha256(b"\x01" + left + right).digest() for left, right in pairs])

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self._ids)

    @property
    def root(self) -> bytes:
        """What the receipt commits to."""
        return self._root

    def covers(self, event_id: str) -> ErasedPayload:
        """Return the proof for one of them. Raises LookupError for any other event."""
        at = bisect_left(self._ids, event_id)
        if at == len(self._ids) or self._ids[at] != event_id:
            raise LookupError("this receipt does not cover that event")
        proof = inclusion_proof(at, len(self._ids), lambda level, index: self._tree[level][index])
        return ErasedPayload(receipt=self.receipt, count=self.count, index=at, proof=tuple(proof), root=self.root)


class ExportWriter:
    """
    Writes one export, line by line, in the order of the log.

    `write` gets whole lines. Each method raises ExportFormError for what could not be read back, and writes nothing of it.
    """

    def __init__(
        self,
        write: Write,
        *,
        origin: str,
        size: int,
        before: Range | None = None,
        keys: Sequence[str] = (),
        with_payloads: bool = False,
    ) -> None:
        """Write the first line: the rows of `origin` from the end of `before` (by default from the first) up to `size`."""
        first = before.size if before else 0
        if not first <= size:
            raise ExportFormError("an export begins inside of its log")
        self._write = write
        self._digest = sha256()
        self._with_payloads = with_payloads
        self._size = size
        self._next = first
        self._kept: list[bytes] = []
        self._kept_from = first
        self._line(
            _json(
                {
                    "format": FORMAT,
                    "origin": origin,
                    "from": first,
                    "size": size,
                    "before": [_base64(one) for one in before.hashes] if before else [],
                    "keys": list(keys),
                    "payloads": with_payloads,
                }
            )
        )

    def row(self, header: bytes, kept_hash: bytes, payload: ClearPayload | ErasedPayload | None = None) -> None:
        """
        Write the next row: its header as it was hashed, and the leaf hash that was kept of it when it was sealed.

        `kept_hash` is never computed from the header here: if they differ, that is what the reader has to learn.
        """
        if not header.startswith(b"{") or not header.endswith(b"}") or b"\n" in header:
            raise ExportFormError("a header is one JSON object on one line")
        line = b'{"i":%d,"h":%b}' % (self._next, header)
        below = self._payload_line(payload) if payload else None
        if len(line) > MOST_LINE_BYTES:
            raise ExportFormError("the row is too long")
        self._keep(kept_hash)
        self._line(line)
        if below is not None:
            self._line(below)
        self._after_row()

    def missing(self, kept_hash: bytes) -> None:
        """Pass over a row that is gone without a reason, of which only the leaf hash is left: the reader will name it."""
        self._keep(kept_hash)
        self._after_row()

    def pruned(self, to: int, roots: Sequence[bytes]) -> None:
        """Write that the rows up to `to` were pruned; `roots` are those of `merkle.subtrees` between here and there."""
        if not self._next < to <= self._size or len(roots) != len(subtrees(self._next, to)):
            raise ExportFormError("those are not the roots of what was pruned")
        self._flush()
        self._line(_json({"pruned": {"from": self._next, "to": to, "roots": [_base64(_whole(one)) for one in roots]}}))
        self._next = self._kept_from = to

    def checkpoint(self, note: bytes) -> None:
        """Write a signed checkpoint over exactly the rows that were written so far."""
        self._flush()
        self._line(_json({"checkpoint": note.decode()}))

    def end(self) -> None:
        """Write the last line. Raises ExportFormError where rows are missing that the first line promised."""
        if self._next != self._size:
            raise ExportFormError(f"{self._size - self._next} rows were promised and not written")
        self._flush()
        self._write(_json({"end": {"size": self._size, "sha256": self._digest.hexdigest()}}) + b"\n")

    @property
    def next_index(self) -> int:
        """Which row comes next."""
        return self._next

    def _payload_line(self, payload: ClearPayload | ErasedPayload) -> bytes:
        if not self._with_payloads:
            raise ExportFormError("this export was begun without payloads")
        if isinstance(payload, ErasedPayload):
            return _json({"v": self._next, "erased": payload.as_object()})
        if b"\n" in payload.clear or not payload.clear or len(payload.key) != 32:
            raise ExportFormError("a payload is JSON on one line, and its key has 32 bytes")
        line = b'{"v":%d,"key":"%b","p":%b}' % (self._next, payload.key.hex().encode(), payload.clear)
        if len(line) > MOST_LINE_BYTES:
            raise ExportFormError("the payload is too long")
        return line

    def _keep(self, kept_hash: bytes) -> None:
        if self._next >= self._size:
            raise ExportFormError("more rows than the first line promised")
        self._kept.append(_whole(kept_hash))

    def _after_row(self) -> None:
        self._next += 1
        if self._next % WIDTH == 0:
            self._flush()

    def _flush(self) -> None:
        """Write what was kept of the rows since the last time: at the end of each tile, and before a checkpoint."""
        if self._kept:
            self._line(b'{"k":%d,"hashes":"%b"}' % (self._kept_from, base64.b64encode(b"".join(self._kept))))
            self._kept = []
        self._kept_from = self._next

    def _line(self, line: bytes) -> None:
        whole = line + b"\n"
        self._digest.update(whole)
        self._write(whole)


def _whole(one: bytes) -> bytes:
    if len(one) != HASH_BYTES:
        raise ExportFormError("a hash has 32 bytes")
    return one


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
