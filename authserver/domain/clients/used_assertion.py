"""
A client's assertion is used once: whoever presents it again, anywhere, within its life, is refused.

RFC 7523 §3 item 7. What is kept is the SHA-256 of client and `jti` and until when it matters, so it belongs to no tenant's rows
and any flow can claim it, whatever tenant that flow is about. The claim stands or falls with everything else the flow
writes: a flow that runs again because another claim was lost meets no trace of its own first try.
"""

import hashlib

from authserver.domain.clients import store
from authserver.runtime.unit_of_work import UnitOfWork

_KEPT_AFTER_S = 300
"""Beyond the end of the assertion: clocks differ."""


async def was_used(work: UnitOfWork, client_id: str, jti: str) -> bool:
    """Whether it was used before; never from memory."""
    return await work.one(store.USED_ASSERTION, use_hash=_hash(client_id, jti)) is not None


def use(work: UnitOfWork, client_id: str, jti: str, *, expires_at: int) -> None:
    """Claim its one use. A lost commit: somebody else used it first."""
    work.claim(store.USE_ASSERTION, use_hash=_hash(client_id, jti), expires_at=expires_at + _KEPT_AFTER_S)


def expire(work: UnitOfWork) -> None:
    """Forget those that have expired anyway."""
    work.write(store.EXPIRE_ASSERTIONS, now=work.now)


def _hash(client_id: str, jti: str) -> bytes:
    return hashlib.sha256(f"{client_id}\0{jti}".encode()).digest()
