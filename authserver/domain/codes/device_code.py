"""
A device code is a promise of tokens to a device without a browser: a person types its short code, looks, and decides.

RFC 8628 §3.2, §3.5, §5.1, §5.2, §5.4. The device holds 256 random bits, kept as a hash. The person types 8 letters, which stand
here only as a keyed hash and which few guesses can be made at. The session that types them first is the only one that may decide.
The row names no person; a yes stands in the rows of the tenant that was chosen.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from authserver.domain.codes import store
from authserver.domain.rate_limits import limit
from authserver.runtime.addresses import address_prefix
from authserver.runtime.buckets import Limited
from authserver.runtime.identifiers import new_id, new_secret, secret_hash
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal

INTERVAL_S = 5
"""How long a device waits between two polls, and how much longer after each that came too soon."""

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 §6.1: consonants, so that no word comes out and no letter is taken for another or for a digit."""

LENGTH = 8

_PREFIX = "dc"
_GUESSES = 10
_WINDOW_S = 900
_PER_ADDRESS = 10
"""How many persons' guesses one address prefix may spend."""
_EVERYBODY = 2_000
"""Wrong codes of all persons in a window; above it each has one guess a minute."""
_KEPT_S = 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class DeviceCode:
    """What a device asked for, who may decide, and what was decided."""

    hash: bytes
    issuer_path: str
    client_id: str
    resource: str
    resource_is_defaulted: bool
    scope: tuple[str, ...]
    started_from: str
    started_at: int
    expires_at: int
    interval_s: int
    polled_at: int
    session_hash: bytes | None
    is_decided: bool
    decided_in: str | None
    max_age: int | None = None
    """How many seconds before it asked a login may have been by which it is allowed; None: any number."""

    @property
    def is_denied(self) -> bool:
        """Whether the person said no."""
        return self.is_decided and self.decided_in is None

    def wants_newer_login(self, auth_time: int) -> bool:
        """Whether somebody who proved who they are at `auth_time` has to do so again before they allow it."""
        return self.max_age is not None and auth_time < self.started_at - self.max_age

    def is_bound_to(self, session_hash: bytes) -> bool:
        """Whether this browser session typed the code."""
        return self.session_hash is not None and hmac.compare_digest(self.session_hash, session_hash)


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """Who allowed a device what."""

    authorization_id: str
    sub: str
    resource: str
    scope: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    is_used: bool
    client_snapshot: str
    """How the client proved itself when it was allowed, where a document describes it; see `Client.snapshot`."""
    purpose: str = ""
    """What the person said it is for; empty: they were not asked."""
    details: tuple[dict[str, Any], ...] = ()
    """A device asks for nothing in detail."""


def start(
    work: UnitOfWork,
    *,
    issuer_path: str,
    client_id: str,
    resource: str,
    is_defaulted: bool,
    scope: tuple[str, ...],
    max_age: int | None = None,
) -> tuple[str, str]:
    """Return a new device code and its user code. A lost commit means that the user code is another device's."""
    code = new_secret(_PREFIX)
    typed = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    work.claim(
        store.START_DEVICE,
        device_hash=secret_hash(code),
        user_code_ref=_reference(work, typed),
        issuer_path=issuer_path,
        client_id=client_id,
        resource=resource,
        resource_defaulted=is_defaulted,
        scope=" ".join(scope),
        address=seal(_address_key(work, typed), address_prefix(work.address).encode(), context="device_codes/address"),
        now=work.now,
        expires_at=work.now + work.machines.settings.device_code_seconds,
        interval_s=INTERVAL_S,
        max_age=max_age,
    )
    return code, shown(typed)


def shown(typed: str) -> str:
    """Return a user code as people read it."""
    return f"{typed[: LENGTH // 2]}-{typed[LENGTH // 2 :]}"


def normalised(text: str) -> str | None:
    """Return the eight letters of a user code, however it was typed; None for anything that is none (RFC 8628 §6.1)."""
    letters = "".join(char for char in text[:100].upper() if char.isalnum())
    return letters if len(letters) == LENGTH and not set(letters) - set(ALPHABET) else None


async def find(work: UnitOfWork, code: str) -> DeviceCode | None:
    """Return what is known of a device code, decided and expired ones too; never from memory."""
    if len(code) > 100:
        return None
    row = await work.one(store.DEVICE, device_hash=secret_hash(code))
    return _from_row(row, started_from="") if row else None


async def find_typed(work: UnitOfWork, typed: str) -> DeviceCode | None:
    """Return what waits for a normalised user code and can still be decided, or was decided in its time."""
    row = await work.one(store.DEVICE_OF_USER_CODE, user_code_ref=_reference(work, typed))
    if row is None or work.now >= row["expires_at"]:
        return None
    try:
        address = unseal(_address_key(work, typed), row["address"], context="device_codes/address").decode()
    except VaultError:
        return None
    return _from_row(row, started_from=address)


async def pay_for_guess(work: UnitOfWork, person_id: str) -> Limited | None:
    """Take one guess, durably, before the code is looked at. Limited when none is left (RFC 8628 §5.1).

    By person, because every guess needs a login; by address prefix, because one attacker can have several; and by everybody
    together, above which each still has one guess a minute. What is not looked at costs no shared budget: one person who goes
    on without a guess uses up nobody else's.
    """
    address, person = "device/address/" + address_prefix(work.address), "device/person/" + person_id
    limited = await limit.take(work, key=address, limit=_GUESSES * _PER_ADDRESS, window_s=_WINDOW_S)
    if limited is not None:
        return limited
    limited = await limit.take(work, key=person, limit=_GUESSES, window_s=_WINDOW_S)
    if limited is None and await limit.take(work, key="device/everybody", limit=_EVERYBODY, window_s=_WINDOW_S):
        limited = await limit.take(work, key="device/slowed/" + person_id, limit=1, window_s=60)
    if limited is not None:
        limit.return_one(work, key=address, window_s=_WINDOW_S)
    return limited


def return_guess(work: UnitOfWork, person_id: str) -> None:
    """Put back what a right code cost."""
    for key in ("device/address/" + address_prefix(work.address), "device/person/" + person_id, "device/everybody"):
        limit.return_one(work, key=key, window_s=_WINDOW_S)


def bind(work: UnitOfWork, code: DeviceCode, session_hash: bytes) -> None:
    """Claim the code for the session that typed it; a lost commit means that another did (RFC 8628 §5.4)."""
    work.claim(store.BIND_DEVICE, device_hash=code.hash, session_hash=session_hash, now=work.now)


def approve(
    work: UnitOfWork,
    code: DeviceCode,
    *,
    session_hash: bytes,
    sub: str,
    scope: tuple[str, ...],
    acr: str,
    amr: tuple[str, ...],
    auth_time: int,
    client_snapshot: str,
    purpose: str = "",
) -> None:
    """Claim the one decision of the bound session: a yes, in the bound tenant."""
    assert work.tenant is not None
    _decide(work, code, session_hash=session_hash, decided_in=work.tenant)
    work.claim(
        store.APPROVE_DEVICE,
        device_hash=code.hash,
        authorization_id=new_id("az"),
        client_id=code.client_id,
        sub=sub,
        resource=code.resource,
        scope=" ".join(scope),
        acr=acr,
        amr=" ".join(amr),
        auth_time=auth_time,
        expires_at=code.expires_at,
        client_snapshot=client_snapshot,
        purpose=purpose,
        ctl=work.applied,
    )


def deny(work: UnitOfWork, code: DeviceCode, *, session_hash: bytes) -> None:
    """Claim the one decision of the bound session: a no. The code is dead."""
    _decide(work, code, session_hash=session_hash, decided_in=None)


def _decide(work: UnitOfWork, code: DeviceCode, *, session_hash: bytes, decided_in: str | None) -> None:
    work.claim(
        store.DECIDE_DEVICE,
        device_hash=code.hash,
        session_hash=session_hash,
        decided_in=decided_in,
        now=work.now,
    )


def polled_in_time(work: UnitOfWork, code: DeviceCode) -> bool:
    """Count a poll of an undecided code; False when it came before its interval was over, which makes that longer.

    Of polls at the same moment one is in time: a lost commit means that another one was.
    """
    if work.now - code.polled_at >= code.interval_s:
        work.claim(store.POLL, device_hash=code.hash, polled_at=code.polled_at, now=work.now)
        return True
    work.write(store.POLLED_TOO_SOON, device_hash=code.hash, step=INTERVAL_S, now=work.now)
    return False


async def approval(work: UnitOfWork, code: DeviceCode) -> Approval | None:
    """Return who allowed it, in the bound tenant; never from memory."""
    row = await work.one(store.APPROVAL, device_hash=code.hash)
    if row is None:
        return None
    return Approval(
        authorization_id=row["authorization_id"],
        sub=row["sub"],
        resource=code.resource,
        scope=tuple(row["scope"].split()),
        acr=row["acr"],
        amr=tuple(row["amr"].split()),
        auth_time=row["auth_time"],
        is_used=row["used_at"] is not None or work.now >= row["expires_at"] or row["ctl"] < row["floor"],
        client_snapshot=row["client_snapshot"],
        purpose=row["purpose"],
    )


def redeem(work: UnitOfWork, code: DeviceCode) -> None:
    """Claim the tokens; a lost commit means that another poll had them, or that the permission was just taken back."""
    work.claim(store.REDEEM_DEVICE, device_hash=code.hash, now=work.now)


def expire(work: UnitOfWork) -> None:
    """Forget device codes a day after their end: until then a device is told that its code expired."""
    work.write(store.EXPIRE_DEVICES, before=work.now - _KEPT_S)
    work.write(store.EXPIRE_APPROVALS, before=work.now - _KEPT_S)


def _reference(work: UnitOfWork, typed: str) -> bytes:
    return work.machines.keys.index("device/user_code", typed)


def _address_key(work: UnitOfWork, typed: str) -> bytes:
    return work.machines.keys.index("device/address", typed)


def _from_row(row: Row, *, started_from: str) -> DeviceCode:
    return DeviceCode(
        hash=bytes(row["device_hash"]),
        issuer_path=row["issuer_path"],
        client_id=row["client_id"],
        resource=row["resource"],
        resource_is_defaulted=bool(row["resource_defaulted"]),
        scope=tuple(row["scope"].split()),
        started_from=started_from,
        started_at=row["started_at"],
        expires_at=row["expires_at"],
        interval_s=row["interval_s"],
        polled_at=row["polled_at"],
        session_hash=bytes(row["session_hash"]) if row["session_hash"] is not None else None,
        is_decided=row["decided_at"] is not None,
        decided_in=row["decided_in"],
        max_age=row["max_age"],
    )
