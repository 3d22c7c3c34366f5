"""
Reads an export once, from its first line to its last, and finds the first row that is not as it was sealed.

Two trees are built: of the rows as they stand, and, from the first place where they differ, of the leaf hashes that were kept of
them. A checkpoint that a known key signed fits the one or the other. It fits the rows: they are as they were sealed. It fits the
kept hashes: these are true, and the first row that differs from them is named. It fits neither: both were rewritten, and what is
left to say is that it happened between the last checkpoint that fits and this one.
Header bytes are hashed as they stand; only what must be understood is parsed.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import islice, takewhile
from operator import itemgetter, methodcaller
from typing import Any, Final

from resource_lib.verify import naming, reading
from resource_lib.verify.payloads import PayloadCheck
from resource_lib.verify.reading import ExportError, Head, MalformedLineError
from resource_lib.verify.report import MOST_FINDINGS, Finding, FindingKind, Payloads, PinnedLog, Report
from resource_lib.verify.witnesses import (
    ConsistencyProof,
    SavedCheckpoint,
    Witness,
    about,
    header_of,
    in_order,
    pins_in,
    saved_witnesses,
)
from resource_lib.wire.export import ERASED, PRUNED, SEALED
from resource_lib.wire.merkle import Range, verify_consistency
from resource_lib.wire.signed_note import Checkpoint as SignedCheckpoint
from resource_lib.wire.signed_note import NoteError, UnknownSignersError, VerifierKey, open_checkpoint, unverified_text
from resource_lib.wire.tiles import WIDTH

_MOST_PENDING: Final = 4096
"""Rows without kept hashes that wait for them; a writer sends them every 256."""
_MOST_PINNED: Final = 200_000
_MOST_UNKNOWN: Final = 100
_MOST_TRIES: Final = 8
"""How often in one batch many rows at once are tried, before the rest is taken one by one."""
_ends: Final = methodcaller("endswith", b"}}")
_END: Final = b'{"end":'
_UNITS: Final = tuple(b'%03d,"h":{' % units for units in range(1000))
_SPECIAL: Final = tuple(f'"{kind}"'.encode() for kind in (ERASED, PRUNED, SEALED))

Progress = Callable[[int, int], None]
"""Told now and then how many rows were read, of how many."""


def verify(
    lines: Iterable[bytes],
    *,
    keys: Iterable[VerifierKey],
    checkpoints: Iterable[SavedCheckpoint | bytes] = (),
    pins: Iterable[Witness] = (),
    proofs: Iterable[ConsistencyProof] = (),
    progress: Progress | None = None,
) -> Report:
    """
    Return what an export turns out to be, given the keys that may have signed it.

    `lines` come without their ends (`reading.lines_of`). `checkpoints` are signed notes that somebody kept apart from the log; those
    of other logs are passed over. `pins` say how a verified platform's log pinned this one (`witnesses.pins_of`), in order. `proofs`
    connect checkpoints with an export that does not reach them. Raises ExportError for what is no export, and for a saved
    checkpoint that none of the keys has signed.
    """
    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        raise ExportError("it is empty")
    head = reading.head_of(first)
    known = tuple(keys)
    if not known:
        raise ExportError("no key was given. Cure: --key, from whoever answers for the log")
    saved = saved_witnesses(checkpoints, known, head.origin)
    run = _Verification(head, known, in_order(saved, pins), tuple(proofs), saved=len(saved))
    return run.read(first, rest, progress)


class _Verification:
    def __init__(
        self,
        head: Head,
        keys: tuple[VerifierKey, ...],
        witnesses: Iterator[Witness],
        proofs: tuple[ConsistencyProof, ...],
        *,
        saved: int,
    ) -> None:
        self.head, self.keys, self.proofs = head, keys, proofs
        self.witnesses = witnesses
        self.next_witness = next(witnesses, None)
        self.saved = saved
        self.tree = head.before.copy()
        self.kept_tree: Range | None = None
        """The tree of the kept hashes, once they and the rows have parted."""
        self.parting: naming.Parting | None = None
        self.parted_from: tuple[Witness, bool] | None = None
        """The first witness after the parting, and whether it fits the kept hashes."""
        self.is_settled = False
        """The first row was named; nothing after it can be compared any more."""
        self.is_special = False
        """One of the rows that wait may be a receipt or a pin."""
        self.has_kept = False
        """Whether hashes were kept of the rows: a row without is then one that was never sealed."""
        self.headers: list[bytes] = []
        self.hashes: list[bytes] = []
        """Rows since the last kept hashes."""
        self.last_header: bytes | None = None
        self.rows = self.pruned = 0
        self.good: Witness | None = None
        self.good_size = head.before.size
        self.after_good: bytes | None = None
        """The header of the first row that no fitting checkpoint covers."""
        self.fitted = 0
        self.fitted_saved = 0
        self.uncompared: list[Witness] = []
        self.unknown: dict[str, None] = {}
        self.misnumbered: tuple[int, int] | None = None
        self.findings: list[Finding] = []
        self.left_out = 0
        self.payloads = PayloadCheck(self._find_row, are_given=head.with_payloads)
        self.payloads_found: Payloads | None = None
        self.pruned_rows: list[tuple[int, int]] = []
        self.pruned_said: list[tuple[int, int]] = []
        self.pinned: dict[str, tuple[int, bytes, int]] = {}
        self.has_ended = False
        self.says_sha256 = ""

    # -- reading

    def read(self, first: bytes, rest: Iterator[bytes], progress: Progress | None) -> Report:
        """Take every line, and say what came of it."""
        digest = sha256()
        digest.update(first + b"\n")
        number, at = 1, self.head.before.size
        with_payloads = self.head.with_payloads
        self._older_than_the_export()
        try:
            while batch := list(islice(rest, WIDTH - at % WIDTH)):
                # One copy of many lines, for the hash of the file and to see whether any of them means something here.
                together = b"\n".join(batch[:-1] if batch[-1].startswith(_END) else batch)
                digest.update(together + b"\n" if together else b"")
                self.is_special = any(kind in together for kind in _SPECIAL) or (self.is_special and bool(self.headers))
                place, tries = 0, 0 if with_payloads else _MOST_TRIES
                while place < len(batch):
                    if tries and not self.has_ended:
                        rows = self._rows(batch[place:] if place else batch, at)
                        tries, place, at, number = tries - 1, place + rows, at + rows, number + rows
                        if place == len(batch):
                            break
                    line = batch[place]
                    place, number = place + 1, number + 1
                    if self.has_ended:
                        raise MalformedLineError("something stands behind the end")
                    if line.startswith(_END):
                        self._end(line)  # what comes behind it, if anything, is refused
                    else:
                        at = self._other(line, at)
                if progress:
                    progress(self.rows, self.head.size - self.head.before.size)
            self._finish(digest.hexdigest())
        except MalformedLineError as error:
            self._block(None, is_last=True)
            index = self.tree.size
            self._find(
                "malformed",
                index,
                max(index + 1, self.head.size),
                f"line {number} is not as a writer writes it: {error}; nothing after it was read",
                header=self.last_header,
            )
        return self._report()

    def _rows(self, batch: list[bytes], at: int) -> int:
        """Take the rows that a batch begins with, if they have the numbers that are due. Returns how many these are."""
        thousands, units = divmod(at, 1000)
        if thousands and units + len(batch) <= 1000:
            begin = b'{"i":%d' % thousands
            due = [begin + rest for rest in _UNITS[units : units + len(batch)]]
        else:
            due = [b'{"i":%d,"h":{' % index for index in range(at, at + len(batch))]
        if all(map(bytes.startswith, batch, due)):
            rows = batch
        else:
            rows = list(
                map(itemgetter(0), takewhile(lambda both: both[0].startswith(both[1]), zip(batch, due, strict=True)))
            )
        cut = len(due[0]) - 1
        if len(due[-1]) - 1 != cut or not all(map(_ends, rows)):
            return 0  # one by one: numbers become longer, or something is wrong
        headers = [line[cut:-1] for line in rows]
        self.headers += headers
        self.hashes += [sha256(b"\x00" + header).digest() for header in headers]
        if len(self.hashes) >= _MOST_PENDING:
            self._block(None)
        return len(rows)

    def _other(self, line: bytes, at: int) -> int:
        """Take one line. Returns which row comes next then."""
        if line.startswith(b'{"v":'):
            if found := reading.payload_of(line):
                self.payloads.clear(*found)
            else:
                self.payloads.erased(*reading.erased_of(reading.object_of(line)))
            return at
        if kept := reading.kept_of(line):
            self._kept(*kept)
            return at
        if found_row := reading.row_of(line):
            index, header = found_row
            if index != at and self.misnumbered is None:
                self.misnumbered = (at, index)
            self.hashes.append(sha256(b"\x00" + header).digest())
            self.headers.append(header)
            if self.head.with_payloads:
                self.payloads.row(index, header)
            if len(self.hashes) >= _MOST_PENDING:
                self._block(None)
            return index + 1
        said = reading.object_of(line)
        if "checkpoint" in said:
            self._block(None)
            self._checkpoint(reading.note_of(said))
            return at
        if "pruned" in said:
            self._block(None)
            return self._pruned(reading.pruned_of(said))
        raise MalformedLineError("nothing that an export says")

    def _end(self, line: bytes) -> None:
        size, self.says_sha256 = reading.end_of(reading.object_of(line))
        if size != self.head.size:
            raise MalformedLineError("another size than in the first line")
        self.has_ended = True

    # -- rows and what was kept of them

    def _kept(self, first: int, kept: list[bytes]) -> None:
        self.has_kept = True
        known = self.kept_tree or self.tree
        if first != known.size:
            if self.is_settled:
                return
            raise MalformedLineError(f"kept hashes of row {first}, where those of row {known.size} are due")
        self._block(kept)

    def _block(self, kept: list[bytes] | None, *, is_last: bool = False) -> None:
        """Take the rows since the last time, and the hashes that were kept of them, if they were."""
        headers, hashes = self.headers, self.hashes
        if not hashes and not kept:
            return
        self._special(headers)
        self.rows += len(hashes)
        if self.parting is None:
            if self.after_good is None and self.good_size == self.tree.size and headers:
                self.after_good = headers[0]
            if kept == hashes or (kept is None and (is_last or not self.has_kept)):
                self._grow(hashes, headers)
            else:
                self._part(kept or [])
        elif not self.is_settled or not self.parting.has_enough:
            self.parting.goes_on(hashes, headers, kept or ())
            self._grow_both(hashes, headers, kept or [])
        if headers:
            self.last_header = headers[-1]
        headers.clear()
        hashes.clear()

    def _special(self, headers: list[bytes]) -> None:
        """Look for the few rows whose meaning matters here."""
        if not self.is_special:
            return
        for place, header in enumerate(headers):
            if not any(kind in header for kind in _SPECIAL):
                continue
            index = self.tree.size + place
            try:
                self.payloads.receipt(header)
                said = header_of(header)
                if said.get("kind") == PRUNED:
                    of = about(said)
                    if type(of.get("from")) is not int or type(of.get("to")) is not int:
                        raise MalformedLineError("a receipt of retention without a span")
                    self.pruned_said.append((of["from"], of["to"]))
                for origin, size, root in pins_in(header):
                    self._pin(index, header, origin, size, root)
            except MalformedLineError as error:
                self._find_row("malformed", index, header, f"it is not of the form that such a row has: {error}", "")

    def _pin(self, index: int, header: bytes, origin: str, size: int, root: bytes) -> None:
        before = self.pinned.get(origin)
        if before and (size < before[0] or (size == before[0] and root != before[1])):
            self._find_row(
                "pins_contradict",
                index,
                header,
                f"it pins {origin} at size {size}, after it had been pinned at {before[0]}: that log went back",
                "",
            )
        if before or len(self.pinned) < _MOST_PINNED:
            self.pinned[origin] = (size, root, index)

    def _grow(self, hashes: list[bytes], headers: list[bytes]) -> None:
        """Append rows that nothing speaks against yet, and ask each witness on the way."""
        begin, done = self.tree.size, 0
        end = begin + len(hashes)
        while (witness := self.next_witness) and witness.size <= end and not self.is_settled:
            upto = witness.size - begin
            if upto > done:
                self.tree.extend(hashes[done:upto])
                done = upto
            self.next_witness = next(self.witnesses, None)
            self._ask(witness, headers[done] if done < len(headers) else None)
        self.tree.extend(hashes[done:] if done else hashes)

    def _part(self, kept: list[bytes]) -> None:
        """Rows and kept hashes differ for the first time."""
        headers, hashes = self.headers, self.hashes
        same = 0
        while same < min(len(hashes), len(kept)) and hashes[same] == kept[same]:
            same += 1
        self._grow(hashes[:same], headers[:same])
        if self.is_settled:
            self.tree.extend(hashes[same:])
            return
        self.kept_tree = self.tree.copy()
        self.parting = naming.Parting(self.tree.size, headers[same - 1] if same else self.last_header)
        self.parting.goes_on(hashes[same:], headers[same:], kept[same:])
        self._grow_both(hashes[same:], headers[same:], kept[same:])

    def _grow_both(self, hashes: list[bytes], headers: list[bytes], kept: list[bytes]) -> None:
        """Append to both trees, and ask each witness which of them it fits."""
        done_rows = done_kept = 0
        while (both := self.kept_tree) is not None and not self.is_settled:
            witness = self.next_witness
            if witness is None or witness.size > both.size + len(kept) - done_kept:
                both.extend(kept[done_kept:])
                break
            upto = done_kept + witness.size - both.size
            both.extend(kept[done_kept:upto])
            done_kept = upto
            wanted = witness.size - self.tree.size
            if 0 < wanted <= len(hashes) - done_rows:
                self.tree.extend(hashes[done_rows : done_rows + wanted])
                done_rows += wanted
            self.next_witness = next(self.witnesses, None)
            self._ask(witness, headers[done_rows] if done_rows < len(headers) else None)
        if self.kept_tree is None:
            self._grow(hashes[done_rows:], headers[done_rows:])
        else:
            self.tree.extend(hashes[done_rows:])

    # -- witnesses

    def _ask(self, witness: Witness, following: bytes | None) -> None:
        """Compare a witness with the trees as they stand: both have its size, or cannot fit it."""
        fits_rows = self.tree.size == witness.size and self.tree.root() == witness.root
        if self.parting is None:
            if fits_rows:
                self._fits(witness, following)
            elif witness.is_known:
                self._rewritten(witness)
            else:
                self._find(
                    "checkpoint_replaced",
                    max(0, witness.size - 1),
                    witness.size,
                    "a checkpoint that no given key signed does not fit the rows",
                    header=self.last_header,
                    shown_by=witness.name,
                )
            return
        if not witness.is_known:
            return
        if self.kept_tree is not None and self.kept_tree.size == witness.size and self.kept_tree.root() == witness.root:
            self.parted_from = (witness, True)
            self.is_settled = True
        elif fits_rows:
            # The rows are as they were sealed; what was kept of them is not.
            index = self.parting.index
            self._find(
                "kept_hashes_altered",
                index,
                witness.size,
                "the leaf hashes that were kept of it are not those of its log; the row itself is as it was sealed",
                header=self.parting.headers[0] if self.parting.headers else None,
                shown_by=witness.name,
            )
            self.parting = self.kept_tree = None
            self._fits(witness, following)
        else:
            self.parted_from = (witness, False)
            self._rewritten(witness)

    def _fits(self, witness: Witness, following: bytes | None) -> None:
        if not witness.is_known:
            return
        self.fitted += 1
        self.fitted_saved += witness.source == "saved"
        self.good, self.good_size, self.after_good = witness, witness.size, following

    def _rewritten(self, witness: Witness) -> None:
        """Nothing that is left fits this witness: the rows since the last one that fits were rewritten."""
        begin = self.good_size
        since = f"after {self.good.name}" if self.good else "from the first row of the export on"
        gap = ""
        if self.misnumbered:
            due, found = self.misnumbered
            gap = f"; where row {due} is due, row {found} stands"
        self._find(
            "rewritten",
            begin,
            max(witness.size, begin + 1),
            f"something was changed {since}, and whatever was kept of the rows was changed with it{gap}",
            header=self.after_good,
            shown_by=witness.name,
        )
        self.is_settled = True

    def _checkpoint(self, note: bytes) -> None:
        size = (self.kept_tree or self.tree).size
        try:
            try:
                checkpoint, is_known = open_checkpoint(note, self.keys, origin=self.head.origin), True
            except UnknownSignersError as error:
                self.unknown |= dict.fromkeys(error.signers[: _MOST_UNKNOWN - len(self.unknown)])
                checkpoint, is_known = SignedCheckpoint.parse(unverified_text(note)), False
            if checkpoint.origin != self.head.origin:
                raise NoteError("the checkpoint is of another log")
        except NoteError as error:
            self._find(
                "checkpoint_replaced",
                max(0, size - 1),
                size,
                f"the checkpoint over the rows up to here is not one: {error}",
                header=self.last_header,
            )
            return
        name = f"the checkpoint of size {checkpoint.size}"
        witness = Witness(size=checkpoint.size, root=checkpoint.root, source="export", name=name, is_known=is_known)
        if self.is_settled:
            return
        if self.parting is not None or checkpoint.size == size:
            self._ask(witness, None)
        elif checkpoint.size > size:
            self._missing_before(witness, size)
        else:
            self._find(
                "checkpoint_replaced",
                max(0, size - 1),
                size,
                f"it stands where the checkpoint of size {size} is due",
                header=self.last_header,
                shown_by=name,
            )

    def _missing_before(self, witness: Witness, size: int) -> None:
        if not witness.is_known:
            return
        # Nothing was kept of the rows that are not there; only their numbers can say where they stood.
        due, until = self.misnumbered or (size, witness.size)
        kind: FindingKind = "deleted" if self.misnumbered else "truncated"
        said = f"{witness.size - size} rows that were sealed are not there"
        self._find(kind, due, max(until, due + 1), said, shown_by=witness.name)
        self.is_settled = True

    def _older_than_the_export(self) -> None:
        while (witness := self.next_witness) and witness.size < self.tree.size:
            self.next_witness = next(self.witnesses, None)
            self._cannot_be_compared(witness)
        # One of exactly the size at which the export begins needs no row.
        while (witness := self.next_witness) and witness.size == self.tree.size:
            self.next_witness = next(self.witnesses, None)
            self._ask(witness, None)

    def _cannot_be_compared(self, witness: Witness) -> None:
        if witness.source == "saved":
            self.uncompared.append(witness)

    def _pruned(self, pruned: reading.PrunedRows) -> int:
        self.pruned += pruned.to - pruned.first
        self.pruned_rows.append((pruned.first, pruned.to))
        if self.is_settled:
            return pruned.to
        tree = self.kept_tree or self.tree
        if pruned.first != tree.size or pruned.to > self.head.size:
            raise MalformedLineError("pruned rows that do not follow what is above")
        while (witness := self.next_witness) and witness.size < pruned.to:
            self.next_witness = next(self.witnesses, None)
            self._cannot_be_compared(witness)
        for level, root in pruned.roots:
            tree.extend([root], level=level)
        if tree is not self.tree and self.tree.size == pruned.first:
            for level, root in pruned.roots:
                self.tree.extend([root], level=level)
        if self.parting is None:
            self._grow([], [])
        else:
            self._grow_both([], [], [])
        return pruned.to

    # -- the end

    def _finish(self, digest: str) -> None:
        self._block(None, is_last=True)
        if not self.is_settled and self.parting is None and self.tree.size != self.head.size:
            begin, end = sorted((self.tree.size, self.head.size))
            self._find(
                "truncated" if self.tree.size < self.head.size else "inserted",
                begin,
                end,
                f"the export promises {self.head.size} rows and has {self.tree.size}",
                header=self.last_header,
                shown_by="its first line",
            )
            self.is_settled = True
        elif not self.has_ended:
            self._find(
                "truncated", self.tree.size, self.tree.size + 1, "the export has no last line", header=self.last_header
            )
        self._later_than_the_export()
        self._name_the_parting()
        self._uncovered()
        self._pruned_without_receipt()
        if not self.findings and self.misnumbered:
            due, found = self.misnumbered
            self._find("malformed", due, due + 1, f"where row {due} is due, row {found} stands")
        self.payloads_found = self.payloads.finish()
        if not self.findings and digest != self.says_sha256:
            self._find(
                "malformed",
                self.head.before.size,
                self.tree.size,
                "something besides the rows was changed in this file",
                shown_by="its last line",
            )

    def _later_than_the_export(self) -> None:
        """Whoever saved a later checkpoint knows of rows that are not here."""
        size, root = self.tree.size, self.tree.root()
        while witness := self.next_witness:
            self.next_witness = next(self.witnesses, None)
            if self.is_settled or self.parting:
                continue
            if self._is_consistent(size, root, witness.size, witness.root):
                self._fits(Witness(size=size, root=root, source=witness.source, name=witness.name), None)
                continue
            self._find(
                "truncated",
                size,
                witness.size,
                f"the log had {witness.size} rows and ends here with {size}. If this export is merely older, give the consistency proof",
                header=self.last_header,
                shown_by=witness.name,
            )
            self.is_settled = True
        still: list[Witness] = []
        for old in self.uncompared:
            if not self.is_settled and not self.parting and self._is_consistent(old.size, old.root, size, root):
                self.fitted += 1
                self.fitted_saved += 1
            else:
                still.append(old)
        self.uncompared = still

    def _is_consistent(self, old: int, old_root: bytes, new: int, new_root: bytes) -> bool:
        return any(
            verify_consistency(old, new, old_root, new_root, one.hashes)
            for one in self.proofs
            if one.origin == self.head.origin and (one.old, one.new) == (old, new)
        )

    def _name_the_parting(self) -> None:
        if self.parting is None:
            return
        if self.parted_from is None:
            index = self.parting.index
            self._find(
                "rewritten",
                index,
                max(self.head.size, index + 1),
                "row and kept leaf hash differ from here on, and no signed checkpoint of a known key covers either",
                header=self.parting.headers[0] if self.parting.headers else None,
            )
            self.is_settled = True
            return
        witness, fits_kept = self.parted_from
        if not fits_kept:
            return
        kind, until, said = naming.name(self.parting)
        stands = self.parting.headers[0] if self.parting.headers and kind in {"edited", "inserted"} else None
        after = header_of(self.parting.before).get("id") if self.parting.before and stands is None else None
        if isinstance(after, str):
            said = f"{said}; the row before it is event {after}"
        self._find(kind, self.parting.index, until, said, header=stands, shown_by=witness.name)

    def _uncovered(self) -> None:
        if self.is_settled or self.parting or (self.good and self.good_size == self.tree.size):
            return
        if self.good is None and self.unknown:
            said = f"no checkpoint is signed by a key that was given, but by {', '.join(self.unknown)}: either the key is another one, or everything was rewritten"
        elif self.good is None:
            said = "no signed checkpoint covers it: anybody could have written these rows"
        else:
            said = f"no signed checkpoint covers what comes after {self.good.name}"
        self._find("unsigned", self.good_size, max(self.tree.size, self.good_size + 1), said, header=self.after_good)

    def _pruned_without_receipt(self) -> None:
        for first, to in self.pruned_rows:
            if not any(begin <= first and to <= end for begin, end in self.pruned_said):
                self._find(
                    "pruned_without_receipt",
                    first,
                    to,
                    "these rows are gone, and no receipt of retention in this log says so",
                )

    def _find_row(self, kind: FindingKind, index: int, header: bytes | None, said: str, shown_by: str) -> None:
        self._find(kind, index, index + 1, said, header=header, shown_by=shown_by)

    def _find(
        self, kind: FindingKind, index: int, until: int, said: str, *, header: bytes | None = None, shown_by: str = ""
    ) -> None:
        if len(self.findings) >= MOST_FINDINGS:
            # What comes first is what is asked for, and it may be found last.
            self.left_out += 1
            last = max(self.findings, key=lambda one: one.index)
            if last.index <= index:
                return
            self.findings.remove(last)
        names: dict[str, Any] = header_of(header) if header else {}
        event_id, at = names.get("id"), names.get("at")
        self.findings.append(
            Finding(
                kind=kind,
                index=index,
                until=until,
                id=event_id if isinstance(event_id, str) else None,
                at=at if type(at) is int else None,
                shown_by=shown_by,
                said=said,
            )
        )

    def _report(self) -> Report:
        payloads = self.payloads_found or self.payloads.finish()
        notes = []
        if not self.saved:
            notes.append(
                "no checkpoint of this log that was saved elsewhere was given: that the log was rolled back to an older state, or signed anew by "
                "whoever holds its key, could not be seen"
            )
        if self.unknown and not self.findings:
            notes.append("some checkpoints are signed by keys that were not given; they fit, and count for nothing")
        if not self.head.with_payloads:
            notes.append("the export gives no payloads; only what the rows commit to was verified")
        verdict = "tampered" if self.findings else "undecided" if self.uncompared else "verified"
        return Report(
            origin=self.head.origin,
            verdict=verdict,  # type: ignore[arg-type]
            first=self.head.before.size,
            size=self.head.size,
            rows=self.rows,
            pruned=self.pruned,
            root=self.tree.root().hex(),
            findings=tuple(sorted(self.findings, key=lambda one: one.index)),
            findings_left_out=self.left_out,
            payloads=payloads,
            checkpoints=self.fitted,
            saved=self.fitted_saved,
            uncompared=tuple(one.name for one in self.uncompared),
            unknown_signers=tuple(self.unknown),
            pinned=tuple(
                PinnedLog(origin=name, size=size, root=root.hex(), row=row)
                for name, (size, root, row) in self.pinned.items()
            ),
            notes=tuple(notes),
        )
