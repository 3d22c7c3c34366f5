"""
GET and POST /console/stop: what a stop would reach, and then the one button; `act=pause` for an MCP server that is only held up.

Decision 14, C51, AD-12: what is dangerous (a tenant, everything) needs a login of the last five minutes and its name typed, and
that it was asked for is committed before it acts. Pressing twice, or on an old page, does nothing twice and nothing unseen.
"""

from authserver.domain.audit import event
from authserver.domain.revocation import kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import Kill, Radius
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import reasons, targets
from authserver.web.console.door import Operator, acted, csrf, frame, login_url, refuse, shown
from authserver.web.console.targets import Named
from authserver.web.http import Request, Response, redirect
from authserver.web.pages.answers import page
from resource_lib.wire.control import Act, Kind

DANGEROUS = frozenset({Kind.EVERYTHING, Kind.TENANT})

_CHANGED = "Nothing was stopped: something has changed since this page was made. Look again, then decide."
_MISTYPED = "Nothing was stopped: what was typed is not the name of what this page is about."
_STALE_LOGIN = "Nothing was stopped: your last sign-in was more than five minutes ago by now."


async def show_stop(request: Request) -> Response:
    """Show what it would reach, before anything else."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        named = await targets.asked(work, operator, query)
        if not operator.may_act:
            return redirect(operator.link())
        if _is_done(await kill_switch.find(work, named.target), _act(named, query)):
            return redirect(named.link(operator, "heard"))
        return await _page(work, request, operator, named, _act(named, query))

    return await shown(request, show)


async def stop(request: Request) -> Response:
    """Stop it, and go on to who obeys."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        named = await targets.asked(work, operator, query)
        wanted = _act(named, query)
        # One reading decides: what it finds is what the page's own state is compared with.
        found = await kill_switch.find(work, named.target)
        if _is_done(found, wanted):
            return redirect(named.link(operator, "heard", done="already"))
        notice = None
        if form.one("shown") != state_shown(work, operator, named, found):
            notice = _CHANGED
        elif named.target.kind in DANGEROUS and not operator.is_fresh(work.now):
            notice = _STALE_LOGIN
        elif named.target.kind in DANGEROUS and form.one("typed") != typed_name(named):
            notice = _MISTYPED
        if notice is not None:
            if notice == _STALE_LOGIN:
                await refuse(work, operator, "login_too_old")
            return await _page(work, request, operator, named, wanted, notice=notice, form=form)
        await asked_for(work, operator, named, wanted)
        do = stopping.pause if wanted is Act.PAUSE else stopping.kill
        await do(work, named.target, reason=reasons.given(form), by=operator.by)
        return redirect(named.link(operator, "heard"))

    return await acted(request, act)


async def asked_for(work: UnitOfWork, operator: Operator, named: Named, act: Act) -> None:
    """Commit in their own tenant, before it acts, that something dangerous was asked for, whatever becomes of it."""
    if named.target.kind not in DANGEROUS:
        return
    before = work.beside(operator.place.home.id)
    event.record(
        before,
        event.Kind.ADMIN_ASKED,
        sub=operator.place.sub,
        what=f"{act.value}:{named.target.kind.value}",
        payload={"target": named.target.key, "by": operator.by.label},
    )
    await before.commit()


def state_shown(work: UnitOfWork, operator: Operator, named: Named, found: Kill | None) -> str:
    """Return what a page says of its target's state, as a token: an older page is known by it, and it tells nothing."""
    number, stopped = (found.number, found.stopped) if found is not None else (0, "")
    parts = (named.target.key, str(number), stopped)
    return work.machines.keys.form_token("console/shown", operator.session.reference, *parts)


def typed_name(named: Named) -> str:
    """Return what has to be typed before something dangerous."""
    return named.slug if named.target.kind is Kind.TENANT else "everything"


def _act(named: Named, query: Parameters) -> Act:
    return Act.PAUSE if query.one("act") == "pause" and named.target.kind is Kind.RESOURCE else Act.KILL


def _is_done(found: Kill | None, wanted: Act) -> bool:
    return found is not None and found.stopped in {wanted.value, Act.KILL.value}


async def _page(
    work: UnitOfWork,
    request: Request,
    operator: Operator,
    named: Named,
    wanted: Act,
    *,
    notice: str | None = None,
    form: Parameters | None = None,
) -> Response:
    size = await stopping.radius(work, named.target)
    needs_login = named.target.kind in DANGEROUS and not operator.is_fresh(work.now)
    verb = "Pause" if wanted is Act.PAUSE else "Stop"
    return page(
        "console_stop.html",
        status=200 if notice is None else 409,
        at=frame(operator),
        csrf=csrf(request, operator),
        shown=state_shown(work, operator, named, await kill_switch.find(work, named.target)),
        heading_words=f"{verb} {named.name}"[:80],
        verb=verb,
        it=named.head(await targets.stop_of(work, operator, named.target)),
        notice=notice,
        size=size_in_words(size),
        login_url=login_url(request) if needs_login else None,
        back_url=operator.link(),
        doing={
            "type_name": typed_name(named) if named.target.kind in DANGEROUS else None,
            "decision": "pause" if wanted is Act.PAUSE else "stop",
            "button": f"{verb} now",
            "why": reasons.choices(named.target.kind, form),
            "words_given": reasons.words_of(form),
        },
        then=_then(named, wanted, size),
        others=_others(operator, named, wanted),
    )


def size_in_words(size: Radius) -> dict[str, object]:
    """Return how far it reaches."""
    return {
        "users": size.users,
        "clients": size.clients,
        "live_authorizations": size.live_authorizations,
        "servers": len(size.servers),
        "instances": size.instances,
    }


def _then(named: Named, wanted: Act, size: Radius) -> list[str]:
    tells = "Every running server hears of it within a second or two and says so; the next page shows who has."
    if wanted is Act.PAUSE:
        return [
            "Nothing ends. Its callers are told to come back, and go on once it is let go on.",
            "Tools can still be listed meanwhile.",
            tells,
        ]
    match named.target.kind:
        case Kind.TOOL | Kind.TOOL_VERSION:
            return ["Each call of it is answered as if there were no such tool, until somebody lets it go on.", tells]
        case Kind.RESOURCE:
            return ["Each call is refused until somebody lets it go on. No sign-in ends.", tells]
        case Kind.CLIENT | Kind.CLIENT_HOST if size.users == 0:
            ends = "What it holds ends"
        case Kind.USER:
            ends = "All their sign-ins end"
        case Kind.TENANT:
            ends = "Every sign-in of this organisation ends, and people are signed out of it"
        case Kind.EVERYTHING:
            ends = "Every sign-in on this server ends, in every organisation"
        case _:
            ends = "Its sign-ins end"
    never = "comes" if ends.endswith("holds ends") else "come"
    said = [f"{ends} and never {never} back.", "Nothing new begins until somebody lets it go on."]
    if named.target.kind in DANGEROUS:
        said.append("It ends your own sign-in too: sign in again to see who has obeyed, and to let it go on.")
    return [*said, tells]


def _others(operator: Operator, named: Named, wanted: Act) -> list[dict[str, str]]:
    match named.target.kind:
        case Kind.CLIENT:
            said = "Only end its sign-ins; it may ask people anew"
            return [{"url": named.link(operator, "end"), "words": said}]
        case Kind.USER:
            said = "Only end their sign-ins; they may sign in anew"
            return [{"url": named.link(operator, "end"), "words": said}]
        case Kind.RESOURCE if wanted is Act.KILL:
            return [
                {
                    "url": named.link(operator, "stop", act="pause"),
                    "words": "Only pause it; nothing is refused for good",
                }
            ]
        case _:
            return []
