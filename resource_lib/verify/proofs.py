"""
A proof in a file of its own: that a log of one size begins with that of another, or that an event stands in it. No export is needed.

`authserver audit prove` writes it. It is worth what the checkpoints in it are worth, which are believed by a key that the reader has
from elsewhere; best is one that the reader has saved.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from resource_lib.verify.reading import ExportError, MalformedLineError, hex_hash
from resource_lib.verify.witnesses import SavedCheckpoint, saved_witnesses
from resource_lib.wire.merkle import leaf_hash, verify_consistency, verify_inclusion
from resource_lib.wire.signed_note import Checkpoint, NoteError, VerifierKey, open_checkpoint
from resource_lib.wire.strict_json import loads_object

FORMAT: Final = "mcp-audit-proof/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """What a proof turned out to be. `header`: the event, where it is of one."""

    origin: str
    verdict: Literal["verified", "tampered", "undecided"]
    said: str
    header: str = ""

    def as_object(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def check(text: bytes, keys: Sequence[VerifierKey], saved: Iterable[SavedCheckpoint] = ()) -> Proven:
    """Return what a proof's file shows. Raises ExportError for what is none, or is signed by none of the keys."""
    try:
        said = loads_object(text)
        match said:
            case {
                "format": "mcp-audit-proof/1", "origin": str() as origin, "from": int() as old, "to": int() as new,
                "proof": list() as hashes, "checkpoints": list() as notes,
            } if len(said) == 6:  # fmt: skip
                proof = [hex_hash(one) for one in hashes]
                return _consistency(origin, old, new, proof, _roots(origin, notes, keys, saved))
            case {
                "format": "mcp-audit-proof/1", "origin": str() as origin, "row": int() as row, "to": int() as new, "header": str() as header,
                "proof": list() as hashes, "checkpoints": list() as notes,
            } if len(said) == 7:  # fmt: skip
                proof = [hex_hash(one) for one in hashes]
                return _inclusion(
                    origin, row, new, header=header, proof=proof, roots=_roots(origin, notes, keys, saved)
                )
    except (MalformedLineError, ValueError) as error:
        if isinstance(error, ExportError | NoteError):
            raise ExportError(str(error)) from None
    raise ExportError(f"no proof of the form {FORMAT}")


def _roots(
    origin: str, notes: Sequence[Any], keys: Sequence[VerifierKey], saved: Iterable[SavedCheckpoint]
) -> dict[int, tuple[bytes, bool]]:
    """Return the signed root of each size, and whether somebody saved it elsewhere: that one counts, if there are both."""
    if not keys:
        raise ExportError("no key was given. Cure: --key, from whoever answers for the log")
    found: dict[int, tuple[bytes, bool]] = {}
    for note in notes:
        if not isinstance(note, str):
            raise ExportError("a checkpoint is a text")
        one: Checkpoint = open_checkpoint(note.encode(), keys, origin=origin)
        found[one.size] = one.root, False
    for witness in saved_witnesses(saved, keys, origin):
        found[witness.size] = witness.root, True
    return found


def _consistency(
    origin: str, old: int, new: int, proof: Sequence[bytes], roots: dict[int, tuple[bytes, bool]]
) -> Proven:
    for size in (old, new):
        if size not in roots:
            said = f"of size {size} there is no signed checkpoint. Cure: --checkpoint, the one that was saved"
            return Proven(origin=origin, verdict="undecided", said=said)
    if verify_consistency(old, new, roots[old][0], roots[new][0], proof):
        which = _saved(size for size in (old, new) if roots[size][1])
        return Proven(
            origin=origin, verdict="verified", said=f"the log of {new} rows begins with the log of {old} rows{which}"
        )
    said = f"this does not show that the log of {new} rows begins with the log of {old} rows: it was rewritten, or the proof is of another log"
    return Proven(origin=origin, verdict="tampered", said=said)


def _inclusion(
    origin: str, row: int, size: int, *, header: str, proof: Sequence[bytes], roots: dict[int, tuple[bytes, bool]]
) -> Proven:
    if size not in roots:
        return Proven(origin=origin, verdict="undecided", said=f"of size {size} there is no signed checkpoint")
    root, is_saved = roots[size]
    if verify_inclusion(row, size, leaf_hash(header.encode(errors="surrogatepass")), proof, root):
        which = _saved([size] if is_saved else [])
        return Proven(
            origin=origin,
            verdict="verified",
            said=f"row {row} of the log of {size} rows is this event{which}",
            header=header,
        )
    return Proven(origin=origin, verdict="tampered", said=f"row {row} of the log of {size} rows is not this event")


def _saved(sizes: Iterable[int]) -> str:
    named = " and ".join(str(one) for one in sizes)
    return f"; the checkpoint of size {named} was saved elsewhere" if named else ""
