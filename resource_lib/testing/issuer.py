"""
An issuer in memory: it signs any token, right or broken on purpose, and serves its metadata and keys.

RFC 9068 §2 for the tokens, RFC 8414 §3 and RFC 7517 §5 for what it serves. Its keys are made at start and never leave it.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from resource_lib.identity.access_token import Validator
from resource_lib.identity.issuer_documents import metadata_url
from resource_lib.identity.jwks_cache import JWKSCache
from resource_lib.identity.verification_key import KeySet, import_key_set
from resource_lib.wire import claims as names

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Sign = Callable[[bytes], bytes]

TENANT = "ten_aaaaaaaaaaaaaaaa"
SUBJECT = "usr_aaaaaaaaaaaaaaaa"
CLIENT = "cli_aaaaaaaaaaaaaaaa"


@dataclass(frozen=True, kw_only=True, slots=True)
class _SigningKey:
    public: Mapping[str, Any]
    sign: Sign


class TestIssuer:
    """
    Plays the authorization server.

    `issuer` and `resource` are the identifiers that its tokens carry. `algorithm` is ES256, EdDSA or RS256. `clock` gives
    seconds since the epoch.

        issuer = TestIssuer(resource="https://mcp.example.com/mcp")
        guard = ResourceGuard(issuer=issuer.issuer, resource=issuer.resource, ..., keys=issuer.keys())
        headers = {"authorization": f"Bearer {issuer.token(tenant='ten_b', scopes=['orders:read'])}"}
    """

    __test__ = False  # the name begins with Test; pytest must not collect it

    def __init__(
        self,
        issuer: str = "https://issuer.test",
        *,
        resource: str = "https://mcp.test/mcp",
        algorithm: str = "ES256",
        max_age: int = 300,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = issuer
        self.resource = resource
        self.algorithm = algorithm
        self.max_age = max_age
        """What Cache-Control says of the key set."""
        self.is_down = False
        """While true, it answers everything with 503."""
        self.requests: list[str] = []
        """The paths that were asked for, in order."""
        self._clock = clock
        self._keys: dict[str, _SigningKey] = {}
        self._next: str | None = None
        self.kid = self.publish()
        """The key that signs now."""
        self.rotate()

    # -- keys ----------------------------------------------------------------------------------------------------------

    def publish(self) -> str:
        """Make a key and show it in the set without signing with it yet; return its kid."""
        kid = f"key-{uuid4().hex[:12]}"
        self._keys[kid] = _make(self.algorithm, kid)
        self._next = kid
        return kid

    def rotate(self) -> str:
        """Sign with the published next key, or with a new one, from now on; return its kid. The old one stays in the set."""
        self.kid, self._next = self._next or self.publish(), None
        return self.kid

    def remove(self, kid: str) -> None:
        """Take a key out of the set, as after a leak."""
        del self._keys[kid]

    @property
    def jwks(self) -> dict[str, Any]:
        """The public key set (RFC 7517 §5)."""
        return {"keys": [dict(key.public) for key in self._keys.values()]}

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata document (RFC 8414 §2)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer.rstrip('/')}/jwks.json",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }

    # -- tokens --------------------------------------------------------------------------------------------------------

    def claims(
        self,
        *,
        tenant: str = TENANT,
        subject: str = SUBJECT,
        client_id: str = CLIENT,
        scopes: Iterable[str] = (),
        roles: Collection[str] | None = (),
        resource: str | None = None,
        life: int = 600,
    ) -> dict[str, Any]:
        """Return the claims of a good token. `roles=None` is a machine client's: without roles and without a login."""
        now = int(self._clock())
        said: dict[str, Any] = {
            names.ISS: self.issuer,
            names.SUB: subject if roles is not None else f"client:{client_id}",
            names.AUD: resource or self.resource,
            names.CLIENT_ID: client_id,
            names.SCOPE: " ".join(scopes),
            names.IAT: now,
            names.EXP: now + life,
            names.JTI: uuid4().hex,
            names.TENANT_ID: tenant,
            names.AUTHORIZATION_ID: f"aut_{uuid4().hex[:16]}",
            names.CTL: 0,
        }
        if roles is not None:
            said |= {names.ROLES: list(roles), names.ACR: "urn:test:password", names.AUTH_TIME: now, names.AMR: ["pwd"]}
        return said

    def token(
        self,
        *,
        tenant: str = TENANT,
        subject: str = SUBJECT,
        client_id: str = CLIENT,
        scopes: Iterable[str] = (),
        roles: Collection[str] | None = (),
        resource: str | None = None,
        life: int = 600,
        override: Mapping[str, Any] | None = None,
        without: Collection[str] = (),
    ) -> str:
        """Return a correctly signed token. `override` sets any claim to anything; `without` leaves claims out."""
        said = self.claims(
            tenant=tenant,
            subject=subject,
            client_id=client_id,
            scopes=scopes,
            roles=roles,
            resource=resource,
            life=life,
        ) | dict(override or {})
        return self.forge(payload={name: value for name, value in said.items() if name not in without})

    def forge(
        self,
        *,
        header: Mapping[str, Any] | bytes | None = None,
        payload: Mapping[str, Any] | bytes | None = None,
        sign: Sign | None = None,
    ) -> str:
        """
        Return a token of exactly these parts, signed with the current key unless `sign` does something else.

        Bytes are taken as they are; a mapping becomes JSON; None is what a good token has.
        """
        if header is None:
            header = self.header()
        if payload is None:
            payload = self.claims()
        signed = f"{base64url(_json(header))}.{base64url(_json(payload))}"
        signature = (sign or self.sign)(signed.encode("ascii"))
        return f"{signed}.{base64url(signature)}"

    def header(self) -> dict[str, Any]:
        """Return the header of a good token."""
        return {"alg": self.algorithm, "kid": self.kid, "typ": names.TYP}

    def sign(self, data: bytes) -> bytes:
        """Return the raw JWS signature of `data` under the current key."""
        return self._keys[self.kid].sign(data)

    # -- what a guard needs ----------------------------------------------------------------------------------------------

    @property
    def key_set(self) -> KeySet:
        """The present keys as a source for `Validator` that never changes."""
        return import_key_set(self.jwks)

    def keys(self, **settings: Any) -> JWKSCache:
        """Return a key cache that reads this issuer without a network; `settings` are those of JWKSCache."""
        return JWKSCache(issuer=self.issuer, transport=self.transport(), **settings)

    def validator(self, **settings: Any) -> Validator:
        """Return a validator of this issuer's tokens; `settings` are those of Validator."""
        chosen: dict[str, Any] = {
            "issuer": self.issuer,
            "resource": self.resource,
            "keys": self.key_set,
            "clock": self._clock,
        }
        return Validator(**(chosen | settings))

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return an httpx2 transport that answers in this issuer's place."""
        return httpx2.ASGITransport(app=self.app)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer GET for the metadata and the key set; an ASGI application."""
        if scope["type"] != "http":
            raise RuntimeError(f"TestIssuer serves http only, not {scope['type']}; serve it with lifespan off")
        path = scope["path"]
        self.requests.append(path)
        documents = {
            urlsplit(metadata_url(self.issuer)).path: self.metadata,
            urlsplit(self.metadata["jwks_uri"]).path: self.jwks,
        }
        document = documents.get(path)
        status = 503 if self.is_down else 404 if document is None else 200
        body = _json(document if status == 200 and document is not None else {})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", f"max-age={self.max_age}".encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _json(value: Mapping[str, Any] | bytes) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def _make(algorithm: str, kid: str) -> _SigningKey:
    common = {"kid": kid, "alg": algorithm, "use": "sig"}
    match algorithm:
        case "ES256":
            p256 = ec.generate_private_key(ec.SECP256R1())
            point = p256.public_key().public_numbers()
            x, y = (base64url(part.to_bytes(32, "big")) for part in (point.x, point.y))

            def sign_es256(data: bytes) -> bytes:
                r, s = decode_dss_signature(p256.sign(data, ec.ECDSA(hashes.SHA256())))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")

            return _SigningKey(public={"kty": "EC", "crv": "P-256", "x": x, "y": y} | common, sign=sign_es256)
        case "EdDSA":
            edwards = ed25519.Ed25519PrivateKey.generate()
            x = base64url(edwards.public_key().public_bytes_raw())
            return _SigningKey(public={"kty": "OKP", "crv": "Ed25519", "x": x} | common, sign=edwards.sign)
        case "RS256":
            rivest = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            modulus = rivest.public_key().public_numbers().n
            public = {"kty": "RSA", "n": base64url(modulus.to_bytes(256, "big")), "e": "AQAB"} | common
            return _SigningKey(public=public, sign=lambda data: rivest.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        case _:
            raise ValueError(f"algorithm: {algorithm!r} is not one of ES256, EdDSA, RS256")
