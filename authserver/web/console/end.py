"""
GET and POST /console/end: end one sign-in, or all of a person's or an application's, without stopping what comes after.

RFC 7009 seen from an operator. What has ended already is not ended twice; an old page ends only what it showed.
"""

from authserver.domain.revocation import kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import search
from authserver.domain.tokens.search import Found
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import reasons, rows, targets
from authserver.web.console.door import NothingHereError, Operator, acted, csrf, frame, shown
from authserver.web.console.stop import size_in_words, state_shown
from authserver.web.console.targets import Named
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import words
from authserver.web.pages.answers import page
from resource_lib.wire.control import Kind

_CHANGED = "Nothing was ended: something has changed since this page was made. Look again, then decide."


async def show_end(request: Request) -> Response:
    """Show what would end."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        if not operator.may_act:
            return redirect(operator.link())
        if query.one("authorization"):
            tenant, found = await _one(work, operator, query)
            if found.state is search.State.ENDED:
                return redirect(_after_one(operator, tenant, found, is_second=True))
            return await _page_of_one(work, request, operator, tenant, found)
        return await _page_of_all(work, request, operator, await _all(work, operator, query))

    return await shown(request, show)


async def end(request: Request) -> Response:
    """End it, and go on to who obeys."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        reason = reasons.given(form)
        if query.one("authorization"):
            tenant, found = await _one(work, operator, query)
            is_second = found.state is search.State.ENDED
            if not is_second:
                await stopping.revoke_authorization(work, found.authorization.id, by=operator.by, reason=reason)
            return redirect(_after_one(operator, tenant, found, is_second=is_second))
        named = await _all(work, operator, query)
        known = await kill_switch.find(work, named.target)
        if form.one("shown") != state_shown(work, operator, named, known):
            return await _page_of_all(work, request, operator, named, notice=_CHANGED, form=form)
        revoke = stopping.revoke_user if named.target.kind is Kind.USER else stopping.revoke_client
        await revoke(work, named.target, by=operator.by, reason=reason)
        return redirect(named.link(operator, "heard", ended="all"))

    return await acted(request, act)


def _after_one(operator: Operator, tenant: Tenant, found: Found, *, is_second: bool) -> str:
    done = {"done": "already"} if is_second else {}
    return operator.link("heard", slug=tenant.slug, ended="one", authorization=found.authorization.id, **done)


async def _one(work: UnitOfWork, operator: Operator, query: Parameters) -> tuple[Tenant, Found]:
    tenant = operator.tenant
    found = await search.find(work.beside(tenant.id), query.one("authorization") or "") if tenant is not None else None
    if tenant is None or found is None:
        raise NothingHereError
    return tenant, found


async def _all(work: UnitOfWork, operator: Operator, query: Parameters) -> Named:
    named = await targets.asked(work, operator, query)
    if named.target.kind not in {Kind.USER, Kind.CLIENT}:
        raise NothingHereError
    return named


async def _page_of_one(
    work: UnitOfWork, request: Request, operator: Operator, tenant: Tenant, found: Found
) -> Response:
    row = await rows.sign_in(work.beside(tenant.id), operator, tenant, found)
    owner = found.authorization
    client = operator.link("stop", slug=tenant.slug, kind="client", client=owner.client_id)
    who = str(row["client"] if owner.is_of_machine else row["who"])
    return page(
        "console_end.html",
        at=frame(operator),
        csrf=csrf(request, operator),
        shown="",
        heading_words="End this sign-in",
        before_name="End the sign-in of",
        it={
            "kind": "Sign-in",
            "name": who,
            "stopped": "",
            "tags": [],
            "lines": [targets.line(owner.id, is_address=True)],
        },
        notice=None,
        size=None,
        facts=[
            {"label": "Application", "text": row["client"], "hint": ""},
            {"label": "Server", "text": row["server"], "hint": owner.resource},
            {"label": "Since", "text": words.moment(found.started_at), "hint": ""},
            {"label": "May", "text": ", ".join([str(one) for one in row["may"]]) or "Nothing", "hint": ""},  # type: ignore[attr-defined]
        ],
        back_url=operator.link(),
        button="End it now",
        then=[
            "It never comes back, and its tokens are refused from the next moment on.",
            "It may be connected anew. To prevent that, stop the person or the application.",
        ],
        why=reasons.choices(None),
        words_given="",
        others=[{"url": client, "words": "Stop the application for everybody instead"}],
    )


async def _page_of_all(
    work: UnitOfWork,
    request: Request,
    operator: Operator,
    named: Named,
    *,
    notice: str | None = None,
    form: Parameters | None = None,
) -> Response:
    size = await stopping.radius(work, named.target)
    is_person = named.target.kind is Kind.USER
    return page(
        "console_end.html",
        status=200 if notice is None else 409,
        at=frame(operator),
        csrf=csrf(request, operator),
        shown=state_shown(work, operator, named, await kill_switch.find(work, named.target)),
        heading_words="End all sign-ins",
        before_name="End every sign-in of",
        it=named.head(await targets.stop_of(work, operator, named.target)),
        notice=notice,
        size=size_in_words(size),
        facts=None,
        back_url=operator.link(),
        button="End all now",
        then=[
            "None of them comes back, and their tokens are refused from the next moment on.",
            "They may sign in anew. To prevent that, stop them."
            if is_person
            else "It may ask people anew. To prevent that, stop it.",
        ],
        why=reasons.choices(named.target.kind, form),
        words_given=reasons.words_of(form),
        others=[
            {"url": named.link(operator, "stop"), "words": "Stop them instead" if is_person else "Stop it instead"}
        ],
    )
