"""
GET and POST /console/revive: let something that is stopped go on, deliberately, with a reason; what has ended stays so.

Decision 14. What the platform's operators stopped no tenant's operator revives.
"""

from authserver.domain.revocation import kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import Kill, StopRefusedError
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import reasons, targets
from authserver.web.console.door import Operator, acted, csrf, frame, login_url, refuse, shown
from authserver.web.console.stop import DANGEROUS, asked_for, state_shown, typed_name
from authserver.web.console.targets import Named
from authserver.web.http import Request, Response, redirect
from authserver.web.pages.answers import page
from resource_lib.wire.control import EVERY_TENANT, Act, Kind

_CHANGED = "Nothing was changed: something else happened since this page was made. Look again, then decide."
_NO_REASON = "Nothing was changed: say in a few words why it may go on."
_MISTYPED = "Nothing was changed: what was typed is not the name of what this page is about."
_STALE_LOGIN = "Nothing was changed: your last sign-in was more than five minutes ago by now."


async def show_revive(request: Request) -> Response:
    """Show what was stopped, by whom and why, and what letting it go on would not bring back."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        named = await targets.asked(work, operator, query)
        stop = await kill_switch.find(work, named.target)
        if stop is None or not stop.stopped:
            return redirect(named.link(operator, "heard" if stop is not None else "stop"))
        if not operator.may_act:
            return redirect(operator.link())
        return await _page(work, request, operator, named, stop)

    return await shown(request, show)


async def revive(request: Request) -> Response:
    """Let it go on."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        named = await targets.asked(work, operator, query)
        found = await kill_switch.find(work, named.target)
        if form.one("decision") != "revive":
            return redirect(operator.link())
        if found is None or not found.stopped:
            # Somebody else was quicker, or the button was pressed twice: it goes on once.
            return redirect(named.link(operator, "heard", done="already"))
        notice = None
        if form.one("shown") != state_shown(work, operator, named, found):
            notice = _CHANGED
        elif named.target.kind in DANGEROUS and not operator.is_fresh(work.now):
            notice = _STALE_LOGIN
            await refuse(work, operator, "login_too_old")
        elif named.target.kind in DANGEROUS and form.one("typed") != typed_name(named):
            notice = _MISTYPED
        elif not reasons.words_of(form):
            notice = _NO_REASON
        if notice is not None:
            return await _page(work, request, operator, named, found, notice=notice, form=form)
        await asked_for(work, operator, named, Act.REVIVE)
        try:
            await stopping.revive(work, named.target, reason=reasons.words_of(form), by=operator.by)
        except StopRefusedError:
            return redirect(named.link(operator, "heard", done="already"))
        return redirect(named.link(operator, "heard"))

    return await acted(request, act)


async def _page(
    work: UnitOfWork,
    request: Request,
    operator: Operator,
    named: Named,
    stop: Kill,
    *,
    notice: str | None = None,
    form: Parameters | None = None,
) -> Response:
    needs_login = named.target.kind in DANGEROUS and not operator.is_fresh(work.now)
    return page(
        "console_revive.html",
        status=200 if notice is None else 409,
        at=frame(operator),
        csrf=csrf(request, operator),
        shown=state_shown(work, operator, named, stop),
        it=named.head(stop),
        notice=notice,
        stop=await targets.put_down(work, operator, stop),
        then=_then(named, stop),
        doing=None
        if may_not(operator, stop)
        else {
            "words_given": reasons.words_of(form),
            "is_missing": notice == _NO_REASON,
            "type_name": typed_name(named) if named.target.kind in DANGEROUS else None,
        },
        login_url=login_url(request) if needs_login else None,
    )


def may_not(operator: Operator, stop: Kill) -> bool:
    """Whether only the platform's operators may let it go on."""
    return operator.by.tenant not in {EVERY_TENANT, stop.stopped_by}


def _then(named: Named, stop: Kill) -> list[str]:
    if stop.stopped == Act.PAUSE.value or named.target.kind in {Kind.RESOURCE, Kind.TOOL, Kind.TOOL_VERSION}:
        return [
            "Calls go through again as soon as its servers have heard of it.",
            "Sign-ins had not ended; they go on.",
        ]
    return [
        "New sign-ins may begin from now on.",
        "What ended stays ended: nothing comes back, and whoever still needs it connects anew.",
    ]
