"""Finds a client by id, from memory; adds, changes and removes one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from authserver.domain.audit import event
from authserver.domain.clients import command_line, key_set, store
from authserver.domain.clients.client import Client, InvalidClientDataError, Origin, check, check_keys, check_name
from authserver.domain.revocation import ends
from authserver.runtime.identifiers import new_id, new_secret, secret_hash
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork


@dataclass(frozen=True, kw_only=True, slots=True)
class NewClient:
    """A client that was just made; `secret` is shown once and kept as a hash."""

    client: Client
    secret: str | None


async def find(work: UnitOfWork, client_id: str) -> Client | None:
    """Return the client, or None. Does not bind the unit of work."""
    if not client_id or len(client_id) > 500 or "\0" in client_id:
        return None
    machines = work.machines
    if client_id == command_line.CLIENT_ID:
        return command_line.client(machines.settings)

    async def load() -> Client | None:
        entry = await work.one(store.OWNER, client_id=client_id)
        if entry is None:
            return None
        row = await work.beside(entry["owner"]).one(store.BY_ID, client_id=client_id)
        return from_row(row) if row else None

    return await machines.memory.get("client", client_id, load)


async def of_tenant(work: UnitOfWork) -> list[Client]:
    """Return every client of the bound tenant, oldest first."""
    return [from_row(row) for row in await work.all(store.ALL)]


async def speakers(work: UnitOfWork, uri: str) -> list[Client]:
    """Return the credentials of the bound tenant with which one MCP server speaks to us, oldest first."""
    return [from_row(row) for row in await work.all(store.SPEAKERS, uri=uri)]


async def of_id(work: UnitOfWork, client_id: str) -> Client | None:
    """Return a client of the bound tenant, or None; never from memory, and nothing is looked at outside the tenant."""
    row = await work.one(store.BY_ID, client_id=client_id)
    return from_row(row) if row else None


async def some(work: UnitOfWork, *, after: tuple[int, str], most: int, origin: str = "") -> list[Client]:
    """Return clients of the bound tenant, oldest first, `most` at most, from behind (created_at, client_id)."""
    at, last = after
    return [from_row(row) for row in await work.all(store.SOME, at=at, last=last, most=most, origin=origin)]


async def newest(work: UnitOfWork, *, most: int) -> list[Client]:
    """Return the clients that the bound tenant got last, newest first."""
    return [from_row(row) for row in await work.all(store.NEWEST, most=most)]


async def servers(work: UnitOfWork, tenant: str | None) -> list[Client]:
    """Return the credentials of MCP servers: a tenant's own and the shared ones; None: those of every tenant."""
    if tenant is None:
        work = event.platform_work(work.machines, "look for the credentials of servers")
        return [from_row(row) for row in await work.all(store.SERVERS_ANYWHERE)]
    return [from_row(row) for owner in (tenant, SHARED) for row in await work.beside(owner).all(store.SERVERS)]


def add(
    work: UnitOfWork,
    *,
    name: str,
    auth_method: str,
    grant_types: tuple[str, ...],
    redirect_uris: tuple[str, ...] = (),
    scope: tuple[str, ...] = (),
    resources: tuple[str, ...] = (),
    default_resource: str = "",
    speaks_for: str = "",
    is_verified: bool = True,
    refresh_replay_seconds: int | None = None,
    client_id: str | None = None,
    origin: Origin = Origin.OPERATOR,
    application_type: str = "",
    about: Mapping[str, str | bool] | None = None,
    jwks: str = "",
    jwks_uri: str = "",
    assertion_alg: str = "",
    unused_until: int | None = None,
    fingerprint: bytes | None = None,
    is_pushed_only: bool = False,
) -> NewClient:
    """Register a client in the bound tenant (`*`: in none). Raises InvalidClientDataError; a lost commit: the id exists."""
    assert work.tenant is not None
    check_name(name)
    if not speaks_for:
        check(
            auth_method=auth_method,
            grant_types=grant_types,
            redirect_uris=redirect_uris,
            private_use=work.machines.settings.private_use,
        )
    if work.tenant == SHARED and "client_credentials" in grant_types:
        # Its token is one tenant's: a shared machine would be registered and never get any.
        raise InvalidClientDataError("tenant: a machine acts inside one tenant; say which")
    check_keys(auth_method=auth_method, jwks=jwks, jwks_uri=jwks_uri, assertion_alg=assertion_alg)
    secret = new_secret("cs") if auth_method.startswith("client_secret_") else None
    client = Client(
        id=client_id or new_id("cli"),
        tenant=work.tenant,
        name=name,
        auth_method=auth_method,
        secret_hash=secret_hash(secret) if secret else None,
        redirect_uris=redirect_uris,
        grant_types=grant_types,
        scope=scope,
        resources=resources,
        default_resource=default_resource,
        speaks_for=speaks_for,
        is_verified=is_verified,
        refresh_replay_seconds=refresh_replay_seconds,
        epoch=1,
        is_active=True,
        origin=origin,
        application_type=application_type,
        about=about or {},
        jwks=jwks,
        jwks_uri=jwks_uri,
        assertion_alg=assertion_alg,
        secret_rotated_at=work.now if secret else None,
        unused_until=unused_until,
        is_pushed_only=is_pushed_only,
        created_at=work.now,
    )
    client = replace(client, secret_expires_at=_end(work, client))
    work.claim(store.ENTER, client_id=client.id, owner=work.tenant, fingerprint=fingerprint)
    work.write(
        store.ADD,
        client_id=client.id,
        auth_method=auth_method,
        secret_hash=client.secret_hash,
        speaks_for=speaks_for,
        verified=is_verified,
        now=work.now,
        origin=client.origin.value,
        secret_rotated_at=client.secret_rotated_at,
        secret_expires_at=client.secret_expires_at,
        unused_until=unused_until,
        **_changeable(client),
    )
    if origin is Origin.REGISTRATION:
        # Nobody remembers that a new id is unknown, so a stranger need not make every process forget what it knows.
        event.record(work, event.Kind.CLIENT_REGISTERED, client_id=client.id)
    elif origin is Origin.DOCUMENT:
        event.record(work, event.Kind.CLIENT_DOCUMENT_READ, client_id=client.id, changed=["new"])
    else:
        work.changes_directory = True
        event.record(work, event.Kind.CLIENT_CHANGED, action="added", client_id=client.id)
    return NewClient(client=client, secret=secret)


def change(work: UnitOfWork, client: Client, **fields: Any) -> Client:
    """Change the given fields of Client. Raises InvalidClientDataError."""
    changed = replace(client, **fields)
    check_name(changed.name)
    if not changed.speaks_for:
        check(
            auth_method=changed.auth_method,
            grant_types=changed.grant_types,
            redirect_uris=changed.redirect_uris,
            private_use=work.machines.settings.private_use,
        )
    check_keys(
        auth_method=changed.auth_method,
        jwks=changed.jwks,
        jwks_uri=changed.jwks_uri,
        assertion_alg=changed.assertion_alg,
    )
    work.bind(client.tenant)
    work.claim(
        store.SET, client_id=client.id, status="active" if changed.is_active else "disabled", **_changeable(changed)
    )
    work.changes_directory = True
    if fields.get("is_active") is False:
        end(work, client, reason="client_disabled")
    event.record(work, event.Kind.CLIENT_CHANGED, action="changed", client_id=client.id, active=changed.is_active)
    return changed


def follow_document(work: UnitOfWork, client: Client, **fields: Any) -> Client:
    """Change a client as its metadata document did. Raises InvalidClientDataError; a lost commit: it is gone."""
    changed = replace(client, **fields)
    check_name(changed.name)
    check(
        auth_method=changed.auth_method,
        grant_types=changed.grant_types,
        redirect_uris=changed.redirect_uris,
        private_use=work.machines.settings.private_use,
    )
    check_keys(
        auth_method=changed.auth_method,
        jwks=changed.jwks,
        jwks_uri=changed.jwks_uri,
        assertion_alg=changed.assertion_alg,
    )
    row = _changeable(changed)
    work.claim(
        store.FOLLOW_DOCUMENT,
        client_id=client.id,
        auth_method=changed.auth_method,
        **{name: row[name] for name in store.FOLLOW_DOCUMENT.parameters if name in row},
    )
    work.changes_directory = True
    return changed


def rotate_secret(work: UnitOfWork, client: Client, *, overlap_s: int = 0) -> str:
    """Give a client a new secret, shown once, and a new time to live; its standing authorizations begin anew.

    The old one is good for `overlap_s` seconds more and never longer than it would have been; one that was being replaced
    already is dead at once. A lost commit: the client is gone, or somebody else rotated it meanwhile.
    """
    secret = new_secret("cs")
    until = work.now + overlap_s
    if client.secret_expires_at is not None:
        until = min(until, client.secret_expires_at)
    overlaps = until > work.now
    work.bind(client.tenant)
    work.claim(
        store.ROTATE_SECRET,
        client_id=client.id,
        epoch=client.epoch,
        secret_hash=secret_hash(secret),
        previous_secret_hash=client.secret_hash if overlaps else None,
        previous_secret_until=until if overlaps else None,
        secret_expires_at=_end(work, client),
        now=work.now,
    )
    work.changes_directory = True
    event.record(
        work,
        event.Kind.CLIENT_CHANGED,
        action="secret_rotated",
        client_id=client.id,
        old_until=until if overlaps else work.now,
    )
    return secret


def rotate_keys(work: UnitOfWork, client: Client, jwks: str, *, overlap_s: int = 0) -> Client:
    """Give a client new keys and a new time to live; the old ones are good for `overlap_s` seconds more.

    Its standing authorizations begin anew. Raises InvalidClientDataError; a lost commit is that of `rotate_secret`.
    """
    if not client.jwks:
        raise InvalidClientDataError("jwks: this client publishes its keys at its jwks_uri; change them there")
    until = work.now + overlap_s
    if client.secret_expires_at is not None:
        until = min(until, client.secret_expires_at)
    keys = key_set.replaced(key_set.stored(client.jwks), key_set.given(jwks), until=until, now=work.now)
    changed = replace(
        client,
        jwks=keys.text(),
        secret_rotated_at=work.now,
        secret_expires_at=_end(work, client),
        epoch=client.epoch + 1,
    )
    work.bind(client.tenant)
    work.claim(
        store.ROTATE_KEYS,
        client_id=client.id,
        epoch=client.epoch,
        jwks=changed.jwks,
        secret_expires_at=changed.secret_expires_at,
        now=work.now,
    )
    work.changes_directory = True
    event.record(work, event.Kind.CLIENT_CHANGED, action="keys_rotated", client_id=client.id, old_until=until)
    return changed


def renew(work: UnitOfWork, client: Client) -> Client:
    """Give a machine a new time to live with the credential it has; its standing authorizations begin anew.

    A lost commit is that of `rotate_secret`.
    """
    changed = replace(client, secret_expires_at=_end(work, client), epoch=client.epoch + 1)
    work.bind(client.tenant)
    work.claim(store.RENEW, client_id=client.id, epoch=client.epoch, secret_expires_at=changed.secret_expires_at)
    work.changes_directory = True
    event.record(work, event.Kind.CLIENT_CHANGED, action="renewed", client_id=client.id)
    return changed


def _end(work: UnitOfWork, client: Client) -> int | None:
    # Whoever signs in people ends with their logins; a machine has nobody who would notice that it is still there.
    return work.now + work.machines.settings.system_absolute_seconds if client.is_machine else None


def remove(work: UnitOfWork, client: Client) -> None:
    """Forget a client: it is unknown at every endpoint from now on."""
    work.bind(client.tenant)
    work.claim(store.REMOVE, client_id=client.id)
    work.write(store.LEAVE, client_id=client.id)
    work.write(store.REMOVE_DOCUMENT, client_id=client.id)
    work.changes_directory = True
    end(work, client, reason="client_removed")
    event.record(work, event.Kind.CLIENT_CHANGED, action="removed", client_id=client.id)


def end(work: UnitOfWork, client: Client, *, reason: str) -> None:
    """End everything that a client holds, in every tenant it is used in; in the bound tenant alone where that is not `*`."""
    everywhere = client.is_shared and work.tenant in {None, SHARED}
    cause = ends.Cause.CLIENT_EVERYWHERE if everywhere else ends.Cause.CLIENT
    # Machines' standing authorizations are remembered.
    work.changes_directory = True
    ends.end(work, cause, reason=reason, client_id=client.id)


def _changeable(client: Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "redirect_uris": orjson.dumps(client.redirect_uris).decode(),
        "grant_types": orjson.dumps(client.grant_types).decode(),
        "scope": " ".join(client.scope),
        "resources": orjson.dumps(client.resources).decode(),
        "default_resource": client.default_resource,
        "refresh_replay_seconds": client.refresh_replay_seconds,
        "application_type": client.application_type,
        "about": orjson.dumps(dict(client.about)).decode(),
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        "assertion_alg": client.assertion_alg,
        "pushed_only": client.is_pushed_only,
    }


def from_row(row: Row) -> Client:
    """Return the client in a row of `store.BY_ID`."""
    return Client(
        id=row["client_id"],
        tenant=row["tenant_id"],
        name=row["name"],
        auth_method=row["auth_method"],
        secret_hash=row["secret_hash"],
        redirect_uris=tuple(orjson.loads(row["redirect_uris"])),
        grant_types=tuple(orjson.loads(row["grant_types"])),
        scope=tuple(row["scope"].split()),
        resources=tuple(orjson.loads(row["resources"])),
        default_resource=row["default_resource"],
        speaks_for=row["speaks_for"],
        is_verified=bool(row["verified"]),
        refresh_replay_seconds=row["refresh_replay_seconds"],
        epoch=row["epoch"],
        is_active=row["status"] == "active",
        origin=Origin(row["origin"]),
        application_type=row["application_type"],
        about=orjson.loads(row["about"]),
        jwks=row["jwks"],
        jwks_uri=row["jwks_uri"],
        assertion_alg=row["assertion_alg"],
        previous_secret_hash=row["previous_secret_hash"],
        previous_secret_until=row["previous_secret_until"],
        secret_rotated_at=row["secret_rotated_at"],
        secret_expires_at=row["secret_expires_at"],
        unused_until=row["unused_until"],
        used_at=row["used_at"],
        is_pushed_only=bool(row["pushed_only"]),
        created_at=row["created_at"],
    )
