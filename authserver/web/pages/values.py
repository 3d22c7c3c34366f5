"""
A value that a program sent is always visibly a value, and all of it: what draws nothing of its own is named instead.

AP-10; Unicode UTS 39 (confusable and mixed-script text), UAX 9 (directional overrides). `render.name` frees a stranger's words
of what would deceive; here nothing may be left out, because a person says yes to exactly this. So each such character stands
as its number in a frame that no text can draw, and a text can be read back from the page character by character.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from markupsafe import Markup, escape

from authserver.runtime.words import BLANK_LETTERS, INVISIBLE, MARKS_PER_LETTER

FIRST_LENGTH = 400
"""How much of one value stands on the page by itself; the rest opens with a press, and stands in the page already."""

BRIEF_LENGTH = 100
"""How much of one value stands in a sentence."""

_BREAK = Markup('<span class="odd">↵</span><br>')
_MANY = re.compile(r"[^\W\d_]+")
_HOST = re.compile(r"[^\s/@:?#\[\]()<>\"',;]+\.[^\s/@:?#\[\]()<>\"',;]{2,}")
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "LISU")
# Variation selectors are marks that only choose a picture; a row of them can carry a hidden text.
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))

_MOST_HINTS = 4
_LOOK_LIKE = str.maketrans(
    dict(
        zip(
            "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u051b\u051d\u03bf\u03b1\u03bd\u03c1",
            "aeopcyxijsdhqwoavp",
            strict=True,
        )
    )
    | {"0": "o", "1": "l", "i": "l", "|": "l", " ": None}
)


def value(text: object) -> Markup:
    """Return `text` whole, escaped, read from left to right, with every character that cannot be seen named."""
    return Markup('<bdi dir="ltr" class="given">{}</bdi>').format(Markup("").join(_drawn(str(text))))


def first(text: object) -> Markup:
    """Return the part of `text` that stands on the page by itself."""
    return value(str(text)[:FIRST_LENGTH])


def author(text: object) -> str:
    """Return the words of a tool's author between two values, freed of what draws nothing; the spaces at their ends stay."""
    return "".join(letter for letter in str(text) if letter == " " or not _is_unseen(letter))


def brief(text: object) -> Markup:
    """Return the beginning of `text`, marked where it is cut; the whole stands elsewhere on the page."""
    source = str(text)
    if not is_brief(source):
        return value(source)
    return value(source[:BRIEF_LENGTH]) + Markup('<span class="odd">…</span>')


def is_brief(text: object) -> bool:
    """Whether `brief` leaves something out."""
    return len(str(text)) > BRIEF_LENGTH


def is_long(text: object) -> bool:
    """Whether `first` leaves something out."""
    return len(str(text)) > FIRST_LENGTH


def fingerprint(text: object) -> str:
    """Return the hex SHA-256 of the whole text, for whoever compares it with their own copy."""
    return hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()


def counted(text: object) -> str:
    """Return the length of a text in words."""
    return length(len(str(text)))


def length(characters: int) -> str:
    """Return a number of characters in words."""
    return "1 character" if characters == 1 else f"{characters:,} characters"


def hints(text: object) -> list[str]:
    """Return what a careful reader would notice about a value, in our own words; none of the value's stand in them."""
    source = str(text)
    if source.isascii() and source.replace("\n", "").isprintable():
        return []
    found: list[str] = []
    if any(_is_unseen(letter) for letter in source if letter != "\n"):
        found.append(
            "It holds characters that cannot be seen or that turn text around. They are shown by their number."
        )
    mixed = {alphabets for word in _MANY.findall(source) if len(alphabets := _alphabets(word)) > 1}
    found += [
        f"One word mixes letters that look alike, of different alphabets: {' and '.join(names)}."
        for names in sorted(mixed)
    ]
    for host in dict.fromkeys(_HOST.findall(source)):
        if not host.isascii() and (ascii_form := _for_machines(host)):
            found.append(f"For machines, an address in it reads {ascii_form}")
    return found[:_MOST_HINTS]


def skeleton(text: str) -> str:
    """Return what a quick look keeps of a text: two texts with one skeleton look alike (UTS 39 §4, the likeliest letters)."""
    kept = "".join(letter for letter in unicodedata.normalize("NFKC", text) if not _is_unseen(letter))
    return kept.casefold().translate(_LOOK_LIKE)


def _drawn(text: str) -> Iterator[Markup]:
    is_composed = text.isascii() or unicodedata.is_normalized("NFC", text)
    marks, last = 0, len(text) - 1
    plain: list[str] = []
    for place, letter in enumerate(text):
        category = unicodedata.category(letter)
        is_mark = category.startswith("M")
        marks = marks + 1 if is_mark else 0
        if letter == "\n":
            odd: Markup | None = _BREAK
        elif letter == " ":
            # A space that nobody would see: at an end, or beside another one.
            beside = place in {0, last} or text[place - 1] in " \n" or text[place + 1] == "\n"
            odd = Markup('<span class="odd">␣</span>') if beside else None
        elif (
            _is_unseen(letter)
            or category == "Zs"
            or (is_mark and (marks > MARKS_PER_LETTER or place == 0 or not is_composed))
        ):
            odd = Markup('<span class="odd">U+{}</span>').format(f"{ord(letter):04X}")
        else:
            odd = None
        if odd is None:
            plain.append(letter)
            continue
        if plain:
            yield escape("".join(plain))
            plain = []
        yield odd
    if plain:
        yield escape("".join(plain))


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in INVISIBLE or letter in BLANK_LETTERS or letter in _SELECTORS


def _alphabets(word: str) -> tuple[str, ...]:
    names = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
    return tuple(sorted(name.capitalize() for name in names if name in _ALPHABETS))


def _for_machines(host: str) -> str | None:
    try:
        return host.encode("idna").decode("ascii")[:253]
    except UnicodeError:
        return None
