"""
What an MCP server tells of calls, read strictly: `POST /rs/audit` of design §4.

An event that cannot be taken is named with the member that is wrong, and those beside it are taken: a server that waits for a cure of
one keeps the others no longer. Nothing is taken for a tenant that it is not heard for.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from authserver.domain.audit import calls
from authserver.domain.audit.calls import Teller, Told
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.errors import InvalidRequest, SlowDown
from authserver.oauth.resource_server import authenticated, heard_for
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.record import MOST_EVENTS, InvalidEventError, are_checked, checked

_AT_A_TIME: Final = 125
"""How many events are read before others have their turn."""


@dataclass(slots=True)
class Answer:
    """What became of a batch."""

    accepted: int
    duplicate: int
    rejected: list[dict[str, str]]

    def as_object(self) -> dict[str, Any]:
        """Return it as the server is told."""
        return {"accepted": self.accepted, "duplicate": self.duplicate, "rejected": self.rejected}


async def handle(work: UnitOfWork, issuer: Issuer, body: bytes, authorization: bytes | None) -> Answer:
    """Take a batch; what is accepted is durable when this returns. Raises InvalidClient, InvalidRequest, SlowDown."""
    client = await authenticated(work, issuer, authorization, budget=work.machines.call_reports)
    if limited := work.machines.call_report_bytes.take(client.id, work.at_us, len(body)):
        raise SlowDown("This server tells too much.", reason="server_flood", retry_after_s=limited.retry_after_s)
    found, tenants = await heard_for(work, issuer, client)
    if found is None:
        raise InvalidRequest("The resource that this server speaks for is not registered.", reason="resource_unknown")
    answer = Answer(accepted=0, duplicate=0, rejected=[])
    groups = await _read(_events(body), frozenset(tenants), answer)
    teller = Teller(client_id=client.id, resource=found.uri)
    for tenant, events in groups.items():
        told = list(events.values())
        taken = await work.machines.written(
            partial(calls.take, teller=teller, events=told), tenant=tenant, request_id=work.request_id
        )
        # What was taken while somebody whom it names was being erased, also what an earlier try of the batch left.
        await work.machines.written(
            partial(calls.forget_overtaken, events=told, named=taken.named), tenant=tenant, request_id=work.request_id
        )
        answer.accepted += taken.accepted
        answer.duplicate += taken.duplicate
        answer.rejected += [{"id": one, "why": "id: is that of another server's event"} for one in taken.stolen]
        answer.rejected += [{"id": one, "why": "call: is that of another server's call"} for one in taken.foreign]
    return answer


async def _read(said: Sequence[Any], tenants: frozenset[str], answer: Answer) -> dict[str, dict[str, Told]]:
    """Return the events by tenant and id; what cannot be taken is told in the answer."""
    groups: dict[str, dict[str, Told]] = {}
    for at in range(0, len(said), _AT_A_TIME):
        if at:
            await asyncio.sleep(0)
        some = said[at : at + _AT_A_TIME]
        are_events = are_checked(some)
        for one in some:
            try:
                event = one if are_events else checked(one)
                if event["tenant"] not in tenants:
                    raise InvalidEventError("tenant", "is none that this server is heard for")
            except InvalidEventError as error:
                answer.rejected.append({"id": _id_of(one), "why": str(error)})
                continue
            group = groups.setdefault(event["tenant"], {})
            answer.duplicate += event["id"] in group
            group.setdefault(event["id"], event)
    return groups


def _events(body: bytes) -> list[Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body must be one JSON object in UTF-8.", reason="unreadable_json") from None
    if not isinstance(said, dict) or set(said) != {"events"}:
        raise InvalidRequest("The body has one member: events.", reason="invalid_events")
    events = said["events"]
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise InvalidRequest(f"events: is a list of 1 to {MOST_EVENTS}.", reason="invalid_events")
    return events


def _id_of(said: Any) -> str:
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, str) and len(found) <= 64 and found.isascii() and found.isalnum() else ""
