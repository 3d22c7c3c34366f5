"""
Letters in their plainest form, for a copy that is only looked at.

Unicode puts the marks on a letter in order, and thousands of them on one take as long as their square: nobody writes more than a few.
"""

import re
import unicodedata
from typing import Final

from resource_lib.output.sieve import Sieve

_MOST_MARKS: Final = 30
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711\u0730-\u074a\u07eb-\u07f3\u0816-\u082d"
    "\u0859-\u085b\u0898-\u08ff\u093c\u094d\u0951-\u0954\u0e38-\u0e3a\u0e48-\u0e4b\u0eb8-\u0ecb\u0f18-\u0f87\u1037-\u103a\u135d-\u135f\u17d2-\u17dd"
    "\u1a17-\u1aff\u1b34-\u1b73\u1bab-\u1bf3\u1c37\u1cd0-\u1cf9\u1dc0-\u1dff\u20d0-\u20f0\u2cef-\u2cf1\u2de0-\u2dff\u302a-\u302f\u3099\u309a"
    "\ua66f-\ua67d\ua69e-\ua6f1\ua8e0-\ua8f1\uaab0-\uaac1\ufb1e\ufe20-\ufe2f\U00010a0d-\U00010ae6\U0001d165-\U0001d244\U0001e000-\U0001e94a]{31,}"
)
_HAS_MANY: Final = Sieve([(_MARKS,)])


def plainest(text: str) -> str:
    """Return `text` in NFKC; of more than 30 marks in a row the rest is left out."""
    if text.isascii():
        return text
    if _HAS_MANY.lets_any_through(text):
        text = _MARKS.sub(lambda found: found[0][:_MOST_MARKS], text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
