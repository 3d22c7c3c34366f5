"""
What stands outside of the rows and says what they were: checkpoints, those that somebody saved, pins of the platform's log, proofs.
"""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from resource_lib.verify.reading import ExportError, MalformedLineError, hex_hash, row_of
from resource_lib.wire.export import SEALED
from resource_lib.wire.merkle import MOST_LEAVES
from resource_lib.wire.signed_note import (
    Checkpoint,
    NoteError,
    UnknownSignersError,
    VerifierKey,
    open_checkpoint,
    unverified_text,
)
from resource_lib.wire.strict_json import loads_message, loads_object

_MOST_DEPTH: Final = 64
"""Of a header. Its strings may hold anything that JSON can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """Somebody's word that the log had this root at this size."""

    size: int
    root: bytes
    source: Literal["export", "saved", "pin"]
    name: str
    """How it is called in messages."""
    is_known: bool = True
    """Whether a key that was given has signed it, or a verified log says it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedCheckpoint:
    """A signed checkpoint that was kept apart from the log, and what to call it."""

    name: str
    note: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsistencyProof:
    """A proof that the log of `new` leaves begins with that of `old` (`merkle.consistency_proof`)."""

    origin: str
    old: int
    new: int
    hashes: tuple[bytes, ...]


def saved_witnesses(
    saved: Iterable[SavedCheckpoint | bytes], keys: Sequence[VerifierKey], origin: str
) -> list[Witness]:
    """
    Return the saved checkpoints of this log, by size; those of other logs are passed over.

    Raises ExportError for one that is no checkpoint or that none of the keys has signed: whoever saved it would rely on nothing.
    """
    found = []
    for place, one in enumerate(saved, start=1):
        name, note = (one.name, one.note) if isinstance(one, SavedCheckpoint) else (f"saved checkpoint {place}", one)
        try:
            if Checkpoint.parse(unverified_text(note)).origin != origin:
                continue
            checkpoint = open_checkpoint(note, keys, origin=origin)
        except UnknownSignersError as error:
            raise ExportError(f"{name}: {error}. Cure: give the key it was signed with (--key)") from None
        except NoteError as error:
            raise ExportError(f"{name}: {error}") from None
        found.append(
            Witness(size=checkpoint.size, root=checkpoint.root, source="saved", name=f"{name} (size {checkpoint.size})")
        )
    return sorted(found, key=lambda one: one.size)


def origin_of(note: bytes) -> str:
    """Return which log a checkpoint claims to be of. Raises NoteError where it is none."""
    return Checkpoint.parse(unverified_text(note)).origin


def pins_of(lines: Iterable[bytes], origin: str) -> Iterator[Witness]:
    """
    Yield how a platform's log pinned the log of this origin, in its order, from the lines of its export.

    They are worth what that export is worth: verify it first. A pin that is smaller than one before it is left out here, because
    the verification of the platform's export has named it.
    """
    needle, largest = SEALED.encode(), -1
    for line in lines:
        if needle not in line:
            continue
        found = row_of(line)
        for pinned, size, root in pins_in(found[1]) if found else ():
            if pinned == origin and size > largest and found is not None:
                largest = size
                yield Witness(
                    size=size, root=root, source="pin", name=f"the platform's log, row {found[0]} (size {size})"
                )


def pins_in(header: bytes) -> list[tuple[str, int, bytes]]:
    """Return the (origin, size, root) that a header pins, nothing where it is no pin. Raises MalformedLineError for a pin of another form."""
    said = header_of(header)
    if said.get("kind") != SEALED:
        return []
    logs = about(said).get("logs")
    if type(logs) is not list:
        raise MalformedLineError("a pin without logs")
    pins = []
    for one in logs:
        match one:
            case [str() as origin, int() as size, root] if 0 <= size <= MOST_LEAVES and type(size) is int:
                pins.append((origin, size, hex_hash(root)))
            case _:
                raise MalformedLineError("a pin of another form")
    return pins


def header_of(header: bytes) -> dict[str, Any]:
    """Return what a header says, nothing where it cannot be read in one way."""
    try:
        said = loads_message(header, most_depth=_MOST_DEPTH)
    except ValueError:
        return {}
    return said if type(said) is dict else {}


def about(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is particular to the kind of an event, from what its header says."""
    found = said.get("about")
    return found if type(found) is dict else {}


def in_order(saved: list[Witness], pins: Iterable[Witness]) -> Iterator[Witness]:
    """Merge witnesses by size; both are in order already, and pins may be many."""
    return heapq.merge(saved, pins, key=lambda one: one.size)


def proof_from_json(text: bytes) -> ConsistencyProof:
    """Return the proof of a file: `{"format":"mcp-audit-consistency/1","origin","from","to","proof":[hex, …]}`. Raises ExportError."""
    try:
        said = loads_object(text)
        match said:
            case {
                "format": "mcp-audit-consistency/1", "origin": str() as origin, "from": int() as old, "to": int() as new, "proof": list() as hashes,
            } if len(said) == 5:  # fmt: skip
                return ConsistencyProof(origin=origin, old=old, new=new, hashes=tuple(hex_hash(one) for one in hashes))
            case {
                "format": "mcp-audit-proof/1", "origin": str() as origin, "from": int() as old, "to": int() as new,
                "proof": list() as hashes, "checkpoints": list(),
            } if len(said) == 6:  # fmt: skip
                return ConsistencyProof(origin=origin, old=old, new=new, hashes=tuple(hex_hash(one) for one in hashes))
    except ValueError:
        pass
    raise ExportError("no consistency proof of the form mcp-audit-consistency/1")


def proof_to_json(proof: ConsistencyProof) -> bytes:
    """Return the file that `proof_from_json` reads."""
    return json.dumps(
        {
            "format": "mcp-audit-consistency/1",
            "origin": proof.origin,
            "from": proof.old,
            "to": proof.new,
            "proof": [one.hex() for one in proof.hashes],
        }
    ).encode()
