"""
A commitment to what was said, without saying it: kept for years, it proves a text that somebody shows, and tells nothing of one that is
erased.

HMAC-SHA-256 under a salt of 32 random bytes, which stands with the text and is erased with it: without the salt nobody can try out
what the text may have been. Over RFC 8785 where a value has that form, over the bytes as they came where it has none. Frozen: the
server's verifier and every export that was ever written know this form alone. The standard library and rfc8785 only.
"""

import hmac
import os
from hashlib import sha256
from typing import Any, Final

import rfc8785

_COMMIT: Final = b"mcp-commit/1\n"
SALT_BYTES: Final = 32


def new_salt() -> bytes:
    """Return a salt for one commitment."""
    return os.urandom(SALT_BYTES)


def committed(salt: bytes, value: Any, *, raw: bytes = b"") -> str:
    """Return the commitment to a JSON value, in hex; to the bytes `raw` where RFC 8785 has no form for it. Raises nothing."""
    try:
        data = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        data = raw
    return committed_bytes(salt, data)


def committed_bytes(salt: bytes, data: bytes) -> str:
    """Return the commitment to bytes, in hex."""
    return hmac.digest(salt, _COMMIT + data, sha256).hex()


def opens(commit: str, salt: bytes, value: Any, *, raw: bytes = b"") -> bool:
    """Tell whether `value`, or `raw` where it has no RFC 8785 form, is what was committed to."""
    return hmac.compare_digest(commit.encode(), committed(salt, value, raw=raw).encode())
