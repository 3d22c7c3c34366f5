"""
An application: public or confidential, what it may ask for, and where answers to it may go.

RFC 6749 §2. Every demand on a client's own data is made here once, for the command line, registration and metadata
documents alike.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from unicodedata import category
from urllib.parse import urlsplit

from authserver.runtime.foreign_jws import ALGORITHMS
from authserver.settings import LOOPBACK

AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
"""RFC 8628 §3.4."""

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE)

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
"""RFC 8693 §2.1. No client registers it: an MCP server has it, and an operator says where it may act."""

PRIVATE_USE_REDIRECTS = frozenset(
    {
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "claude://claude.ai/mcp-auth-callback/sdk",
        "vscode://vscode.github-authentication/did-authenticate",
        "vscode-insiders://vscode.github-authentication/did-authenticate",
    }
)
"""Private-use redirect URIs of known clients, compared exactly; any other needs a dot in its scheme (RFC 8252 §7.1)."""

PUSHED_ONLY = "require_pushed_authorization_requests"
"""What a client says of itself when it wants no plain authorization request answered (RFC 9126 §6)."""

INTERACTIVE_GRANTS = ("authorization_code", "refresh_token", DEVICE_CODE)
"""What a client that nobody vouches for may use at most: grants in which a person says yes."""

_OLDER_CURSOR = re.compile(r"cursor://anysphere\.cursor-retrieval/oauth/user-[A-Za-z0-9._~-]{1,100}/callback")
"""Cursor before 2025-08 put the name that a person gave the server into its own URI."""

_DANGEROUS = frozenset(
    [
        "about",
        "blob",
        "chrome",
        "chrome-extension",
        "content",
        "data",
        "file",
        "filesystem",
        "intent",
        "jar",
        "javascript",
        "livescript",
        "mhtml",
        "mocha",
        "moz-extension",
        "ms-its",
        "resource",
        "vbscript",
        "view-source",
    ]
)
"""Schemes by which a browser runs code or opens what is local, instead of handing an answer to an application."""

_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?(/[^#]*)?")

_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")


class Origin(StrEnum):
    """How a client became known here."""

    OPERATOR = "operator"
    REGISTRATION = "registration"
    """It registered itself (RFC 7591)."""
    DOCUMENT = "document"
    """Its client_id is the URL of its metadata document."""


class InvalidClientDataError(ValueError):
    """A client cannot be like that. The message names the field and the cure."""


class DangerousRedirectError(InvalidClientDataError):
    """No mistake of an honest client: such a URI would run code, open what is local, or hide where it leads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """An application. `tenant` is `*` for one that belongs to nobody; empty `resources` or `scope`: any it may reach.

    `about` holds what it says of itself and nobody has checked (`client_uri`, `PUSHED_ONLY`, …); `jwks` is a JWK Set as JSON;
    times are seconds since the epoch. `secret_expires_at` is when a machine ends, whether it has a secret or a key; None: never.
    """

    id: str
    tenant: str
    name: str
    auth_method: str
    secret_hash: bytes | None
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    default_resource: str
    speaks_for: str
    is_verified: bool
    refresh_replay_seconds: int | None
    epoch: int
    is_active: bool
    origin: Origin = Origin.OPERATOR
    application_type: str = ""
    about: Mapping[str, str | bool] = field(default_factory=dict)
    jwks: str = ""
    jwks_uri: str = ""
    assertion_alg: str = ""
    previous_secret_hash: bytes | None = None
    previous_secret_until: int | None = None
    secret_rotated_at: int | None = None
    secret_expires_at: int | None = None
    unused_until: int | None = None
    used_at: int | None = None
    is_pushed_only: bool = False
    """An operator wants its authorization requests pushed; see `must_push`."""
    created_at: int = 0

    @property
    def is_public(self) -> bool:
        """Whether it has no credential: anybody may claim to be it (OAuth 2.1 §2.1)."""
        return self.auth_method == "none"

    @property
    def is_self_made(self) -> bool:
        """Whether a stranger made it: its credential then proves that it is the same stranger, and nothing else."""
        return self.origin is not Origin.OPERATOR

    @property
    def document_host(self) -> str:
        """The host that vouches for it by publishing its metadata document; empty where there is none."""
        return (urlsplit(self.id).hostname or "") if self.origin is Origin.DOCUMENT else ""

    @property
    def snapshot(self) -> str:
        """
        How a client that is described by a document proves who it is, as one hash; empty where nothing is proved.

        What is made under it keeps it: whoever takes the document over cannot take over what it began under another key.
        """
        if self.origin is not Origin.DOCUMENT or self.is_public:
            return ""
        proof = f"{self.auth_method}\0{self.jwks_uri}\0{self.jwks}\0{self.assertion_alg}"
        return hashlib.sha256(proof.encode()).hexdigest()[:32]

    @property
    def must_push(self) -> bool:
        """Whether its authorization requests count only when they were pushed: an operator says so, or it does (RFC 9126 §6)."""
        return self.is_pushed_only or self.about.get(PUSHED_ONLY) is True

    @property
    def is_shared(self) -> bool:
        """Whether it belongs to no tenant, so that the person chooses one at consent."""
        return self.tenant == "*"

    @property
    def is_machine(self) -> bool:
        """Whether it speaks for itself: then it ends unless somebody renews it (profile `system`)."""
        return "client_credentials" in self.grant_types

    def has_ended(self, now: int) -> bool:
        """Whether the time of its credential is over."""
        return self.secret_expires_at is not None and self.secret_expires_at <= now

    def live_secrets(self, now: int) -> tuple[bytes, ...]:
        """Return the hashes of the secrets it may use now: its own, and in an overlap the one before."""
        previous = self.previous_secret_hash if now < (self.previous_secret_until or 0) else None
        return tuple(secret for secret in (self.secret_hash, previous) if secret is not None)

    def may_reach(self, resource: str) -> bool:
        """Whether tokens for `resource` may be issued to it at all."""
        return not self.resources or resource in self.resources

    def may_use(self, grant_type: str) -> bool:
        """Whether it may use a grant: those it is registered with, and exchange if it speaks for a resource."""
        return grant_type in self.grant_types or (grant_type == TOKEN_EXCHANGE and self.is_resource_server)

    @property
    def is_resource_server(self) -> bool:
        """Whether it is the credential of an MCP server, and proves it."""
        return bool(self.speaks_for) and not self.is_public

    def may_ask(self, scope: str) -> bool:
        """Whether its registration permits a scope."""
        return not self.scope or scope in self.scope


def loopback_without_port(uri: str) -> tuple[str, str] | None:
    """Return what counts of a loopback redirect URI, its host and path, or None for any other (RFC 8252 §7.3).

    One function says so where answers are sent and where registrations are compared: were they to differ, somebody could
    register what looks equal to another client and serves it nothing.
    """
    match = _LOOPBACK.fullmatch(uri)
    if match is None or (match[2] is not None and not 0 < int(match[2]) < 65536):
        return None
    return match[1], match[3] or ""


def check_redirect_uri(uri: str, private_use: Collection[str] = ()) -> str:
    """Return a redirect URI that may be registered; `private_use` adds to those of known clients.

    Raises InvalidClientDataError saying why not (OAuth 2.1 §2.3.1), DangerousRedirectError where it is an attack.
    """
    if any(char <= " " or char in '\\"<>{}|^`\x7f' for char in uri):
        # Browsers drop or turn such characters before they read the scheme: `java\tscript:` is javascript.
        raise DangerousRedirectError("redirect_uri: an absolute URI in ASCII without spaces")
    if len(uri) > 2000 or not uri.isascii():
        raise InvalidClientDataError("redirect_uri: an absolute URI in ASCII without spaces")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise InvalidClientDataError("redirect_uri: an absolute URI such as https://app.example.com/callback") from None
    if parts.scheme in _DANGEROUS or "@" in parts.netloc:
        raise DangerousRedirectError(
            "redirect_uri: an address of the application, such as https://app.example.com/callback; no user@, and no scheme that a browser runs or opens itself"
        )
    if "#" in uri:
        raise InvalidClientDataError("redirect_uri: no fragment (OAuth 2.1 §2.3.1)")
    if parts.scheme in {"http", "https"}:
        if not parts.hostname or "*" in parts.netloc or port == 0:
            raise InvalidClientDataError("redirect_uri: a plain host, no user, no wildcard")
        if parts.scheme == "http" and loopback_without_port(uri) is None:
            # In this one spelling: where answers go and what the page warns of is decided by it.
            raise InvalidClientDataError("redirect_uri: https; plain http is for 127.0.0.1, [::1] and localhost alone")
        return uri
    if uri in PRIVATE_USE_REDIRECTS or uri in private_use or _OLDER_CURSOR.fullmatch(uri):
        return uri
    if not _PRIVATE_SCHEME.fullmatch(parts.scheme):
        raise InvalidClientDataError(
            "redirect_uri: https, loopback http, or a private-use scheme with a dot such as com.example.app:/cb (RFC 8252 §7.1)"
        )
    return uri


def check_name(name: str) -> str:
    """Return a client name that can be shown. Raises InvalidClientDataError."""
    if not 1 <= len(name) <= 200 or any(category(char) in {"Cc", "Cs"} for char in name):
        raise InvalidClientDataError("name: 1 to 200 characters, no control characters")
    return name


def check(
    *,
    auth_method: str,
    grant_types: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    private_use: Collection[str] = (),
) -> None:
    """Raise InvalidClientDataError when these cannot go together."""
    if auth_method not in AUTH_METHODS:
        raise InvalidClientDataError(f"token_endpoint_auth_method: one of {', '.join(AUTH_METHODS)}")
    if not grant_types or (unknown := [grant for grant in grant_types if grant not in GRANT_TYPES]):
        raise InvalidClientDataError(
            f"grant_types: of {', '.join(GRANT_TYPES)}" + (f"; not {unknown[0]}" if grant_types else "")
        )
    if "client_credentials" in grant_types and auth_method == "none":
        raise InvalidClientDataError("grant_types: client_credentials is for confidential clients (OAuth 2.1 §4.2)")
    if "authorization_code" in grant_types and not redirect_uris:
        raise InvalidClientDataError("redirect_uris: authorization_code needs at least one")
    if len(redirect_uris) > 50:
        raise InvalidClientDataError("redirect_uris: at most 50")
    for uri in redirect_uris:
        check_redirect_uri(uri, private_use)


def check_keys(*, auth_method: str, jwks: str, jwks_uri: str, assertion_alg: str) -> None:
    """Raise InvalidClientDataError when a client with these could not prove who it is (RFC 7591 §2)."""
    if jwks and jwks_uri:
        raise InvalidClientDataError("jwks: or jwks_uri, never both (RFC 7591 §2)")
    if auth_method == "private_key_jwt" and not jwks and not jwks_uri:
        raise InvalidClientDataError("jwks: private_key_jwt needs the client's public keys, or their jwks_uri")
    if assertion_alg and assertion_alg not in ALGORITHMS:
        raise InvalidClientDataError(f"token_endpoint_auth_signing_alg: one of {', '.join(ALGORITHMS)}")
    if jwks_uri:
        try:
            parts = urlsplit(jwks_uri)
            is_url = bool(parts.hostname) and "@" not in parts.netloc and "#" not in jwks_uri
        except ValueError:
            is_url = False
        if (
            not is_url
            or len(jwks_uri) > 2000
            or not jwks_uri.isascii()
            or not jwks_uri.isprintable()
            or " " in jwks_uri
        ):
            raise InvalidClientDataError("jwks_uri: an absolute https URL without user and fragment")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise InvalidClientDataError("jwks_uri: https; plain http is for loopback in development alone")
