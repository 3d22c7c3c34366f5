"""
GET and POST /approvals/{id}: one call that waits for a yes, and what has become of it.

Decision 13; RFC 9470 (a fresh or stronger sign-in before a yes), RFC 9396 §11; AP-09, AP-10, AP-11. A GET decides nothing. A form is
bound to session, call and what was shown. Who may not see a call is told what an unknown id is told, in the same bytes.
A page that is out of date shows how things are now, and says so.
"""

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, several, showing
from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.deciding import RefusedDecisionError, WhyNot
from authserver.domain.approvals.several import Several
from authserver.oauth import parameters
from authserver.oauth.errors import InvalidRequest
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import approval_words as said
from authserver.web.pages import calls, forms, words
from authserver.web.pages.account import Visitor, signed_in
from authserver.web.pages.answers import page
from authserver.web.pages.approval_words import Open
from authserver.web.pages.turning import turning
from authserver.web.token import read_form
from resource_lib.wire.approvals import State

_CHOICES = frozenset({"allow", "deny", "deny_and_stop", "ran", "not_ran"})
_ONLY_THIS_ONE = "none"
_STALE_FORM = "Nothing was decided: this page was made for another sign-in. Look again, then decide."
_CHANGED = "Nothing was decided: somebody else has agreed since this page was made. Look again, then decide."
_NOT_SHOWN = "Nothing was decided: what this page showed is not what waits now. Look again, then decide."
_TOO_LATE = "Your answer came too late, so it changed nothing. This is how things are now."
_NOTICES = {
    WhyNot.NOT_PENDING: _TOO_LATE,
    WhyNot.ALREADY_DECIDED: "You had decided already, perhaps in another tab. This is how things are now.",
    WhyNot.NOT_AS_SHOWN: _NOT_SHOWN,
    WhyNot.STOPPED: "Nothing was allowed: an operator has stopped this for now. You can still say no.",
}


async def show_approval(request: Request) -> Response:
    """Show one call; whoever may decide about it has then been shown it."""

    async def flow(work: UnitOfWork) -> Response:
        visitor = await signed_in(work, request)
        if visitor is None:
            return _to_login(request)
        opened = await _open(work, request, visitor)
        if opened is None:
            return _nothing_here(request)
        if opened.it.state is State.PENDING and not _is_prefetched(request):
            await deciding.look(work, opened.it, opened.decider)
        return await _page(work, request, opened)

    return await answer(request, flow)


async def decide_approval(request: Request) -> Response:
    """Take a yes, a no, or what somebody found out about a call whose end nobody knew."""

    async def flow(work: UnitOfWork) -> Response:
        form = read_form(request)
        visitor = await signed_in(work, request)
        if visitor is None:
            return _to_login(request)
        opened = await _open(work, request, visitor)
        if opened is None:
            return _nothing_here(request)
        try:
            forms.check(request, form, *_bound_to(opened, form.one("shown") or ""))
        except forms.FormRefusedError:
            return await _page(work, request, opened, status=403, notice=_STALE_FORM)
        return await _decide(work, request, opened, form)

    return await answer(request, flow)


async def _decide(work: UnitOfWork, request: Request, opened: Open, form: Parameters) -> Response:
    choice, sent = form.one("decision"), form.one("shown") or ""
    if choice not in _CHOICES:
        raise InvalidRequest("decision: allow, deny, deny_and_stop, ran or not_ran.", reason="missing_decision")
    it, decider = opened.it, opened.decider
    if _is_said_already(opened, choice):
        # The form was sent twice: the same answer again.
        return _again(request, it)
    if choice == "allow" and it.state is State.PENDING and sent != opened.is_as_shown:
        # A no stays a no, whoever has agreed meanwhile.
        return await _page(work, request, opened, status=409, notice=_CHANGED)
    display_hash, more = sent.partition(".")[0], form.one("more") if choice == "allow" else None
    more = None if more == _ONLY_THIS_ONE else more
    if more is not None and more not in {each.key for each in await several.offered(work, it, decider)}:
        return await _page(work, request, opened, status=409, notice=_NOT_SHOWN)
    try:
        if choice == "deny_and_stop":
            await deciding.deny_and_stop(work, it, decider, display_hash)
        elif choice in {"allow", "deny"}:
            await deciding.decide(work, it, decider, choice == "allow", display_hash)
            if more is not None:
                await several.give(work, it, decider, more)
        else:
            await deciding.clear(work, it, decider, choice == "ran")
    except RefusedDecisionError as refused:
        # What refused may have become true since the page's own reading.
        now = await _read(work, it.id, opened.visitor)
        if now is None:
            return _nothing_here(request)
        return await _page(work, request, now, status=409, notice=_NOTICES.get(refused.reason))
    return _again(request, it)


def _in_words(each: Several) -> dict[str, object]:
    return {
        "key": each.key,
        "calls": each.calls,
        "within": words.span(each.seconds),
        "condition": each.condition,
    }


def _is_said_already(opened: Open, choice: str) -> bool:
    if choice == "allow":
        return opened.said is True
    if choice in {"deny", "deny_and_stop"}:
        return opened.said is False and (choice == "deny" or opened.it.is_ended)
    return opened.it.cleared_by == opened.decider.sub


async def _open(work: UnitOfWork, request: Request, visitor: Visitor) -> Open | None:
    """Return the call for somebody who may see it, and bind the unit to its tenant; None for everybody else."""
    tenant = approvals.tenant_of_id(request.path_id)
    if tenant is None or tenant not in visitor.member_of:
        return None
    work.bind(tenant)
    return await _read(work, request.path_id, visitor)


async def _read(work: UnitOfWork, approval_id: str, visitor: Visitor) -> Open | None:
    decider = await calls.decider(work, visitor.session)
    it = await approvals.find(work, approval_id) if decider is not None else None
    if decider is None or it is None or not deciding.may_see(it, decider):
        return None
    try:
        shown = showing.shown(work, it)
    except showing.NotReadableError:
        return None
    return Open(visitor=visitor, decider=decider, it=it, shown=shown, decided=await approvals.decisions(work, it))


async def _page(
    work: UnitOfWork, request: Request, opened: Open, *, status: int = 200, notice: str | None = None
) -> Response:
    it = opened.it
    context = await calls.who(work, it, opened.shown, reader=opened.decider.sub)
    context |= await _agreeing(work, opened, str(context["person_name"]))
    context |= {"time_left": ""}
    if it.state in {State.PENDING, State.APPROVED}:
        context["time_left"] = words.left(it.expires_at, work.now)
    if it.state is State.PENDING and opened.said is None:
        context |= await calls.last_time(work, it, opened.shown)
        context |= {"more": [_in_words(each) for each in await several.offered(work, it, opened.decider)]}
        return _ask(work, request, opened, context, status=status, notice=notice)
    return await _state(work, request, opened, context, status=status, notice=notice)


def _ask(
    work: UnitOfWork,
    request: Request,
    opened: Open,
    context: dict[str, object],
    *,
    status: int,
    notice: str | None,
) -> Response:
    it, decider, shown = opened.it, opened.decider, opened.is_as_shown
    refused = deciding.why_not(work, it, decider, opened.decided)
    return page(
        "approval.html",
        status=status,
        notice=notice,
        csrf=work.machines.keys.form_token(*_bound_to(opened, shown)),
        shown=shown,
        it=context,
        if_allowed=said.if_allowed(opened, context),
        stop_words=said.stop_words(opened, context),
        blocked=said.blocked(work, opened, refused),
        login_url=_login_url(request) if refused is WhyNot.LOGIN_TOO_OLD else None,
        person_name=opened.visitor.person.name,
        person_email=opened.visitor.person.email,
        inbox_url=request.issuer.path + "/approvals",
    )


async def _state(
    work: UnitOfWork,
    request: Request,
    opened: Open,
    context: dict[str, object],
    *,
    status: int,
    notice: str | None,
) -> Response:
    it = opened.it
    may_change = it.state in {State.PENDING, State.APPROVED, State.EXECUTING}
    turns = turning(parameters.parse(request.query), may_change=may_change and request.method == "GET")
    heading, then = await said.told(work, opened, context)
    may_clear = it.state is State.AMBIGUOUS and deciding.counts(it, opened.decider.sub, opened.decider.roles)
    shown = opened.is_as_shown
    return page(
        "approval_state.html",
        *turns.headers,
        status=status,
        notice=notice,
        it=context,
        heading=heading,
        then=then,
        clear={"csrf": work.machines.keys.form_token(*_bound_to(opened, shown)), "shown": shown} if may_clear else None,
        is_open=may_clear,
        turning=turns.is_on,
        may_change=may_change,
        inbox_url=request.issuer.path + "/approvals",
    )


async def _agreeing(work: UnitOfWork, opened: Open, person_name: str) -> dict[str, object]:
    it, rule = opened.it, opened.it.rule
    yeses = []
    for one in opened.yeses:
        person = await calls.person_of(work, one.sub)
        at = (one.decided_at_us or 0) // 1_000_000
        yeses.append(
            {
                "name": person.name if person is not None else "Somebody who is gone",
                "is_you": one.sub == opened.decider.sub,
                "iso": words.iso(at),
                "ago": words.ago(at, work.now),
            }
        )
    return {
        "needs_others": bool(it.role),
        "rule_words": said.rule_words(it, person_name),
        "yeses": yeses,
        "missing": max(0, rule.approvers - len(yeses)) if it.state is State.PENDING else 0,
    }


def _bound_to(opened: Open, shown: str) -> tuple[str, ...]:
    return ("approval", opened.visitor.session.reference, opened.it.id, shown)


def _is_prefetched(request: Request) -> bool:
    # A browser that fetches a page ahead shows it to nobody.
    return b"prefetch" in (request.headers.get(b"sec-purpose") or request.headers.get(b"purpose") or b"").lower()


def _again(request: Request, it: Approval) -> Response:
    return redirect(f"{request.issuer.path}/approvals/{it.id}")


def _login_url(request: Request) -> str:
    return f"{request.issuer.path}/login?to=approvals&id={request.path_id}"


def _to_login(request: Request) -> Response:
    return redirect(_login_url(request))


def _nothing_here(request: Request) -> Response:
    return page(
        "approval_nothing.html",
        status=404,
        code=404,
        title="There is nothing here for you",
        message="This call does not exist, or it is not for the account that you are signed in with.",
        cure="If you have another account, sign in with that one. Or look at what waits for this one.",
        inbox_url=f"{request.issuer.path}/approvals",
        # Without the id: everybody for whom it is not reads the same bytes, whatever they ask for.
        login_url=f"{request.issuer.path}/login?to=approvals",
        request_id="",
    )
