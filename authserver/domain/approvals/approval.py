"""
A person's yes to one exact call: what is asked for, for whom it counts, and what has become of it.

Decision 13. It is bound to tenant, person, application, authorization, MCP server, tool, definition, arguments and policy. No timer
decides: what a row says is read against the clock at each use, and what was once written as over stays over, even when the
clock is set back. Whatever it stands on (person, application, organisation, MCP server, the authorization itself) may have ended:
then it counts for nothing, whatever its row says.

Asking stands in `asking.py`, what a person sees in `showing.py`, saying yes or no in `deciding.py`, running once in
`spending.py`, figures about approvers in `habits.py`.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from authserver.domain.approvals import store
from authserver.domain.audit import event
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.notices import notice
from authserver.domain.tokens.authorization import MACHINE
from authserver.runtime.identifiers import new_tenant_secret, tenant_of
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.approvals import ApprovalRule, State, rule_from_json

_PREFIX = "ap"

EXAMINED: Final = 2_000
"""How many rows one page may cost."""
_BATCH: Final = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """One call that waits for a yes, or has had it. Times are seconds since the epoch; hashes are hex."""

    id: str
    tenant: str
    authorization_id: str
    sub: str
    """The person the call runs for; `client:<client_id>` where an application acts for itself."""
    client_id: str
    """The application that the person allowed."""
    actor: str
    """The MCP servers that act for it, the first first, where the token was exchanged (RFC 8693 §4.1); else empty."""
    resource: str
    tool: str
    tool_class: str
    definition_hash: str
    args_hash: str
    policy_version: str
    rule: ApprovalRule
    role: str
    """Who may say yes besides the person it runs for; empty: nobody."""
    grant_id: str | None
    """The counted yes that covers it, so that nobody was asked."""
    state: State
    """What has become of it at this moment: lapsed is EXPIRED, begun by somebody who is gone is AMBIGUOUS."""
    stored: State
    """What its row says; see `state`."""
    is_ended: bool
    """Whether what it stood on has ended: then nobody can decide about it, and it cannot run."""
    requested_at: int
    expires_at: int
    """Until when it waits for a person; once approved, until when it may begin."""
    decided_at: int | None
    decisions: int
    display_hash: str
    """Of exactly what people are shown; see `showing.Shown`."""
    instance_id: str | None
    leg: int
    started_at: int | None
    lease_until: int | None
    done_at_us: int | None
    delivered_at: int | None
    replayed_at: int | None
    told_at: int | None
    cleared_by: str | None
    payload: bytes | None = field(repr=False)
    payload_key: bytes | None = field(repr=False)

    @property
    def own_voice(self) -> str:
        """Whose yes counts because the call runs for them; empty: nobody's."""
        return "" if self.rule.by != "person" or self.rule.four_eyes or self.is_of_machine else self.sub

    @property
    def excluded(self) -> str:
        """Whose yes never counts; empty: nobody's."""
        return self.sub if self.rule.four_eyes else ""

    @property
    def is_of_machine(self) -> bool:
        """Whether it runs for an application itself, with no person behind it."""
        return self.sub.startswith(MACHINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What one person saw and said.

    `still_roles` are theirs now; None: they are no active member any more, or a new password ended the sign-in they said it with.
    """

    sub: str
    is_yes: bool | None
    """None: they only looked."""
    shown_at_us: int
    decided_at_us: int | None
    acr: str
    auth_time: int
    still_roles: tuple[str, ...] | None


def new_id(tenant: str) -> str:
    """Return an id that nobody can guess, and that names its tenant."""
    return new_tenant_secret(_PREFIX, tenant)


def tenant_of_id(approval_id: str) -> str | None:
    """Return the tenant that an id names; None for anything of another form. It proves nothing until a row is found."""
    return tenant_of(approval_id, _PREFIX)


async def find(work: UnitOfWork, approval_id: str) -> Approval | None:
    """Return the approval of the bound tenant, or None; never from memory."""
    row = await work.one(store.FIND, approval_id=approval_id)
    return from_row(work, row) if row else None


async def list_(work: UnitOfWork, *, state: State | None = None, most: int = 100) -> list[Approval]:
    """Return the tenant's newest approvals, newest first; `state` is what has become of them by now."""
    found = [from_row(work, row) for row in await work.all(store.LIST, most=most if state is None else 1000)]
    return [approval for approval in found if state is None or approval.state is state][:most]


async def page(
    work: UnitOfWork, *, state: State | None = None, sub: str = "", after: tuple[int, str] | None = None, most: int = 50
) -> tuple[list[Approval], tuple[int, str] | None]:
    """Return some of the tenant's approvals, newest first, and after which place the rest begins; None: there is no more.

    `state` is what has become of them by now, `sub` whom they run for. At most `EXAMINED` rows are looked through for one page,
    so one that is not full may be followed by another.
    """
    place = after if after is not None else (2**62, "")
    found: list[Approval] = []
    for _ in range(EXAMINED // _BATCH):
        rows = await work.all(store.PAGE, before=place[0], before_id=place[1], most=_BATCH)
        for row in rows:
            one = from_row(work, row)
            if (state is None or one.state is state) and sub in {"", one.sub}:
                if len(found) == most:
                    return found, (found[-1].requested_at, found[-1].id)
                found.append(one)
        if len(rows) < _BATCH:
            return found, None
        place = (rows[-1]["requested_at"], rows[-1]["approval_id"])
    return found, place


async def of_person(work: UnitOfWork, sub: str, *, most: int = 100) -> list[Approval]:
    """Return what was asked for in a person's name, newest first, whoever may decide about it."""
    return [from_row(work, row) for row in await work.all(store.OF_PERSON, sub=sub, most=most)]


async def lately(work: UnitOfWork, sub: str, *, most: int = 100) -> list[tuple[Approval, str]]:
    """Return what was asked for in a person's name or decided by them, newest first, and what they said: yes, no or nothing."""
    rows = await work.all(store.LATELY, sub=sub, most=most)
    return [(from_row(work, row), row["said"] or "") for row in rows]


async def last_like(work: UnitOfWork, approval: Approval) -> Approval | None:
    """Return the last call that ran for the same person, application and tool, to say what differs; None: the first."""
    row = await work.one(
        store.LAST_LIKE,
        sub=approval.sub,
        client_id=approval.client_id,
        resource=approval.resource,
        tool=approval.tool,
        approval_id=approval.id,
    )
    return from_row(work, row) if row else None


async def decisions(work: UnitOfWork, approval: Approval) -> list[Decision]:
    """Return everybody who looked or decided, with what they are now; those who decided last, last."""
    return [
        Decision(
            sub=row["sub"],
            is_yes=None if row["decision"] is None else row["decision"] == "yes",
            shown_at_us=row["shown_at_us"],
            decided_at_us=row["decided_at_us"],
            acr=row["acr"],
            auth_time=row["auth_time"],
            still_roles=tuple(orjson.loads(row["roles"]))
            if row["member_status"] == "active"
            and row["person_status"] == "active"
            and row["auth_time"] >= row["password_changed_at"]
            and row["ctl"] >= row["floor"]
            else None,
        )
        for row in await work.all(store.DECISIONS, approval_id=approval.id)
    ]


async def url(work: UnitOfWork, approval: Approval) -> str:
    """Return where a person finds it: a page of ours, which asks who they are. It proves nothing and carries no credential."""
    issuer = (await all_issuers(work)).of_tenant(approval.tenant)
    return issuer.url(f"/approvals/{approval.id}")


async def tell(work: UnitOfWork, what: notice.Event, approval: Approval) -> None:
    """Tell people outside of it, in the same commit."""
    await notice.tell(
        work,
        what,
        notice.WaitingCall(
            approval_id=approval.id,
            approval_url=await url(work, approval),
            state=approval.state.value,
            tool=approval.tool,
            tool_class=approval.tool_class,
            resource=approval.resource,
            client_id=approval.client_id,
            sub=approval.sub,
            requested_at=approval.requested_at,
            expires_at=approval.expires_at,
            is_for_person=bool(approval.own_voice),
            role=approval.role,
            is_excluded=bool(approval.excluded),
            decided_at=approval.decided_at,
        ),
    )


def record(work: UnitOfWork, kind: event.Kind, approval: Approval, *, by: str = "", **header: Any) -> None:
    """Record what happened to it. `by` is the `sub` of the person who did it; without one it is the person it runs for."""
    event.record(
        work,
        kind,
        sub=by or approval.sub,
        client_id=approval.client_id,
        authorization_id=approval.authorization_id,
        resource=approval.resource,
        approval_id=approval.id,
        display_hash=approval.display_hash,
        tool=approval.tool,
        definition_hash=approval.definition_hash,
        **header,
    )


def from_row(work: UnitOfWork, row: Row) -> Approval:
    """Return the approval in a row of this store, as it is at this moment."""
    assert work.tenant is not None
    stored = State(row["state"])
    is_ended = (
        row["owner_until"] is None
        or row["owner_ended_at"] is not None
        or work.now >= row["owner_until"]
        or row["owner_ctl"] < row["owner_floor"]
    )
    return Approval(
        id=row["approval_id"],
        tenant=work.tenant,
        authorization_id=row["authorization_id"],
        sub=row["sub"],
        client_id=row["client_id"],
        actor=row["actor"],
        resource=row["resource"],
        tool=row["tool"],
        tool_class=row["tool_class"],
        definition_hash=row["definition_hash"],
        args_hash=row["args_hash"],
        policy_version=row["policy_version"],
        rule=rule_from_json(orjson.loads(row["rule"])),
        role=row["role"],
        grant_id=row["grant_id"],
        state=_effective(stored, row, work.now, is_ended=is_ended),
        stored=stored,
        is_ended=is_ended,
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
        decided_at=row["decided_at"],
        decisions=row["decisions"],
        display_hash=row["display_hash"],
        instance_id=row["instance_id"],
        leg=row["leg"],
        started_at=row["started_at"],
        lease_until=row["lease_until"],
        done_at_us=row["done_at_us"],
        delivered_at=row["delivered_at"],
        replayed_at=row["replayed_at"],
        told_at=row["told_at"],
        cleared_by=row["cleared_by"],
        payload=row["payload"],
        payload_key=row["payload_key"],
    )


def new(work: UnitOfWork, row: dict[str, Any], *, owner_until: int) -> Approval:
    """Return the approval that a new row will be."""
    nothing = dict.fromkeys((
        "instance_id", "started_at", "lease_until", "done_at_us", "delivered_at", "replayed_at", "told_at", "cleared_by",
        "owner_ended_at",
    ))  # fmt: skip
    return from_row(
        work,
        {
            **nothing,
            "requested_at": work.now,
            "decisions": 0,
            "leg": 0,
            "owner_until": owner_until,
            "owner_ctl": 0,
            "owner_floor": 0,
            **row,
        },
    )


def _effective(stored: State, row: Row, now: int, *, is_ended: bool) -> State:
    if stored in {State.PENDING, State.APPROVED} and (is_ended or now >= row["expires_at"]):
        return State.EXPIRED
    if stored is State.EXECUTING and now >= row["lease_until"]:
        return State.AMBIGUOUS
    return stored
