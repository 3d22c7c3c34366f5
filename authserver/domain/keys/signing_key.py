"""
What we sign with: published before it signs, kept until the last token it signed has expired.

RFC 7517, RFC 7638 (the `kid` is the key's thumbprint), RFC 9068 §4. What a key may do follows from its dates alone, so
that no job has to flip a state in time.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto import jwk

from authserver.domain.keys import store
from authserver.runtime.jose import signer, verifier, written_header
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import KeyEncryption
from resource_lib.wire.control import FEED_TYP

_MAKE: dict[str, dict[str, Any]] = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "RS256": {"kty": "RSA", "size": 3072},
}
ALGORITHMS = tuple(_MAKE)

_MOST_PROVEN = 4096

Sign = Callable[[dict[str, Any]], str]
Verify = Callable[[bytes, bytes], bool]

_ACCESS_TOKEN = "at+jwt"  # noqa: S105
_ID_TOKEN = "JWT"  # noqa: S105
"""OpenID Connect Core §2. RFC 9068 §2.1 gave access tokens another type so that neither is taken for the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """One key of one issuer. Times are seconds since the epoch; `remove_at` None: no successor signs yet."""

    kid: str
    generation: int
    algorithm: str
    public: dict[str, Any]
    publish_at: int
    sign_from: int
    remove_at: int | None
    access_token: Sign
    access_token_header: bytes
    """The first part, byte for byte, of every access token that it signs."""
    id_token: Sign
    batch: Sign
    """Of the feed."""
    verify: Verify
    """From a signature and what it covers to whether this key made it."""

    def is_published(self, now: int) -> bool:
        """Whether it stands in the key set."""
        return self.publish_at <= now and (self.remove_at is None or now < self.remove_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRing:
    """The keys of one issuer, oldest first, and what they were seen to have signed."""

    keys: tuple[SigningKey, ...]
    _proven: OrderedDict[bytes, tuple[SigningKey, Any]] = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )
    """By hash of the token. It goes with the ring: no verdict outlives a change of the keys."""

    def signing(self, now: int) -> SigningKey | None:
        """Return the newest key that may sign now."""
        for key in reversed(self.keys):
            if key.sign_from <= now and key.is_published(now):
                return key
        return None

    def of_access_token(self, header: bytes, now: int) -> SigningKey | None:
        """Return the published key that writes this first part of an access token."""
        return next((key for key in self.keys if key.access_token_header == header and key.is_published(now)), None)

    def remember(self, token_hash: bytes, header: bytes, meaning: Any, now: int) -> None:
        """Keep what a token means whose signature was just seen to be good. Bounded; the one not asked for longest goes."""
        key = self.of_access_token(header, now)
        if key is not None:
            self._proven[token_hash] = (key, meaning)
            if len(self._proven) > _MOST_PROVEN:
                self._proven.popitem(last=False)

    def recall(self, token_hash: bytes, now: int) -> Any:
        """Return what was kept of a token while its key is published, or None."""
        found = self._proven.get(token_hash)
        if found is None or not found[0].is_published(now):
            return None
        self._proven.move_to_end(token_hash)
        return found[1]

    def published(self, now: int) -> list[SigningKey]:
        """Return the keys that resource servers must know now."""
        return [key for key in self.keys if key.is_published(now)]


def generate(algorithm: str, key_encryption: KeyEncryption) -> tuple[str, dict[str, Any], str]:
    """Return the `kid`, the public JWK and the wrapped private JWK of a new key."""
    key = jwk.JWK.generate(**_MAKE[algorithm])
    kid = str(key.thumbprint())
    public = {**key.export_public(as_dict=True), "kid": kid, "use": "sig", "alg": algorithm}
    private = orjson.dumps(key.export_private(as_dict=True))
    return kid, public, store.PRIVATE_HALVES.seal(key_encryption, private, kid=kid)


async def key_ring(work: UnitOfWork, issuer_path: str) -> KeyRing:
    """Return the issuer's keys, from memory. Raises VaultError when one cannot be opened."""

    async def load() -> KeyRing | None:
        keys = []
        for row in await work.all(store.OF_ISSUER, issuer_path=issuer_path):
            unwrapped = store.PRIVATE_HALVES.open(work.machines.key_encryption, row["private_jwe"], kid=row["kid"])
            private = jwk.JWK.from_json(unwrapped.decode()).get_op_key("sign")
            assert isinstance(private, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
            keys.append(
                SigningKey(
                    kid=row["kid"],
                    generation=row["generation"],
                    algorithm=row["algorithm"],
                    public=orjson.loads(row["public_jwk"]),
                    publish_at=row["publish_at"],
                    sign_from=row["sign_from"],
                    remove_at=row["remove_at"],
                    access_token=signer(private, alg=row["algorithm"], kid=row["kid"], typ=_ACCESS_TOKEN),
                    access_token_header=written_header(alg=row["algorithm"], kid=row["kid"], typ=_ACCESS_TOKEN),
                    id_token=signer(private, alg=row["algorithm"], kid=row["kid"], typ=_ID_TOKEN),
                    batch=signer(private, alg=row["algorithm"], kid=row["kid"], typ=FEED_TYP),
                    verify=verifier(private, alg=row["algorithm"]),
                )
            )
        # Nothing is not remembered: at a first start another process may be publishing the first key right now.
        return KeyRing(keys=tuple(keys)) if keys else None

    return await work.machines.memory.get("key_ring", issuer_path, load) or KeyRing(keys=())
