"""An export of the record, verified by whoever has a key and a checkpoint: what is true is said to be so, whichever part of it they have."""

import gzip
import itertools
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib.verify import ConsistencyProof, ExportError, lines_of, pins_of, proof_from_json, proof_to_json, verify
from resource_lib.verify.command import main
from resource_lib.wire.export import ClearPayload, ErasedEvents, ExportFormError, ExportWriter
from resource_lib.wire.merkle import Range, consistency_proof, leaf_hash, root_of
from resource_lib.wire.signed_note import Checkpoint, SignerKey, add_signature, make_checkpoint
from tests.support.sealed_log import KEY, ORIGIN, SealedLog, event_id, first, verified

PLATFORM = "auth.example.com/audit/shared"
PLATFORM_KEY = SignerKey(PLATFORM, bytes(range(1, 33)))
OTHER = SignerKey(ORIGIN, bytes(32))


def proof_between(log: SealedLog, old: int, new: int) -> ConsistencyProof:
    hashes = consistency_proof(old, new, lambda level, index: root_of(log.kept[index << level : (index + 1) << level]))
    return ConsistencyProof(origin=log.origin, old=old, new=new, hashes=tuple(hashes))


# -- parts of a log

PARTS = pytest.mark.requirement("record:verify:parts-of-a-log")


@PARTS
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 700), st.integers(1, 90), st.data())
def test_every_part_of_an_honest_log_is_verified(rows, every, data):
    """Whatever its size, its rounds, where the export begins and what was pruned."""
    log = SealedLog().grown(rows, every)
    log.seal()
    begin = data.draw(st.integers(0, rows))
    log.pruned = data.draw(st.sampled_from([0, begin, min(256, rows)]))
    if log.pruned > begin:
        log.append(kind="platform:audit:pruned", **{"from": 0, "to": log.pruned})
        log.seal()

    report = verified(log.export(first=begin), log.notes[max(log.notes)])

    assert ("verified",) == first(report), report.findings
    assert root_of(log.kept).hex() == report.root
    assert len(log.kept) - begin == report.rows + report.pruned
    assert (1, ()) == (report.saved, report.uncompared)


@PARTS
def test_rows_that_are_gone_without_a_receipt_of_retention_are_named():
    """Decision 15: never a gap that nothing in the log accounts for."""
    log = SealedLog().grown(600, 50)
    log.pruned = 512
    unsaid = verified(log.export())
    log.append(kind="platform:audit:pruned", **{"from": 0, "to": 256})
    log.seal()

    too_little = verified(log.export())

    assert ("pruned_without_receipt", 0, 512) == first(unsaid) == first(too_little)


@PARTS
def test_a_root_that_stands_in_for_other_rows_is_found():
    log = SealedLog().grown(600, 50)
    log.append(kind="platform:audit:pruned", **{"from": 0, "to": 512})
    log.seal()
    log.pruned = 512
    lines = log.export()
    log.kept[3] = leaf_hash(b"something else")
    lines[1] = log.export()[1]

    assert ("rewritten", 0, 550) == first(verified(lines))


@PARTS
def test_an_export_that_begins_at_a_row_stands_on_the_range_before_it():
    log = SealedLog().grown(700, 37)
    log.headers[650] = log.headers[650].replace(b"tool", b"TOOL")
    lines = log.export(first=600)
    other = SealedLog().grown(600, 37, tool="another")
    forged = [other.export(first=600, size=600)[0].replace(b'"size":600', b'"size":700'), *lines[1:]]

    assert ("edited", 650, 651) == first(verified(lines))
    assert ("rewritten", 600, 629) == first(verified(forged))


@PARTS
def test_keys_may_change_and_others_may_sign_too():
    """C2SP tlog-checkpoint: signatures of unknown keys are passed over; rows under them alone are nobody's."""
    log = SealedLog().grown(100, 50)
    log.append(20)
    log.seal(OTHER)
    log.append(20)
    log.notes[140] = add_signature(log.seal(OTHER), SignerKey("witness.example/w1", bytes(32)))

    both, old, new = (
        verified(log.export(), keys=[KEY, OTHER]),
        verified(log.export()),
        verified(log.export(), keys=[OTHER]),
    )

    assert ("verified",) == first(both) == first(new)
    assert ("unsigned", 100, 140) == first(old)
    assert (4, 2) == (both.checkpoints, new.checkpoints)
    assert (KEY.verifier.signer,) == new.unknown_signers
    assert any("count for nothing" in one for one in new.notes)


@PARTS
def test_an_empty_log_is_verified_when_somebody_signed_that_it_is():
    log = SealedLog()
    note = log.seal()
    lines = log.export()
    lines.insert(1, json.dumps({"checkpoint": note.decode()}, separators=(",", ":")).encode())

    assert "unsigned" == first(verified(log.export()))[0]
    assert ("verified",) == first(verified(log.export(), note))
    assert "malformed" == first(verified(lines))[0]  # it was written in: the last line says so


@PARTS
def test_what_could_not_be_read_back_is_not_written():
    """A writer refuses, and what it has written so far is whole."""
    written: list[bytes] = []
    one = leaf_hash(b"{}")

    writer = ExportWriter(written.append, origin=ORIGIN, size=1)
    for header in (b"", b"[]", b'{"a":\n1}'):
        with pytest.raises(ExportFormError):
            writer.row(header, one)
    with pytest.raises(ExportFormError):
        writer.row(b"{}", one[:-1])
    with pytest.raises(ExportFormError):
        writer.row(b"{}", one, ClearPayload(key=bytes(32), clear=b"{}"))
    with pytest.raises(ExportFormError):
        writer.end()
    with pytest.raises(ExportFormError):
        writer.pruned(2, [one])
    writer.row(b"{}", one)
    with pytest.raises(ExportFormError):
        writer.row(b"{}", one)
    with pytest.raises(ExportFormError):
        ExportWriter(written.append, origin=ORIGIN, size=0, before=Range.of(1, [one]))
    with pytest.raises(LookupError):
        ErasedEvents("r1", [event_id(1)]).covers(event_id(2))
    assert 2 == len(written)


# -- saved checkpoints

SAVED = pytest.mark.requirement("record:verify:saved-checkpoints")


@SAVED
@pytest.mark.parametrize("size", [1, 37, 74, 300, 699, 700])
def test_a_saved_checkpoint_of_any_size_in_the_export_is_compared(size):
    """Also where the export has none of that size, in the middle of a tile."""
    log = SealedLog().grown(700, 37)
    saved = make_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=root_of(log.kept[:size])), [KEY])
    wrong = make_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=root_of(log.kept[1 : size + 1])), [KEY])

    assert 1 == verified(log.export(), saved).saved
    assert "rewritten" == first(verified(log.export(), wrong))[0]


@SAVED
def test_a_later_checkpoint_needs_a_proof_that_the_log_went_on():
    """An export that is merely older, and one of a log that went back, look alike; the proof tells them apart."""
    log = SealedLog().grown(300, 37)
    older = log.export()
    later = log.grown(700, 37).notes[700]
    proof, wrong = proof_between(log, 300, 700), proof_between(log, 299, 700)

    assert ("truncated", 300, 700) == first(verified(older, later))
    assert ("verified",) == first(verified(older, later, proofs=[proof]))
    assert ("truncated", 300, 700) == first(verified(older, later, proofs=[wrong]))
    assert proof == proof_from_json(proof_to_json(proof))


@SAVED
def test_a_checkpoint_from_before_the_export_needs_a_proof_too():
    """Without it nothing is said, which is no "verified"."""
    log = SealedLog().grown(700, 37)
    saved = log.notes[74]

    undecided = verified(log.export(first=600), saved)
    proven = verified(log.export(first=600), saved, proofs=[proof_between(log, 74, 700)])

    assert ("undecided", ("saved 0 (size 74)",)) == (undecided.verdict, undecided.uncompared)
    assert ("verified", 1) == (proven.verdict, proven.saved)


@SAVED
def test_a_checkpoint_that_nobody_known_signed_is_no_checkpoint():
    """Whoever saved it would rely on nothing; and one of another log says nothing of this one."""
    log = SealedLog().grown(50, 37)
    stranger = make_checkpoint(Checkpoint(origin=ORIGIN, size=50, root=root_of(log.kept)), [OTHER])
    elsewhere = make_checkpoint(Checkpoint(origin="elsewhere.example", size=50, root=bytes(32)), [KEY])

    with pytest.raises(ExportError, match="none of the keys"):
        verified(log.export(), stranger)
    with pytest.raises(ExportError, match="not over this text"):
        verified(log.export(), log.notes[50].replace(b"\n50\n", b"\n49\n"))
    assert 0 == verified(log.export(), elsewhere).saved
    with pytest.raises(ExportError, match="no key"):
        verify(iter(log.export()), keys=[])


# -- pins

PINS = pytest.mark.requirement("record:verify:pins")


def platform_over(*states: tuple[SealedLog, int]) -> SealedLog:
    platform = SealedLog(origin=PLATFORM, key=PLATFORM_KEY)
    for log, size in states:
        platform.append(kind="platform:log:sealed", logs=[[log.origin, size, root_of(log.kept[:size]).hex()]])
        platform.seal()
    return platform


def pinned(log: SealedLog, platform: SealedLog):
    return verified(log.export(), pins=pins_of(platform.export(), log.origin))


@PINS
def test_a_log_is_held_against_every_pin_of_the_platforms_log():
    """AU-03: at its own size each, without a checkpoint of its own that anybody saved."""
    log = SealedLog().grown(300, 50)
    platform = platform_over((log, 40), (log, 130), (log, 300))
    rewritten = SealedLog().grown(300, 50, tool="another")
    rolled = SealedLog().grown(150, 50)

    assert ("verified",) == first(verified(platform.export(), keys=[PLATFORM_KEY])) == first(pinned(log, platform))
    assert 6 + 3 == pinned(log, platform).checkpoints
    assert ("rewritten", 0, 40) == first(pinned(rewritten, platform))
    assert ("truncated", 150, 300) == first(pinned(rolled, platform))
    assert [(ORIGIN, 300, 2)] == [
        (one.origin, one.size, one.row) for one in verified(platform.export(), keys=[PLATFORM_KEY]).pinned
    ]


@PINS
@pytest.mark.parametrize("size", [39, 40])
def test_a_platform_that_pins_less_than_before_says_that_a_log_went_back(size):
    log, other = SealedLog().grown(100, 50), SealedLog().grown(100, 50, tool="another")
    platform = platform_over((log, 40), (other, size))

    assert ("pins_contradict", 1, 2) == first(verified(platform.export(), keys=[PLATFORM_KEY]))


@PINS
def test_a_pin_of_another_form_is_named():
    platform = SealedLog(origin=PLATFORM, key=PLATFORM_KEY).append(
        kind="platform:log:sealed", logs=[[ORIGIN, True, "00" * 32]]
    )
    platform.seal()

    assert ("malformed", 0, 1) == first(verified(platform.export(), keys=[PLATFORM_KEY]))


# -- the command line

COMMAND = pytest.mark.requirement("record:verify:command")


def on_disk(folder, log: SealedLog, name: str = "record.ndjson", **more):
    path = folder / name
    path.write_bytes(b"\n".join(log.export(**more)) + b"\n")
    return path


@COMMAND
def test_it_says_what_it_found_and_ends_so(tmp_path, capsys):
    """0: verified; 1: tampered with; 2: nobody can say."""
    log = SealedLog().grown(300, 37)
    key, saved = ["--key", str(KEY.verifier)], tmp_path / "saved.note"
    saved.write_bytes(log.notes[300])
    honest = on_disk(tmp_path, log)
    log.headers[41] = log.headers[41].replace(b"tool", b"TOOL")
    edited = on_disk(tmp_path, log, "edited.ndjson")

    assert 0 == main([str(honest), *key, "--checkpoint", str(saved)])
    assert "VERIFIED" in capsys.readouterr().out
    assert 1 == main([str(edited), *key])
    assert f"edited: row 41 (event {event_id(41)}, 2026-09-21T14:54:20" in capsys.readouterr().out
    assert 1 == main([str(honest), str(edited), *key, "--json"])
    reports = json.loads(capsys.readouterr().out)
    assert ["verified", "tampered"] == [one["verdict"] for one in reports]
    assert ("edited", 41, 42) == tuple(reports[1]["findings"][0][name] for name in ("kind", "index", "until"))


@COMMAND
@pytest.mark.parametrize(
    "words",
    [
        [], ["EXPORT"], ["EXPORT", "--key", "nonsense"], ["nowhere.ndjson", "--key", "KEY"], ["EXPORT", "--key", "KEY", "--checkpoint", "EXPORT"],
        ["KEYS", "--key", "KEY"], ["EXPORT", "--key", "KEY", "--checkpoint", "STRANGER"], ["EXPORT", "--key", "KEY", "--checkpoint", "ELSEWHERE"],
        ["EXPORT", "--key", "KEY", "--proof", "EXPORT"], ["EXPORT", "--nonsense"], ["CUT.gz", "--key", "KEY"], ["EMPTY", "--key", "KEY"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_used_ends_with_2_and_says_why(words, tmp_path, capsys):
    log = SealedLog().grown(50, 37)
    export = on_disk(tmp_path, log)
    (tmp_path / "keys").write_text(f"{KEY.verifier}\n")
    (tmp_path / "stranger").write_bytes(
        make_checkpoint(Checkpoint(origin=ORIGIN, size=50, root=root_of(log.kept)), [OTHER])
    )
    (tmp_path / "elsewhere").write_bytes(
        make_checkpoint(Checkpoint(origin="elsewhere.example", size=5, root=bytes(32)), [KEY])
    )
    (tmp_path / "cut.gz").write_bytes(gzip.compress(export.read_bytes())[:-30])
    (tmp_path / "empty").write_bytes(b"")
    known = {
        "EXPORT": export, "KEY": KEY.verifier, "KEYS": tmp_path / "keys", "STRANGER": tmp_path / "stranger", "ELSEWHERE": tmp_path / "elsewhere",
        "CUT.gz": tmp_path / "cut.gz", "EMPTY": tmp_path / "empty",
    }  # fmt: skip

    assert 2 == main([str(known.get(word, word)) for word in words])
    assert capsys.readouterr().err


@COMMAND
def test_a_packed_export_a_file_of_keys_and_lines_of_checkpoints(tmp_path, capsys):
    """As a deployment leaves them behind: gzip, one key a line, one checkpoint of any log a line."""
    log, platform = SealedLog().grown(300, 37), None
    platform = platform_over((log, 300))
    packed = tmp_path / "record.ndjson.gz"
    packed.write_bytes(gzip.compress(on_disk(tmp_path, log).read_bytes()))
    over = on_disk(tmp_path, platform, "platform.ndjson")
    (tmp_path / "keys").write_text(f"{KEY.verifier}\n{PLATFORM_KEY.verifier}\n")
    (tmp_path / "saved").write_text(
        "".join(
            json.dumps({"checkpoint": note.decode(), "at": 1}) + "\n" for note in (log.notes[37], platform.notes[1])
        )
    )
    words = [
        "--key-file",
        str(tmp_path / "keys"),
        "--checkpoint",
        str(tmp_path / "saved"),
        "--platform",
        str(over),
        "--progress",
    ]

    assert 0 == main([str(packed), *words, "--every-log", "--json"])
    assert [1, 1] == [one["saved"] for one in json.loads(capsys.readouterr().out)]


@COMMAND
@PINS
def test_a_log_that_is_gone_is_named_by_the_platforms(tmp_path, capsys):
    """AU-03: every row of a tenant deleted, checkpoints and all; the platform's log still tells of it."""
    kept, gone = SealedLog().grown(60, 37), SealedLog(origin="auth.example.com/audit/gone").grown(10, 5)
    over = on_disk(tmp_path, platform_over((gone, 10), (kept, 60)), "platform.ndjson")
    words = ["--key", str(KEY.verifier), "--key", str(PLATFORM_KEY.verifier), "--platform", str(over)]

    assert 0 == main([str(on_disk(tmp_path, kept)), *words])
    assert 1 == main([str(on_disk(tmp_path, kept)), *words, "--every-log"])
    assert "log_missing: row 0: it pins auth.example.com/audit/gone at size 10" in capsys.readouterr().out


@COMMAND
def test_a_row_cannot_speak_to_the_terminal(tmp_path, capsys):
    """LG-01: an edited row may say anything."""
    log = SealedLog().grown(40, 37)
    log.headers[3] = b'{"id":"\\u001b[2J\\u202egone","kind":"call"}'

    assert 1 == main([str(on_disk(tmp_path, log)), "--key", str(KEY.verifier)])
    said = capsys.readouterr().out
    assert "edited: row 3" in said
    assert not {"\x1b", "\u202e"} & set(said)


@COMMAND
def test_it_runs_alone_and_loads_neither_server_nor_guard(tmp_path):
    """Whoever verifies does not have to trust, install or start what they verify."""
    path = on_disk(tmp_path, SealedLog().grown(60, 37))
    code = (
        "import sys; from resource_lib.verify.command import main; code = main(sys.argv[1:]); "
        "print(sorted(name for name in sys.modules if name.split('.')[0] in {'resource_lib', 'authserver', 'sqlalchemy', 'anyio', 'httpx2'}), file=sys.stderr); "
        "sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(path), "--key", str(KEY.verifier)], capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    assert {"resource_lib"} == {name.split(".")[0] for name in eval(done.stderr)}
    assert {"resource_lib", "resource_lib.verify", "resource_lib.wire"} == {
        ".".join(name.split(".")[:2]) for name in eval(done.stderr)
    }


class Endless:
    """An export of many rows that never stands in memory, read as a file is."""

    def __init__(self, rows: int) -> None:
        self._parts: list[bytes] = []
        self._made = self._make(rows)

    def _make(self, rows: int):
        tree, writer = Range(), ExportWriter(self._parts.append, origin=ORIGIN, size=rows, keys=[str(KEY.verifier)])
        for index in range(rows):
            header = b'{"at":%d,"id":"%026x","kind":"call"}' % (index, index)
            kept = leaf_hash(header)
            tree.extend([kept])
            writer.row(header, kept)
            yield
        writer.checkpoint(make_checkpoint(Checkpoint(origin=ORIGIN, size=rows, root=tree.root()), [KEY]))
        writer.end()
        yield

    def read(self, size: int) -> bytes:
        for _ in itertools.islice(self._made, 5_000):
            pass
        data = b"".join(self._parts)
        self._parts.clear()
        return data


@COMMAND
def test_anybody_can_write_their_own_verifier(tmp_path):
    """docs/record-format.md: the program that stands there, as it stands there."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "record-format.md").read_text(encoding="utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    log, saved = SealedLog().grown(300, 37), tmp_path / "saved.note"
    saved.write_bytes(log.notes[296])
    honest = on_disk(tmp_path, log)
    log.headers[41] = log.headers[41].replace(b"tool", b"TOOL")
    edited = on_disk(tmp_path, log, "edited.ndjson")

    codes = [
        subprocess.run(
            [sys.executable, "-c", program, str(path), str(KEY.verifier), str(saved)],
            capture_output=True,
            text=True,
            check=False,
        )
        for path in (honest, edited)
    ]

    assert [0, 1] == [one.returncode for one in codes], codes[0].stderr
    assert f"296 rows are as {ORIGIN} signed them\n" == codes[0].stdout
    assert 45 > len(program.splitlines())


@COMMAND
def test_memory_does_not_grow_with_the_export():
    """R-15: one block at a time, however many there are."""
    peaks = []
    for rows in (10_000, 40_000):
        tracemalloc.start()
        report = verify(lines_of(Endless(rows)), keys=[KEY.verifier])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert ("verified", rows) == (report.verdict, report.rows)

    assert peaks[1] < peaks[0] * 1.5 < 15_000_000, peaks


class NoEnd:
    """A file of one line."""

    def read(self, size: int) -> bytes:
        return b"x" * size


@COMMAND
def test_progress_is_told_and_a_line_without_end_is_refused():
    told: list[tuple[int, int]] = []
    log = SealedLog().grown(2000, 500)

    verify(iter(log.export()), keys=[KEY.verifier], progress=lambda rows, of: told.append((rows, of)))

    assert told == sorted(told)
    assert told[-1][0] > 1500
    assert 2000 == told[0][1]
    with pytest.raises(ExportError, match="longer than"):
        list(lines_of(NoEnd()))
