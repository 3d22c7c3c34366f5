"""
Random ids and secrets, prefixed so that a leak names itself.

An id has 80 bits or more and is no secret. A secret has 256 bits and is kept as its SHA-256 only (decision 8): it needs
no slow hash, because nobody can guess it.
"""

import base64
import hashlib
import secrets
from functools import lru_cache


def new_id(prefix: str) -> str:
    """Return `prefix_` and 16 characters of [a-z2-7]: 80 random bits."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"


@lru_cache(4096)
def derived_id(prefix: str, *parts: str) -> str:
    """Return the id that these parts always have: 130 bits of their SHA-256, with unambiguous joints."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:26]}"


def new_secret(prefix: str) -> str:
    """Return `prefix_` and 43 characters of base64url: 256 random bits."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def new_tenant_secret(prefix: str, tenant: str) -> str:
    """Return a secret that says which tenant's rows hold it, so that it can be looked up inside that tenant alone."""
    return f"{prefix}_{tenant.removeprefix('ten_')}_{secrets.token_urlsafe(32)}"


def tenant_of(secret: str, prefix: str) -> str | None:
    """Return the tenant named in a tenant secret; None for anything of another form. The name proves nothing yet."""
    kind, _, rest = secret.partition("_")
    slug, _, random = rest.partition("_")
    if kind != prefix or len(slug) != 16 or len(random) != 43 or not slug.isascii() or not slug.isalnum():
        return None
    return f"ten_{slug}"


def secret_hash(secret: str) -> bytes:
    """Return the form in which a 256-bit secret is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
