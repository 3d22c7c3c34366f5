"""
GET /approvals: everything that waits for a person's yes, in all their organisations, what ends first first.

AP-12: the calls of one application and tool stand together, so that many look like many. It looks again by itself (`turning.py`).
"""

from collections import defaultdict

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, showing
from authserver.domain.approvals.approval import Approval
from authserver.domain.clients import registry
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.oauth import parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import calls, words
from authserver.web.pages.account import Visitor, signed_in
from authserver.web.pages.answers import page
from authserver.web.pages.turning import turning

_MOST_OF_A_GROUP = 20
_MOST_RECENT = 10
_URGENT_S = 120


async def show_approvals(request: Request) -> Response:
    """Show what waits, what nobody knows the end of, and what was decided lately."""

    async def flow(work: UnitOfWork) -> Response:
        visitor = await signed_in(work, request)
        if visitor is None:
            return redirect(request.issuer.path + "/login?to=approvals")
        return await _page(work, request, visitor)

    return await answer(request, flow)


async def _page(work: UnitOfWork, request: Request, visitor: Visitor) -> Response:
    waiting: list[tuple[UnitOfWork, Approval]] = []
    unclear: list[tuple[UnitOfWork, Approval]] = []
    lately: list[tuple[UnitOfWork, Approval, str]] = []
    for tenant in visitor.member_of:
        there = work.beside(tenant)
        decider = await calls.decider(there, visitor.session)
        if decider is None:
            continue
        waiting += [(there, it) for it in await deciding.waiting_for(there, decider)]
        unclear += [(there, it) for it in await deciding.unclear_for(there, decider)]
        known = {it.id for _, it in (*waiting, *unclear)}
        lately += [
            (there, it, said)
            for it, said in (await approvals.lately(there, decider.sub, most=_MOST_RECENT))
            if it.id not in known
        ]
    waiting.sort(key=lambda one: (one[1].expires_at, one[1].id))
    lately.sort(key=lambda one: (-one[1].requested_at, one[1].id))
    turns = turning(parameters.parse(request.query))
    return page(
        "approvals.html",
        *turns.headers,
        count=len(waiting),
        person_name=visitor.person.name,
        person_email=visitor.person.email,
        turning=turns.is_on,
        is_paused=turns.is_paused,
        account_url=request.issuer.path + "/account",
        groups=await _groups(request, visitor, waiting),
        unclear=[await _call(request, visitor, there, it) for there, it in unclear],
        recent=[await _call(request, visitor, there, it, said=said) for there, it, said in lately[:_MOST_RECENT]],
    )


async def _groups(
    request: Request, visitor: Visitor, waiting: list[tuple[UnitOfWork, Approval]]
) -> list[dict[str, object]]:
    together: dict[tuple[str, ...], list[tuple[UnitOfWork, Approval]]] = defaultdict(list)
    for there, it in waiting:
        together[it.tenant, it.client_id, it.resource, it.tool].append((there, it))
    groups: list[dict[str, object]] = []
    for same in together.values():
        there, first = same[0]
        tenant = await tenants.by_id(there, first.tenant)
        listed = [await _call(request, visitor, there, it) for there, it in same[:_MOST_OF_A_GROUP]]
        groups.append(
            {
                **{word: listed[0][word] for word in ("client_name", "tool_title", "resource_name")},
                "tool_class": first.tool_class,
                "tenant_name": tenant.name if tenant is not None else "",
                "calls": listed,
                "count": len(same),
            }
        )
    return groups


async def _call(
    request: Request, visitor: Visitor, work: UnitOfWork, it: Approval, *, said: str = ""
) -> dict[str, object]:
    client = await registry.find(work, it.client_id)
    resource = await resources.by_uri(work, it.resource)
    person = await calls.person_of(work, it.sub) if not it.is_of_machine else None
    try:
        shown = showing.shown(work, it)
    except showing.NotReadableError:
        shown = None
    return {
        "url": f"{request.issuer.path}/approvals/{it.id}",
        "sentence": calls.sentence(shown.sentence) if shown is not None else [],
        "tool_title": (shown.title if shown is not None else "") or it.tool,
        "client_name": client.name if client is not None else "An application that was removed",
        "resource_name": resource.name if resource is not None else "A server that was removed",
        "state": it.state.value,
        "for_name": person.name if person is not None and person.id != visitor.person.id else "",
        "asked_iso": words.iso(it.requested_at),
        "asked_ago": words.ago(it.requested_at, work.now),
        "yeses": it.decisions,
        "wanted": it.rule.approvers,
        "time_left": words.left(it.expires_at, work.now),
        "is_urgent": it.expires_at - work.now < _URGENT_S,
        "you_said": said,
    }
