"""
The command line of the verifier: files in, one verdict out, progress on long runs.
"""

import argparse
import gzip
import json
import sys
import time
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TextIO, cast

from resource_lib.verify.proofs import check
from resource_lib.verify.reading import ExportError, head_of, lines_of
from resource_lib.verify.report import Finding, Report
from resource_lib.verify.stream import verify_stream, without_export
from resource_lib.verify.verifier import verify
from resource_lib.verify.witnesses import (
    ConsistencyProof,
    SavedCheckpoint,
    Witness,
    origin_of,
    pins_of,
    proof_from_json,
)
from resource_lib.wire.signed_note import MOST_BYTES, NoteError, VerifierKey, saved_notes

VERIFIED: Final = 0
TAMPERED: Final = 1
UNDECIDED: Final = 2
_EVERY_S: Final = 0.2
_MOST_CHECKPOINT_BYTES: Final = 64 * MOST_BYTES


def main(words: list[str]) -> int:
    """Verify what was named, say what came of it, and return the exit code."""
    try:
        given = _arguments().parse_args(words)
    except SystemExit as end:
        return UNDECIDED if end.code else VERIFIED
    try:
        keys = _keys(given.key, given.key_file)
        saved = [one for path in given.checkpoint for one in _checkpoints(Path(path))]
        if not given.export:
            return _prove(given, keys, saved)
        proofs = [proof_from_json(Path(path).read_bytes()) for path in given.proof]
        if given.export == ["-"]:
            reports = verify_stream(
                lines_of(sys.stdin.buffer),
                keys=keys,
                checkpoints=saved,
                proofs=proofs,
                expected=given.expect,
                every_log=given.every_log,
                progress=lambda name: _progress(name, is_wanted=given.progress),
            )
        else:
            reports = _verify_all(given, keys, saved, proofs)
    except (ExportError, NoteError, OSError, EOFError, zlib.error) as error:
        sys.stderr.write(f"verify: {_said(error)}\n")
        return UNDECIDED
    if given.json:
        sys.stdout.write(json.dumps([one.as_object() | {"file": name} for name, one in reports], indent=2) + "\n")
    else:
        for name, one in reports:
            sys.stdout.write("\n".join(_sentences(name, one)) + "\n")
    verdicts = {one.verdict for _, one in reports}
    return TAMPERED if "tampered" in verdicts else UNDECIDED if "undecided" in verdicts else VERIFIED


def _prove(given: argparse.Namespace, keys: Sequence[VerifierKey], saved: Sequence[SavedCheckpoint]) -> int:
    """Check proofs that need no export, and return the exit code."""
    if not given.proof:
        raise ExportError("nothing to verify. Cure: an export, or --proof FILE")
    found = [(path, check(Path(path).read_bytes(), keys, saved)) for path in given.proof]
    if given.json:
        sys.stdout.write(json.dumps([one.as_object() | {"file": path} for path, one in found], indent=2) + "\n")
    else:
        for path, one in found:
            sys.stdout.write(f"{path}: {one.verdict.upper()}\n  log {_plain(one.origin)}: {one.said}\n")
            if one.header:
                sys.stdout.write(f"  {_plain(one.header)}\n")
    verdicts = {one.verdict for _, one in found}
    return TAMPERED if "tampered" in verdicts else UNDECIDED if "undecided" in verdicts else VERIFIED


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: cannot be read ({error.strerror})"
    return str(error)


def _verify_all(
    given: argparse.Namespace,
    keys: Sequence[VerifierKey],
    saved: Sequence[SavedCheckpoint],
    proofs: Sequence[ConsistencyProof],
) -> list[tuple[str, Report]]:
    """Return a report of each export; the platform's comes first, because the others are held against what it pins."""
    platform = [given.platform] if given.platform else []
    origins = {_origin(path) for path in (*platform, *given.export)}
    for one in saved:
        if origin_of(one.note) not in origins:
            raise ExportError(
                f"{one.name}: it is of the log {origin_of(one.note)}, and no export is. Cure: give that export too; the platform's as --platform"
            )
    reports: list[tuple[str, Report]] = []
    for path in (*platform, *given.export):
        with _opened(path) as lines, _progress(path, is_wanted=given.progress) as progress:
            is_pinned = platform and path != given.platform and reports[0][1].is_verified
            with closing(_pins(given.platform if is_pinned else None, path)) as pins:
                reports.append(
                    (path, verify(lines, keys=keys, checkpoints=saved, pins=pins, proofs=proofs, progress=progress))
                )
    if given.every_log and platform:
        over = reports[0][1]
        missing = {one.origin for one in over.pinned} - origins
        reports[0] = (given.platform, without_export(over, missing))
    return reports


def _pins(platform: str | None, path: str) -> Generator[Witness]:
    """Yield how the platform's log pins the log of this export; it is read beside the export, row for row."""
    if platform is not None:
        with _opened(platform) as lines:
            yield from pins_of(lines, _origin(path))


def _origin(path: str) -> str:
    with _opened(path) as lines:
        first = next(lines, None)
        if first is None:
            raise ExportError(f"{path}: it is empty")
        return head_of(first).origin


@contextmanager
def _opened(path: str) -> Iterator[Iterator[bytes]]:
    """Open an export, packed or not, whatever it is called."""
    with Path(path).open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if is_packed:
            with gzip.open(file, "rb") as unpacked:
                yield lines_of(cast("BinaryIO", unpacked))
        else:
            yield lines_of(file)


def _keys(lines: Sequence[str], files: Sequence[str]) -> list[VerifierKey]:
    """Return the keys that were given, on the command line or in files of one key a line."""
    found = list(lines)
    for path in files:
        found += [line for line in Path(path).read_text(encoding="utf-8").split("\n") if line]
    return [VerifierKey.parse(one) for one in found]


def _checkpoints(path: Path) -> list[SavedCheckpoint]:
    """Return the checkpoints of a file: a signed note as it is, or a line of JSON with a `checkpoint` for each."""
    with path.open("rb") as file:
        whole = file.read(_MOST_CHECKPOINT_BYTES + 1)
    if len(whole) > _MOST_CHECKPOINT_BYTES:
        raise ExportError(f"{path}: too long for a file of checkpoints. Cure: give its last lines")
    try:
        notes = saved_notes(whole)
    except NoteError as error:
        raise ExportError(f"{path}: {error}") from None
    return [
        SavedCheckpoint(name=f"{path}, line {number}" if number else str(path), note=note) for number, note in notes
    ]


class _Bar:
    """How far it has come, on one line of standard error."""

    def __init__(self, name: str, out: TextIO) -> None:
        self._name, self._out = name, out
        self._began = time.monotonic()
        self._shown = self._began
        self.has_shown = False

    def __call__(self, rows: int, of: int) -> None:
        """Show it, a few times a second."""
        now = time.monotonic()
        if now - self._shown < _EVERY_S:
            return
        self._shown, self.has_shown = now, True
        share = min(1.0, rows / of) if of else 1.0
        speed = rows / (now - self._began)
        left = f", {(of - rows) / speed:,.0f} s left" if speed and of >= rows else ""
        filled = int(share * 30)
        self._out.write(
            f"\r{self._name}: [{'#' * filled}{'.' * (30 - filled)}] {share:6.1%} {rows:,} rows, {speed:,.0f}/s{left}   "
        )
        self._out.flush()


@contextmanager
def _progress(name: str, *, is_wanted: bool) -> Iterator[_Bar | None]:
    if not is_wanted and not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(Path(name).name, sys.stderr)
    yield bar
    if bar.has_shown:
        sys.stderr.write("\n")


def _sentences(name: str, report: Report) -> Iterator[str]:
    """Yield what is said to people."""
    yield f"{name}: {report.verdict.upper()}"
    span = f"rows {report.first} to {report.size - 1}" if report.size > report.first else "no rows"
    yield f"  log {report.origin}, {span}, root {report.root}"
    yield f"  {report.rows} rows read, {report.pruned} pruned; {report.checkpoints} checkpoints fit, {report.saved} of them saved elsewhere"
    if report.payloads.are_given:
        told = report.payloads
        yield f"  payloads: {told.verified} verified, {told.erased} erased with a receipt, {told.missing} missing without one, {told.wrong} wrong"
    for finding in report.findings:
        yield f"  {_line(finding)}"
    if report.findings_left_out:
        yield f"  and {report.findings_left_out} more"
    for one in report.uncompared:
        yield f"  not compared: {one} lies outside of what the export can show. Cure: --proof, a consistency proof from its size to {report.size}"
    if report.pinned:
        yield f"  it pins {len(report.pinned)} logs"
    for note in report.notes:
        yield f"  note: {note}"


def _line(finding: Finding) -> str:
    return _plain(str(finding))


def _plain(said: str) -> str:
    # What a row says is a stranger's; a terminal obeys some of it.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in said)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m resource_lib.verify",
        description="Verifies exports of the record: rows, payloads, receipts and checkpoints, with nothing but a key and what was saved. "
        "Ends with 0: verified; 1: tampered with; 2: it cannot be read, or cannot be decided.",
        epilog="Example: python -m resource_lib.verify record.ndjson.gz --key 'auth.example.com/audit+1f2e3d4c+AQ…' --checkpoint saved.note",
    )
    parser.add_argument(
        "export",
        nargs="*",
        metavar="EXPORT",
        help="a file of `authserver audit export`, packed with gzip or not; -: several from standard input, one after the other, the platform's first",
    )
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="VKEY",
        help="a verifier key NAME+ID+KEY of whoever signs the log; repeat it for more",
    )
    parser.add_argument(
        "--key-file", action="append", default=[], metavar="FILE", help="a file with a verifier key on each line"
    )
    parser.add_argument(
        "--checkpoint", action="append", default=[], metavar="FILE",
        help="a checkpoint that was kept apart from the log: a signed note, or lines of JSON with `checkpoint`",
    )  # fmt: skip
    parser.add_argument(
        "--proof",
        action="append",
        default=[],
        metavar="FILE",
        help="a consistency proof between a saved checkpoint and the export; without an export, any file of `authserver audit prove`",
    )
    parser.add_argument(
        "--platform", metavar="EXPORT", help="the export of the platform's own log, which pins all others"
    )
    parser.add_argument(
        "--every-log", action="store_true", help="with --platform: no log that it pins may be without an export"
    )
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="with -: this log may not be missing if it is pinned",
    )
    parser.add_argument(
        "--progress", action="store_true", help="show how far it has come, also where standard error is no terminal"
    )
    parser.add_argument("--json", action="store_true", help="say it for a program")
    return parser
