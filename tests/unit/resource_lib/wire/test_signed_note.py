"""A text that somebody signed is read in one way, or not at all."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.wire.signed_note import (
    Checkpoint,
    NoteError,
    SignerKey,
    UnknownSignersError,
    VerifierKey,
    add_signature,
    make_checkpoint,
    make_note,
    open_checkpoint,
    open_note,
)

pytestmark = pytest.mark.requirement("record:note:is-c2sp")

# The example of golang.org/x/mod/sumdb/note, which the specification was made from.
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NOTE = f"{TEXT}\n{SIGNATURE}".encode()
KEY = VerifierKey.parse(VERIFIER)
OTHERS = SignerKey("witness.example/w1", bytes(range(32)))


def test_the_note_of_the_reference_is_made_byte_for_byte():
    """C2SP signed-note; Ed25519 is deterministic."""
    signer = SignerKey.parse(SIGNER)

    assert VERIFIER == str(KEY) == str(signer.verifier)
    assert SIGNER == signer.secret()
    assert NOTE == make_note(TEXT, [signer])
    assert TEXT == open_note(NOTE, [KEY]).text
    assert SIGNER[-20:] not in repr(signer)


def test_lines_of_others_are_passed_over():
    """C2SP signed-note: signatures from unknown keys MUST be ignored, even if they share a name or an id."""
    same_name = SignerKey("PeterNeumann", bytes(32))
    longer = "\u2014 witness.example/w2 " + base64.b64encode(bytes(4 + 8 + 2420)).decode() + "\n"
    note = add_signature(add_signature(NOTE, OTHERS), same_name) + longer.encode()

    opened = open_note(note, [KEY])

    assert (KEY,) == opened.signed_by
    assert (OTHERS.verifier.signer, same_name.verifier.signer, "witness.example/w2+00000000") == opened.unknown
    assert (KEY, OTHERS.verifier) == open_note(note, [OTHERS.verifier, KEY]).signed_by


def test_a_note_that_nobody_known_has_signed_is_refused_and_says_who_did():
    """C2SP signed-note: without a known key's signature the text means nothing."""
    with pytest.raises(UnknownSignersError) as caught:
        open_note(NOTE, [OTHERS.verifier])

    assert ("PeterNeumann+c74f20a3",) == caught.value.signers


def test_a_known_key_that_did_not_sign_this_refuses_the_whole_note():
    """C2SP signed-note: also where another known key did."""
    forged = TEXT.replace("answer", "ANSWER")
    note = add_signature(f"{forged}\n{SIGNATURE}".encode(), OTHERS)

    with pytest.raises(NoteError, match="PeterNeumann"):
        open_note(note, [KEY, OTHERS.verifier])


def test_the_first_line_of_a_key_decides():
    """As the reference: a second line of the same key is never asked."""
    garbage = "\u2014 PeterNeumann " + base64.b64encode(KEY.key_id + bytes(64)).decode() + "\n"

    assert (KEY,) == open_note(NOTE + garbage.encode(), [KEY]).signed_by
    with pytest.raises(NoteError):
        open_note(f"{TEXT}\n{garbage}{SIGNATURE}".encode(), [KEY])


def test_a_text_may_have_empty_lines():
    """C2SP signed-note: text and signatures are separated by the last empty line."""
    signer = SignerKey.parse(SIGNER)

    assert "a\n\nb\n" == open_note(make_note("a\n\nb\n", [signer]), [KEY]).text


MALFORMED = {
    "nothing": b"",
    "no signature": TEXT.encode() + b"\n",
    "no empty line": TEXT.encode() + SIGNATURE.encode(),
    "no last line end": NOTE[:-1],
    "two last line ends": NOTE + b"\n",
    "carriage returns": NOTE.replace(b"\n", b"\r\n"),
    "a tab": NOTE.replace(b"you think", b"you\tthink"),
    "a NUL": NOTE.replace(b"you think", b"you\0think"),
    "not UTF-8": NOTE.replace(b"you think", b"you\xffthink"),
    "a hyphen": NOTE.replace("\u2014".encode(), b"--"),
    "an en dash": NOTE.replace("\u2014".encode(), "\u2013".encode()),
    "two spaces": NOTE.replace(b"PeterNeumann ", b"PeterNeumann  "),
    "a name with a plus": NOTE.replace(b"\x94 PeterNeumann", b"\x94 Peter+Neumann"),
    "a name with a wide space": NOTE.replace(b"\x94 PeterNeumann", "\u2014 Peter\u3000Neumann".encode()[1:]),
    "no name": NOTE.replace(b"\x94 PeterNeumann", b"\x94 "),
    "not base64": NOTE.replace(b"nAM=\n", b"nA!=\n"),
    "another form of base64": NOTE.replace(b"nAM=\n", b"nAN=\n"),
    "base64 without its end": NOTE.replace(b"nAM=\n", b"nAM\n"),
    "base64 for URLs": NOTE.replace(b"x08go/", b"x08go_"),
    "a short signature": f"{TEXT}\n\u2014 PeterNeumann x08gow==\n".encode(),
    "a line of something else": NOTE + b"something else\n",
    "too many": NOTE + SIGNATURE.encode() * 100,
    "too long": b"a" * 1_000_000 + NOTE,
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_note_is_refused(note):
    """C2SP signed-note, Format; the table is that of the reference and ours."""
    with pytest.raises(NoteError):
        open_note(note, [KEY])


@pytest.mark.parametrize(
    "line",
    [
        "", "PeterNeumann", "PeterNeumann+c74f20a3", "PeterNeumann+c74f20a4+" + VERIFIER[22:], "PeterNeumann+C74F20A3+" + VERIFIER[22:],
        "Peter Neumann" + VERIFIER[12:], "PeterNeumann+c74f20a3+!!!!", VERIFIER + "A", VERIFIER + "\n", "+c74f20a3+" + VERIFIER[22:],
        # "unknown algorithm, with adjusted key hash", and a key that is too long, of the reference's tests
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
    ],
)  # fmt: skip
def test_what_is_no_verifier_key_is_refused(line):
    """C2SP signed-note: a key whose id is not its own is somebody's mistake."""
    with pytest.raises(NoteError):
        VerifierKey.parse(line)


@pytest.mark.parametrize(
    "line",
    ["", VERIFIER, SIGNER.replace("a3+", "a4+"), SIGNER.replace("PRIVATE", "private"), SIGNER[:-4], SIGNER + "="],
)
def test_what_is_no_signer_key_is_refused(line):
    """C2SP signed-note, and nothing of the key in the message."""
    with pytest.raises(NoteError) as caught:
        SignerKey.parse(line)

    assert "AYEKFALV" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "a", "a\r\n", "\ud800\n"], ids=repr)
def test_a_text_that_no_note_could_carry_is_not_signed(text):
    """Ours: what is signed can be read again."""
    with pytest.raises(NoteError):
        make_note(text, [OTHERS])


@given(st.data())
def test_no_single_byte_can_be_changed(data):
    """Signed is the text; of the rest nothing can be changed that would make it another key's word."""
    at = data.draw(st.integers(0, len(NOTE) - 1))
    changed = NOTE[:at] + bytes([NOTE[at] ^ data.draw(st.integers(1, 255))]) + NOTE[at + 1 :]

    with pytest.raises(NoteError):
        open_note(changed, [KEY])


# -- checkpoints

ORIGIN = "example.com/behind-the-sofa"
EXAMPLE = f"{ORIGIN}\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
"""C2SP tlog-checkpoint."""


def test_the_checkpoint_of_the_specification_is_read_and_written():
    """C2SP tlog-checkpoint, Note text."""
    checkpoint = Checkpoint.parse(EXAMPLE)

    assert (ORIGIN, 20852163) == (checkpoint.origin, checkpoint.size)
    assert "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62" == checkpoint.root.hex()
    assert EXAMPLE == checkpoint.text
    assert ("later", "lines") == Checkpoint.parse(EXAMPLE + "later\nlines\n").extensions


def test_a_checkpoint_counts_for_its_own_log_alone():
    """Ours: one key may sign for many logs."""
    checkpoint = Checkpoint.parse(EXAMPLE)
    note = make_checkpoint(checkpoint, [OTHERS])

    assert checkpoint == open_checkpoint(note, [OTHERS.verifier], origin=ORIGIN)
    with pytest.raises(NoteError, match="another log"):
        open_checkpoint(note, [OTHERS.verifier], origin=ORIGIN + "/2")


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", EXAMPLE[:-1], EXAMPLE + "\n", EXAMPLE + "\nlater\n", EXAMPLE.replace("20852163", "020852163"), EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("20852163", "+1"), EXAMPLE.replace("20852163", "1_0"), EXAMPLE.replace("20852163", "1 "), EXAMPLE.replace("20852163", "\u0661"),
        EXAMPLE.replace("20852163", "9" * 19), EXAMPLE.replace("q2I=", "q2J="), EXAMPLE.replace("q2I=", "q2I"), EXAMPLE.replace("CsUY", ""),
        EXAMPLE.replace(ORIGIN, ""), f"{ORIGIN}\n1\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text):
    """C2SP tlog-checkpoint, Note text."""
    with pytest.raises(NoteError):
        Checkpoint.parse(text)
