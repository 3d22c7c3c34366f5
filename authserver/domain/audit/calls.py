"""
What MCP servers tell of the calls that they let through, refused or held: each event once, as a header and a payload.

It is one server's word, and says so: by whose credential it came and when stands in each header beside what it tells. Exactly once by
id, however often a batch comes again (decision 15, C45 to C48).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from authserver.domain.audit import erasing, store
from authserver.domain.audit import payload as payloads
from authserver.domain.audit.event import Kind, Outcome, append, reference, subject_reference
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.record import IN_PAYLOAD, CallEvent

KIND_OF: Final = {
    "intent": Kind.CALL_INTENT,
    "outcome": Kind.CALL_OUTCOME,
    "refused": Kind.CALL_REFUSED,
    "held": Kind.CALL_HELD,
    "observed": Kind.CALL_OBSERVED,
}

_AHEAD_US: Final = 5 * 60 * 1_000_000
"""How far a server's clock may be ahead of ours: what is later still is found under the moment at which it came."""
_IN_COLUMNS: Final = frozenset({"id", "at", "tenant", "client_id", "authorization_id", "phase"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """The MCP server that tells: its client, and the resource that it speaks for."""

    client_id: str
    resource: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What became of one tenant's events. `stolen`: ids under which somebody else's events stand."""

    accepted: int
    duplicate: int
    stolen: tuple[str, ...]


async def take(work: UnitOfWork, teller: Teller, events: Sequence[CallEvent]) -> Taken:
    """Write the events of the bound tenant that are not there yet, with the unit's commit. Ids stand once in `events`.

    A commit that raises RowRefusedError was overtaken by the same events: take them again.
    """
    ids = orjson.dumps([one.id for one in events]).decode()
    known = {row["event_id"]: row["resource"] for row in await work.all(store.KNOWN, event_ids=ids)}
    fresh = [one for one in events if one.id not in known]
    named = {one.id: _named(work, one) for one in fresh}
    erased = await erasing.told_late(work, (ref for refs in named.values() for ref in refs))
    late = [one.id for one in fresh if any(one.at <= erased.get(ref, -1) for ref in named[one.id])]
    for one in fresh:
        _write(work, teller, one, () if one.id in late else named[one.id])
    if late:
        erasing.write_receipt(work, late)
    stolen = tuple(one.id for one in events if known.get(one.id, teller.resource) != teller.resource)
    return Taken(accepted=len(fresh), duplicate=len(known) - len(stolen), stolen=stolen)


async def forget_overtaken(work: UnitOfWork, events: Sequence[CallEvent]) -> None:
    """Erase with the unit's commit what of these is readable, though somebody whom it names was erased while it was written."""
    refs = {ref for one in events for ref in _named(work, one)}
    await erasing.erase_overtaken(work, [one.id for one in events], refs)


def _named(work: UnitOfWork, told: CallEvent) -> tuple[str, ...]:
    people = {reference(work, one) for one in (told.sub, *told.act)}
    refs = people | {subject_reference(work, name) for _, name in told.subjects} - {""}
    return tuple(sorted(refs))


def _write(work: UnitOfWork, teller: Teller, told: CallEvent, named: tuple[str, ...]) -> None:
    """Write one event. Without anybody who is `named` its payload is committed to and not kept."""
    said = told.as_object()
    sealed = payloads.sealed(told.id, {name: said[name] for name in IN_PAYLOAD if name in said})
    about = {name: value for name, value in said.items() if name not in IN_PAYLOAD | _IN_COLUMNS}
    if told.act:
        about["acts"] = [reference(work, one) for one in told.act]
    append(
        work,
        KIND_OF[told.phase],
        Outcome.REFUSED if told.phase == "refused" else Outcome.DONE,
        event_id=told.id,
        at_us=told.at if told.at <= work.at_us + _AHEAD_US else work.at_us,
        reason=told.error or "",
        client_id=told.client_id,
        sub_ref=reference(work, told.sub),
        authorization_id=told.authorization_id or "",
        resource=teller.resource,
        about=about | {"told_by": teller.client_id, "told_at": told.at, "came_at": work.at_us},
        payload=sealed,
        named=named,
        keeps_payload=bool(named),
        call_id=told.call,
        trace_id=told.traceparent.split("-")[1] if told.traceparent else "",
    )
