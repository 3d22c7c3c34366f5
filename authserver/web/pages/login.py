"""
GET and POST /login, POST /logout: a person signs in, with the application's own request in the query, or the name of one of
our own pages. Nothing in a query is ever an address to go to.

The answer to a wrong password and to an unknown address is the same, byte for byte and in the same time.
"""

import re

from authserver.domain.login import login as logins
from authserver.domain.login import session as sessions
from authserver.domain.users import user
from authserver.oauth.errors import InvalidRequest, UnregisteredRedirect
from authserver.oauth.redirect_uris import form_action_source
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import after_login, answer, checked, read_query
from authserver.web.console import way_back
from authserver.web.http import Header, Request, Response, redirect
from authserver.web.pages import forms
from authserver.web.pages.answers import form_refused, page
from authserver.web.token import read_form
from authserver.web.work import run

_STALE = "This page was open too long, or you signed in from another tab. Nothing was sent; sign in here to go on."
_OWN_PAGES = {
    b"to=account": "/account",
    b"to=device": "/device",
    b"to=approvals": "/approvals",
    b"to=console": "/console",
}
"""Where a login may go on to besides an application's request: a name for each of our pages, and no other."""

_ONE_APPROVAL = re.compile(rb"to=approvals&id=([A-Za-z0-9_-]{1,100})")
_WITH_A_WORD = (
    # The code that stood in the URL goes on with the person (RFC 8628 §3.3.1).
    (re.compile(rb"to=device&user_code=([A-Za-z0-9-]{1,20})"), "/device?user_code="),
    # The call that the person was asked about; the id names nothing until their page finds it.
    (_ONE_APPROVAL, "/approvals/"),
)
"""Pages of ours with one opaque word of theirs, which can be no address."""

_CONSOLE = re.compile(rb"to=console&at=([A-Za-z0-9_-]{1,4096})")
"""A page of the console, in a word that can name nothing else."""

_WRONG = "That e-mail address and password do not match. Check both and try again."


async def show_login(request: Request) -> Response:
    """Show the form, or who is signed in when nobody sent them here."""

    async def flow(work: UnitOfWork) -> Response:
        if not request.query:
            signed_in = await _signed_in(work, request)
            if signed_in is not None:
                return signed_in
        return await _form(work, request)

    return await answer(request, flow)


async def log_in(request: Request) -> Response:
    """Check the form, sign in, and go on to where the person was sent from."""
    nonce = request.cookie(forms.nonce_cookie_name(request.machines.settings)) or ""
    if not nonce:
        return await _ask_again(request)
    try:
        form = read_form(request)
        forms.check(request, form, "login", nonce)
    except (forms.FormRefusedError, InvalidRequest):
        return await _ask_again(request)
    if _is_for_an_application(request):
        try:
            read_query(request)
        except UnregisteredRedirect:
            # There is nowhere to go on to: say so before a password is looked at.
            return await show_login(request)
    email, password = form.one("email") or "", form.one("password") or ""

    async def prove(work: UnitOfWork) -> logins.LoggedIn | logins.Refused:
        current = await sessions.find(work, request.cookie(forms.session_cookie_name(work.machines.settings)))
        return await logins.with_password(work, email=email, password=password, current_session=current)

    outcome = await run(request, prove)
    settings = request.machines.settings
    if isinstance(outcome, logins.LoggedIn):
        return redirect(
            _next(request, outcome.session.reference),
            forms.set_cookie(settings, forms.session_cookie_name(settings), outcome.cookie),
            forms.drop_cookie(settings, forms.nonce_cookie_name(settings)),
        )

    async def again(work: UnitOfWork) -> Response:
        if outcome.retry_after_s is None:
            return await _form(work, request, status=401, error=_WRONG, email=email)
        minutes = -(-outcome.retry_after_s // 60)
        wait = "a minute" if minutes <= 1 else f"{minutes} minutes"
        return await _form(
            work,
            request,
            (b"retry-after", str(outcome.retry_after_s).encode()),
            status=429,
            error=f"Too many attempts. Wait {wait}, then try again.",
            email=email,
        )

    return await answer(request, again)


async def _ask_again(request: Request) -> Response:
    # The nonce is gone once another tab has signed in: whoever typed into this one gets a fresh form, not a dead end.
    async def flow(work: UnitOfWork) -> Response:
        return await _form(work, request, status=403, error=_STALE)

    return await answer(request, flow)


async def log_out(request: Request) -> Response:
    """End the browser's session."""
    settings = request.machines.settings

    async def flow(work: UnitOfWork) -> Response:
        session = await sessions.find(work, request.cookie(forms.session_cookie_name(settings)))
        if session is not None:
            forms.check(request, read_form(request), "logout", session.reference)
            sessions.end(work, session)
        return page("signed_out.html", forms.drop_cookie(settings, forms.session_cookie_name(settings)))

    try:
        return await answer(request, flow)
    except forms.FormRefusedError:
        return form_refused(request)


def _next(request: Request, session_reference: str) -> str:
    if _is_for_an_application(request):
        return request.issuer.path + "/authorize?" + after_login(request, session_reference)
    return request.issuer.path + (_own_page(request) or "/login")


def _own_page(request: Request) -> str | None:
    """Return the path of our page that a query names, or None."""
    for pattern, path in _WITH_A_WORD:
        if found := pattern.fullmatch(request.query):
            return path + found[1].decode()
    if found := _CONSOLE.fullmatch(request.query):
        return "/console" + way_back.page_of(found[1].decode())
    return _OWN_PAGES.get(request.query)


def _is_for_an_application(request: Request) -> bool:
    return bool(request.query) and _own_page(request) is None


async def _signed_in(work: UnitOfWork, request: Request) -> Response | None:
    session = await sessions.find(work, request.cookie(forms.session_cookie_name(work.machines.settings)))
    person = await user.person_by_id(work, session.person_id) if session else None
    if session is None or person is None or not person.is_active:
        return None
    csrf = work.machines.keys.form_token("logout", session.reference)
    return page("signed_in.html", person_name=person.name, person_email=person.email, csrf=csrf)


async def _form(
    work: UnitOfWork, request: Request, *headers: Header, status: int = 200, error: str | None = None, email: str = ""
) -> Response:
    client_name = resource_name = None
    targets: tuple[str, ...] = ()
    if _is_for_an_application(request):
        # Whoever is sent here with a request that could not end well learns it before typing a password.
        asked = await checked(work, request)
        client_name = asked.client.name
        resource_name = None if asked.is_undecided else asked.resource.name
        # OpenID Connect Core §3.1.2.1 `login_hint`: a first word in the field, and no more.
        email = email or (asked.parameters.one("login_hint") or "")[:254]
        # The answer to this form may end in a redirect to the application.
        targets = (form_action_source(asked.redirect_uri),)
    is_for_decision = _ONE_APPROVAL.fullmatch(request.query) is not None
    is_for_console = _own_page(request) is not None and request.query.startswith(b"to=console")
    if (is_for_decision or is_for_console) and not email:
        # Who is signed in already and has to prove it again (RFC 9470) types the password alone.
        session = await sessions.find(work, request.cookie(forms.session_cookie_name(work.machines.settings)))
        person = await user.person_by_id(work, session.person_id) if session else None
        email = person.email if person is not None else ""
    nonce, cookie = forms.login_nonce(request)
    return page(
        "login.html",
        *headers,
        *cookie,
        status=status,
        form_targets=targets,
        csrf=work.machines.keys.form_token("login", nonce),
        email=email,
        error=error,
        client_name=client_name,
        resource_name=resource_name,
        is_for_decision=is_for_decision,
        is_for_console=is_for_console,
    )
