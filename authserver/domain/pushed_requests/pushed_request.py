"""
A pushed request gives one answer: it is opened while it is fresh, and spent in the commit that issues its code.

RFC 9126 §2.2, §4, §7.1, §7.3. Nothing is used up by looking: a helper may open the URL before the browser does, a person may reload,
sign in on the way or come back to the page. What was asked for is kept under a key derived from the reference itself, which
is stored as a hash, so that a reader of the database learns no request and can forge none.
"""

import hashlib
import hmac
from dataclasses import dataclass

import orjson

from authserver.domain.pushed_requests import store
from authserver.runtime.identifiers import new_secret, secret_hash
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal

FINISH_WITHIN_S = 900
"""How long a person has to sign in and decide, once the request was opened in time."""

SAME_ANSWER_S = 10
"""How long a form that was sent twice gets the code that its first sending got."""

_PREFIX = "pr"
_PARAMETERS, _ANSWER = "pushed_requests/parameters", "pushed_requests/answer"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PushedRequest:
    """What a client asked for, who has answered it, and what the answer was."""

    reference: str
    parameters: tuple[tuple[str, str], ...]
    expires_at: int
    is_opened: bool
    spent_at: int | None
    spent_by: bytes | None
    answer: bytes | None

    @property
    def is_spent(self) -> bool:
        """Whether a person has answered it."""
        return self.spent_at is not None


def push(work: UnitOfWork, *, issuer_path: str, client_id: str, parameters: list[tuple[str, str]]) -> tuple[str, int]:
    """Keep a checked request; returns its reference, and for how many seconds it may be opened."""
    reference = new_secret(_PREFIX)
    life = work.machines.settings.pushed_request_seconds
    work.write(
        store.PUSH,
        request_hash=secret_hash(reference),
        issuer_path=issuer_path,
        client_id=client_id,
        parameters=seal(_key_from(reference), orjson.dumps(parameters), context=_PARAMETERS),
        expires_at=work.now + life,
    )
    return reference, life


async def find(work: UnitOfWork, reference: str, *, issuer_path: str, client_id: str) -> PushedRequest | None:
    """Return what this client pushed to this issuer under `reference` and may still be opened or answered, spent or not."""
    if len(reference) > 100:
        return None
    row = await work.one(store.FIND, request_hash=secret_hash(reference), client_id=client_id, issuer_path=issuer_path)
    if row is None or work.now >= row["expires_at"]:
        return None
    try:
        parameters = orjson.loads(unseal(_key_from(reference), row["parameters"], context=_PARAMETERS))
    except VaultError:
        return None
    return PushedRequest(
        reference=reference,
        parameters=tuple((name, value) for name, value in parameters),
        expires_at=row["expires_at"],
        is_opened=row["opened_at"] is not None,
        spent_at=row["spent_at"],
        spent_by=row["spent_by"] and bytes(row["spent_by"]),
        answer=row["answer"] and bytes(row["answer"]),
    )


def open_once(work: UnitOfWork, request: PushedRequest) -> None:
    """Give the person their time, once: opening it again adds none."""
    if not request.is_opened:
        work.write(
            store.OPEN,
            request_hash=secret_hash(request.reference),
            now=work.now,
            finish_by=work.now + FINISH_WITHIN_S,
        )


def spend(work: UnitOfWork, request: PushedRequest, *, session: bytes, code: str | None = None) -> None:
    """Claim the one answer for the browser session that gives it; a lost commit means that it has been given."""
    answer = seal(_key_from(request.reference), code.encode(), context=_ANSWER) if code else None
    work.claim(
        store.SPEND,
        request_hash=secret_hash(request.reference),
        now=work.now,
        spent_by=session,
        answer=answer,
    )


def same_answer(work: UnitOfWork, request: PushedRequest, *, session: bytes) -> str | None:
    """Return the code that this same session got a moment ago: its form was sent twice, and the first answer may be lost."""
    if request.spent_at is None or request.answer is None or request.spent_by is None:
        return None
    if work.now - request.spent_at > SAME_ANSWER_S or not hmac.compare_digest(request.spent_by, session):
        return None
    try:
        return unseal(_key_from(request.reference), request.answer, context=_ANSWER).decode()
    except VaultError:
        return None


def expire(work: UnitOfWork) -> None:
    """Forget requests that are over."""
    work.write(store.EXPIRE, before=work.now)


def _key_from(reference: str) -> bytes:
    return hmac.digest(b"authserver/pushed-request/1", reference.encode("utf-8", "surrogatepass"), hashlib.sha256)
