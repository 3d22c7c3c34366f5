"""
A call that needs a yes is asked for: found again while it waits, runs or was just refused, else made anew.

Decision 13. An identical call of one authorization is one row while it waits: a partial unique index says so, so that a hundred
parallel retries open one prompt. A no holds until its time is over; that the time ran out is told once; an outcome that was never
delivered is told once, within ten minutes; and a call that was under way before another's outcome came gets that outcome, and
never a second prompt. How much one authorization may ask for is bounded by the statement that writes it (a person who is asked
all day reads nothing).

Not here: who is asking, and whether their token stands (`oauth/resource_server.py`).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from authserver.domain.approvals import showing, store
from authserver.domain.approvals.approval import Approval, from_row, new, new_id, record, tell
from authserver.domain.approvals.outcomes import Outcome, outcome_of
from authserver.domain.approvals.spending import Caller, lapse, lose
from authserver.domain.audit import event
from authserver.domain.call_grants import grant as call_grants
from authserver.domain.notices import notice
from authserver.domain.tokens.authorization import MACHINE, Authorization, require_live
from authserver.domain.tool_policies import tool_policy
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.approvals import ApprovalRule, Follows, State
from resource_lib.wire.condition import Scene
from resource_lib.wire.tool_policy import CLASSES

MOST_WAITING = 20
"""How many calls of one authorization may wait for a person at once."""

MOST_AN_HOUR = 60
"""How many calls of one authorization may be asked for in an hour; refused ones count."""

_HOUR = 3600
_ROLE = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


class TooManyError(Exception):
    """An authorization has asked for too much."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many approvals")
        self.retry_after_s = retry_after_s


class InvalidCallError(ValueError):
    """A call that nobody could be asked about. The message names the member and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call, as the MCP server it reached reports it; its hashes have been checked."""

    tool: str
    tool_class: str
    title: str
    description: str
    version: str
    arguments: Mapping[str, Any]
    args_hash: str
    definition_hash: str
    policy_version: str
    rule: ApprovalRule
    follows: Follows | None = None
    """What text from outside came before it, by its server's word. No part of what makes two calls one."""
    releases: bool = False
    """Whether the tool has run, and its answer, which is in the arguments, is withheld until the yes."""
    age_ms: int
    """How long ago it reached the MCP server."""
    only_known: bool = False
    """Whether nobody is asked who was not asked before: a limit has no room for one more call."""


class UnknownCallError(Exception):
    """Nobody was asked about this call, and nobody is to be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an MCP server is told. `outcome` is there where the call has run already and this answer is the way to say so."""

    approval: Approval
    state: State
    is_new: bool = False
    differs: tuple[str, ...] = ()
    """How this call differs from one of the same tool that has its yes and was not run: `arguments`, `definition`, `policy`."""
    outcome: Outcome | None = None


async def ask(work: UnitOfWork, owner: Authorization, caller: Caller, call: Call) -> Answer:
    """Return what has become of this call, beginning an approval for it where there is none.

    `owner` is what the caller's token stands on; it is claimed that it lives. Raises TooManyError, InvalidCallError,
    UnknownCallError. A lost commit: the same call was asked for, decided or answered at this moment.
    """
    call = await _as_demanded(work, caller, call)
    if _needs_role(caller, call) and not _ROLE.fullmatch(call.rule.role):
        raise InvalidCallError("rule.role: is no role name (a-z, 0-9, _ . -, at most 40)")
    call_key = _call_key(caller, call)
    rows = await work.all(store.OF_CALL, authorization_id=caller.authorization_id, call_key=call_key)
    known = await _known(work, [from_row(work, row) for row in rows], call)
    if known is None:
        if call.only_known:
            raise UnknownCallError
        known = await _begin(work, owner, caller, call, call_key)
    if known.state is State.PENDING:
        return Answer(
            approval=known.approval,
            state=known.state,
            is_new=known.is_new,
            differs=await _differs(work, caller, call),
        )
    return known


async def _as_demanded(work: UnitOfWork, caller: Caller, call: Call) -> Call:
    """Return the call as grave and as well named as our directory knows its tool, under a rule at least as strict as the tenant's."""
    known = next((tool for tool in caller.resource.tools if tool.name == call.tool), None)
    tool_class = max(call.tool_class, known.sensitivity if known is not None else "read", key=CLASSES.index)
    scene = Scene(
        args=call.arguments,
        tool=call.tool,
        tool_class=tool_class,
        client=caller.client_id,
        subject=caller.sub,
        tenant=work.tenant,
        now=float(work.now),
        is_service=caller.sub.startswith(MACHINE),
    )
    overlay = await tool_policy.of_tenant(work, work.tenant or "", caller.resource.uri)
    if not overlay.lets_in(call.tool, call.definition_hash):
        raise InvalidCallError("definition_hash: is of what nobody here has let in; `authserver tool review` shows it")
    rule = overlay.asking(call.tool, tool_class, call.rule, scene)
    if rule is None:
        raise InvalidCallError("rule: nobody could say yes by it and by the tenant's rules for this tool, which differ")
    # A server that gives its tools no titles was registered with some: people read the one they read at consent.
    title = call.title or (known.title if known is not None else "")
    return replace(call, tool_class=tool_class, title=title, rule=rule)


async def _known(work: UnitOfWork, found: Sequence[Approval], call: Call) -> Answer | None:
    """Return what is to be told of an earlier identical call; None: nothing is, and it is asked anew."""
    for one in found:
        if one.stored in {State.PENDING, State.APPROVED, State.EXECUTING, State.AMBIGUOUS}:
            return _unfinished(work, one)
    for one in found:
        if one.stored is State.DENIED and work.now < one.expires_at:
            return Answer(approval=one, state=State.DENIED)
        if one.stored is State.EXPIRED and one.told_at is None:
            work.claim(store.TELL, approval_id=one.id, now=work.now)
            record(work, event.Kind.APPROVAL_EXPIRED, one)
            return Answer(approval=one, state=State.EXPIRED)
    done = [one for one in found if one.stored is State.DONE and one.done_at_us is not None]
    return await _finished(work, max(done, key=lambda one: one.done_at_us or 0), call) if done else None


def _unfinished(work: UnitOfWork, one: Approval) -> Answer:
    if one.stored in {State.PENDING, State.APPROVED} and one.state is State.EXPIRED:
        lapse(work, one)
    elif one.stored is State.EXECUTING and one.state is State.AMBIGUOUS:
        lose(work, one)
    return Answer(approval=one, state=one.state)


async def _finished(work: UnitOfWork, one: Approval, call: Call) -> Answer | None:
    outcome = await outcome_of(work, one)
    if outcome is None:
        return None
    if one.delivered_at is None and one.replayed_at is None:
        work.claim(store.REPLAY, approval_id=one.id, now=work.now)
        record(work, event.Kind.APPROVAL_DELIVERED, one, replayed=True)
        return Answer(approval=one, state=State.DONE, outcome=outcome)
    was_under_way = work.at_us - call.age_ms * 1000 < (one.done_at_us or 0)
    return Answer(approval=one, state=State.DONE, outcome=outcome) if was_under_way else None


async def _begin(work: UnitOfWork, owner: Authorization, caller: Caller, call: Call, call_key: bytes) -> Answer:
    assert work.tenant is not None
    await _within_budget(work, caller)
    try:
        shown = _shown(owner, caller, call)
    except showing.TooMuchToShowError:
        raise InvalidCallError(
            "arguments: nobody could be shown all of them; send fewer, or under shorter names"
        ) from None
    granted = None
    if not call.releases:
        # Who allowed calls of a tool beforehand has not read what came of them.
        granted = await call_grants.covering(
            work,
            caller.of_grant(call.tool, definition_hash=call.definition_hash, args_hash=call.args_hash),
            arguments=call.arguments,
            rule=call.rule,
            resource=caller.resource,
            only=caller.only_grants,
            since=_since(work, call),
        )
    approval_id = new_id(work.tenant)
    payload, payload_key = showing.sealed(work, approval_id, shown)
    row = {
        "approval_id": approval_id,
        "authorization_id": caller.authorization_id,
        "sub": caller.sub,
        "client_id": caller.client_id,
        "actor": caller.actor,
        "resource": caller.resource.uri,
        "tool": call.tool,
        "tool_class": call.tool_class,
        "definition_hash": call.definition_hash,
        "args_hash": call.args_hash,
        "policy_version": call.policy_version,
        "rule": orjson.dumps(call.rule.to_json()).decode(),
        "role": call.rule.role if _needs_role(caller, call) else "",
        "grant_id": None if granted is None else granted.id,
        "payload": payload,
        "payload_key": payload_key,
        "display_hash": shown.hash,
        "state": (State.PENDING if granted is None else State.APPROVED).value,
        "expires_at": work.now + (call.rule.expires_in if granted is None else call.rule.use_within),
        "decided_at": None if granted is None else work.now,
    }
    # The authorization's row is locked first: whoever asks at the same moment counts what this one adds.
    require_live(work, owner)
    work.claim(
        store.ASK,
        **row,
        call_key=call_key,
        now=work.now,
        since=work.now - _HOUR,
        most_waiting=MOST_WAITING,
        most_asked=MOST_AN_HOUR,
    )
    made = new(work, row, owner_until=owner.expires_at)
    record(
        work,
        event.Kind.APPROVAL_REQUESTED,
        made,
        tool_class=call.tool_class,
        args_hash=call.args_hash,
        **({} if granted is None else {"grant_id": granted.id}),
    )
    if granted is None:
        await tell(work, notice.Event.APPROVAL_REQUESTED, made)
    return Answer(approval=made, state=made.state, is_new=True)


async def _within_budget(work: UnitOfWork, caller: Caller) -> None:
    """Raise TooManyError. The statement that writes says it once more, because others ask too."""
    spent = await work.one(store.BUDGET, authorization_id=caller.authorization_id, now=work.now, since=work.now - _HOUR)
    assert spent is not None
    if spent["asked"] >= MOST_AN_HOUR:
        raise TooManyError(max(1, spent["oldest"] + _HOUR - work.now))
    if spent["waiting"] >= MOST_WAITING:
        raise TooManyError(60)


async def _differs(work: UnitOfWork, caller: Caller, call: Call) -> tuple[str, ...]:
    row = await work.one(
        store.APPROVED_OF_TOOL,
        authorization_id=caller.authorization_id,
        resource=caller.resource.uri,
        tool=call.tool,
        actor=caller.actor,
        now=work.now,
    )
    if row is None:
        return ()
    compared = {
        "arguments": (row["args_hash"], call.args_hash),
        "definition": (row["definition_hash"], call.definition_hash),
        "policy": (row["policy_version"], call.policy_version),
    }
    return tuple(name for name, (had, has) in compared.items() if had != has)


def _shown(owner: Authorization, caller: Caller, call: Call) -> showing.Shown:
    arguments = showing.arguments_of(call.arguments, call.rule.redact)
    return showing.Shown(
        tool=call.tool,
        tool_class=call.tool_class,
        title=call.title,
        description=call.description,
        version=call.version,
        resource=caller.resource.uri,
        sub=caller.sub,
        client_id=caller.client_id,
        actor=caller.actor,
        purpose=owner.purpose,
        follows=call.follows,
        releases=call.releases,
        sentence=showing.sentence_of(call.rule, call.arguments),
        arguments=arguments,
    )


def _since(work: UnitOfWork, call: Call) -> int | None:
    """Return when a yes given beforehand must have been given: not before the text from outside that this call follows came."""
    if call.follows is None:
        return None
    return call.follows.at or work.now


def _needs_role(caller: Caller, call: Call) -> bool:
    return call.rule.needs_role or caller.sub.startswith(MACHINE)


def _call_key(caller: Caller, call: Call) -> bytes:
    """Return what makes two calls one: what decision 13 binds a yes to, who acts, and whose yes it takes."""
    bound = [
        caller.authorization_id,
        caller.sub,
        caller.client_id,
        caller.actor,
        caller.resource.uri,
        call.tool,
        call.definition_hash,
        call.args_hash,
        call.policy_version,
        call.rule.to_json(),
        *(["releases"] if call.releases else []),
    ]
    return hashlib.sha256(b"mcp-approval/1\n" + orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)).digest()
