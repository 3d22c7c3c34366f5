"""
A call that needs a person's yes: may it run, has somebody said so, what came of it? Asked by MCP servers, in their own name.

Decision 13; RFC 9068 §4, RFC 9396 §6 (grants that a token names). Who calls is proven by the caller's own token, which must be for
the server's resource and for a tenant it is heard for. What is not its own (another server's approval, another tenant's, an
unknown id) is told in the same bytes. What decided is asked of the rows again when a yes is spent: token, authorization, person,
application, organisation, permission, and the scopes of the tool.

Not here: how a server proves itself (`resource_server.py`), and how long a question may wait (`web/rs/approvals.py`).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import asking, outcomes, spending
from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.outcomes import Outcome
from authserver.domain.approvals.spending import Caller, RefusedUseError
from authserver.domain.audit import event
from authserver.domain.call_grants import grant as call_grants
from authserver.domain.clients import registry
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.resources.resource import Tool
from authserver.domain.tokens import presented
from authserver.domain.tokens.presented import NotStandingError, Presented, Standing
from authserver.domain.tool_policies import tool_policy
from authserver.oauth import approval_request
from authserver.oauth.approval_request import Members
from authserver.oauth.client_authentication import is_served
from authserver.oauth.errors import InvalidRequest, NotForThisServer, TooManyApprovals, UnknownApproval
from authserver.oauth.issuing import held_now
from authserver.oauth.resource_server import authenticated
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.approvals import State
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX
from resource_lib.wire.control import Kind

_ORDINARY = frozenset({spending.WhyNot.REQUIRED, spending.WhyNot.IN_PROGRESS})
"""What every retry is told; nothing that an auditor asks about."""

_RETRY_AFTER_S = {State.PENDING: 5, State.EXECUTING: 1}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer: its status, and the members of its JSON object."""

    status: int
    members: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An approval that a resource server may ask about, once it proved who it is."""

    server: str
    approval_id: str


async def ask(work: UnitOfWork, issuer: Issuer, said: Members, authorization: bytes | None) -> Reply:
    """Return what has become of one call, asking for a yes where nobody was asked; with `only_known`, a 409 there instead.

    Raises InvalidRequest, InvalidClient, NotForThisServer, TooManyApprovals, SlowDown.
    """
    server = await _server(work, issuer, authorization)
    call = approval_request.call(said)
    token, stands = await _caller(work, issuer, server, approval_request.token(said), _of(call))
    work.bind(token.tenant)
    if not await _still_permits(work, token, stands, call.tool, call.tool_class):
        raise _denied(work, server, "scope_gone", _of(call))
    held = await _held(work, stands, call.tool, call.definition_hash)
    if held is not None:
        return held
    try:
        answer = await asking.ask(work, stands.authorization, _as_caller(token, stands), call)
    except asking.InvalidCallError as error:
        raise InvalidRequest(f"{error}.", reason="invalid_rule") from None
    except asking.UnknownCallError:
        return Reply(status=409, members={"error": "approval_required", "state": "unknown"})
    except asking.TooManyError as error:
        raise TooManyApprovals(
            "This authorization asks people for too much; what waits must be decided first.",
            reason="approval_flood",
            retry_after_s=error.retry_after_s,
        ) from None
    found = answer.approval
    members: dict[str, Any] = {
        "approval_id": found.id,
        "approval_url": await approvals.url(work, found),
        "state": answer.state.value,
        "expires_at": found.expires_at,
        "retry_after_s": _retry_after_s(work, found, answer.state),
        "is_new": answer.is_new,
    }
    if answer.differs:
        members["differs"] = list(answer.differs)
    return Reply(status=201 if answer.is_new else 200, members=members | _outcome(answer.outcome))


async def place(work: UnitOfWork, issuer: Issuer, approval_id: str, authorization: bytes | None) -> Place:
    """Return what this server may ask about, and bind the unit to its tenant. Raises InvalidClient, UnknownApproval, SlowDown."""
    server = await _server(work, issuer, authorization)
    await _own(work, issuer, server, approval_id)
    return Place(server=server.id, approval_id=approval_id)


async def status(work: UnitOfWork, issuer: Issuer, where: Place) -> Reply:
    """Return what has become of an approval by now; whoever waited is told nothing once it is not heard any more.

    Raises UnknownApproval.
    """
    server = await registry.find(work, where.server)
    if server is None or not await is_served(work, issuer, server):
        raise _unknown()
    found = await _own(work, issuer, server, where.approval_id)
    members = {"approval_id": found.id, "state": found.state.value, "expires_at": found.expires_at}
    outcome = await outcomes.outcome_of(work, found) if found.state is State.DONE else None
    return Reply(status=200, members=members | _outcome(outcome))


async def consume(
    work: UnitOfWork, issuer: Issuer, approval_id: str, said: Members, authorization: bytes | None
) -> Reply:
    """Spend a yes for exactly one call, or say with 409 why not; what it is for is not burnt by a mismatch.

    `instance_id` names one run of one call: the same run may ask again, to hold its lease. Raises InvalidRequest, InvalidClient,
    NotForThisServer, UnknownApproval, SlowDown.
    """
    server = await _server(work, issuer, authorization)
    use, sent = approval_request.use(said), approval_request.token(said)
    found = await _own(work, issuer, server, approval_id)
    try:
        if spending.is_running_here(found, use):
            # It runs; that its token has ended meanwhile is no reason to lose track of it.
            lease = spending.renew(work, found, use)
        else:
            token, stands = await _caller(work, issuer, server, sent, _Named(found.tool, use.definition_hash))
            if token.tenant != found.tenant:
                raise _unknown()
            if not await _still_permits(work, token, stands, found.tool, found.tool_class):
                raise _denied(work, server, "scope_gone", _Named(found.tool, use.definition_hash))
            held = await _held(work, stands, found.tool, use.definition_hash)
            if held is not None:
                # Nothing is spent: revived in time, it goes on.
                return Reply(status=held.status, members=held.members | {"state": found.state.value})
            lease = await spending.consume(work, found, stands.authorization, _as_caller(token, stands), use)
    except RefusedUseError as refused:
        if refused.reason not in _ORDINARY:
            event.record(
                work,
                event.Kind.APPROVAL_REFUSED,
                event.Outcome.REFUSED,
                reason=refused.reason.value,
                client_id=server.id,
                authorization_id=found.authorization_id,
                resource=found.resource,
                approval_id=found.id,
                tool=found.tool,
                definition_hash=use.definition_hash,
            )
        return Reply(status=409, members={"error": refused.reason.value, "state": refused.state.value})
    return Reply(
        status=200,
        members={
            "state": State.EXECUTING.value,
            "lease_s": spending.LEASE_S,
            "leg": lease.leg,
            "is_renewed": lease.is_renewed,
        },
    )


async def outcome(
    work: UnitOfWork, issuer: Issuer, approval_id: str, said: Members, authorization: bytes | None
) -> Reply:
    """Keep what came of a call, or that its answer was delivered. Raises InvalidRequest, InvalidClient, UnknownApproval, SlowDown."""
    server = await _server(work, issuer, authorization)
    instance_id = approval_request.instance(said)
    is_delivered = approval_request.flag(said, "delivered")
    told = approval_request.told(said)
    if told is None and not is_delivered:
        raise InvalidRequest("state: say done, with the outcome, or delivered: true.", reason="missing_parameter")
    found = await _own(work, issuer, server, approval_id)
    try:
        if told is not None:
            outcomes.finish(work, found, instance_id=instance_id, outcome=told, is_delivered=is_delivered)
        else:
            outcomes.deliver(work, found, instance_id=instance_id)
    except RefusedUseError as refused:
        return Reply(status=409, members={"error": refused.reason.value, "state": refused.state.value})
    return Reply(status=200, members={"approval_id": found.id, "state": State.DONE.value})


async def _held(work: UnitOfWork, stands: Standing, tool: str, definition_hash: str) -> Reply | None:
    """Return what is told of a call that an operator's stop holds up: of its server, of one it came through, of its tool."""
    stop = stands.held or await spending.stop_on(work, stands.target.uri, tool, definition_hash)
    if stop is None:
        return None
    if stop.target.kind is Kind.RESOURCE:
        return Reply(status=409, members={"error": "server_inactive", "retry_after_s": stop.retry_after_s})
    return Reply(status=409, members={"error": "tool_unknown"})


async def _server(work: UnitOfWork, issuer: Issuer, authorization: bytes | None) -> Client:
    return await authenticated(work, issuer, authorization, budget=work.machines.approval_requests)


async def _caller(
    work: UnitOfWork, issuer: Issuer, server: Client, sent: str, named: "_Named"
) -> tuple[Presented, Standing]:
    """Return the caller's token and what it stands on now. Raises NotForThisServer, the same for every fault."""
    try:
        token = await presented.read(work, issuer, sent)
        stands = await presented.standing(work, issuer, token)
    except NotStandingError as refused:
        raise _denied(work, server, refused.reason, named) from None
    if token.resource != server.speaks_for:
        raise _denied(work, server, "other_resource", named)
    if not await presented.is_heard(work, server, token.tenant):
        raise _denied(work, server, "other_tenant", named)
    return token, stands


async def _still_permits(work: UnitOfWork, token: Presented, stands: Standing, tool: str, tool_class: Any) -> bool:
    """Whether the token still carries, and its holder still has, what this tool takes: its own scope, and its author's.

    A tool that the tenant does not let this application use is permitted to nobody, whatever class it is said to be of.
    """
    known = next((one for one in stands.target.tools if one.name == tool), None)
    overlay = await tool_policy.of_tenant(work, token.tenant, stands.target.uri)
    if known is None and not overlay.offers(Tool(name=tool, sensitivity=tool_class), token.client_id):
        return False
    needed = set(known.scopes) if known is not None else set()
    if tool_class != "read" or (known is not None and known.sensitivity != "read"):
        needed.add(TOOL_SCOPE_PREFIX + tool)
    return needed <= set(held_now(work, token.scope, stands, is_exchanged=token.act is not None))


def _as_caller(token: Presented, stands: Standing) -> Caller:
    owner = stands.authorization
    return Caller(
        authorization_id=owner.id,
        sub=owner.sub,
        client_id=owner.client_id,
        actor=" ".join(presented.actors_of(token)),
        resource=stands.target,
        only_grants=call_grants.named_in(token.claims),
    )


async def _own(work: UnitOfWork, issuer: Issuer, server: Client, approval_id: str) -> Approval:
    """Return an approval of this server's resource in a tenant it is heard for at this issuer, and bind the unit to that tenant.

    Raises UnknownApproval, the same for all else.
    """
    tenant = approvals.tenant_of_id(approval_id)
    if tenant is None:
        raise _unknown()
    found = await approvals.find(work.beside(tenant), approval_id)
    is_heard = await presented.is_heard(work, server, tenant) and (await all_issuers(work)).serves(issuer, tenant)
    if found is None or found.resource != server.speaks_for or not is_heard:
        raise _unknown()
    work.bind(tenant)
    return found


def _unknown() -> UnknownApproval:
    return UnknownApproval("There is no such approval.")


class _Named(NamedTuple):
    """Which call it is about, for the record."""

    tool: str
    definition_hash: str


def _of(call: asking.Call) -> _Named:
    return _Named(call.tool, call.definition_hash)


def _denied(work: UnitOfWork, server: Client, reason: str, named: _Named) -> NotForThisServer:
    if work.machines.foreign_token_notes.take(server.id, work.at_us) is None:
        note = work if work.tenant is not None else _noting(work, server)
        event.record(
            note,
            event.Kind.APPROVAL_REFUSED,
            event.Outcome.REFUSED,
            reason=reason,
            client_id=server.id,
            resource=server.speaks_for,
            **named._asdict(),
        )
    return NotForThisServer("access_token: does not stand, or is not for this server and tool.", reason=reason)


def _noting(work: UnitOfWork, server: Client) -> UnitOfWork:
    work.bind(server.tenant)
    return work


def _retry_after_s(work: UnitOfWork, found: Approval, state: State) -> int:
    if state is State.DENIED:
        return max(1, found.expires_at - work.now)
    return _RETRY_AFTER_S.get(state, 0)


def _outcome(found: Outcome | None) -> dict[str, Any]:
    return {} if found is None else {"outcome": found.result, "is_error": found.is_error}
