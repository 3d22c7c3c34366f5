"""
What names people or repeats what was said: encrypted under a key of its own, wrapped by one of a page of keys (`wrapping.py`), that by
the tenant's, that by the deployment's.

Destroying the key of the page erases one event's payload; what is proved stays as it was, because a header holds a commitment that
nothing can be tried against without the innermost key (decision 15).
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from authserver.domain.audit import store, wrapping
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal

_AT_A_TIME: Final = 128
"""How many keys are wrapped before others have their turn."""
_MANY: Final = 16
"""Payloads of one unit: from so many on, pages of their own are written with them."""


@dataclass(frozen=True, slots=True, repr=False)
class TenantKey:
    """The key under which a tenant's payload keys are wrapped."""

    id: str
    key: bytes


@dataclass(slots=True, repr=False)
class Sealed:
    """A payload under its own key, and the commitment (hex) by which a header speaks of it."""

    event_id: str
    key: bytes
    ciphertext: bytes
    commitment: str


def sealed(event_id: str, said: dict[str, Any]) -> Sealed:
    """Encrypt what an event says under a fresh key."""
    clear = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    key = secrets.token_bytes(32)
    # Blinded by the event's own key: a guess at a short payload cannot be confirmed once the key is erased.
    commitment = hmac.digest(key, clear, hashlib.sha256).hex()
    return Sealed(event_id, key, seal(key, clear, context=_payload_of(event_id)), commitment)


async def keep(work: UnitOfWork, payloads: Sequence[Sealed]) -> None:
    """Write payloads with the caller's other writes."""
    if not payloads:
        return
    own = await tenant_key(work)
    if len(payloads) < _MANY:
        slots = [await wrapping.slot(work, own.id, own.key) for _ in payloads]
    else:
        slots = wrapping.slots(work, len(payloads), own.id, own.key)
    rows = []
    for place, (one, slot) in enumerate(zip(payloads, slots, strict=True), start=1):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        wrapped = seal(slot.key, one.key, context=_key_of(one.event_id))
        rows.append((one.event_id, slot.page, slot.number, wrapped, one.ciphertext))
    work.write_many(store.PAYLOADS, rows)


async def destroy(work: UnitOfWork, event_ids: Sequence[str]) -> None:
    """Destroy with the unit's commit what opens these events' payloads. A lost commit: somebody did the same; do it again."""
    row = await work.one(store.KEY)
    if row is not None:  # else no payload of the tenant was ever kept
        assert work.tenant is not None
        work.claim(store.HOLD_PAGES, seen=row["erasures"])
        await wrapping.destroy(work, event_ids, _opened(work, work.tenant, row["key_id"], row["wrapped"]).key)
    work.write(store.ERASE_PAYLOADS, event_ids=orjson.dumps(list(event_ids)).decode())


async def tenant_key(work: UnitOfWork) -> TenantKey:
    """Return the audit key of the bound tenant, from memory, made on first use."""
    assert work.tenant is not None
    tenant = work.tenant

    async def load() -> TenantKey:
        inside = work.beside(tenant)
        row = await inside.one(store.KEY)
        if row is None:
            key_id = f"ak_{secrets.token_hex(8)}"
            wrapped = seal(work.machines.keys.audit, secrets.token_bytes(32), context=_tenant_key(tenant, key_id))
            inside.write(store.ADD_KEY, key_id=key_id, wrapped=wrapped, now=work.now)
            await inside.commit()
            row = await inside.one(store.KEY)
        assert row is not None
        return _opened(work, tenant, row["key_id"], row["wrapped"])

    return await work.machines.memory.get("audit_key", tenant, load)


def opened(work: UnitOfWork, event: Row) -> dict[str, Any]:
    """Return the payload of an event as `store` shows it, empty where it has none. Raises VaultError where a key was erased."""
    if event["payload"] is None:
        if "commit" in orjson.loads(event["header"]):
            raise VaultError("the payload was erased")
        return {}
    return dict(orjson.loads(revealed(work, event)[1]))


def revealed(work: UnitOfWork, event: Row) -> tuple[bytes, bytes]:
    """Return the key and the clear bytes that a header commits to. Raises VaultError where a key was erased or a row changed."""
    event_id = event["event_id"]
    key = unseal(_wrapping(work, event), event["payload_key"], context=_key_of(event_id))
    return key, unseal(key, event["payload"], context=_payload_of(event_id))


def _wrapping(work: UnitOfWork, event: Row) -> bytes:
    key_id, tenant = event["key_id"], event["tenant_id"]
    if not key_id:
        return work.machines.keys.audit
    if event["wrapped"] is None:
        raise VaultError("the payload was erased with its tenant's key")
    own = _opened(work, tenant, event["own_key"], event["wrapped"])
    if key_id == own.id:
        return own.key
    if event["keys"] is None:
        raise VaultError("the payload was erased")
    return wrapping.opened(tenant, key_id, event["keys"], event["slot"], key=own.key)


def _opened(work: UnitOfWork, tenant: str, key_id: str, wrapped: bytes) -> TenantKey:
    return TenantKey(key_id, unseal(work.machines.keys.audit, wrapped, context=_tenant_key(tenant, key_id)))


def _payload_of(event_id: str) -> str:
    return f"audit_events/payload/{event_id}"


def _key_of(event_id: str) -> str:
    return f"audit_events/payload_key/{event_id}"


def _tenant_key(tenant: str, key_id: str) -> str:
    return f"audit_keys/wrapped/{tenant}/{key_id}"
