"""A running server, ours or the peer: found through its own metadata, so that every flow sends the same to both."""

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

RESOURCE = "https://mcp.benchmark.example/mcp"
OPAQUE_RESOURCE = "https://opaque.benchmark.example/mcp"
SCOPES = ("orders:read", "customers:read")
SCOPE = " ".join(SCOPES)
REDIRECT_URI = "https://app.benchmark.example/callback"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person who can sign in."""

    email: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Client:
    """An application; without a secret it is public."""

    id: str
    secret: str | None = None

    @property
    def authorization(self) -> str | None:
        """The value of its `Authorization` header. Ids and secrets here need no escaping (RFC 6749 §2.3.1)."""
        if self.secret is None:
            return None
        return "Basic " + base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()


@dataclass(frozen=True, kw_only=True)
class Target:
    """One running server, with what the flows need to know of it."""

    name: str
    store: str
    port: int
    pid: int
    database_pid: int | None
    issuer: str
    machine: Client
    """Acts for itself."""
    web: Client
    """A confidential application: its people are not asked again for what they allowed before."""
    native: Client
    """A public application: its refresh tokens rotate, and ours asks its people each time (OAuth 2.1 §7.3.1)."""
    resource_server: Client
    """Asks what tokens mean."""
    introspected: str
    """The resource whose tokens it asks about."""
    accounts: tuple[Account, ...]
    first_answer_s: float
    """How long after its start its metadata could be read."""

    @property
    def metadata_path(self) -> str:
        """Where its metadata is (RFC 8414 §3)."""
        return "/.well-known/oauth-authorization-server" + urlsplit(self.issuer).path


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The paths of a server's endpoints, as its metadata says."""

    authorize: str
    token: str
    jwks: str
    introspect: str | None

    @classmethod
    def from_metadata(cls, said: dict) -> "Endpoints":
        """Read them from a metadata document (RFC 8414 §2)."""
        introspect = said.get("introspection_endpoint")
        return cls(
            authorize=urlsplit(said["authorization_endpoint"]).path,
            token=urlsplit(said["token_endpoint"]).path,
            jwks=urlsplit(said["jwks_uri"]).path,
            introspect=urlsplit(introspect).path if introspect else None,
        )
