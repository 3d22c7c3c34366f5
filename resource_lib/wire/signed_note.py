"""
A text that somebody signed, and the checkpoint of a log: C2SP signed-note and tlog-checkpoint, with Ed25519 keys alone.

The text of a note means nothing before `open_note` has found a signature of a key that the reader named. Lines of keys that nobody
named (witnesses, older and newer keys) are passed over; a line of a named key that does not verify refuses the whole note. Parsing
is as strict as the specification, so that two readers never see two texts.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from resource_lib.wire.merkle import HASH_BYTES, MOST_LEAVES
from resource_lib.wire.strict_json import loads_object

MOST_BYTES: Final = 1_000_000
MOST_SIGNATURES: Final = 100
"""The specification asks for sixteen at least."""

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(ValueError):
    """What was given is no signed note, no key, no checkpoint, or nobody who was named has signed it. The message says which."""


class UnknownSignersError(NoteError):
    """The note is well formed, and none of its signatures is by a key that was named."""

    def __init__(self, signers: Sequence[str]) -> None:
        super().__init__(f"signed by none of the keys that were given, but by {', '.join(signers)}")
        self.signers = tuple(signers)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, and the name it signs under. `str()` is the line that is handed out: `NAME+ID+BASE64`."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Raise NoteError for a name or key that no note could carry."""
        _check_name(self.name)
        if len(self.public) != 32:
            raise NoteError("an Ed25519 key has 32 bytes")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key of such a line. Raises NoteError for any other line, another algorithm, or an id that is not the key's own."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        if not _KEY_ID.fullmatch(key_id):
            raise NoteError("a verifier key is NAME+ID+KEY, where ID is eight hex digits")
        made = cls(name, _ed25519(encoded))
        if made.key_id.hex() != key_id:
            raise NoteError("the id of the verifier key is not that of its name and key")
        return made

    @property
    def key_id(self) -> bytes:
        """The four bytes that name it beside its name."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def signer(self) -> str:
        """How it is called in messages: `NAME+ID`."""
        return f"{self.name}+{self.key_id.hex()}"

    def __str__(self) -> str:
        """Return the line that `parse` reads."""
        return f"{self.signer}+{_base64(_ED25519 + self.public)}"

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Say whether `signature` is this key's over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SignerKey:
    """A key that signs under a name. `secret()` is the line it is kept as: `PRIVATE+KEY+NAME+ID+BASE64`."""

    name: str
    seed: bytes

    def __post_init__(self) -> None:
        """Raise NoteError for a name or key that no note could carry."""
        _check_name(self.name)
        if len(self.seed) != 32:
            raise NoteError("an Ed25519 key has 32 bytes")

    def __repr__(self) -> str:
        """Say whose it is, and nothing of the key."""
        return f"SignerKey({self.verifier.signer})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key of such a line. Raises NoteError for any other line, another algorithm, or an id that is not the key's own."""
        private, _, rest = text.partition("+")
        word, _, rest = rest.partition("+")
        name, _, rest = rest.partition("+")
        key_id, _, encoded = rest.partition("+")
        if (private, word) != ("PRIVATE", "KEY") or not _KEY_ID.fullmatch(key_id):
            raise NoteError("a signer key is PRIVATE+KEY+NAME+ID+KEY, where ID is eight hex digits")
        made = cls(name, _ed25519(encoded))
        if made.verifier.key_id.hex() != key_id:
            raise NoteError("the id of the signer key is not that of its name and key")
        return made

    def secret(self) -> str:
        """Return the line that `parse` reads. It is the key itself."""
        return f"PRIVATE+KEY+{self.verifier.signer}+{_base64(_ED25519 + self.seed)}"

    @property
    def verifier(self) -> VerifierKey:
        """The half that everybody may have."""
        return VerifierKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the signature over `text`, as it stands behind the id in a line."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedNote:
    """A note that at least one named key has signed."""

    text: str
    signed_by: tuple[VerifierKey, ...]
    """The named keys whose signature was verified, in the note's order."""
    unknown: tuple[str, ...]
    """Whose signatures were passed over: `NAME+ID`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """What a log says of itself at one size: its `origin`, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise NoteError for what no checkpoint could say."""
        lines = (self.origin, *self.extensions)
        if not all(lines) or any("\n" in line for line in lines):
            raise NoteError("each line of a checkpoint is one line, and not empty")
        if not 0 <= self.size <= MOST_LEAVES or len(self.root) != HASH_BYTES:
            raise NoteError("a checkpoint has a size of at most 2**62 and a root of 32 bytes")

    @property
    def text(self) -> str:
        """The text that is signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, _base64(self.root), *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the checkpoint of a note's text. Raises NoteError for anything else."""
        *lines, last = text.split("\n")
        if len(lines) < 3 or last or not all(lines):
            raise NoteError("a checkpoint has three lines at least, and no empty one")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise NoteError("the size of a checkpoint is a decimal number")
        return cls(origin=origin, size=int(size), root=_from_base64(root), extensions=tuple(extensions))


def make_note(text: str, signers: Iterable[SignerKey]) -> bytes:
    """Return the note: `text`, signed by each of the signers. Raises NoteError for a text that no note could carry."""
    encoded = _checked_text(text)
    lines = [_signature_line(one.name, one.verifier.key_id + one.sign(encoded)) for one in signers]
    if not lines:
        raise NoteError("a note is signed by somebody")
    return encoded + b"\n" + "".join(lines).encode()


def add_signature(note: bytes, signer: SignerKey) -> bytes:
    """Return a note with one more signature, below those it has. Raises NoteError where it is none."""
    text, _ = _split(note)
    return note + _signature_line(signer.name, signer.verifier.key_id + signer.sign(text.encode())).encode()


def open_note(note: bytes, keys: Iterable[VerifierKey]) -> OpenedNote:
    """
    Return what a note says, once a key of `keys` is known to have signed it.

    Raises NoteError for what is no note, and where a line of a named key does not verify, whatever other lines do;
    UnknownSignersError where nobody signed who was named.
    """
    text, lines = _split(note)
    encoded = text.encode()
    known = {(key.name, key.key_id): key for key in keys}
    signed_by: list[VerifierKey] = []
    unknown: list[str] = []
    for name, key_id, signature in lines:
        key = known.get((name, key_id))
        if key is None:
            unknown.append(f"{name}+{key_id.hex()}")
        elif key not in signed_by:
            if not key.verifies(encoded, signature):
                raise NoteError(f"the signature of {key.signer} is not over this text")
            signed_by.append(key)
    if not signed_by:
        raise UnknownSignersError(unknown)
    return OpenedNote(text=text, signed_by=tuple(signed_by), unknown=tuple(unknown))


def unverified_text(note: bytes) -> str:
    """Return what a note claims, whoever signed it. Raises NoteError where it is no note."""
    return _split(note)[0]


def saved_notes(whole: bytes) -> list[tuple[int, bytes]]:
    """
    Return the notes that somebody saved in one file: a note as it is (line 0), or one in the `checkpoint` of each line of JSON.

    Nothing of them is verified. Raises NoteError, which names the line, for what holds none.
    """
    if not whole.startswith(b"{"):
        _split(whole)
        return [(0, whole)]
    found = []
    for number, line in enumerate(whole.split(b"\n"), start=1):
        if not line:
            continue
        try:
            note = loads_object(line).get("checkpoint")
        except ValueError:
            note = None
        if isinstance(note, list) and all(isinstance(one, str) for one in note):
            note = "\n".join(note)  # as a log says it, which has no ends of lines
        if not isinstance(note, str):
            raise NoteError(f"line {number}: no checkpoint")
        found.append((number, note.encode()))
    return found


def make_checkpoint(checkpoint: Checkpoint, signers: Iterable[SignerKey]) -> bytes:
    """Return the signed note of a checkpoint."""
    return make_note(checkpoint.text, signers)


def open_checkpoint(note: bytes, keys: Iterable[VerifierKey], *, origin: str) -> Checkpoint:
    """
    Return the checkpoint of this log that a note holds.

    Raises NoteError as `open_note` does, and where it is another log's: one key may sign for many logs.
    """
    checkpoint = Checkpoint.parse(open_note(note, keys).text)
    if checkpoint.origin != origin:
        raise NoteError("the checkpoint is of another log")
    return checkpoint


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return the text of a note, and name, key id and signature of each line below it. Raises NoteError where it is no note."""
    if len(note) > MOST_BYTES:
        raise NoteError("a note has at most a million bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8") from None
    text, blank, below = whole.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise NoteError("a note is a text, an empty line, and lines of signatures")
    _checked_text(text + "\n")
    lines = below[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"a note has at most {MOST_SIGNATURES} signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, rest = line[:2], line[2:]
    name, _, encoded = rest.partition(" ")
    if dash != _DASH:
        raise NoteError("a line of a signature begins with an em dash")
    _check_name(name)
    signature = _from_base64(encoded)
    if len(signature) < 5:
        raise NoteError("a signature is shorter than its key's id")
    return name, signature[:4], signature[4:]


def _signature_line(name: str, signature: bytes) -> str:
    return f"{_DASH}{name} {_base64(signature)}\n"


def _checked_text(text: str) -> bytes:
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        raise NoteError("the text of a note ends with a line's end and has no other control character")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NoteError("a note is UTF-8") from None


def _check_name(name: str) -> None:
    if not name or "+" in name or any(letter.isspace() or letter < " " for letter in name):
        raise NoteError("the name of a key is not empty and has no space and no plus")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise NoteError("the name of a key is UTF-8") from None


def _ed25519(encoded: str) -> bytes:
    key = _from_base64(encoded)
    if key[:1] != _ED25519 or len(key) != 33:
        raise NoteError("not an Ed25519 key")
    return key[1:]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    """Return the bytes that `text` is the one base64 form of. Raises NoteError for any other form."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if _base64(data) != text:
        raise NoteError("not the one form of base64")
    return data
