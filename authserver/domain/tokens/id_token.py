"""
Mints the ID token: for the client alone, saying who signed in, when and how.

OpenID Connect Core §2, §3.1.3.6. It opens nothing anywhere: its `aud` is the client, its `typ` is no access token's, and it
has no `authorization_id`. It ends with the access token it stands beside.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from authserver.domain.keys.signing_key import KeyRing
from authserver.domain.tokens.access_token import AccessToken, NoSigningKeyError
from authserver.domain.tokens.authorization import Authorization
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims

NONCE, AT_HASH = "nonce", "at_hash"

CLAIMS = (
    claims.ISS, claims.SUB, claims.AUD, claims.EXP, claims.IAT, claims.AUTH_TIME, claims.ACR, claims.AMR, NONCE, AT_HASH,
)  # fmt: skip

_HASHES = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}
"""The hash of each signature algorithm, half of which `at_hash` is (for Ed25519 it is SHA-512, RFC 8032 §5.1)."""


def mint(
    work: UnitOfWork,
    ring: KeyRing,
    owner: Authorization,
    access: AccessToken,
    *,
    issuer: str,
    nonce: str,
    personal: Mapping[str, str],
) -> str:
    """Return the ID token beside `access`. `personal` is what its person allowed this client to know. Raises NoSigningKeyError."""
    key = ring.signing(work.now)
    if key is None:
        raise NoSigningKeyError
    said: dict[str, object] = {
        claims.ISS: issuer,
        claims.SUB: owner.sub,
        claims.AUD: owner.client_id,
        claims.EXP: work.now + access.expires_in,
        claims.IAT: work.now,
        claims.AUTH_TIME: owner.auth_time,
        claims.ACR: owner.acr,
        claims.AMR: list(owner.amr),
        AT_HASH: _half_hash(key.algorithm, access.token),
    }
    if nonce:
        said[NONCE] = nonce
    return key.id_token({**said, **personal})


def _half_hash(algorithm: str, token: str) -> str:
    digest = _HASHES[algorithm](token.encode("ascii")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
