"""
What the author of an MCP server says about it, checked before the first request.

A wrong value stops the start: the message names the setting, what is wrong with it, and the cure. Identifiers are
opaque strings, compared byte for byte and never normalised (RFC 8414 §3.3, RFC 9728 §3.3).
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from resource_lib.wire.claims import TOOL_SCOPE_PREFIX

MEBIBYTE: Final = 1024 * 1024

Challenge = Literal["operation", "granted+operation"]
ChallengeStyle = Literal["http", "result"]

SCOPE_NAME: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")
_URL = re.compile(r"[\x21\x23-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E]+")


INERT_SCOPE: Final = "offline_access"
"""Says something to the authorization server and nothing to a resource: never challenged for, never published."""


class SettingsError(ValueError):
    """A setting stops the start. `str()` names the setting, the fault and the cure."""

    def __init__(self, setting: str, fault: str, cure: str) -> None:
        super().__init__(f"{setting}: {fault}. Cure: {cure}.")
        self.setting = setting
        self.fault = fault
        self.cure = cure


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardSettings:
    """Everything a guard is told besides its policy."""

    issuer: str
    """The authorization server whose tokens count: one opaque string; https, or http on loopback."""
    resource: str
    """This server's resource identifier, exactly as people type it into their client; https, or http on loopback."""
    resource_name: str | None = None
    """The name a person reads on the consent page."""
    challenge: Challenge = "granted+operation"
    """Which scopes a 403 names: those of the operation, or those already granted as well (for clients that overwrite)."""
    implies: Mapping[str, frozenset[str]]
    """Scope hierarchies, closed: a scope and everything it contains."""
    tenants: frozenset[str] | None = None
    """The tenants this server is linked to; None: whichever tenants its issuer links it to."""
    allowed_origins: frozenset[str] | None = None
    """Web origins that may call. None: loopback origins for a loopback server, any for a public one (see `browsers`)."""
    allowed_hosts: frozenset[str] = frozenset()
    """Further `Host` values a loopback server answers to."""
    public_paths: frozenset[str] = frozenset()
    """Exact paths that need no token, such as a health check. Never the resource's own path."""
    max_body_bytes: int = 4 * MEBIBYTE
    """The largest request body that is read, in bytes."""
    max_sessions: int = 100_000
    """How many 2025-era sessions are remembered with their owner; the least recently used is forgotten (answers 404)."""
    max_token_seconds: int = 3600
    """The longest life of a token that is accepted, even a correctly signed one; raise it with the server's setting."""
    max_staleness: float = 5.0
    """How many seconds old the knowledge of what is dead may be for whatever writes, or returns personal data or secrets."""
    read_staleness: float = 30.0
    """The same for everything else."""
    close_streams_at_expiry: bool = True
    """Whether an event stream ends when the token that opened it does."""
    forward_authorization: bool = False
    """Whether the wrapped server sees the caller's token. Off, so that no tool can pass it upstream."""

    def __post_init__(self) -> None:
        """Refuse values that would be unsafe or could never match."""
        identifier("issuer", self.issuer)
        identifier("resource", self.resource)
        if self.challenge not in get_args(Challenge):
            raise SettingsError("challenge", f"{self.challenge!r} is unknown", "use 'operation' or 'granted+operation'")
        if not 1024 <= self.max_body_bytes <= 64 * MEBIBYTE:
            raise SettingsError("max_body_bytes", "outside 1 KiB to 64 MiB", "4 MiB is what the official SDK takes")
        if not 60 <= self.max_token_seconds <= 86_400:
            raise SettingsError(
                "max_token_seconds", "outside 60 to 86400", "the server's AUTHSERVER_ACCESS_TOKEN_SECONDS"
            )
        if not 1 <= self.max_staleness <= 300:
            raise SettingsError("max_staleness", "outside 1 to 300 seconds", "leave it out, for 5")
        if not self.max_staleness <= self.read_staleness <= 3600:
            raise SettingsError("read_staleness", "below max_staleness, or above 3600 seconds", "leave it out, for 30")
        if self.max_sessions < 1:
            raise SettingsError("max_sessions", "must be at least 1", "leave it out")
        for origin in self.allowed_origins or ():
            if origin != "*" and not re.fullmatch(r"https?://[^/\s\"'\\?#@]+", origin):
                raise SettingsError(
                    "allowed_origins", f"{origin!r} is no origin", "write scheme://host[:port], no path"
                )
        for path in self.public_paths:
            if not path.startswith("/") or path.rstrip("/") == path_of(self.resource).rstrip("/"):
                raise SettingsError(
                    "public_paths", f"{path!r} may not be public", "name exact paths other than the MCP endpoint"
                )
        if self.resource_name is not None and (not self.resource_name.strip() or len(self.resource_name) > 200):
            raise SettingsError("resource_name", "must hold 1 to 200 characters", "give the name a person would read")

    @property
    def is_loopback(self) -> bool:
        """Whether the resource lives on this machine alone, where another web page can reach it by DNS rebinding."""
        return is_loopback_host(urlsplit(self.resource).hostname or "")


def identifier(setting: str, value: str) -> None:
    """Refuse an issuer or resource that is not an absolute URL without query or fragment, or http beyond loopback.

    RFC 8707 §2 (no fragment), RFC 8414 §2 (https, no query), RFC 6749 §3.1.2.1.
    """
    if not isinstance(value, str) or not value:
        raise SettingsError(setting, "is missing", f"give the {setting}'s URL")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(setting, f"{value!r} is no URL ({error})", "write https://host[:port]/path") from None
    if not _URL.fullmatch(value) or not host or parts.username is not None or len(value) > 1024:
        raise SettingsError(setting, f"{value!r} is no plain absolute URL", "write https://host[:port]/path")
    if "?" in value or "#" in value:
        raise SettingsError(setting, f"{value!r} has a query or a fragment", "leave both out")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(host)):
        raise SettingsError(
            setting, f"{value!r} is not https", "plain http is for 127.0.0.1, [::1] and localhost alone"
        )


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address (without port) can only mean this machine."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def path_of(url: str) -> str:
    """Return the path of an identifier, `/` when it has none."""
    return urlsplit(url).path or "/"


def scope_names(setting: str, names: Iterable[str]) -> frozenset[str]:
    """Return scope names that RFC 6749 §3.3 can carry. Raises SettingsError for the first that it cannot."""
    if isinstance(names, str):
        raise SettingsError(setting, f"{names!r} is one string", "give a list of scope names")
    found = frozenset(names)
    for name in found:
        if not isinstance(name, str) or not SCOPE_NAME.fullmatch(name):
            raise SettingsError(
                setting, f"{name!r} is no scope name", 'use 1 to 128 visible ASCII characters except " and \\\\'
            )
        if name == INERT_SCOPE:
            raise SettingsError(
                setting, f"{INERT_SCOPE} opens nothing", "leave it out; it concerns the authorization server"
            )
    return found


def in_result(style: ChallengeStyle | Collection[str]) -> frozenset[str] | None:
    """Return the clients that take a challenge in a tool's result: none, all of them (None), or those that are named."""
    if style == "http":
        return frozenset()
    if style == "result":
        return None
    if isinstance(style, str) or not all(isinstance(name, str) and name for name in style):
        raise SettingsError("challenge_style", f"{style!r} is unknown", "use 'http', 'result', or a list of client_ids")
    return frozenset(style)


def scope_hierarchy(implies: Mapping[str, Collection[str]] | None) -> dict[str, frozenset[str]]:
    """Return each broad scope with everything it contains, its own name too.

    `tool:` scopes stand on neither side: a write is opted into by name, never by a broader word.
    """
    direct = {broad: scope_names("implies", narrow) for broad, narrow in (implies or {}).items()}
    for name in scope_names("implies", direct) | frozenset().union(*direct.values()):
        if name.startswith(TOOL_SCOPE_PREFIX):
            raise SettingsError("implies", f"{name!r} is a tool's own scope", "imply only the author's scopes")
    closed: dict[str, frozenset[str]] = {}
    for broad in direct:
        reached, waiting = {broad}, [broad]
        while waiting:
            for narrow in direct.get(waiting.pop(), ()):
                if narrow not in reached:
                    reached.add(narrow)
                    waiting.append(narrow)
        closed[broad] = frozenset(reached)
    return closed
