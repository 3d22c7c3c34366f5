"""
The headers of every answer, by group of routes: one table.

OAuth 2.1 §3.1 and §7.13: no CORS where a browser navigates; RFC 6749 §5.1: nothing with a token is stored; OWASP ASVS 3.4.
"""

from authserver.web.http import Header

_COMMON: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)

_NO_STORE: tuple[Header, ...] = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))

_CROSS_ORIGIN: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"WWW-Authenticate, Retry-After"),
)

PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, MCP-Protocol-Version"),
    (b"access-control-max-age", b"3600"),
)

_PAGE: tuple[Header, ...] = (
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)

GROUPS: dict[str, tuple[Header, ...]] = {
    # Read by browser clients before they have anything: metadata, keys.
    "public": _COMMON + _CROSS_ORIGIN,
    # Called by browser clients with a credential in the body, never with cookies.
    "protocol": _COMMON + _NO_STORE + _CROSS_ORIGIN,
    # Called by servers alone.
    "backchannel": _COMMON + _NO_STORE,
    # Called with a token by programs of operators; no cookie counts there, and no page of another origin reads it.
    "admin": _COMMON
    + _NO_STORE
    + ((b"cross-origin-resource-policy", b"same-origin"), (b"content-security-policy", b"default-src 'none'")),
    # Navigated to by a person: never readable from another origin.
    "page": _COMMON + _NO_STORE + _PAGE,
    "asset": _COMMON,
    "operations": _COMMON + _NO_STORE,
}

STRICT_TRANSPORT: Header = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def content_security_policy(*form_targets: str) -> Header:
    """Return the policy of a page: nothing but our stylesheet, forms to ourselves and to `form_targets`.

    Chromium applies `form-action` to the redirect that answers a form, so the client's redirect URI must stand in it.
    """
    targets = " ".join(("'self'", *form_targets))
    policy = f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    return (b"content-security-policy", policy.encode("ascii"))
