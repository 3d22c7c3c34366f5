"""
What MCP servers tell of the calls that they let through, refused or held: each event once, as a header and a payload.

It is one server's word, and says so: by whose credential it came and when stands in each header beside what it tells. Exactly once by
id, however often a batch comes again (decision 15, C45 to C48).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import orjson

from authserver.domain.audit import erasing, store
from authserver.domain.audit import payload as payloads
from authserver.domain.audit.event import Kind, Outcome, append, reference, subject_reference
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.record import IN_PAYLOAD

KIND_OF: Final = {
    "intent": Kind.CALL_INTENT,
    "outcome": Kind.CALL_OUTCOME,
    "refused": Kind.CALL_REFUSED,
    "held": Kind.CALL_HELD,
    "observed": Kind.CALL_OBSERVED,
}

_AHEAD_US: Final = 5 * 60 * 1_000_000
"""How far a server's clock may be ahead of ours: what is later still is found under the moment at which it came."""
_AT_A_TIME: Final = 64
"""How many events are made ready before others have their turn."""
_NOT_ABOUT: Final = (*IN_PAYLOAD, "id", "at", "tenant", "client_id", "authorization_id", "phase")

Told = Mapping[str, Any]
"""An event as a server tells it, once `resource_lib.wire.record.checked` has seen it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """The MCP server that tells: its client, and the resource that it speaks for."""

    client_id: str
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What became of one tenant's events. `stolen`: ids under which somebody else's events stand; `foreign`: ids of what was told of a
    call of somebody else's. `named`: all whom they tell of.
    """

    accepted: int
    duplicate: int
    stolen: tuple[str, ...]
    foreign: tuple[str, ...]
    named: frozenset[str]


async def take(work: UnitOfWork, teller: Teller, events: Sequence[Told]) -> Taken:
    """Write the events of the bound tenant that are not there yet, with the unit's commit. Ids stand once in `events`.

    A commit that raises RowRefusedError was overtaken by the same events: take them again.
    """
    ids = {one["id"] for one in events}
    asked = orjson.dumps([*ids, *({one["call"] for one in events} - ids)]).decode()
    owners = {row["event_id"]: row["resource"] for row in await work.all(store.KNOWN, event_ids=asked)}
    known = {event_id: owners[event_id] for event_id in ids & owners.keys()}
    foreign = {
        one["id"] for one in events if owners.get(one["call"], teller.resource) != teller.resource
    } - known.keys()
    # In the order of their ids: whoever writes the same ones at once waits for the first, and nobody in a circle.
    fresh = sorted((one for one in events if one["id"] not in known and one["id"] not in foreign), key=itemgetter("id"))
    people = _People(work)
    named = {one["id"]: people.named(one) for one in events}
    refs_of_all = frozenset(ref for refs in named.values() for ref in refs)
    erased = await erasing.told_late(work, refs_of_all)
    late = []
    for place, one in enumerate(fresh, start=1):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        refs = named[one["id"]]
        is_late = bool(erased) and any(one["at"] <= erased.get(ref, -1) for ref in refs)
        if is_late:
            late.append(one["id"])
        _write(work, teller, one, people, () if is_late else refs)
    if late:
        erasing.write_receipt(work, late)
    stolen = tuple(one["id"] for one in events if known.get(one["id"], teller.resource) != teller.resource)
    return Taken(
        accepted=len(fresh),
        duplicate=len(known) - len(stolen),
        stolen=stolen,
        foreign=tuple(sorted(foreign)),
        named=refs_of_all,
    )


async def forget_overtaken(work: UnitOfWork, events: Sequence[Told], named: Iterable[str]) -> None:
    """Erase with the unit's commit what of these is readable, though somebody whom it names was erased while it was written."""
    await erasing.erase_overtaken(work, [one["id"] for one in events], named)


class _People:
    """By which references the record names those of one batch: each is worked out once."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._callers: dict[str, str] = {}
        self._subjects: dict[str, str] = {}

    def caller(self, sub: str) -> str:
        """Return the reference of whoever called, or acted."""
        found = self._callers.get(sub)
        if found is None:
            found = self._callers[sub] = reference(self._work, sub)
        return found

    def named(self, told: Told) -> tuple[str, ...]:
        """Return the references of all whom an event tells of, in order."""
        refs = {self.caller(told["sub"]), *map(self.caller, told.get("act", ()))}
        for _, name in told.get("subjects", ()):
            found = self._subjects.get(name)
            if found is None:
                found = self._subjects[name] = subject_reference(self._work, name)
            refs.add(found)
        return tuple(sorted(refs - {""}))


def _write(work: UnitOfWork, teller: Teller, told: Told, people: _People, named: tuple[str, ...]) -> None:
    """Write one event. Without anybody who is `named` its payload is committed to and not kept."""
    event_id, at, phase, traceparent = told["id"], told["at"], told["phase"], told.get("traceparent")
    said = {name: value for name in IN_PAYLOAD if (value := told.get(name)) is not None and value != []}
    about = dict(told)
    for name in _NOT_ABOUT:
        about.pop(name, None)
    if "rules" in about and not about["rules"]:
        del about["rules"]
    if "act" in said:
        about["acts"] = [*map(people.caller, said["act"])]
    about["told_by"], about["told_at"], about["came_at"] = teller.client_id, at, work.at_us
    append(
        work,
        KIND_OF[phase],
        Outcome.REFUSED if phase == "refused" else Outcome.DONE,
        event_id=event_id,
        at_us=at if at <= work.at_us + _AHEAD_US else work.at_us,
        reason=told.get("error", ""),
        client_id=told["client_id"],
        sub_ref=people.caller(told["sub"]),
        authorization_id=told.get("authorization_id", ""),
        resource=teller.resource,
        about=about,
        payload=payloads.sealed(event_id, said),
        named=named,
        keeps_payload=bool(named),
        call_id=told["call"],
        trace_id=traceparent[3:35] if traceparent else "",
        is_exact=True,
    )
