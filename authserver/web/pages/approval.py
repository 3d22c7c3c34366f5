"""
GET and POST /approvals/{id}: one call that waits for a yes, and what has become of it.

Decision 13; RFC 9470 (a fresh or stronger sign-in before a yes), RFC 9396 §11; AP-09, AP-10, AP-11. A GET decides nothing. A form is
bound to session, call and what was shown. Who may not see a call is told what an unknown id is told, in the same bytes.
A page that is out of date shows how things are now, and says so.
"""

from dataclasses import dataclass

from markupsafe import Markup

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, several, showing
from authserver.domain.approvals.approval import Approval, Decision
from authserver.domain.approvals.deciding import Decider, RefusedDecisionError, WhyNot
from authserver.domain.approvals.several import Several
from authserver.domain.approvals.showing import Shown
from authserver.oauth import parameters
from authserver.oauth.errors import InvalidRequest
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.words import plain
from authserver.web.authorize import answer
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import calls, forms, words
from authserver.web.pages.account import Visitor, signed_in
from authserver.web.pages.answers import page
from authserver.web.pages.render import name
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
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """One call before somebody who may see it."""

    visitor: Visitor
    decider: Decider
    it: Approval
    shown: Shown
    decided: list[Decision]

    @property
    def said(self) -> bool | None:
        """What the visitor said; None: nothing yet."""
        return next((one.is_yes for one in self.decided if one.sub == self.decider.sub), None)

    @property
    def yeses(self) -> list[Decision]:
        """Who agreed and still could: whoever lost the role took their yes along."""
        return [one for one in self.decided if one.is_yes and deciding.counts(self.it, one.sub, one.still_roles)]

    @property
    def is_as_shown(self) -> str:
        """What a form says it was made for: the call, and how many had decided."""
        return f"{self.it.display_hash}.{self.it.decisions}"


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
        if_allowed=_if_allowed(opened, context),
        stop_words=_stop_words(opened, context),
        blocked=_blocked(work, opened, refused),
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
    heading, then = await _told(work, opened, context)
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
        "rule_words": _rule_words(it, person_name),
        "yeses": yeses,
        "missing": max(0, rule.approvers - len(yeses)) if it.state is State.PENDING else 0,
    }


def _rule_words(it: Approval, person_name: str) -> Markup:
    rule = it.rule
    if not it.role:
        return Markup("")
    who = f"{rule.approvers} people" if rule.approvers > 1 else "Somebody"
    verb = "have" if rule.approvers > 1 else "has"
    said = Markup("{} with the role “{}” {} to agree.").format(who, name(it.role, 100), verb)
    if rule.by == "person" and not rule.four_eyes and not it.is_of_machine:
        said = Markup("{} to agree: {}, in whose name it runs, or people with the role “{}”.").format(
            f"{who} {verb}", name(person_name, 40), name(it.role, 100)
        )
    if rule.four_eyes and person_name:
        said += Markup(" {}, in whose name it runs, cannot be one of them.").format(name(person_name, 40))
    if rule.approvers > 1:
        said += Markup(" One no is enough to end it.")
    return said


def _if_allowed(opened: Open, context: dict[str, object]) -> Markup:
    server, client = name(context["resource_name"], 40), name(context["client_name"], 40)
    more = opened.it.rule.approvers - len(opened.yeses) - 1
    if more > 0:
        return Markup("Your yes is noted. Nothing happens before {} more {} agreed.").format(
            more, "person has" if more == 1 else "people have"
        )
    if opened.it.tool_class == "destructive":
        said = Markup("{} does exactly this, one time, with the values on this page. It cannot be undone.").format(
            server
        )
    elif opened.it.tool_class == "write":
        said = Markup(
            "{} does exactly this, one time, with the values on this page. It changes something there."
        ).format(server)
    else:
        said = Markup("{} looks this up, one time, and shows it to {}.").format(server, client)
    return said + Markup(" With any other value, or a second time, {} has to ask again.").format(client)


def _stop_words(opened: Open, context: dict[str, object]) -> Markup:
    server, client = name(context["resource_name"], 40), name(context["client_name"], 40)
    if opened.it.is_of_machine:
        return Markup(
            "Nothing happens, and {} is cut off from {}: it can do nothing more there until an administrator lets it in again."
        ).format(client, server)
    if context["is_yours"]:
        return Markup(
            "Nothing happens, and {} is cut off from {}: it can do nothing more there in your name until you connect it again."
        ).format(client, server)
    return Markup(
        "Nothing happens, and {} is cut off from {}: it can do nothing more there in the name of {} until they connect it again."
    ).format(client, server, name(context["person_name"], 40))


def _blocked(work: UnitOfWork, opened: Open, refused: WhyNot | None) -> str | None:
    """Return why there is no button for a yes; None where there is one."""
    rule = opened.it.rule
    if refused is None:
        return None
    if refused is WhyNot.LOGIN_TOO_OLD:
        since = words.ago(opened.decider.auth_time, work.now)
        return (
            f"You signed in {since}. A yes to this needs a sign-in that is newer than {words.span(rule.max_age or 0)}."
        )
    if refused is WhyNot.LOGIN_TOO_WEAK:
        return (
            "A yes to this needs a stronger sign-in than the one you used. Ask the person who runs your organisation"
            " how to get it. You can still say no."
        )
    if refused is WhyNot.REQUESTER_EXCLUDED:
        return "It runs in your name, so somebody else has to allow it. You can still say no."
    return f"Only somebody with the role “{plain(opened.it.role, 100)}” can allow it. You can still say no."


async def _told(work: UnitOfWork, opened: Open, context: dict[str, object]) -> tuple[str | Markup, Markup]:
    """Return what a page says has become of it, and what happens next."""
    it = opened.it
    client, server = name(context["client_name"], 40), name(context["resource_name"], 40)
    if it.state is State.PENDING:
        missing = it.rule.approvers - len(opened.yeses)
        return "Your yes is noted", Markup("Nothing happens before {} more {} agreed. You can close this page.").format(
            missing, "person has" if missing == 1 else "people have"
        )
    if it.state is State.APPROVED:
        heading = "You allowed it, once" if opened.said else "It was allowed, once"
        if it.grant_id is not None:
            heading = "It was allowed by an earlier yes"
        go_on = (
            Markup("{} goes on by itself.").format(client)
            if it.is_of_machine
            else Markup("Go back to {}: it calls again by itself, or when you tell it to go on.").format(client)
        )
        return heading, go_on + Markup(" It has to begin before {}; after that it has to ask again.").format(
            words.moment(it.expires_at)
        )
    if it.state is State.EXECUTING:
        return "It is being done now", Markup("{} has begun. It cannot be stopped from here.").format(server)
    if it.state is State.DENIED:
        return await _told_of_no(work, opened, client, server)
    if it.state is State.DONE:
        if it.cleared_by is not None:
            return "It was noted as done", Markup(
                "It never runs again with this yes. The same call asks for a new one."
            )
        return "It was done", Markup("{} did this once. The same call asks for a new yes.").format(server)
    if it.state is State.AMBIGUOUS:
        return "Nobody knows whether it was done", Markup(
            "{} began, and stopped answering before it said how it ended. It is not run again until somebody who looked says"
            " what happened."
        ).format(server)
    return _told_of_end(opened, client)


async def _told_of_no(work: UnitOfWork, opened: Open, client: Markup, server: Markup) -> tuple[str | Markup, Markup]:
    by = next((one.sub for one in opened.decided if one.is_yes is False), "")
    person = await calls.person_of(work, by)
    heading: str | Markup = "It was not allowed"
    if by == opened.decider.sub:
        heading = "You did not allow it"
    elif person is not None:
        heading = Markup("{} did not allow it").format(name(person.name, 40))
    if opened.it.is_ended:
        return heading, Markup(
            "Nothing was done, and {} is cut off from {}. It can do nothing more there until it is connected again."
        ).format(client, server)
    return heading, Markup("Nothing was done. {} is told so when it calls again. You can close this page.").format(
        client
    )


def _told_of_end(opened: Open, client: Markup) -> tuple[str, Markup]:
    it = opened.it
    if it.cleared_by is not None:
        return "It was noted as not done", Markup("It ends here. If it is still wanted, tell {} to try again.").format(
            client
        )
    if it.is_ended:
        return "It is over", Markup("{} was disconnected, so this cannot be done any more. Nothing was done.").format(
            client
        )
    if it.decided_at is not None:
        return "It was not used in time", Markup(
            "It was allowed, and {} did not go on in time, so nothing was done. If it is still wanted, tell it to try again."
        ).format(client)
    return "It ran out of time", Markup(
        "Nobody decided in time, so nothing was done. If it is still wanted, tell {} to try again."
    ).format(client)


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
