"""
The noun `approvals`: which calls wait for somebody's yes.

Who may see what a call is about, and who may say yes, is decided where the approval page decides it (`domain/approvals/deciding.py`).
A yes is a person's: never a machine's, never by an old login, never through the application that the call came from. Any operator
may say no.
"""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding
from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.deciding import Decider, RefusedDecisionError, WhyNot
from authserver.domain.approvals.showing import NotReadableError, shown
from authserver.domain.tokens import authorization
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import ProblemError, invalid, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, route
from resource_lib.wire.approvals import State

_STATES = Literal["pending", "approved", "denied", "expired", "executing", "done", "ambiguous"]


class ApprovalShown(Shown):
    """One call that waits for a yes, or has had it. Times are seconds since the epoch."""

    id: str
    state: _STATES
    sub: str = Field(description="Whom the call runs for.", examples=["usr_abcdefghijklmnop"])
    client_id: str
    resource: str = Field(examples=["https://mcp.example.com/mcp"])
    tool: str = Field(examples=["refund_order"])
    tool_class: str = Field(examples=["destructive"])
    role: str = Field(description="Who may say yes besides the person it runs for; empty: nobody.")
    approvers: int = Field(description="How many must say yes.")
    requested_at: int
    expires_at: int
    decided_at: int | None


class ApprovalPage(Shown):
    """Some calls, newest first. A page that is not full may be followed by another."""

    items: list[ApprovalShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class Argument(Shown):
    """One argument as people are shown it."""

    path: str = Field(examples=["items[0].sku"])
    text: str = Field(description="Empty where it is hidden.")
    is_hidden: bool
    length: int


class Call(Shown):
    """What a person is shown before they decide."""

    display_hash: str = Field(description="Names exactly this; whoever says yes says to what.")
    sentence: str = Field(description="What happens on a yes, in its author's words and this call's values.")
    arguments: list[Argument]
    follows: str = Field(description="What text from outside the application was given before; empty: none.")
    releases: bool = Field(
        description="Whether the tool has run, and a yes hands over its answer, which is what is shown."
    )
    you_may_approve: bool
    why_not: str | None = Field(description="Why you may not; null: you may.")


class ApprovalSeen(ApprovalShown):
    """One call, and what it is about for whom it is meant."""

    call: Call | None = Field(description="null: what it is about is not for you to see, or was erased.")


class Decision(Strict):
    """A yes or a no."""

    decision: Literal["approve", "deny"]
    display_hash: str | None = Field(
        default=None, min_length=64, max_length=64, description="Of what you were shown; a yes needs it."
    )
    reason: str = Field(default="", max_length=500, description="Of a no; kept sealed.")


@route("GET", "/approvals", gives=ApprovalPage, says="List calls that need a yes")
async def list_approvals(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[_STATES | None, Query()] = None,
    sub: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> ApprovalPage:
    """What each is about is shown one at a time."""
    after = ask.after(cursor)
    found, place = await approvals.page(
        ask.work,
        state=State(state) if state else None,
        sub=sub or "",
        after=(int(after[0]), str(after[1])) if after else None,
        most=limit,
    )
    return ApprovalPage(items=[_row(one) for one in found], next=ask.cursor_after(place))


@route("GET", "/approvals/{approval_id}", gives=ApprovalSeen, says="Show a call")
async def show(ask: Ask, approval_id: Id) -> ApprovalSeen:
    """With what it is about for those who may decide, and for whom it runs; that they saw it is recorded."""
    found = await _found(ask, approval_id)
    decider = await _decider(ask)
    if decider is None or not deciding.may_see(found, decider):
        return ApprovalSeen(**_row(found).model_dump(), call=None)
    await deciding.look(ask.work, found, decider)
    return ApprovalSeen(**_row(found).model_dump(), call=await _call(ask, found, decider))


@route("POST", "/approvals/{approval_id}/decision", gives=ApprovalShown, says="Say yes or no to a call")
async def decide(ask: Ask, approval_id: Id, body: Decision) -> ApprovalShown:
    """A yes is given by a person with a fresh login, to exactly what they were shown. Any operator may say no."""
    found = await _found(ask, approval_id)
    decider = await _decider(ask)
    try:
        if body.decision == "approve":
            decided = await _approve(ask, found, decider, body)
        elif decider is not None and deciding.why_not(ask.work, found, decider, [], yes=False) is None:
            decided = await deciding.decide(ask.work, found, decider, False, found.display_hash)
        else:
            by = "" if ask.operator.is_machine else ask.operator.sub
            decided = await deciding.deny_as_operator(ask.work, found, why=body.reason, by=by, via="admin API")
    except RefusedDecisionError as refused:
        raise _refused(refused.reason) from None
    except NotReadableError:
        raise ProblemError(409, "What it is about was erased.") from None
    return _row(decided)


async def _approve(ask: Ask, found: Approval, decider: Decider | None, body: Decision) -> Approval:
    # An application that holds an operator's token may not say yes to the call it makes itself.
    if decider is None or ask.operator.client_id in {found.client_id, found.actor}:
        raise ProblemError(403, "Only a person may say yes, and not through the application that asks.")
    if body.display_hash is None:
        raise invalid("display_hash", "say to what; it stands in the call that you were shown.")
    await ask.fresh()
    return await deciding.decide(ask.work, found, decider, True, body.display_hash)


def _refused(why: WhyNot) -> ProblemError:
    if why is WhyNot.NOT_PENDING:
        return ProblemError(409, "It does not wait any more.")
    if why is WhyNot.ALREADY_DECIDED:
        return ProblemError(409, "You have decided about it already.")
    if why is WhyNot.NOT_AS_SHOWN:
        return ProblemError(409, "It is not what you were shown; look at it again.")
    return ProblemError(403, f"You may not say yes to it: {why.value}.")


async def _found(ask: Ask, approval_id: str) -> Approval:
    found = await approvals.find(ask.work, approval_id)
    if found is None:
        raise not_found()
    return found


async def _decider(ask: Ask) -> Decider | None:
    """Return whoever asks as somebody who may decide; None: a machine, or nobody of this tenant."""
    asks = ask.operator
    if asks.is_machine or asks.home != ask.tenant:
        return None
    owner = await authorization.find(ask.work, asks.authorization_id)
    if owner is None:
        return None
    return Decider(
        sub=asks.sub,
        roles=asks.roles,
        acr=owner.acr,
        amr=owner.amr,
        auth_time=owner.auth_time,
        via="admin API",
        ctl=owner.ctl,
    )


async def _call(ask: Ask, found: Approval, decider: Decider) -> Call | None:
    try:
        seen = shown(ask.work, found)
    except NotReadableError:
        return None
    why = deciding.why_not(ask.work, found, decider, await approvals.decisions(ask.work, found))
    return Call(
        display_hash=found.display_hash,
        sentence="".join(
            "(hidden)" if part.kind == "hidden" else "(not given)" if part.kind == "not_given" else part.text
            for part in seen.sentence
        ),
        arguments=[
            Argument(path=line.path, text=line.text, is_hidden=line.is_hidden, length=line.length)
            for line in seen.arguments
        ],
        follows="" if seen.follows is None else f"It {seen.follows.words}.",
        releases=seen.releases,
        you_may_approve=why is None,
        why_not=why.value if why else None,
    )


def _row(one: Approval) -> ApprovalShown:
    return ApprovalShown(
        id=one.id,
        state=one.state.value,
        sub=one.sub,
        client_id=one.client_id,
        resource=one.resource,
        tool=one.tool,
        tool_class=one.tool_class,
        role=one.role,
        approvers=one.rule.approvers,
        requested_at=one.requested_at,
        expires_at=one.expires_at,
        decided_at=one.decided_at,
    )
