"""
A client that registers itself: how often, for how long, and that the same one finds itself again.

Decision 12. A registration that nobody uses lapses; one that was used stays long after the last authorization under it could
end. A public client that says the same as before gets the same `client_id`: without a secret the two could not be told apart
anyway, and clients that register at every connect then leave one row, not thousands. Loopback ports are free, so they do not
make another client. A ceiling over everybody slows each address prefix and never closes.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import orjson

from authserver.domain.audit import event
from authserver.domain.clients import registry, store
from authserver.domain.clients.client import (
    Client,
    InvalidClientDataError,
    Origin,
    check_redirect_uri,
    loopback_without_port,
)
from authserver.domain.clients.registry import NewClient
from authserver.runtime.addresses import address_prefix
from authserver.runtime.buckets import Limited
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.settings import LOOPBACK

_SHORTEST_S = 3600
_KEPT_S = 90 * 24 * 3600
_DAY_S = 24 * 3600
_AT_ONCE = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a client asks to be, after every rule about it."""

    name: str
    auth_method: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    application_type: str
    about: Mapping[str, str | bool] = field(default_factory=dict)
    jwks: str = ""
    jwks_uri: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The redirect URIs that may be registered, and why each other one may not."""

    kept: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def judge_redirect_uris(uris: Collection[str], *, application_type: str, private_use: Collection[str] = ()) -> Judged:
    """Judge each redirect URI alone: a client that sends three must not fail by the one we do not serve.

    Raises DangerousRedirectError when one is an attack: then nothing that its sender says is believed.
    """
    kept, refused = [], []
    for uri in dict.fromkeys(uris):
        try:
            check_redirect_uri(uri, private_use)
            if application_type == "web" and _is_reverse_domain(uri):
                raise InvalidClientDataError("redirect_uri: a scheme of its own is for application_type native")
        except InvalidClientDataError as error:
            if type(error) is not InvalidClientDataError:
                raise
            refused.append((uri, str(error).removeprefix("redirect_uri: ")))
        else:
            kept.append(uri)
    return Judged(kept=tuple(kept), refused=tuple(refused))


def is_native(uri: str) -> bool:
    """Whether an answer to `uri` goes to a program on the person's own machine (RFC 8252 §7)."""
    parts = urlsplit(uri)
    return parts.scheme not in {"http", "https"} or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def admit(work: UnitOfWork) -> Limited | None:
    """Take what asking costs, whatever comes of it. Limited: this address prefix asked too often."""
    return work.machines.registrations.asked.take(address_prefix(work.address), work.at_us)


async def register(work: UnitOfWork, wanted: Wanted) -> NewClient | Limited:
    """Make the client in the bound tenant (`*`: in none), or find it where a public one said the same before.

    A lost commit: somebody registered the same at the same moment.
    """
    assert work.tenant is not None
    fingerprint = None
    if wanted.auth_method == "none":
        fingerprint = _fingerprint(work.tenant, wanted)
        known = await _same(work, fingerprint)
        if known is not None:
            # A loopback port is free, so what this one asked for is as good as what stands in the row.
            return NewClient(client=replace(known, redirect_uris=wanted.redirect_uris), secret=None)
    life_s = _admit_new(work)
    if isinstance(life_s, Limited):
        return life_s
    return registry.add(
        work,
        name=wanted.name,
        auth_method=wanted.auth_method,
        grant_types=wanted.grant_types,
        redirect_uris=wanted.redirect_uris,
        is_verified=False,
        origin=Origin.REGISTRATION,
        application_type=wanted.application_type,
        about=wanted.about,
        jwks=wanted.jwks,
        jwks_uri=wanted.jwks_uri,
        unused_until=work.now + life_s,
        fingerprint=fingerprint,
    )


async def used(work: UnitOfWork, client: Client) -> None:
    """Note, at most once a day, that a client which registered itself got tokens. It is durable before they are."""
    if client.origin is not Origin.REGISTRATION:
        return
    today = work.now - work.now % _DAY_S

    async def note() -> bool:
        noting = work.machines.work(request_id=work.request_id, tenant=client.tenant)
        noting.write(store.USED, client_id=client.id, now=work.now, since=today)
        return await noting.commit()

    await work.machines.memory.get("client_used", f"{client.id}/{today}", note)


async def expire(work: UnitOfWork) -> None:
    """Forget registrations that nobody used, and those whose last use is long past every authorization's end."""
    last_used = work.now - work.machines.settings.interactive_absolute_seconds - _KEPT_S
    lapsed = await work.all(store.LAPSED, now=work.now, last_used=last_used, most=_AT_ONCE)
    if not lapsed:
        return
    for row in lapsed:
        # The conditions again: one may have been used since.
        work.write(
            store.REMOVE_LAPSED,
            owner=row["tenant_id"],
            client_id=row["client_id"],
            now=work.now,
            last_used=last_used,
        )
        work.write(store.LEAVE_IF_GONE, client_id=row["client_id"])
    work.changes_directory = True
    event.record(work, event.Kind.REGISTRATIONS_EXPIRED, count=len(lapsed))


async def _same(work: UnitOfWork, fingerprint: bytes) -> Client | None:
    entry = await work.one(store.SAME, fingerprint=fingerprint)
    if entry is None or entry["owner"] != work.tenant:
        return None
    row = await work.one(store.BY_ID, client_id=entry["client_id"])
    if row is None:
        return None
    # Disabled too: asking again must not undo what an operator did.
    client = registry.from_row(row)
    life_s = work.machines.settings.registration_unused_seconds
    if client.used_at is None and (client.unused_until or 0) < work.now + life_s // 2:
        work.claim(store.KEEP_UNUSED, client_id=client.id, until=work.now + life_s)
    return client


def _admit_new(work: UnitOfWork) -> int | Limited:
    """Take what a new row costs and return how long it may stay unused."""
    budgets, prefix = work.machines.registrations, address_prefix(work.address)
    if limited := budgets.new.take(prefix, work.at_us):
        return limited
    if budgets.everywhere.take("", work.at_us) is None:
        return work.machines.settings.registration_unused_seconds
    return budgets.slowed.take(prefix, work.at_us) or _SHORTEST_S


def _fingerprint(tenant: str, wanted: Wanted) -> bytes:
    said = [
        tenant,
        wanted.name,
        sorted(wanted.grant_types),
        sorted({_without_free_port(uri) for uri in wanted.redirect_uris}),
        wanted.application_type,
        dict(wanted.about),
    ]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


def _without_free_port(uri: str) -> str:
    loopback = loopback_without_port(uri)
    return f"http://{loopback[0]}{loopback[1]}" if loopback is not None else uri


def _is_reverse_domain(uri: str) -> bool:
    return "." in urlsplit(uri).scheme
