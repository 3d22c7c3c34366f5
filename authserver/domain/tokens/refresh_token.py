"""
A refresh token rotates; a retry gets the same successor; a late replay ends the family.

OAuth 2.1 §4.3.1, decision 9. The successor is kept encrypted under a key derived from the token it follows, so that only
whoever holds the old token can be answered again, and the database holds no usable token. Rotation is one statement that
repeats what it was decided by of its own rows: unused, not expired, authorization not ended.
"""

import hashlib
import hmac
from dataclasses import dataclass

from authserver.domain.consent.consent import Consent, standing_from_row
from authserver.domain.tokens import authorization, store
from authserver.domain.tokens.authorization import Authorization
from authserver.domain.users.user import Member
from authserver.runtime.identifiers import new_tenant_secret, secret_hash, tenant_of
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal

_PREFIX = "rt"


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshToken:
    """What is known of a presented token: its authorization, whether it was used, and who stands behind it now."""

    secret: str
    authorization: Authorization
    member: Member | None
    consent: Consent | None
    expires_at: int
    used_at: int | None
    successor: bytes | None

    def is_retry(self, now: int, window_s: int) -> bool:
        """Whether the same answer may be given again."""
        return self.used_at is not None and self.successor is not None and now - self.used_at < window_s


def tenant_named_in(token: str) -> str | None:
    """Return the tenant whose rows would hold this token; None for anything that is no refresh token."""
    return tenant_of(token, _PREFIX)


def first(work: UnitOfWork, owner: Authorization) -> str:
    """Return the first refresh token of an authorization."""
    return _add(work, owner)


async def find(work: UnitOfWork, token: str) -> RefreshToken | None:
    """Return what is known of a token in the bound tenant, used and expired ones too; never from memory."""
    row = await work.one(store.FIND_REFRESH, token_hash=secret_hash(token))
    if row is None:
        return None
    member, allowed = standing_from_row(row)
    return RefreshToken(
        secret=token,
        authorization=authorization.from_row(row),
        member=member,
        consent=allowed,
        expires_at=row["token_expires_at"],
        used_at=row["used_at"],
        successor=row["successor"],
    )


def rotate(work: UnitOfWork, token: RefreshToken) -> str:
    """Claim the token's one use and return its successor. A lost commit: somebody else used it, or it was just ended."""
    successor = _add(work, token.authorization)
    sealed = seal(_key_from(token.secret), successor.encode(), context="refresh_tokens/successor")
    work.claim(store.ROTATE, token_hash=secret_hash(token.secret), successor=sealed, now=work.now)
    return successor


def same_successor(token: RefreshToken) -> str | None:
    """Return the successor that the first use got."""
    if token.successor is None:
        return None
    try:
        return unseal(_key_from(token.secret), token.successor, context="refresh_tokens/successor").decode()
    except VaultError:
        return None


def _add(work: UnitOfWork, owner: Authorization) -> str:
    assert work.tenant is not None
    token = new_tenant_secret(_PREFIX, work.tenant)
    idle_end = work.now + work.machines.settings.interactive_idle_seconds
    work.write(
        store.ADD_REFRESH,
        token_hash=secret_hash(token),
        authorization_id=owner.id,
        now=work.now,
        # Rotation renews the idle end and never the absolute one.
        expires_at=min(idle_end, owner.expires_at),
    )
    return token


def _key_from(secret: str) -> bytes:
    return hmac.digest(b"authserver/refresh-successor/1", secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
