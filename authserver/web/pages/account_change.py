"""
GET and POST /account/change: take something away from an application for good.
GET and POST /account/more: let one login of it do more, for a while.

OAuth 2.1 §4.3.1 lets a refresh never exceed what its owner granted; here the owner grants, by name and until a moment they
choose, and the next refresh without `scope` carries it (decision 9; clients.md rule 13). It lapses by itself.
"""

from collections.abc import Callable, Collection

from authserver.domain.call_grants import grant
from authserver.domain.consent import consent
from authserver.domain.resources.resource import INERT, OFFLINE_ACCESS, OPENID, Tool
from authserver.domain.revocation import kill_switch
from authserver.domain.tokens import authorization
from authserver.domain.tokens.connection import Connection, Login
from authserver.oauth import parameters
from authserver.oauth.errors import InvalidRequest
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import account, words
from authserver.web.pages.account import Visitor
from authserver.web.pages.answers import page

HOURS = (1, 8, 24, 168)
"""For how long more may be allowed; never beyond the login's own end."""

Show = Callable[[UnitOfWork, Request, Visitor, Connection], Response]

_SILENT = frozenset({OFFLINE_ACCESS, OPENID})
"""Scopes that let an application do nothing, so that there is nothing to take away."""

_CHANGED = "Nothing was changed: something is different since this page was made. Look again, then decide."
_STOPPED = "Nothing was allowed: an operator has switched this off for now. Come back later."


async def show_change(request: Request) -> Response:
    """Show what an application may do, each thing with a box to take it away."""
    return await _shown(request, _change_page)


async def change(request: Request) -> Response:
    """Leave what is still ticked."""

    async def act(work: UnitOfWork, visitor: Visitor, form: Parameters) -> Response:
        connection = await account.chosen(work, visitor, parameters.parse(request.query))
        if connection is None:
            return account.back(request, visitor.session, "gone")
        if form.one("shown") != account.shown(connection):
            return _change_page(work, request, visitor, connection, notice=_CHANGED)
        tools, allowed = set(form.many("tool")), set(form.many("allowed"))
        kept = _kept(connection, tools, allowed)
        if not kept - INERT:
            return redirect(f"{request.issuer.path}/account/disconnect?{request.query.decode('ascii')}")
        if kept != connection.consent.scope:
            work.bind(connection.tenant.id)
            consent.narrow(
                work,
                connection.consent,
                sub=connection.member.sub,
                client_id=connection.client_id,
                resource=connection.resource_uri,
                scope=kept,
                shown=account.shown(connection),
            )
            whose = {
                "sub": connection.member.sub,
                "client_id": connection.client_id,
                "resource": connection.resource_uri,
            }
            authorization.end_widenings(work, **whose)
            taken = connection.consent.scope - kept
            known = connection.resource.tools if connection.resource is not None else ()
            grant.end_of_tools(work, {tool.name for tool in known if {tool.own_scope, *tool.scopes} & taken}, **whose)
        return account.back(request, visitor.session, "narrowed")

    return await account.decided_by(request, act)


async def show_more(request: Request) -> Response:
    """Show what a login could be allowed besides, tools by name."""
    return await _shown(request, _more_page)


async def allow_more(request: Request) -> Response:
    """Allow what is ticked until the chosen time; nothing ticked takes back what was allowed like that before."""

    async def act(work: UnitOfWork, visitor: Visitor, form: Parameters) -> Response:
        query = parameters.parse(request.query)
        connection = await account.chosen(work, visitor, query)
        login = connection.login(query.one("login") or "") if connection is not None else None
        if connection is None or login is None:
            return account.back(request, visitor.session, "gone")
        if form.one("shown") != account.shown(connection, login):
            return _more_page(work, request, visitor, connection, notice=_CHANGED)
        work.bind(connection.tenant.id)
        if form.one("decision") == "take-back":
            authorization.widen(work, login.authorization, scope=(), until=0)
            return account.back(request, visitor.session, "taken-back")
        scope = _more(connection, login, set(form.many("tool")), set(form.many("allowed")))
        if not scope:
            return _more_page(work, request, visitor, connection, notice="Tick at least one thing.")
        if await _is_stopped(work, connection, scope):
            return _more_page(work, request, visitor, connection, notice=_STOPPED)
        hours = {str(hours): hours for hours in HOURS}.get(form.one("hours") or "")
        if hours is None:
            raise InvalidRequest("hours: one of those on the page.", reason="malformed_hours")
        until = min(work.now + hours * 3600, login.authorization.expires_at)
        authorization.widen(work, login.authorization, scope=scope, until=until)
        return account.back(request, visitor.session, "widened")

    return await account.decided_by(request, act)


async def _shown(request: Request, show: Show) -> Response:
    async def flow(work: UnitOfWork, visitor: Visitor) -> Response:
        connection = await account.chosen(work, visitor, parameters.parse(request.query))
        if connection is None:
            return account.back(request, visitor.session, "gone")
        return show(work, request, visitor, connection)

    return await account.shown_to(request, flow)


def _kept(connection: Connection, tools: set[str], allowed: set[str]) -> frozenset[str]:
    """Return what of the consent stays: never more than it holds, whatever the form says."""
    kept = set()
    for name in connection.consent.scope:
        tool = _tool_of(connection, name)
        if name in _SILENT or (name in allowed if tool is None else tool.name in tools):
            kept.add(name)
    return frozenset(kept)


async def _is_stopped(work: UnitOfWork, connection: Connection, scope: Collection[str]) -> bool:
    """Whether an operator has switched off the server, or a tool that is to be allowed."""
    stops, tenant = await kill_switch.stops(work), connection.tenant.id
    if stops.held(tenant, connection.resource_uri) is not None:
        return True
    tools = {tool.name for name in scope if (tool := _tool_of(connection, name)) is not None}
    return not tools.isdisjoint(stops.tools(tenant, connection.resource_uri))


def _more(connection: Connection, login: Login, tools: set[str], allowed: set[str]) -> tuple[str, ...]:
    """Return the scopes of what is ticked, of those the page offered alone; a tool brings the scopes it needs."""
    wanted = [name for name in connection.further_scopes(login) if name in allowed]
    for tool in connection.further_tools(login):
        if tool.name in tools and tool.own_scope is not None:
            wanted += [*tool.scopes, tool.own_scope]
    held = connection.held(login)
    return tuple(name for name in dict.fromkeys(wanted) if name not in held)


def _tool_of(connection: Connection, scope: str) -> Tool | None:
    return connection.resource.tool_of(scope) if connection.resource is not None else None


def _change_page(
    _work: UnitOfWork, request: Request, visitor: Visitor, connection: Connection, *, notice: str | None = None
) -> Response:
    held = sorted(connection.consent.scope)
    tools = [tool for name in held if (tool := _tool_of(connection, name)) is not None]
    return page(
        "account_change.html",
        it=account.facts(connection),
        here=request.issuer.path + "/account",
        csrf=account.csrf(request, visitor.session),
        shown=account.shown(connection),
        notice=notice,
        scopes=[
            {"name": name, "description": words.scope_in_words(connection.resource, name)}
            for name in held
            if _tool_of(connection, name) is None and name not in _SILENT
        ],
        tools=[_told(tool, is_ticked=True) for tool in tools],
    )


def _more_page(
    work: UnitOfWork, request: Request, visitor: Visitor, connection: Connection, *, notice: str | None = None
) -> Response:
    login = connection.login(parameters.parse(request.query).one("login") or "")
    if login is None:
        return account.back(request, visitor.session, "gone")
    now_more = login.authorization.widened_at(work.now)
    left = login.authorization.expires_at - work.now
    return page(
        "account_more.html",
        it=account.facts(connection),
        here=request.issuer.path + "/account",
        csrf=account.csrf(request, visitor.session),
        shown=account.shown(connection, login),
        notice=notice,
        started=words.moment(login.started_at),
        last_used=words.ago(login.last_used_at, work.now),
        more_until=words.moment(login.authorization.widened_until) if now_more else None,
        scopes=[
            {
                "name": name,
                "description": words.scope_in_words(connection.resource, name),
                "ticked": name in now_more,
            }
            for name in connection.further_scopes(login)
        ],
        tools=[_told(tool, is_ticked=tool.own_scope in now_more) for tool in connection.further_tools(login)],
        hours=[{"value": hours, "words": words.days(hours * 3600)} for hours in HOURS if hours * 3600 <= left]
        or [{"value": HOURS[0], "words": "until it ends"}],
    )


def _told(tool: Tool, *, is_ticked: bool) -> dict[str, object]:
    return {
        "name": tool.name,
        "title": tool.title or tool.name,
        "description": tool.description,
        "class": tool.sensitivity,
        "ticked": is_ticked,
    }
