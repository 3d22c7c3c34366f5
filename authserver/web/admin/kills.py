"""
The noun `kills`: stop a class of things, see what that would end and who has obeyed, let it begin again. And `revocations`: end one.

Decision 22: a tenant's people act in their tenant alone, for a shared application, tool or server too; the platform's operators
act everywhere unless they name a tenant. What cannot be taken back says by name what it stops (`confirm`), and is recorded before
it is done (AD-12).
"""

import asyncio
import base64
import binascii
from typing import Annotated, Literal, cast

import orjson
from fastapi import Query
from pydantic import Field, model_validator

from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import Kill, Target
from authserver.domain.stopping import stopping
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.admin.acting import REASON_WORDS, by
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.problems import invalid, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, route
from resource_lib.wire.control import Kind

_PREFIX = "kil_"
_LOOK_EVERY_S = 0.1
_MEMBERS = ("sub", "client_id", "host", "resource", "tool", "definition_hash")

_Reason = Annotated[
    str, Field(min_length=1, max_length=500, description=REASON_WORDS, examples=["A laptop was stolen"])
]
_Named = Annotated[str | None, Field(default=None, min_length=1, max_length=500)]
_KINDS = Literal["client", "client_host", "everything", "resource", "tenant", "tool", "tool_version", "user"]

_NEEDS: dict[str, frozenset[str]] = {
    "client": frozenset({"client_id"}),
    "client_host": frozenset({"host"}),
    "everything": frozenset(),
    "resource": frozenset({"resource"}),
    "tenant": frozenset(),
    "tool": frozenset({"resource", "tool"}),
    "tool_version": frozenset({"resource", "tool", "definition_hash"}),
    "user": frozenset({"email", "sub"}),
}
STOPPABLE = frozenset(Kind(kind) for kind in _NEEDS)


class StopSaid(Strict):
    """Why."""

    reason: _Reason


class KillWanted(StopSaid):
    """What is to be stopped, by the members that its kind needs."""

    kind: _KINDS = Field(examples=["client"])
    email: _Named = Field(default=None, description="Of a `user`; or `sub`.")
    sub: _Named = None
    client_id: _Named = Field(default=None, examples=["cli_abcdefghijklmnop"])
    host: _Named = Field(
        default=None, description="Of a `client_host`: every application that a document there describes."
    )
    resource: _Named = Field(default=None, description="The identifier of an MCP server, for itself and for a tool.")
    tool: _Named = None
    definition_hash: _Named = Field(default=None, description="Of a `tool_version`.")
    retry_after_s: int = Field(default=60, ge=1, le=86_400, description="What callers of a tool or server are told.")
    confirm: _Named = Field(default=None, description="For what is dangerous: the `confirm` of the dry run.")


class Radius(Shown):
    """What hangs on it now."""

    users: int
    clients: int
    live_authorizations: int
    servers: list[str] = Field(description="The MCP servers that are told.")
    instances: int = Field(description="Their running processes.")
    ends: bool = Field(
        description="Whether these authorizations end for good; those of a tool or a server are held up."
    )


class KillPreview(Shown):
    """What a kill would do; nothing was done."""

    kind: _KINDS
    scope: str = Field(description="The tenant in which it acts; `*`: everywhere.")
    radius: Radius
    confirm: str | None = Field(description="What `confirm` has to say; null: it need not be said.")
    ends_yours: bool = Field(
        description="Whether the access that you ask with ends too: then only others can revive it."
    )


class Instance(Shown):
    """One running MCP server, and whether it has obeyed."""

    resource: str
    instance: str
    state: Literal["applied", "waiting", "lapsed"] = Field(
        description="lapsed: it has heard nothing for longer than it trusts what it knows, so it refuses writes by itself."
    )
    after_ms: int | None = Field(description="From the commit until it said so.")


class KillShown(Shown):
    """One target that was stopped, or ended by number."""

    id: str
    kind: str = Field(examples=["client"])
    scope: str = Field(description="The tenant in which it acts; `*`: everywhere.")
    subject: dict[str, str] = Field(description="What it is.", examples=[{"client_id": "cli_abcdefghijklmnop"}])
    stopped: Literal["kill", "pause", ""] = Field(description="Empty: it was revived, or only ended.")
    number: int = Field(description="The number of its latest event in the list that MCP servers follow; 0: none yet.")
    retry_after_s: int
    changed_at: int = Field(description="Seconds since the epoch.")
    reason: str = Field(description="In the words of whoever stopped it; empty where those are not for you.")
    is_yours_to_revive: bool


class KillPage(Shown):
    """Some of them, the latest first."""

    items: list[KillShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class KillFollowed(KillShown):
    """One of them, with who has obeyed."""

    instances: list[Instance] = Field(description="Each running MCP server that has to hear of it.")
    is_settled: bool = Field(description="Whether none is waited for any more.")


class ReviveWanted(StopSaid):
    """Why it may begin again."""


class RevocationWanted(Strict):
    """One thing that is to end; what it stood for may begin anew."""

    kind: Literal["token", "authorization", "client", "user"] = Field(examples=["authorization"])
    reason: _Reason
    token: str | None = Field(
        default=None, min_length=1, max_length=8000, description="A whole access token; or `jti`."
    )
    jti: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_-]{8,100}$", description="The id of an access token, as from a log."
    )
    authorization_id: _Named = None
    client_id: _Named = Field(default=None, description="Everything that an application holds.")
    email: _Named = Field(default=None, description="Everything that a person has allowed; or `sub`.")
    sub: _Named = None

    @model_validator(mode="after")
    def _names_one(self) -> "RevocationWanted":
        wanted = {
            "token": {"token", "jti"},
            "authorization": {"authorization_id"},
            "client": {"client_id"},
            "user": {"email", "sub"},
        }[self.kind]
        named = {
            name for name in ("token", "jti", "authorization_id", "client_id", "email", "sub") if getattr(self, name)
        }
        if len(named) != 1 or not named <= wanted:
            raise ValueError(f"a {self.kind} is named by one of: {', '.join(sorted(wanted))}")
        return self


class RevocationShown(Shown):
    """What was ended."""

    kind: str
    told: list[str] = Field(description="The MCP servers that are told.")


@route("POST", "/kills", gives=KillShown, status=201, says="Stop something", also={200: KillPreview})
async def kill(
    ask: Ask,
    body: KillWanted,
    dry_run: Annotated[bool, Query(description="Only say what it would do.")] = False,
) -> Said:
    """In one commit, however much hangs on it. Killing again takes a new number and ends what began since.

    With `dry_run=true` nothing is done, and the answer (200) says what would be, and what `confirm` has to say.
    """
    target = await _named(ask, body)
    confirm = _to_confirm(target)
    if dry_run:
        counted = await stopping.radius(ask.work, target)
        return Said(
            body=KillPreview(
                kind=body.kind,
                scope=target.tenant,
                radius=Radius(
                    users=counted.users,
                    clients=counted.clients,
                    live_authorizations=counted.live_authorizations,
                    servers=list(counted.servers),
                    instances=counted.instances,
                    ends=counted.ends,
                ),
                confirm=confirm,
                ends_yours=_ends_yours(ask, target),
            )
        )
    if confirm is not None and body.confirm != confirm:
        raise invalid("confirm", "say what it stops, in the words of the dry run (?dry_run=true).")
    if target.kind in {Kind.EVERYTHING, Kind.TENANT}:
        await ask.dangerous(f"kill:{target.kind.value}", target=target.key, reason=body.reason)
    await stopping.kill(ask.work, target, reason=body.reason, by=await by(ask), retry_after_s=body.retry_after_s)
    return Said(body=stopped_now(ask, target, "kill", body), status=201, location=f"{ask.base}/kills/{id_of(target)}")


@route("GET", "/kills", gives=KillPage, says="List what is stopped")
async def list_kills(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    only_stopped: Annotated[bool, Query(description="Leave out what was revived, or only ended.")] = True,
) -> KillPage:
    """In your tenant; for the platform's operators what is stopped everywhere, unless they name a tenant."""
    after = ask.after(cursor)
    place = (int(after[0]), str(after[1])) if after else None
    found = await kill_switch.page(ask.work, ask.tenant, only_stopped=only_stopped, after=place, most=limit + 1)
    return KillPage(
        items=[_shown(ask, one) for one in found[:limit]],
        next=ask.next_cursor(found, limit, lambda one: [one.changed_at_us, one.target.key]),
    )


@route("GET", "/kills/{kill_id}", gives=KillFollowed, says="Show what is stopped, and who has obeyed")
async def show(
    ask: Ask,
    kill_id: Id,
    wait: Annotated[int, Query(ge=0, le=25, description="Seconds to wait until each has obeyed, or has lapsed.")] = 0,
) -> KillFollowed:
    """Each running MCP server that has to hear of it. With `wait` the answer comes once none is waited for."""
    target = _target(ask, kill_id)
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    with ask.request.machines.kill_waits.take(ask.operator.authorization_id) as has_seat:
        while True:
            # Looked at anew each time: what is waited for is what others write.
            look = ask.request.machines.work(tenant=ask.tenant, request_id=ask.work.request_id)
            found = await _found(look, target)
            heard = await stopping.heard(look, target, found.number)
            waiting = any(one.state is stopping.State.WAITING for one in heard)
            if not waiting or not has_seat or loop.time() >= until:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
    return KillFollowed(
        **_shown(ask, found).model_dump(),
        instances=[
            Instance(resource=one.resource, instance=one.instance, state=one.state.value, after_ms=one.after_ms)
            for one in heard
        ],
        is_settled=not waiting,
    )


@route("POST", "/kills/{kill_id}/revive", gives=KillShown, says="Let it begin again")
async def revive(ask: Ask, kill_id: Id, body: ReviveWanted) -> KillShown:
    """What has ended stays so. What the platform's operators stopped only they revive (403)."""
    target = (await _found(ask.work, _target(ask, kill_id))).target
    if target.kind in {Kind.EVERYTHING, Kind.TENANT}:
        await ask.dangerous(f"revive:{target.kind.value}", target=target.key, reason=body.reason)
    await stopping.revive(ask.work, target, reason=body.reason, by=await by(ask))
    ask.otherwise("It is not stopped; somebody else has just revived it.")
    return stopped_now(ask, target, "", body)


@route("POST", "/revocations", gives=RevocationShown, says="End one thing")
async def revoke(ask: Ask, body: RevocationWanted) -> RevocationShown:
    """A token by value or id, an authorization, all that an application holds or a person has allowed. New ones may begin."""
    # Only where it is looked for it is found: another tenant's token is no token here.
    inside = await by(ask, within=ask.tenant)
    if ask.tenant == SHARED and body.kind != "client":
        raise invalid("tenant", "say in which, by ?tenant=; a token names it as tenant_id.")
    if body.token is not None:
        told = await stopping.revoke_token(ask.work, body.token, by=inside, reason=body.reason)
    elif body.jti is not None:
        told = await stopping.revoke_named_token(ask.work, body.jti, by=inside, reason=body.reason)
    elif body.authorization_id is not None:
        told = await stopping.revoke_authorization(ask.work, body.authorization_id, by=inside, reason=body.reason)
    else:
        target = await _resolved(ask, Kind(body.kind), email=body.email, sub=body.sub, client_id=body.client_id)
        act = stopping.revoke_client if target.kind is Kind.CLIENT else stopping.revoke_user
        told = await act(ask.work, target, by=inside, reason=body.reason)
    return RevocationShown(kind=body.kind, told=list(told))


def id_of(target: Target) -> str:
    """Return the id of a target inside the tenant in which it acts; it names no tenant, so it cannot name another one."""
    said = [target.kind.value, *(getattr(target, name) for name in _MEMBERS)]
    return _PREFIX + base64.urlsafe_b64encode(orjson.dumps(said)).rstrip(b"=").decode("ascii")


def _target(ask: Ask, kill_id: str) -> Target:
    text = kill_id.removeprefix(_PREFIX)
    try:
        said = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        kind, *members = said
        target = Target(kind=Kind(kind), tenant=ask.tenant, **dict(zip(_MEMBERS, members, strict=True)))
    except (binascii.Error, ValueError, TypeError):
        raise not_found() from None
    # One spelling each, of what can be stopped in this place.
    is_well_formed = all(isinstance(one, str) and one.isprintable() for one in members) and id_of(target) == kill_id
    is_here = target.kind in STOPPABLE and (target.kind is not Kind.EVERYTHING or ask.tenant == SHARED)
    if not is_well_formed or not is_here:
        raise not_found()
    return target


async def _found(work: UnitOfWork, target: Target) -> Kill:
    found = await kill_switch.find(work, target)
    # Exactly it: members that its kind does not look at say nothing.
    if found is None or found.target != target:
        raise not_found()
    return found


async def _resolved(ask: Ask, kind: Kind, **named: str | None) -> Target:
    if ask.tenant == SHARED and kind in {Kind.TENANT, Kind.USER}:
        raise invalid("tenant", "say which by ?tenant=.")
    target = await stopping.resolve(
        ask.work,
        kind,
        by=await by(ask),
        tenant="" if ask.tenant == SHARED else ask.tenant,
        **{name: value for name, value in named.items() if value is not None},
    )
    if target.tenant != ask.tenant:
        raise invalid("tenant", "it belongs to one tenant; say which by ?tenant=.")
    return target


async def _named(ask: Ask, body: KillWanted) -> Target:
    wanted = _NEEDS[body.kind]
    named = {name: getattr(body, name) for name in ("email", *_MEMBERS) if getattr(body, name) is not None}
    if unwanted := sorted(set(named) - wanted):
        raise invalid(unwanted[0], f"says nothing of a {body.kind}.")
    return await _resolved(ask, Kind(body.kind), **named)


def _to_confirm(target: Target) -> str | None:
    """Return what has to be said before it is stopped; None: nothing."""
    if target.kind is Kind.EVERYTHING:
        return "everything"
    if target.kind is Kind.TENANT:
        return target.tenant
    # What is stopped in every tenant at once.
    return target.key.partition("/")[2].partition("/")[2] if target.tenant == SHARED else None


def _ends_yours(ask: Ask, target: Target) -> bool:
    asks = ask.operator
    if target.tenant not in {SHARED, asks.home}:
        return False
    return (
        target.kind in {Kind.EVERYTHING, Kind.TENANT}
        or (target.kind is Kind.USER and target.sub == asks.sub)
        or (target.kind is Kind.CLIENT and target.client_id == asks.client_id)
    )


def stopped_now(ask: Ask, target: Target, stopped: Literal["kill", "pause", ""], said: StopSaid) -> KillShown:
    """Return what is about to be, before its number is known."""
    return KillShown(
        id=id_of(target),
        kind=target.kind.value,
        scope=target.tenant,
        subject=target.subject,
        stopped=stopped,
        number=0,
        retry_after_s=getattr(said, "retry_after_s", 0),
        changed_at=ask.work.now,
        reason=said.reason,
        is_yours_to_revive=bool(stopped),
    )


def _shown(ask: Ask, kill: Kill) -> KillShown:
    is_ours = ask.operator.is_platform or kill.stopped_by == ask.operator.home
    return KillShown(
        id=id_of(kill.target),
        kind=kill.target.kind.value,
        scope=kill.target.tenant,
        subject=kill.target.subject,
        stopped=cast("Literal['kill', 'pause', '']", kill.stopped),
        number=kill.number,
        retry_after_s=kill.retry_after_s,
        changed_at=kill.changed_at_us // 1_000_000,
        # Whoever runs the deployment may have named others.
        reason=kill_switch.reason_of(ask.work, kill) if is_ours else "",
        is_yours_to_revive=bool(kill.stopped) and is_ours,
    )
