"""
Secrets at rest are wrapped by keys that the database never holds.

Private keys are JWE (`A256GCMKW`, `A256GCM`) whose protected header binds purpose and row; personal data is AES-256-GCM
under a key of the person, itself wrapped; look-ups of personal data go through a keyed hash (decisions 15, 16).
`KeyEncryption` is where a KMS would plug in.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwcrypto import jwe, jwk


class VaultError(Exception):
    """A wrapped secret cannot be opened: wrong key-encryption key, or a row that was moved or changed."""


class KeyEncryption(Protocol):
    """Wraps small secrets with a key that stays outside the database: a local file, or a KMS."""

    def wrap(self, secret: bytes, *, purpose: str) -> str:
        """Return `secret` encrypted and bound to `purpose`."""
        ...

    def unwrap(self, wrapped: str, *, purpose: str) -> bytes:
        """Return the secret. Raises VaultError for another purpose, another key, or a changed text."""
        ...

    def is_current(self, wrapped: str) -> bool:
        """Whether it was wrapped by the key that wraps now. It proves nothing about `wrapped`."""
        ...

    def take_again(self) -> None:
        """Look again which keys there are. Raises VaultError."""
        ...


class LocalKeyEncryption:
    """Key-encryption keys from a file or the environment: `name:base64(32 bytes)` per line, the first one wraps."""

    def __init__(self, text: str, *, read_again: Callable[[], str] | None = None) -> None:
        self._read_again = read_again
        self._keys: dict[str, jwk.JWK] = {}
        self.current = ""
        self._take(text)

    def _take(self, text: str) -> None:
        keys: dict[str, jwk.JWK] = {}
        for line in filter(None, (line.strip() for line in text.splitlines())):
            name, separator, encoded = line.partition(":")
            try:
                raw = base64.b64decode(encoded, validate=True)
            except ValueError:
                raw = b""
            if not separator or not name or len(raw) != 32:
                raise VaultError(
                    "AUTHSERVER_KEK_FILE: each line must be `name:base64 of 32 bytes`; `authserver key kek` writes one"
                )
            if name in keys:
                raise VaultError(f"AUTHSERVER_KEK_FILE: two lines are called {name}; give each key a name of its own")
            keys[name] = jwk.JWK(kty="oct", kid=name, k=base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
        if not keys:
            raise VaultError("AUTHSERVER_KEK_FILE: holds no key; `authserver key kek` writes one")
        self._keys, self.current = keys, next(iter(keys))

    def wrap(self, secret: bytes, *, purpose: str) -> str:
        """Return a compact JWE whose protected header names the wrapping key and `purpose`."""
        header = {"alg": "A256GCMKW", "enc": "A256GCM", "kid": self.current, "purpose": purpose}
        token = jwe.JWE(secret, protected=orjson.dumps(header).decode())
        token.add_recipient(self._keys[self.current])
        return str(token.serialize(compact=True))

    def unwrap(self, wrapped: str, *, purpose: str) -> bytes:
        """Return the secret; see KeyEncryption.unwrap."""
        token = jwe.JWE(algs=["A256GCMKW", "A256GCM"])
        try:
            token.deserialize(wrapped)
            header = orjson.loads(token.objects["protected"])
            if header.get("purpose") != purpose or set(header) - {"alg", "enc", "kid", "purpose", "iv", "tag"}:
                raise VaultError("a wrapped secret is not what its row says it is")
            token.decrypt(self._key(header["kid"]))
        except KeyError:
            raise VaultError(
                "a secret is wrapped by a key-encryption key that AUTHSERVER_KEK_FILE does not hold"
            ) from None
        except (jwe.InvalidJWEData, jwe.InvalidJWEOperation, ValueError, TypeError):
            raise VaultError("a wrapped secret cannot be opened: it was changed, or the key is another") from None
        return bytes(token.payload)

    def is_current(self, wrapped: str) -> bool:
        """Whether the header names the first key; see KeyEncryption.is_current."""
        token = jwe.JWE()
        try:
            token.deserialize(wrapped)
            return bool(orjson.loads(token.objects["protected"])["kid"] == self.current)
        except (jwe.InvalidJWEData, ValueError, KeyError, TypeError):
            return False

    def take_again(self) -> None:
        """Read the keys again from where they came. Raises VaultError, keeping those that it has."""
        if self._read_again is not None:
            self._take(self._read_again())

    def _key(self, name: str) -> jwk.JWK:
        if name not in self._keys:
            # Somebody put a new key into the file and wrapped with it: a server that runs goes on with it.
            self.take_again()
        return self._keys[name]

    @staticmethod
    def generate(name: str = "kek1") -> str:
        """Return the content of a fresh key file."""
        return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}\n"


def open_key_encryption(*, file: Path | None, text: str | None) -> LocalKeyEncryption:
    """Read the key-encryption keys. Raises VaultError naming the setting and the cure."""
    if text:
        return LocalKeyEncryption(text)
    if file is None:
        raise VaultError(
            "AUTHSERVER_KEK_FILE: is not set; `authserver key kek FILE` writes one, keep it out of the database's backups"
        )
    path = file

    def read() -> str:
        try:
            return path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise VaultError(
                f"AUTHSERVER_KEK_FILE: {path} cannot be read; `authserver key kek {path}` writes one"
            ) from None

    return LocalKeyEncryption(read(), read_again=read)


def seal(key: bytes, plaintext: bytes, *, context: str) -> bytes:
    """Encrypt with AES-256-GCM, bound to `context` (table, column, row)."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Return the plaintext. Raises VaultError when the key, the context or the text is another."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context.encode())
    except (InvalidTag, ValueError):
        raise VaultError(f"{context} cannot be opened: it was changed, or the key is another") from None


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class DeploymentKeys:
    """The secrets of one deployment, unwrapped at start: one per purpose, so that one leak stays one leak."""

    blind_index: bytes
    personal_data: bytes
    forms: bytes
    audit: bytes
    checkpoints: bytes
    """The seed of the Ed25519 key that signs the record's checkpoints."""

    def index(self, purpose: str, value: str) -> bytes:
        """Return the keyed hash under which `value` can be found again without being stored."""
        return hmac.digest(self.blind_index, f"{purpose}\0{value}".encode(), sha256)

    def form_token(self, *parts: str) -> str:
        """Return the token that binds a form to `parts`: the browser's session and what the page showed."""
        digest = hmac.digest(self.forms, "\0".join(parts).encode("utf-8", "surrogatepass"), sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
