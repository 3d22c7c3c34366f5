"""
GET /authorize — OAuth 2.1 §4.1.1.

Decides between a page, a redirect back with an error, the login page, the consent page, and a code. It stores nothing for a
person who is not signed in.
"""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from urllib.parse import urlencode

from authserver.domain.audit import event
from authserver.domain.login import session as sessions
from authserver.domain.login.session import Session
from authserver.domain.pushed_requests import pushed_request
from authserver.domain.tenants.tenant import Tenant
from authserver.oauth import authorization_decision as decision
from authserver.oauth import authorization_request, authorization_response, parameters
from authserver.oauth.authorization_request import Asked, RefusedAuthorization
from authserver.oauth.errors import (
    AccessDenied,
    ConsentRequired,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    Stopped,
    UnregisteredRedirect,
)
from authserver.oauth.redirect_uris import form_action_source
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import MOST_QUERY_BYTES, Request, Response, redirect
from authserver.web.pages.answers import error_page, page
from authserver.web.pages.forms import session_cookie_name
from authserver.web.work import run

_LOGGED_IN = "logged_in"
_TENANT = "tenant"
"""Our own parameter beside the application's: the slug that the person chose; from anybody else it is a wish."""


async def authorize(request: Request) -> Response:
    """Answer an authorization request."""

    async def flow(work: UnitOfWork) -> Response:
        asked = await checked(work, request)
        session = await signed_in(work, request)
        silent = "none" in asked.prompt
        if asked.pushed is not None:
            pushed_request.open_once(work, asked.pushed)
        if session is None or decision.needs_login(
            work, asked, session, has_just_been=_has_just_been(request, session)
        ):
            if silent:
                raise RefusedAuthorization(asked, LoginRequired("The person must sign in."))
            return redirect(request.issuer.path + "/login?" + request.query.decode("ascii"))
        if asked.is_undecided:
            if silent:
                raise RefusedAuthorization(asked, ConsentRequired("The person must choose an organisation."))
            return _which_organisation(request, asked, await decision.organisations(work, asked, session))
        try:
            offered = await decision.offer(work, asked, session)
        except LoginRequired as error:
            if silent:
                raise RefusedAuthorization(asked, error) from None
            return redirect(request.issuer.path + "/login?" + request.query.decode("ascii"))
        except AccessDenied as error:
            if silent:
                raise RefusedAuthorization(asked, error) from None
            return denied_page(request, error)
        if decision.may_skip_consent(asked, offered):
            return redirect(
                authorization_response.with_code(asked, decision.allow_as_before(work, asked, session, offered))
            )
        if silent:
            raise RefusedAuthorization(asked, ConsentRequired("The person must be asked."))
        return redirect(request.issuer.path + "/consent?" + request.query.decode("ascii"))

    return await answer(request, flow)


async def checked(work: UnitOfWork, request: Request, *, may_be_spent: bool = False) -> Asked:
    """Return the checked request; a refusal is recorded. Raises UnregisteredRedirect, RefusedAuthorization.

    One that names no resource is decided by the tenants of whoever is signed in, and by `tenant` where they said which.
    """
    try:
        query = read_query(request)
        asked = await authorization_request.check(work, request.issuer, query, may_be_spent=may_be_spent)
        session = await signed_in(work, request) if asked.is_undecided else None
        if session is None:
            return asked
        chosen = query.one(_TENANT)
        member_of = tuple(
            tenant.id
            for tenant in await decision.organisations(work, asked, session)
            if chosen is None or tenant.slug == chosen
        )
        return await authorization_request.check(
            work, request.issuer, query, may_be_spent=may_be_spent, member_of=member_of
        )
    except UnregisteredRedirect as refused:
        event.record_stranger(work, event.Kind.AUTHORIZATION_REFUSED, reason=refused.reason)
        raise
    except RefusedAuthorization as refused:
        event.record_stranger(
            work,
            event.Kind.AUTHORIZATION_REFUSED,
            reason=refused.error.reason,
            client_id=refused.asked.client.id,
        )
        raise


async def signed_in(work: UnitOfWork, request: Request) -> Session | None:
    """Return the browser's session, or None."""
    cookie = request.cookie(session_cookie_name(work.machines.settings))
    session = await sessions.find(work, cookie)
    if session is not None and cookie is not None:
        work.machines.page_requests.note(cookie)
    return session


def _which_organisation(request: Request, asked: Asked, organisations: tuple[Tenant, ...]) -> Response:
    """Ask for which organisation it is: the application named no resource, and each has one of its own."""
    return page(
        "organisation.html",
        form_targets=(form_action_source(asked.redirect_uri),),
        action=request.issuer.path + "/authorize",
        client_name=asked.client.name,
        request=[(name, value) for name, value in read_query(request).pairs() if name != _TENANT],
        tenants=[{"slug": tenant.slug, "name": tenant.name} for tenant in organisations],
    )


def read_query(request: Request) -> parameters.Parameters:
    """Return the query. Raises UnregisteredRedirect when it cannot be read: then nobody knows where to answer."""
    try:
        if len(request.query) > MOST_QUERY_BYTES or not request.query.isascii():
            raise InvalidRequest("The request is too long, or not ASCII.", reason="unreadable_query")
        return parameters.parse(request.query)
    except InvalidRequest as error:
        raise UnregisteredRedirect("The application sent a request that cannot be read.", reason=error.reason) from None


async def answer(request: Request, flow: Callable[[UnitOfWork], Awaitable[Response]]) -> Response:
    """Run a flow of the authorization pages and turn what it refuses with into a page or a redirect."""
    try:
        return await run(request, flow)
    except RefusedAuthorization as refused:
        return redirect(authorization_response.with_error(refused.asked, refused.error))
    except UnregisteredRedirect as refused:
        cure = refused.cure or (
            "Remove this connection in the application and add it again: it then introduces itself anew. "
            "If somebody gave it a client id by hand, check that id, or ask an administrator to add the application."
            if refused.client_is_unknown
            else "Tell the application's maker; you cannot cure this from here."
        )
        return error_page(
            request, status=400, title="This application cannot continue", message=refused.description, cure=cure
        )
    except OAuthError as error:
        return error_page(
            request,
            status=error.status,
            title="That did not work",
            message=error.description,
            cure="Go back and try again.",
        )


def denied_page(request: Request, error: AccessDenied) -> Response:
    """Answer to a signed-in person who has nothing to allow here: they may have another account, or it was stopped."""
    if isinstance(error, Stopped):
        return error_page(
            request,
            status=403,
            title="Stopped by an operator",
            message="Nobody can give access here at the moment. Nothing was changed.",
            cure="Ask the person who runs your organisation.",
        )
    return error_page(
        request,
        status=403,
        title="You cannot give access here",
        message=error.description,
        cure="Sign in with another account, or ask the person who runs your organisation.",
    )


def after_login(request: Request, session_reference: str) -> str:
    """Return the query after a login: `prompt=login` has been done and must not ask for ever.

    A pushed request cannot be changed, so a proof goes beside it that this session has just logged in for it.
    """
    query, raw = read_query(request), request.query
    reference = query.one("request_uri")
    if reference is not None:
        pairs = [(name, value) for name, value in query.pairs() if name != _LOGGED_IN]
        return urlencode([*pairs, (_LOGGED_IN, _login_proof(request, session_reference, reference))])
    prompt = query.one("prompt")
    if prompt is None:
        return raw.decode("ascii")
    left = " ".join(word for word in prompt.split() if word not in {"login", "select_account"})
    pairs = [(name, value) for name, value in query.pairs() if name != "prompt"]
    return urlencode([*pairs, ("prompt", left)] if left else pairs)


def _has_just_been(request: Request, session: Session) -> bool:
    query = read_query(request)
    if {_LOGGED_IN, "request_uri"} & query.repeated:
        return False
    proof, reference = query.one(_LOGGED_IN), query.one("request_uri")
    if proof is None or reference is None:
        return False
    return compare_digest(proof.encode(), _login_proof(request, session.reference, reference).encode())


def _login_proof(request: Request, session_reference: str, request_uri: str) -> str:
    return request.machines.keys.form_token("logged_in", session_reference, request_uri)
