"""
GET /console/approvals: which calls wait for a person's yes where somebody acts.

What a call would do is shown to those alone who may decide about it (`deciding.may_see`); an operator reads which application
waits with which tool, and may stop it.
"""

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding
from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.deciding import Decider
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.users import user
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import targets
from authserver.web.console.door import Operator, frame, shown
from authserver.web.http import Request, Response
from authserver.web.pages import calls, words
from authserver.web.pages.answers import page
from resource_lib.wire.approvals import State

_MOST = 100
_MOST_TENANTS = 100


async def show_waiting(request: Request) -> Response:
    """Show what waits."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        del query
        inside = [operator.tenant] if operator.tenant is not None else await tenants.all_tenants(work)
        waiting: list[tuple[Approval, Tenant]] = []
        for tenant in inside[:_MOST_TENANTS]:
            found = await approvals.list_(work.beside(tenant.id), state=State.PENDING, most=_MOST)
            waiting += [(one, tenant) for one in found]
        waiting.sort(key=lambda one: (one[0].expires_at, one[0].id))
        return page(
            "console_approvals.html",
            at=frame(operator, section="approvals"),
            rows=[await _row(work, operator, tenant, one) for one, tenant in waiting[:_MOST]],
            inbox_url=request.issuer.path + "/approvals",
        )

    return await shown(request, show)


async def _row(work: UnitOfWork, operator: Operator, tenant: Tenant, it: Approval) -> dict[str, object]:
    there = work.beside(tenant.id)
    client, _ = await targets.client_words(there, tenant.id, it.client_id)
    resource = await resources.by_uri(there, it.resource)
    person = None if it.is_of_machine else await user.listed(there, it.sub)
    decider = await _decider(there, operator, tenant)
    may_see = decider is not None and deciding.may_see(it, decider)
    title = targets.tool_words(resource, it.tool)[0] if resource is not None else it.tool
    return {
        "tool": title,
        "class": it.tool_class,
        "client": client,
        "server": resource.name if resource is not None else "a server that was removed",
        "who": "itself" if it.is_of_machine else person.name if person is not None else "somebody who is gone",
        "where": tenant.name if operator.tenant is None else "",
        "asked": words.ago(it.requested_at, work.now),
        "asked_iso": words.iso(it.requested_at),
        "left": words.left(it.expires_at, work.now),
        "wanted": it.rule.approvers,
        "yeses": it.decisions,
        "url": f"{operator.url.removesuffix('/console')}/approvals/{it.id}" if may_see else "",
        "stop_url": operator.link("stop", slug=tenant.slug, kind="client", client=it.client_id),
    }


async def _decider(there: UnitOfWork, operator: Operator, tenant: Tenant) -> Decider | None:
    if tenant.id not in operator.visitor.member_of:
        return None
    return await calls.decider(there, operator.session)
