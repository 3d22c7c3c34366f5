r"""
Which disguises of personal data and secrets are looked through, one rule for each. LG-05.

| disguise | rule |
|---|---|
| invisible characters inside, escape sequences, delimiters and comments that are removed later | looked through: where something stands in the text without them, the text leaves without them |
| full-width and other compatibility forms (NFKC), digits of other scripts | the same |
| HTML entities (`&#64;`), `\\u0040`, up to three times over | the same |
| percent-encoding, up to three times over | the encoded part is masked and stays encoded |
| base64, both alphabets, of text, up to two times over | the whole run is masked |
| JSON inside a string, up to four times over; in a line of a text, or between fences (` ``` `) | read as JSON, member names included |
| member names in capitals, camelCase, with dashes or full-width letters | names are read as words (`wire/secret_names.py`) |
| a secret split over the items of one list | the items are read joined, for detectors of secrets; each item that holds a piece is masked |
| broken over lines, split over several members, reversed, encrypted, in hexadecimal, in words ("jane at example dot com") | not looked through |

Every reading is linear and none is longer than the text it was made of times eighteen (the longest compatibility form).
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from resource_lib.output.hostile.hidden import plain
from resource_lib.output.letters import plainest

_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_ESCAPES = re.compile(r"(?:\\{1,8}u[0-9A-Fa-f]{4})+|\\/")
_NUMBER = re.compile(r"u([0-9A-Fa-f]{4})")
_ENTITY = re.compile(
    # Zeros before a number count for nothing, however many there are.
    r"&(?:#0*+(?P<decimal>[0-9]{1,7})(?![0-9]);?|#[xX]0*+(?P<hex>[0-9A-Fa-f]{1,6})(?![0-9A-Fa-f]);?|[A-Za-z][A-Za-z0-9]{1,31};?)"
)
_HAS_SIGNS = re.compile(r"&(?:#|commat|period|lowbar|colon)")
_MOST_INSIDE: Final = 3


def _in_plain_letters(text: str) -> str:
    shown = plainest(text)
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), shown)


def undone(text: str) -> str:
    """Return a text without HTML entities, JSON's escapes, what nobody sees, and compatibility forms: as a reader would have it."""
    if text.isascii() and "&" not in text and "\\" not in text:
        return text
    shown = text
    for _ in range(_MOST_INSIDE):
        before = shown
        if "&" in shown:
            shown = _ENTITY.sub(_meant, shown)
        if "\\" in shown:
            shown = _ESCAPES.sub(_written, shown)
        if shown == before:
            break
    return plainest(shown if shown == text else plain(shown))


def _written(escapes: re.Match[str]) -> str:
    """Return the letters of some escapes in a row, however often JSON was put into JSON: two of them can be one letter."""
    return str(json.loads('"{}"'.format("".join(f"\\u{number}" for number in _NUMBER.findall(escapes[0])) or "/")))


def _meant(entity: re.Match[str]) -> str:
    if entity["decimal"]:
        return html.unescape(f"&#{entity['decimal']};")
    return html.unescape(f"&#x{entity['hex']};" if entity["hex"] else entity[0])


def readings(text: str) -> Iterator[str]:
    """Yield the other texts that this one can be read as; for ordinary text none."""
    shown = plain(text)
    if shown is not text:
        yield shown
    if not shown.isascii():
        yield _in_plain_letters(shown)
    if ("&" in text and _HAS_SIGNS.search(text)) or "\\u" in text:
        yield undone(text)


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
