"""
GET /console/search: people, applications, MCP servers, tools and sign-ins of where somebody acts, from one box.

Of a tenant nothing is found that is not its own (TN-15); whoever acts everywhere finds organisations, and what any of them has.
"""

from dataclasses import dataclass

from authserver.domain.finding import finding
from authserver.domain.finding.finding import Hit, What
from authserver.domain.resources import resource as resources
from authserver.domain.revocation.kill_switch import Stops
from authserver.domain.stopping.stopping import Kill, Target
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import search
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import rows, targets
from authserver.web.console.door import Operator, frame, shown
from authserver.web.console.revive import may_not
from authserver.web.http import Request, Response
from authserver.web.pages.answers import page
from resource_lib.wire.control import Kind

_MOST_OF_A_KIND = 20
_MOST_TENANTS = 40
_HEADS = {
    What.USER: "People",
    What.CLIENT: "Applications",
    What.AUTHORIZATION: "Sign-ins",
    What.RESOURCE: "MCP servers",
    What.TOOL: "Tools",
}
_KINDS = {What.USER: Kind.USER, What.CLIENT: Kind.CLIENT, What.RESOURCE: Kind.RESOURCE, What.TOOL: Kind.TOOL}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """What was found of one kind."""

    words: str
    rows: list[dict[str, object]]
    is_cut: bool


async def show_search(request: Request) -> Response:
    """Show what answers to the words in the box."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        # What draws nothing is in nobody's name, and would turn the words around it.
        asked = "".join(one for one in (query.one("q") or "")[: finding.MOST_WORDS] if one.isprintable()).strip()
        groups: list[_Group] = []
        if asked:
            groups = await _found(work, operator, asked)
        count = sum(len(group.rows) for group in groups)
        return page(
            "console_search.html",
            at=frame(operator, section="search", q=asked),
            found={"count": count, "is_cut": any(group.is_cut for group in groups)} if count else None,
            groups=groups,
        )

    return await shown(request, show)


async def _found(work: UnitOfWork, operator: Operator, asked: str) -> list[_Group]:
    groups: list[_Group] = []
    inside = [operator.tenant] if operator.tenant is not None else []
    if operator.tenant is None:
        every = await tenants.all_tenants(work)
        wanted = asked.casefold()
        named = [one for one in every if wanted in one.name.casefold() or wanted in one.slug]
        if named:
            groups.append(_group("Organisations", [_organisation(operator, one) for one in named]))
        inside = every[:_MOST_TENANTS]
    hits: dict[What, list[dict[str, object]]] = {what: [] for what in _HEADS}
    for tenant in inside:
        there = work.beside(tenant.id)
        for hit in await finding.find(there, asked, most=_MOST_OF_A_KIND + 1):
            if len(hits[hit.what]) <= _MOST_OF_A_KIND:
                hits[hit.what].append(await _hit(there, operator, tenant, hit))
    return groups + [_group(head, hits[what]) for what, head in _HEADS.items() if hits[what]]


def _group(head: str, found: list[dict[str, object]]) -> _Group:
    return _Group(words=head, rows=found[:_MOST_OF_A_KIND], is_cut=len(found) > _MOST_OF_A_KIND)


def _organisation(operator: Operator, tenant: Tenant) -> dict[str, object]:
    stop = operator.stops.by_key.get(Target(kind=Kind.TENANT, tenant=tenant.id).key)
    of = {"slug": tenant.slug, "kind": "tenant"}
    return _row(
        tenant.name,
        operator.link(slug=tenant.slug),
        lines=[targets.line(tenant.slug)],
        stop=stop,
        stop_url=operator.link("stop", **of),
        revive_url=operator.link("revive", **of),
    )


async def _hit(there: UnitOfWork, operator: Operator, tenant: Tenant, hit: Hit) -> dict[str, object]:
    lines = [] if operator.tenant is not None else [targets.line(f"in {tenant.name}")]
    if hit.what is What.AUTHORIZATION:
        return await _sign_in(there, operator, tenant, hit, lines)
    target = _target(tenant.id, hit)
    named = await targets.named(there, target)
    stop = _stop(operator.stops, target)
    if stop is not None and (stop.target != target or may_not(operator, stop)):
        revive_url = ""
    else:
        revive_url = named.link(operator, "revive")
    page_ = {What.USER: "holder", What.CLIENT: "holder", What.RESOURCE: "server"}.get(hit.what)
    url = named.link(operator, page_) if page_ else ""
    if hit.what is What.TOOL:
        url = operator.link("server", slug=tenant.slug, kind="resource", server=hit.resource)
    return _row(
        hit.title,
        url,
        tags=list(named.tags),
        lines=[*named.lines, *lines],
        stop=stop,
        stop_url=named.link(operator, "stop"),
        revive_url=revive_url,
    )


async def _sign_in(
    there: UnitOfWork, operator: Operator, tenant: Tenant, hit: Hit, lines: list[dict[str, object]]
) -> dict[str, object]:
    found = await search.find(there, hit.id)
    assert found is not None
    row = await rows.sign_in(there, operator, tenant, found)
    is_live = found.state is search.State.LIVE
    resource = await resources.by_uri(there, hit.resource)
    said = f"with {row['client']} at {resource.name if resource is not None else hit.resource}"
    return _row(
        str(row["who"]),
        str(row["who_url"]),
        tags=[] if is_live else [targets.tag("quiet", "Has ended")],
        lines=[targets.line(said), targets.line(hit.id, is_address=True), *lines],
    ) | {"end_url": row["end_url"] if is_live else ""}


def _target(tenant: str, hit: Hit) -> Target:
    return Target(
        kind=_KINDS[hit.what],
        tenant=tenant,
        sub=hit.id if hit.what is What.USER else "",
        client_id=hit.id if hit.what is What.CLIENT else "",
        resource=hit.resource,
        tool=hit.id if hit.what is What.TOOL else "",
    )


def _stop(stops: Stops, target: Target) -> Kill | None:
    found = stops.on(
        tenant=target.tenant,
        sub=target.sub,
        client_id=target.client_id,
        resource=target.resource,
        tool=target.tool,
    )
    return found if found is not None and found.target.kind is target.kind else None


def _row(
    name: str,
    url: str,
    *,
    tags: list[dict[str, str]] | None = None,
    lines: list[dict[str, object]] | None = None,
    stop: Kill | None = None,
    stop_url: str = "",
    revive_url: str = "",
) -> dict[str, object]:
    return {
        "name": name,
        "url": url,
        "stopped": stop.stopped if stop is not None else "",
        "tags": tags or [],
        "lines": lines or [],
        "stop_url": "" if stop is not None else stop_url,
        "revive_url": revive_url if stop is not None else "",
        "end_url": "",
    }
