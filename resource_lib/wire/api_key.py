"""
How an API key is written: `ask_<tenant>_<random>_<checksum>`, so that scanners know one and a typo is refused by itself.

The server makes it, the guard recognises it; neither believes anything it says. The checksum is no secret and proves nothing:
it spares a look-up. Frozen: another spelling is another key.
"""

import re
from typing import Final
from zlib import crc32

PREFIX: Final = "ask"

TOKEN_TYPE: Final = "urn:authserver:token-type:api_key"  # noqa: S105
"""`subject_token_type` of an API key that is exchanged (RFC 8693 §3: a URI of our own)."""

PATTERN: Final = re.compile(r"(ask_[a-z2-7]{16}_[A-Za-z0-9_-]{43})_([0-9A-Za-z]{6})")
"""For secret scanners too; the second group is the checksum of the first."""

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def with_checksum(body: str) -> str:
    """Return the whole key: CRC-32 of the rest in six base-62 digits."""
    rest, digits = crc32(body.encode("ascii")), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = _DIGITS[digit] + digits
    return f"{body}_{digits}"


def is_well_formed(text: str) -> bool:
    """Whether this could be a key at all. Nothing is proven."""
    found = PATTERN.fullmatch(text)
    return found is not None and with_checksum(found[1]) == text


def body_of(key: str) -> str:
    """Return a well-formed key without its checksum."""
    return key[:-7]
