"""
The lines of an export, read as strictly as they are written: one form each, and nothing that two readers could take differently.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from resource_lib.wire.export import FORMAT, MOST_LINE_BYTES, ErasedPayload
from resource_lib.wire.merkle import HASH_BYTES, MOST_LEAVES, Range, subtrees
from resource_lib.wire.signed_note import NoteError, VerifierKey
from resource_lib.wire.strict_json import loads_object

_CHUNK: Final = 1 << 20
_ROW: Final = re.compile(rb'\{"i":(0|[1-9][0-9]{0,18}),"h":(\{.*\})\}', re.DOTALL)
_PAYLOAD: Final = re.compile(rb'\{"v":(0|[1-9][0-9]{0,18}),"key":"([0-9a-f]{64})","p":(.+)\}', re.DOTALL)
_KEPT: Final = re.compile(rb'\{"k":(0|[1-9][0-9]{0,18}),"hashes":"([A-Za-z0-9+/]+={0,2})"\}')
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class ExportError(ValueError):
    """It is no export that anything could be said about, or cannot be read. The message says why."""


class MalformedLineError(ValueError):
    """A line that no writer writes stands in an export."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The first line."""

    origin: str
    size: int
    before: Range
    keys: tuple[VerifierKey, ...]
    with_payloads: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedRows:
    """A line of rows that retention has removed."""

    first: int
    to: int
    roots: tuple[tuple[int, bytes], ...]
    """(level, root) of each subtree they filled."""


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, a megabyte in memory at a time. Raises ExportError for a line without end."""
    rest = b""
    while chunk := file.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        yield from lines
        if len(rest) > MOST_LINE_BYTES:
            raise ExportError(f"a line is longer than {MOST_LINE_BYTES} bytes")
    if rest:
        yield rest


def head_of(line: bytes) -> Head:
    """Return what the first line says. Raises ExportError where it is none of ours."""
    try:
        said = loads_object(line)
        if said.get("format") != FORMAT:
            raise ExportError(f"it does not begin as an export of the form {FORMAT}")
        _exactly(said, "format", "origin", "from", "size", "before", "keys", "payloads")
        first, size = _number(said["from"]), _number(said["size"])
        if first > size or type(said["payloads"]) is not bool or not _text(said["origin"]):
            raise MalformedLineError
        return Head(
            origin=said["origin"],
            size=size,
            before=Range.of(first, [_hash(one) for one in _list(said["before"])]),
            keys=tuple(VerifierKey.parse(_text(one)) for one in _list(said["keys"])),
            with_payloads=said["payloads"],
        )
    except ExportError:
        raise
    except (MalformedLineError, NoteError, ValueError):
        raise ExportError("its first line is not one that a writer of this form writes") from None


def row_of(line: bytes) -> tuple[int, bytes] | None:
    """Return number and header of a row, None for any other line."""
    found = _ROW.fullmatch(line)
    return (int(found[1]), found[2]) if found else None


def payload_of(line: bytes) -> tuple[int, bytes, bytes] | None:
    """Return number, key and clear payload of such a line, None for any other."""
    found = _PAYLOAD.fullmatch(line)
    return (int(found[1]), bytes.fromhex(found[2].decode()), found[3]) if found else None


def kept_of(line: bytes) -> tuple[int, list[bytes]] | None:
    """Return where kept hashes begin, and them; None for any other line. Raises MalformedLineError where they are not whole."""
    found = _KEPT.fullmatch(line)
    if found is None:
        return None
    hashes = _bytes(found[2].decode())
    if len(hashes) % HASH_BYTES:
        raise MalformedLineError("hashes of 32 bytes")
    return int(found[1]), [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def object_of(line: bytes) -> dict[str, Any]:
    """Return any other line as an object. Raises MalformedLineError."""
    try:
        return loads_object(line)
    except ValueError:
        raise MalformedLineError("a line that is no JSON object") from None


def erased_of(said: dict[str, Any]) -> tuple[int, ErasedPayload]:
    """Return row and proof of a line that says a payload was erased. Raises MalformedLineError."""
    _exactly(said, "v", "erased")
    of = said["erased"]
    if type(of) is not dict:
        raise MalformedLineError("erased")
    _exactly(of, "receipt", "count", "index", "proof", "root")
    return _number(said["v"]), ErasedPayload(
        receipt=_text(of["receipt"]),
        count=_number(of["count"]),
        index=_number(of["index"]),
        proof=tuple(_hash(one) for one in _list(of["proof"])),
        root=hex_hash(of["root"]),
    )


def pruned_of(said: dict[str, Any]) -> PrunedRows:
    """Return what a line says was pruned. Raises MalformedLineError."""
    _exactly(said, "pruned")
    of = said["pruned"]
    if type(of) is not dict:
        raise MalformedLineError("pruned")
    _exactly(of, "from", "to", "roots")
    first, to = _number(of["from"]), _number(of["to"])
    roots = [_hash(one) for one in _list(of["roots"])]
    spans = subtrees(first, to) if first < to else []
    if not spans or len(spans) != len(roots):
        raise MalformedLineError("roots of what was pruned")
    return PrunedRows(
        first=first, to=to, roots=tuple((level, root) for (level, _), root in zip(spans, roots, strict=True))
    )


def note_of(said: dict[str, Any]) -> bytes:
    """Return the note of a checkpoint's line. Raises MalformedLineError."""
    _exactly(said, "checkpoint")
    return _text(said["checkpoint"]).encode()


def end_of(said: dict[str, Any]) -> tuple[int, str]:
    """Return size and digest of the last line. Raises MalformedLineError."""
    _exactly(said, "end")
    of = said["end"]
    if type(of) is not dict:
        raise MalformedLineError("end")
    _exactly(of, "size", "sha256")
    return _number(of["size"]), hex_hash(of["sha256"]).hex()


def hex_hash(value: Any) -> bytes:
    """Return a hash from hex. Raises MalformedLineError."""
    if type(value) is not str or not _HEX.fullmatch(value):
        raise MalformedLineError("a hash in hex")
    return bytes.fromhex(value)


def _exactly(said: dict[str, Any], *members: str) -> None:
    if set(said) != set(members):
        raise MalformedLineError("members that such a line does not have")


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_LEAVES:
        raise MalformedLineError("a number")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise MalformedLineError("a text")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise MalformedLineError("a list")
    return value


def _hash(value: Any) -> bytes:
    one = _bytes(_text(value))
    if len(one) != HASH_BYTES:
        raise MalformedLineError("a hash of 32 bytes")
    return one


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedLineError("base64") from None
    if base64.b64encode(data).decode() != text:
        raise MalformedLineError("the one form of base64")
    return data
