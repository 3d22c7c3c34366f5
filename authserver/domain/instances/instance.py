"""
A running MCP server that follows the numbered list, and how far it says it has come.

An instance is one start of one process, by a random id of its own. It is live for a minute after it was last seen. That it was
seen is written every ten seconds at most; that it has applied a number, at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import orjson
import structlog

from authserver.domain.instances import store
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.limits_met import LimitMet, parse_met

log = structlog.get_logger("authserver.instances")

LIVE_S: Final = 60
"""How long after it was last seen an instance is still waited for."""
KEPT_S: Final = 24 * 3600
"""How long it is remembered."""
MOST: Final = 1000
"""How many of one client are remembered; the ones not seen for longest make room, if they are silent."""
LIMITED: Final = "limited"
"""Among what it says of itself: how often its callers met a limit."""
UNDECLARED_MS: Final = 60_000
"""What is taken for granted of an instance that has not said how long it trusts what it knows: the worst."""
_SEEN_EVERY_US: Final = 10_000_000
_SURE_US: Final = 1_000_000


class TooManyInstancesError(Exception):
    """So many of one client are live that another one has no room."""


class State(StrEnum):
    """How far one running MCP server has come."""

    APPLIED = "applied"
    """It has said that it applied the number."""
    WAITING = "waiting"
    """It has not, and may go on with what it knew."""
    LAPSED = "lapsed"
    """It has not, and what it knew is older than it trusts: it has stopped writes by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One running MCP server, as it was last seen."""

    id: str
    client_id: str
    resource: str
    applied: int
    """The newest number that it has said it applied."""
    applied_at_us: int
    first_seen_us: int
    seen_at_us: int
    max_staleness_ms: int
    """How long after it last heard it refuses writes by itself."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What it says of itself."""
    limited: tuple[LimitMet, ...] = ()
    """How often its callers met a limit since it began."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """What one request of an instance says. None: nothing of that."""

    client_id: str
    instance: str
    resource: str
    applied: int
    at_us: int
    max_staleness_ms: int | None = None
    about: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardBy:
    """One instance and a number. `after_ms`: from the number's commit until it said so; None: it has not."""

    instance: Instance
    state: State
    after_ms: int | None


async def of(work: UnitOfWork, resources: Collection[str]) -> list[Instance]:
    """Return the live instances of these MCP servers, by server and start; never from memory."""
    return await _seen_since(work, resources, work.at_us - LIVE_S * 1_000_000)


async def heard(work: UnitOfWork, resources: Collection[str], number: int, since_us: int) -> list[HeardBy]:
    """Return how far each instance of these MCP servers has come that was live when `number` was committed, at `since_us`.

    None that has not applied the number can have heard anything fresh after it was committed: whatever is told from then on
    holds it. So what it knew has ended once its own bound has passed since then, and a second more for the clocks.
    """
    return [
        _heard(work, one, number, since_us) for one in await _seen_since(work, resources, since_us - LIVE_S * 1_000_000)
    ]


def _heard(work: UnitOfWork, one: Instance, number: int, since_us: int) -> HeardBy:
    if one.applied >= number:
        return HeardBy(instance=one, state=State.APPLIED, after_ms=max(0, one.applied_at_us - since_us) // 1000)
    has_ended = work.at_us - since_us > one.max_staleness_ms * 1000 + _SURE_US
    return HeardBy(instance=one, state=State.LAPSED if has_ended else State.WAITING, after_ms=None)


async def _seen_since(work: UnitOfWork, resources: Collection[str], since_us: int) -> list[Instance]:
    rows = await work.all(store.LIVE, since_us=since_us)
    wanted = frozenset(resources)
    return [_instance(row) for row in rows if row["resource"] in wanted]


def has_lapsed(work: UnitOfWork, one: Instance) -> bool:
    """Whether an instance has surely heard nothing for longer than it trusts what it knows.

    That it was seen is written every ten seconds at most, so one that follows may look ten seconds older than it is: younger than
    that and its own bound, nothing says that it has lapsed.
    """
    return work.at_us - one.seen_at_us > one.max_staleness_ms * 1000 + _SEEN_EVERY_US


def noticed(machines: Machines, seen: Sighting) -> None:
    """Note that an instance asked, beside whoever answers it: a busy database must not make it wait for what it asked."""
    if (note := _news(machines, seen)) is not None:
        machines.instances.write_beside(_key(seen), note, lambda: _write(machines, seen))


async def said(machines: Machines, seen: Sighting) -> None:
    """Note what an instance said of itself, durably. Raises TooManyInstancesError, DatabaseUnavailableError."""
    if (note := _news(machines, seen)) is not None:
        _log_limits(machines.instances.last(_key(seen)), seen)
        await machines.instances.write(_key(seen), note, lambda: _write(machines, seen))


def expire(work: UnitOfWork) -> None:
    """Forget who was not seen for a day."""
    work.write(store.EXPIRE, before_us=work.at_us - KEPT_S * 1_000_000)


def _key(seen: Sighting) -> tuple[str, str]:
    return seen.client_id, seen.instance


def _news(machines: Machines, seen: Sighting) -> Sighting | None:
    """Return what is known once this is written; None: it says nothing new."""
    last: Sighting | None = machines.instances.last(_key(seen))
    if last is None:
        return seen
    after = replace(
        seen,
        applied=max(last.applied, seen.applied),
        max_staleness_ms=last.max_staleness_ms if seen.max_staleness_ms is None else seen.max_staleness_ms,
        about=last.about if seen.about is None else seen.about,
    )
    if after == replace(last, at_us=seen.at_us) and seen.at_us - last.at_us < _SEEN_EVERY_US:
        return None
    return after


async def _write(machines: Machines, seen: Sighting) -> None:
    work = machines.work()
    if machines.instances.last(_key(seen)) is None:
        others = await work.one(store.OTHERS, client_id=seen.client_id, instance=seen.instance)
        if others is not None and others["count"] >= MOST:
            if others["oldest_us"] > work.at_us - LIVE_S * 1_000_000:
                raise TooManyInstancesError
            work.write(store.MAKE_ROOM, client_id=seen.client_id, oldest_us=others["oldest_us"])
    work.write(
        store.SEEN,
        client_id=seen.client_id,
        instance=seen.instance,
        resource=seen.resource,
        applied=seen.applied,
        at_us=seen.at_us,
        staleness=UNDECLARED_MS if seen.max_staleness_ms is None else seen.max_staleness_ms,
        declares=seen.max_staleness_ms is not None,
        about=seen.about or "{}",
        describes=seen.about is not None,
    )
    await work.commit()


async def last_seen_us(work: UnitOfWork) -> dict[tuple[str, str], int]:
    """Return when each credential last asked for the list, by client_id and resource, as far back as instances are kept."""
    return {(row["client_id"], row["resource"]): row["seen_at_us"] for row in await work.all(store.LAST_SEEN)}


def _log_limits(last: Sighting | None, seen: Sighting) -> None:
    """Say in the log which limits were met since the last word: a signal for whoever watches (C43)."""
    if seen.about is None:
        return
    known = {} if last is None or last.about is None else {_which(one): one.times for one in _limited(last.about)}
    for one in _limited(seen.about):
        if (times := one.times - known.get(_which(one), 0)) > 0:
            log.warning(
                "server_limited",
                resource=seen.resource,
                client_id=seen.client_id,
                instance=seen.instance,
                tenant=one.tenant,
                tool=one.tool,
                limit=one.limit,
                times=times,
                in_minute=one.in_minute,
            )


def _which(one: LimitMet) -> tuple[str, str, str]:
    return one.tenant, one.tool, one.limit


def _limited(about: str) -> tuple[LimitMet, ...]:
    said = orjson.loads(about).get(LIMITED)
    return parse_met(said) if isinstance(said, list) else ()


def _instance(row: Row) -> Instance:
    return Instance(
        id=row["instance"],
        client_id=row["client_id"],
        resource=row["resource"],
        applied=row["applied"],
        applied_at_us=row["applied_at_us"],
        first_seen_us=row["first_seen_us"],
        seen_at_us=row["seen_at_us"],
        max_staleness_ms=row["max_staleness_ms"],
        about={name: said for name, said in orjson.loads(row["about"]).items() if name != LIMITED},
        limited=_limited(row["about"]),
    )
