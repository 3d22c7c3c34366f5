"""
A commitment to what was said, without saying it: kept for years, it proves a text that somebody shows, and tells nothing of one that is
erased.

HMAC-SHA-256 under a salt of 32 random bytes, which stands with the text and is erased with it: without the salt nobody can try out
what the text may have been. Over RFC 8785 where a value has that form, over the bytes as they came where it has none. Frozen: the
server's verifier and every export that was ever written know this form alone. The standard library and rfc8785 only.
"""

import hmac
import json
import os
from hashlib import sha256
from typing import Any, Final

import rfc8785

_COMMIT: Final = b"mcp-commit/1\n"
SALT_BYTES: Final = 32
_MOST_WHOLE: Final = 2**53 - 1
_MOST_DEPTH: Final = 64

_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def new_salt() -> bytes:
    """Return a salt for one commitment."""
    return os.urandom(SALT_BYTES)


def committed(salt: bytes, value: Any, *, raw: bytes = b"") -> str:
    """Return the commitment to a JSON value, in hex; to the bytes `raw` where RFC 8785 has no form for it. Raises nothing."""
    data = canonical(value)
    return committed_bytes(salt, raw if data is None else data)


def canonical(value: Any) -> bytes | None:
    """Return the RFC 8785 form of a JSON value; None: it has none."""
    try:
        if _is_simple(value, _MOST_DEPTH):
            # What nearly every value is, and where the standard library's encoder says the same ten times as fast.
            return _dumps(value).encode("utf-8")
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        return None


def _is_simple(value: Any, depth: int) -> bool:
    """Tell whether a value holds nothing whose form RFC 8785 has a rule of its own for: fractions, large numbers, names beyond ASCII."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_MOST_WHOLE <= value <= _MOST_WHOLE)
    if kind is dict:
        if not depth:
            return False
        for name, member in value.items():
            if type(name) is not str or not name.isascii() or not _is_simple(member, depth - 1):
                return False
        return True
    if kind is list:
        if not depth:
            return False
        return all(_is_simple(entry, depth - 1) for entry in value)
    return False


def committed_bytes(salt: bytes, data: bytes) -> str:
    """Return the commitment to bytes, in hex."""
    return hmac.digest(salt, _COMMIT + data, sha256).hex()


def opens(commit: str, salt: bytes, value: Any, *, raw: bytes = b"") -> bool:
    """Tell whether `value`, or `raw` where it has no RFC 8785 form, is what was committed to."""
    return hmac.compare_digest(commit.encode(), committed(salt, value, raw=raw).encode())
