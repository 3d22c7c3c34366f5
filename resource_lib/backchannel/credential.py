"""
By which this MCP server says who it is to its issuer: a client_id, and a secret that is never shown.

Given to the guard, or found in `RESOURCE_GUARD_CLIENT_ID` and `RESOURCE_GUARD_CLIENT_SECRET_FILE`. A file is read again for
each request, so that a rotated secret needs no restart.
"""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from resource_lib.settings import SettingsError

CLIENT_ID = "RESOURCE_GUARD_CLIENT_ID"
CLIENT_SECRET_FILE = "RESOURCE_GUARD_CLIENT_SECRET_FILE"  # noqa: S105


class Credential:
    """A client_id and its secret."""

    __slots__ = ("_file", "_secret", "client_id")

    def __init__(self, *, client_id: str, secret: str | None = None, secret_file: Path | None = None) -> None:
        """Take the secret, or the file that holds it. Raises SettingsError when it is incomplete or cannot be read."""
        if not client_id or not client_id.isascii() or not client_id.isprintable():
            raise SettingsError(
                "client_id", "is missing or no client_id", "use the one `authserver resource add` showed"
            )
        if (secret is None) == (secret_file is None):
            raise SettingsError(
                "client_secret", "give the secret or its file", f"name the file in {CLIENT_SECRET_FILE}"
            )
        self.client_id = client_id
        self._secret = secret
        self._file = secret_file
        self._read()

    def __repr__(self) -> str:
        """Say whose it is, and no more."""
        return f"Credential(client_id={self.client_id!r})"

    def header(self) -> str:
        """Return the `Authorization` value of client_secret_basic (RFC 6749 §2.3.1). Raises SettingsError."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self._read(), safe='')}"
        return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")

    def derived(self, purpose: bytes) -> bytes:
        """Return 32 bytes that only holders of this secret can make, for one purpose (RFC 5869). Raises SettingsError."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(self._read().encode("ascii"))

    def _read(self) -> str:
        secret = self._secret
        if self._file is not None:
            try:
                secret = self._file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise SettingsError(
                    "client_secret_file", f"{self._file} cannot be read", "give a file that holds the secret alone"
                ) from None
        if not secret or not secret.isascii() or not secret.isprintable() or len(secret) > 1024:
            raise SettingsError(
                "client_secret", "is empty or no secret", "use the one `authserver resource add` showed"
            )
        return secret


def find(
    *,
    client_id: str | None,
    client_secret: str | None,
    client_secret_file: str | Path | None,
    environment: Mapping[str, str] | None = None,
) -> Credential | None:
    """Return the credential that was given, else the environment's, else None. Raises SettingsError for half of one."""
    named = os.environ if environment is None else environment
    if client_id is None and client_secret is None and client_secret_file is None:
        client_id, client_secret_file = named.get(CLIENT_ID) or None, named.get(CLIENT_SECRET_FILE) or None
    if client_id is None and client_secret is None and client_secret_file is None:
        return None
    return Credential(
        client_id=client_id or "",
        secret=client_secret,
        secret_file=None if client_secret_file is None else Path(client_secret_file),
    )
