"""
GET and POST /consent: "this application wants …", and the person allows, narrows or denies.

OAuth 2.1 §7.3.1, §7.9; MCP A17, A19: the page names the host that the answer goes to, because a name proves nothing.
"""

import hashlib
from typing import Any

import orjson

from authserver.domain.login import session as sessions
from authserver.domain.login.session import Session
from authserver.domain.resources.resource import PERSONAL
from authserver.oauth import authorization_decision as decision
from authserver.oauth import authorization_response
from authserver.oauth.authorization_decision import Offer
from authserver.oauth.authorization_request import Asked, RefusedAuthorization
from authserver.oauth.errors import AccessDenied, InvalidRequest, LoginRequired, UnregisteredRedirect
from authserver.oauth.parameters import Parameters
from authserver.oauth.redirect_uris import form_action_source, host_of, is_local
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer, checked, denied_page
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import forms
from authserver.web.pages.answers import form_refused, page
from authserver.web.pages.calls import line
from authserver.web.pages.words import days, scope_in_words, span, times
from authserver.web.token import read_form

_STALE = "Nothing was allowed: this page was made for another sign-in, perhaps in another tab. Look again, then decide."
_CHANGED = "Nothing was allowed: what this would allow has changed since the page was made. Look again, then decide."


async def show_consent(request: Request) -> Response:
    """Show what is asked for."""

    async def flow(work: UnitOfWork) -> Response:
        asked = await checked(work, request)
        session = await _session(work, request, asked)
        if session is None:
            return _to_login(request)
        if asked.is_undecided:
            return redirect(request.issuer.path + "/authorize?" + request.query.decode("ascii"))
        try:
            offered = await decision.offer(work, asked, session)
        except LoginRequired:
            return _to_login(request)
        except AccessDenied as error:
            return denied_page(request, error)
        return _page(work, request, asked, session, offered)

    return await answer(request, flow)


async def decide(request: Request) -> Response:
    """Take the person's decision and send it to the application."""
    try:
        form = read_form(request)
    except InvalidRequest:
        return form_refused(request)

    async def flow(work: UnitOfWork) -> Response:
        asked = await checked(work, request, may_be_spent=True)
        session = await _session(work, request, asked)
        if asked.pushed is not None and asked.pushed.is_spent:
            return _same_answer(work, request, form, asked, session)
        if session is None:
            return _to_login(request)
        if asked.is_undecided:
            return redirect(request.issuer.path + "/authorize?" + request.query.decode("ascii"))
        try:
            forms.check(request, form, *_bound_to(request, session))
        except forms.FormRefusedError:
            return await _ask_again(work, request, asked, session)
        choice = form.one("decision")
        if choice == "deny":
            decision.deny(work, asked, session)
            raise RefusedAuthorization(asked, AccessDenied("The person said no."))
        if choice != "allow":
            raise InvalidRequest("decision: allow or deny.", reason="missing_decision")
        try:
            offered = await decision.offer(work, asked, session)
            if form.one("shown") != shown(asked, offered, asked.redirect_uri):
                # What can be allowed changed since the page was made: show it as it is now.
                return _page(work, request, asked, session, offered, notice=_CHANGED)
            chosen = await decision.offer(work, asked, session, chosen=form.one("tenant"))
        except LoginRequired:
            return _to_login(request)
        except AccessDenied as error:
            return denied_page(request, error)
        code = decision.allow(
            work,
            asked,
            session,
            chosen,
            tools=frozenset(form.many("tool")),
            shown=shown(asked, offered, asked.redirect_uri),
            personal=frozenset(form.many("allowed")),
            purpose=form.one("purpose"),
            details=frozenset(form.many("detail")),
        )
        return redirect(authorization_response.with_code(asked, code))

    try:
        return await answer(request, flow)
    except forms.FormRefusedError:
        return form_refused(request)


def _same_answer(
    work: UnitOfWork, request: Request, form: Parameters, asked: Asked, session: Session | None
) -> Response:
    # A form that is sent twice (an impatient second click) must not lose the answer of the first sending.
    code = None
    if session is not None and form.one("decision") == "allow":
        forms.check(request, form, *_bound_to(request, session))
        code = decision.same_answer(work, asked, session)
    if code is None:
        raise UnregisteredRedirect(
            "This request has been answered already.",
            reason="spent_request",
            cure="Go back to the application; if it is still waiting, start again there.",
        )
    return redirect(authorization_response.with_code(asked, code))


async def _ask_again(work: UnitOfWork, request: Request, asked: Asked, session: Session) -> Response:
    # AZ-29: whoever signed in anew in another tab gets a page of the new session, not a dead end.
    try:
        offered = await decision.offer(work, asked, session)
    except LoginRequired:
        return _to_login(request)
    except AccessDenied as error:
        return denied_page(request, error)
    return _page(work, request, asked, session, offered, status=403, notice=_STALE)


async def _session(work: UnitOfWork, request: Request, asked: Asked) -> Session | None:
    session = await sessions.find(work, request.cookie(forms.session_cookie_name(work.machines.settings)))
    if session is None or decision.is_too_old(work, asked, session):
        return None
    return session


def _to_login(request: Request) -> Response:
    return redirect(request.issuer.path + "/login?" + request.query.decode("ascii"))


def _bound_to(request: Request, session: Session) -> tuple[str, ...]:
    return ("consent", session.reference, request.issuer.path, hashlib.sha256(request.query).hexdigest())


def shown(asked: Asked, offered: Offer, goes_to: str) -> str:
    """Return the hash of what the page shows and a yes would mean; it is kept with the consent.

    `goes_to` is what gets the access: a redirect URI, or a device by its code.
    """
    said = {
        "client": [asked.client.id, asked.client.name, goes_to],
        "resource": [asked.resource.uri, asked.resource.name],
        "tenants": [choice.tenant.id for choice in offered.choices],
        "scope": [[name, scope_in_words(asked.resource, name), lets_today(offered, name)] for name in offered.scope],
        "tools": [[tool.name, tool.sensitivity, tool.title, tool.description] for tool in offered.tools],
    }
    if offered.details:
        said["details"] = [
            [*detail.promised(0).items(), *((line.path, line.kind, line.text) for line in detail.lines)]
            for detail in offered.details
        ]
    if asked.resource.purposes:
        said["purposes"] = [list(purpose) for purpose in asked.resource.purposes.items()]
    if offered.further:
        said["further"] = [
            [there.resource.uri, there.resource.name, [scope_in_words(there.resource, name) for name in there.scope]]
            for there in offered.further
        ]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def lets_today(offered: Offer, scope: str) -> list[dict[str, str]]:
    """Return the tools that a scope lets an application use as things stand: those that read, and those with a box below."""
    boxes = {tool.name for tool in offered.tools}
    return [
        {"title": tool.title or tool.name, "class": tool.sensitivity}
        for tool in offered.resource.tools
        if scope in tool.scopes and set(tool.scopes) <= set(offered.scope)
        if tool.sensitivity == "read" or tool.name in boxes
    ]


def _page(
    work: UnitOfWork,
    request: Request,
    asked: Asked,
    session: Session,
    offered: Offer,
    *,
    status: int = 200,
    notice: str | None = None,
) -> Response:
    return page(
        "consent.html",
        status=status,
        notice=notice,
        form_targets=(form_action_source(asked.redirect_uri),),
        csrf=work.machines.keys.form_token(*_bound_to(request, session)),
        shown=shown(asked, offered, asked.redirect_uri),
        redirect_host=host_of(asked.redirect_uri),
        redirect_is_local=is_local(asked.redirect_uri),
        switch_url=request.issuer.path + "/login?" + request.query.decode("ascii"),
        **who_asks_what(work, asked, offered),
    )


def who_asks_what(work: UnitOfWork, asked: Asked, offered: Offer) -> dict[str, Any]:
    """Return what every page says on which a person allows something: who, what, for whom, in which organisation, how long."""
    settings = work.machines.settings
    return {
        "client_name": asked.client.name,
        "client_verified": asked.client.is_verified,
        "client_host": asked.client.document_host,
        "resource_name": asked.resource.name,
        "resource_uri": asked.resource.uri,
        "person_name": offered.person.name,
        "person_email": offered.person.email,
        "tenants": [
            {"slug": choice.tenant.slug, "name": choice.tenant.name, "selected": len(offered.choices) == 1}
            for choice in offered.choices
        ],
        "scopes": [
            {
                "name": name,
                "description": scope_in_words(asked.resource, name),
                "granted": name in offered.allowed_before,
                "tools": lets_today(offered, name),
            }
            for name in offered.scope
            if offered.resource.tool_of(name) is None and name not in PERSONAL
        ],
        "personal": [
            {
                "name": name,
                "description": scope_in_words(asked.resource, name),
                "ticked": name in offered.allowed_before,
            }
            for name in offered.scope
            if name in PERSONAL
        ],
        "tools": [
            {
                "name": tool.name,
                "title": tool.title or tool.name,
                "description": tool.description,
                "class": tool.sensitivity,
                "ticked": offered.starts_ticked(tool),
            }
            for tool in offered.tools
        ],
        "further": [
            {
                "name": there.resource.name,
                "uri": there.resource.uri,
                "scopes": [scope_in_words(there.resource, name) for name in there.scope],
            }
            for there in offered.further
        ],
        "details": [
            {
                "key": detail.key,
                "title": detail.tool.title or detail.tool.name,
                "name": detail.tool.name,
                "class": detail.tool.sensitivity,
                "is_exact": bool(detail.args_hash),
                "lines": [line(each) for each in detail.lines],
                "condition": detail.condition,
                "times": times(detail.max_calls),
                "count": detail.max_calls,
                "within": span(detail.expires_in),
            }
            for detail in offered.details
        ],
        "purposes": [{"name": name, "words": words} for name, words in asked.resource.purposes.items()],
        "lasts": f"until it has not been used for {days(settings.interactive_idle_seconds)}, "
        f"and never longer than {days(settings.interactive_absolute_seconds)}.",
    }
