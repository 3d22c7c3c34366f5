"""
PKCE: the code is redeemed by whoever asked for it.

RFC 7636 §4.2, §4.6; required of every client by OAuth 2.1 §4.1.1. `plain` is not implemented.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

METHODS = ("S256",)

# 43 characters of base64url are 258 bits: the last one carries 4, so only these letters can end a SHA-256.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(value: str) -> bool:
    """Whether `value` can be the S256 challenge of any verifier (RFC 7636 §4.2)."""
    return _CHALLENGE.fullmatch(value) is not None


def is_verifier(value: str) -> bool:
    """Whether `value` has the form of a verifier (RFC 7636 §4.1)."""
    return _VERIFIER.fullmatch(value) is not None


def verifies(code_verifier: str, code_challenge: str) -> bool:
    """Whether the verifier is the one whose challenge was sent (RFC 7636 §4.6), in constant time."""
    if not is_verifier(code_verifier):
        return False
    computed = urlsafe_b64encode(hashlib.sha256(code_verifier.encode("ascii")).digest()).rstrip(b"=")
    return hmac.compare_digest(computed, code_challenge.encode("ascii"))
