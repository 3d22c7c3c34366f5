"""
The counts, kept up to date from the record: each sealed event adds once, in three grains, by whichever process reads it.

Five minutes for two days, hours for fifteen days, days for thirteen months. What a batch adds is worked out from the rows as they were
read, and counts because the step in the record is a claim (`audit.following`). How many rows one MCP server can fill in one grain is
bounded: what is one too many is counted without its client, and then without its tool.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import orjson

from authserver.domain.analytics import people, store
from authserver.domain.analytics.numbers import COUNTS, OTHER, Numbers, client_of, count, counts, tool_of
from authserver.domain.audit import following
from authserver.domain.audit.following import Batch, Sealed
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import Row, UnitOfWork

READER: Final = "analytics"
MINUTES: Final = 300
HOUR: Final = 3600
DAY: Final = 86_400

KEPT_S: Final = {MINUTES: 2 * DAY, HOUR: 15 * DAY, DAY: 400 * DAY}
"""For how long the rows of each grain are kept, in seconds."""
MOST_ROWS: Final = {MINUTES: 300, HOUR: 600, DAY: 2000}
"""Of one MCP server in one grain and time: tools and clients beyond them are counted together."""
_MOST_TOOLS_ALONE: Final = 2
"""Twice as many at most, where only the clients are too many: each tool has one row for the others."""
_AHEAD_S: Final = 3600
"""What claims to be later than this is nobody's clock."""

_AT_A_TIME: Final = 128
"""How many events are counted before others have their turn."""

Place = tuple[int, str, str, str]
"""Five minutes, a server, a tool and a client."""

Name = tuple[str, str]
"""A tool and a client."""


async def round_of(machines: Machines) -> int:
    """Count what is new in every tenant's log; returns over how many rows of the record it went."""
    return await following.follow_round(machines, READER, take)


async def take(work: UnitOfWork, batch: Batch) -> None:
    """Add a batch to the rows of the bound tenant, with the unit's commit."""
    fresh: dict[Place, Numbers] = {}
    for at in range(0, len(batch.events), _AT_A_TIME):
        if at:
            await asyncio.sleep(0)
        _count(batch.events[at : at + _AT_A_TIME], fresh)
    for grain in KEPT_S:
        kept_since, latest = work.now - KEPT_S[grain], work.now + _AHEAD_S
        by_place: defaultdict[tuple[int, str], dict[Name, Numbers]] = defaultdict(dict)
        for (at, resource, *name), numbers in fresh.items():
            begin = at - at % grain
            if kept_since <= begin <= latest:
                by_place[begin, resource].setdefault((name[0], name[1]), Numbers()).add(numbers)
        for (begin, resource), more in by_place.items():
            await _keep(work, grain, begin, resource, more)


def start_anew(work: UnitOfWork) -> None:
    """Take every count of the bound tenant away with the unit's commit, and read its log from its first row on."""
    following.reset(work, READER)
    work.write(store.TAKE_AWAY)


def expire(work: UnitOfWork) -> None:
    """Forget the rows whose time is over."""
    for grain, kept_s in KEPT_S.items():
        work.write(store.EXPIRE, grain=grain, before=work.now - kept_s)


def from_row(row: Row) -> Numbers:
    """Return what a row counts."""
    numbers = Numbers(**{name: row[name] for name in COUNTS})
    numbers.refusals = orjson.loads(row["refusals"])
    numbers.latencies = _buckets(row["latencies"])
    numbers.decisions = _buckets(row["decisions"])
    numbers.people = people.unpacked(bytes(row["people"]))
    return numbers


def _count(events: Iterable[Sealed], found: dict[Place, Numbers]) -> None:
    """Add events, by five minutes, server, tool and client."""
    for event in events:
        if not counts(event):
            continue
        at = event.at_us // 1_000_000
        place = (at - at % MINUTES, event.resource, tool_of(event), client_of(event.client_id))
        numbers = found.get(place)
        if numbers is None:
            numbers = found[place] = Numbers()
        count(numbers, event)


async def _keep(work: UnitOfWork, grain: int, begin: int, resource: str, more: dict[Name, Numbers]) -> None:
    where: dict[str, Any] = {"grain": grain, "begin": begin, "resource": resource}
    most = MOST_ROWS[grain]
    known = {
        (row["tool"], row["client_id"])
        for row in await work.all(store.NAMES, **where, most=most * (_MOST_TOOLS_ALONE + 1))
    }
    changed: dict[Name, Numbers] = {}
    for name, numbers in more.items():
        told = _told_apart(name, known, most)
        known.add(told)
        changed.setdefault(told, Numbers()).add(numbers)
    tools = orjson.dumps(sorted({tool for tool, _ in changed})).decode()
    for row in await work.all(store.OF_TOOLS, **where, tools=tools):
        name = (row["tool"], row["client_id"])
        if name in changed:
            numbers = from_row(row)
            numbers.add(changed[name])
            changed[name] = numbers
    for (tool, client_id), numbers in changed.items():
        work.write(store.KEEP, **where, tool=tool, client_id=client_id, **_as_kept(numbers))


def _told_apart(name: Name, known: set[Name], most: int) -> Name:
    """Return under which name something is counted, where so much is known already."""
    if name in known or len(known) < most:
        return name
    tool, _ = name
    without_client = (tool, OTHER)
    if without_client in known or len(known) < most * _MOST_TOOLS_ALONE:
        return without_client
    return (OTHER, OTHER)


def _as_kept(numbers: Numbers) -> dict[str, Any]:
    kept: dict[str, Any] = {name: getattr(numbers, name) for name in COUNTS}
    for name in ("refusals", "latencies", "decisions"):
        kept[name] = orjson.dumps(
            getattr(numbers, name), option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS
        ).decode()
    kept["people"] = people.packed(numbers.people)
    return kept


def _buckets(kept: str) -> dict[int, int]:
    return {int(bucket): counted for bucket, counted in orjson.loads(kept).items()}
