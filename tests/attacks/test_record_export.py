"""Somebody who can write every row, and does not have the key: what they do to the record is found and named from an export alone."""

import copy
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resource_lib.verify import ExportError
from resource_lib.wire.export import ErasedEvents
from resource_lib.wire.merkle import leaf_hash
from resource_lib.wire.signed_note import SignerKey
from tests.support.sealed_log import ORIGIN, SealedLog, event_id, first, verified

pytestmark = pytest.mark.requirement("record:verify:names-the-first-row")

ROUND = 37
HONEST = SealedLog().grown(700, ROUND)
"""Sealed at 37, 74 … 666, 700. Row 300 is in the round from 296 to 332."""
SAVED = HONEST.notes[370]
THIEF = SignerKey(ORIGIN, bytes(32))


@pytest.fixture
def log() -> SealedLog:
    return copy.deepcopy(HONEST)


def edited(header: bytes) -> bytes:
    return header.replace(b'"tool ', b'"TOOL ')


def recomputed(log: SealedLog) -> None:
    """What was kept of the rows is made to fit them again: everything but signatures."""
    log.kept = [leaf_hash(one) for one in log.headers]


def test_what_nobody_touched_is_verified(log):
    report = verified(log.export(), SAVED, log.notes[700])

    assert ("verified",) == first(report)
    assert (700, 2, ()) == (report.rows, report.saved, report.uncompared)


# -- 1 edit


def test_an_edited_row_is_named(log):
    """AU-02: by index, event and time, and with the checkpoint that shows it."""
    log.headers[300] = edited(log.headers[300])

    report = verified(log.export())

    assert ("edited", 300, 301) == first(report)
    assert (event_id(300), "the checkpoint of size 333") == (report.first_finding.id, report.first_finding.shown_by)
    assert report.first_finding.at == 1_790_000_000_000_000 + 300 * 60_000_000


@pytest.mark.parametrize("index", [0, 255, 256, 295, 296, 511, 699])
def test_it_is_named_wherever_it_stands(log, index):
    """AU-02: at the edges of tiles and rounds, first and last."""
    log.headers[index] = edited(log.headers[index])

    assert ("edited", index, index + 1) == first(verified(log.export()))


def test_whoever_edits_the_kept_hash_too_is_found_between_two_checkpoints(log):
    """AU-02: then the round is what can be named, and nothing smaller."""
    log.headers[300] = edited(log.headers[300])
    recomputed(log)

    report = verified(log.export())

    assert ("rewritten", 296, 333) == first(report)
    assert event_id(296) == report.first_finding.id


def test_a_kept_hash_alone_is_no_row(log):
    """The row is cleared, and what was done to the store is said."""
    log.kept[300] = leaf_hash(b"something")

    assert ("kept_hashes_altered", 300, 333) == first(verified(log.export()))


def test_of_many_edited_rows_the_first_is_named(log):
    for index in (650, 301, 300, 299):
        log.headers[index] = edited(log.headers[index])

    assert ("edited", 299, 300) == first(verified(log.export()))


# -- 2 edit a payload


def test_an_edited_payload_is_named(log):
    log = SealedLog().grown(60, ROUND, with_payloads=True)
    given = log.payloads[41]
    log.payloads[41] = type(given)(key=given.key, clear=given.clear.replace(b"41", b"42"))

    report = verified(log.export(with_payloads=True))

    assert ("payload_wrong", 41, 42) == first(report)
    assert (59, 1) == (report.payloads.verified, report.payloads.wrong)
    assert event_id(41) == report.first_finding.id


# -- 3 delete


@pytest.mark.parametrize("index", [0, 37, 255, 256, 300, 698])
def test_a_deleted_row_is_named(log, index):
    """AU-02: the leaf hash that was kept of it is what is left."""
    log.headers[index] = None

    report = verified(log.export())

    assert ("deleted", index, index + 1) == first(report)
    assert report.first_finding.id is None


def closed_up(lines: list[bytes]) -> list[bytes]:
    """The same lines, with the rows numbered as if none had ever been missing."""
    number, found = 0, []
    for line in lines:
        if line.startswith(b'{"i":'):
            found.append(b'{"i":%d,%b' % (number, line.partition(b",")[2]))
            number += 1
        else:
            found.append(line)
    return found


def test_a_deleted_row_is_named_although_the_others_closed_up(log):
    log.headers[300] = None

    assert ("deleted", 300, 301) == first(verified(closed_up(log.export())))


def test_several_deleted_rows_are_named(log):
    for index in range(254, 259):
        log.headers[index] = None

    assert ("deleted", 254, 259) == first(verified(log.export()))


def test_without_kept_hashes_a_deleted_row_is_named_by_the_numbers(log):
    """An attacker who writes the file can leave them out: then the gap in the numbers is what is left."""
    log.headers[300] = None
    lines = [line for line in log.export() if not line.startswith(b'{"k":')]

    assert ("deleted", 300, 301) == first(verified(lines))
    assert "truncated" == first(verified(closed_up(lines)))[0]


# -- 4 insert


@pytest.mark.parametrize("index", [0, 255, 256, 300, 699])
def test_an_inserted_row_is_named(log, index):
    """AU-02: the rows behind it move, the kept hashes do not."""
    log.headers.insert(index, edited(log.headers[index]))

    report = verified(log.export())

    assert first(report) in {("inserted", index, index + 1), ("edited", index, index + 1)}
    assert ("inserted" if index < 699 else "edited") == report.first_finding.kind


def test_a_row_that_is_written_into_the_file_is_named(log):
    lines = log.export()
    at = next(at for at, line in enumerate(lines) if line.startswith(b'{"i":300,'))
    lines.insert(at, b'{"i":300,"h":%b}' % edited(log.headers[300]))

    assert ("inserted", 300, 301) == first(verified(lines))


# -- 5 swap


@pytest.mark.parametrize(("one", "other"), [(300, 301), (300, 310), (250, 260), (0, 699)])
def test_swapped_rows_are_named(log, one, other):
    log.headers[one], log.headers[other] = log.headers[other], log.headers[one]

    found = first(verified(log.export()))

    assert ("reordered", one, one + 1) == found or (other == 699 and ("edited", one, one + 1) == found)


# -- 6 truncate the tail


def test_a_tail_whose_rows_are_gone_is_named(log):
    for index in range(650, 700):
        log.headers[index] = None

    assert ("truncated", 650, 700) == first(verified(log.export()))


def test_a_file_that_was_cut_off_is_named(log):
    lines = log.export()
    cut = next(at for at, line in enumerate(lines) if line.startswith(b'{"i":650,'))

    assert ("truncated", 650, 700) == first(verified(lines[:cut]))
    assert ("malformed", 650, 700) == first(verified([*lines[:cut], lines[cut][:40]]))


def test_the_first_row_is_named_however_many_others_are_wrong(log):
    """A flood of findings behind it hides nothing."""
    log = SealedLog().grown(400, 400, with_payloads=True)
    for index in range(100, 400):
        del log.payloads[index]
    log.headers[7] = edited(log.headers[7])

    report = verified(log.export(with_payloads=True))

    assert ("edited", 7, 8) == first(report)
    assert (100, 201) == (len(report.findings), report.findings_left_out)


@pytest.mark.parametrize(
    "said",
    ["a \u0000 b", {"a": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}],
    ids=["nul", "deep"],
)
def test_whatever_a_header_says_its_payload_is_held_against_it(said):
    """A commitment is found in any header that the server can have written."""
    log = SealedLog().grown(5, 5, with_payloads=True, said=said)
    honest = verified(log.export(with_payloads=True))
    del log.payloads[3]

    assert ("verified", 5) == (honest.verdict, honest.payloads.verified)
    assert ("payload_missing", 3, 4) == first(verified(log.export(with_payloads=True)))


# -- 7 rewrite everything


def test_everything_rewritten_without_the_key_is_found(log):
    """AU-02: recomputed hashes, the old signatures."""
    log.headers = [edited(one) for one in log.headers]
    recomputed(log)

    assert ("rewritten", 0, 37) == first(verified(log.export()))


def test_everything_rewritten_and_signed_by_a_key_of_their_own_is_found(log):
    """AU-02: under the same name; nobody gave that key."""
    forged = SealedLog(key=THIEF)
    forged.headers = [edited(one) for one in log.headers]
    recomputed(forged)
    forged.seal()

    report = verified(forged.export())

    assert ("unsigned", 0, 700) == first(report)
    assert (THIEF.verifier.signer,) == report.unknown_signers
    assert ("rewritten", 0, 370) == first(verified(forged.export(), SAVED))


def test_everything_rewritten_and_signed_with_the_stolen_key_is_found_by_whoever_saved_a_checkpoint(log):
    """AU-02: and only by them; without one the report says so."""
    forged = SealedLog()
    forged.headers = [edited(one) for one in log.headers]
    recomputed(forged)
    forged.seal()

    unseen = verified(forged.export())

    assert ("rewritten", 0, 370) == first(verified(forged.export(), SAVED))
    assert ("verified",) == first(unseen)
    assert "could not be seen" in unseen.notes[0]


# -- 8 roll back


def test_an_older_state_is_found_by_a_later_checkpoint(log):
    """The database was put back; everything in it is true, and rows are gone."""
    rolled = SealedLog().grown(370, ROUND)

    report = verified(rolled.export(), log.notes[700])

    assert ("truncated", 370, 700) == first(report)
    assert "saved 0 (size 700)" == report.first_finding.shown_by


def test_a_log_that_went_another_way_after_it_was_rolled_back_is_found(log):
    forked = SealedLog().grown(370, ROUND).grown(800, ROUND, tool="another")

    assert ("rewritten", 666, 700) == first(verified(forked.export(), log.notes[700]))
    assert ("verified",) == first(verified(forked.export(), SAVED))


# -- 9 replace a checkpoint


def test_a_checkpoint_with_another_root_is_found(log):
    log.notes[333] = log.notes[333].replace(b"\n333\n", b"\n334\n")

    assert ("checkpoint_replaced", 332, 333) == first(verified(log.export()))


def test_a_checkpoint_of_another_size_is_found(log):
    log.notes[333] = log.notes[296]

    assert ("checkpoint_replaced", 332, 333) == first(verified(log.export()))


def test_a_checkpoint_of_another_log_is_found(log):
    other = SealedLog(origin=f"{ORIGIN}2", key=SignerKey(ORIGIN, log.key.seed))
    other.headers, other.kept = log.headers[:333], log.kept[:333]
    log.notes[333] = other.seal()

    assert ("checkpoint_replaced", 332, 333) == first(verified(log.export()))


def test_a_checkpoint_that_nobody_known_signed_and_that_does_not_fit_is_found(log):
    forged = SealedLog(key=THIEF)
    forged.headers, forged.kept = log.headers[:333], [*log.kept[:332], leaf_hash(b"another")]
    log.notes[333] = forged.seal()

    assert ("checkpoint_replaced", 332, 333) == first(verified(log.export()))


def test_rows_behind_the_last_checkpoint_are_nobodys(log):
    log.append(5)

    assert ("unsigned", 700, 705) == first(verified(log.export(size=705)))


# -- 10 erase without a receipt, 11 a forged one


@pytest.fixture
def erased() -> SealedLog:
    log = SealedLog().grown(60, ROUND, with_payloads=True)
    log.erase([3, 4, 41, 59])
    return log


def test_what_was_erased_with_a_receipt_is_said_to_be_so(erased):
    """AU-04: every proof stands."""
    report = verified(erased.export(with_payloads=True))

    assert ("verified",) == first(report)
    assert (56, 4, 0) == (report.payloads.verified, report.payloads.erased, report.payloads.missing)


def test_a_payload_that_is_gone_without_a_receipt_is_named(erased):
    del erased.payloads[20]

    report = verified(erased.export(with_payloads=True))

    assert ("payload_missing", 20, 21) == first(report)
    assert event_id(20) == report.first_finding.id


def test_the_last_row_without_its_payload_is_named(erased):
    log = SealedLog().grown(60, ROUND, with_payloads=True)
    del log.payloads[59]

    assert ("payload_missing", 59, 60) == first(verified(log.export(with_payloads=True)))


def test_a_receipt_that_is_in_no_log_covers_nothing(erased):
    erased.erase([20, 21], "r2", recorded=False)

    report = verified(erased.export(with_payloads=True))

    assert ("erasure_forged", 20, 21) == first(report)
    assert (4, 2) == (report.payloads.erased, report.payloads.missing)


def test_a_receipt_covers_what_it_was_made_for_and_nothing_else(erased):
    """Every way to hang another row under a true receipt: its proof, a proof of one's own, another count."""
    true, own = erased.payloads[4], ErasedEvents("r1", [event_id(20)]).covers(event_id(20))

    for forged in (true, own, type(true)(receipt="r1", count=own.count, index=0, proof=(), root=true.root)):
        erased.payloads[20] = forged
        assert ("erasure_forged", 20, 21) == first(verified(erased.export(with_payloads=True)))


def test_a_forged_receipt_in_the_log_is_a_row_that_was_never_sealed(erased):
    """Without the key nobody can append one."""
    forged = copy.deepcopy(erased)
    forged.erase([20], "r2")
    del forged.notes[max(forged.notes)]
    forged.seal(THIEF)

    report = verified(forged.export(with_payloads=True))

    assert ("unsigned", 61, 62) == first(report)


# -- and all others


@pytest.mark.requirement("record:verify:no-byte-can-be-changed")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_byte_of_any_line_can_be_changed(data):
    """Any single mutation: another byte, one less, one more; a line that is gone, doubled, moved."""
    lines, saved = SMALL
    place = data.draw(st.integers(0, len(lines) - 1))
    line = lines[place]
    at = data.draw(st.integers(0, len(line) - 1))
    letter = bytes([data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b'0123456789abcdef"{}[]:,\n\\ =+/')))])
    match data.draw(st.sampled_from(["change", "remove", "insert", "drop", "double", "move", "cut"])):
        case "change":
            changed = [*lines[:place], line[:at] + letter + line[at + 1 :], *lines[place + 1 :]]
        case "remove":
            changed = [*lines[:place], line[:at] + line[at + 1 :], *lines[place + 1 :]]
        case "insert":
            changed = [*lines[:place], line[:at] + letter + line[at:], *lines[place + 1 :]]
        case "drop":
            changed = [*lines[:place], *lines[place + 1 :]]
        case "double":
            changed = [*lines[:place], line, line, *lines[place + 1 :]]
        case "move":
            rest = [*lines[:place], *lines[place + 1 :]]
            to = data.draw(st.integers(0, len(rest)))
            changed = [*rest[:to], line, *rest[to:]]
        case _:
            changed = lines[:place]
    changed = b"\n".join(changed).split(b"\n")

    if changed != lines:
        assert not is_verified(changed, saved)


def small() -> tuple[list[bytes], bytes]:
    log = SealedLog().grown(14, 5, with_payloads=True)
    log.erase([2, 3, 7])
    log.append(2)
    log.seal()
    return log.export(with_payloads=True), log.seal()


SMALL = small()


def is_verified(lines: list[bytes], saved: bytes) -> bool:
    try:
        return verified(lines, saved).is_verified
    except ExportError:
        return False


def test_the_small_log_itself_is_verified():
    assert is_verified(*SMALL)


@pytest.mark.requirement("record:verify:no-byte-can-be-changed")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
@example(0)
def test_whatever_is_done_to_the_store_is_found_at_its_first_row_or_in_its_round(seed):
    """A random attacker who edits, deletes, inserts, swaps rows and kept hashes; the finding is never behind the first thing they did."""
    chance, log = random.Random(seed), copy.deepcopy(HONEST)
    touched = []
    for _ in range(chance.randrange(1, 4)):
        index = chance.randrange(0, 690)
        match chance.choice(["edit", "delete", "insert", "swap", "edit with hash"]):
            case "edit":
                log.headers[index] = edited(log.headers[index] or b"{}")
            case "delete":
                log.headers[index] = None
            case "insert":
                log.headers.insert(index, b'{"id":"x%d"}' % chance.getrandbits(40))
                log.headers.pop()
            case "swap":
                other = index + chance.randrange(1, 9)
                log.headers[index], log.headers[other] = log.headers[other], log.headers[index]
            case _:
                log.headers[index] = b'{"id":"y%d"}' % chance.getrandbits(40)
                log.kept[index] = leaf_hash(log.headers[index])
        touched.append(index)
    differs = next((at for at in range(700) if log.headers[at] != HONEST.headers[at]), None)

    report = verified(log.export())

    if differs is None:
        assert ("verified",) == first(report)
        return
    assert "tampered" == report.verdict
    found = report.first_finding
    assert found.index <= differs < found.until or found.index == differs, (found, differs, touched)
    assert found.index == differs or found.kind == "rewritten"
