"""
What a client carries for us between two tries of one call: sealed, for this caller and this call alone, for a short time.

MCP 2026-07-28 "Multi Round-Trip Requests": `requestState` comes back from a client and is hostile. The key is made of this server's
own credential, so that every instance opens what another one sealed; what does not open (another server's, of before a rotation,
forged, too old) counts as not sent, and the issuer's record alone decides. It permits nothing: it says which approval a retry is
about, and carries the tool's own state while the tool asks for more.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resource_lib.backchannel.credential import Credential
from resource_lib.identity.principal import Principal
from resource_lib.settings import SettingsError

LIFE_S: Final = 900
_MOST_CHARACTERS: Final = 256 * 1024
_PREFIX: Final = "rg1."
_PURPOSE: Final = b"resource-guard/request-state/1\n"
_NONCE: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedState:
    """What is sealed."""

    tenant: str
    subject: str
    client_id: str
    authorization_id: str
    tool: str
    args_hash: str
    definition_hash: str
    approval_id: str
    url: str
    expires_at: int
    """When the approval ends."""
    ends_at: int
    """Seconds since the epoch."""
    tries: int = 0
    """How often this call was answered with "still waiting"."""
    leg: int = 0
    """Above 0: the tool has begun under this approval and asks for more; the leg that comes next."""
    inner: str | None = None
    """The tool's own state."""

    def is_of(self, principal: Principal, *, tool: str, args_hash: str, definition_hash: str) -> bool:
        """Tell whether it was sealed for this caller and this call."""
        return (
            (self.tenant, self.subject) == (principal.tenant, principal.subject)
            and (self.client_id, self.authorization_id) == (principal.client_id, principal.authorization_id)
            and (self.tool, self.args_hash, self.definition_hash) == (tool, args_hash, definition_hash)
        )


class StateSeal:
    """Seals and opens for one resource."""

    def __init__(self, credential: Credential, *, resource: str) -> None:
        self._credential = credential
        self._bound = _PURPOSE + resource.encode("utf-8")
        self._last = AESGCM(credential.derived(self._bound))

    def seal(self, state: CarriedState) -> str:
        """Return `state` as text that only this server can read or make."""
        nonce = os.urandom(_NONCE)
        plain = json.dumps(asdict(state), separators=(",", ":")).encode("ascii")
        sealed = nonce + self._cipher().encrypt(nonce, plain, self._bound)
        return _PREFIX + base64.urlsafe_b64encode(sealed).decode("ascii")

    def open(self, sealed: Any, *, now: float) -> CarriedState | None:
        """Return what was sealed; None for anything that this server has not sealed, or too long ago."""
        if type(sealed) is not str or not sealed.startswith(_PREFIX) or len(sealed) > _MOST_CHARACTERS:
            return None
        try:
            raw = base64.b64decode(sealed[len(_PREFIX) :].encode("ascii"), altchars=b"-_", validate=True)
            plain = self._cipher().decrypt(raw[:_NONCE], raw[_NONCE:], self._bound)
        except (binascii.Error, UnicodeEncodeError, InvalidTag, ValueError):
            return None
        said: Mapping[str, Any] = json.loads(plain)
        try:
            state = CarriedState(**said)
        except TypeError:  # sealed by another version of this library
            return None
        return state if now < state.ends_at else None

    def _cipher(self) -> AESGCM:
        # While the file of the secret is being replaced, the last one that could be read is this server's.
        with suppress(SettingsError):
            self._last = AESGCM(self._credential.derived(self._bound))
        return self._last
