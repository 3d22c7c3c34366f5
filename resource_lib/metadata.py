"""
The protected resource document: where a client learns whom to ask for a token.

RFC 9728 §2, §3.1: served at the well-known path with the resource's own path behind it, and at the root, because
clients try both. `resource` is byte-equal to the identifier (§3.3). `scopes_supported` is the least that makes the
server useful, never the whole catalogue and never `offline_access` (MCP "Scope Selection Strategy", "Refresh Tokens").
"""

import hashlib
import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from resource_lib.settings import INERT_SCOPE, path_of

WELL_KNOWN = "/.well-known/oauth-protected-resource"


class ResourceMetadata:
    """The document of one resource as prepared bytes, and where it is found."""

    __slots__ = ("body", "etag", "paths", "url")

    def __init__(self, *, resource: str, issuer: str, scopes: Iterable[str], resource_name: str | None) -> None:
        document: dict[str, object] = {"resource": resource, "authorization_servers": [issuer]}
        offered = sorted(scope for scope in scopes if scope != INERT_SCOPE)
        if offered:
            document["scopes_supported"] = offered
        document["bearer_methods_supported"] = ["header"]
        if resource_name is not None:
            document["resource_name"] = resource_name

        self.body: bytes = json.dumps(document, separators=(",", ":")).encode("ascii")
        """The document, `application/json`."""
        self.etag: bytes = b'"' + hashlib.sha256(self.body).hexdigest()[:32].encode("ascii") + b'"'
        inserted = WELL_KNOWN + (path_of(resource) if path_of(resource) != "/" else "")
        self.paths: frozenset[str] = frozenset({inserted, inserted.rstrip("/"), WELL_KNOWN, WELL_KNOWN + "/"})
        """The paths it is served at."""
        parts = urlsplit(resource)
        self.url: str = f"{resource[: len(parts.scheme)]}://{parts.netloc}{inserted}"
        """Its address, as challenges name it."""
