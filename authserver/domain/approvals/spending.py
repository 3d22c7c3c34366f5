"""
A yes is spent once, before the call runs.

Decision 13. `consume` is one `UPDATE` that repeats everything that decided: state, time, hashes, authorization, and that those who
said yes could still say it; in the same commit the authorization is claimed to live, and the use of a counted grant is claimed.
Whoever runs it holds a lease: when that lapses, nobody knows how it ended, it never runs again, and only a person, or the
outcome that comes late (`outcomes.py`), clears it. A mismatch burns nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from authserver.domain.approvals import store
from authserver.domain.approvals.approval import Approval, record
from authserver.domain.audit import event
from authserver.domain.call_grants import grant as call_grants
from authserver.domain.resources.resource import Resource
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import Kill
from authserver.domain.tokens.authorization import Authorization, require_live
from authserver.domain.tool_policies import tool_policy
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.approvals import State

LEASE_S = 30
"""How long nobody needs to hear of whoever runs a call."""

MOST_LEGS = 8
"""How often one approved call may come back with what its tool asked the person for."""


class WhyNot(StrEnum):
    """Why a call may not run by this approval, in the words of a tool's error."""

    REQUIRED = "approval_required"
    DENIED = "approval_denied"
    EXPIRED = "approval_expired"
    MISMATCH = "approval_mismatch"
    IN_PROGRESS = "approval_in_progress"
    AMBIGUOUS = "approval_ambiguous"
    ENDED = "approval_ended"
    """It was spent, or what it stood on has ended: the application, the person, or whose yes it was."""


class RefusedUseError(Exception):
    """It may not run; nothing was spent. `reason` and `state` say why."""

    def __init__(self, reason: WhyNot, state: State) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.state = state


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who calls, as their token proves it. Made where tokens are read."""

    authorization_id: str
    sub: str
    client_id: str
    """The application that was allowed."""
    actor: str
    """Who acts for it, the first first, between spaces; empty: it acts itself."""
    resource: Resource
    only_grants: frozenset[str] | None = None
    """The counted grants that the token names; None: it was not narrowed to any."""

    def of_grant(self, tool: str, *, definition_hash: str, args_hash: str) -> call_grants.Call:
        """Return a call of theirs as a counted grant may cover it."""
        return call_grants.Call(
            authorization_id=self.authorization_id,
            sub=self.sub,
            client_id=self.actor.rpartition(" ")[2] or self.client_id,
            resource=self.resource.uri,
            tool=tool,
            definition_hash=definition_hash,
            args_hash=args_hash,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What is about to run, and who runs it. `instance_id` names one run of one call, never a whole process."""

    args_hash: str
    definition_hash: str
    policy_version: str
    instance_id: str
    leg: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """It may run now, and `is_renewed` says that the same run was told so before."""

    leg: int
    is_renewed: bool = False


async def stop_on(work: UnitOfWork, resource: str, tool: str, definition_hash: str) -> Kill | None:
    """Return the stop of a tool, of this version of it, or of its server, that holds up a call of the bound tenant, or None."""
    assert work.tenant is not None
    stops = await kill_switch.stops(work)
    return stops.held(work.tenant, resource) or stops.tool(work.tenant, resource, tool, definition_hash)


def is_running_here(approval: Approval, use: Use) -> bool:
    """Whether this very run of this very call holds the lease: then it is renewed, and nobody is asked anew."""
    return approval.state is State.EXECUTING and (
        approval.instance_id, approval.leg, approval.args_hash, approval.definition_hash, approval.policy_version,
    ) == (use.instance_id, use.leg, use.args_hash, use.definition_hash, use.policy_version)  # fmt: skip


def renew(work: UnitOfWork, approval: Approval, use: Use) -> Lease:
    """Let it run on. A lost commit: its lease lapsed, or its outcome came."""
    work.claim(
        store.RENEW,
        approval_id=approval.id,
        instance_id=use.instance_id,
        leg=use.leg,
        now=work.now,
        lease_until=work.now + LEASE_S,
    )
    return Lease(leg=use.leg, is_renewed=True)


async def consume(work: UnitOfWork, approval: Approval, owner: Authorization, caller: Caller, use: Use) -> Lease:
    """Spend the yes for exactly this call. Raises RefusedUseError, whose writes (that it lapsed) are to be committed.

    `owner` is what the caller's token stands on, read just now. A lost commit: another run of the same call won, or something
    that decided changed meanwhile; look again.
    """
    if _bound(approval) != (
        caller.authorization_id, caller.sub, caller.client_id, caller.actor, caller.resource.uri,
        use.args_hash, use.definition_hash, use.policy_version,
    ):  # fmt: skip
        raise RefusedUseError(WhyNot.MISMATCH, approval.state)
    if approval.state is State.EXECUTING and 0 < use.leg == approval.leg + 1 <= MOST_LEGS:
        return _next_leg(work, approval, owner, use)
    if approval.state is not State.APPROVED or use.leg != 0:
        _refuse(work, approval)
    await _still_covered(work, approval, caller, use)
    require_live(work, owner)
    rule = approval.rule
    work.claim(
        store.CONSUME,
        approval_id=approval.id,
        authorization_id=approval.authorization_id,
        sub=approval.sub,
        client_id=approval.client_id,
        actor=approval.actor,
        resource=approval.resource,
        args_hash=use.args_hash,
        definition_hash=use.definition_hash,
        policy_version=use.policy_version,
        instance_id=use.instance_id,
        now=work.now,
        lease_until=work.now + LEASE_S,
        approvers=0 if approval.grant_id else rule.approvers,
        **_voices(approval),
    )
    record(work, event.Kind.APPROVAL_CONSUMED, approval, args_hash=use.args_hash, leg=0)
    return Lease(leg=0)


def lapse(work: UnitOfWork, approval: Approval) -> None:
    """Write that its time ran out and that this was told, for good: a clock that is set back does not bring it back."""
    work.claim(store.LAPSE, approval_id=approval.id, known=approval.stored.value, told_at=work.now, now=work.now)
    record(work, event.Kind.APPROVAL_EXPIRED, approval)


def lose(work: UnitOfWork, approval: Approval) -> None:
    """Write that whoever ran it is gone, for good: only its outcome or a person changes that."""
    work.claim(store.LOSE, approval_id=approval.id, now=work.now)
    record(work, event.Kind.APPROVAL_AMBIGUOUS, approval)


WHY: Final = {
    State.PENDING: WhyNot.REQUIRED,
    State.APPROVED: WhyNot.REQUIRED,
    State.DENIED: WhyNot.DENIED,
    State.EXPIRED: WhyNot.EXPIRED,
    State.EXECUTING: WhyNot.IN_PROGRESS,
    State.AMBIGUOUS: WhyNot.AMBIGUOUS,
    State.DONE: WhyNot.ENDED,
}


def _refuse(work: UnitOfWork, approval: Approval) -> None:
    """Raise RefusedUseError, and write what was only read against the clock."""
    waits = approval.stored in {State.PENDING, State.APPROVED}
    if waits and work.now >= approval.expires_at:
        lapse(work, approval)
    elif approval.stored is State.EXECUTING and approval.state is State.AMBIGUOUS:
        lose(work, approval)
    if waits and approval.is_ended:
        raise RefusedUseError(WhyNot.ENDED, approval.state)
    raise RefusedUseError(WHY[approval.state], approval.state)


async def _still_covered(work: UnitOfWork, approval: Approval, caller: Caller, use: Use) -> None:
    """See that the yes is still somebody's, and claim the use of a counted one. Else it is void: the call is asked for anew.

    A yes that was given by an easier rule than the tenant has now is void too, and one to what was rejected since, whatever the MCP
    server knows of that by now.
    """
    overlay = await tool_policy.of_tenant(work, approval.tenant, approval.resource)
    is_let_in = overlay.lets_in(approval.tool, use.definition_hash)
    if not is_let_in or overlay.asking(approval.tool, approval.tool_class, approval.rule) != approval.rule:
        _void(work, approval)
    if approval.grant_id is not None:
        call = caller.of_grant(approval.tool, definition_hash=use.definition_hash, args_hash=use.args_hash)
        granted = await call_grants.find(work, approval.grant_id)
        named = caller.only_grants is None or approval.grant_id in caller.only_grants
        if (
            granted is not None
            and named
            and call_grants.is_spendable(granted, call, resource=caller.resource, now=work.now)
            and await call_grants.meets(work, granted, approval.rule)
        ):
            call_grants.spend(work, granted.id, call, resource=caller.resource, role=approval.role)
            return
    else:
        row = await work.one(store.YES_COUNTED, approval_id=approval.id, **_voices(approval))
        if row is not None and row["counted"] >= approval.rule.approvers:
            return
    _void(work, approval)


def _void(work: UnitOfWork, approval: Approval) -> NoReturn:
    work.claim(store.VOID, approval_id=approval.id, now=work.now)
    record(work, event.Kind.APPROVAL_EXPIRED, approval, void=True)
    raise RefusedUseError(WhyNot.ENDED, State.EXPIRED)


def _next_leg(work: UnitOfWork, approval: Approval, owner: Authorization, use: Use) -> Lease:
    require_live(work, owner)
    work.claim(
        store.NEXT_LEG,
        approval_id=approval.id,
        instance_id=use.instance_id,
        leg=use.leg,
        args_hash=use.args_hash,
        definition_hash=use.definition_hash,
        policy_version=use.policy_version,
        now=work.now,
        lease_until=work.now + LEASE_S,
    )
    record(work, event.Kind.APPROVAL_CONSUMED, approval, args_hash=use.args_hash, leg=use.leg)
    return Lease(leg=use.leg)


def _bound(approval: Approval) -> tuple[str, ...]:
    return (
        approval.authorization_id, approval.sub, approval.client_id, approval.actor, approval.resource,
        approval.args_hash, approval.definition_hash, approval.policy_version,
    )  # fmt: skip


def _voices(approval: Approval) -> dict[str, str]:
    return {"own": approval.own_voice, "excluded": approval.excluded, "role": f'"{approval.role}"'}
