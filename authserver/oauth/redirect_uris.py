"""
A redirect URI is one of those registered, byte for byte; on loopback the port is free.

OAuth 2.1 §2.3.1, §8.4.2; RFC 8252 §7.3, and `localhost` because that is what clients register and send.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?(/[^#]*)?")


def is_registered(sent: str, registered: Iterable[str]) -> bool:
    """Whether `sent` is one of `registered`, the port of a loopback one aside."""
    loopback = _loopback_key(sent)
    return any(sent == known or (loopback is not None and loopback == _loopback_key(known)) for known in registered)


def _loopback_key(uri: str) -> tuple[str, str] | None:
    match = _LOOPBACK.fullmatch(uri)
    if match is None or (match[2] is not None and not 0 < int(match[2]) < 65536):
        return None
    return match[1], match[3] or ""


def host_of(uri: str) -> str:
    """Return what the consent page names: the host, or a private-use URI with its scheme (MCP: the redirect host is shown).

    Without its scheme `com.evil.app://claude.ai/cb` would look like a website.
    """
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return parts.hostname
    return f"{parts.scheme}:" + (f"//{parts.netloc}" if parts.netloc else "")


def is_local(uri: str) -> bool:
    """Whether the answer goes to a program on the person's own computer."""
    return urlsplit(uri).scheme not in {"http", "https"} or _LOOPBACK.fullmatch(uri) is not None


def form_action_source(uri: str) -> str:
    """Return the Content-Security-Policy source that lets a form's redirect reach `uri`."""
    parts = urlsplit(uri)
    # CSP 3 §2.3.1 has no form for `[::1]`: browsers drop such a source and block the answer. The scheme is what is left.
    if parts.scheme in {"http", "https"} and "[" not in parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
