"""GET /console/holder: what a person, or an application, has now, with the way to stop them, or to end each thing."""

from authserver.domain.stopping.stopping import Target
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens.search import State, Wanted
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import rows, targets
from authserver.web.console.door import NothingHereError, Operator, frame, shown
from authserver.web.console.revive import may_not
from authserver.web.http import Request, Response
from authserver.web.pages.answers import page
from resource_lib.wire.control import EVERY_TENANT, Kind

_MOST = 50


async def show_holder(request: Request) -> Response:
    """Show who has what."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        named = await targets.asked(work, operator, query)
        target = named.target
        if target.kind not in {Kind.USER, Kind.CLIENT}:
            raise NothingHereError
        listed, is_cut = await _listed(work, operator, target)
        stop = await targets.stop_of(work, operator, target)
        revive_url = "" if stop is None or may_not(operator, stop) else named.link(operator, "revive")
        return page(
            "console_holder.html",
            at=frame(operator),
            it=named.head(stop),
            stop=None
            if stop is None
            else await targets.put_down(work, operator, stop) | {"heard_url": named.link(operator, "heard")},
            ways={
                "stop_url": "" if stop is not None else named.link(operator, "stop"),
                "end_url": named.link(operator, "end"),
                "revive_url": revive_url,
            }
            if operator.may_act
            else None,
            rows=listed,
            is_cut=is_cut,
        )

    return await shown(request, show)


async def _listed(work: UnitOfWork, operator: Operator, target: Target) -> tuple[list[dict[str, object]], bool]:
    wanted = Wanted(sub=target.sub, client_id=target.client_id, state=State.LIVE)
    listed: list[dict[str, object]] = []
    for tenant in await _inside(work, target):
        found, is_cut = await rows.live_sign_ins(work, operator, tenant, wanted, most=_MOST - len(listed))
        # Of a person's own page each row is theirs: it leads nowhere new.
        listed += [row | {"who_url": ""} for row in found] if target.kind is Kind.USER else found
        if is_cut or len(listed) >= _MOST:
            return listed, True
    return listed, False


async def _inside(work: UnitOfWork, target: Target) -> list[Tenant]:
    if target.tenant == EVERY_TENANT:
        return await tenants.all_tenants(work)
    tenant = await tenants.by_id(work, target.tenant)
    return [tenant] if tenant is not None else []
