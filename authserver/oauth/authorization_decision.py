"""
Between the checked request and the code: is the person signed in, which tenant, and have they allowed this?

OAuth 2.1 §4.1.1, §7.3.1, §7.9; design decisions 7, 11 and 22. Every rule that lets a code be made is read again in the
request that makes it, so that a person disabled, a tenant suspended or a tool removed meanwhile gets no code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from authserver.domain.audit import event
from authserver.domain.call_grants import grant
from authserver.domain.clients import document, trust
from authserver.domain.codes import authorization_code
from authserver.domain.consent import consent
from authserver.domain.exchange import policy
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.login import session as sessions
from authserver.domain.login.session import Session
from authserver.domain.pushed_requests import pushed_request
from authserver.domain.resources.resource import INERT, OFFLINE_ACCESS, OPENID, PERSONAL, Resource, Tool
from authserver.domain.revocation import kill_switch
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import authorization
from authserver.domain.tool_policies import tool_policy
from authserver.domain.users import user
from authserver.domain.users.user import Member, Person
from authserver.oauth import stopped
from authserver.oauth.authorization_details import Detail
from authserver.oauth.authorization_request import Asked
from authserver.oauth.errors import AccessDenied, InvalidRequest, InvalidScope, LoginRequired, Stopped
from authserver.oauth.redirect_uris import is_local
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.tool_policy import CLASSES


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One tenant in which the person could allow this, and what they allowed there before."""

    tenant: Tenant
    member: Member
    allowed_before: frozenset[str]
    resource: Resource
    """As this tenant shows it to the application."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a person can allow: in which tenants, which scopes, which tools, and what they allowed before.

    `further` is where the server may act in their name on the strength of it.
    """

    person: Person
    choices: tuple[Choice, ...]
    resource: Resource
    """With every tool that one of the tenants lets the application use."""
    scope: tuple[str, ...]
    tools: tuple[Tool, ...]
    allowed_before: frozenset[str]
    further: tuple[policy.Reach, ...] = ()
    details: tuple[Detail, ...] = ()
    """Calls that the client wants to make without asking again (RFC 9396)."""

    def starts_ticked(self, tool: Tool) -> bool:
        """Whether a tool's box comes ticked (decision 11): never at first, never what cannot be undone and is new.

        A later request that names a write is the step up that the person has just been led to.
        """
        if tool.own_scope in self.allowed_before:
            return True
        return bool(self.allowed_before) and tool.sensitivity == "write"


_AT_CONSENT_S = 600
"""How long a person may look at the consent page before `max_age` asks for their password again."""


def needs_login(work: UnitOfWork, asked: Asked, session: Session, *, has_just_been: bool = False) -> bool:
    """Whether a signed-in person must prove again who they are (OpenID Connect Core §3.1.2.1 `prompt`, `max_age`).

    `has_just_been`: the login that `prompt` asks for led here; a pushed request goes on asking for it.
    """
    if {"login", "select_account"} & asked.prompt and not has_just_been:
        return True
    return asked.max_age is not None and work.now - session.auth_time > asked.max_age


def is_too_old(work: UnitOfWork, asked: Asked, session: Session) -> bool:
    """The same at the consent page, where the login that `max_age` asked for has just been."""
    return asked.max_age is not None and work.now - session.auth_time > asked.max_age + _AT_CONSENT_S


async def organisations(work: UnitOfWork, asked: Asked, session: Session) -> tuple[Tenant, ...]:
    """Return the tenants that this issuer serves and the signed-in person is an active member of, by slug."""
    known = await user.with_tenants(work, session.person_id)
    issuers = await all_issuers(work)
    found = []
    opened = await sessions.doors(work, session, known[1] if known and known[0].is_active else ())
    for tenant_id in opened.open:
        tenant = await tenants.by_id(work, tenant_id)
        if tenant is None or not tenant.is_active or not issuers.serves(asked.issuer, tenant_id):
            continue
        member = await user.member_by_person(work.beside(tenant_id), session.person_id)
        if member is not None and member.is_active:
            found.append(tenant)
    return tuple(sorted(found, key=lambda tenant: tenant.slug))


async def choices(work: UnitOfWork, asked: Asked, person: Person, member_of: Sequence[str]) -> tuple[Choice, ...]:
    """Return the tenants in which this person, this client, this resource and this issuer meet."""
    issuers = await all_issuers(work)
    found = []
    for tenant_id in member_of:
        if asked.member_of is not None and tenant_id not in asked.member_of:
            continue
        if asked.client.tenant not in {"*", tenant_id} or tenant_id not in asked.resource.tenants:
            continue
        tenant = await tenants.by_id(work, tenant_id)
        if tenant is None or not tenant.is_active or not issuers.serves(asked.issuer, tenant_id):
            continue
        member, allowed = await consent.of_person(
            work.beside(tenant_id),
            person_id=person.id,
            client_id=asked.client.id,
            resource=asked.resource.uri,
        )
        if member is not None and member.is_active:
            before = allowed.scope if allowed else frozenset()
            resource = await tool_policy.seen(work, tenant_id, asked.resource, asked.client.id)
            resource = await stopped.without_stopped_tools(work, tenant_id, resource)
            found.append(Choice(tenant=tenant, member=member, allowed_before=before, resource=resource))
    return tuple(sorted(found, key=lambda choice: choice.tenant.slug))


async def offer(work: UnitOfWork, asked: Asked, session: Session, *, chosen: str | None = None) -> Offer:
    """Return what the signed-in person can allow; `chosen` is a tenant's slug. Raises AccessDenied when there is nothing."""
    known = await user.with_tenants(work, session.person_id)
    if known is None or not known[0].is_active:
        raise AccessDenied("This person may not sign in.", reason="person_disabled")
    person, member_of = known
    opened = await sessions.doors(work, session, member_of)
    available = await choices(work, asked, person, opened.open)
    if chosen is not None:
        available = tuple(choice for choice in available if choice.tenant.slug == chosen)
    available = await _not_stopped(work, asked, person, available, opened)
    if not available:
        raise AccessDenied(
            "This person is not a member of an organisation that uses this resource.", reason="no_membership"
        )
    available = await _let_in(work, asked, available)
    # What can be granted differs by role; with several tenants to choose from, the page shows what any of them permits,
    # and the choice narrows it.
    permitted = {scope for choice in available for scope in _permitted(asked, choice)}
    scope = tuple(name for name in asked.scope if name in permitted)
    if not set(scope) - INERT:
        raise AccessDenied("This person may not grant any of the scopes that were asked for.", reason="role_missing")
    before = available[0].allowed_before if len(available) == 1 else frozenset()
    resource = _of_any(asked.resource, available)
    tools = tuple(tool for name in scope if (tool := resource.tool_of(name)) is not None)
    further = await policy.reach(
        work, asked.resource.uri, scope, {choice.tenant.id: choice.member for choice in available}
    )
    return Offer(
        person=person,
        choices=available,
        resource=resource,
        scope=scope,
        tools=tools,
        allowed_before=before,
        further=further,
        details=tuple(
            each
            for detail in asked.details
            if (each := detail.seen_at(resource)) is not None and set(each.scope) <= permitted
        ),
    )


async def _not_stopped(
    work: UnitOfWork, asked: Asked, person: Person, available: tuple[Choice, ...], opened: sessions.Doors
) -> tuple[Choice, ...]:
    """Return the tenants where nothing is stopped. Raises Stopped, LoginRequired where that leaves none."""
    stops = await kill_switch.stops(work)
    going = []
    for choice in available:
        is_held = stops.held(choice.tenant.id, asked.resource.uri) is not None
        if not is_held and await stopped.on(work, tenant=choice.tenant.id, client=asked.client) is None:
            going.append(choice)
    if going:
        return tuple(going)
    if await choices(work, asked, person, opened.again):
        raise LoginRequired("The person must sign in again.", reason="stopped_since")
    if available or await choices(work, asked, person, opened.stopped):
        raise Stopped("An operator has stopped this.", reason="stopped")
    return ()


def _of_any(resource: Resource, available: tuple[Choice, ...]) -> Resource:
    """Return the resource with each tool that a choice shows, as the strictest of them shows it."""
    if len(available) == 1:
        return available[0].resource
    found: dict[str, Tool] = {}
    for choice in available:
        for tool in choice.resource.tools:
            known = found.get(tool.name)
            if known is None or CLASSES.index(known.sensitivity) < CLASSES.index(tool.sensitivity):
                found[tool.name] = tool
    tools = tuple(found[tool.name] for tool in resource.tools if tool.name in found)
    return resource if tools == resource.tools else replace(resource, tools=tools, is_narrowed=True)


async def _let_in(work: UnitOfWork, asked: Asked, available: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Return the tenants that let this application in. Raises AccessDenied where none does; one that must first is told."""
    answers = {choice.tenant.id: await trust.answer(work, choice.tenant.id, asked.client) for choice in available}
    admitted = tuple(choice for choice in available if answers[choice.tenant.id] is trust.Answer.YES)
    if admitted:
        return admitted
    waiting = [tenant_id for tenant_id, answer in answers.items() if answer is trust.Answer.WAITS]
    if not waiting:
        raise AccessDenied("This organisation does not let this application in.", reason="client_not_let_in")
    for tenant_id in waiting:
        await trust.ask(work, tenant_id, asked.client)
    raise AccessDenied(
        "An administrator of this organisation must let this application in first. It now stands on their list.",
        reason="client_waits",
    )


def may_skip_consent(asked: Asked, offered: Offer) -> bool:
    """Whether asking again would add nothing: the same client for certain, and everything was allowed before.

    A public client cannot be told from another that uses its name, so its person is always asked (OAuth 2.1 §7.3.1). One that
    a stranger made proves only that it is the same stranger, and may have changed where its answers go.
    """
    return (
        not asked.client.is_public
        and not asked.client.is_self_made
        and not is_local(asked.redirect_uri)
        and not {"consent", "select_account"} & asked.prompt
        and len(offered.choices) == 1
        # A call that is allowed beforehand is a yes of its own.
        and not asked.details
        # What it is for is asked each time: an earlier answer was about an earlier connection.
        and not asked.resource.purposes
        and set(offered.scope) - {OFFLINE_ACCESS, OPENID} <= offered.allowed_before
    )


def allow(
    work: UnitOfWork,
    asked: Asked,
    session: Session,
    offered: Offer,
    *,
    tools: frozenset[str],
    shown: str,
    personal: frozenset[str] = frozenset(),
    purpose: str | None = None,
    details: frozenset[str] = frozenset(),
) -> str:
    """Record the person's yes and return the code; see `record_yes`. `purpose` is what they said it is for.

    `details` are the keys of the calls they ticked to be made without asking again (RFC 9396).
    """
    said = purpose_of(asked, purpose)
    ticked = tuple(detail for detail in offered.details if detail.key in details)
    # Whoever lets it make a call lets it use that tool.
    tools |= {detail.tool.name for detail in ticked}
    choice, scope = record_yes(work, asked, offered, tools=tools, shown=shown, personal=personal)
    promised = [detail.promised(work.now) for detail in ticked if set(detail.scope) <= set(scope)]
    return _issue(work, asked, session, choice, scope, purpose=said, details=promised)


def purpose_of(asked: Asked, said: str | None) -> str:
    """Return the purpose that the person chose; empty where there is none to choose. Raises InvalidRequest."""
    if not asked.resource.purposes:
        return ""
    if said is None or said not in asked.resource.purposes:
        raise InvalidRequest("purpose: say what it is for; choose one on the page.", reason="purpose_missing")
    return said


def record_yes(
    work: UnitOfWork,
    asked: Asked,
    offered: Offer,
    *,
    tools: frozenset[str],
    shown: str,
    personal: frozenset[str] = frozenset(),
) -> tuple[Choice, tuple[str, ...]]:
    """Record what the person allowed; return in which tenant, and which scopes. `shown` hashes the page.

    `tools` are the names of those ticked, `personal` the scopes by which the client may know something of the person.
    The offer must have one choice left. Raises InvalidRequest otherwise, InvalidScope when nothing is left to allow.
    """
    if len(offered.choices) != 1:
        raise InvalidRequest("tenant: choose one.", reason="tenant_missing")
    choice = offered.choices[0]
    permitted = _permitted(asked, choice)
    unticked = {tool.own_scope for tool in offered.tools if tool.name not in tools}
    scope = tuple(
        name
        for name in offered.scope
        if name in permitted and name not in unticked and (name not in PERSONAL or name in personal)
    )
    if not set(scope) - INERT:
        raise InvalidScope("Nothing was left to allow.", reason="nothing_allowed")
    work.bind(choice.tenant.id)
    document.rely_on(work, asked.client)
    consent.allow(
        work,
        sub=choice.member.sub,
        client_id=asked.client.id,
        resource=asked.resource.uri,
        # What stood on the page and was left out is allowed no longer, in no session.
        scope=frozenset(scope) | (offered.allowed_before - frozenset(offered.scope)),
        shown=shown,
    )
    if unticked:
        whose = {"sub": choice.member.sub, "client_id": asked.client.id, "resource": asked.resource.uri}
        authorization.end_widenings(work, **whose)
        grant.end_of_tools(work, {tool.name for tool in offered.tools} - tools, **whose)
    return choice, scope


def allow_as_before(work: UnitOfWork, asked: Asked, session: Session, offered: Offer) -> str:
    """Return a code for what the person allowed earlier; see `may_skip_consent`."""
    choice = offered.choices[0]
    work.bind(choice.tenant.id)
    return _issue(work, asked, session, choice, offered.scope)


def same_answer(work: UnitOfWork, asked: Asked, session: Session) -> str | None:
    """Return the code of a pushed request that this session allowed a moment ago: the form was sent twice."""
    return pushed_request.same_answer(work, asked.pushed, session=session.hash) if asked.pushed else None


def deny(work: UnitOfWork, asked: Asked, session: Session) -> None:
    """Record the person's no."""
    if not asked.client.is_shared:
        work.bind(asked.client.tenant)
    event.record(
        work,
        event.Kind.CONSENT_DENIED,
        event.Outcome.REFUSED,
        client_id=asked.client.id,
        sub=session.person_id,
        resource=asked.resource.uri,
    )
    if asked.pushed is not None:
        pushed_request.spend(work, asked.pushed, session=session.hash)


def _issue(
    work: UnitOfWork,
    asked: Asked,
    session: Session,
    choice: Choice,
    scope: tuple[str, ...],
    *,
    purpose: str = "",
    details: Sequence[dict[str, Any]] = (),
) -> str:
    code = authorization_code.issue(
        work,
        issuer_path=asked.issuer.path,
        client_id=asked.client.id,
        client_snapshot=asked.client.snapshot,
        redirect_uri=asked.redirect_uri,
        code_challenge=asked.code_challenge,
        sub=choice.member.sub,
        resource=asked.resource.uri,
        scope=scope,
        acr=session.acr,
        amr=session.amr,
        auth_time=session.auth_time,
        nonce=asked.nonce,
        purpose=purpose,
        details=details,
    )
    if asked.pushed is not None:
        pushed_request.spend(work, asked.pushed, session=session.hash, code=code)
    event.record(
        work,
        event.Kind.CODE_ISSUED,
        client_id=asked.client.id,
        sub=choice.member.sub,
        resource=asked.resource.uri,
        scope=list(scope),
        details=len(details),
        purpose=purpose,
        resource_defaulted=asked.resource_is_defaulted,
        pushed=asked.was_pushed,
        resource_by_origin=asked.resource_is_mapped,
    )
    return code


def _permitted(asked: Asked, choice: Choice) -> frozenset[str]:
    """Return the scopes that a member's roles let them grant, of what their tenant shows the application."""
    shown = choice.resource
    return (frozenset(asked.scope) & shown.grantable) - shown.withheld_from(choice.member.roles)
