r"""
Which disguises of personal data and secrets are looked through, one rule for each. LG-05.

| disguise | rule |
|---|---|
| invisible characters inside, escape sequences, delimiters and comments that are removed later | looked through: where something stands in the text without them, the text leaves without them |
| full-width and other compatibility forms (NFKC), digits of other scripts | the same |
| HTML entities (`&#64;`), `\\u0040` | the same |
| percent-encoding, up to three times over | the encoded part is masked and stays encoded |
| base64, both alphabets, of text, up to two times over | the whole run is masked |
| JSON inside a string, up to four times over | read as JSON, member names included |
| member names in capitals, camelCase, with dashes or full-width letters | names are read as words (`secret_names.py`) |
| a secret split over the items of one list | the items are read joined, for detectors of secrets; each item that holds a piece is masked |
| broken over lines, split over several members, reversed, encrypted, in hexadecimal, in words ("jane at example dot com") | not looked through |

Every reading is linear and none is longer than the text it was made of times eighteen (the longest compatibility form).
"""

import contextlib
import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from resource_lib.output.hostile.hidden import plain
from resource_lib.output.letters import plainest

_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_UNICODE_ESCAPE = re.compile(r"\\u00([0-7][0-9A-Fa-f])")
_ENTITY = re.compile(r"&(?:#|commat|period|lowbar|colon)")


def _in_plain_letters(text: str) -> str:
    shown = plainest(text)
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), shown)


def _without_escapes(text: str) -> str:
    return _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def readings(text: str) -> Iterator[str]:
    """Yield the other texts that this one can be read as; for ordinary text none."""
    shown = plain(text)
    if shown is not text:
        yield shown
    if not shown.isascii():
        yield _in_plain_letters(shown)
    if "&" in text and _ENTITY.search(text):
        with contextlib.suppress(ValueError):  # a number too long for an integer
            yield html.unescape(text)
    if "\\u00" in text:
        yield _without_escapes(text)


_PART = r"[^\s\"'<>&?=;/,%]"
PERCENT: Final = re.compile(rf"(?<!{_PART}){_PART}*+(?:%[0-9A-Fa-f]{{2}}{_PART}*+)++")
"""One part of an address or a form in which something is encoded."""


def percent_decoded(run: str) -> str:
    """Return what is percent-encoded, however often up to three times."""
    for _ in range(3):
        once = unquote(run)
        if once == run:
            break
        run = once
    return run
