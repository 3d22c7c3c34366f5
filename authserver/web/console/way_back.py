"""
Back to a page of the console after a login: one opaque word, which can name nothing but a page of the console.

A query is never an address to go to (`pages/login.py`); what stands in this word is put behind our own path, character by
character of what our own links are made of.
"""

import base64
import binascii
import re

_OURS = re.compile(r"(?:/[a-z]{1,20}(?:/[A-Za-z0-9_-]{1,100})?)?(?:\?[A-Za-z0-9%&=._~+*-]{1,3000})?")
_TURNS = re.compile(rb"(?:^|&)(?:turn|still|done|seal)=[^&]*")


def word(page: str, query: bytes) -> str:
    """Return the word for a page of the console, such as `/stop`, with its query."""
    kept = _TURNS.sub(b"", query).lstrip(b"&")
    text = page.encode() + (b"?" + kept if kept else b"")
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def page_of(text: str) -> str:
    """Return what a word names, to be put behind the console's own path; empty for what no link of ours would hold."""
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return found if _OURS.fullmatch(found) else ""
