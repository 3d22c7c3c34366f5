"""A log as a store keeps it, small enough to be tampered with by hand: rows, what was kept of them, checkpoints, payloads."""

import hashlib
import hmac
import json

from resource_lib.verify import Report, SavedCheckpoint, verify
from resource_lib.wire.export import ClearPayload, ErasedEvents, ErasedPayload, ExportWriter
from resource_lib.wire.merkle import Range, leaf_hash, root_of, subtrees
from resource_lib.wire.signed_note import Checkpoint, SignerKey, make_checkpoint

ORIGIN = "auth.example.com/audit/acme"
KEY = SignerKey(ORIGIN, bytes(range(32)))
T0 = 1_790_000_000_000_000
MINUTE_US = 60_000_000


def event_id(index: int) -> str:
    return f"{T0 + index * MINUTE_US:014x}{index:012x}"


class SealedLog:
    """Rows are appended and sealed in rounds. What an attacker changes, they change in its public lists; `export` says what is there."""

    def __init__(self, *, origin: str = ORIGIN, key: SignerKey = KEY) -> None:
        self.origin, self.key = origin, key
        self.headers: list[bytes | None] = []
        self.kept: list[bytes] = []
        self.notes: dict[int, bytes] = {}
        self.payloads: dict[int, ClearPayload | ErasedPayload] = {}
        self.pruned = 0

    def append(self, rows: int = 1, *, with_payloads: bool = False, **members) -> "SealedLog":
        for _ in range(rows):
            index = len(self.headers)
            said = {
                "at": T0 + index * MINUTE_US,
                "id": event_id(index),
                "kind": "call",
                "tool": f"tool {index % 7}",
            }
            said |= {name: members[name] for name in ("kind", "tool") if name in members}
            if particular := {name: value for name, value in members.items() if name not in said}:
                said["about"] = particular
            if with_payloads:
                key = hashlib.sha256(f"key {index}".encode()).digest()
                clear = json.dumps({"arguments": {"order": index}, "who": "Zoë"}).encode()
                said["commit"] = hmac.digest(key, clear, "sha256").hex()
                self.payloads[index] = ClearPayload(key=key, clear=clear)
            self.headers.append(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())
            self.kept.append(leaf_hash(self.headers[-1]))
        return self

    def seal(self, key: SignerKey | None = None) -> bytes:
        """Sign what is kept now, and return the checkpoint."""
        size = len(self.kept)
        checkpoint = Checkpoint(origin=self.origin, size=size, root=root_of(self.kept))
        self.notes[size] = make_checkpoint(checkpoint, [key or self.key])
        return self.notes[size]

    def grown(self, rows: int, every: int, **more) -> "SealedLog":
        """Append rows in rounds."""
        while len(self.headers) < rows:
            self.append(min(every, rows - len(self.headers)), **more)
            self.seal()
        return self

    def erase(self, indexes, receipt: str = "r1", *, recorded: bool = True) -> None:
        """Erase payloads as the server does: they go, and a receipt joins the log."""
        erased = ErasedEvents(receipt, [event_id(one) for one in indexes])
        for one in indexes:
            self.payloads[one] = erased.covers(event_id(one))
        if recorded:
            self.append(kind="operator:audit:erased", receipt=receipt, count=erased.count, events=erased.root.hex())
            self.seal()

    def export(
        self, *, first: int = 0, size: int | None = None, with_payloads: bool = False, key: SignerKey | None = None
    ) -> list[bytes]:
        """Return the lines of an export of what is in the store now, as the honest exporter would write it."""
        size = max(self.notes) if size is None else size
        before = Range()
        before.extend(self.kept[:first])
        written: list[bytes] = []
        writer = ExportWriter(
            written.append, origin=self.origin, size=size, before=before if first else None, keys=[str((key or self.key).verifier)], with_payloads=with_payloads
        )  # fmt: skip
        if self.pruned > first:
            spans = subtrees(first, self.pruned)
            writer.pruned(self.pruned, [root_of(self.kept[at << level : (at + 1) << level]) for level, at in spans])
        for index in range(writer.next_index, size):
            header = self.headers[index]
            if header is None:
                writer.missing(self.kept[index])
            else:
                writer.row(header, self.kept[index], self.payloads.get(index) if with_payloads else None)
            if index + 1 in self.notes:
                writer.checkpoint(self.notes[index + 1])
        writer.end()
        return b"".join(written).removesuffix(b"\n").split(b"\n")


def verified(lines, *saved: bytes, keys=(KEY,), **more) -> Report:
    """Return the report on these lines."""
    notes = [SavedCheckpoint(name=f"saved {place}", note=note) for place, note in enumerate(saved)]
    return verify(iter(lines), keys=[key.verifier for key in keys], checkpoints=notes, **more)


def first(report: Report) -> tuple:
    """What the first finding says, and where."""
    found = report.first_finding
    return (found.kind, found.index, found.until) if found else (report.verdict,)
