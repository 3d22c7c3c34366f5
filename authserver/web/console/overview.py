"""
GET /console: what is stopped now, which agents are at work, how each MCP server is, what waits; with a button at each that stops it.

C59: from here an agent is stopped with two more presses. It reads a bounded number of rows however large a tenant is: the newest
sign-ins that live, and the newest events of the record. GET /console/places: which organisation.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from authserver.domain.approvals import approval as approvals
from authserver.domain.audit import event
from authserver.domain.audit import search as record
from authserver.domain.health import servers as health
from authserver.domain.resources import resource as resources
from authserver.domain.revocation.kill_switch import Stops
from authserver.domain.stopping.stopping import Kill, Target
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import search
from authserver.domain.tokens.search import Found, State, Wanted
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer
from authserver.web.console import rows, targets
from authserver.web.console.door import NothingHereError, Operator, frame, login_url, operator_places, shown
from authserver.web.console.revive import may_not
from authserver.web.http import Request, Response, redirect
from authserver.web.pages import words
from authserver.web.pages.answers import page
from authserver.web.pages.turning import EVERY_S, turning
from resource_lib.wire.approvals import State as ApprovalState
from resource_lib.wire.control import EVERY_TENANT, HELD, Kind

_LOOKED_THROUGH = 300
"""How many of the newest live sign-ins."""
_ACTIVE_EVENTS = 400
"""How many of the newest tokens that were issued say who is active."""
_MOST_AGENTS = 8
_MOST_NEWEST = 6
_MOST_UNUSED = 6
_UNUSED_EXAMINED = 5_000
"""How many of the newest sign-ins are looked through for those that nobody uses."""
_MOST_STOPPED = 50
_MOST_SERVERS = 100
_MOST_PLACES = 50


@dataclass(slots=True)
class _Agent:
    people: set[str]
    live: int = 0
    last_at: int = 0


async def show_overview(request: Request) -> Response:
    """Show how things stand."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        turns = turning(query, keep=True)
        tenant = operator.tenant
        live, is_cut = await _live(work, tenant)
        found = await health.overview(work, tenant.id if tenant is not None else None)
        servers = [rows.server(operator, one) for one in found[:_MOST_SERVERS]]
        return page(
            "console.html",
            *turns.headers,
            at=frame(operator, section="overview"),
            turning=rows.looks_again(query, turns, every_s=EVERY_S),
            stopped=await _stopped(work, operator),
            waiting=await _waiting(work, tenant),
            places=await _organisations(work, operator) if tenant is None else None,
            agents=await _agents(work, operator, tenant, live) if tenant is not None else None,
            newest=[
                await rows.sign_in(work.beside(tenant.id), operator, tenant, one) | {"ends": "", "may": []}
                for one in live[:_MOST_NEWEST]
            ]
            if tenant is not None
            else None,
            unused=await _unused(work, operator, tenant) if tenant is not None else None,
            servers=servers,
            numbers=_numbers(live, servers, is_cut=is_cut) if tenant is not None else [],
            whole=_whole(operator),
        )

    return await shown(request, show)


async def show_places(request: Request) -> Response:
    """Show where somebody may act."""

    async def flow(work: UnitOfWork) -> Response:
        found = await operator_places(work, request)
        if found is None:
            return redirect(login_url(request))
        visitor, places = found
        url = request.issuer.path + "/console"
        listed = {
            place.home.slug: {
                "name": place.home.name,
                "url": f"{url}?tenant={place.home.slug}",
                "may": place.look_only or "You may stop things here",
            }
            for place in places
            if not place.is_platform
        }
        if platform := next((place for place in places if place.is_platform), None):
            everywhere = {"name": "Every organisation", "url": url, "may": platform.look_only or "You run this server"}
            may = platform.look_only or "As somebody who runs this server"
            for tenant in (await tenants.all_tenants(work))[:200]:
                listed.setdefault(tenant.slug, {"name": tenant.name, "url": f"{url}?tenant={tenant.slug}", "may": may})
            listed = {"": everywhere} | listed
        return page(
            "console_places.html",
            places=list(listed.values()),
            person_name=visitor.person.name,
            person_email=visitor.person.email,
            account_url=request.issuer.path + "/account",
        )

    return await answer(request, flow)


async def _live(work: UnitOfWork, tenant: Tenant | None) -> tuple[Sequence[Found], bool]:
    if tenant is None:
        return (), False
    found = await search.search(work.beside(tenant.id), Wanted(state=State.LIVE), most=_LOOKED_THROUGH)
    return found.found, found.after is not None


async def _unused(work: UnitOfWork, operator: Operator, tenant: Tenant) -> dict[str, object]:
    """Return the sign-ins that live and that nobody has used for long."""
    there = work.beside(tenant.id)
    wanted = Wanted(state=State.LIVE, unused_since=search.unused_since(there))
    found = await search.search(there, wanted, most=_MOST_UNUSED, examined=_UNUSED_EXAMINED)
    return {
        "days": there.machines.settings.unused_after_days,
        "rows": [
            await rows.sign_in(there, operator, tenant, one) | {"ends": "", "may": [], "last": rows.last_use(one)}
            for one in found.found
        ],
        "has_more": found.after is not None,
    }


def _of_them(operator: Operator, kill: Kill) -> bool:
    return operator.tenant is None or kill.target.tenant == operator.tenant.id


async def _stopped(work: UnitOfWork, operator: Operator) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    for stop in [one for one in operator.kills if _of_them(operator, one)][:_MOST_STOPPED]:
        try:
            named = await targets.named(work, stop.target)
        except NothingHereError:
            continue
        tenant = await tenants.by_id(work, stop.target.tenant) if stop.target.tenant != EVERY_TENANT else None
        is_elsewhere = operator.tenant is None and tenant is not None and stop.target.kind is not Kind.TENANT
        listed.append(
            {
                "kind": named.kind,
                "name": named.name,
                "stopped": stop.stopped,
                **await targets.put_down(work, operator, stop),
                "where": f"in {tenant.name}" if is_elsewhere and tenant is not None else "",
                "heard_url": named.link(operator, "heard"),
                "revive_url": "" if may_not(operator, stop) else named.link(operator, "revive"),
            }
        )
    return listed + await _from_above(work, operator)


async def _from_above(work: UnitOfWork, operator: Operator) -> list[dict[str, object]]:
    """Return what the platform's operators stopped everywhere, to those whom it reaches although it is not theirs."""
    listed: list[dict[str, object]] = []
    for stop in operator.kills if operator.tenant is not None else ():
        if len(listed) < _MOST_STOPPED and await _reaches(work, operator, stop.target):
            named = await targets.named(work, stop.target)
            at = stop.changed_at_us // 1_000_000
            listed.append(
                {
                    "kind": named.kind,
                    "name": named.name,
                    "stopped": stop.stopped,
                    "since": words.ago(at, work.now),
                    "since_iso": words.iso(at),
                    "by": "the people who run this server",
                    "reason": "",
                    "where": "",
                    "heard_url": "",
                    "revive_url": "",
                }
            )
    return listed


async def _reaches(work: UnitOfWork, operator: Operator, target: Target) -> bool:
    if operator.tenant is None or target.tenant != EVERY_TENANT:
        return False
    if target.kind in HELD:
        found = await resources.by_uri(work, target.resource)
        return found is not None and operator.tenant.id in found.tenants
    return target.kind is Kind.EVERYTHING


async def _waiting(work: UnitOfWork, tenant: Tenant | None) -> int:
    if tenant is None:
        return 0
    return len(await approvals.list_(work.beside(tenant.id), state=ApprovalState.PENDING))


async def _agents(work: UnitOfWork, operator: Operator, tenant: Tenant, live: Sequence[Found]) -> dict[str, object]:
    """Return the applications that have something now, those first that were given a token last."""
    there = work.beside(tenant.id)
    found: dict[str, _Agent] = defaultdict(lambda: _Agent(people=set()))
    for one in live:
        agent = found[one.authorization.client_id]
        agent.live += 1
        agent.last_at = max(agent.last_at, one.last_used_at or one.started_at)
        if not one.authorization.is_of_machine:
            agent.people.add(one.authorization.sub)
    issued = await record.search(
        there, record.Wanted(kind=event.Kind.TOKEN_ISSUED.value), most=_ACTIVE_EVENTS, examined=20_000
    )
    for token in issued.events:
        if token.client_id in found:
            found[token.client_id].last_at = max(found[token.client_id].last_at, token.at_us // 1_000_000)
    # What is stopped stands among them too: it is looked for here, and let go on from here.
    for stop in operator.kills:
        if stop.target.kind is Kind.CLIENT and stop.target.tenant == tenant.id:
            found[stop.target.client_id].last_at = max(
                found[stop.target.client_id].last_at, stop.changed_at_us // 1_000_000
            )
    order = sorted(found, key=lambda client_id: (-found[client_id].last_at, client_id))
    listed = [await _agent(there, operator, tenant, client_id, found[client_id]) for client_id in order[:_MOST_AGENTS]]
    return {"count": len(found), "rows": listed}


async def _agent(
    there: UnitOfWork, operator: Operator, tenant: Tenant, client_id: str, agent: _Agent
) -> dict[str, object]:
    name, client = await targets.client_words(there, tenant.id, client_id)
    host = client.document_host if client is not None else ""
    stop = _stop_of_client(operator.stops, tenant.id, client_id, host)
    is_theirs = stop is not None and stop.target == Target(kind=Kind.CLIENT, tenant=tenant.id, client_id=client_id)
    of = {"slug": tenant.slug, "kind": "client", "client": client_id}
    return {
        "name": name,
        "url": operator.link("holder", **of),
        "verified": client is not None and client.is_verified,
        "host": host,
        "people": len(agent.people),
        "live": agent.live,
        "last": words.ago(agent.last_at, there.now),
        "last_iso": words.iso(agent.last_at),
        "stopped": stop.stopped if stop is not None else "",
        "stop_url": operator.link("stop", **of),
        "revive_url": operator.link("revive", **of)
        if is_theirs and stop is not None and not may_not(operator, stop)
        else "",
    }


def _stop_of_client(stops: Stops, tenant: str, client_id: str, host: str) -> Kill | None:
    found = stops.on(tenant=tenant, client_id=client_id, host=host)
    return found if found is not None and found.target.kind in {Kind.CLIENT, Kind.CLIENT_HOST} else None


async def _organisations(work: UnitOfWork, operator: Operator) -> dict[str, object]:
    every = await tenants.all_tenants(work)
    stops = operator.stops
    stopped = {one.id: stops.by_key.get(Target(kind=Kind.TENANT, tenant=one.id).key) for one in every}
    # What is stopped first: that is what somebody comes for.
    every = sorted(every, key=lambda one: (stopped[one.id] is None, one.name.casefold()))
    listed = [
        {
            "name": one.name,
            "slug": one.slug,
            "url": operator.link(slug=one.slug),
            "stop_url": operator.link("stop", slug=one.slug, kind="tenant"),
            "stopped": stop.stopped if (stop := stopped[one.id]) is not None else "",
            "is_suspended": not one.is_active,
        }
        for one in every[:_MOST_PLACES]
    ]
    return {"count": len(every), "rows": listed}


def _numbers(live: Sequence[Found], servers: list[dict[str, object]], *, is_cut: bool) -> list[dict[str, str]]:
    more = "+" if is_cut else ""
    people = {one.authorization.sub for one in live if not one.authorization.is_of_machine}
    return [
        {"words": "Live sign-ins", "count": f"{len(live)}{more}"},
        {"words": "People", "count": f"{len(people)}{more}"},
        {"words": "Applications", "count": f"{len({one.authorization.client_id for one in live})}{more}"},
        {"words": "MCP servers", "count": str(len(servers))},
    ]


def _whole(operator: Operator) -> dict[str, str] | None:
    if operator.tenant is None:
        return {
            "words": "Ends and stops everything that this server has ever allowed, in every organisation.",
            "url": operator.link("stop", kind="everything"),
            "button": "Stop everything",
        }
    return {
        "words": f"Ends and stops every person, application and server of {operator.tenant.name} at once.",
        "url": operator.link("stop", kind="tenant"),
        "button": "Stop the whole organisation",
    }
