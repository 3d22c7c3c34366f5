"""
A yes to several calls: this tool, with these arguments or under this condition, at most so many times, until then.

The row decides, never a token that speaks of it. A grant hangs on one authorization and ends with it, whatever ends that; it
is of one tenant, person, client, resource, tool and definition of that tool. `spend` is one counted `UPDATE` that repeats
every condition, so that of fifty parallel calls exactly the allowed number is covered. There is no "always": the number and
the end are bounded by settings, and those by 100 calls and a day.

Not here: who may be asked (the rule of the tool says that), and the words of RFC 9396 (`oauth/authorization_details.py`).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from authserver.domain.audit import event
from authserver.domain.call_grants import store
from authserver.domain.resources.resource import Resource, Tool
from authserver.domain.tokens import authorization
from authserver.domain.users import user
from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire import claims
from resource_lib.wire import condition as conditions
from resource_lib.wire.approvals import DETAIL_TYPE, ApprovalRule
from resource_lib.wire.condition import Condition, ConditionError, Scene, Truth

MOST_OF_ONE_AUTHORIZATION = 20
"""Living grants of one authorization: more can be overseen by nobody."""

MOST_CONDITION = 300
"""Characters of a condition: a person reads it."""

_SHOWN = "shown:"


class InvalidCallGrantError(ValueError):
    """A grant cannot be like that. The message names the member and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallGrant:
    """What somebody allowed. Times are seconds since the epoch; `args_hash` is empty for any arguments, `condition` for any."""

    id: str
    authorization_id: str
    sub: str
    client_id: str
    resource: str
    tool: str
    definition_hash: str
    """The tool as its server defines it; until the first use of one given at consent, as our directory described it."""
    args_hash: str
    condition: str
    max_calls: int
    used: int
    given_by: str
    acr: str
    auth_time: int
    created_at: int
    expires_at: int
    is_ended: bool
    is_taken_back: bool
    """Whether something has ended since that whoever gave it said: they were stopped, or have a new password."""

    @property
    def left(self) -> int:
        """How many calls are left."""
        return max(0, self.max_calls - self.used)

    def is_live(self, now: int) -> bool:
        """Whether it can still be spent; that its authorization lives is asked besides."""
        return not self.is_ended and now < self.expires_at and self.left > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call that a grant may cover, as its resource server reported it and the server proved it."""

    authorization_id: str
    sub: str
    client_id: str
    """Of the token: for one that was exchanged, whoever acts."""
    resource: str
    tool: str
    definition_hash: str
    args_hash: str


def as_shown(tool: Tool | None) -> str:
    """Return what stands for a tool's definition where only our directory was shown: another word in it is another tool."""
    if tool is None:
        return _SHOWN
    said = [tool.name, tool.sensitivity, sorted(tool.scopes), tool.title, tool.description]
    return _SHOWN + hashlib.sha256(orjson.dumps(said)).hexdigest()


def latest_end(work: UnitOfWork, expires_in: int | None = None) -> int:
    """Return when a grant of now ends that is asked for `expires_in` seconds, never later than the setting permits."""
    most = work.machines.settings.call_grant_most_seconds
    return work.now + (most if expires_in is None else min(expires_in, most))


def check_bounds(work: UnitOfWork, *, max_calls: int, expires_at: int, condition: str = "") -> None:
    """Raise InvalidCallGrantError for what nobody may give."""
    settings = work.machines.settings
    if not 1 <= max_calls <= settings.call_grant_most_calls:
        raise InvalidCallGrantError(f"max_calls: 1 to {settings.call_grant_most_calls}")
    if not work.now < expires_at <= work.now + settings.call_grant_most_seconds:
        raise InvalidCallGrantError(f"expires_in: 1 to {settings.call_grant_most_seconds} seconds")
    if condition:
        _parsed(condition)


def plan(
    work: UnitOfWork,
    *,
    authorization_id: str,
    sub: str,
    client_id: str,
    resource: str,
    tool: str,
    definition_hash: str,
    max_calls: int,
    expires_at: int,
    given_by: str,
    acr: str,
    auth_time: int,
    args_hash: str = "",
    condition: str = "",
) -> CallGrant:
    """Return a grant that can be given, and write nothing. Raises InvalidCallGrantError.

    `definition_hash` is the tool's own, or `as_shown`. `given_by`, `acr` and `auth_time` say who gives it and how they had
    proved who they are: a rule that demands more is not met by it.
    """
    check_bounds(work, max_calls=max_calls, expires_at=expires_at, condition=condition)
    return CallGrant(
        id=new_id("cg"),
        authorization_id=authorization_id,
        sub=sub,
        client_id=client_id,
        resource=resource,
        tool=tool,
        definition_hash=definition_hash,
        args_hash=args_hash,
        condition=condition,
        max_calls=max_calls,
        used=0,
        given_by=given_by,
        acr=acr,
        auth_time=auth_time,
        created_at=work.now,
        expires_at=expires_at,
        is_ended=False,
        is_taken_back=False,
    )


def give(work: UnitOfWork, given: CallGrant, *, proven_at: int = 0) -> None:
    """Give what was planned, in the bound tenant, with the caller's other writes.

    `proven_at` is the control number of the login by which whoever gives it is known here, if it was looked up.

    Whoever gives one for an authorization that exists already claims that it lives (`authorization.require_live`).
    """
    assert work.tenant is not None
    sealed = None
    if given.condition:
        sealed = store.CONDITION.seal(
            work.machines.key_encryption, given.condition.encode(), tenant_id=work.tenant, grant_id=given.id
        )
    work.write(
        store.GIVE,
        grant_id=given.id,
        authorization_id=given.authorization_id,
        sub=given.sub,
        client_id=given.client_id,
        resource=given.resource,
        tool=given.tool,
        definition_hash=given.definition_hash,
        args_hash=given.args_hash,
        condition=sealed,
        max_calls=given.max_calls,
        given_by=given.given_by,
        acr=given.acr,
        auth_time=given.auth_time,
        now=work.now,
        expires_at=given.expires_at,
        ctl=max(work.applied, proven_at),
    )
    authorization.has_details(work, given.authorization_id, DETAIL_TYPE)
    if given.sub.startswith(authorization.MACHINE):
        # A machine's standing authorization is remembered.
        work.changes_directory = True
    _record(
        work,
        event.Kind.CALL_GRANT_GIVEN,
        given,
        max_calls=given.max_calls,
        expires_at=given.expires_at,
        given_by=given.given_by,
    )


async def find(work: UnitOfWork, grant_id: str) -> CallGrant | None:
    """Return a grant of the bound tenant, used up and ended ones too, or None; never from memory."""
    row = await work.one(store.FIND, grant_id=grant_id)
    return _grant(work, row) if row else None


async def of_authorization(work: UnitOfWork, authorization_id: str) -> list[CallGrant]:
    """Return what can still be spent under an authorization of the bound tenant, what says most first."""
    rows = await work.all(store.OF_AUTHORIZATION, authorization_id=authorization_id, now=work.now)
    return [_grant(work, row) for row in rows]


async def of_person(work: UnitOfWork, sub: str) -> list[CallGrant]:
    """Return what can still be spent in the name of a member of the bound tenant, what ends first first."""
    return [_grant(work, row) for row in await work.all(store.OF_PERSON, sub=sub, now=work.now)]


def named_in(said: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the grants that a token's claims name, where its client asked for no others; None: all that it has."""
    if not said.get(claims.DETAILS_NARROWED):
        return None
    details = said.get(claims.AUTHORIZATION_DETAILS, ())
    return frozenset(str(detail["grant_id"]) for detail in details if isinstance(detail, dict) and "grant_id" in detail)


async def covering(
    work: UnitOfWork,
    call: Call,
    *,
    arguments: Mapping[str, Any],
    rule: ApprovalRule,
    resource: Resource,
    only: frozenset[str] | None = None,
    since: int | None = None,
) -> CallGrant | None:
    """Return a living grant that covers this call as `rule` demands it, or None: then somebody is asked.

    `resource` is the server at which the call counts. `only`: the grants that the token names, where it was narrowed to some
    (RFC 9396 §6); see `named_in`. `since`: only one that was given then or later, because what came before it may have changed
    what a person would say.
    """
    shown = as_shown(next((tool for tool in resource.tools if tool.name == call.tool), None))
    for each in await of_authorization(work, call.authorization_id):
        if (
            _fits(each, call, shown)
            and (only is None or each.id in only)
            and (since is None or each.created_at >= since)
            and _holds(work, each, arguments)
            and await meets(work, each, rule)
        ):
            return each
    return None


def is_spendable(grant: CallGrant, call: Call, *, resource: Resource, now: int) -> bool:
    """Whether `spend` could still win, by what was read: an approval that was born of a grant lives as long as that."""
    shown = as_shown(next((tool for tool in resource.tools if tool.name == call.tool), None))
    return grant.is_live(now) and _fits(grant, call, shown)


def spend(work: UnitOfWork, grant_id: str, call: Call, *, resource: Resource, role: str = "") -> None:
    """Claim one use for this call. A lost commit: it is used up, over, ended, not for this call, or its authorization ended.

    `role` is whose yes the call takes: a grant that somebody else gave counts while they are active and hold it.
    """
    tool = next((tool for tool in resource.tools if tool.name == call.tool), None)
    work.claim(
        store.SPEND,
        grant_id=grant_id,
        authorization_id=call.authorization_id,
        sub=call.sub,
        client_id=call.client_id,
        resource=call.resource,
        tool=call.tool,
        definition_hash=call.definition_hash,
        as_shown=as_shown(tool),
        args_hash=call.args_hash,
        role=f'"{role}"',
        now=work.now,
    )
    event.record(
        work,
        event.Kind.CALL_GRANT_SPENT,
        client_id=call.client_id,
        sub=call.sub,
        authorization_id=call.authorization_id,
        resource=call.resource,
        grant_id=grant_id,
        tool=call.tool,
        definition_hash=call.definition_hash,
        args_hash=call.args_hash,
    )


def end(work: UnitOfWork, grant: CallGrant, *, reason: str) -> None:
    """End it: the next use is refused. A lost commit: it is ended already."""
    work.claim(store.END, grant_id=grant.id, sub=grant.sub, now=work.now)
    _record(work, event.Kind.CALL_GRANT_ENDED, grant, reason=reason)


def end_of_tools(work: UnitOfWork, tools: Iterable[str], *, sub: str, client_id: str, resource: str) -> None:
    """End what was given for tools that a person lets an application use no longer: allowing one anew brings nothing back."""
    for tool in sorted(set(tools)):
        work.write(store.END_OF_TOOL, sub=sub, client_id=client_id, resource=resource, tool=tool, now=work.now)


async def erase_naming(work: UnitOfWork, is_named_in: Callable[[str], bool], *, is_rehearsal: bool = False) -> int:
    """End for good with the unit's commit every permission of the bound tenant whose condition names somebody; returns how many."""
    found = [
        row["grant_id"]
        for row in await work.all(store.CONDITIONS)
        if is_named_in(
            store.CONDITION.open(
                work.machines.key_encryption, row["condition"], tenant_id=row["tenant_id"], grant_id=row["grant_id"]
            ).decode()
        )
    ]
    if not is_rehearsal:
        for grant_id in found:
            work.write(store.REMOVE, grant_id=grant_id)
        await work.commit()
    return len(found)


def expire(work: UnitOfWork) -> None:
    """Forget grants a week after their end."""
    work.write(store.EXPIRE, before=work.now - 7 * 24 * 3600)


def _fits(grant: CallGrant, call: Call, shown: str) -> bool:
    return (
        (grant.authorization_id, grant.sub, grant.client_id, grant.resource, grant.tool)
        == (call.authorization_id, call.sub, call.client_id, call.resource, call.tool)
        and grant.definition_hash in {call.definition_hash, shown}
        and grant.args_hash in {"", call.args_hash}
    )


def _parsed(text: str) -> Condition:
    if len(text) > MOST_CONDITION:
        raise InvalidCallGrantError(f"condition: at most {MOST_CONDITION} characters")
    try:
        parsed = conditions.parse(text)
    except ConditionError as error:
        raise InvalidCallGrantError(f"condition: {error}") from None
    if parsed.looks_back:
        raise InvalidCallGrantError("condition: may not ask about earlier calls; count them with max_calls")
    return parsed


def _holds(work: UnitOfWork, grant: CallGrant, arguments: Mapping[str, Any]) -> bool:
    if not grant.condition:
        return True
    # What cannot be decided does not cover: a missing argument, another type, a fact that only the caller states.
    scene = Scene(args=arguments, tool=grant.tool, client=grant.client_id, tenant=work.tenant, now=float(work.now))
    try:
        return _parsed(grant.condition).evaluate(scene) is Truth.YES
    except InvalidCallGrantError:
        return False


async def meets(work: UnitOfWork, grant: CallGrant, rule: ApprovalRule) -> bool:
    """Whether whoever gave it can still say yes to each of these calls by themselves, as they had proved who they are then."""
    if rule.approvers > 1 or grant.max_calls > rule.most_calls:
        return False
    if rule.max_age is not None and grant.created_at - grant.auth_time > rule.max_age:
        return False
    if rule.acr and grant.acr not in rule.acr:
        return False
    is_of_machine = grant.sub.startswith(authorization.MACHINE)
    if not rule.needs_role and not is_of_machine:
        return grant.given_by == grant.sub
    if grant.given_by == grant.sub or grant.is_taken_back:
        return False
    giver = await user.member_by_sub(work, grant.given_by)
    return (
        giver is not None
        and giver.is_active
        and rule.role in giver.roles
        # What came from the password before ends with it.
        and grant.auth_time >= giver.password_changed_at
    )


def _record(work: UnitOfWork, kind: event.Kind, grant: CallGrant, **said: Any) -> None:
    event.record(
        work,
        kind,
        client_id=grant.client_id,
        sub=grant.sub,
        authorization_id=grant.authorization_id,
        resource=grant.resource,
        grant_id=grant.id,
        tool=grant.tool,
        definition_hash=grant.definition_hash,
        **said,
    )


def _grant(work: UnitOfWork, row: Row) -> CallGrant:
    condition = ""
    if row["condition"] is not None:
        condition = store.CONDITION.open(
            work.machines.key_encryption, row["condition"], tenant_id=row["tenant_id"], grant_id=row["grant_id"]
        ).decode()
    return CallGrant(
        id=row["grant_id"],
        authorization_id=row["authorization_id"],
        sub=row["sub"],
        client_id=row["client_id"],
        resource=row["resource"],
        tool=row["tool"],
        definition_hash=row["definition_hash"],
        args_hash=row["args_hash"],
        condition=condition,
        max_calls=row["max_calls"],
        used=row["used"],
        given_by=row["given_by"],
        acr=row["acr"],
        auth_time=row["auth_time"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        is_ended=row["ended_at"] is not None,
        is_taken_back=row["ctl"] < row["givers_floor"],
    )
