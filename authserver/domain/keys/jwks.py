"""
The public half, as bytes that are made once.

RFC 7517 §5. No private member can stand in it: only what `export_public` gave was ever stored as public.
"""

import hashlib
from dataclasses import dataclass

import orjson

from authserver.domain.keys.signing_key import KeyRing


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedSet:
    """The key set document and its entity tag."""

    body: bytes
    etag: bytes


_made: dict[tuple[str, ...], PublishedSet] = {}


def published_set(ring: KeyRing, now: int) -> PublishedSet:
    """Return the issuer's key set as it is now."""
    keys = ring.published(now)
    kids = tuple(key.kid for key in keys)
    made = _made.get(kids)
    if made is None:
        body = orjson.dumps({"keys": [key.public for key in keys]})
        made = PublishedSet(body=body, etag=b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"')
        if len(_made) > 1000:
            _made.clear()
        _made[kids] = made
    return made
