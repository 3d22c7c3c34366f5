"""
Who may say yes, and what a yes or a no does.

RFC 9470 (how fresh and strong the login must be); decision 13. The person the call runs for, or whoever holds the rule's role in the
same tenant now; under four eyes never the person it runs for. One no is enough, at once, and needs no fresh login. A yes is for
exactly what was shown. It counts while whoever gave it could still give it: an approver who is disabled, removed or has lost
the role takes their unspent yes with them (asked again when it is spent), and so does one who has a new password, because the
old one may have been somebody else's. A service principal is nobody, so it never decides.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from authserver.domain.approvals import spending, store
from authserver.domain.approvals.approval import Approval, Decision, decisions, from_row, record, tell
from authserver.domain.approvals.showing import shown
from authserver.domain.audit import event
from authserver.domain.notices import notice
from authserver.domain.tokens import authorization
from authserver.domain.users import user as users
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.approvals import State


class WhyNot(StrEnum):
    """Why somebody cannot decide. Whoever is told `not_for_you` is told what an unknown id is told."""

    NOT_FOR_YOU = "not_for_you"
    REQUESTER_EXCLUDED = "requester_excluded"
    LOGIN_TOO_OLD = "login_too_old"
    LOGIN_TOO_WEAK = "login_too_weak"
    ALREADY_DECIDED = "already_decided"
    NOT_PENDING = "not_pending"
    NOT_AS_SHOWN = "not_as_shown"
    """What was on the page is not what this approval is for."""
    STOPPED = "stopped"
    """An operator has stopped the tool, or its server: a yes can be given once it is revived."""


class RefusedDecisionError(Exception):
    """Nothing was decided. `reason` says why."""

    def __init__(self, reason: WhyNot) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Decider:
    """A member of the bound tenant, and how they proved who they are. Whether they still are one is read when they decide."""

    sub: str
    roles: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    via: str = "page"
    """Where they decide: `page` or `command line`."""
    ctl: int = 0
    """The control number of the proof by which they are known here: whatever has ended them since ends what they say."""


def may_see(approval: Approval, decider: Decider) -> bool:
    """Whether it may be shown to them: they may decide about it, or it runs for them."""
    return approval.sub == decider.sub or _not_theirs(approval, decider.sub, decider.roles) is None


def why_not(
    work: UnitOfWork, approval: Approval, decider: Decider, decided: list[Decision], *, yes: bool = True
) -> WhyNot | None:
    """Return why they cannot say yes (or no) now, the reason that tells least first; None: they can.

    A no needs neither a fresh nor a strong login, and the person it runs for may always say it.
    """
    not_theirs = _not_theirs(approval, decider.sub, decider.roles)
    if not_theirs is not None and (yes or decider.sub != approval.sub):
        return not_theirs
    if approval.state is not State.PENDING:
        return WhyNot.NOT_PENDING
    if any(one.sub == decider.sub and one.is_yes is not None for one in decided):
        return WhyNot.ALREADY_DECIDED
    if not yes:
        return None
    rule = approval.rule
    if rule.acr and decider.acr not in rule.acr:
        return WhyNot.LOGIN_TOO_WEAK
    # A login of the future is no proof: the clock was set back.
    if rule.max_age is not None and not 0 <= work.now - decider.auth_time <= rule.max_age:
        return WhyNot.LOGIN_TOO_OLD
    return None


async def waiting_for(work: UnitOfWork, decider: Decider, *, most: int = 200) -> list[Approval]:
    """Return what waits for this person now, what ends first first; under four eyes not what runs for them."""
    rows = await work.all(store.WAITING, sub=decider.sub, roles=_as_text(decider), now=work.now, most=most)
    found = [from_row(work, row) for row in rows]
    return [one for one in found if _not_theirs(one, decider.sub, decider.roles) is None]


async def unclear_for(work: UnitOfWork, decider: Decider, *, most: int = 50) -> list[Approval]:
    """Return the calls whose end nobody knows and that this person may clear, oldest first."""
    rows = await work.all(store.UNCLEAR, sub=decider.sub, roles=_as_text(decider), now=work.now, most=most)
    found = [from_row(work, row) for row in rows]
    return [one for one in found if _not_theirs(one, decider.sub, decider.roles) is None]


def _as_text(decider: Decider) -> str:
    return orjson.dumps(decider.roles).decode()


async def look(work: UnitOfWork, approval: Approval, decider: Decider) -> None:
    """Note that they were shown it, and when first. Raises RefusedDecisionError for whom it is not for."""
    if not may_see(approval, decider):
        raise RefusedDecisionError(WhyNot.NOT_FOR_YOU)
    if any(one.sub == decider.sub for one in await decisions(work, approval)):
        return
    work.write(
        store.LOOK,
        approval_id=approval.id,
        sub=decider.sub,
        at_us=work.at_us,
        display_hash=approval.display_hash,
        acr=decider.acr,
        auth_time=decider.auth_time,
    )
    record(work, event.Kind.APPROVAL_SHOWN, approval, by=decider.sub)


async def decide(work: UnitOfWork, approval: Approval, decider: Decider, yes: bool, display_hash: str) -> Approval:
    """Write a yes or a no to what `display_hash` names, and return the approval as it is then.

    Raises RefusedDecisionError; nothing is written then. A lost commit: somebody else decided meanwhile, or its time ran out.
    """
    decided = await decisions(work, approval)
    decider = await _as_they_are_now(work, decider)
    refused = why_not(work, approval, decider, decided, yes=yes)
    if refused is not None:
        raise RefusedDecisionError(refused)
    if yes and await spending.stop_on(work, approval.resource, approval.tool, approval.definition_hash) is not None:
        raise RefusedDecisionError(WhyNot.STOPPED)
    if not display_hash == approval.display_hash == shown(work, approval).hash:
        raise RefusedDecisionError(WhyNot.NOT_AS_SHOWN)
    others = sum(one.is_yes is True and counts(approval, one.sub, one.still_roles) for one in decided)
    state, expires_at = State.PENDING, approval.expires_at
    if not yes:
        state = State.DENIED
    elif others + 1 >= approval.rule.approvers:
        state, expires_at = State.APPROVED, work.now + approval.rule.use_within
    decided_at = None if state is State.PENDING else work.now
    work.claim(
        store.DECIDE,
        approval_id=approval.id,
        state=state.value,
        decided_at=decided_at,
        expires_at=expires_at,
        known=approval.decisions,
        now=work.now,
    )
    work.claim(
        store.SAY,
        approval_id=approval.id,
        sub=decider.sub,
        at_us=work.at_us,
        decision="yes" if yes else "no",
        display_hash=display_hash,
        acr=decider.acr,
        auth_time=decider.auth_time,
        # A process that lags knows less than the login that it has just looked up.
        ctl=max(work.applied, decider.ctl),
    )
    kind = event.Kind.APPROVAL_APPROVED if yes else event.Kind.APPROVAL_DENIED
    record(
        work,
        kind,
        approval,
        by=decider.sub,
        acr=decider.acr,
        amr=list(decider.amr),
        via=decider.via,
        of=approval.rule.approvers,
        given=others + yes,
        **({} if decided_at is None else {"took_s": max(0, work.now - approval.requested_at)}),
    )
    now = replace(
        approval,
        state=state,
        stored=state,
        decided_at=decided_at,
        expires_at=expires_at,
        decisions=approval.decisions + 1,
    )
    if state is not State.PENDING:
        await tell(work, notice.Event.APPROVAL_DECIDED, now)
    return now


async def deny_and_stop(work: UnitOfWork, approval: Approval, decider: Decider, display_hash: str) -> Approval:
    """Say no, and end every session of this application for this person at this server; what else waits of them is over.

    Raises RefusedDecisionError, as `decide` does.
    """
    denied = await decide(work, approval, decider, False, display_hash)
    owner = await authorization.find(work, approval.authorization_id)
    if owner is not None:
        await authorization.stop(
            work, sub=owner.sub, client_id=owner.client_id, resource=owner.resource, reason="stopped_by_approver"
        )
    return denied


async def deny_as_operator(
    work: UnitOfWork, approval: Approval, *, why: str, by: str = "", via: str = "command line"
) -> Approval:
    """Say no for an operator, who may stop anything and say yes to nothing; an unspent yes is taken back.

    `by` is their `sub`, where they have one. `why` is theirs to choose, and kept sealed. Raises RefusedDecisionError when there is
    nothing left to stop. A lost commit: it was decided, spent or lapsed meanwhile.
    """
    if approval.state not in {State.PENDING, State.APPROVED}:
        raise RefusedDecisionError(WhyNot.NOT_PENDING)
    work.claim(store.DENY_AS_OPERATOR, approval_id=approval.id, now=work.now)
    payload = {"why": why} if why else None
    record(
        work,
        event.Kind.APPROVAL_DENIED,
        approval,
        by=by,
        via=via,
        operator=True,
        was=approval.state.value,
        **({"took_s": max(0, work.now - approval.requested_at)} if approval.state is State.PENDING else {}),
        payload=payload,
    )
    denied = replace(approval, state=State.DENIED, stored=State.DENIED, decided_at=work.now)
    await tell(work, notice.Event.APPROVAL_DECIDED, denied)
    return denied


async def clear(work: UnitOfWork, approval: Approval, decider: Decider, ran: bool) -> Approval:
    """Write what a person found out about a call whose end nobody knew: it ran, or it did not. Then it may be asked for anew.

    Raises RefusedDecisionError. A lost commit: its outcome came meanwhile, or somebody else cleared it.
    """
    decider = await _as_they_are_now(work, decider)
    refused = _not_theirs(approval, decider.sub, decider.roles)
    if refused is not None:
        raise RefusedDecisionError(refused)
    if approval.state is not State.AMBIGUOUS:
        raise RefusedDecisionError(WhyNot.NOT_PENDING)
    state = State.DONE if ran else State.EXPIRED
    work.claim(store.CLEAR, approval_id=approval.id, state=state.value, cleared_by=decider.sub, now=work.now)
    record(work, event.Kind.APPROVAL_CLEARED, approval, by=decider.sub, ran=ran)
    return replace(approval, state=state, stored=state, cleared_by=decider.sub, told_at=work.now)


def counts(approval: Approval, sub: str, roles: tuple[str, ...] | None) -> bool:
    """Whether the yes of somebody with these roles now counts; None: they are no active member any more."""
    return roles is not None and _not_theirs(approval, sub, roles) is None


def _not_theirs(approval: Approval, sub: str, roles: tuple[str, ...]) -> WhyNot | None:
    if sub == approval.excluded:
        return WhyNot.REQUESTER_EXCLUDED
    if sub == approval.own_voice:
        return None
    return None if approval.role and approval.role in roles else WhyNot.NOT_FOR_YOU


async def _as_they_are_now(work: UnitOfWork, decider: Decider) -> Decider:
    """Return them with the roles they have now. Raises RefusedDecisionError when they are no active member."""
    member = await users.member_by_sub(work, decider.sub)
    if member is None or not member.is_active or decider.auth_time < member.password_changed_at:
        raise RefusedDecisionError(WhyNot.NOT_FOR_YOU)
    return replace(decider, roles=member.roles)
