"""
GET and POST /device: a person types the code of their device, sees who asks for what, and decides.

RFC 8628 §3.3, §3.3.1, §5.1, §5.4. A code is looked at only after a form of ours was sent by somebody who is signed in, so a
link alone does nothing; the session that sends it first is the only one that may decide. The decision's form is bound to
session and code.
"""

from authserver.domain.audit import event
from authserver.domain.codes import device_code
from authserver.oauth import authorization_decision as decision
from authserver.oauth import device_authorization
from authserver.oauth.authorization_decision import Offer
from authserver.oauth.device_authorization import Waiting
from authserver.oauth.errors import AccessDenied, InvalidRequest, LoginRequired
from authserver.oauth.parameters import Parameters
from authserver.runtime.addresses import address_prefix
from authserver.runtime.buckets import Limited
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer, denied_page, read_query
from authserver.web.http import Header, Request, Response, redirect
from authserver.web.pages import forms, words
from authserver.web.pages.account import Visitor, signed_in
from authserver.web.pages.answers import error_page, form_refused, page
from authserver.web.pages.consent import shown, who_asks_what
from authserver.web.token import read_form

_UNKNOWN = "This code is not known here, or it is over. Check every letter, or start again on your device."
_CHANGED = "Nothing was allowed: what this would allow has changed since the page was made. Look again, then decide."
_STALE = "This page was made for another sign-in, perhaps in another tab. Nothing was sent; type the code again."


async def show_device(request: Request) -> Response:
    """Show the form; a code in the URL stands in it already and waits to be compared (RFC 8628 §3.3.1)."""

    async def flow(work: UnitOfWork) -> Response:
        typed = device_code.normalised(read_query(request).one("user_code") or "")
        visitor = await signed_in(work, request)
        if visitor is None:
            return _to_login(request, typed)
        return _form(work, request, visitor, typed=typed, came_with_link=typed is not None)

    return await answer(request, flow)


async def enter_or_decide(request: Request) -> Response:
    """Take the code, or the decision about it."""
    try:
        form = read_form(request)
    except InvalidRequest:
        return form_refused(request)

    paid: list[Limited | None] = []

    async def flow(work: UnitOfWork) -> Response:
        visitor = await signed_in(work, request)
        if visitor is None:
            return _to_login(request, device_code.normalised(form.one("user_code") or form.one("request") or ""))
        if form.one("decision") is not None:
            return await _decide(work, request, visitor, form)
        return await _enter(work, request, visitor, form, paid=paid)

    try:
        return await answer(request, flow)
    except forms.FormRefusedError:
        return form_refused(request)


async def _enter(
    work: UnitOfWork, request: Request, visitor: Visitor, form: Parameters, *, paid: list[Limited | None]
) -> Response:
    typed = device_code.normalised(form.one("user_code") or "")
    try:
        forms.check(request, form, *_form_bound_to(request, visitor))
    except forms.FormRefusedError:
        return _form(work, request, visitor, status=403, typed=typed, error=_STALE)
    if typed is None:
        # No code has this form, so nothing was guessed.
        return _form(work, request, visitor, status=400, error=_UNKNOWN, as_typed=form.one("user_code") or "")
    if not paid:
        # Once for each request: a lost race runs this again, and is no second guess.
        paid.append(await device_code.pay_for_guess(work, visitor.person.id))
    (limited,) = paid
    if limited is not None:
        minutes = -(-limited.retry_after_s // 60)
        wait = "a minute" if minutes <= 1 else f"{minutes} minutes"
        return _form(
            work,
            request,
            visitor,
            (b"retry-after", str(limited.retry_after_s).encode()),
            status=429,
            error=f"Too many codes were tried. Wait {wait}, then try again.",
        )
    device = await device_authorization.waiting(work, request.issuer, typed)
    if device is None or not _is_for(device, visitor):
        event.record_stranger(work, event.Kind.DEVICE_REFUSED, reason="unknown_user_code", sub=visitor.person.id)
        return _form(work, request, visitor, status=400, error=_UNKNOWN, as_typed=device_code.shown(typed))
    device_code.return_guess(work, visitor.person.id)
    if not device.asked.client.is_shared:
        work.bind(device.asked.client.tenant)
    is_ours = device.code.is_bound_to(visitor.session.hash)
    if not is_ours and (device.code.session_hash is not None or device.code.is_decided):
        return _taken(work, request, visitor, device)
    if device.code.is_decided:
        return _done(request, device, is_allowed=not device.code.is_denied)
    if device.code.wants_newer_login(visitor.session.auth_time):
        return _to_login(request, typed)
    try:
        offered = await decision.offer(work, device.asked, visitor.session)
    except LoginRequired:
        return _to_login(request, typed)
    except AccessDenied as error:
        return denied_page(request, error)
    if not is_ours:
        device_code.bind(work, device.code, visitor.session.hash)
        event.record(work, event.Kind.DEVICE_ENTERED, client_id=device.code.client_id, sub=visitor.person.id)
    return _ask(work, request, visitor, device, offered)


async def _decide(work: UnitOfWork, request: Request, visitor: Visitor, form: Parameters) -> Response:
    session = visitor.session
    typed = device_code.normalised(form.one("request") or "") or ""
    try:
        # Before the code is looked at: only who was shown this code may ask about it again.
        forms.check(request, form, *_decision_bound_to(request, visitor, typed))
    except forms.FormRefusedError:
        return _form(work, request, visitor, status=403, error=_STALE)
    device = await device_authorization.waiting(work, request.issuer, typed)
    if device is None:
        return _form(work, request, visitor, status=400, error=_UNKNOWN)
    if not device.code.is_bound_to(session.hash):
        return _taken(work, request, visitor, device)
    if device.code.is_decided:
        # The form was sent twice: the same answer again.
        return _done(request, device, is_allowed=not device.code.is_denied)
    choice = form.one("decision")
    if choice == "allow" and device.code.wants_newer_login(session.auth_time):
        return _to_login(request, typed)
    if choice == "deny":
        device_authorization.deny(work, device, session)
        return _done(request, device, is_allowed=False)
    if choice != "allow":
        raise InvalidRequest("decision: allow or deny.", reason="missing_decision")
    try:
        offered = await decision.offer(work, device.asked, session)
        said = shown(device.asked, offered, device.user_code)
        if form.one("shown") != said:
            return _ask(work, request, visitor, device, offered, notice=_CHANGED)
        chosen = await decision.offer(work, device.asked, session, chosen=form.one("tenant"))
    except LoginRequired:
        return _to_login(request, typed)
    except AccessDenied as error:
        return denied_page(request, error)
    device_authorization.allow(
        work,
        device,
        session,
        chosen,
        tools=frozenset(form.many("tool")),
        personal=frozenset(form.many("allowed")),
        purpose=form.one("purpose"),
        shown=said,
    )
    return _done(request, device, is_allowed=True)


def _is_for(device: Waiting, visitor: Visitor) -> bool:
    # A code of another organisation's application is no code here: nobody learns that it exists.
    return device.asked.client.is_shared or device.asked.client.tenant in visitor.member_of


def _taken(work: UnitOfWork, request: Request, visitor: Visitor, device: Waiting) -> Response:
    event.record_stranger(
        work,
        event.Kind.DEVICE_REFUSED,
        reason="other_session",
        client_id=device.code.client_id,
        sub=visitor.person.id,
    )
    return error_page(
        request,
        status=409,
        title="This code was typed in another browser",
        message="Only the browser session that typed it first can decide, so nothing was changed here.",
        cure="Start again on your device: it then shows a new code. If it was not you who typed the first one, "
        "do not use that code anywhere.",
    )


def _to_login(request: Request, typed: str | None) -> Response:
    code = f"&user_code={device_code.shown(typed)}" if typed else ""
    return redirect(f"{request.issuer.path}/login?to=device{code}")


def _form_bound_to(request: Request, visitor: Visitor) -> tuple[str, ...]:
    return ("device", visitor.session.reference, request.issuer.path)


def _decision_bound_to(request: Request, visitor: Visitor, typed: str) -> tuple[str, ...]:
    return ("device/decision", visitor.session.reference, request.issuer.path, typed)


def _form(
    work: UnitOfWork,
    request: Request,
    visitor: Visitor,
    *headers: Header,
    status: int = 200,
    typed: str | None = None,
    as_typed: str = "",
    came_with_link: bool = False,
    error: str | None = None,
) -> Response:
    return page(
        "device.html",
        *headers,
        status=status,
        csrf=work.machines.keys.form_token(*_form_bound_to(request, visitor)),
        user_code=device_code.shown(typed) if typed else as_typed[:20],
        came_with_link=came_with_link,
        error=error,
        person_name=visitor.person.name,
        person_email=visitor.person.email,
        switch_url=f"{request.issuer.path}/login?to=device"
        + (f"&user_code={device_code.shown(typed)}" if typed else ""),
    )


def _ask(
    work: UnitOfWork, request: Request, visitor: Visitor, device: Waiting, offered: Offer, *, notice: str | None = None
) -> Response:
    code = device.code
    return page(
        "device_ask.html",
        notice=notice,
        csrf=work.machines.keys.form_token(*_decision_bound_to(request, visitor, device.typed)),
        shown=shown(device.asked, offered, device.user_code),
        user_code=device.user_code,
        started_from=code.started_from,
        is_near=code.started_from == address_prefix(work.address),
        started_iso=words.iso(code.started_at),
        started_ago=words.ago(code.started_at, work.now),
        **who_asks_what(work, device.asked, offered),
    )


def _done(request: Request, device: Waiting, *, is_allowed: bool) -> Response:
    return page(
        "device_done.html",
        is_allowed=is_allowed,
        client_name=device.asked.client.name,
        resource_name=device.asked.resource.name,
        account_url=request.issuer.path + "/account",
    )
