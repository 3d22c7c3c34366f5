"""
The signature of a signed call, in the form of Standard Webhooks 1.0.

`webhook-signature: v1,BASE64(HMAC-SHA256(secret, id "." timestamp "." body))`, one for each secret that is in use, separated by
spaces, so that a receiver can change its secret without missing anything. `webhook-id` stays the same when a call is tried again.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"


def secret_text(secret: bytes) -> str:
    """Return a secret as it is shown once and as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secret).decode()


def secret_bytes(text: str) -> bytes:
    """Return the secret that `secret_text` wrote. Raises ValueError for anything else."""
    secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    if not text.startswith(PREFIX) or len(secret) < 24:
        raise ValueError("whsec_ and the base64 of 24 bytes at least")
    return secret


def headers(secrets: Iterable[bytes], *, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """Return the three headers. `at`: seconds since the epoch, of this try."""
    signed = f"{message_id}.{at}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
