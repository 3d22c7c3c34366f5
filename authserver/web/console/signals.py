"""
GET /console/signals: what is unusual where somebody acts. GET and POST /console/signals/{id}: one of them, with its numbers, the calls
behind it, and what can be done: dismiss it, let its application's writes wait for a person, stop the application.
"""

from typing import Final

from authserver.domain.audit import search
from authserver.domain.signals import acting, settings, signal, telling, watching
from authserver.domain.signals.kinds import SPECS, Gravity
from authserver.domain.signals.signal import DismissedError, Signal
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tool_policies import step_up
from authserver.domain.tool_policies.step_up import RefusedError, StepUp
from authserver.domain.users import user
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import targets
from authserver.web.console.door import NothingHereError, Operator, acted, csrf, frame, shown
from authserver.web.console.record import rows_of
from authserver.web.http import Request, Response
from authserver.web.pages import words
from authserver.web.pages.answers import page

MOST: Final = 50
_MOST_TENANTS: Final = 50
_GRAVITY: Final = {
    Gravity.CRITICAL: ("bad", "Critical"),
    Gravity.WARNING: ("warn", "Warning"),
    Gravity.NOTE: ("quiet", "Note"),
}
_DONE: Final = {
    "step_up": "Its writes were made to wait for a person.",
    "stop": "The application was stopped.",
    "step_up_refused": "Its writes could not be made to wait: too many step-ups are in force.",
    "stop_refused": "The application could not be stopped. Look at it.",
}
_DISMISSED: Final = {"look": "good", "words": "Dismissed. The next time opens another."}
_STEPPED_UP: Final = {
    "look": "good",
    "words": "From now on each of its writes waits for a person's yes, at every server within seconds.",
}
_LET_GO: Final = {"look": "good", "words": "Its writes run again without a person's yes."}
_GONE: Final = {
    "look": "bad",
    "words": "Nothing was done: somebody else has just done something about it. Look at it again.",
}
MINUTES: Final = (15, 60, 480, 1440)


async def show_signals(request: Request) -> Response:
    """Show what is open, the latest first, and whose writes wait."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        is_open = query.one("state") != "dismissed"
        inside = [operator.tenant] if operator.tenant is not None else await tenants.all_tenants(work)
        found: list[tuple[Signal, Tenant]] = []
        waiting = []
        for tenant in inside[:_MOST_TENANTS]:
            there = work.beside(tenant.id)
            listed = await signal.page(there, state="open" if is_open else "dismissed", most=MOST)
            found += [(one, tenant) for one in listed.signals]
            waiting += [await _waits(there, operator, tenant, one) for one in await step_up.in_force(there)]
        found.sort(key=lambda one: -one[0].last_us)
        return page(
            "console_signals.html",
            at=frame(operator, section="signals"),
            rows=[await _row(work.beside(tenant.id), operator, tenant, one) for one, tenant in found[:MOST]],
            is_open=is_open,
            more=len(found) > MOST,
            waiting=waiting,
            other_url=operator.link("signals", state="dismissed" if is_open else ""),
            learning=await _learning(work, operator),
            kinds=await _kinds(work, operator),
        )

    return await shown(request, show)


async def show_signal(request: Request) -> Response:
    """Show one."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        del query
        there = _within(work, operator)
        return await _page(request, there, operator, await _found(there, request))

    return await shown(request, show)


async def decide_signal(request: Request) -> Response:
    """Dismiss it, let its application's writes wait, or let them go again."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        del query
        if operator.tenant is None:
            raise NothingHereError
        work.bind(operator.tenant.id)
        found = await _found(work, request)
        try:
            notice = await _decided(work, operator, found, form)
        except (DismissedError, RefusedError) as error:
            said = str(error).partition(": ")[2]
            return await _page(
                request, work, operator, found, notice={"look": "bad", "words": said[:1].upper() + said[1:] + "."}
            )
        if not await work.commit():
            notice = _GONE
        there = work.beside(operator.tenant.id)
        return await _page(request, there, operator, await _found(there, request), notice=notice)

    return await acted(request, act)


async def _decided(work: UnitOfWork, operator: Operator, found: Signal, form: Parameters) -> dict[str, str]:
    decision = form.one("decision")
    if decision == "dismiss":
        usual = form.one("usual") == "yes"
        signal.dismiss(work, found, reason=form.one("reason") or "", by=operator.by, is_usual=usual)
        return _DISMISSED
    if decision == "step-up" and found.is_of_agent:
        said = form.one("minutes") or ""
        minutes = int(said) if said in {str(one) for one in MINUTES} else settings.DEFAULT_MINUTES
        sub = await acting.sub_of(work, found)
        await signal.ask_more(work, found, sub=sub, minutes=minutes, by=operator.by)
        return _STEPPED_UP
    if decision == "let-go":
        for one in await _in_force(work, found):
            step_up.end(work, one, by=operator.by)
        return _LET_GO
    raise NothingHereError


def _within(work: UnitOfWork, operator: Operator) -> UnitOfWork:
    if operator.tenant is None:
        raise NothingHereError
    return work.beside(operator.tenant.id)


async def _found(there: UnitOfWork, request: Request) -> Signal:
    found = await signal.find(there, request.path_id)
    if found is None:
        raise NothingHereError
    return found


async def _page(
    request: Request, there: UnitOfWork, operator: Operator, it: Signal, *, notice: dict[str, str] | None = None
) -> Response:
    told = await telling.told(there, it)
    events = [one for name in it.event_ids if (one := await search.find(there, name)) is not None]
    waits = await _in_force(there, it) if it.is_open else []
    by = await user.listed(there, it.dismissed_by) if it.dismissed_by else None
    is_stoppable = operator.may_act and it.is_of_agent and operator.tenant is not None
    slug = operator.tenant.slug if operator.tenant is not None else ""
    return page(
        "console_signal.html",
        at=frame(operator, section="signals"),
        csrf=csrf(request, operator) if operator.may_act else "",
        notice=notice,
        title=told.title,
        sentence=told.sentence,
        tags=_tags(it),
        says=SPECS[it.kind].says,
        client=told.application,
        person=told.person,
        person_url=operator.link("record", sub=told.sub, what="call:") if told.person else "",
        server=await targets.server_name(there, it.resource) if it.resource else "",
        tool=it.tool,
        times=words.times(it.many),
        opened=words.moment(it.opened_us // 1_000_000),
        opened_iso=words.iso(it.opened_us // 1_000_000),
        last=words.ago(it.last_us // 1_000_000, there.now),
        last_iso=words.iso(it.last_us // 1_000_000),
        numbers=telling.explained(it.numbers),
        done=[_DONE[one] for one in dict.fromkeys(it.done) if one in _DONE],
        waits=[words.left(one.until, there.now) for one in waits],
        rows=await rows_of(
            there, operator, sorted(events, key=lambda one: -one.at_us), sub=told.sub if told.person else ""
        ),
        is_open=it.is_open,
        dismissed=words.moment(it.dismissed_us // 1_000_000) if it.dismissed_us is not None else "",
        dismissed_by=by.name if by is not None else "an operator" if it.dismissed_by else "",
        why=signal.why(there, it),
        may_step_up=operator.may_act and it.is_of_agent,
        minutes=[{"value": one, "words": words.span(one * 60)} for one in MINUTES],
        stop_url=operator.link("stop", slug=slug, kind="client", client=it.client_id) if is_stoppable else "",
        back_url=operator.link("signals"),
    )


async def _in_force(there: UnitOfWork, it: Signal) -> list[StepUp]:
    return [one for one in await step_up.in_force(there) if one.signal_id == it.id]


def _tags(it: Signal) -> list[dict[str, str]]:
    look, said = _GRAVITY[it.gravity]
    state = [] if it.is_open else [targets.tag("quiet", "Dismissed")]
    return [targets.tag(look, said), *state]


async def _row(there: UnitOfWork, operator: Operator, tenant: Tenant, it: Signal) -> dict[str, object]:
    told = await telling.told(there, it)
    return {
        "title": told.title,
        "sentence": told.sentence,
        "tags": _tags(it),
        "times": words.times(it.many),
        "last": words.ago(it.last_us // 1_000_000, there.now),
        "last_iso": words.iso(it.last_us // 1_000_000),
        "where": tenant.name if operator.tenant is None else "",
        "url": operator.link(f"signals/{it.id}", slug=tenant.slug),
    }


async def _waits(there: UnitOfWork, operator: Operator, tenant: Tenant, one: StepUp) -> dict[str, object]:
    person = await user.listed(there, one.sub) if one.sub else None
    return {
        "client": await telling.application_of(there, one.client_id),
        "who": person.name if person is not None else "this person" if one.sub else "whomever it acts for",
        "left": words.left(one.until, there.now),
        "where": tenant.name if operator.tenant is None else "",
        "url": operator.link(f"signals/{one.signal_id}", slug=tenant.slug) if one.signal_id else "",
    }


async def _learning(work: UnitOfWork, operator: Operator) -> dict[str, object] | None:
    """Return how much was seen so far; None: somebody looks at every tenant at once."""
    if operator.tenant is None:
        return None
    standing = await watching.standing(work.beside(operator.tenant.id))
    return {"events": standing.events, "agents": standing.baselines, "is_new": standing.is_new}


async def _kinds(work: UnitOfWork, operator: Operator) -> list[dict[str, object]]:
    if operator.tenant is None:
        return []
    known = await settings.of_tenant(work.beside(operator.tenant.id))
    return [
        {
            "name": kind.value,
            "title": SPECS[kind].title,
            "says": SPECS[kind].says,
            "is_on": one.is_on,
            "actions": [ACTION[each] for each in one.actions],
        }
        for kind, one in known.kinds.items()
    ]


ACTION: Final = {"webhook": "webhooks", "step_up": "step-up", "stop": "stop"}
