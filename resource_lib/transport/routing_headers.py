"""
Whether the headers that say what a request is about say what its body says: 2026-07-28 has servers refuse it where they do not.

A gateway that routes, counts or decides by `Mcp-Method` and `Mcp-Name` has seen another request than whoever reads the body. The wrapped server
checks it for what reaches it; the guard does for what it refuses itself because of its form, so that whoever asks learns of the graver fault.
SEP-2243.
"""

import base64
import binascii
import re
from typing import Final

from resource_lib.transport.asgi import Headers
from resource_lib.transport.body import Message

_METHOD: Final = b"mcp-method"
_NAME: Final = b"mcp-name"
_NAMED_BY: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_BASE64: Final = re.compile(r"=\?base64\?([A-Za-z0-9+/]*={0,2})\?=")


def mismatch(headers: Headers, message: Message) -> str | None:
    """Return the header that does not say what `message` says; None: they agree."""
    if _only(headers, _METHOD) != message.method:
        return _METHOD.decode("ascii")
    key = _NAMED_BY.get(message.method)
    said = message.params.get(key) if key is not None and isinstance(message.params, dict) else None
    if said is not None and _decoded(_only(headers, _NAME)) != said:
        return _NAME.decode("ascii")
    return None


def _only(headers: Headers, name: bytes) -> str | None:
    """Return what the one header of that name says; None: there is none, or more than one."""
    values = [value for header, value in headers if header.lower() == name]
    return values[0].strip(b" \t").decode("latin-1") if len(values) == 1 else None


def _decoded(value: str | None) -> str | None:
    """Return a name as it was before it was made fit for a header; None: it cannot be read."""
    encoded = None if value is None else _BASE64.fullmatch(value)
    if encoded is None:
        return value
    try:
        return base64.b64decode(encoded[1], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
