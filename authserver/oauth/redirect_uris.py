"""
A redirect URI is one of those registered, byte for byte; on loopback the port is free.

OAuth 2.1 §2.3.1, §8.4.2; RFC 8252 §7.3, and `localhost` because that is what clients register and send.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from authserver.domain.clients.client import loopback_without_port


def is_registered(sent: str, registered: Iterable[str]) -> bool:
    """Whether `sent` is one of `registered`, the port of a loopback one aside."""
    loopback = loopback_without_port(sent)
    return any(
        sent == known or (loopback is not None and loopback == loopback_without_port(known)) for known in registered
    )


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
    return urlsplit(uri).scheme not in {"http", "https"} or loopback_without_port(uri) is not None


def form_action_source(uri: str) -> str:
    """Return the Content-Security-Policy source that lets a form's redirect reach `uri`."""
    parts = urlsplit(uri)
    # CSP 3 §2.3.1 has no form for `[::1]`: browsers drop such a source and block the answer. The scheme is what is left.
    if parts.scheme in {"http", "https"} and "[" not in parts.netloc:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"
