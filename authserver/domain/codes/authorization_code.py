"""
A code is one promise of tokens: one use, one minute, bound to client, redirect URI, challenge, person, tenant and resource.

OAuth 2.1 §4.1.2, §4.1.3, §7.5.2. It is kept as a hash for a week, so that a replay is recognised and ends what the code began.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from authserver.domain.codes import store
from authserver.runtime.identifiers import new_id, new_tenant_secret, secret_hash, tenant_of
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import seal, unseal

MOST_ATTEMPTS = 5
"""Wrong verifiers by the right client before the code is burnt."""

_PREFIX = "ac"
_DETAILS = "authorization_codes/details"


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """What a code promises, and to whom."""

    hash: bytes
    authorization_id: str
    issuer_path: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    sub: str
    resource: str
    scope: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    nonce: str
    expires_at: int
    attempts: int
    is_used: bool
    has_ended: bool
    """Whether it was promised before something that ended it."""
    client_snapshot: str = ""
    purpose: str = ""
    """What the person said it is for, by its name at the resource; empty: they were not asked."""
    details: tuple[dict[str, Any], ...] = ()
    """What they allowed in detail (RFC 9396), as whoever asked for it wants it back."""


def issue(
    work: UnitOfWork,
    *,
    issuer_path: str,
    client_id: str,
    redirect_uri: str,
    code_challenge: str,
    sub: str,
    resource: str,
    scope: tuple[str, ...],
    acr: str,
    amr: tuple[str, ...],
    auth_time: int,
    nonce: str = "",
    client_snapshot: str = "",
    purpose: str = "",
    details: Sequence[dict[str, Any]] = (),
) -> str:
    """Return a new code of the bound tenant. A lost commit: something that ends it was not known here yet."""
    assert work.tenant is not None
    code = new_tenant_secret(_PREFIX, work.tenant)
    work.claim(
        store.ISSUE,
        code_hash=secret_hash(code),
        authorization_id=new_id("az"),
        issuer_path=issuer_path,
        client_id=client_id,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        sub=sub,
        resource=resource,
        scope=" ".join(scope),
        acr=acr,
        amr=" ".join(amr),
        auth_time=auth_time,
        nonce=nonce,
        client_snapshot=client_snapshot,
        purpose=purpose,
        details=_sealed(code, details),
        ctl=work.applied,
        expires_at=work.now + work.machines.settings.authorization_code_seconds,
    )
    return code


def tenant_named_in(code: str) -> str | None:
    """Return the tenant whose rows would hold this code; None for anything that is no code."""
    return tenant_of(code, _PREFIX)


async def find(work: UnitOfWork, code: str) -> Code | None:
    """Return what is known of a code in the bound tenant, used and expired ones too."""
    row = await work.one(store.FIND, code_hash=secret_hash(code))
    if row is None:
        return None
    return Code(
        hash=secret_hash(code),
        authorization_id=row["authorization_id"],
        issuer_path=row["issuer_path"],
        client_id=row["client_id"],
        redirect_uri=row["redirect_uri"],
        code_challenge=row["code_challenge"],
        sub=row["sub"],
        resource=row["resource"],
        scope=tuple(row["scope"].split()),
        acr=row["acr"],
        amr=tuple(row["amr"].split()),
        auth_time=row["auth_time"],
        nonce=row["nonce"],
        expires_at=row["expires_at"],
        attempts=row["attempts"],
        is_used=row["used_at"] is not None,
        has_ended=row["ctl"] < row["floor"],
        client_snapshot=row["client_snapshot"],
        purpose=row["purpose"],
        details=_opened(code, row["details"]),
    )


def redeem(work: UnitOfWork, code: Code) -> None:
    """Claim the one use; a lost commit means that somebody else had it."""
    work.claim(store.REDEEM, code_hash=code.hash, now=work.now, most_attempts=MOST_ATTEMPTS)


def count_attempt(work: UnitOfWork, code: Code) -> None:
    """Count a wrong verifier."""
    work.write(store.COUNT_ATTEMPT, code_hash=code.hash)


def burn(work: UnitOfWork, *, sub: str, client_id: str, resource: str) -> None:
    """End what waits under one consent: codes, and what was allowed to devices and not fetched yet."""
    for statement in store.BURN:
        work.write(statement, sub=sub, client_id=client_id, resource=resource, now=work.now)


def _sealed(code: str, details: Sequence[dict[str, Any]]) -> str:
    # A condition may name a person: only whoever holds the code can open what it promises in detail.
    if not details:
        return ""
    return b64encode(seal(_key_from(code), orjson.dumps(list(details)), context=_DETAILS)).decode()


def _opened(code: str, sealed: str) -> tuple[dict[str, Any], ...]:
    return tuple(orjson.loads(unseal(_key_from(code), b64decode(sealed), context=_DETAILS))) if sealed else ()


def _key_from(code: str) -> bytes:
    return hmac.digest(b"authserver/code-details/1", code.encode("utf-8", "surrogatepass"), hashlib.sha256)


def expire(work: UnitOfWork) -> None:
    """Forget codes that are a week old (a replay of one then is an unknown code)."""
    work.write(store.EXPIRE, before=work.now - 7 * 24 * 3600)
