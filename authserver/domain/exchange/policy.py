"""
An operator says which MCP server may trade its callers' tokens, for which other one, and for how much.

RFC 8693 §5: a server that may act for everybody who calls it is a deputy, and deputies get confused. So each pair of servers
is allowed by name, scope by scope, and each scope says what a caller must hold where they called. Nothing is allowed by
itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from authserver.domain.audit import event
from authserver.domain.clients import registry
from authserver.domain.exchange import store
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import INERT, Resource
from authserver.domain.revocation import feed
from authserver.domain.users.user import Member
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.control import EVERY_TENANT, Kind


class InvalidExchangeError(ValueError):
    """An exchange cannot be like that. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """What the server of `actor` may ask for at `target` in its callers' names.

    `scopes` are those of the target, each with the scopes at the actor that a caller's token must carry; none: any caller's.
    """

    actor: str
    target: str
    scopes: Mapping[str, tuple[str, ...]]

    def permits(self, held: Iterable[str]) -> frozenset[str]:
        """Return the target's scopes that a caller with these scopes can be represented with."""
        carried = set(held)
        return frozenset(scope for scope, needed in self.scopes.items() if carried >= set(needed))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Where a server may act for one person, and with what: as much as a token for them there could hold."""

    resource: Resource
    scope: tuple[str, ...]


async def allow(work: UnitOfWork, actor: Resource, target: Resource, scopes: Mapping[str, tuple[str, ...]]) -> Exchange:
    """Let one server act at another; what was allowed between them before is replaced, and what was exchanged under it ends.

    Raises InvalidExchangeError.
    """
    if actor.uri == target.uri:
        raise InvalidExchangeError("to: another server than the one that acts")
    if not scopes:
        raise InvalidExchangeError("scope: name at least one scope of the target")
    for scope, needed in scopes.items():
        if scope not in target.grantable or scope in INERT:
            raise InvalidExchangeError(f"scope: {target.uri} has no scope {scope!r}")
        for name in needed:
            if name not in actor.grantable or name in INERT:
                raise InvalidExchangeError(
                    f"scope: {actor.uri} has no scope {name!r} that a caller could carry; "
                    f"say {scope}=OTHER, or {scope}=* for any caller"
                )
    work.write(
        store.ALLOW,
        actor=actor.uri,
        target=target.uri,
        scopes=orjson.dumps({scope: list(needed) for scope, needed in scopes.items()}).decode(),
        now=work.now,
    )
    work.changes_directory = True
    await _end_exchanged(work, actor.uri, target.uri)
    event.record(
        work,
        event.Kind.EXCHANGE_CHANGED,
        action="allowed",
        resource=actor.uri,
        target=target.uri,
        scope=sorted(scopes),
    )
    return Exchange(actor=actor.uri, target=target.uri, scopes=dict(scopes))


async def forbid(work: UnitOfWork, actor: str, target: str) -> None:
    """Take the permission back: what was exchanged under it counts no more. A lost commit: there was none."""
    work.claim(store.REMOVE, actor=actor, target=target)
    work.changes_directory = True
    await _end_exchanged(work, actor, target)
    event.record(work, event.Kind.EXCHANGE_CHANGED, action="removed", resource=actor, target=target)


async def _end_exchanged(work: UnitOfWork, actor: str, target: str) -> None:
    """Tell the target, and whoever is reached through it, to accept nothing more that the actor's server brought so far."""
    acting = await resources.by_uri(work, actor)
    if acting is not None:
        of = [await registry.servers(work, tenant) for tenant in (SHARED, *acting.tenants)]
        for client_id in sorted({server.id for servers in of for server in servers if server.speaks_for == actor}):
            feed.announce(work, Kind.CLIENT, {"client_id": client_id}, tenant=EVERY_TENANT, resource=target)


async def between(work: UnitOfWork, actor: str, target: str) -> Exchange | None:
    """Return what is allowed between two servers, from memory, or None."""

    async def load() -> Exchange | None:
        row = await work.one(store.BETWEEN, actor=actor, target=target)
        return _exchange(row) if row else None

    return await work.machines.memory.get("exchange", f"{actor}\0{target}", load)


async def of_actor(work: UnitOfWork, actor: str) -> tuple[Exchange, ...]:
    """Return everywhere that one server may act for its callers, from memory: what a person should see of it."""

    async def load() -> tuple[Exchange, ...]:
        return tuple(_exchange(row) for row in await work.all(store.OF_ACTOR, actor=actor))

    return await work.machines.memory.get("exchanges_of", actor, load)


async def upstream_of(work: UnitOfWork, target: str) -> frozenset[str]:
    """Return the servers whose callers' tokens may come to `target` by exchange, however many servers are between."""

    async def load() -> frozenset[str]:
        pairs = [(row["actor"], row["target"]) for row in await work.all(store.ALL)]
        found: set[str] = set()
        towards = {target}
        while towards:
            towards = {actor for actor, there in pairs if there in towards} - found - {target}
            found |= towards
        return frozenset(found)

    return await work.machines.memory.get("exchanges_towards", target, load)


async def reach(
    work: UnitOfWork, actor: str, carried: Iterable[str], members: Mapping[str, Member]
) -> tuple[Reach, ...]:
    """Return where one server may act for a person whose token carries these scopes: a member of each tenant, by its id."""
    held, found = frozenset(carried), []
    for exchange in await of_actor(work, actor):
        target = await resources.by_uri(work, exchange.target)
        if target is None or not target.is_active:
            continue
        may = exchange.permits(held) & target.grantable
        inside = [member for tenant, member in members.items() if tenant in target.tenants]
        permitted = {name for member in inside for name in may - target.withheld_from(member.roles)}
        if permitted:
            found.append(Reach(resource=target, scope=tuple(name for name in exchange.scopes if name in permitted)))
    return tuple(found)


async def every(work: UnitOfWork) -> list[Exchange]:
    """Return every exchange that is allowed."""
    return [_exchange(row) for row in await work.all(store.ALL)]


def _exchange(row: Row) -> Exchange:
    scopes = {scope: tuple(needed) for scope, needed in orjson.loads(row["scopes"]).items()}
    return Exchange(actor=row["actor"], target=row["target"], scopes=scopes)
