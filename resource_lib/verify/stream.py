"""
Several exports and proofs, one after the other on one stream: a whole deployment verified as it is read, with nothing written down.

The platform's own log comes first, because the others are held against what it pins. Proofs are lines of their own before the export
that they are about.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from resource_lib.verify.reading import ExportError, MalformedLineError, head_of, row_of
from resource_lib.verify.report import Finding, Report
from resource_lib.verify.verifier import Progress, verify
from resource_lib.verify.witnesses import (
    ConsistencyProof,
    SavedCheckpoint,
    Witness,
    origin_of,
    pins_in,
    proof_from_json,
)
from resource_lib.wire.export import SEALED
from resource_lib.wire.merkle import HASH_BYTES
from resource_lib.wire.signed_note import VerifierKey

_HEAD: Final = b'{"format":"mcp-audit-export/'
_PROOF: Final = b'{"format":"mcp-audit-consistency/'
_END: Final = b'{"end":'
_MOST_PINS: Final = 4_000_000
"""Of all logs together, some fifty bytes each; beyond them the log that was pinned most often keeps every second one."""

ShowProgress = Callable[[str], AbstractContextManager[Progress | None]]
"""Given the origin of a log, shows how far its verification is."""


def verify_stream(
    lines: Iterable[bytes],
    *,
    keys: Sequence[VerifierKey],
    checkpoints: Sequence[SavedCheckpoint] = (),
    proofs: Sequence[ConsistencyProof] = (),
    expected: Iterable[str] = (),
    every_log: bool = False,
    progress: ShowProgress,
) -> list[tuple[str, Report]]:
    """
    Return a report of each export on the stream, by its origin.

    `expected` are logs of which an export must be there if the platform's log pins them; with `every_log` these are all that it pins.
    Raises ExportError as `verify` does, and for a saved checkpoint of a log that is not on the stream.
    """
    reports: list[tuple[str, Report]] = []
    pins = _Pins()
    known = list(proofs)
    for one in _exports(iter(lines), known):
        with progress(one.origin) as told:
            held = reports and reports[0][1].is_verified
            rows = one.lines() if reports else pins.noted(one.lines())
            report = verify(
                rows,
                keys=keys,
                checkpoints=checkpoints,
                pins=pins.of(one.origin) if held else (),
                proofs=known,
                progress=told,
            )
        one.skip()
        reports.append((one.origin, report))
    if not reports:
        raise ExportError("it is empty")
    origins = {origin for origin, _ in reports}
    for saved in checkpoints:
        if origin_of(saved.note) not in origins:
            raise ExportError(f"{saved.name}: it is of another log than what is verified")
    platform = reports[0][1]
    wanted = {one.origin for one in platform.pinned} if every_log else set(expected)
    reports[0] = (reports[0][0], without_export(platform, wanted - origins))
    return reports


def without_export(platform: Report, missing: set[str]) -> Report:
    """Return the platform's report with a finding for each of these logs that it pins."""
    gone = tuple(
        Finding(
            kind="log_missing",
            index=one.row,
            until=one.row + 1,
            said=f"it pins {one.origin} at size {one.size}, and of that log nothing is there",
            shown_by="the platform's log",
        )
        for one in platform.pinned
        if one.origin in missing
    )
    return replace(platform, verdict="tampered", findings=(*platform.findings, *gone)) if gone else platform


class _Export:
    """The lines of one export; whoever stops in the middle skips the rest."""

    def __init__(self, head: bytes, rest: Iterator[bytes]) -> None:
        self.origin = head_of(head).origin
        self._head, self._rest = head, rest
        self._is_over = False
        self.following: bytes | None = None
        """The first line behind it, where it has no last line of its own."""

    def lines(self) -> Iterator[bytes]:
        """Yield its lines, each once."""
        yield self._head
        yield from self._further()

    def _further(self) -> Iterator[bytes]:
        while not self._is_over:
            line = next(self._rest, None)
            if line is None or line.startswith((_HEAD, _PROOF)):
                self.following, self._is_over = line, True
                return
            self._is_over = line.startswith(_END)
            yield line

    def skip(self) -> None:
        """Go to its end."""
        for _ in self._further():
            pass


def _exports(lines: Iterator[bytes], proofs: list[ConsistencyProof]) -> Iterator[_Export]:
    line = next(lines, None)
    while line is not None:
        if line.startswith(_PROOF):
            proofs.append(proof_from_json(line))
            line = next(lines, None)
            continue
        one = _Export(line, lines)
        yield one
        line = one.following if one.following is not None else next(lines, None)


class _Pins:
    """What the platform's log pins of each log, in order."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[array[int], bytearray, array[int]]] = {}
        self._many = 0

    def noted(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Pass lines on, and note what they pin. They are worth what the log is worth: ask once it is verified."""
        needle = SEALED.encode()
        for line in lines:
            if needle in line and (found := row_of(line)):
                try:
                    for origin, size, root in pins_in(found[1]):
                        self._note(origin, size, root, found[0])
                except MalformedLineError:
                    pass  # the verification of this very row says so
            yield line

    def _note(self, origin: str, size: int, root: bytes, row: int) -> None:
        sizes, roots, rows = self._of.setdefault(origin, (array("Q"), bytearray(), array("Q")))
        if sizes and size <= sizes[-1]:
            return
        sizes.append(size)
        roots += root
        rows.append(row)
        self._many += 1
        if self._many > _MOST_PINS:
            self._thin()

    def _thin(self) -> None:
        origin, (sizes, roots, rows) = max(self._of.items(), key=lambda one: len(one[1][0]))
        # The newest stays.
        kept = range((len(sizes) - 1) % 2, len(sizes), 2)
        halved = bytearray().join(roots[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in kept)
        self._of[origin] = (array("Q", (sizes[at] for at in kept)), halved, array("Q", (rows[at] for at in kept)))
        self._many -= len(sizes) - len(kept)

    def of(self, origin: str) -> Iterator[Witness]:
        """Yield how a log was pinned."""
        sizes, roots, rows = self._of.get(origin, (array("Q"), bytearray(), array("Q")))
        for at, size in enumerate(sizes):
            root = bytes(roots[at * HASH_BYTES : (at + 1) * HASH_BYTES])
            yield Witness(size=size, root=root, source="pin", name=f"the platform's log, row {rows[at]} (size {size})")
