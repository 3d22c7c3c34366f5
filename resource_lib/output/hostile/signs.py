"""
What in a text speaks to the model instead of its reader.

The text is read as a model would: in NFKC, in lower case, without invisible characters; then, where it differs, with letters that
look like Latin ones as Latin, digits in words as letters, letters set apart joined, base64 decoded, and tag characters as the letters that they stand for.
What is found only in such a reading was hidden on purpose, and weighs more.

A sign is a hint and no proof: whoever writes *about* injection is found as well. docs/screening.md says how often.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from resource_lib.output import base64_text
from resource_lib.output.hostile.hidden import without_hidden_characters
from resource_lib.output.hostile.sign import Sign
from resource_lib.output.hostile.table import COMPACT, LINES, SENTENCES, Row
from resource_lib.output.letters import plainest
from resource_lib.output.sieve import Sieve

_DISGUISED: Final = Sign("disguised", 0.5)
_HIDDEN: Final = {
    "tags": Sign("hidden_tags", 1.0),
    "bidi": Sign("bidi_controls", 0.4),
    "variation": Sign("hidden_selectors", 0.6),
    "escape": Sign("escape_sequences", 0.4),
    "invisible": Sign("invisible_characters", 0.4),
}
_FEW: Final = {"invisible": 3, "variation": 4, "bidi": 1, "tags": 1, "escape": 1}
"""From how many on they are a sign: a byte order mark is none, a soft hyphen neither."""

_LOOKS_LATIN: Final = str.maketrans("аеорсухіјѕԁԛԝһӏвкмнтгпαοερντυικχηωаɡıℓ", "aeopcyxijsdqwhlbkmhtrnaoepvtuikxhwagil")
_OTHER_LETTERS = re.compile("[Ͱ-ϿЀ-ӿԀ-ԯɐ-ʯ]")
_LATIN = re.compile(r"[a-z]")
_AS_DIGITS: Final = str.maketrans("013457@$", "oieastas")
_DIGIT_IN_WORD = re.compile(r"[013457@$](?<=[a-z].)[013457@$]?[a-z]")
_SET_APART = re.compile(r"(?<![^\W_])[^\W\d_](?:[ ._*\-|/]{1,3}[^\W\d_](?![^\W_])){5,}+")
_FEW_APART = re.compile(r"[ ._*|/-](?<=[a-z].)[a-z][ ._*|/-]{1,3}[a-z][ ._*|/-]{1,3}[a-z](?![a-z])")
_NOT_LETTERS = re.compile(r"[\W\d_]+")

_ROWS: Final[tuple[Row, ...]] = (*LINES, *SENTENCES)
_ROWS_SIEVE: Final = Sieve([row.needs for row in _ROWS])
_HAS_OTHERS: Final = Sieve(
    [
        (re.compile(r"[a-z][013457@$][013457@$]?[a-z]"),),
        (re.compile(r"[a-z][ ._*|/-][a-z][ ._*|/-]{1,3}[a-z][ ._*|/-]{1,3}[a-z]"),),
        (re.compile(r"[A-Za-z0-9+/_-]{22}"),),
    ]
)
"""What every text has that can be read otherwise although it is ASCII and hides nothing: a digit in a word, letters set apart, base64."""


_REMOVED: Final = {
    **_HIDDEN,
    "delimiter": Sign("chat_delimiter", 0.6),
    "comment": Sign("hidden_markup", 0.3),
    "image": Sign("image_beacon", 0.5),
}


def hidden_signs(removed: Mapping[str, int]) -> tuple[Sign, ...]:
    """Return what it says of a text that so many of each kind were removed from it (`stripped`): hints, but for whole hidden sentences."""
    return tuple(sign for kind, sign in _REMOVED.items() if removed.get(kind, 0) >= _FEW.get(kind, 1))


def signs(text: str) -> tuple[Sign, ...]:
    """Return each kind of sign once, with its greatest weight, by name. Empty for almost all texts."""
    shown, counts = without_hidden_characters(text)
    best: dict[str, float] = {}
    for kind, count in counts.items():
        if count >= _FEW.get(kind, 1):
            _add(best, _HIDDEN[kind])
    first = shown.lower() if shown.isascii() else plainest(shown).lower()
    _look(first, best)
    plainly = dict(best)
    if shown is text and text.isascii() and not _HAS_OTHERS.lets_any_through(first):
        return tuple(Sign(name, best[name]) for name in sorted(best))
    for other in _other_readings(text, first, counts["tags"] > 0):
        _look(other, best)
    if _FEW_APART.search(first) and COMPACT.search(
        "".join(_NOT_LETTERS.sub("", run) for run in _SET_APART.findall(first))
    ):
        best["ignore_instructions"] = 1.0
    if any(found > plainly.get(name, 0.0) for name, found in best.items()):
        _add(best, _DISGUISED)
    return tuple(Sign(name, best[name]) for name in sorted(best))


def _add(best: dict[str, float], sign: Sign) -> None:
    best[sign.name] = max(sign.weight, best.get(sign.name, 0.0))


def _look(text: str, best: dict[str, float]) -> None:
    """Add what stands in one reading."""
    flat = " ".join(text.split())
    # A word that ends a text ends like any other.
    for place in _ROWS_SIEVE.passing(f"{flat} "):
        row = _ROWS[place]
        if row.weight > best.get(row.sign, 0.0) and row.pattern.search(text if place < len(LINES) else flat):
            best[row.sign] = row.weight


def _other_readings(text: str, first: str, has_tags: bool) -> Iterable[str]:
    if not first.isascii() and _OTHER_LETTERS.search(first) and _LATIN.search(first):
        yield first.translate(_LOOKS_LATIN)
    if _DIGIT_IN_WORD.search(first):
        yield first.translate(_AS_DIGITS)
    if has_tags:
        yield "".join(chr(ord(one) - 0xE0000) for one in text if 0xE0020 <= ord(one) < 0xE007F).lower()
    runs = [read for run in base64_text.RUN.findall(text) if len(run) >= 24 and (read := base64_text.decoded(run))]
    if runs:
        yield "\n".join(runs).lower()
