"""
Stopping and reviving, the same for the command line, the console and the admin API.

Decisions 14 and 22. Each call joins the caller's unit of work and is done when that commits; nothing of it is in force before.
A tenant's operators act in their tenant alone; what is meant for everywhere is for the platform's. Killing or revoking again
takes a new number, so that what began in between ends too.
"""

from dataclasses import dataclass
from typing import Final

from authserver.domain.audit import event
from authserver.domain.clients import registry
from authserver.domain.instances import instance as instances
from authserver.domain.instances.instance import State
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.revocation import feed, kill_switch
from authserver.domain.revocation.kill_switch import RETRY_AFTER_S, By, Kill, Target
from authserver.domain.stopping import store
from authserver.domain.stopping.naming import NotAllowedError, UnknownTargetError, require_within, resolve
from authserver.domain.stopping.radius import Radius, radius, reached_from, speaking_for, told
from authserver.domain.tokens import authorization, presented, revoked
from authserver.domain.users import user
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import EVERY_TENANT, Act, Kind

__all__ = [
    "By",
    "Heard",
    "Kill",
    "NotAllowedError",
    "Radius",
    "State",
    "StopRefusedError",
    "Target",
    "UnknownTargetError",
    "heard",
    "heard_by",
    "kill",
    "kills",
    "number_of",
    "pause",
    "radius",
    "resolve",
    "revive",
    "revoke_authorization",
    "revoke_client",
    "revoke_named_token",
    "revoke_token",
    "revoke_user",
]


MOST_NAMED: Final = 1_000
"""How many applications, publishers, tools and versions a tenant's operators hold stopped; the platform's know no bound."""
_NAMED: Final = frozenset({Kind.CLIENT, Kind.CLIENT_HOST, Kind.TOOL, Kind.TOOL_VERSION})


class StopRefusedError(ValueError):
    """It cannot be stopped or revived like that. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One running MCP server and a number. `after_ms`: from the number's commit until it said so; None: it has not."""

    resource: str
    instance: str
    state: State
    after_ms: int | None


def _reason(reason: str) -> str:
    said = reason.strip()
    if not 1 <= len(said) <= 500 or not said.isprintable():
        raise StopRefusedError("reason: why, in 1 to 500 characters; it stays in the record")
    return said


async def kill(work: UnitOfWork, target: Target, *, reason: str, by: By, retry_after_s: int = RETRY_AFTER_S) -> None:
    """Stop a target until it is revived; of people, clients and tenants everything ends for good.

    Binds the unit of work to where it acts. Raises NotAllowedError, StopRefusedError.
    """
    require_within(by, target)
    await _demand_room(work, target, by)
    work.bind(target.tenant)
    kill_switch.kill(work, target, reason=_reason(reason), by=by, retry_after_s=_retry_after(retry_after_s))


async def _demand_room(work: UnitOfWork, target: Target, by: By) -> None:
    # A name that anybody can think up is told to every server that starts, also to one that serves other tenants too.
    if by.tenant == EVERY_TENANT or target.kind not in _NAMED:
        return
    found = await kill_switch.find(work, target)
    if (found is None or not found.stopped) and await kill_switch.count_named(work, target.tenant) >= MOST_NAMED:
        raise StopRefusedError(
            f"target: {MOST_NAMED} applications and tools are stopped here already; revive some, or stop the server, the person "
            "or the organisation"
        )


async def pause(work: UnitOfWork, target: Target, *, reason: str, by: By, retry_after_s: int = RETRY_AFTER_S) -> None:
    """Switch an MCP server inactive until it is revived: its callers are told to come back after `retry_after_s`.

    Binds the unit of work to where it acts. Raises NotAllowedError, StopRefusedError.
    """
    require_within(by, target)
    if target.kind is not Kind.RESOURCE:
        raise StopRefusedError("kind: only a resource is paused; anything else is killed")
    found = await kill_switch.find(work, target)
    if found is not None and found.stopped == Act.KILL.value:
        raise StopRefusedError("target: it is stopped, and a pause would be less than that; revive it first")
    work.bind(target.tenant)
    kill_switch.pause(work, target, reason=_reason(reason), by=by, retry_after_s=_retry_after(retry_after_s))


def _retry_after(seconds: int) -> int:
    if not 1 <= seconds <= 86_400:
        raise StopRefusedError("retry_after_s: 1 to 86400 seconds")
    return seconds


async def revive(work: UnitOfWork, target: Target, *, reason: str, by: By) -> None:
    """Let new things begin; what has ended stays so. Raises NotAllowedError, StopRefusedError.

    Binds the unit of work to where it acts. A lost commit: somebody else has just revived it.
    """
    require_within(by, target)
    found = await kill_switch.find(work, target)
    if found is None or not found.stopped:
        raise StopRefusedError("target: it is not stopped")
    if by.tenant not in {EVERY_TENANT, found.stopped_by}:
        raise NotAllowedError("the platform's operators stopped it; only they may revive it")
    work.bind(target.tenant)
    kill_switch.revive(work, target, reason=_reason(reason), by=by)


async def kills(work: UnitOfWork, tenant: str | None = None, *, only_stopped: bool = False) -> list[Kill]:
    """Return what was ever stopped or ended by number in a tenant (None: anywhere), never from memory."""
    found = await kill_switch.every(work, only_stopped=only_stopped)
    return found if tenant is None else kill_switch.in_tenant(found, tenant)


async def number_of(work: UnitOfWork, target: Target) -> int:
    """Return the number of what was last done to a target, once it is committed; 0: nothing was."""
    found = await kill_switch.find(work, target)
    return found.number if found else 0


async def heard(work: UnitOfWork, target: Target, number: int) -> list[Heard]:
    """Return who of those that have to hear of a target has applied `number`; see `number_of`. Never from memory."""
    return await heard_by(work, await told(work, target), number, tenant=target.tenant)


async def heard_by(
    work: UnitOfWork, servers: tuple[str, ...], number: int, *, tenant: str = EVERY_TENANT
) -> list[Heard]:
    """Return which running processes of these MCP servers, of those that speak for `tenant`, have applied `number`."""
    since = await feed.at(work, number)
    found = await instances.heard(work, servers, number, work.at_us if since is None else since)
    ours = await speaking_for(work, tenant, {one.instance.client_id for one in found})
    return [
        Heard(resource=one.instance.resource, instance=one.instance.id, state=one.state, after_ms=one.after_ms)
        for one in found
        if one.instance.client_id in ours
    ]


async def revoke_authorization(work: UnitOfWork, authorization_id: str, *, by: By, reason: str) -> tuple[str, ...]:
    """End one authorization for good, with all its tokens; returns the MCP servers that are told. Raises UnknownTargetError."""
    reason = _reason(reason)
    tenant = by.tenant if by.tenant != EVERY_TENANT else await _owner(work, authorization_id)
    found = await authorization.find(work.beside(tenant), authorization_id) if tenant else None
    if found is None or tenant is None:
        raise UnknownTargetError(f"authorization: there is no {authorization_id or '(empty)'}")
    work.bind(tenant)
    if not found.is_ended:
        authorization.end(work, found, reason="operator_revoked")
        _record(work, Kind.AUTHORIZATION, found.id, by=by, reason=reason, resource=found.resource)
    return await reached_from(work, found.resource, tenant)


async def _owner(work: UnitOfWork, authorization_id: str) -> str | None:
    across = event.platform_work(work.machines, "find whose authorization it is")
    row = await across.one(store.OWNER_OF, authorization_id=authorization_id)
    return row["tenant_id"] if row else None


async def revoke_client(work: UnitOfWork, target: Target, *, by: By, reason: str) -> tuple[str, ...]:
    """End everything a client holds; it may begin anew. Returns the MCP servers that are told.

    `target` is what `resolve` says of it. Raises NotAllowedError, UnknownTargetError.
    """
    require_within(by, target)
    reason = _reason(reason)
    client = await registry.find(work, target.client_id)
    if client is None:
        raise UnknownTargetError(f"client_id: {target.client_id} is unknown")
    work.bind(target.tenant)
    registry.end(work, client, reason="operator_revoked")
    _record(work, Kind.CLIENT, target.key, by=by, reason=reason)
    return await told(work, target)


async def revoke_user(work: UnitOfWork, target: Target, *, by: By, reason: str) -> tuple[str, ...]:
    """End everything a member has allowed in a tenant, and sign them out; they may begin anew.

    `target` is what `resolve` says of them. Returns the MCP servers that are told. Raises NotAllowedError, UnknownTargetError.
    """
    require_within(by, target)
    reason = _reason(reason)
    work.bind(target.tenant)
    member = await user.member_by_sub(work, target.sub)
    if member is None:
        raise UnknownTargetError(f"user: nobody there is {target.sub}")
    user.end(work, member, reason="operator_revoked")
    _record(work, Kind.USER, target.key, by=by, reason=reason)
    return await told(work, target)


async def revoke_token(work: UnitOfWork, token: str, *, by: By, reason: str) -> tuple[str, ...]:
    """End one access token, given as it stands. Returns the MCP servers that are told.

    Raises UnknownTargetError for whatever is not a token of ours that still counts, or another tenant's.
    """
    reason = _reason(reason)
    for issuer in (await all_issuers(work)).by_path.values():
        try:
            found = await presented.read(work, issuer, token.strip())
        except presented.NotStandingError:
            continue
        if by.tenant in {EVERY_TENANT, found.tenant}:
            work.bind(found.tenant)
            await revoked.revoke(work, found)
            _record(work, Kind.TOKEN, found.id, by=by, reason=reason, resource=found.resource)
            return await reached_from(work, found.resource, found.tenant)
    raise UnknownTargetError("token: it is no access token of ours that still counts; paste it whole")


async def revoke_named_token(work: UnitOfWork, jti: str, *, by: By, reason: str) -> tuple[str, ...]:
    """End an access token of the operator's tenant of which only its id is known. Returns the MCP servers that are told."""
    reason = _reason(reason)
    work.bind(by.tenant)
    if await revoked.revoke_named(work, jti):
        _record(work, Kind.TOKEN, jti, by=by, reason=reason)
    return await told(work, Target(kind=Kind.TENANT, tenant=by.tenant))


def _record(work: UnitOfWork, kind: Kind, of: str, *, by: By, reason: str, resource: str = "") -> None:
    event.record(
        work,
        event.Kind.STOPPED,
        sub=by.sub,
        client_id=by.client_id,
        resource=resource,
        kind_of=kind.value,
        act=Act.END.value,
        target_tenant=work.tenant,
        payload={"target": of, "reason": reason, "by": by.label},
    )
