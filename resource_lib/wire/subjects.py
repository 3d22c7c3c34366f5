"""
Who is named: one form of an identifier, whoever writes it down, so that a person is found again to be erased.

`Jane.Roe@Example.com` and `jane.roe@example.com` are one address, `+49 170 1234567` and `0049-170-1234567` one number. The form does not
depend on what the identifier is said to be: whoever asks for an erasure knows the identifier, not the word of a schema. Two people
never become one by it unless they differ in case, white space or the punctuation of a number alone. Frozen: keyed references to these
forms are kept for years. Unicode NFKC, the standard library only.
"""

import re
import unicodedata
from typing import Final

MOST_CHARACTERS: Final = 256
"""Of an identifier in this form; a longer text names nobody."""

_MOST_ROUNDS: Final = 8
_UNSEEN: Final = re.compile("[\\s\u00ad\u200b-\u200f\u2060\ufeff]+")
_NUMBER: Final = re.compile(r"\+?[0-9()./-]{6,40}")
_ABROAD: Final = re.compile(r"00[1-9][0-9]{6,}")
_PUNCTUATION: Final = re.compile(r"[^0-9]")


def normal_form(identifier: str) -> str:
    """Return the one form of an identifier; empty: it names nobody. Idempotent; raises nothing."""
    if len(identifier) > 4 * MOST_CHARACTERS:
        return ""
    text = identifier
    for _ in range(_MOST_ROUNDS):
        # What goes can bring together what was apart, so it is looked at until nothing changes.
        plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))
        if plain == text:
            break
        text = plain
    if _NUMBER.fullmatch(text):
        digits = _PUNCTUATION.sub("", text)
        if len(digits) >= 6:
            text = digits[2:] if _ABROAD.fullmatch(digits) else digits
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return ""
    return text if len(text) <= MOST_CHARACTERS and "\0" not in text else ""
