"""
POST /account/end-grant: a person ends a yes to several calls that works in their name.

RFC 9396 §12, decision 13. It acts with the commit: the next use is refused, and the next token says nothing of it. Whoever gave
it, the person it works for may end it; another person's is simply not there.
"""

from authserver.domain.call_grants import grant
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user
from authserver.oauth import parameters
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import Request, Response
from authserver.web.pages import account
from authserver.web.pages.account import Visitor


async def end_grant(request: Request) -> Response:
    """End it."""

    async def act(work: UnitOfWork, visitor: Visitor, _: Parameters) -> Response:
        query = parameters.parse(request.query)
        for tenant_id in visitor.member_of:
            tenant = await tenants.by_id(work, tenant_id)
            if tenant is None or tenant.slug != query.one("tenant"):
                continue
            inside = work.beside(tenant_id)
            member = await user.member_by_person(inside, visitor.person.id)
            found = await grant.find(inside, query.one("grant") or "")
            if member is None or found is None or found.sub != member.sub or not found.is_live(work.now):
                continue
            work.bind(tenant_id)
            grant.end(work, found, reason="ended_by_owner")
            return account.back(request, visitor.session, "grant-ended")
        return account.back(request, visitor.session, "gone")

    return await account.decided_by(request, act)
