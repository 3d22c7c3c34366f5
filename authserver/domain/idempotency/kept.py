"""
A request that is sent twice is done once: what was answered the first time is kept, and answered again.

The `Idempotency-Key` header of the IETF draft. The answer is written in the commit of what it tells of, so there is never one
without the other; of two that come at once one commits, and the other finds its answer. It may hold a secret that is shown once,
so it is sealed under a key that only whoever knows the idempotency key can derive.
"""

import hashlib
from dataclasses import dataclass

from authserver.domain.idempotency import store
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import seal, unseal

KEPT_S = 24 * 3600
"""For how long, in seconds."""


class OtherRequestError(Exception):
    """The key was used for another request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One request: who sent it, the key they gave it, and the whole of what they asked."""

    who: str
    key: str
    request: bytes

    @property
    def request_hash(self) -> bytes:
        """What tells it from another request with the same key."""
        return hashlib.sha256(self.request).digest()


async def answered(work: UnitOfWork, sent: Sent) -> Answer | None:
    """Return what was answered in the bound tenant, or None. Raises OtherRequestError where the key was another request's."""
    row = await work.one(store.FIND, key_hash=_key_hash(work, sent), now=work.now)
    if row is None:
        return None
    if row["request_hash"] != sent.request_hash:
        raise OtherRequestError
    return Answer(status=row["status"], body=unseal(_seal_key(work, sent), row["answer"], context=_CONTEXT))


def keep(work: UnitOfWork, sent: Sent, answer: Answer) -> None:
    """Keep the answer with the caller's other writes. A lost commit: the same request was answered meanwhile."""
    work.claim(
        store.KEEP,
        key_hash=_key_hash(work, sent),
        request_hash=sent.request_hash,
        status=answer.status,
        answer=seal(_seal_key(work, sent), answer.body, context=_CONTEXT),
        expires_at=work.now + KEPT_S,
        now=work.now,
    )


def expire(work: UnitOfWork) -> None:
    """Forget what is too old, in every tenant."""
    work.write(store.EXPIRE, now=work.now)


_CONTEXT = "idempotency_keys/answer"


def _key_hash(work: UnitOfWork, sent: Sent) -> bytes:
    return work.machines.keys.index("idempotency", f"{sent.who}\0{sent.key}")


def _seal_key(work: UnitOfWork, sent: Sent) -> bytes:
    return work.machines.keys.index("idempotency answer", f"{sent.who}\0{sent.key}")
