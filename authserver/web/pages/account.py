"""
GET /account: what a person has connected, in all their organisations, with the way to end each thing.

Everything is looked up from the browser's session: no id in a query or form says whose it is, so another person's is simply
not there (MCP "no grant row means deny"; clients.md rule 14).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from authserver.domain.api_keys import api_key
from authserver.domain.api_keys.api_key import OwnKey
from authserver.domain.call_grants import grant
from authserver.domain.exchange import policy
from authserver.domain.login import session as sessions
from authserver.domain.login.session import Session
from authserver.domain.resources.resource import OFFLINE_ACCESS, OPENID, Resource
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import connection as connections
from authserver.domain.tokens.connection import Connection, Login
from authserver.domain.users import user
from authserver.domain.users.user import Person
from authserver.oauth import parameters
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer
from authserver.web.http import Header, Request, Response, redirect
from authserver.web.pages import calls, forms, words
from authserver.web.pages.answers import error_page, page
from authserver.web.token import read_form
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX

_DONE = {
    "disconnected": "Disconnected. The application gets nothing new from now on. Servers that listen to us"
    " refuse at once what it still holds; elsewhere that runs out within {minutes}.",
    "ended": "That login of the application is ended. Servers that listen to us refuse at once what it still holds;"
    " elsewhere that runs out within {minutes}.",
    "narrowed": "Saved. What you took away is gone the next time the application asks us, within {minutes}.",
    "widened": "Allowed for that time. The application has it the next time it asks us, within {minutes}, or when you"
    " connect it again.",
    "key-ended": "That API key is ended. A program that uses it gets nothing new from now on. Servers that listen to us"
    " refuse at once what it still holds; elsewhere that runs out within {minutes}.",
    "grant-ended": "Ended. Each such call is asked about again from now on.",
    "taken-back": "Taken back. It is gone the next time the application asks us, within {minutes}.",
    "gone": "That is no longer connected. Nothing was left to do.",
    "password": "Your password is changed. Every other browser is signed out, and every application has to ask you again.",
}
"""What just happened, by name: nobody else's words are shown here."""

_MOST_LOGINS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who is looking at their account, in which browser."""

    session: Session
    person: Person
    member_of: list[str]


async def lead_home(request: Request) -> Response:
    """Lead whoever types the server's own address to the page for people."""
    return redirect(request.issuer.path + "/account")


async def show_account(request: Request) -> Response:
    """Show everything that is connected."""

    async def show(work: UnitOfWork, visitor: Visitor) -> Response:
        return await _page(work, request, visitor, parameters.parse(request.query))

    return await shown_to(request, show)


async def sign_out_everywhere(request: Request) -> Response:
    """End every browser session of the person."""
    settings = request.machines.settings

    async def flow(work: UnitOfWork) -> Response:
        visitor = await signed_in(work, request)
        if visitor is not None:
            forms.check(request, read_form(request), "account/everywhere", visitor.session.reference)
            sessions.end_all_of(work, visitor.person.id)
        return page("signed_out.html", forms.drop_cookie(settings, forms.session_cookie_name(settings)))

    return await _answered(request, flow)


async def shown_to(request: Request, show: Callable[[UnitOfWork, Visitor], Awaitable[Response]]) -> Response:
    """Answer with a page for whoever is signed in; anybody else is sent to sign in."""

    async def flow(work: UnitOfWork) -> Response:
        visitor = await signed_in(work, request)
        return to_login(request) if visitor is None else await show(work, visitor)

    return await answer(request, flow)


async def decided_by(
    request: Request, act: Callable[[UnitOfWork, Visitor, Parameters], Awaitable[Response]]
) -> Response:
    """Do what a form asks for, once it is seen to be from this page, in this browser, of this login."""

    async def flow(work: UnitOfWork) -> Response:
        form = read_form(request)
        visitor = await signed_in(work, request)
        if visitor is None:
            return to_login(request)
        forms.check(request, form, *_bound_to(request, visitor.session))
        return await act(work, visitor, form)

    return await _answered(request, flow)


async def signed_in(work: UnitOfWork, request: Request) -> Visitor | None:
    """Return who is signed in; a person who may no longer log in is nobody."""
    session = await sessions.find(work, request.cookie(forms.session_cookie_name(work.machines.settings)))
    known = await user.with_tenants(work, session.person_id) if session else None
    if session is None or known is None or not known[0].is_active:
        return None
    person, member_of = known
    opened = await sessions.doors(work, session, member_of)
    if opened.again and not opened.open:
        # Nothing is left that this login opens, and something that a new one would.
        return None
    return Visitor(session=session, person=person, member_of=list(opened.open))


def to_login(request: Request) -> Response:
    """Send somebody who is not signed in to the login page, and from there back to their account."""
    return redirect(request.issuer.path + "/login?to=account")


def back(request: Request, visitor: Session, done: str, *headers: Header) -> Response:
    """Go back to the account page, which says what was done; the name is sealed, so that a link cannot claim it."""
    seal = request.machines.keys.form_token("account/done", visitor.reference, done)
    return redirect(f"{request.issuer.path}/account?{urlencode({'done': done, 'seal': seal})}", *headers)


async def _answered(request: Request, flow: Callable[[UnitOfWork], Awaitable[Response]]) -> Response:
    """Run what a form asks for. A form that is not ours, or not of this login, changes nothing and says so."""
    try:
        return await answer(request, flow)
    except forms.FormRefusedError:
        return error_page(
            request,
            status=403,
            title="Nothing was changed",
            message="This page was made for another sign-in, or it was sent by another site.",
            cure="Open your account page again and look at what it shows now.",
        )


async def chosen(work: UnitOfWork, visitor: Visitor, query: Parameters) -> Connection | None:
    """Return the visitor's own connection that a query names, or None."""
    for tenant_id in visitor.member_of:
        tenant = await tenants.by_id(work, tenant_id)
        if tenant is not None and tenant.slug == query.one("tenant"):
            for found in await connections.in_tenant(work.beside(tenant_id), visitor.person.id):
                if (found.client_id, found.resource_uri) == (query.one("client"), query.one("at")):
                    return found
    return None


def csrf(request: Request, session: Session) -> str:
    """Return the token of a form on this page, for this browser and exactly what the address names."""
    return request.machines.keys.form_token(*_bound_to(request, session))


def shown(connection: Connection, login: Login | None = None) -> str:
    """Return the hash of what a page is about to change: a page that is older than a newer decision changes nothing."""
    said: list[object] = [connection.consent.allowed_at, sorted(connection.consent.scope)]
    if login is not None:
        owner = login.authorization
        said += [owner.id, owner.widened, owner.widened_until]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()


def facts(connection: Connection) -> dict[str, object]:
    """Return who and where, as every account page names it."""
    client, resource = connection.client, connection.resource
    return {
        "client_name": client.name if client is not None else "An application that was removed",
        "client_verified": client is not None and client.is_verified,
        "client_host": client.document_host if client is not None else None,
        "resource_name": resource.name if resource is not None else "A server that was removed",
        "resource_uri": connection.resource_uri,
        "tenant_name": connection.tenant.name,
    }


def _bound_to(request: Request, session: Session) -> tuple[str, ...]:
    return _bound(request.path, request.query, session)


def _bound(path: str, query: bytes, session: Session) -> tuple[str, ...]:
    return ("account", path, session.reference, hashlib.sha256(query).hexdigest())


async def _page(work: UnitOfWork, request: Request, visitor: Visitor, query: Parameters) -> Response:
    found = await connections.of_person(work, visitor.person.id, visitor.member_of)
    keys = await api_key.of_person(work, visitor.person.id, visitor.member_of)
    form_token, reference = work.machines.keys.form_token, visitor.session.reference
    here = request.issuer.path + "/account"
    idle_days = work.machines.settings.unused_after_days
    return page(
        "account.html",
        person_name=visitor.person.name,
        person_email=visitor.person.email,
        here=here,
        logout_csrf=form_token("logout", reference),
        everywhere_csrf=form_token("account/everywhere", reference),
        done=_done(work, visitor.session, query),
        waiting=await calls.count_waiting(work, visitor.session, visitor.member_of),
        inbox_url=request.issuer.path + "/approvals",
        connections=[
            _in_words(connection, work.now, idle_days, await _grants(work, request, visitor.session, connection))
            | {"further": await _further(work, connection)}
            for connection in found
        ],
        keys=[key_in_words(own, work.now) for own in keys],
    )


def _done(work: UnitOfWork, session: Session, query: Parameters) -> str | None:
    name, seal = query.one("done") or "", query.one("seal") or ""
    if name not in _DONE or not forms.is_sealed(work.machines.keys, seal, "account/done", session.reference, name):
        return None
    minutes = max(1, work.machines.settings.access_token_seconds // 60)
    return _DONE[name].format(minutes="a minute" if minutes == 1 else f"{minutes} minutes")


async def _grants(
    work: UnitOfWork, request: Request, session: Session, connection: Connection
) -> dict[str, list[dict[str, object]]]:
    """Return the calls that may be made without asking again, by login, each with the token of the form that ends it."""
    said: dict[str, list[dict[str, object]]] = {}
    if not any(login.authorization.details for login in connection.logins):
        return said
    for each in await grant.of_person(work.beside(connection.tenant.id), connection.member.sub):
        query = urlencode({"tenant": connection.tenant.slug, "grant": each.id})
        bound = _bound(request.path + "/end-grant", query.encode(), session)
        said.setdefault(each.authorization_id, []).append(
            words.call_grant(each, connection.resource)
            | {"query": query, "csrf": request.machines.keys.form_token(*bound)}
        )
    return said


def _in_words(
    connection: Connection, now: int, idle_days: int, grants: dict[str, list[dict[str, object]]]
) -> dict[str, object]:
    resource = connection.resource
    names = {"tenant": connection.tenant.slug, "client": connection.client_id, "at": connection.resource_uri}
    order = list(resource.scopes) if resource is not None else []
    held = sorted(connection.consent.scope, key=lambda name: (order.index(name) if name in order else len(order), name))
    seen = connection.seen
    tools = {name: tool for name in held if seen is not None and (tool := seen.tool_of(name)) is not None}
    return facts(connection) | {
        "query": urlencode(names),
        "since": words.day(connection.consent.allowed_at),
        "since_iso": words.iso(connection.consent.allowed_at),
        "last_used": words.ago(connection.last_used_at, now),
        "last_used_iso": words.iso(connection.last_used_at),
        "idle_days": idle_days if connection.last_used_at + (idle_days + 1) * 86_400 <= now else 0,
        "scopes": [
            words.scope_in_words(resource, name)
            for name in held
            # A tool that is gone, or that its tenant hides from this application now, is nothing it may do.
            if not name.startswith(TOOL_SCOPE_PREFIX) and name not in {OFFLINE_ACCESS, OPENID}
        ],
        "tools": [{"title": tool.title or tool.name, "class": tool.sensitivity} for tool in tools.values()],
        "logins": [
            {
                "query": urlencode({**names, "login": login.authorization.id}),
                "started": words.moment(login.started_at),
                "started_iso": words.iso(login.started_at),
                "last_used": words.ago(login.last_used_at, now),
                "last_used_iso": words.iso(login.last_used_at),
                "ends": words.moment(login.ends_at),
                "purpose": _purpose(resource, login.authorization.purpose),
                "more": [in_words(resource, name) for name in _told(connection, login.authorization.widened_at(now))],
                "grants": grants.get(login.authorization.id, []),
                "more_until": words.moment(login.authorization.widened_until),
                "can_have_more": bool(connection.further_tools(login) or connection.further_scopes(login)),
            }
            for login in connection.logins[:_MOST_LOGINS]
        ],
        "logins_left_out": max(0, len(connection.logins) - _MOST_LOGINS),
    }


def _purpose(resource: Resource | None, name: str) -> str:
    """Return what a login was said to be for, in the resource's words; by its name where those are gone."""
    return resource.purposes.get(name, name) if resource is not None else name


async def _further(work: UnitOfWork, connection: Connection) -> list[dict[str, object]]:
    """Return where the connected server may act for this person with what this application may do now (RFC 8693)."""
    resource, member = connection.resource, connection.member
    if resource is None or not resource.is_active or connection.tenant.id not in resource.tenants:
        return []
    carried = set(connection.consent.scope)
    for login in connection.logins:
        carried |= set(login.authorization.widened_at(work.now))
    carried -= resource.withheld_from(member.roles)
    return [
        {
            "name": there.resource.name,
            "uri": there.resource.uri,
            "scopes": [words.scope_in_words(there.resource, name) for name in there.scope],
        }
        for there in await policy.reach(work, resource.uri, carried, {connection.tenant.id: member})
    ]


def key_in_words(own: OwnKey, now: int) -> dict[str, object]:
    """Return an API key as its owner reads it; its secret nobody has."""
    key = own.key
    return {
        "name": key.name,
        "query": urlencode({"tenant": own.tenant.slug, "key": key.id}),
        "resource_name": own.resource.name if own.resource is not None else "A server that was removed",
        "resource_uri": key.resource,
        "tenant_name": own.tenant.name,
        "scopes": [in_words(own.resource, name) for name in key.scope],
        "is_off": own.is_off,
        "since": words.day(key.created_at),
        "since_iso": words.iso(key.created_at),
        "last_used": words.ago(key.last_used_at, now) if key.last_used_at is not None else None,
        "ends": words.moment(key.expires_at),
        "ends_iso": words.iso(key.expires_at),
    }


def _told(connection: Connection, scope: Sequence[str]) -> list[str]:
    # A tool's name says what its author's scopes are for; those that only come with it are not said twice.
    resource = connection.resource
    tools = [tool for name in scope if resource is not None and (tool := resource.tool_of(name)) is not None]
    brought = {name for tool in tools for name in tool.scopes}
    return [name for name in scope if name not in brought]


def in_words(resource: Resource | None, scope: str) -> str:
    """Return a scope or a tool as the page names it."""
    tool = resource.tool_of(scope) if resource is not None else None
    return (tool.title or tool.name) if tool is not None else words.scope_in_words(resource, scope)
