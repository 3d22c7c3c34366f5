"""
Every event's name, and `record()`, which joins the caller's transaction.

Decision 15. An event is a header (numbers, codes, keyed references, a commitment) and, where people are named, a payload
encrypted under a key of its own, so that erasing the key erases the person and every proof stays valid. Sealing comes
later and in order; it reads what stands here.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import orjson
import structlog

from authserver.domain.audit import header as headers
from authserver.domain.audit import payload as payloads
from authserver.domain.audit import store
from authserver.runtime.addresses import address_prefix
from authserver.runtime.machines import Machines
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.merkle import leaf_hash
from resource_lib.wire.subjects import normal_form

log = structlog.get_logger("authserver.audit")

_WAIT_TOGETHER: Final = 250
"""How many events one row of the queue holds at most: a round seals no more than its share and one row."""


class Kind(StrEnum):
    """What can happen, as `subject:thing:action`."""

    LOGIN_SUCCEEDED = "person:login:succeeded"
    LOGIN_REFUSED = "person:login:refused"
    LOGOUT = "person:session:ended"
    CONSENT_ALLOWED = "person:consent:allowed"
    CONSENT_DENIED = "person:consent:denied"
    CONSENT_NARROWED = "person:consent:narrowed"
    AUTHORIZATION_WIDENED = "person:authorization:widened"
    AUTHORIZATION_REFUSED = "client:authorization:refused"
    CODE_ISSUED = "client:code:issued"
    CODE_REPLAYED = "client:code:replayed"
    DEVICE_STARTED = "client:device_code:started"
    DEVICE_ENTERED = "person:device_code:entered"
    DEVICE_REFUSED = "person:device_code:refused"
    DEVICE_ALLOWED = "person:device_code:allowed"
    AUTHORIZATION_STARTED = "client:authorization:started"
    AUTHORIZATION_ENDED = "client:authorization:ended"
    TOKEN_ISSUED = "client:token:issued"  # noqa: S105
    API_KEY_EXCHANGED = "client:api_key:exchanged"
    TOKEN_EXCHANGED = "client:token:exchanged"  # noqa: S105
    TOKEN_REFUSED = "client:token:refused"  # noqa: S105
    TOKEN_REVOKED = "client:token:revoked"  # noqa: S105
    REVOCATION_REFUSED = "client:revocation:refused"
    INTROSPECTION_REFUSED = "client:introspection:refused"
    RESOURCE_SERVER_REFUSED = "client:resource_server:refused"
    REFRESH_REPLAYED = "client:refresh_token:replayed"
    KEY_PUBLISHED = "key:signing:published"
    KEY_REMOVED = "key:signing:removed"
    TENANT_CHANGED = "operator:tenant:changed"
    USER_CHANGED = "operator:user:changed"
    CLIENT_CHANGED = "operator:client:changed"
    API_KEY_CHANGED = "operator:api_key:changed"
    EXCHANGE_CHANGED = "operator:exchange:changed"
    CLIENT_REGISTERED = "client:registration:done"
    REGISTRATION_REFUSED = "client:registration:refused"
    REGISTRATIONS_EXPIRED = "client:registration:expired"
    CLIENT_ENDING = "client:credential:ending"
    OLD_SECRET_USED = "client:secret:old_one_used"  # noqa: S105
    RESOURCE_CHANGED = "operator:resource:changed"
    ISSUER_CHANGED = "operator:issuer:changed"
    CLIENT_DOCUMENT_READ = "client:document:read"
    CLIENT_DOCUMENT_REFUSED = "client:document:refused"
    CLIENT_ASKED_FOR = "person:client:asked_for"
    TOOL_POLICY_CHANGED = "operator:tool_policy:changed"
    TOOL_DEFINITION_SEEN = "client:tool_definition:seen"
    TOOL_REVIEWED = "operator:tool_definition:reviewed"
    CLIENT_TRUST_CHANGED = "operator:client_trust:changed"
    CALL_GRANT_GIVEN = "person:call_grant:given"
    CALL_GRANT_SPENT = "client:call_grant:spent"
    CALL_GRANT_ENDED = "person:call_grant:ended"
    WEBHOOK_CHANGED = "operator:webhook:changed"
    WEBHOOK_DISABLED = "notice:webhook:disabled"
    NOTICE_GIVEN_UP = "notice:delivery:given_up"
    APPROVAL_REQUESTED = "client:approval:requested"
    APPROVAL_REFUSED = "client:approval:refused"
    APPROVAL_SHOWN = "person:approval:shown"
    APPROVAL_APPROVED = "person:approval:approved"
    APPROVAL_DENIED = "person:approval:denied"
    APPROVAL_EXPIRED = "client:approval:expired"
    APPROVAL_CONSUMED = "client:approval:consumed"
    APPROVAL_DONE = "client:approval:done"
    APPROVAL_DELIVERED = "client:approval:delivered"
    APPROVAL_AMBIGUOUS = "client:approval:ambiguous"
    APPROVAL_CLEARED = "person:approval:cleared"
    STOPPED = "operator:kill:stopped"
    REVIVED = "operator:kill:revived"
    ADMIN_REFUSED = "operator:admin:refused"
    ADMIN_ASKED = "operator:admin:asked"
    SERVER_CHECKED = "platform:server:checked"
    SERVER_TOOLS_CHANGED = "client:server:tools_changed"
    PLATFORM_WORK = "platform:work:done"
    LOG_SEALED = "platform:log:sealed"
    AUDIT_ERASED = "operator:audit:erased"
    TENANT_ERASED = "operator:tenant:erased"
    PERSON_ERASED = "operator:user:erased"
    ERASED_CLEANED = "operator:erased:cleaned"
    AUDIT_PRUNED = "platform:audit:pruned"
    RECORD_EXPORTED = "operator:record:exported"
    RECORD_SEARCHED = "operator:record:searched"
    RECORD_OPENED = "operator:record:opened"
    RECORD_VERIFIED = "operator:record:verified"
    SIGNAL_RAISED = "signal:record:raised"
    SIGNAL_DISMISSED = "operator:signal:dismissed"
    SIGNALS_CONFIGURED = "operator:signal:configured"
    STEP_UP_BEGUN = "operator:step_up:begun"
    STEP_UP_ENDED = "operator:step_up:ended"
    CALL_INTENT = "call:tool:intent"
    CALL_OUTCOME = "call:tool:outcome"
    CALL_REFUSED = "call:tool:refused"
    CALL_HELD = "call:tool:held"
    CALL_OBSERVED = "call:tool:observed"


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


def record(
    work: UnitOfWork,
    kind: Kind,
    outcome: Outcome = Outcome.DONE,
    *,
    reason: str = "",
    client_id: str = "",
    sub: str = "",
    authorization_id: str = "",
    resource: str = "",
    payload: dict[str, Any] | None = None,
    subjects: Iterable[str] = (),
    **header: Any,
) -> None:
    """Insert one event with the caller's other writes: it exists exactly when what it tells of happened.

    `header` members are numbers and codes, never names or free text from outside; those go into `payload`.
    `subjects`: who is named in the payload besides, by e-mail address or any other identifier, so that it is found when they are to be forgotten.
    An event about nobody's tenant belongs to the platform.
    """
    if work.tenant is None:
        work.bind(SHARED)
    event_id, sub_ref = new_event_id(work.at_us), reference(work, sub)
    named = {sub_ref, work.acts.get("by", ""), *(subject_reference(work, one) for one in subjects)}
    append(
        work,
        kind,
        outcome,
        event_id=event_id,
        at_us=work.at_us,
        reason=reason,
        client_id=client_id,
        sub_ref=sub_ref,
        authorization_id=authorization_id,
        resource=resource,
        about={**header, **work.acts},
        payload=payloads.sealed(event_id, payload) if payload else None,
        named=named,
    )


def append(
    work: UnitOfWork,
    kind: Kind,
    outcome: Outcome,
    *,
    event_id: str,
    at_us: int,
    reason: str,
    client_id: str,
    sub_ref: str,
    authorization_id: str,
    resource: str,
    about: Mapping[str, Any],
    payload: payloads.Sealed | None,
    named: Iterable[str],
    keeps_payload: bool = True,
    call_id: str = "",
    trace_id: str = "",
    is_exact: bool = False,
) -> None:
    """Write one event of the bound tenant, of which everything is known: its header, its payload, and that it waits to be sealed.

    `about` is what is particular to its kind; `is_exact`: it was read strictly. `named` are the references of all whom its payload
    tells of. One that is not kept is committed to all the same.
    """
    facts = {
        "v": headers.VERSION,
        "id": event_id,
        "at": at_us,
        "tenant": work.tenant,
        "kind": kind.value,
        "outcome": outcome.value,
        "reason": reason,
        "request": work.request_id,
        "client": client_id,
        "sub": sub_ref,
        "authorization": authorization_id,
        "resource": resource,
        "about": about,
        "commit": payload.commitment if payload else "",
    }
    said = headers.canonical(facts, is_exact=is_exact)
    gathered = work.finisher(_Gathered)
    gathered.ids.append(event_id)
    gathered.leaves.append(leaf_hash(said.encode()))
    gathered.events.append(
        (
            event_id, at_us, kind.value, outcome.value, reason, work.request_id, client_id, sub_ref, authorization_id, resource,
            str(about.get("tool", "")), call_id, str(about.get("approval_id", "")), trace_id, said,
        )
    )  # fmt: skip
    if payload is not None and keeps_payload:
        gathered.subjects += [(subject_ref, event_id) for subject_ref in sorted(set(named) - {""})]
        gathered.payloads.append(payload)


class _Gathered:
    """The events of one unit of work: written all at once, and together they wait to be sealed."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.leaves: list[bytes] = []
        self.events: list[tuple[Any, ...]] = []
        self.subjects: list[tuple[str, str]] = []
        self.payloads: list[payloads.Sealed] = []

    async def finish(self, work: UnitOfWork) -> None:
        work.write_many(store.EVENTS, self.events)
        # In the order of their index: of many rows those that stand side by side are written at once.
        work.write_many(store.SUBJECTS, sorted(self.subjects))
        await payloads.keep(work, self.payloads)
        waiting = []
        for at in range(0, len(self.ids), _WAIT_TOGETHER):
            some = slice(at, at + _WAIT_TOGETHER)
            ids, since_us = self.ids[some], min(row[1] for row in self.events[some])
            waiting.append((ids[0], since_us, len(ids), orjson.dumps(ids).decode(), b"".join(self.leaves[some])))
        work.write_many(store.AWAIT_SEAL, waiting)


def new_event_id(at_us: int) -> str:
    """Return the id of an event of this moment: 26 hexadecimal digits, in the order of time."""
    return f"{at_us:014x}{secrets.token_hex(6)}"


def subject_reference(work: UnitOfWork, identifier: str) -> str:
    """Return by which reference the record finds whoever is called so, whatever they are here; empty: that names nobody."""
    named = normal_form(identifier)
    return work.machines.keys.index("subject", named).hex()[:32] if named else ""


def acting(work: UnitOfWork, *, sub: str, client_id: str) -> None:
    """Say who acts: each event that this unit records says by whom it came about, whoever it is about."""
    work.acts = {"by": reference(work, sub), "by_client": client_id}


def reference(work: UnitOfWork, sub: str) -> str:
    """Return by which reference the record names a person: the same each time, and nothing that leads to them."""
    return work.machines.keys.index("sub", sub).hex()[:32] if sub else ""


def record_stranger(work: UnitOfWork, kind: Kind, *, reason: str, **more: Any) -> None:
    """Record a refusal of somebody who proved nothing, unless their address has filled its share of the record.

    A flood must not become a flood of durable writes; it is in the log, and each answer stays the same.
    """
    if work.machines.strangers.take(address_prefix(work.address), work.at_us) is None:
        record(work, kind, Outcome.REFUSED, reason=reason, **more)
    else:
        log.debug("refusal_not_recorded", kind=kind.value, reason=reason)


def platform_work(machines: Machines, reason: str, *, kind: Kind = Kind.PLATFORM_WORK, **header: Any) -> UnitOfWork:
    """Open a unit of work that may cross tenants; that it was done, and why, is recorded with whatever it writes."""
    work = machines.crossing_tenants()
    record(work, kind, reason=reason, **header)
    return work


def reach_every_tenant(work: UnitOfWork, reason: str) -> None:
    """Let this very unit cross tenants, so that what ends in many of them ends in one commit; that is recorded too."""
    if not work.crosses_tenants:
        work.cross_tenants()
        record(work, Kind.PLATFORM_WORK, reason=reason)


async def recent(work: UnitOfWork, *, most: int = 100) -> Sequence[Row]:
    """Return the newest events of the bound tenant, newest first."""
    return await work.all(store.RECENT, most=most)


async def history(work: UnitOfWork, kind: Kind, *, resource: str, most: int = 100) -> Sequence[Row]:
    """Return the newest events of one kind at one resource in the bound tenant, newest first."""
    return await work.all(store.OF_KIND, kind=kind.value, resource=resource, most=most)


def open_payload(work: UnitOfWork, event: Row) -> dict[str, Any]:
    """Return the payload of an event, empty where it has none. Raises VaultError where its key was erased."""
    return payloads.opened(work, event)
