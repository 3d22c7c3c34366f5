"""
One access token is dead before its time, and nothing else is.

RFC 7009 §2.1. The row says so to every process at once and is kept until the token would have expired, so that the table
holds no more than what was issued in one token's life.
"""

from authserver.domain.audit import event
from authserver.domain.revocation import feed
from authserver.domain.tokens import store
from authserver.domain.tokens.presented import Presented
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.settings import MOST_ACCESS_TOKEN_SECONDS
from resource_lib.wire.control import Kind


async def revoke(work: UnitOfWork, token: Presented) -> None:
    """Revoke a token of the bound tenant, once; a repetition writes and announces nothing."""
    if await work.one(store.REVOKED, jti=token.id) is not None:
        return
    work.write(store.REVOKE_TOKEN, jti=token.id, expires_at=token.expires_at)
    feed.announce(work, Kind.TOKEN, {"jti": token.id, "exp": token.expires_at}, resource=token.resource)
    event.record(
        work,
        event.Kind.TOKEN_REVOKED,
        client_id=token.client_id,
        sub=token.sub,
        authorization_id=token.authorization_id,
        resource=token.resource,
        jti=token.id,
    )


async def revoke_named(work: UnitOfWork, jti: str) -> bool:
    """Revoke a token of the bound tenant of which only its id is known, as from a log; False: it was revoked before.

    Whether there is one cannot be known, because tokens are not stored: it is remembered for as long as one could live,
    whatever their life is set to now: it may have been longer when this one began.
    """
    if await work.one(store.REVOKED, jti=jti) is not None:
        return False
    expires_at = work.now + MOST_ACCESS_TOKEN_SECONDS
    work.write(store.REVOKE_TOKEN, jti=jti, expires_at=expires_at)
    feed.announce(work, Kind.TOKEN, {"jti": jti, "exp": expires_at})
    event.record(work, event.Kind.TOKEN_REVOKED, jti=jti, named=True)
    return True


def expire(work: UnitOfWork) -> None:
    """Forget what would have expired by now."""
    work.write(store.EXPIRE_REVOKED, now=work.now)
