"""
Text that hides in base64: where it can stand, and what it says.
"""

import base64
import binascii
import re
from typing import Final

RUN: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")


def decoded(run: str) -> str | None:
    """Return the text that is encoded; None: what is encoded is no text."""
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    # Binary data says so early: no need to decode megabytes to see it.
    try:
        start = base64.b64decode(body[:64] + "=" * (-len(body[:64]) % 4)).decode("utf-8", "ignore")
        if (
            len(start) < len(body[:64]) * 0.5
            or not start.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()
        ):
            return None
        return base64.b64decode(body + "=" * (-len(body) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
