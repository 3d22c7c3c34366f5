"""
Every MCP server as its operators see it: is it there and guarded, does its credential count, how far has it followed, what has changed.

C52, C56. A tenant sees the servers that are linked to it, and of these the credentials and processes that speak for it: its own, and
shared ones that it lets in. Nothing here counts what belongs to others: how far a process lags is told by the events that concern
the tenant, as a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from authserver.domain.clients import registry
from authserver.domain.clients.client import Client
from authserver.domain.clients.ending import announced_before_s
from authserver.domain.health import check, report, store
from authserver.domain.health.check import Checked
from authserver.domain.health.report import Reported
from authserver.domain.instances import instance as instances
from authserver.domain.instances.instance import Instance
from authserver.domain.inventory import review
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.revocation import feed, kill_switch
from authserver.domain.revocation.kill_switch import Kill, Target
from authserver.domain.tokens import presented
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import EVERY_TENANT, Kind
from resource_lib.wire.limits_met import LimitMet

State = Literal["active", "paused", "stopped", "disabled"]
CredentialState = Literal["valid", "silent", "ending", "ended", "stopped", "disabled"]

_SILENT_S = 60


class NotSeenError(Exception):
    """There is no such server, credential or list, for whoever asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """With what a server speaks to us. Times are seconds since the epoch."""

    client_id: str
    name: str
    tenant: str
    """`*` for one that is shared."""
    state: CredentialState
    """`silent`: it has not asked for the list for a minute; nothing says that it still has its secret."""
    last_seen_at: int | None
    """When it last proved itself, as far back as is remembered."""
    ends_at: int | None
    rotated_at: int | None
    old_secret_until: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """One process that follows the list. Ages are milliseconds."""

    client_id: str
    instance: str
    started_at_us: int
    feed_age_ms: int
    """How long ago it was last heard of: up to ten seconds more than it is, since that is written this often."""
    behind_ms: int
    """How long the oldest event that concerns the viewer has not been applied; 0: all of them are."""
    max_staleness_ms: int
    has_lapsed: bool
    """Whether it surely refuses writes by itself by now."""
    limited: tuple[LimitMet, ...]
    """How often callers of the viewer's tenant met a limit there since it began."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One registered MCP server."""

    uri: str
    name: str
    state: State
    retry_after_s: int
    """What its callers are told while it is paused or stopped; else 0."""
    stopped_tools: tuple[str, ...]
    check: Checked | None
    credentials: tuple[Credential, ...]
    instances: tuple[Running, ...]
    reports: tuple[Reported, ...]
    missing_here: tuple[str, ...]
    """Tools that it has and that are not registered: nobody can be granted them."""
    unknown_there: tuple[str, ...]
    """Tools that are registered and that it does not have."""
    other_class: tuple[str, ...]
    """Tools that it takes for something else than they were registered as."""
    waiting_tools: tuple[str, ...]
    """Tools that are new, or have changed, and that nobody has looked at."""

    @property
    def limited(self) -> tuple[LimitMet, ...]:
        """How often which limit was met, in all running copies together, the latest first."""
        found: dict[tuple[str, str, str], LimitMet] = {}
        for one in (each for running in self.instances for each in running.limited):
            key = one.tenant, one.tool, one.limit
            found[key] = _added(found[key], one) if key in found else one
        return tuple(sorted(found.values(), key=lambda one: (-one.at, one.tenant, one.tool, one.limit)))

    @property
    def tools_have_changed(self) -> bool:
        """Whether it says something of its tools that nobody has accepted."""
        return any(reported.has_changed for reported in self.reports)


async def overview(work: UnitOfWork, tenant: str | None) -> list[Server]:
    """Return every MCP server that an operator of `tenant` may see, by name; None: the platform's operators see all."""
    found = [
        resource for resource in await resources.all_resources(work) if tenant is None or tenant in resource.tenants
    ]
    return await _seen(work, sorted(found, key=lambda resource: (resource.name, resource.uri)), tenant)


async def find(work: UnitOfWork, uri: str, tenant: str | None) -> Server | None:
    """Return one of them, or None."""
    return next(iter(await some(work, [uri], tenant)), None)


async def some(work: UnitOfWork, uris: Iterable[str], tenant: str | None) -> list[Server]:
    """Return those of them that there are, in this order; what they have in common is read once."""
    linked = [await _linked(work, uri, tenant) for uri in uris]
    return await _seen(work, [resource for resource in linked if resource is not None], tenant)


async def look(work: UnitOfWork, uri: str, tenant: str | None) -> Checked | None:
    """Look at a server now, for somebody who may see it; see `check.check`. None: there is none for them."""
    if await _linked(work, uri, tenant) is None:
        return None
    return await check.check(work, uri)


async def accept_tools(work: UnitOfWork, uri: str, client_id: str, *, tools_hash: str, tenant: str | None) -> None:
    """Take what a server says of its tools, by its hash, as it should be; it counts for the operators of `tenant` alone.

    Raises NotSeenError for a list that is not there, or is another by now: then look at it again.
    """
    resource = await _linked(work, uri, tenant)
    speakers = [client for client in await _speakers(work, tenant) if client.speaks_for == uri]
    if resource is None or client_id not in {client.id for client in speakers}:
        raise NotSeenError
    if tenant is not None:
        work.bind(tenant)
    if not await report.accept(work, uri, client_id, tools_hash=tools_hash):
        raise NotSeenError


def expire(work: UnitOfWork) -> None:
    """Forget what was known of servers that are not registered any more."""
    for forgetting in store.FORGET:
        work.write(forgetting)


async def _linked(work: UnitOfWork, uri: str, tenant: str | None) -> Resource | None:
    resource = await resources.by_uri(work, uri)
    return resource if resource is not None and (tenant is None or tenant in resource.tenants) else None


async def _speakers(work: UnitOfWork, tenant: str | None) -> list[Client]:
    """Return the credentials that speak for this tenant: its own, and the shared ones that it lets in."""
    found = await registry.servers(work, tenant)
    if tenant is None:
        return found
    return [client for client in found if await presented.is_heard(work, client, tenant)]


async def _seen(work: UnitOfWork, found: list[Resource], tenant: str | None) -> list[Server]:
    speakers = await _speakers(work, tenant)
    running = await instances.of(work, [resource.uri for resource in found])
    last_seen = await instances.last_seen_us(work)
    stops = await kill_switch.every(work, only_stopped=True)
    beside = work if tenant is None else work.beside(tenant)
    seen = []
    for resource in found:
        speaking = [client for client in speakers if client.speaks_for == resource.uri]
        ids = {client.id for client in speaking}
        reports = [one for id_ in ids if (one := await report.reported(beside, resource.uri, id_)) is not None]
        stop = _stop(stops, resource.uri, tenant)
        seen.append(
            Server(
                uri=resource.uri,
                name=resource.name,
                state=_state(resource, stop),
                retry_after_s=stop.retry_after_s if stop is not None else 0,
                stopped_tools=_stopped_tools(stops, resource.uri, tenant),
                check=await check.last(work, resource.uri),
                credentials=tuple(
                    _credential(work, client, stops, last_seen.get((client.id, resource.uri))) for client in speaking
                ),
                instances=tuple(
                    [
                        await _running(work, one, tenant)
                        for one in running
                        if one.resource == resource.uri and one.client_id in ids
                    ]
                ),
                reports=tuple(sorted(reports, key=lambda reported: reported.client_id)),
                waiting_tools=await review.waiting(work, resource.uri, tenant) if reports else (),
                **_compared(resource, reports),
            )
        )
    return seen


def _stop(stops: Iterable[Kill], uri: str, tenant: str | None) -> Kill | None:
    """Return the gravest stop of a whole server that its viewer is under."""
    places = (EVERY_TENANT, tenant)
    targets = {Target(kind=Kind.EVERYTHING).key, *(f"tenant/{tenant}" for _ in (1,) if tenant)}
    targets |= {Target(kind=Kind.RESOURCE, tenant=place, resource=uri).key for place in places if place}
    under = [stop for stop in stops if stop.target.key in targets]
    return min(under, key=lambda stop: stop.stopped != "kill", default=None)


def _stopped_tools(stops: Iterable[Kill], uri: str, tenant: str | None) -> tuple[str, ...]:
    kinds = {Kind.TOOL, Kind.TOOL_VERSION}
    places = (EVERY_TENANT, tenant)
    return tuple(
        sorted(
            {
                stop.target.tool
                for stop in stops
                if stop.target.kind in kinds and stop.target.resource == uri and stop.target.tenant in places
            }
        )
    )


def _state(resource: Resource, stop: Kill | None) -> State:
    if not resource.is_active:
        return "disabled"
    if stop is None:
        return "active"
    return "paused" if stop.stopped == "pause" else "stopped"


def _credential(work: UnitOfWork, client: Client, stops: Iterable[Kill], seen_at_us: int | None) -> Credential:
    settings = work.machines.settings
    state: CredentialState = "valid"
    if not client.is_active:
        state = "disabled"
    elif any(stop.target.kind is Kind.CLIENT and stop.target.client_id == client.id for stop in stops):
        state = "stopped"
    elif client.has_ended(work.now):
        state = "ended"
    elif client.secret_expires_at is not None and client.secret_expires_at <= work.now + announced_before_s(settings):
        state = "ending"
    elif seen_at_us is None or work.at_us - seen_at_us > _SILENT_S * 1_000_000:
        state = "silent"
    return Credential(
        client_id=client.id,
        name=client.name,
        tenant=client.tenant,
        state=state,
        last_seen_at=seen_at_us // 1_000_000 if seen_at_us is not None else None,
        ends_at=client.secret_expires_at,
        rotated_at=client.secret_rotated_at,
        old_secret_until=client.previous_secret_until,
    )


async def _running(work: UnitOfWork, one: Instance, tenant: str | None) -> Running:
    age_ms = max(0, work.at_us - one.seen_at_us) // 1000
    oldest = await feed.oldest_since(work, one.applied, resource=one.resource, tenant=tenant or EVERY_TENANT)
    return Running(
        client_id=one.client_id,
        instance=one.id,
        started_at_us=one.first_seen_us,
        feed_age_ms=age_ms,
        behind_ms=0 if oldest is None else max(1, (work.at_us - oldest) // 1000),
        max_staleness_ms=one.max_staleness_ms,
        has_lapsed=instances.has_lapsed(work, one),
        limited=tuple(each for each in one.limited if tenant is None or each.tenant == tenant),
    )


def _added(one: LimitMet, other: LimitMet) -> LimitMet:
    """Return both together; of the last minute what belongs to the same one."""
    minutes = one.at // 60, other.at // 60
    newest = max(minutes)
    in_minute = sum(each.in_minute for each, minute in zip((one, other), minutes, strict=True) if minute == newest)
    return replace(one, times=one.times + other.times, in_minute=in_minute, at=max(one.at, other.at))


def _compared(resource: Resource, reports: Iterable[Reported]) -> dict[str, tuple[str, ...]]:
    """Return how what servers say differs from what is registered; nothing where none has said anything."""
    registered = {tool.name: tool.sensitivity for tool in resource.tools}
    there = [{tool.name: tool.tool_class for tool in reported.tools} for reported in reports]
    known = {name for tools in there for name in tools}
    differing = {name for tools in there for name, word in tools.items() if registered.get(name, word) != word}
    return {
        "missing_here": tuple(sorted(known - set(registered))),
        "unknown_there": tuple(sorted(set(registered) - known)) if there else (),
        "other_class": tuple(sorted(differing)),
    }
