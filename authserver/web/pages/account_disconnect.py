"""
GET and POST /account/disconnect: end one application at one server, or one login of it, after one look.

It acts with the commit: refreshing is refused and introspection says inactive (RFC 7662 §2.2) from then on, on every worker.
"""

from authserver.domain.tokens import authorization
from authserver.domain.tokens.connection import Connection, Login
from authserver.oauth import parameters
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import Request, Response
from authserver.web.pages import account, words
from authserver.web.pages.account import Visitor
from authserver.web.pages.answers import page

_CHANGED = "Nothing was ended: something has changed since this page was made. Look again, then decide."


async def show_disconnect(request: Request) -> Response:
    """Ask whether this is meant."""

    async def show(work: UnitOfWork, visitor: Visitor) -> Response:
        found = await _chosen(work, visitor, parameters.parse(request.query))
        if found is None:
            return account.back(request, visitor.session, "gone")
        return _page(work, request, visitor, *found)

    return await account.shown_to(request, show)


async def disconnect(request: Request) -> Response:
    """End it."""

    async def act(work: UnitOfWork, visitor: Visitor, form: Parameters) -> Response:
        found = await _chosen(work, visitor, parameters.parse(request.query))
        if found is None:
            return account.back(request, visitor.session, "gone")
        connection, login = found
        if form.one("shown") != account.shown(connection):
            # An old form must not end what was allowed anew since.
            return _page(work, request, visitor, connection, login, notice=_CHANGED)
        work.bind(connection.tenant.id)
        if login is not None:
            authorization.end(work, login.authorization, reason="ended_by_owner")
            return account.back(request, visitor.session, "ended")
        await authorization.withdraw_consent(
            work, sub=connection.member.sub, client_id=connection.client_id, resource=connection.resource_uri
        )
        return account.back(request, visitor.session, "disconnected")

    return await account.decided_by(request, act)


async def _chosen(work: UnitOfWork, visitor: Visitor, query: Parameters) -> tuple[Connection, Login | None] | None:
    connection = await account.chosen(work, visitor, query)
    if connection is None:
        return None
    wanted = query.one("login")
    if wanted is None:
        return connection, None
    login = connection.login(wanted)
    return (connection, login) if login is not None else None


def _page(
    work: UnitOfWork,
    request: Request,
    visitor: Visitor,
    connection: Connection,
    login: Login | None,
    *,
    notice: str | None = None,
) -> Response:
    return page(
        "account_disconnect.html",
        it=account.facts(connection),
        here=request.issuer.path + "/account",
        csrf=account.csrf(request, visitor.session),
        shown=account.shown(connection),
        notice=notice,
        logins=len(connection.logins),
        login=None
        if login is None
        else {"started": words.moment(login.started_at), "last_used": words.ago(login.last_used_at, work.now)},
    )
